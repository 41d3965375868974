"""What a cluster of two workers is worth on this machine: seeds, trials and 200,000 pictures beside one process.

Writes scale.json, and its sentence into README.md. Takes a quarter of an hour on two quiet cores; --quick shows in two
minutes that it runs, and writes where --output says.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from digitrec import load_dataset, records
from digitrec.bulk.parts import read_archive
from digitrec.bulk.readers import build_digit_reader, pack_model
from digitrec.config import TrainConfig
from digitrec.datasets import load_split, take
from digitrec.distributed.schedule import find_break_even
from digitrec.folds import measure_fold
from digitrec.jobs import one_by_one

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- benchmarks/scale.py writes this -->\n", "<!-- until here -->"
KINDS = ("trainings", "trials", "reading")
SHARD = 1000  # pictures of a tar file
LARGEST_SHARE = 0.9  # of a process that a worker has to be worth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little work, to see that it runs; no figures to quote")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="measure these; others stay as stored")
    parser.add_argument("--output", type=Path, help="where to write; default: scale.json beside this, unless --quick")
    parser.add_argument("--alone", help=argparse.SUPPRESS)  # one process of the comparison; prints JSON
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(measure_alone(options.alone, options.quick)))
        return
    output = options.output or (None if options.quick else HERE / "scale.json")
    stored = json.loads(output.read_text()) if output and output.exists() else {}
    results = measure(options.kinds, options.quick, stored)
    print(json.dumps(results, indent=2))
    if output is not None:
        records.write_result(output, results)
    if output == HERE / "scale.json":
        write_sentence(README, results)


def measure(kinds: Sequence[str], is_quick: bool, stored: dict[str, Any]) -> dict[str, Any]:
    """Measure one process, one worker and two, each on its own, in this order; of other kinds keep what was stored."""
    from digitrec.distributed.cluster import connect

    with make_archive(2_000 if is_quick else 200_000) as archive:
        alone = {kind: ask_alone(f"{kind}:{archive}", is_quick) for kind in kinds}
        rates: dict[str, dict[str, Any]] = {kind: {"one process": one} for kind, one in alone.items()}
        begun = {}
        for workers in (1, 2):
            start = time.perf_counter()
            with connect(workers=workers, report=note) as cluster:
                list(cluster.spread(abs, [(-1,)]))
                begun["start_s"] = time.perf_counter() - start
                begun["hand_out_s"] = time_jobs(cluster.spread, 50 if is_quick else 1000)
                if "reading" in kinds:  # before TensorFlow takes memory
                    rates["reading"][name(workers)] = run_kind("reading", archive, cluster, is_quick)
                begun["load_s"] = max(seconds for _, seconds in cluster.spread(warm_up, [(15,)] * workers))
                for kind in (kind for kind in kinds if kind != "reading"):
                    rates[kind][name(workers)] = run_kind(kind, archive, cluster, is_quick)
                note(f"{workers} at once: {rates}")
    for one in rates.values():
        one["efficiency"] = one["2 workers"]["per_s"] / (2 * one["1 worker"]["per_s"])
        one["met"] = one["efficiency"] >= LARGEST_SHARE
    rates = {kind: stored[kind] for kind in KINDS if kind in stored} | rates
    return {"quick": is_quick, **begun, **rates, "break_even": break_even(rates, begun)}


def name(workers: int) -> str:
    return f"{workers} worker{'s'[: workers > 1]}"


def break_even(rates: dict[str, dict[str, Any]], begun: dict[str, float]) -> dict[str, Any]:
    """Return from how much work on two workers are done before one process, start-up included; None: never."""
    found = {}
    for kind, one in rates.items():
        share = one["2 workers"]["per_s"] / (2 * one["one process"]["per_s"])
        setup_s = begun["start_s"] + (begun["load_s"] if kind != "reading" else 0)
        seconds = find_break_even(setup_s, 2, share)
        found[kind] = {"seconds": seconds, "jobs": seconds * one["one process"]["per_s"]} if seconds < 1e6 else None
    return found


def describe(results: dict[str, Any]) -> str:
    """Write the sentence of the README."""
    reading, trainings, trials = (results[kind] for kind in ("reading", "trainings", "trials"))
    pays, first = results["break_even"]["reading"], "On two cores one process is always faster than a cluster"
    if pays is not None:
        pictures = float(f"{pays['jobs']:.1g}")
        first = (
            f"Below {pictures:,.0f} pictures, or {pays['seconds']:.0f} s of work, one process is faster than a cluster "
            "of two workers"
        )
    return (
        f"{first}: a cluster takes {results['start_s']:.0f} s to start, and a worker {results['load_s']:.0f} s more "
        f"before its first training. Two workers read {reading['2 workers']['per_s']:,.0f} pictures a second, one "
        f"process {reading['one process']['per_s']:,.0f}. They do {100 * reading['efficiency']:.0f} % of twice what "
        f"one worker does; of trainings {100 * trainings['efficiency']:.0f} %, "
        f"of trials {100 * trials['efficiency']:.0f} %."
    )


def write_sentence(page: Path, results: dict[str, Any]) -> None:
    """Put the sentence between its marks, in lines as wide as the page's."""
    import textwrap

    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{page}: expected {BEGIN.strip()} and {END}")
    text = "\n".join(textwrap.wrap(describe(results), 120, break_on_hyphens=False))
    records.write_text(page, f"{before}{begin}{text}\n{end}{after}")


# --- one process ---------------------------------------------------------------------------------


