"""Time the training of this checkout against that of another commit, alternately, in float32 and alone on the machine.

Each is run as its own commit has it, in a process of its own, for a few epochs. A training's time is what passes before
its first epoch, synthesised pictures and tracing included, and its number of epochs times the median epoch.

With --avx2 both run as on a processor that has AVX2 alone: oneDNN is held to it, and the other commit, which leaves the
choice to TensorFlow, runs without oneDNN's convolutions, as TensorFlow chooses there.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from digitrec import records

RESULTS = Path(__file__).with_suffix(".json")
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2"}
BEFORE = "ed4f3a4"  # sixteen epochs, padded convolutions

# Runs in either checkout: a line of progress an epoch is all that it asks of `train`.
CHILD = """
import json, sys, time
from digitrec import TrainConfig, train
from digitrec.datasets import load_dataset
precision, epochs = sys.argv[1], int(sys.argv[2])
(images, labels), _ = load_dataset("mnist")
training, validation = (images[:55_000], labels[:55_000]), (images[55_000:], labels[55_000:])
config, ends, start = TrainConfig(precision=precision), [], time.perf_counter()
class Enough(Exception):
    pass
def report(line):
    ends.append(time.perf_counter())
    if len(ends) == epochs:
        raise Enough
try:
    train(config, training, validation, report=report)
except Enough:
    pass
times = [end - begin for begin, end in zip([start, *ends], ends)]
print(json.dumps({"first_s": times[0], "others_s": times[1:], "epochs": config.epochs}))
"""


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default=BEFORE, help="the commit to compare with (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="of both (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=3, help="to run of each (default: %(default)s)")
    parser.add_argument("--precision", default="float32", choices=("float32", "auto"))
    parser.add_argument("--avx2", action="store_true", help="both without AVX-512")
    parser.add_argument("--output", type=Path, help="where the figures go (default: beside this file)")
    options = parser.parse_args()
    here = Path(__file__).parents[1]
    runs: dict[str, list[dict]] = {"before": [], "now": []}
    with tempfile.TemporaryDirectory() as scratch:
        archive = subprocess.run(["git", "archive", options.before, "src"], cwd=here, capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", scratch], input=archive.stdout, check=True)
        for _ in range(options.rounds):
            for name, checkout in (("before", Path(scratch)), ("now", here)):
                held = (AVX2 | ({"TF_ENABLE_ONEDNN_OPTS": "0"} if name == "before" else {})) if options.avx2 else {}
                runs[name].append(time_training(checkout / "src", options.precision, options.epochs, held))
                print(name, runs[name][-1], flush=True)
    results = {name: summarise(of_one) for name, of_one in runs.items()}
    ratio = results["now"]["training_s"] / results["before"]["training_s"]
    for name, figures in results.items():
        print(
            "{:6s} {training_s:6.0f} s: {before_first_epoch_s:.0f} s, then {epochs} x {epoch_s:.1f} s".format(
                name, **figures
            )
        )
    print(f"ratio {ratio:.3f}")
    settings = {"commit_before": options.before, "precision": options.precision, "rounds": options.rounds}
    settings["instructions"] = "AVX2" if options.avx2 else "all"
    output = options.output or (RESULTS.with_stem("training_avx2") if options.avx2 else RESULTS)
    records.write_result(output, settings | results | {"ratio": ratio})


def time_training(source: Path, precision: str, epochs: int, held: dict[str, str]) -> dict:
    """Time the first epochs of a training by the package in `source`, in a process and environment of its own."""
    environment = {**os.environ, "PYTHONPATH": str(source)} | held
    command = [sys.executable, "-c", CHILD, precision, str(epochs)]
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(command, env=environment, cwd=elsewhere, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def summarise(runs: list[dict]) -> dict[str, float]:
    """Return a whole training's time in seconds, from the median epoch and what came before the first."""
    epoch = statistics.median(time for run in runs for time in run["others_s"])
    before = statistics.median(run["first_s"] for run in runs) - epoch
    epochs = runs[0]["epochs"]
    return {
        "training_s": round(before + epochs * epoch, 1),
        "before_first_epoch_s": round(before, 1),
        "epoch_s": round(epoch, 2),
        "epochs": epochs,
    }


if __name__ == "__main__":
    main()
