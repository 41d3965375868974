"""Train and evaluate the default recipe under several seeds: the headline's mean, deviation and time.

Each finished seed is stored at once, so a stopped run goes on where it was.
"""

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from digitrec import TrainConfig, evaluate_model, records, train_model

RESULTS = Path(__file__).with_suffix(".json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0")
    parser.add_argument("--keep", type=Path, help="keep the model folders here, one a seed")
    options = parser.parse_args()
    results: dict = {**records.describe_origin(), "config": TrainConfig().to_json(), "runs": []}
    if RESULTS.exists():
        stored = json.loads(RESULTS.read_text())
        # JSON knows no tuples: compare what both look like there.
        if stored["config"] == json.loads(json.dumps(results["config"])):
            results = stored
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(len(results["runs"]), options.seeds):
            folder = (options.keep or Path(scratch)) / f"seed-{seed}"
            start = time.perf_counter()
            train_model(folder, replace(TrainConfig(), seed=seed))
            time_s = time.perf_counter() - start
            metrics, _ = evaluate_model(folder)
            test = metrics["test"]
            results["runs"].append(
                {
                    "seed": seed,
                    "accuracy": test["accuracy"],
                    "errors": test["errors"],
                    "validation_accuracy": metrics["validation"]["accuracy"],
                    "time_s": round(time_s, 1),
                }
            )
            summarise(results)
            records.write_json(RESULTS, results)
            print(f"seed {seed}: {test['accuracy']:.2%}, {test['errors']} errors, {time_s / 60:.1f} min", flush=True)
    print(
        f"{len(results['runs'])} seeds: {results['mean']:.2%} ± {results['deviation']:.2%}, "
        f"median {results['median_time_s'] / 60:.1f} min a training, {results['machine']['processor']}, "
        f"{results['machine']['cores']} cores"
    )


def summarise(results: dict) -> None:
    """Add mean, standard deviation (n - 1) and median time over the runs so far."""
    accuracies = [run["accuracy"] for run in results["runs"]]
    results["mean"] = statistics.mean(accuracies)
    results["deviation"] = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    results["median_time_s"] = statistics.median(run["time_s"] for run in results["runs"])


if __name__ == "__main__":
    main()
