"""A network taught one person's hand: a few labelled samples and a trained model folder in, a new model folder out."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitrec import evaluation, model_folder, saving, workflow
from digitrec.calibration import calibrate
from digitrec.config import TrainConfig
from digitrec.fitting import mix_weights
from digitrec.handwriting.lesson import Lesson, plan_lesson
from digitrec.handwriting.samples import MAKER
from digitrec.preprocessing.form import prepare
from digitrec.records import PathLike
from digitrec.synthesis.sources import Arrays

if TYPE_CHECKING:
    import keras

SYNTHESISED = 1000  # of each synthesised kind that the network was trained with
# Parts of the way from the old weights to the new. Of scikit-learn's digits 4 samples each, 3 of them taught: three
# quarters of the way read 600 others at 97.8 % (97.2 % before) and slanted by 35 degrees at 96.4 % (93.2 %), means of
# three draws; the whole way at 97.9 and 96.4 %, half of it at 97.6 and 96.3 %. MNIST's validation stayed at 99.6 %.
# Only the first of the three epochs varied: 97.6 and 96.6 %, no difference that three draws could show.
CHANGES = (0.75, 0.5, 0.25)
# Settings that a lesson cannot change.
SHAPE = ("network", "filters", "batch_normalisation", "recurrent_units", "dense")
SUFFIX = " + own"  # what the data set of a taught network's metrics ends with


def teach(
    data: PathLike,
    folder: PathLike,
    model: PathLike = "cnn",
    replace: bool = False,
    report: Callable[[str], None] = print,
    **settings: Any,
) -> dict[str, Any]:
    """Teach a trained network a person's handwriting, and prove it on samples held out.

    The samples, varied and repeated, are trained beside pictures of the kind the network knows: MNIST where it is at
    hand (nothing is fetched), else synthesised digits. Then as much of the change is kept as leaves the reading of
    that kind's validation pictures as good as before. The held-out samples decide nothing unless the taught network
    reads them significantly worse: then the weights stay as they were.

    Args:
        data: a folder of labelled pictures, see `folders.load_folder`; five of each digit are enough to begin.
        folder: the model folder to write; never the one to start from.
        model: name or path of the network to start from.
        replace: replace a model in the folder that was not made by this function; else only what it made.
        report: called with lines of progress, then of results.
        settings: fields of TrainConfig, other than the network's shape, to change from `choose_config`'s.

    Returns:
        The metrics; under "own" the numbers of samples and the accuracies before and after.

    Raises:
        DataError: no pictures, damaged or contradictory ones, a wrong label.
        ModelError: no such network, or a folder that must not be overwritten.
        ValueError: a setting that is none, or would change the shape of the network.

    >>> teach("absent", "mine")
    Traceback (most recent call last):
    digitrec.idx.DataError: absent: expected a folder of pictures, found nothing
    """
    base = model_folder.find_model(model)
    _check_target(Path(folder), base, replace)
    old = model_folder.read_metrics(base)
    own = model_folder.has_architecture(base)  # which may have learnt of digits alone
    given = TrainConfig(strings=0, non_digits=0) if own else model_folder.read_config(base)
    config = choose_config(given, **settings)
    lesson = plan_lesson(data, old["dataset"].removesuffix(SUFFIX), config, report)

    from digitrec.training import train  # slow to load: after the samples turned out to be sound

    network = model_folder.load_model(base)
    weights = network.get_weights()
    before = [_compute_logits(network, images) for images, _ in (lesson.validation, lesson.held_out)]
    trained, history = train(
        config, lesson.training, lesson.judged,
        initial_weights=weights, report=report, model=network if own else None,
    )  # fmt: skip
    kept, logits = _keep_what_harms_not(network, weights, trained.get_weights(), lesson.validation, before[0])
    after = [logits, _compute_logits(network, lesson.held_out[0])]
    if _is_worse(after[1], before[1], lesson.held_out[1]):
        report("the held-out samples are read significantly worse: the weights stay as they were")
        kept, after = 0.0, before
        network.set_weights(weights)
    metrics = workflow.describe_training(lesson.dataset + SUFFIX, config, history, len(lesson.training[1]))
    metrics["training"]["from"] = old.get("name", base.name)
    metrics |= calibrate(after[0], lesson.validation[1])
    if lesson.drawn:  # drawn digits are no measure of how sure to be of written ones
        metrics["temperature"], metrics["threshold"] = model_folder.read_calibration(base)
    metrics["own"] = _account_for(lesson, kept, before, after)
    saving.save_model(folder, network, config, history, {"maker": MAKER, **metrics})
    saving.save_figures(folder, workflow.draw_history(history, config))
    for line in describe_lesson(metrics["own"]):
        report(line)
    return model_folder.read_metrics(folder)


def choose_config(base: TrainConfig, **settings: Any) -> TrainConfig:
    """Return the configuration of a lesson: the base network's, with few epochs at a low rate.

    Raises:
        ValueError: `settings` would change the shape of the network.
    """
    for key in SHAPE:
        if settings.get(key, getattr(base, key)) != getattr(base, key):
            shape = f"expected {getattr(base, key)!r}, got {settings[key]!r}"
            raise ValueError(f"{key}: a network that is taught keeps its shape, {shape}")
    lesson = {
        "epochs": 3,
        "learning_rate": 1e-3,
        "drawn_digits": min(SYNTHESISED, base.drawn_digits),
        "soiled_digits": min(SYNTHESISED, base.soiled_digits),
        "strings": min(SYNTHESISED, base.strings),
        "non_digits": min(SYNTHESISED, base.non_digits),
    }
    return dataclasses.replace(base, **{**lesson, **settings})


def describe_lesson(own: dict[str, Any]) -> list[str]:
    """Say in two lines what the entry "own" of the metrics holds."""
    before, after = own["held_out_before"], own["held_out_after"]
    lines = ["no held-out samples (it takes two of a digit): nothing is proven of this hand"]
    if after["n"]:
        low, high = after["accuracy_interval"]
        right = [score["n"] - score["errors"] for score in (before, after)]
        lines = [
            f"held-out samples: {right[0]} of {before['n']} right before, {right[1]} of {after['n']} after "
            f"(95 % interval {low:.0%}–{high:.0%})"
        ]
    before, after = own["rehearsal_before"], own["rehearsal_after"]
    lines.append(f"{own['rehearsal']}: {before['accuracy']:.2%} before, {after['accuracy']:.2%} after")
    return lines


def _check_target(folder: Path, base: Path, replace: bool) -> None:
    """Refuse to overwrite the network to start from, and one that was not taught."""
    if folder.resolve().name == base.resolve().name or (folder.exists() and folder.samefile(base)):
        raise model_folder.ModelError(f"{folder}: expected another name than {base.name!r}, which it starts from")
    saving.check_target(folder, MAKER, replace)


def _keep_what_harms_not(
    network: "keras.Model",
    before: list[np.ndarray],
    after: list[np.ndarray],
    validation: Arrays,
    logits_before: np.ndarray,
) -> tuple[float, np.ndarray]:
    """Set the weights as far from before to after as leaves validation well read; return how far, and the logits.

    Weights between those before and after fine-tuning forget less and lose little (Wortsman et al. 2022, WiSE-FT).
    """
    for kept in CHANGES:
        network.set_weights(mix_weights(before, after, kept))
        logits = _compute_logits(network, validation[0])
        if not _is_worse(logits, logits_before, validation[1]):
            return kept, logits
    network.set_weights(before)
    return 0.0, logits_before


def _is_worse(logits: np.ndarray, logits_before: np.ndarray, labels: np.ndarray) -> bool:
    """Say whether fewer are right than before, by more than chance would have it (McNemar, 5 %)."""
    right, right_before = logits.argmax(axis=1) == labels, logits_before.argmax(axis=1) == labels
    return bool(right.sum() < right_before.sum() and evaluation.mcnemar(right, right_before) < 0.05)


def _compute_logits(network: "keras.Model", images: np.ndarray) -> np.ndarray:
    if not len(images):
        return np.zeros((0, 11), np.float32)
    return network.predict(prepare(images), batch_size=1000, verbose=0)


def _score(logits: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return n, errors, accuracy and its interval; accuracy and interval are None of nothing."""
    n, errors = len(labels), int((logits.argmax(axis=1) != labels).sum())
    interval = list(evaluation.wilson_interval(n - errors, n)) if n else None
    return {"n": n, "errors": errors, "accuracy": (n - errors) / n if n else None, "accuracy_interval": interval}


def _account_for(lesson: Lesson, kept: float, before: list[np.ndarray], after: list[np.ndarray]) -> dict[str, Any]:
    """Return the entry "own" of the metrics, from the logits of validation and held-out samples before and after."""
    labels = np.concatenate([lesson.taught[1], lesson.held_out[1]])
    name = {"mnist": "MNIST"}.get(lesson.dataset, lesson.dataset)
    return {
        "taught": len(lesson.taught[1]),
        "missing_digits": sorted(set(range(10)) - set(labels.tolist())),
        "change_kept": kept,
        "rehearsal": "synthesised digits" if lesson.drawn else f"{name} validation",
        "rehearsal_before": _score(before[0], lesson.validation[1]),
        "rehearsal_after": _score(after[0], lesson.validation[1]),
        "held_out_before": _score(before[1], lesson.held_out[1]),
        "held_out_after": _score(after[1], lesson.held_out[1]),
    }
