"""Cross-validation of a recipe: each part of the training pictures read by a network that never saw it."""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec import evaluation, records
from digitrec.config import TrainConfig
from digitrec.datasets import split_validation
from digitrec.jobs import Spread, one_by_one
from digitrec.preprocessing.form import prepare
from digitrec.records import PathLike

Pictures = tuple[NDArray[np.uint8], NDArray[np.int64]]


def run_folds(
    path: PathLike,
    folds: int,
    config: TrainConfig,
    pictures: Pictures,
    spread: Spread = one_by_one,
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Cross-validate a recipe over stratified folds; each that is done is stored at once.

    Args:
        path: JSON of the results, written after each fold; one of another recipe or other pictures is begun anew.
        folds: 2 or more.
        config: the recipe; its seed draws the folds as well.
        pictures: images uint8 (n, 28, 28) and labels int (n,), those of the test set not among them.
        spread: who does it, see `jobs.Spread`.
        report: called with a line a fold, and one at the end.

    Returns:
        What the file holds: machine, versions, date, commit, config; folds, a row each in order, see `measure_fold`;
        accuracy (0-1) and errors over all n pictures, each read once; its 95 % Wilson interval; deviation (n - 1)
        of the folds' accuracies.

    Raises:
        ValueError: fewer than two folds, or a digit with fewer pictures than folds.

    >>> from digitrec import load_split
    >>> config = TrainConfig(epochs=1, filters=((4,), (8,)), drawn_digits=0, soiled_digits=0, strings=0, non_digits=0)
    >>> results = run_folds(scratch / "folds.json", 2, config, load_split("digits")[0], report=lambda line: None)
    >>> [row["n"] for row in results["folds"]]
    [659, 659]
    """
    images, labels = pictures
    fold_of = assign_folds(labels, folds, config.seed)
    key = records.hash_arrays(images, labels, fold_of)
    results = _read(Path(path), config, key)
    missing = sorted(set(range(folds)) - {row["fold"] for row in results["folds"]})
    for _, row in spread(measure_fold, [(fold,) for fold in missing], (config, images, labels, fold_of)):
        results["folds"] = sorted([*results["folds"], row], key=lambda one: one["fold"])
        _summarise(results)
        records.write_json(path, results)
        report(f"fold {row['fold'] + 1} of {folds}: {1 - row['errors'] / row['n']:.2%}, {row['errors']} errors")
    low, high = results["interval"]
    report(
        f"{results['accuracy']:.2%} ± {results['deviation']:.2%} over {folds} folds, {results['errors']} errors of "
        f"{len(labels):,} (95 % interval {low:.2%}–{high:.2%})"
    )
    return results


def assign_folds(labels: NDArray[np.int64], folds: int, seed: int = 0) -> NDArray[np.int64]:
    """Return the fold of each picture, int (n,) from 0, each digit shared out evenly; the same seed gives the same.

    Raises:
        ValueError: fewer than two folds, or a digit with fewer pictures than folds.

    >>> assign_folds(np.array([3, 3, 5, 5, 5, 5]), 2).tolist()
    [0, 1, 1, 0, 0, 1]
    """
    fewest = int(np.bincount(labels)[np.unique(labels)].min()) if len(labels) else 0
    if not 2 <= folds <= fewest:
        raise ValueError(f"folds: expected 2 to {fewest}, the pictures of the rarest digit; got {folds}")
    generator = np.random.default_rng(seed)
    fold_of = np.empty(len(labels), np.int64)
    begun = 0  # where the last digit ended, so that no fold gets all that is left over
    for digit in np.unique(labels):
        chosen = generator.permutation(np.flatnonzero(labels == digit))
        fold_of[chosen] = (begun + np.arange(len(chosen))) % folds
        begun += len(chosen)
    return fold_of


def measure_fold(
    fold: int, config: TrainConfig, images: NDArray[np.uint8], labels: NDArray[np.int64], fold_of: NDArray[np.int64]
) -> dict[str, Any]:
    """Train on the other folds, of which a twelfth chooses the epoch, and read one.

    Returns:
        fold, from 0; n pictures and errors; validation_accuracy of the epoch kept; epochs; time_s of the training; and
        weights, the SHA-256 of the network's.
    """
    from digitrec.training import train  # slow to load

    rest = fold_of != fold
    training, validation = split_validation(images[rest], labels[rest])
    start = time.perf_counter()
    network, history = train(config, training, validation, report=lambda line: None)
    time_s = time.perf_counter() - start
    logits = network.predict(prepare(images[~rest]), batch_size=1000, verbose=0)
    return {
        "fold": fold,
        "n": int((~rest).sum()),
        "errors": int((logits[:, :10].argmax(axis=1) != labels[~rest]).sum()),
        "validation_accuracy": max(history["val_accuracy"]),
        "epochs": len(history["loss"]),
        "time_s": round(time_s, 1),
        "weights": records.hash_arrays(*network.get_weights()),
    }


def _summarise(results: dict[str, Any]) -> None:
    rows = results["folds"]
    n, errors = sum(row["n"] for row in rows), sum(row["errors"] for row in rows)
    accuracies = [1 - row["errors"] / row["n"] for row in rows]
    results["accuracy"], results["errors"] = 1 - errors / n, errors
    results["interval"] = list(evaluation.wilson_interval(n - errors, n))
    results["deviation"] = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0


def _read(path: Path, config: TrainConfig, key: str) -> dict[str, Any]:
    """Return the results so far of this recipe on these pictures, or new ones without any."""
    anew = {
        **records.describe_origin(), "config": json.loads(json.dumps(config.to_json())), "key": key, "folds": []
    }  # fmt: skip
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        is_same = (stored["config"], stored["key"]) == (anew["config"], key)
        return stored if is_same and isinstance(stored["folds"], list) else anew
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return anew  # not measured yet
