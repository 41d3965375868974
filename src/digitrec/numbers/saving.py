"""The network of numbers from its settings to a model folder, and back from there."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitrec import model_folder, saving
from digitrec.datasets import load_split
from digitrec.fitting import mix_weights
from digitrec.numbers.config import NumberConfig
from digitrec.numbers.constraints import MARKS
from digitrec.numbers.proof import compare, cut_frames, read_frames
from digitrec.records import PathLike
from digitrec.synthesis.numbers import Strips
from digitrec.synthesis.sources import Arrays, make_strips

if TYPE_CHECKING:
    import keras

MAKER = "digitrec train-numbers"
JUDGED = 2000  # strips by which the epoch to keep is chosen
PROVED = 6000  # other ones, by which temperature and threshold are fitted
PARTS = (1.0, 0.75, 0.5)  # of the way from old weights to new, that are tried
JUDGES, _PROOF = 2**62, 2**62 + 1  # seeds of theirs, which no training takes for its strips


def train_numbers(
    folder: PathLike,
    config: NumberConfig,
    dataset: str = "mnist",
    resume: bool = False,
    replace: bool = False,
    report: Callable[[str], None] = print,
    base: PathLike | None = None,
) -> dict[str, Any]:
    """Train a network of numbers, calibrate it on strips of validation digits, and write its model folder.

    Args:
        folder: the model folder; a run in progress keeps its checkpoint.npz there.
        config: all settings.
        dataset: whose digits numbers are composed of: "mnist" or "digits".
        resume: go on from the checkpoint of a run that was stopped.
        replace: replace a model in the folder that was not made by this function; else only what it made.
        report: called with lines of progress.
        base: name or path of a model whose weights to go on from; None draws them at random. The trained weights, or
            those three quarters or half the way to them, are kept: which read most of the strips by which the epoch is
            chosen.

    Returns:
        The metrics; where there is a base with its SHA-256, and the part of the change that was kept.

    Raises:
        ModelError: the folder holds a model that was not made here; no such base, or one of other layers.
    """
    saving.check_target(folder, MAKER, replace)
    start, origin = None, {}
    if base is not None:
        base = model_folder.find_model(base)
        start, origin = _read_start(base, config), {"base": model_folder.read_metrics(base)["sha256"]["model.keras"]}
    training, validation, _ = load_split(dataset)
    from digitrec.numbers.training import train  # slow to load: after the data turned out to be there

    report("drawing strips; from then on a process draws them beside the training")
    judges = make_strips(*validation, JUDGED, JUDGES)
    checkpoint = Path(folder) / "checkpoint.npz"
    model, history = train(config, training, judges, checkpoint, resume, start, report)
    if start is not None:
        origin["kept"] = keep_what_reads_best(model, start, judges)
        report(f"{origin['kept']:.0%} of the change kept")
    metrics = describe_training(dataset, config, history) | prove_network(model, validation) | origin
    saving.save_model(folder, model, config, history, {"maker": MAKER, **metrics})
    checkpoint.unlink(missing_ok=True)
    return model_folder.read_metrics(folder)


def keep_what_reads_best(model: "keras.Model", before: list[np.ndarray], judges: Strips) -> float:
    """Put a network so far from its old weights to its new ones, by `PARTS`, as it reads most strips exactly.

    Args:
        model: with its new weights.
        before: the old ones.
        judges: the strips.

    Returns:
        The part. The mean of two networks of one training often reads better than either (Wortsman et al. 2022).
    """
    after = model.get_weights()
    right = {}
    for part in PARTS:
        model.set_weights(mix_weights(before, after, part))
        right[part] = int(compare(read_frames(compute_frames(model, judges)), judges.texts).sum())
    best = max(PARTS, key=lambda part: right[part])
    model.set_weights(mix_weights(before, after, best))
    return best


def _read_start(base: Path, config: NumberConfig) -> list[np.ndarray]:
    """Return the weights of a model whose layers are those of a configuration."""
    theirs = model_folder.read_config(base, NumberConfig)
    if (theirs.filters, theirs.context) != (config.filters, config.context):
        raise model_folder.ModelError(
            f"{base}: expected the layers that were asked for (filters {config.filters}, context {config.context}), "
            f"got filters {theirs.filters}, context {theirs.context}: give --filters and --context as they are there"
        )
    return load_numbers(base).get_weights()


def load_numbers(model: PathLike) -> "keras.Model":
    """Return the Keras network of a model folder of numbers, uncompiled; see `model_folder.load_model`.

    Raises:
        ModelError: missing, damaged or foreign files.
    """
    from digitrec.numbers.network import build_network

    folder = model_folder.find_model(model)
    network = build_network(model_folder.read_config(folder, NumberConfig))
    model_folder.load_weights(network, folder)
    return network


def describe_training(dataset: str, config: NumberConfig, history: dict[str, list[float]]) -> dict[str, Any]:
    """Return what metrics.json says of a training run: its data, length, seed and precision."""
    from digitrec.fitting import best_epoch
    from digitrec.training import choose_precision

    return {
        "dataset": dataset,
        "training": {
            "strips": config.strips * config.epochs,
            "presentations": sum(map(config.count_steps, range(config.epochs))) * config.batch_size,
            "time_s": round(sum(history["time_s"]), 1),
            "epochs": len(history["loss"]),
            "best_epoch": best_epoch(history),
            "precision": choose_precision(config.precision),
            "seed": config.seed,
        },
    }


def prove_network(model: "keras.Model", validation: Arrays) -> dict[str, Any]:
    """Return temperature, threshold and figures of a network on strips of digits that it was not trained on."""
    from digitrec.numbers.calibration import calibrate

    strips = make_strips(*validation, PROVED, _PROOF)
    return calibrate(compute_frames(model, strips), [text.strip(MARKS) for text in strips.texts])


def compute_frames(model: "keras.Model", strips: Strips) -> list[np.ndarray]:
    """Return the log probabilities of each strip's frames, float32 (w / 2, CLASSES)."""
    from digitrec.numbers.training import encode_validation

    x, _ = encode_validation(strips)
    return cut_frames(model.predict(x, batch_size=100, verbose=0), strips.widths)
