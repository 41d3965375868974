"""Fuzz model folders: files cut, changed, swapped, their hashes restated or not; all but a `ModelError` is a finding.

    python tests/fuzz/fuzz_models.py --seconds 600

The folders are, in turn, of a network of ours, of one of one's own and of one of numbers. What loads all the same has
to read a picture. The first finding ends the run with its traceback; the same --seed finds it again.
"""

import argparse
import hashlib
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from digitrec import model_folder
from digitrec.backend import keras
from digitrec.config import Settings, TrainConfig
from digitrec.fitting import fit
from digitrec.model_folder import ModelError
from digitrec.networks import build_cnn
from digitrec.numbers.config import NumberConfig
from digitrec.numbers.network import build_network
from digitrec.numbers.reader import NumberReader
from digitrec.numbers.saving import load_numbers
from digitrec.recognizer import Recognizer
from digitrec.saving import save_model
from digitrec.training import _compile

CONFIG = TrainConfig(filters=((4,), (4,)), dense=8)
NUMBERS = NumberConfig(filters=((4,), (4,), (4,), (4,), (4,)), context=0)
METRICS = {"dataset": "digits", "training": {"time_s": 60.0}, "temperature": 1.0, "threshold": 0.5}
HISTORY = {"loss": [1.5, 0.7], "val_accuracy": [0.5, 0.75]}
ODD = (None, [], {}, "", "x", -1, 0, 1e308, float("nan"), True, [[]], "\ud800", 10**30)
X = np.zeros((64, 28, 28, 1), np.float32)


def build_own() -> "keras.Model":
    """Return a network as a student writes it."""
    layers = [keras.layers.Conv2D(2, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    return keras.Sequential([keras.Input((28, 28, 1)), *layers])


def make_folders(scratch: Path) -> list[Path]:
    """Write a small model of each kind, with all that its folder may hold, a checkpoint too; return the folders."""
    kinds: list[tuple[keras.Model, Settings | None]] = [
        (build_cnn(CONFIG), CONFIG), (build_own(), None), (build_network(NUMBERS), NUMBERS)
    ]  # fmt: skip
    folders = [scratch / name for name in ("ours", "own", "numbers")]
    for folder, (network, config) in zip(folders, kinds, strict=True):
        (folder / "figures").mkdir(parents=True)
        save_model(folder, network, config, HISTORY, METRICS)
    _fit(make_student(), folders[0], resume=False)
    return folders


def make_student() -> "keras.Model":
    """Return the network whose training the checkpoint is of."""
    model = build_cnn(CONFIG)
    _compile(model, CONFIG, steps=10)
    return model


def _fit(model, folder: Path, resume: bool) -> None:
    batches = [(X, np.zeros(64, int))]
    fit(model, lambda epoch: batches, batches[0], 1, 1, folder / "checkpoint.npz", {"a": 1}, resume, lambda line: None)


def change(folder: Path, rng: np.random.Generator) -> str:
    """Change one file or two at random; return which."""
    changed = []
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for _ in range(rng.integers(1, 3)):
        path = files[rng.integers(len(files))]
        content = bytearray(path.read_bytes())
        kind = rng.integers(5)
        if kind == 0:
            content = content[: rng.integers(len(content) + 1)]
        elif kind == 1:
            for place in rng.integers(max(1, len(content)), size=rng.integers(1, 9)):
                content[place : place + 1] = bytes([rng.integers(256)])
        elif kind == 2:
            start, size = rng.integers(len(content) + 1), rng.integers(1, 200)
            content[start : start + size * rng.integers(2)] = rng.bytes(size)
        elif path.suffix == ".json" and path.name not in changed:
            content = bytearray(garble(json.loads(path.read_bytes()), rng))
        else:
            content = bytearray(files[rng.integers(len(files))].read_bytes())
        path.write_bytes(content)
        changed.append(path.name)
    if rng.random() < 0.7:
        restate(folder)
    return " and ".join(changed)


def garble(values: object, rng: np.random.Generator) -> bytes:
    """Put something odd in the place of one value, or of all."""
    if isinstance(values, dict) and values and rng.random() < 0.95:
        key = list(values)[rng.integers(len(values))]
        inner = values[key]
        if isinstance(inner, dict) and inner and rng.random() < 0.5:
            values[key] = json.loads(garble(inner, rng))
        elif rng.random() < 0.2:
            del values[key]
        else:
            values[key] = ODD[rng.integers(len(ODD))]
    else:
        values = ODD[rng.integers(len(ODD))]
    return json.dumps(values).encode()


def restate(folder: Path) -> None:
    """State the hashes of what is there now, as one who knows how would."""
    try:
        metrics = json.loads((folder / "metrics.json").read_bytes())
        for name in set(metrics["sha256"]) - {"calibration"}:
            metrics["sha256"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        metrics["sha256"]["calibration"] = model_folder.hash_calibration(metrics)
        (folder / "metrics.json").write_text(json.dumps(metrics))
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # no metrics.json to state them in


def read_all(folder: Path, kind: str, student: "keras.Model") -> int:
    """Read the folder in every way there is; return how many were refused."""
    refused = 0
    ways = [lambda: model_folder.read_history(folder)]
    if kind == "numbers":
        ways += [
            lambda: NumberReader.load(folder).predict(np.eye(40)),
            lambda: load_numbers(folder).predict(np.zeros((1, 32, 64, 1), np.float32), verbose=0),
            lambda: model_folder.read_config(folder, NumberConfig),
        ]
    else:
        ways += [
            lambda: Recognizer.load(folder).predict(np.eye(40)),
            lambda: model_folder.load_model(folder).predict(X[:1], verbose=0),
        ]
    if kind == "ours":
        ways += [lambda: model_folder.read_config(folder), lambda: _fit(student, folder, resume=True)]
    for way in ways:
        try:
            way()
        except ModelError as error:
            refused += 1
            if "\n" in str(error):
                raise RuntimeError("a reason of more than one line") from error
    return refused


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folders, student, folder = make_folders(Path(scratch)), make_student(), Path(scratch, "changed")
        assert all(read_all(whole, whole.name, student) == 0 for whole in folders)
        start, runs, refused = time.monotonic(), 0, 0
        while time.monotonic() - start < options.seconds:
            shutil.rmtree(folder, ignore_errors=True)
            seed = options.seed + runs
            whole = folders[seed % len(folders)]
            shutil.copytree(whole, folder)
            try:
                changed = change(folder, np.random.default_rng(seed))
                refused += read_all(folder, whole.name, student) > 0
            except BaseException:
                print(f"--seed {seed}: {changed} of {whole.name}", flush=True)
                raise
            runs += 1
        print(f"{runs:,} folders in {options.seconds:.0f} s, {refused:,} refused, nothing else")


if __name__ == "__main__":
    main()
