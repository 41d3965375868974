"""Model folders written: what is in them is said in `digitrec.model_folder`, which reads them back."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitrec.config import Settings
from digitrec.model_folder import ModelError, hash_calibration, hash_content, is_shipped, read_file, read_metrics
from digitrec.records import PathLike, describe_origin, write_beside, write_bytes, write_json, write_text

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure


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
    config: Settings,
    history: Mapping[str, list[float]],
    metrics: Mapping[str, Any],
) -> Path:
    """Write a trained network, its configuration, history and first metrics; figures of an older run go.

    Args:
        folder: where to; made if missing. Each file is written beside and then put in its place.
        model: the float32 network, uncompiled, so that model.keras carries no optimizer.
        config: the configuration it was trained with.
        history: lists with a value per epoch.
        metrics: what is known so far, "dataset", "temperature" and "threshold" at least; hashes, sizes, and what
            `records.describe_origin` says are added.

    Returns:
        The folder.
    """
    from digitrec.networks import export_onnx

    folder = Path(folder)
    write_beside(folder / "model.keras", model.save)
    write_bytes(folder / "model.onnx", export_onnx(model))
    write_json(folder / "config.json", config.to_json())
    rows = io.StringIO()
    table = csv.writer(rows, lineterminator="\n")
    table.writerow(["epoch", *history])
    for epoch, values in enumerate(zip(*history.values(), strict=True), 1):
        table.writerow([epoch, *(f"{value:.6g}" for value in values)])
    write_text(folder / "history.csv", rows.getvalue())
    entries = {
        "name": folder.name,
        "parameters": int(model.count_params()),
        "size_bytes": {name: (folder / name).stat().st_size for name in ("model.keras", "model.onnx")},
        **describe_origin(),
        **metrics,
    }
    hashes = {name: hash_content(read_file(folder / name)) for name in ("model.keras", "model.onnx", "config.json")}
    write_metrics(folder, {**entries, "sha256": {**hashes, "calibration": hash_calibration(metrics)}})
    for figure in (folder / "figures").glob("*.png"):
        figure.unlink()
    return folder


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
