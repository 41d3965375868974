"""Model folders: the only module that writes them, and reads them back.

A model is a folder: the network twice (model.keras to go on training, model.onnx to use), the configuration and
history it came from, the metrics that prove it, and the figures.
"""

import csv
import hashlib
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitrec.config import TrainConfig

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

PathLike = str | os.PathLike[str]
_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[1]


class ModelError(ValueError):
    """A model folder is missing, incomplete or damaged."""


def find_model(model: PathLike) -> Path:
    """Return the folder of a model given by path or by name.

    A name is looked up in ./models, in the checkout's models/ and among the models that travel in the package.

    Raises:
        ModelError: no such folder, with the places that were searched.
    """
    places = [Path(model)]
    if len(places[0].parts) == 1 and places[0].parts[0] != "..":
        places += [parent / model for parent in (Path("models"), _CHECKOUT / "models", _PACKAGE / "models")]
    for place in places:
        if (place / "model.onnx").is_file():
            return place
    searched = ", ".join(str(place) for place in places)
    raise ModelError(f"no model {str(model)!r}: expected a folder holding model.onnx, looked in {searched}")


def save_model(
    folder: PathLike,
    model: "keras.Model",
    config: TrainConfig,
    history: Mapping[str, list[float]],
    metrics: Mapping[str, Any],
) -> Path:
    """Write a trained network, its configuration, history and first metrics; figures of an older run go.

    Args:
        folder: where to; made if missing. Each file is written beside and then put in its place.
        model: the float32 network, uncompiled, so that model.keras carries no optimizer.
        config: the configuration it was trained with.
        history: lists with a value per epoch.
        metrics: what is known so far; hashes, sizes, versions and the machine are added.

    Returns:
        The folder.
    """
    folder = Path(folder)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for figure in (folder / "figures").glob("*.png"):
        figure.unlink()
    _write(folder / "model.keras", model.save)
    write_json(folder / "config.json", config.to_json())
    write_bytes(folder / "model.onnx", export_onnx(model))
    rows = io.StringIO()
    table = csv.writer(rows, lineterminator="\n")
    table.writerow(["epoch", *history])
    for epoch, values in enumerate(zip(*history.values(), strict=True), 1):
        table.writerow([epoch, *(f"{value:.6g}" for value in values)])
    _write_text(folder / "history.csv", rows.getvalue())
    files = ("model.keras", "model.onnx")
    write_json(
        folder / "metrics.json",
        {
            "name": folder.name,
            "parameters": int(model.count_params()),
            "sha256": {name: _hash(folder / name) for name in files},
            "size_bytes": {name: (folder / name).stat().st_size for name in files},
            "versions": describe_versions(),
            "machine": describe_machine(),
            **metrics,
        },
    )
    return folder


def export_onnx(model: "keras.Model") -> bytes:
    """Return a network as an ONNX file; the road there leads through TensorFlow, whatever it was trained on."""
    from digitrec.backend import keras

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "model.onnx")
        if keras.backend.backend() == "tensorflow":
            _export(model, path)
        else:
            model.save(path.with_suffix(".keras"))
            code = f"from digitrec import runs; runs._export_saved({str(path)!r})"
            subprocess.run([sys.executable, "-c", code], env={**os.environ, "KERAS_BACKEND": "tensorflow"}, check=True)
        return path.read_bytes()


def _export(model: "keras.Model", path: Path) -> None:
    model(np.zeros((1, 28, 28, 1), np.float32))  # Keras exports only what was called once
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of numpy, to tf2onnx
        model.export(str(path), format="onnx", verbose=False)


def _export_saved(path: PathLike) -> None:
    """Export the network that lies beside `path`, on TensorFlow: what `export_onnx` asks of a process of its own."""
    from digitrec.backend import keras

    _export(keras.saving.load_model(Path(path).with_suffix(".keras"), compile=False), Path(path))


def update_metrics(folder: PathLike, **entries: Any) -> dict[str, Any]:
    """Add entries to metrics.json, replacing those of the same name, and return the whole."""
    metrics = {**read_metrics(folder), **entries}
    write_json(Path(folder) / "metrics.json", metrics)
    return metrics


def save_figures(folder: PathLike, figures: "Mapping[str, Figure]") -> list[Path]:
    """Write each figure to figures/<its name>.png and return the paths."""
    paths = []
    for name, figure in figures.items():
        path = Path(folder) / "figures" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        # No version inside, so that the same figure gives the same file.
        _write(path, partial(figure.savefig, format="png", metadata={"Software": None}))
        paths.append(path)
    return paths


