"""The sources of an epoch: the given pictures and what is synthesised beside them, made in processes of their own."""

import io
import os
import struct
import subprocess
import sys
import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, NamedTuple

import numpy as np

from digitrec.calibration import NOT_A_DIGIT, SEVERAL_DIGITS
from digitrec.config import TrainConfig
from digitrec.synthesis.hands import draw_digits
from digitrec.synthesis.non_digits import draw_non_digits
from digitrec.synthesis.numbers import Strips, draw_numbers
from digitrec.synthesis.scenes import soil
from digitrec.synthesis.strings import draw_strings

Arrays = tuple[np.ndarray, np.ndarray]
Made = tuple[np.ndarray, ...]
_JOB = 1000  # pictures


class Job(NamedTuple):
    """An order for pictures: with the training set it decides each of them.

    Attributes:
        kind: soiled, others, strings, drawn or numbers.
        n: how many.
        seed: of their generator.
    """

    kind: str
    n: int
    seed: int


def make_pools(config: TrainConfig, training: Arrays) -> dict[str, Arrays]:
    """Return what an epoch draws from: the training set and pictures synthesised from the seed.

    Args:
        config: the numbers of pictures and the seed.
        training: images uint8 (n, 28, 28) and labels int (n,).

    Returns:
        Images and labels by name: given, soiled, others (no digits, label 10), strings (label 11), drawn. A source of
        size zero is left out.
    """
    jobs = plan_jobs(config)
    made = make_jobs(jobs, training)
    pools = {"given": training}
    for kind in dict.fromkeys(job.kind for job in jobs):
        images, labels = zip(*(made[job] for job in jobs if job.kind == kind), strict=True)
        pools[kind] = np.concatenate(images), np.concatenate(labels)
    return pools


def plan_jobs(config: TrainConfig) -> list[Job]:
    """Divide what an epoch needs into jobs, the longest first; the seed alone decides theirs."""
    wanted = {
        "soiled": config.soiled_digits,
        "others": config.non_digits,
        "strings": config.strings,
        "drawn": config.drawn_digits,
    }
    sizes = [(kind, min(_JOB, n - start)) for kind, n in wanted.items() for start in range(0, n, _JOB)]
    seeds = np.random.default_rng((config.seed, 1)).integers(2**63, size=len(sizes)).tolist()
    return [Job(kind, n, seed) for (kind, n), seed in zip(sizes, seeds, strict=True)]


def make_strips(images: np.ndarray, labels: np.ndarray, n: int, seed: int, processes: int | None = None) -> Strips:
    """Draw strips of numbers as `draw_numbers` does, in other processes; the seed alone decides each of them.

    Args:
        images: uint8 (m, 28, 28) of digits.
        labels: int (m,), 0-9.
        n: how many.
        seed: of the generators.
        processes: how many; one a processor by default.

    Raises:
        RuntimeError: from a process that failed, of images of another form, say.
    """
    sizes = [min(_JOB, n - start) for start in range(0, n, _JOB)]
    seeds = np.random.default_rng((seed, 2)).integers(2**63, size=len(sizes)).tolist()
    jobs = [Job("numbers", size, own) for size, own in zip(sizes, seeds, strict=True)]
    made = make_jobs(jobs, (images, labels), processes)
    if not jobs:
        return draw_numbers(images, labels, 0, np.random.default_rng(0))
    strips, widths, texts, spans = (np.concatenate(parts) for parts in zip(*(made[job] for job in jobs), strict=True))
    return Strips(strips, widths, texts.tolist(), spans)


def make_job(job: Job, training: Arrays) -> Made:
    """Make the pictures of one job, and their labels int64 (n,), or what `Strips` holds, here and now."""
    rng, (images, labels) = np.random.default_rng(job.seed), training
    if job.kind == "numbers":
        strips, widths, texts, spans = draw_numbers(images, labels, job.n, rng)
        return strips, widths, np.array(texts, "U16"), spans
    if job.kind == "soiled":
        return soil(images, labels, job.n, rng)
    if job.kind == "drawn":
        return draw_digits(job.n, rng)
    if job.kind == "strings":
        return draw_strings(images, job.n, rng), np.full(job.n, SEVERAL_DIGITS)
    return draw_non_digits(job.n, rng), np.full(job.n, NOT_A_DIGIT)


def make_jobs(jobs: list[Job], training: Arrays, processes: int | None = None) -> dict[Job, Made]:
    """Make the pictures of jobs in other processes, one a processor; how many there are changes nothing.

    Not by multiprocessing: it would run a user's script again in every process it starts.

    Args:
        jobs: of different seeds.
        training: images uint8 (n, 28, 28) and labels int (n,).
        processes: how many; one a processor by default.

    Returns:
        What `make_job` gives, by job.
    """
    waiting, made = deque(jobs), dict[Job, Made]()
    digits = _pack(*training)
    workers = min(processes or os.cpu_count() or 1, len(jobs))
    with ThreadPoolExecutor(max(workers, 1)) as threads:
        ends = [threads.submit(_work_through, waiting, digits, made) for _ in range(workers)]
        try:
            for end in ends:
                end.result()
        finally:
            waiting.clear()  # whatever went wrong, no process begins another
    return made


def _work_through(waiting: deque[Job], digits: bytes, made: dict[Job, Made]) -> None:
    """Have one process make one job after another, as long as any wait."""
    command, alone = [sys.executable, "-m", __name__], {**os.environ, "OMP_NUM_THREADS": "1"}
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=alone) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        job = None
        try:
            process.stdin.write(digits)
            while waiting:
                try:
                    job = waiting.popleft()
                except IndexError:  # another was faster
                    break
                process.stdin.write(_pack(*job))
                process.stdin.flush()
                made[job] = _unpack(process.stdout)
        except (OSError, EOFError) as error:
            process.wait()
            errors.seek(0)
            raise RuntimeError(f"synthesis of pictures failed: {job}: {errors.read().decode()}") from error


def _pack(*arrays: Any) -> bytes:
    """Turn arrays into bytes that tell their own length."""
    file = io.BytesIO()
    np.savez(file, *arrays)
    return struct.pack("<Q", file.tell()) + file.getvalue()


def _unpack(file: IO[bytes]) -> tuple[np.ndarray, ...]:
    """Read what `_pack` wrote.

    Raises:
        EOFError: if the file ends before it.
    """
    head = file.read(8)
    data = file.read(*struct.unpack("<Q", head)) if len(head) == 8 else b""
    if not data:
        raise EOFError
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return tuple(arrays.values())


def _serve() -> None:
    """Read the digits, then one job after another, from standard input; write the pictures to standard output."""
    images, labels = _unpack(sys.stdin.buffer)
    while True:
        try:
            kind, n, seed = _unpack(sys.stdin.buffer)
        except EOFError:
            return
        sys.stdout.buffer.write(_pack(*make_job(Job(str(kind), int(n), int(seed)), (images, labels))))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
