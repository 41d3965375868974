"""A network taught one person's hand: a few labelled samples and a trained model folder in, a new model folder out."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitrec import evaluation, pipeline, runs
from digitrec.config import TrainConfig
from digitrec.datasets import (
    DATA_FOLDER,
    DataError,
    MissingDataError,
    load_digits,
    load_folder,
    load_mnist,
    split_validation,
)
from digitrec.pools import Arrays, make_pools
from digitrec.preprocessing import prepare

if TYPE_CHECKING:
    import keras

HELD_OUT = 0.25  # share of a digit's samples that only the report sees
REHEARSED = 6000  # pictures of the old kind in every epoch, lest they be forgotten (Robins 1995)
OWN_SHARE = 0.4  # own pictures an epoch, as a share of the rehearsed
MOST_REPEATS = 60  # of one sample in one epoch, each time varied anew
SYNTHESISED = 1000  # of each synthesised kind that the network was trained with
# Parts of the way from the old weights to the new. With 4 samples a digit, the whole way read 600 of scikit-learn's at
# 99.3 % (98.0 % before) and slanted by 35 degrees at 96.0 % (90.7 %); three quarters at 99.5 % and 96.7 %.
CHANGES = (0.75, 0.5, 0.25)
SUFFIX = " + own"  # what the data set of a taught network's metrics ends with


def teach(
    data: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    model: str | os.PathLike[str] = "cnn",
    report: Callable[[str], None] = print,
    **settings: Any,
) -> dict[str, Any]:
    """Teach a trained network a person's handwriting, and prove it on samples held out.

    The samples, varied and repeated, are trained beside pictures of the kind the network knows: MNIST where it is at
    hand (nothing is fetched), else synthesised digits. Then as much of the change is kept as leaves the reading of
    that kind's validation pictures as good as before. The held-out samples decide nothing unless the taught network
    reads them significantly worse: then the weights stay as they were.

    Args:
        data: a folder of labelled pictures, see `datasets.load_folder`; five of each digit are enough to begin.
        folder: the model folder to write; one that holds a network not made here is never overwritten.
        model: name or path of the network to start from.
        report: called with lines of progress, then of results.
        settings: fields of TrainConfig, other than the network's shape, to change from `choose_config`'s.

    Returns:
        The metrics; under "own" the numbers of samples and the accuracies before and after.

    Raises:
        DataError: no pictures, damaged or contradictory ones, a wrong label.
        ModelError: no such network, or a folder that must not be overwritten.
    """
    base = runs.find_model(model)
    _check_target(Path(folder), base)
    old = runs.read_metrics(base)
    config = choose_config(runs.read_config(base), **settings)
    images, labels = load_samples(data, report)
    taught, held_out = split_held_out(images, labels, config.seed)
    report(f"{len(labels)} samples: {len(taught[1])} to learn from, {len(held_out[1])} held out")
    dataset = old["dataset"].removesuffix(SUFFIX)
    rehearsal, validation, synthesised = _load_rehearsal(dataset, config, images)
    known = "synthesised digits" if synthesised else f"{'MNIST' if dataset == 'mnist' else dataset} validation"
    if synthesised:
        report(f"{dataset} is not at hand: rehearsing synthesised digits instead")

    from digitrec.training import train  # slow to load: after the samples turned out to be sound

    network = runs.load_model(base)
    before = network.get_weights()
    logits_before, held_out_before = _compute_logits(network, validation[0]), _compute_logits(network, held_out[0])
    training = _join(rehearsal, _repeat(taught, round(OWN_SHARE * len(rehearsal[1]))))
    # Half of what the choice of the epoch looks at is one's own, though trained on: else the first would be best.
    judged = _join(validation, _repeat(taught, len(validation[1])))
    trained, history = train(config, training, judged, initial_weights=before, report=report)
    after = trained.get_weights()
    kept, logits = _keep_what_harms_not(network, before, after, validation, logits_before)
    own_logits = _compute_logits(network, held_out[0])
    if _is_worse(own_logits, held_out_before, held_out[1]):
        report("the held-out samples are read significantly worse: the weights stay as they were")
        kept, logits, own_logits = 0.0, logits_before, held_out_before
        network.set_weights(before)
    metrics = pipeline.describe_training(dataset + SUFFIX, config, history, len(training[1]))
    metrics["training"]["from"] = old["name"]
    metrics |= pipeline.calibrate(logits, validation[1])
    if synthesised:  # drawn digits are no measure of how sure to be of written ones
        metrics |= {key: old[key] for key in ("temperature", "threshold")}
    metrics["own"] = {
        "taught": len(taught[1]),
        "missing_digits": sorted(set(range(10)) - set(labels.tolist())),
        "change_kept": kept,
        "rehearsal": known,
        "rehearsal_before": _score(logits_before, validation[1]),
        "rehearsal_after": _score(logits, validation[1]),
        "held_out_before": _score(held_out_before, held_out[1]),
        "held_out_after": _score(own_logits, held_out[1]),
    }
    runs.save_model(folder, network, config, history, metrics)
    runs.save_figures(folder, pipeline.draw_history(history))
    for line in describe_lesson(metrics["own"]):
        report(line)
    return runs.read_metrics(folder)


def choose_config(base: TrainConfig, **settings: Any) -> TrainConfig:
    """Return the configuration of a lesson: the base network's, with few epochs at a low rate.

    Raises:
        ValueError: `settings` would change the shape of the network.
    """
    shape = sorted({"filters", "dense"} & {key for key, value in settings.items() if value != getattr(base, key)})
    if shape:
        raise ValueError(f"{', '.join(shape)}: a network that is taught keeps its shape")
    lesson = {
        "epochs": 3,
        "learning_rate": 1e-3,
        "drawn_digits": min(SYNTHESISED, base.drawn_digits),
        "soiled_digits": min(SYNTHESISED, base.soiled_digits),
        "non_digits": min(SYNTHESISED, base.non_digits),
    }
    return replace(base, **{**lesson, **settings})


def load_samples(data: str | os.PathLike[str], report: Callable[[str], None] = print) -> Arrays:
    """Load labelled pictures and leave out blank ones and copies; say so, and which digits have none.

    Raises:
        DataError: nothing to learn from, or one picture under two labels.
    """
    images, labels = load_folder(data)
    inked = images.any(axis=(1, 2))
    # A copy on either side of the split would make the held-out samples easier than they are.
    _, first, place = np.unique(images, axis=0, return_index=True, return_inverse=True)
    twice = inked & (labels != labels[first[place]])
    if twice.any():
        one, other = sorted({int(labels[twice][0]), int(labels[first[place]][twice][0])})
        raise DataError(f"{data}: expected one label a picture, one picture is labelled {one} and {other}")
    chosen = inked & np.isin(np.arange(len(labels)), first)
    if not chosen.any():
        raise DataError(f"{data}: expected pictures with a digit, all {len(labels)} are blank")
    if not chosen.all():
        report(f"left out {(~inked).sum()} blank pictures and {(inked & ~chosen).sum()} copies")
    missing = [str(digit) for digit in range(10) if digit not in labels[chosen]]
    if missing:
        report(f"no samples of {', '.join(missing)}: these are read as before")
    return images[chosen], labels[chosen]


def split_held_out(images: np.ndarray, labels: np.ndarray, seed: int = 0) -> tuple[Arrays, Arrays]:
    """Hold out a share of each digit's samples at random: a quarter, at least one, none of a single sample.

    Returns:
        (taught_images, taught_labels), (held_out_images, held_out_labels); the second may be empty.
    """
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(labels), bool)
    for digit in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == digit))
        if len(own) > 1:
            held_out[own[: max(1, round(HELD_OUT * len(own)))]] = True
    return (images[~held_out], labels[~held_out]), (images[held_out], labels[held_out])


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


def _check_target(folder: Path, base: Path) -> None:
    """Refuse to overwrite a network that was not taught, above all the one to start from."""
    if folder.resolve().name == base.resolve().name or (folder.exists() and folder.samefile(base)):
        raise runs.ModelError(f"{folder}: a taught network needs another name than {base.name!r}, which it starts from")
    if folder.exists() and not folder.is_dir():
        raise runs.ModelError(f"{folder}: expected a folder to write to, found a file")
    if (folder / "model.onnx").exists() and "from" not in runs.read_metrics(folder).get("training", {}):
        raise runs.ModelError(f"{folder} holds a network that was not taught from samples; choose another name")


def _load_rehearsal(dataset: str, config: TrainConfig, images: np.ndarray) -> tuple[Arrays, Arrays, bool]:
    """Return pictures to rehearse and to validate on, of what the network was trained on, and if they are made up."""
    try:
        known = load_digits() if dataset == "digits" else load_mnist(os.environ.get("DIGITREC_DATA_DIR") or DATA_FOLDER)
    except MissingDataError:
        wanted = replace(config, drawn_digits=REHEARSED + 1000, soiled_digits=0, non_digits=0)
        drawn = make_pools(wanted, (images, np.zeros(len(images), np.int64)))["drawn"]
        return *split_validation(*drawn, validation=1000), True
    # The split of the training, so that validation was never trained on.
    training, validation = split_validation(*known[0], validation=len(known[0][1]) // 12)
    if len(training[1]) > REHEARSED:
        _, training = split_validation(*training, validation=REHEARSED, seed=config.seed)
    return training, validation, False


def _repeat(samples: Arrays, n: int) -> Arrays:
    """Repeat samples whole times, to n or a little less, at least once."""
    times = min(MOST_REPEATS, max(1, n // len(samples[1])))
    return np.tile(samples[0], (times, 1, 1)), np.tile(samples[1], times)


def _join(one: Arrays, other: Arrays) -> Arrays:
    return np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]])


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
        network.set_weights([old + kept * (new - old) for old, new in zip(before, after, strict=True)])
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
        return np.zeros((0, 10), np.float32)
    return network.predict(prepare(images), batch_size=1000, verbose=0)


def _score(logits: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return n, errors, accuracy and its interval; accuracy and interval are None of nothing."""
    n, errors = len(labels), int((logits.argmax(axis=1) != labels).sum())
    interval = list(evaluation.wilson_interval(n - errors, n)) if n else None
    return {"n": n, "errors": errors, "accuracy": (n - errors) / n if n else None, "accuracy_interval": interval}
