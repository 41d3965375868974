"""What the study keeps: results as JSON, each under the key of what it was measured with, and fitted pipelines."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import skops.io
from numpy.typing import NDArray

from digitrec import records
from digitrec.model_folder import ModelError
from digitrec.records import PathLike
from digitrec.study import features
from digitrec.study.classifier import Network

# What a stored pipeline may hold besides scikit-learn's plain estimators; everything else is refused.
TRUSTED = [
    *(f"{kind.__module__}.{kind.__name__}" for kind in features.ImageTransformer.__subclasses__()),
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]


def keep(path: PathLike, key: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the result stored at `path` under the same key, or compute it and store it there.

    Args:
        path: a JSON file; beside the result it names machine, versions, date and commit.
        key: what the result depends on, see `fingerprint`.
        compute: called where there is no such result yet.
    """
    if kept := find_kept(path, key):
        return kept
    records.write_result(path, {"key": key, **compute()})
    return json.loads(Path(path).read_text(encoding="utf-8"))


def find_kept(path: PathLike, key: str) -> dict[str, Any] | None:
    """Return the result stored at `path` under the same key; None where there is none."""
    try:
        stored = json.loads(Path(path).read_text(encoding="utf-8"))
        return stored if stored["key"] == key else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None  # not measured yet, or only half of it was written elsewhere


def fingerprint(settings: object, *arrays: NDArray) -> str:
    """Return the SHA-256 of how settings print, and of arrays: the same pictures and settings give the same."""
    printed = re.sub(r" at 0x[0-9a-f]+", "", str(settings))
    return hashlib.sha256(f"{printed} {records.hash_arrays(*arrays)}".encode()).hexdigest()


def slug(name: str) -> str:
    """Return a name as part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def dump_pipeline(pipeline: Any, name: str) -> dict[str, bytes]:
    """Return a fitted pipeline as files by their names, which begin with `name`, without pickle: skops or ONNX."""
    if isinstance(pipeline, Network):
        return {f"{name}-{i}.onnx": model for i, model in enumerate(pipeline.onnx_)}
    return {f"{name}.skops": skops.io.dumps(pipeline)}


def describe_files(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return size_bytes of all files, and the sha256 of each."""
    return {
        "size_bytes": sum(map(len, files.values())),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }


def load_pipeline(folder: PathLike, name: str) -> Any:
    """Load the fitted scikit-learn pipeline of a method that was measured.

    Raises:
        ModelError: missing, damaged, or not the one that was measured.
    """
    place = Path(folder) / f"{slug(name)}.skops"
    try:
        expected = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))["sha256"][place.name]
        content = place.read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{place}: expected a stored pipeline and its result beside it ({error})") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise ModelError(f"{place} is damaged or foreign: its SHA-256 is not the one in {place.stem}.json")
    try:
        return skops.io.loads(content, trusted=TRUSTED)
    except Exception as error:  # of zipfile, of json, and of skops, which loads no type that it was not told to trust
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{place}: expected a pipeline of trusted types ({reason})") from error
