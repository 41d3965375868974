"""A network of numbers taught one's own cells: labelled pictures and a trained model folder in, a new folder out."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitrec import evaluation, model_folder, saving
from digitrec.datasets import load_split
from digitrec.fitting import mix_weights
from digitrec.mnist import MissingDataError
from digitrec.numbers.cells import Cells, choose_lines, read_cells
from digitrec.numbers.config import NumberConfig
from digitrec.numbers.proof import compare, is_worse, read_frames, score
from digitrec.numbers.saving import JUDGED, JUDGES, compute_frames, describe_training, load_numbers
from digitrec.records import PathLike
from digitrec.synthesis.hands import draw_digits
from digitrec.synthesis.numbers import Strips
from digitrec.synthesis.sources import Arrays, make_strips

if TYPE_CHECKING:
    import keras

MAKER = "digitrec train-numbers --data"
SUFFIX = " + own"  # what the data set of a taught network's metrics ends with
HELD_OUT = 0.3  # share of the cells that only the report sees
CHANGES = (1.0, 0.75, 0.5, 0.25)  # parts of the way from the old weights to the new
_LESSON = {"epochs": 4, "strips": 3000, "kept_epochs": 1, "learning_rate": 2e-3}


def teach_numbers(
    data: PathLike,
    folder: PathLike,
    model: PathLike = "numbers",
    replace: bool = False,
    report: Callable[[str], None] = print,
    **settings: Any,
) -> dict[str, Any]:
    """Teach a trained network one's own cells, and prove it on cells held out.

    The cells, varied and repeated, are trained beside synthesised strips, lest those be forgotten. Then as much of the
    change is kept as leaves the reading of synthesised strips as good as before. The held-out cells decide nothing
    unless the taught network reads them significantly worse: then the weights stay as they were.

    Args:
        data: a folder with a labels.csv (header file,label); a label is a number, or "blank".
        folder: the model folder to write; never the one to start from.
        model: name or path of the network to start from.
        replace: replace a model in the folder that was not made by this function; else only what it made.
        report: called with lines of progress, then of results.
        settings: fields of NumberConfig, other than the network's filters, to change from a lesson's.

    Returns:
        The metrics; under "own" the numbers of cells, and the shares read exactly before and after.

    Raises:
        DataError: no pictures, damaged ones, a label that is no number.
        ModelError: no such network, or a folder that must not be overwritten.
        ValueError: a setting that is none, or would change the shape of the network.
    """
    base, folder = model_folder.find_model(model), Path(folder)
    _check_target(folder, base, replace)
    old = model_folder.read_metrics(base)
    config = _choose_config(model_folder.read_config(base, NumberConfig), settings)
    found = read_cells(data)
    network = load_numbers(base)
    taught, held_out = choose_lines(found, network, report).split(HELD_OUT, config.seed)
    report(f"{len(taught)} cells to learn from, {len(held_out)} held out")
    dataset = old["dataset"].removesuffix(SUFFIX)
    training, validation = _load_digits(dataset, config.seed, report)
    judges = make_strips(*validation, JUDGED, JUDGES)

    from digitrec.numbers.lesson import learn  # slow to load: after the cells turned out to be sound

    before = [read_frames(compute_frames(network, judges)), held_out.read(network)]
    weights = network.get_weights()
    learned, history = learn(config, network, taught, training, judges, report)
    kept, read = _keep_what_harms_not(network, weights, learned, judges, before[0])
    after = [read, held_out.read(network)]
    if is_worse(after[1], before[1], held_out.texts):
        report("the held-out cells are read significantly worse: the weights stay as they were")
        network.set_weights(weights)
        kept, after = 0.0, before
    metrics = describe_training(dataset + SUFFIX, config, history)
    metrics["training"]["from"] = old.get("name", base.name)
    metrics["validation"] = score(after[0], judges.texts)
    # Synthesised strips are no measure of how sure to be of these cells, and a few cells are too few.
    metrics["temperature"], metrics["threshold"] = model_folder.read_calibration(base)
    metrics["own"] = {"taught": len(taught), "change_kept": kept, **_account_for(before, after, judges, held_out)}
    saving.save_model(folder, network, config, history, {"maker": MAKER, **metrics})
    for line in describe_lesson(metrics["own"]):
        report(line)
    return model_folder.read_metrics(folder)


def describe_lesson(own: dict[str, Any]) -> list[str]:
    """Say in two lines what the entry "own" of the metrics holds."""
    before, after = own["held_out_before"], own["held_out_after"]
    lines = ["no held-out cells (it takes four): nothing is proven of these"]
    if after["n"]:
        low, high = after["exact_match_interval"]
        lines = [
            f"held-out cells: {before['exact_match']:.1%} of {before['n']} read exactly before, "
            f"{after['exact_match']:.1%} after (95 % interval {low:.0%}–{high:.0%}; p = {own['p_value']:.2g})"
        ]
    before, after = own["rehearsal_before"], own["rehearsal_after"]
    lines.append(f"synthesised numbers: {before['exact_match']:.2%} before, {after['exact_match']:.2%} after")
    return lines


def _check_target(folder: Path, base: Path, replace: bool) -> None:
    """Refuse to overwrite the network to start from, and one that was not taught."""
    if folder.resolve().name == base.resolve().name or (folder.exists() and folder.samefile(base)):
        raise model_folder.ModelError(f"{folder}: expected another name than {base.name!r}, which it starts from")
    saving.check_target(folder, MAKER, replace)


def _choose_config(base: NumberConfig, settings: dict[str, Any]) -> NumberConfig:
    """Return the configuration of a lesson: the base network's, with few epochs at a low rate."""
    if settings.get("filters", base.filters) != base.filters:
        raise ValueError(f"filters: a network that is taught keeps its shape, expected {base.filters!r}")
    return dataclasses.replace(base, **{**_LESSON, **settings})


