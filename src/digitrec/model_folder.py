"""Model folders, found, verified and read back; `digitrec.saving` writes them.

A model is a folder: the network twice (model.keras to go on training, model.onnx to use), the configuration and
history it came from, the metrics that prove it, and the figures.
"""

import csv
import hashlib
import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from digitrec.config import Settings, TrainConfig
from digitrec.records import (
    SHIPPED_MODELS,
    PathLike,
)

if TYPE_CHECKING:
    import keras

ARCHITECTURE = "architecture.json"  # of a network of one's own
SHIPPED = ("cnn", "numbers")  # the models that come with the package, by the names of their folders


AnySettings = TypeVar("AnySettings", bound=Settings)


class ModelError(ValueError):
    """A model folder is missing, incomplete or damaged.

    >>> find_model("absent")
    Traceback (most recent call last):
    digitrec.model_folder.ModelError: no model 'absent': expected a folder holding model.onnx, looked in ...
    """


def find_model(model: PathLike) -> Path:
    """Return the folder of a model given by path or by name.

    A name is looked up in ./models, then among the models that come with the package.

    Raises:
        ModelError: no such folder, with the places that were searched.
    """
    places = [Path(model)]
    if len(places[0].parts) == 1 and places[0].parts[0] != "..":
        places += [parent / model for parent in (Path("models"), SHIPPED_MODELS)]
    for place in places:
        if (place / "model.onnx").is_file():
            return place
    searched = ", ".join(str(place) for place in places)
    raise ModelError(f"no model {str(model)!r}: expected a folder holding model.onnx, looked in {searched}")


def is_shipped(folder: PathLike) -> bool:
    """Tell whether a folder is that of a model that comes with the package."""
    place = Path(folder).resolve()
    return place.name in SHIPPED and place.parent == SHIPPED_MODELS.resolve()


def hash_calibration(metrics: Mapping[str, Any]) -> str:
    """Return the SHA-256 of temperature and threshold, which decide an answer as much as the weights do."""
    return hash_content(json.dumps([metrics["temperature"], metrics["threshold"]]).encode())


def read_metrics(folder: PathLike) -> dict[str, Any]:
    """Return metrics.json as a dictionary, of which the data set and the hashes are sure to be there.

    Raises:
        ModelError: it is missing, or something else.
    """
    path = Path(folder) / "metrics.json"
    metrics = _read_json(path)
    for key, kind in (("dataset", str), ("sha256", dict)):
        if not isinstance(metrics.get(key), kind):
            raise ModelError(f"{path}: expected {key!r} to be a {kind.__name__}, got {str(metrics.get(key))[:50]!r}")
    return metrics


def read_calibration(folder: PathLike) -> tuple[float, float]:
    """Return the temperature (above 0) and the threshold (0-1) of a model.

    Raises:
        ModelError: they are missing, of another kind, or not those that were stored with the network.
    """
    path, metrics = Path(folder) / "metrics.json", read_metrics(folder)
    for key, least, most in (("temperature", 1e-6, 1e6), ("threshold", 0, 1)):
        value = metrics.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ModelError(f"{path}: expected a {key} in {least:g} to {most:g}, found {str(value)[:50]!r}")
    if metrics["sha256"].get("calibration") != hash_calibration(metrics):
        raise ModelError(
            f"{path}: temperature or threshold were changed after they were fitted; fit and save them anew"
        )
    return metrics["temperature"], metrics["threshold"]


def read_config(folder: PathLike, kind: type[AnySettings] = TrainConfig) -> AnySettings:  # type: ignore[assignment]
    """Return the configuration the model was trained with.

    Args:
        folder: of the model.
        kind: of configuration.

    Raises:
        ModelError: it is missing, damaged, or not the one that was stored with the network.
    """
    path = Path(folder) / "config.json"
    try:
        return kind.from_json(json.loads(read_verified(folder, path.name)))
    except ModelError:
        raise
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: {error}") from error


def read_history(folder: PathLike) -> dict[str, list[float]]:
    """Return the history: lists with a value per epoch.

    Raises:
        ModelError: it is missing, or no table of numbers.
    """
    path = Path(folder) / "history.csv"
    try:
        rows = list(csv.DictReader(io.StringIO(read_file(path).decode(), newline="")))
        return {key: [float(row[key]) for row in rows] for key in rows[0] if key != "epoch"}
    except (ValueError, IndexError, KeyError, TypeError, csv.Error) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path}: expected a table of numbers with a row an epoch ({error})") from error


def read_verified(folder: PathLike, name: str) -> bytes:
    """Return the content of a model's file, whose SHA-256 is the one its metrics.json states.

    Raises:
        ModelError: the file is missing, another one, or damaged.
    """
    path = Path(folder) / name
    content, expected = read_file(path), read_metrics(folder)["sha256"].get(name)
    if hash_content(content) != expected:
        raise ModelError(f"{path} is damaged or foreign: expected SHA-256 {expected}, found {hash_content(content)}")
    return content


def load_model(model: PathLike) -> "keras.Model":
    """Return the Keras network of a model folder, uncompiled.

    The network is built from config.json, one of your own from architecture.json, and only its weights are read from
    model.keras: nothing stored in these files can run code.

    Raises:
        ModelError: missing, damaged or foreign files.

    >>> load_model("cnn").output_shape
    (None, 11)
    """
    folder = find_model(model)
    network = _rebuild(folder) if has_architecture(folder) else _build(folder)
    load_weights(network, folder)
    return network


def has_architecture(folder: PathLike) -> bool:
    """Tell whether a folder holds a network of one's own, which no configuration describes."""
    return (Path(folder) / ARCHITECTURE).exists()


def _build(folder: Path) -> "keras.Model":
    from digitrec.networks import build_network

    return build_network(read_config(folder))


def _rebuild(folder: Path) -> "keras.Model":
    from digitrec.architectures import rebuild

    try:
        return rebuild(json.loads(read_verified(folder, ARCHITECTURE)))
    except ModelError:
        raise
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{folder / ARCHITECTURE}: {error}") from error


def load_weights(network: "keras.Model", folder: Path) -> None:
    """Load the weights of a model folder into a network.

    Raises:
        ModelError: they are missing, damaged, or another network's.
    """
    read_verified(folder, "model.keras")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Keras' own about what is then refused in a line
            network.load_weights(folder / "model.keras")
    except Exception as error:  # of zipfile, h5py and Keras, a dozen kinds
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"{folder / 'model.keras'}: expected the weights of this network ({reason[0]})") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(read_file(path))
    except ModelError:
        raise
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path}: expected an object, got {str(values)[:50]!r}")
    return values


def read_file(path: Path) -> bytes:
    """Return the content of a file of a model folder, or raise a ModelError that names it."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing; a model folder holds it beside model.onnx") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error


def hash_content(content: bytes) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
