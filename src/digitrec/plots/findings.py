"""What a title may claim: who comes first, who ties with them, and what may be chance."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitrec.evaluation import wilson_interval


def differ(hits_a: int, n_a: int, hits_b: int, n_b: int, confidence: float = 0.95) -> bool:
    """Say whether two shares differ by more than chance: the interval of their difference excludes 0.

    The interval is made of both shares' Wilson intervals (Newcombe 1998, "Interval estimation for the difference
    between independent proportions", method 10).

    Args:
        hits_a: of n_a trials, at least 1.
        n_a: see hits_a.
        hits_b: of n_b trials, at least 1.
        n_b: see hits_b.
        confidence: of the interval, between 0 and 1; for one of several questions, 1 - 0.05 / questions.
    """
    (hits_low, n_low), (hits_high, n_high) = sorted(((hits_a, n_a), (hits_b, n_b)), key=lambda one: one[0] / one[1])
    low, high = hits_low / n_low, hits_high / n_high
    down = high - wilson_interval(hits_high, n_high, confidence)[0]
    up = wilson_interval(hits_low, n_low, confidence)[1] - low
    return bool(high - low > np.hypot(down, up))


def counts_differ(a: int, b: int) -> bool:
    """Say whether two counts of rare events differ by more than chance: the larger's share of both excludes a half."""
    return a + b > 0 and wilson_interval(max(a, b), a + b)[0] > 0.5


def find_largest(values: ArrayLike, decimals: int) -> list[int]:
    """Return the places of the largest value and of all that equal it at the decimals shown, NaN apart."""
    shown = np.round(np.asarray(values, dtype=float), decimals)
    return np.flatnonzero(shown == np.nanmax(shown)).tolist()


def find_largest_share(hits: ArrayLike, n: ArrayLike) -> tuple[list[int], list[int]]:
    """Return the places of the largest share, in % to one decimal, and of the others within chance of it.

    Args:
        hits: int (k,).
        n: int (k,), trials; a share without any is left out, but one at least has some.
    """
    hits, n = np.asarray(hits), np.asarray(n)
    shares = 100 * hits / np.where(n, n, np.nan)
    most, first = find_largest(shares, 1), int(np.nanargmax(shares))
    others = [i for i in np.flatnonzero(n).tolist() if i not in most]
    return most, [i for i in others if not differ(hits[i], n[i], hits[first], n[first])]


def compute_chance_error(confidence: ArrayLike, count: ArrayLike) -> float:
    """Return the calibration error, 0-1, that a perfectly calibrated network exceeds in one trial of twenty.

    Args:
        confidence: mean of each bin in 0-1, NaN where it is empty.
        count: pictures in each bin.
    """
    n = np.asarray(count)
    sure = np.where(n, confidence, 0.5)
    right = np.random.default_rng(0).binomial(n, np.clip(sure, 0, 1), (2000, len(n)))
    return float(np.quantile(np.abs(right - n * sure).sum(axis=1) / n.sum(), 0.95))


def compute_whiskers(hits: NDArray, n: NDArray) -> NDArray:
    """Return how far the 95 % intervals reach below and above shares, in points: (2, k), for `errorbar`."""
    ends = np.array([wilson_interval(int(k), int(trials)) for k, trials in zip(hits, n, strict=True)]).reshape(-1, 2)
    return 100 * np.abs(ends - (hits / n)[:, None]).T


def join(names: Sequence[object], kind: str = "others") -> str:
    """Write up to three names as a list, "a, b and c", and more as their number and kind, "5 others"."""
    *first, last = map(str, names)
    return f"{len(names)} {kind}" if len(names) > 3 else " and ".join(filter(None, (", ".join(first), last)))