def _load_digits(dataset: str, seed: int, report: Callable[[str], None]) -> tuple[Arrays, Arrays]:
    """Return digits to compose rehearsed numbers of, and others to judge by; drawn where the set is not at hand."""
    try:
        if dataset == "mnist":
            from digitrec.mnist import find_mnist

            find_mnist()  # nothing is fetched
        training, validation, _ = load_split(dataset)
        return training, validation
    except MissingDataError:
        report(f"{dataset} is not at hand: rehearsing numbers of drawn digits")
        rng = np.random.default_rng(seed)
        return draw_digits(3000, rng), draw_digits(1000, rng)


def _keep_what_harms_not(
    network: "keras.Model", before: list[np.ndarray], after: list[np.ndarray], judges: Strips, read_before: list[str]
) -> tuple[float, list[str]]:
    """Set the weights as far from before to after as leaves synthesised strips well read; return how far, and these.

    Weights between those before and after fine-tuning forget less and lose little (Wortsman et al. 2022, WiSE-FT).
    """
    for kept in CHANGES:
        network.set_weights(mix_weights(before, after, kept))
        read = read_frames(compute_frames(network, judges))
        if not is_worse(read, read_before, judges.texts):
            return kept, read
    network.set_weights(before)
    return 0.0, read_before


def _account_for(before: list[list[str]], after: list[list[str]], judges: Strips, held_out: Cells) -> dict[str, Any]:
    """Return what synthesised strips and held-out cells were read as before and after, and how sure a gain is."""
    own = [compare(read[1], held_out.texts) for read in (before, after)]
    return {
        "rehearsal_before": score(before[0], judges.texts),
        "rehearsal_after": score(after[0], judges.texts),
        "held_out_before": score(before[1], held_out.texts),
        "held_out_after": score(after[1], held_out.texts),
        "p_value": evaluation.mcnemar(*own) if len(held_out) else None,
    }
