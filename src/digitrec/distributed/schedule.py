"""How long jobs take on so many workers: a short simulation from measured times, without a cluster and without Ray."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Costs:
    """What a cluster costs beside the work itself, all in seconds.

    Attributes:
        start_s: until the cluster takes jobs.
        load_s: for which a worker loads libraries and a network before its first job.
        hand_out_s: that the head takes for a job; it hands out one at a time.
        send_s: for which the head sends shared data to a machine; to one at a time, passed on by those that have them,
            so that twice as many machines take one round more.
        failures_per_hour: of a worker, on average; the job that it had begins anew, on a worker that loads anew.

    >>> Costs(start_s=5.0).hand_out_s
    0.0
    """

    start_s: float = 0.0
    load_s: float = 0.0
    hand_out_s: float = 0.0
    send_s: float = 0.0
    failures_per_hour: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """What became of the jobs.

    Attributes:
        time_s: from the command to the last result.
        busy: share of the workers' time, 0-1, that went into results.
        failures: workers lost on the way.

    >>> Schedule(time_s=10.0, busy=0.5, failures=0).busy
    0.5
    """

    time_s: float
    busy: float
    failures: int


def simulate(jobs_s: ArrayLike, workers: int, costs: Costs | None = None, cores: int = 1, seed: int = 0) -> Schedule:
    """Hand out jobs in their order, each to the worker that is free first.

    Assumed: all workers are equally fast, a job takes its time wherever it runs, results are small, the network is
    never the limit but for the shared data, and failures are independent of each other.

    Args:
        jobs_s: how long each job takes on a worker, float (n,), seconds; longest first ends soonest.
        workers: how many.
        costs: what else takes time; None for nothing.
        cores: workers on a machine, which gets the shared data once.
        seed: of the failures.

    Raises:
        ValueError: no workers, or a job that takes no time or less.

    >>> simulate([4, 3, 2, 1], workers=2).time_s
    5.0
    >>> simulate([4, 3, 2, 1], workers=1, costs=Costs(start_s=2)).time_s
    12.0
    """
    times, costs = np.asarray(jobs_s, float), costs or Costs()
    if workers < 1 or cores < 1:
        raise ValueError(f"workers: expected 1 or more, got {workers} on machines of {cores}")
    if times.ndim != 1 or not len(times) or not (times > 0).all():
        raise ValueError(f"jobs_s: expected seconds, each more than 0, got {jobs_s!r}"[:200])
    generator = np.random.default_rng(seed)
    machines = np.arange(workers) // cores
    rounds = np.ceil(np.log2(machines + 2)) if costs.send_s else np.zeros(workers)
    free = [float(costs.start_s + costs.load_s + costs.send_s * wait) for wait in rounds]
    heapq.heapify(free)
    handed_out, end, failures = costs.start_s, 0.0, 0
    waiting = list(times[::-1])
    while waiting:
        time_s = waiting.pop()
        begun = handed_out = max(handed_out + costs.hand_out_s, heapq.heappop(free))
        dies = generator.exponential(3600 / costs.failures_per_hour) if costs.failures_per_hour else np.inf
        if dies < time_s:
            failures += 1
            waiting.append(time_s)
            heapq.heappush(free, begun + dies + costs.load_s)
        else:
            end = max(end, begun + time_s)
            heapq.heappush(free, begun + time_s)
    return Schedule(float(end), float(times.sum() / (workers * end)), failures)


def find_break_even(start_s: float, workers: int, efficiency: float = 1.0) -> float:
    """Return how many seconds of work one process must have before a cluster is done sooner; infinite: it never is.

    Args:
        start_s: what the cluster takes longer to start.
        workers: how many.
        efficiency: work of all of them in a second, over that of so many processes alone, 0-1.

    >>> find_break_even(10, workers=2), find_break_even(10, workers=1)
    (20.0, inf)
    """
    gain = 1 - 1 / (workers * efficiency)
    return start_s / gain if gain > 0 else float("inf")


def describe_time(seconds: float) -> str:
    """Say how long that is, as people do.

    >>> [describe_time(s) for s in (12.3, 90, 5400, 200_000)]
    ['12 s', '1.5 min', '1.5 h', '2.3 days']
    """
    for unit, size, most in (("s", 1.0, 60.0), ("min", 60.0, 60.0), ("h", 3600.0, 48.0)):
        if seconds / size < most:
            return f"{seconds / size:.{0 if unit == 's' else 1}f} {unit}"
    return f"{seconds / 86_400:.1f} days"


def draw_jobs(jobs_s: Sequence[float], n: int, seed: int = 0) -> np.ndarray:
    """Return the times of n jobs, drawn from those that were measured, float (n,), seconds.

    >>> draw_jobs([2.0], 3).tolist()
    [2.0, 2.0, 2.0]
    """
    return np.random.default_rng(seed).choice(np.asarray(jobs_s, float), n)
