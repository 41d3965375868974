"""Model folders written: what is in them is said in `digitrec.model_folder`, which reads them back."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitrec.config import Settings
from digitrec.model_folder import (
    ARCHITECTURE,
    ModelError,
    hash_calibration,
    hash_content,
    is_shipped,
    read_file,
    read_metrics,
)
from digitrec.records import PathLike, describe_origin, write_beside, write_bytes, write_json, write_text

if TYPE_CHECKING:
    import keras
    import numpy as np
    from matplotlib.figure import Figure

MAKER = "digitrec.save_model"


def check_target(folder: PathLike, maker: str, replace: bool = False) -> None:
    """Refuse a folder to train into that holds a model which the same command did not make.

    Args:
        folder: where a model is to be written.
        maker: the command, as it stands under "maker" in the metrics of what it made.
        replace: whether to replace whatever is there.

    Raises:
        ModelError: it holds a model of another maker, or is a file.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ModelError(f"{folder}: expected a folder to write to, found a file")
    if replace or not (folder / "model.onnx").exists():
        return
    if is_shipped(folder):
        raise ModelError(f"{folder} comes with digitrec: choose another name, or --replace it")
    try:
        found = read_metrics(folder).get("maker")
    except ModelError:
        found = None
    if found != maker:
        made = f"was made by {found}" if found else "was not made here"
        raise ModelError(f"{folder} holds a model that {made}: choose another name, or --replace it")


def save_model(
    folder: PathLike,
    model: "keras.Model",
    config: Settings | None = None,
    history: Any = None,
    metrics: Mapping[str, Any] | None = None,
    validation: "tuple[np.ndarray, np.ndarray] | None" = None,
) -> Path:
    """Write a trained network, its configuration, history and first metrics; figures of an older run go.

    Args:
        folder: where to; made if missing. Each file is written beside and then put in its place.
        model: a float32 network of ours, uncompiled; or one of your own as `Recognizer.from_keras` takes it, whose
            architecture is written beside.
        config: the configuration it was trained with; None where Keras' own `fit` trained it.
        history: lists with a value per epoch, or what `fit` returned; None writes none.
        metrics: what is known so far, "dataset", "temperature" and "threshold" at least; hashes, sizes, and what
            `records.describe_origin` says are added. None finds them on `validation`.
        validation: images and labels that the network was not trained on, as `Recognizer.from_keras` takes them.

    Returns:
        The folder.

    Raises:
        ModelError: without metrics, where the folder holds a model that was not written so.
        ValueError: a network of another form, one that holds more than Keras' own layers, or nothing to calibrate by.

    >>> from digitrec import load_split
    >>> from digitrec.backend import keras
    >>> own = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    >>> folder = save_model(scratch / "own", own, validation=load_split("digits")[1])
    >>> (folder / "model.onnx").is_file(), (folder / "architecture.json").is_file()
    (True, True)
    """
    from digitrec.architectures import OWN, adapt, describe
    from digitrec.networks import export_onnx

    folder = Path(folder)
    # Of numbers there is a row of logits for each frame.
    network = model if len(getattr(model, "output_shape", ())) == 3 else adapt(model)
    values = dict(getattr(history, "history", history) or {})
    if metrics is None:
        check_target(folder, MAKER)
        metrics = _measure(network, values, validation)
    parts = {
        "config.json": None if config is None else config.to_json(),
        ARCHITECTURE: describe(network) if network.name == OWN else None,
    }
    write_beside(folder / "model.keras", network.save)
    write_bytes(folder / "model.onnx", export_onnx(network))
    for name, part in parts.items():
        if part is None:
            (folder / name).unlink(missing_ok=True)
        else:
            write_json(folder / name, part)
    write_text(folder / "history.csv", _tabulate(values))
    entries = {
        "name": folder.name,
        "parameters": int(network.count_params()),
        "size_bytes": {name: (folder / name).stat().st_size for name in ("model.keras", "model.onnx")},
        **describe_origin(),
        **metrics,
    }
    kept = ["model.keras", "model.onnx", *(name for name, part in parts.items() if part is not None)]
    hashes = {name: hash_content(read_file(folder / name)) for name in kept}
    write_metrics(folder, {**entries, "sha256": {**hashes, "calibration": hash_calibration(metrics)}})
    for figure in (folder / "figures").glob("*.png"):
        figure.unlink()
    return folder


def _measure(
    network: "keras.Model", history: Mapping[str, list[float]], validation: "tuple[np.ndarray, np.ndarray] | None"
) -> dict[str, Any]:
    """Return the metrics of a network of which nothing is known but how long it was trained."""
    from digitrec.architectures import calibrate_network

    if validation is None:
        raise ValueError("validation: expected images and labels that the network was not trained on, to calibrate by")
    training: dict[str, Any] = {"epochs": len(next(iter(history.values()), ()))}
    if "time_s" in history:
        training["time_s"] = round(sum(history["time_s"]), 1)
    return {"maker": MAKER, "dataset": "mnist", "training": training, **calibrate_network(network, validation)}


def _tabulate(history: Mapping[str, list[float]]) -> str:
    """Return a history as CSV, a row an epoch."""
    rows = io.StringIO()
    table = csv.writer(rows, lineterminator="\n")
    table.writerow(["epoch", *history])
    for epoch, values in enumerate(zip(*history.values(), strict=True), 1):
        table.writerow([epoch, *(f"{value:.6g}" for value in values)])
    return rows.getvalue()


def write_metrics(folder: PathLike, metrics: Mapping[str, Any]) -> None:
    """Write metrics.json."""
    write_json(Path(folder) / "metrics.json", metrics)


def save_figures(folder: PathLike, figures: "Mapping[str, Figure]") -> list[Path]:
    """Write each figure to figures/<its name>.png and return the paths."""
    from digitrec.plots.style import draw_png

    paths = []
    for name, figure in figures.items():
        paths.append(Path(folder) / "figures" / f"{name}.png")
        write_bytes(paths[-1], draw_png(figure))
    return paths
