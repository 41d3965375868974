"""The sources of an epoch: the given pictures and what is synthesised beside them, made in processes of their own."""

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from digitrec.calibration import NOT_A_DIGIT
from digitrec.config import TrainConfig
from digitrec.synthesis.hands import draw_digits
from digitrec.synthesis.non_digits import draw_non_digits, pair_digits
from digitrec.synthesis.scenes import soil

Arrays = tuple[np.ndarray, np.ndarray]
_JOB = 2500  # pictures that one process makes


def make_pools(config: TrainConfig, training: Arrays) -> dict[str, Arrays]:
    """Return what an epoch draws from: the training set and pictures synthesised from the seed.

    Args:
        config: the numbers of pictures and the seed.
        training: images uint8 (n, 28, 28) and labels int (n,).

    Returns:
        Images and labels by name: given, drawn, soiled, pairs, others; the last two are no digits (label 10). A
        source of size zero is left out.
    """
    pairs = config.non_digits // 4
    wanted = {
        "drawn": config.drawn_digits,
        "soiled": config.soiled_digits,
        "pairs": pairs,
        "others": config.non_digits - pairs,
    }
    jobs = [(kind, min(_JOB, n - start)) for kind, n in wanted.items() for start in range(0, n, _JOB)]
    rngs = np.random.default_rng((config.seed, 1)).spawn(len(jobs))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        made = list(threads.map(lambda job, rng: _make_aside(job[0], job[1], training, rng), jobs, rngs))
    pools = {"given": training}
    for kind in dict(jobs):
        images, labels = zip(*(part for job, part in zip(jobs, made, strict=True) if job[0] == kind), strict=True)
        pools[kind] = np.concatenate(images), np.concatenate(labels)
    return pools


def _make_aside(kind: str, n: int, training: Arrays, rng: np.random.Generator) -> Arrays:
    """Make n pictures in another process.

    Not by multiprocessing: it would run a user's script again in every process it starts.
    """
    some = rng.choice(len(training[1]), min(2 * n, len(training[1])), replace=False)
    order = io.BytesIO()
    np.savez(order, kind=kind, n=n, seed=rng.integers(2**63), images=training[0][some], labels=training[1][some])
    command = [sys.executable, "-m", __name__]
    done = subprocess.run(command, input=order.getvalue(), capture_output=True)
    if done.returncode:
        raise RuntimeError(f"synthesis of {kind} pictures failed: {done.stderr.decode()}")
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as made:
        return made["images"], made["labels"]


def _serve() -> None:
    """Read one order from standard input and write the pictures to standard output."""
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as order:
        kind, n, images, labels = str(order["kind"]), int(order["n"]), order["images"], order["labels"]
        rng = np.random.default_rng(int(order["seed"]))
    if kind == "drawn":
        images, labels = draw_digits(n, rng)
    elif kind == "soiled":
        images, labels = soil(images, labels, n, rng)
    else:
        images = pair_digits(images, n, rng) if kind == "pairs" else draw_non_digits(n, rng)
        labels = np.full(n, NOT_A_DIGIT)
    np.savez(sys.stdout.buffer, images=images, labels=labels)


if __name__ == "__main__":
    _serve()
