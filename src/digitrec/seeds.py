"""The recipe under several seeds: the headline's mean, deviation and time; each finished seed is stored at once."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from digitrec import records
from digitrec.config import TrainConfig
from digitrec.jobs import Spread, one_by_one
from digitrec.records import PathLike
from digitrec.workflow import evaluate_model, train_model


def run_seeds(
    path: PathLike,
    seeds: int = 5,
    config: TrainConfig | None = None,
    dataset: str = "mnist",
    keep: PathLike | None = None,
    spread: Spread = one_by_one,
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train and evaluate a recipe under the seeds that have no result yet.

    Args:
        path: JSON of the results, written after each seed; one of another recipe or data set is begun anew.
        seeds: how many, from 0.
        config: the recipe; None takes the default. Its own seed does not count.
        dataset: "mnist" or "digits".
        keep: a folder to keep the model folders in, seed-0 and so on; None keeps none.
        spread: who does it, see `jobs.Spread`.
        report: called with a line a seed, and one at the end.

    Returns:
        What the file holds: machine, versions, date, commit, config; runs, a seed each in order, with accuracy (0-1)
        and errors on the test set, validation_accuracy, time_s and the model.onnx' sha256; mean, deviation (n - 1) and
        median_time_s over them.

    Raises:
        ValueError: no seeds.

    >>> config = TrainConfig(epochs=1, filters=((4,), (8,)), drawn_digits=0, soiled_digits=0, strings=0, non_digits=0)
    >>> results = run_seeds(scratch / "seeds.json", 1, config, "digits", report=lambda line: None)
    >>> [run["seed"] for run in results["runs"]], results["deviation"]
    ([0], 0.0)
    """
    if seeds < 1:
        raise ValueError(f"seeds: expected 1 or more, got {seeds}")
    path = Path(path)
    results = _read(path, replace(config or TrainConfig(), seed=0), dataset)
    known = {run["seed"] for run in results["runs"]}
    missing = [seed for seed in range(seeds) if seed not in known]
    recipe = TrainConfig.from_json(results["config"])
    jobs = [(replace(recipe, seed=seed), dataset, keep is not None) for seed in missing]
    for i, (run, files) in spread(measure_seed, jobs):
        for name, content in files.items():
            records.write_bytes(Path(keep or ".") / f"seed-{missing[i]}" / name, content)
        results["runs"] = sorted([*results["runs"], run], key=lambda one: one["seed"])
        summarise_seeds(results)
        records.write_json(path, results)
        report(f"seed {run['seed']}: {run['accuracy']:.2%}, {run['errors']} errors, {run['time_s'] / 60:.1f} min")
    report(
        f"{len(results['runs'])} seeds: {results['mean']:.2%} ± {results['deviation']:.2%}, "
        f"median {results['median_time_s'] / 60:.1f} min a training, {results['machine']['processor']}, "
        f"{results['machine']['cores']} cores"
    )
    return results


def measure_seed(config: TrainConfig, dataset: str, is_kept: bool) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Train and evaluate under one seed; return its row of the results, and its folder's files where it is kept."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / f"seed-{config.seed}"
        start = time.perf_counter()
        train_model(folder, config, dataset, report=lambda line: None)
        time_s = time.perf_counter() - start
        metrics, _ = evaluate_model(folder)
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*")
            if is_kept and path.is_file()
        }
    return {
        "seed": config.seed,
        "accuracy": metrics["test"]["accuracy"],
        "errors": metrics["test"]["errors"],
        "validation_accuracy": metrics["validation"]["accuracy"],
        "time_s": round(time_s, 1),
        "sha256": metrics["sha256"]["model.onnx"],
    }, files


def summarise_seeds(results: dict[str, Any]) -> None:
    """Add mean, standard deviation (n - 1) and median time over the runs so far."""
    accuracies = [run["accuracy"] for run in results["runs"]]
    results["mean"] = statistics.mean(accuracies)
    results["deviation"] = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    results["median_time_s"] = statistics.median(run["time_s"] for run in results["runs"])


def _read(path: Path, config: TrainConfig, dataset: str) -> dict[str, Any]:
    """Return the results so far of this recipe, or new ones without any."""
    # JSON knows no tuples: compare what both look like there.
    anew = {**records.describe_origin(), "config": json.loads(json.dumps(config.to_json())), "runs": []}
    if dataset != "mnist":
        anew["dataset"] = dataset
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        is_same = (stored["config"], stored.get("dataset", "mnist")) == (anew["config"], dataset)
        return stored if is_same and isinstance(stored["runs"], list) else anew
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return anew  # not measured yet