def read_metrics(folder: PathLike) -> dict[str, Any]:
    """Return metrics.json as a dictionary."""
    return _read_json(Path(folder) / "metrics.json")


def read_config(folder: PathLike) -> TrainConfig:
    """Return the configuration the model was trained with."""
    return TrainConfig.from_json(_read_json(Path(folder) / "config.json"))


def read_history(folder: PathLike) -> dict[str, list[float]]:
    """Return the history: lists with a value per epoch."""
    with (Path(folder) / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {key: [float(row[key]) for row in rows] for key in rows[0] if key != "epoch"}


def check_hash(folder: PathLike, name: str) -> Path:
    """Return the path of a model file whose SHA-256 is the one its metrics.json states.

    Raises:
        ModelError: the file is another one, or damaged.
    """
    path = Path(folder) / name
    expected, found = read_metrics(folder).get("sha256", {}).get(name), _hash(path)
    if found != expected:
        raise ModelError(f"{path} is damaged or foreign: expected SHA-256 {expected}, found {found}")
    return path


def load_model(model: PathLike) -> "keras.Model":
    """Return the Keras network of a model folder, uncompiled.

    The network is built from config.json and only its weights are read from model.keras: nothing stored in that
    file can run code.

    Raises:
        ModelError: missing, damaged or foreign files.
    """
    folder = find_model(model)
    check_hash(folder, "model.keras")
    return _rebuild(folder)


def _rebuild(folder: PathLike) -> "keras.Model":
    """Build the network that config.json describes and read its weights."""
    from digitrec.networks import build_network

    network = build_network(read_config(folder))
    network.load_weights(Path(folder) / "model.keras")
    return network


def write_models_table(models: PathLike) -> str:
    """Write models/README.md: a table of every model folder, from their metrics; return its text."""
    lines = [
        "# Models",
        "",
        "One folder per trained model. This table is generated from each folder's metrics.json.",
        "",
        "| model | data | test accuracy (95 % interval) | errors | parameters | size, ONNX | training |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for path in sorted(Path(models).glob("*/metrics.json")):
        metrics = _read_json(path)
        lines.append(f"| [{metrics['name']}]({path.parent.name}/) | {' | '.join(describe_result(metrics))} |")
    text = "\n".join(lines) + "\n"
    _write_text(Path(models) / "README.md", text)
    return text


def describe_result(metrics: Mapping[str, Any]) -> list[str]:
    """Return data set, accuracy with interval, errors, parameters, size and training time as text for a table."""
    test = metrics.get("test")
    accuracy, errors = "not evaluated", ""
    if test:
        low, high = test["accuracy_interval"]
        accuracy = f"{test['accuracy']:.2%} ({low:.2%}–{high:.2%})"
        errors = f"{test['errors']} of {test['n']:,}"
    return [
        metrics["dataset"],
        accuracy,
        errors,
        f"{metrics['parameters']:,}",
        f"{metrics['size_bytes']['model.onnx'] / 1024:.0f} KiB",
        f"{metrics['training']['time_s'] / 60:.1f} min",
    ]


def write_json(path: PathLike, values: Mapping[str, Any]) -> None:
    """Write values as indented JSON, beside the old file and then in its place."""
    _write_text(Path(path), json.dumps(values, indent=2) + "\n")


def write_bytes(path: PathLike, content: bytes) -> None:
    """Write a file, beside the old one and then in its place."""
    _write(Path(path), lambda beside: Path(beside).write_bytes(content))


def describe_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages a result depends on."""
    from importlib import metadata  # 15 ms that reading a picture need not wait for

    packages = ("tensorflow", "keras", "numpy", "onnxruntime", "scikit-learn")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in packages}


def describe_machine() -> dict[str, Any]:
    """Return the processor, its number of cores and the operating system."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux, or a processor that does not name itself
    return {"processor": processor, "cores": os.cpu_count(), "system": platform.system()}


def _write(path: Path, write: Callable[[str], object]) -> None:
    """Let `write` make a file of the same kind beside `path`, then put it in its place."""
    beside = path.with_name(f".part-{path.name}")
    try:
        write(str(beside))
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _write_text(path: Path, text: str) -> None:
    _write(path, lambda beside: Path(beside).write_text(text, encoding="utf-8"))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing; a model folder holds it beside model.onnx") from error
    except ValueError as error:
        raise ModelError(f"{path} is no JSON: {error}") from error


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
