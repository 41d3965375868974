"""How well numbers are read: whole ones, characters, confidences; and what is taken for what."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from digitrec.evaluation import wilson_interval

_BINS = 15


def count_edits(read: str, label: str) -> int:
    """Return how many characters must be inserted, deleted or replaced to turn one text into the other.

    >>> count_edits("125", "12,5"), count_edits("", "12"), count_edits("17", "71")
    (1, 2, 2)
    """
    row = list(range(len(label) + 1))
    for i, one in enumerate(read, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(label, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (one != other))
    return row[-1]


def keep_digits(text: str) -> str:
    """Drop the marks of a number."""
    return re.sub(r"[^0-9]", "", text)


def compare(read: Sequence[str | None], labels: Sequence[str]) -> list[bool]:
    """Tell of each number whether it was read exactly.

    Where no label holds a mark, the set's maker left them out, and digits alone are compared.

    Args:
        read: the likeliest readings, None of a blank.
        labels: what stands there, empty of a blank.
    """
    if has_marks(labels):
        return [(one or "") == label for one, label in zip(read, labels, strict=True)]
    return [keep_digits(one or "") == keep_digits(label) for one, label in zip(read, labels, strict=True)]


def has_marks(labels: Sequence[str]) -> bool:
    """Tell whether any label holds a mark."""
    return any(keep_digits(label) != label for label in labels)


def expected_calibration_error(confidence: ArrayLike, correct: ArrayLike) -> float:
    """Return how far confidence lies from the share of what is right, in the mean of 15 bins of equal width, 0-1.

    Source: Guo, Pleiss, Sun, Weinberger 2017. NaN of nothing.
    """
    sure, right = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    if not len(sure):
        return float("nan")
    place = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    return float(np.abs(np.bincount(place, sure - right)).sum() / len(sure))


def summarise(
    read: Sequence[str | None], confidence: ArrayLike, labels: Sequence[str], threshold: float
) -> dict[str, Any]:
    """Return what readings of one set are worth.

    Args:
        read: the likeliest readings, None of a blank.
        confidence: 0-1 (n,).
        labels: what stands there, empty of a blank.
        threshold: below which a reading is declined.

    Returns:
        Of the numbers: n, right (share read exactly) with its 95 % interval, low to high, character_error_rate (edits
        by characters), answered, right_of_answered, calibration_error; of those of digits alone right_digits_only; of
        the blanks blanks and blanks_declined. NaN is the share of nothing.
    """
    sure, correct = np.asarray(confidence, np.float64), np.array(compare(read, labels), bool)
    number = np.array([bool(label) for label in labels], bool)
    plain = np.array([label.isdecimal() for label in labels], bool)
    answered = number & (sure >= threshold) & np.array([bool(one) for one in read], bool)
    clean = (lambda text: text) if has_marks(labels) else keep_digits
    pairs = [(clean(one or ""), clean(label)) for one, label in zip(read, labels, strict=True) if label]
    n, right = int(number.sum()), int(correct[number].sum())
    low, high = wilson_interval(right, n) if n else (float("nan"), float("nan"))
    declined = [not one or each < threshold for one, each, label in zip(read, sure, labels, strict=True) if not label]
    return {
        "n": n,
        "right": _share(correct[number]),
        "low": low,
        "high": high,
        "right_digits_only": _share(correct[plain]),
        "character_error_rate": sum(count_edits(*pair) for pair in pairs)
        / max(sum(len(label) for _, label in pairs), 1),
        "answered": _share(answered[number]),
        "right_of_answered": _share(correct[answered]),
        "calibration_error": expected_calibration_error(sure[number], correct[number]),
        "compares": "marks as well" if has_marks(labels) else "digits alone",
        "blanks": len(declined),
        "blanks_declined": _share(np.array(declined, bool)),
    }


def tabulate_lengths(read: Sequence[str | None], labels: Sequence[str]) -> dict[int, tuple[int, int]]:
    """Return, by the number of digits, how many numbers there are and how many were read exactly."""
    counts: dict[int, tuple[int, int]] = {}
    for correct, label in zip(compare(read, labels), labels, strict=True):
        if label:
            n, right = counts.get(len(keep_digits(label)), (0, 0))
            counts[len(keep_digits(label))] = n + 1, right + correct
    return dict(sorted(counts.items()))


def count_confusions(read: Sequence[str | None], labels: Sequence[str]) -> Counter[tuple[str, str]]:
    """Count which digit was taken for which, in those numbers that were read with the right length."""
    found: Counter[tuple[str, str]] = Counter()
    for one, label in zip(read, labels, strict=True):
        said, stands = keep_digits(one or ""), keep_digits(label)
        if len(said) == len(stands):
            found.update((true, taken) for true, taken in zip(stands, said, strict=True) if true != taken)
    return found


def _share(values: Any) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
