"""Seconds to 99 % of MNIST: the sprint beside train_mnist_fast, in turns, on one machine.

    python records/seconds.py --peer PYTHON    the record; PYTHON has PyTorch: reads the test set, once for each seed
    python records/seconds.py --ladder         what each change is worth, on validation
    python records/seconds.py --rung NAME      one rung, on validation; writes nothing

A run is timed from pictures as MNIST's files hold them, in memory, to the accuracy: choosing pictures, training and
reading. Importing and compiling are apart, and given. With --avx2 both sides run as on a processor with AVX2 alone.
Stopped, each goes on with the next seed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from digitrec import load_mnist, load_split, record_page, sprint, standings

HERE = Path(__file__).parent
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
PEER = {"train_mnist_fast": "as_it_stands", "train_mnist_fast, channels_last": "channels_last"}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--peer", metavar="PYTHON", help="measure the record beside the peer")
    what.add_argument("--ladder", action="store_true", help="measure every rung, and what did not help")
    what.add_argument("--rung", choices=[*sprint.build_rungs(), *sprint.build_trials()], help="measure this one alone")
    parser.add_argument("--seeds", type=int, default=10, help="how many, from 0 (default: %(default)s)")
    parser.add_argument("--avx2", action="store_true", help="without AVX-512")
    options = parser.parse_args()
    if options.avx2:
        os.environ |= AVX2  # before TensorFlow is loaded
    if options.peer:
        measure_record(options.peer, options.seeds, options.avx2)
    else:
        measure_ladder([options.rung] if options.rung else None, options.seeds)


def measure_record(python: str, seeds: int, avx2: bool) -> None:
    """Run the sprint and both forms of the peer in turns on the test set, and write the record."""
    training, _, test = load_split("mnist")
    import_s = time_import()
    name, recipe = list(sprint.build_rungs().items())[-1]
    with sprint.Runners(training, test) as runners, start_peer(python, load_mnist()[0], test) as ask:
        versions, compile_s = ask(""), runners.compile(recipe)
        for layout in PEER.values():
            ask(f"0 {layout}")  # the first run of a process is slower

        def run(job: dict) -> dict:
            if layout := PEER.get(job["who"]):
                return ask(f"{job['seed']} {layout}")
            done = runners.run(recipe, job["seed"])
            return {"accuracy": done.accuracy, "time_s": done.time_s}

        setup = {"rung": name, "recipe": recipe.to_json(), "peer": versions, "instructions": "AVX2" if avx2 else "all"}
        path = HERE / ("seconds_avx2.json" if avx2 else "seconds.json")
        jobs = [{"seed": seed, "who": who} for seed in range(seeds) for who in ("sprint", *PEER)]
        apart = {"import_s": round(import_s, 2), "compile_s": round(compile_s, 2)}
        words = ["PYTHON" if word == python else word for word in sys.argv[1:]]  # wherever it lies on this machine
        result = standings.keep_runs(path, setup, jobs, run, ["python", "records/seconds.py", *words], apart)
    figures = standings.summarise(result["runs"], by="who")
    ours = figures["sprint"]
    found = f"{ours['time_s']:.2f} s, {ours['mean']:.2%} ± {ours['deviation']:.2%}" + "".join(
        f"; {ours['time_s'] / figures[who]['time_s']:.3f} of {who}'s {figures[who]['time_s']:.2f} s, "
        f"{figures[who]['mean']:.2%}"
        for who in PEER
    )
    print(found)
    standings.log(HERE / "LOG.md", result, f"seconds to 99 %, {seeds} seeds", found, path.name)
    record_page.write_page()


def measure_ladder(names: list[str] | None, seeds: int) -> None:
    """Run rungs, and the trials that led nowhere, in turns on validation; write them, unless it is a chosen few."""
    training, validation, _ = load_split("mnist")
    recipes = sprint.build_rungs() | sprint.build_trials()
    jobs = [{"seed": seed, "rung": name} for seed in range(seeds) for name in names or recipes]
    with sprint.Runners(training, validation) as runners, tempfile.TemporaryDirectory() as scratch:

        def run(job: dict) -> dict:
            done = runners.run(recipes[job["rung"]], job["seed"])
            return {"accuracy": done.accuracy, "time_s": done.time_s}

        path = Path(scratch) / "rung.json" if names else HERE / "ladder.json"
        setup = {"recipes": {name: recipe.to_json() for name, recipe in recipes.items()}}
        result = standings.keep_runs(path, setup, jobs, run, ["python", "records/seconds.py", *sys.argv[1:]])
    for name, figures in standings.summarise(result["runs"], by="rung").items():
        print(f"{name:24s} {figures['mean']:.3%} ± {figures['deviation']:.3%}  {figures['time_s']:.2f} s")
    if not names:
        standings.log(
            HERE / "LOG.md", result, "the ladder to 99 %, on validation", f"{len(recipes)} recipes", path.name
        )
        record_page.write_page()


def time_import() -> float:
    """Time the import of TensorFlow in a process of its own, Python's start included."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "from digitrec import backend; backend.keras"], check=True)
    return time.perf_counter() - start


@contextmanager
def start_peer(python: str, training: tuple, test: tuple):
    """Start the peer; hand out a function that sends it a line and returns its answer (to an empty line, its first)."""
    with tempfile.TemporaryDirectory() as scratch:
        arrays = Path(scratch) / "arrays.npz"
        np.savez(arrays, x=training[0], y=training[1], test_x=test[0], test_y=test[1])
        command = [python, str(HERE / "train_mnist_fast.py"), str(arrays)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as peer:

            def ask(line: str) -> dict:
                if line:
                    peer.stdin.write(f"{line}\n")
                    peer.stdin.flush()
                return json.loads(peer.stdout.readline())

            yield ask
            peer.stdin.close()


if __name__ == "__main__":
    main()