def ask_alone(what: str, is_quick: bool) -> dict[str, Any]:
    """Run one kind of work in a process of its own, without a cluster and with all cores; return what it printed."""
    words = [sys.executable, __file__, "--alone", what, *(["--quick"] if is_quick else [])]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure_alone(what: str, is_quick: bool) -> dict[str, Any]:
    kind, _, archive = what.partition(":")
    if kind != "reading":
        warm_up(0)
    return run_kind(kind, Path(archive), None, is_quick)


# --- the work ------------------------------------------------------------------------------------


def run_kind(kind: str, archive: Path, cluster: Any, is_quick: bool) -> dict[str, Any]:
    """Do one kind of work; return how many jobs or pictures a second, and what the processes needed."""
    spread = one_by_one if cluster is None else cluster.spread
    run: dict[str, Callable[[], int]] = {
        "trainings": lambda: run_trainings(spread, is_quick),
        "trials": lambda: run_trials(cluster, is_quick),
        "reading": lambda: run_reading(spread, archive),
    }
    if kind != "reading":  # read and loaded once, so that the time below is that of the work
        import digitrec.study.search  # noqa: F401

        prepare_data(is_quick)
    start = time.perf_counter()
    jobs = run[kind]()
    time_s = time.perf_counter() - start
    peaks = [peak_memory_mb(0.0)]
    if cluster is not None:
        peaks += [peak for _, peak in cluster.spread(peak_memory_mb, [(1.0,)] * cluster.slots)]
    return {"jobs": jobs, "time_s": round(time_s, 3), "per_s": jobs / time_s, "peak_mb": [round(one) for one in peaks]}


def prepare_data(is_quick: bool) -> Any:
    training, validation, _ = load_split("mnist")
    n = 500 if is_quick else 5000
    return take(training, n), take(validation, 500 if is_quick else 5000)


def run_trainings(spread: Any, is_quick: bool) -> int:
    """Train networks under eight seeds, as seeds and folds do: four epochs of 5,000 pictures and 5,000 synthesised."""
    (images, labels), _ = prepare_data(is_quick)
    pools = dict.fromkeys(("drawn_digits", "soiled_digits", "strings", "non_digits"), 0 if is_quick else 1250)
    config = TrainConfig(epochs=1 if is_quick else 4, batch_size=64 if is_quick else 256, **pools)
    fold_of = np.arange(len(labels)) % 5
    jobs = [(0, replace(config, seed=seed)) for seed in range(2 if is_quick else 8)]
    return len(list(spread(measure_fold, jobs, (images, labels, fold_of))))


def run_trials(cluster: Any, is_quick: bool) -> int:
    """Hold trials of a search, as tune does but for the sampler: the same work, whoever is the faster."""
    from digitrec.study.search import TRIAL, hold_trials

    hold: Callable[..., None] = hold_trials
    if cluster is not None:
        from digitrec.distributed.searching import hold_on

        hold = partial(hold_on, cluster)
    n, base = 2 if is_quick else 48, replace(TRIAL, epochs=1)
    with tempfile.TemporaryDirectory() as folder:
        hold(open_search(Path(folder)), *prepare_data(is_quick), n, base, lambda study, trial: None)
    return n


def open_search(folder: Path) -> Any:
    """Open a search whose settings follow from the numbers of its trials."""
    from optuna.samplers import BaseSampler, RandomSampler

    from digitrec.study.storage import open_study

    class ByNumber(BaseSampler):
        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            return {}

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
            return {}

        def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
            chosen = RandomSampler(seed=zlib.crc32(f"{trial.number} {param_name}".encode()))
            return chosen.sample_independent(study, trial, param_name, param_distribution)

    study = open_study(folder)
    study.sampler = ByNumber()
    return study


def run_reading(spread: Any, archive: Path) -> int:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "answers.csv"
        pictures, failed = read_archive([str(archive)], output, build_digit_reader, (pack_model("cnn"),), True, spread)
    assert failed == 0
    return pictures


def warm_up(wait_s: float) -> float:
    """Load the libraries and train a step; return how long that took. `wait_s` keeps each worker to one of these."""
    start = time.perf_counter()
    images, labels = load_dataset("digits")[0]
    config = TrainConfig(epochs=1, drawn_digits=0, soiled_digits=0, strings=0, non_digits=0, batch_size=64)
    measure_fold(0, config, images[:200], labels[:200], np.arange(200) % 2)
    time_s = time.perf_counter() - start
    time.sleep(max(0.0, wait_s - time_s))
    return time_s


def time_jobs(spread: Any, n: int) -> float:
    start = time.perf_counter()
    list(spread(abs, [(-1,)] * n))
    return (time.perf_counter() - start) / n


def peak_memory_mb(wait_s: float) -> float:
    """Return the most memory that this process ever had, MB; `wait_s` keeps each worker to one of these."""
    time.sleep(wait_s)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


@contextmanager
def make_archive(pictures: int) -> Iterator[Path]:
    """Make pictures from MNIST's test digits, each a little another, in tar shards of WebDataset's form."""
    _, (images, labels) = load_dataset("mnist")
    folder = Path(tempfile.mkdtemp(prefix="scale-"))
    rng = np.random.default_rng(0)
    try:
        for first in range(0, pictures, SHARD):
            with tarfile.open(folder / f"{first:08d}.tar", "w") as archive:
                for i in range(first, min(first + SHARD, pictures)):
                    image = np.roll(images[i % len(images)], rng.integers(-2, 3, 2), (0, 1))
                    file = BytesIO()
                    Image.fromarray(255 - image).save(file, "PNG")
                    for end, content in ((".png", file.getvalue()), (".cls", str(labels[i % len(labels)]).encode())):
                        member = tarfile.TarInfo(f"{i:08d}{end}")
                        member.size = len(content)
                        archive.addfile(member, BytesIO(content))
        yield folder
    finally:
        shutil.rmtree(folder)


def note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
