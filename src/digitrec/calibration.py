"""Logits to an honest answer: probabilities, the temperature that calibrates them, and when to decline.

The first ten logits are the digits'. An eleventh is that of "several digits", where a network has it. "Not a digit" is
a class whose logit is fixed at zero: a picture whose logits are all far below zero is nothing that the network knows.
Softmax is unchanged by subtracting one logit from all, so nothing is lost against an output of its own.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitrec.evaluation import check_rows, check_scores, evaluate

NOT_A_DIGIT = 10  # the label of a picture that is none of the ten digits
SEVERAL_DIGITS = 11  # the label of a picture that shows more than one; its logit is the eleventh
DECLINE_AT_MOST = 0.005  # of validation's digits: the threshold is the largest score that declines no more


def softmax(logits: ArrayLike) -> NDArray[np.floating]:
    """Turn logits into probabilities along the last axis, without overflow.

    Args:
        logits: finite, (..., classes). float32 stays float32.

    Returns:
        The same shape, each row in 0-1 and summing to 1.

    Raises:
        ValueError: no classes, or numbers that are not finite.
    """
    z = np.asarray(logits)
    if z.ndim == 0 or z.shape[-1] == 0 or not np.isfinite(z).all():
        raise ValueError(f"logits: expected finite numbers (..., classes), got shape {z.shape}")
    exponentials = np.exp(z - z.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def read_logits(logits: NDArray, temperature: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn logits into calibrated probabilities and scores of being a digit.

    Args:
        logits: float32 (n, 10), or (n, 11) with that of "several digits".
        temperature: fitted on validation digits.

    Returns:
        Probabilities float32 (n, 10), the digits among themselves; and scores float32 (n,) in 0-1, the probability
        of the best digit when "not a digit", whose logit is zero, and "several digits" compete.
    """
    scores = np.asarray(logits, np.float64) / temperature
    competing = softmax(np.concatenate([scores, np.zeros((len(scores), 1))], axis=1))[:, :10]
    probabilities = competing / competing.sum(axis=1, keepdims=True)
    return probabilities.astype(np.float32), competing.max(axis=1).astype(np.float32)


def rate_none(logits: NDArray, temperature: float) -> NDArray[np.floating]:
    """Return the calibrated probability, 0-1 (...), that pictures are no single digit.

    Args:
        logits: float (..., 10), or (..., 11) with that of "several digits", which is then among what is no digit.
        temperature: fitted on validation digits.
    """
    scores = np.asarray(logits, np.float64) / temperature
    zero = np.zeros((*scores.shape[:-1], 1))
    return softmax(np.concatenate([scores, zero], axis=-1))[..., 10:].sum(axis=-1)


def calibrate(logits: ArrayLike, labels: ArrayLike) -> dict[str, Any]:
    """Fit temperature and threshold on validation, and evaluate with them.

    Args:
        logits: float (n, 10) or (n, 11), see `read_logits`.
        labels: int (n,), 0-9.

    Returns:
        `temperature`, `threshold`, and `validation` as `evaluation.evaluate` gives it.
    """
    temperature = fit_temperature(np.asarray(logits)[:, :10], labels)
    probabilities, scores = read_logits(np.asarray(logits), temperature)
    return {
        "temperature": temperature,
        "threshold": choose_threshold(scores, DECLINE_AT_MOST),
        "validation": evaluate(probabilities, labels),
    }


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Find the temperature at which `softmax(logits / temperature)` is best calibrated.

    Minimises the negative log-likelihood of validation data (Guo et al. 2017, section 4.2).

    Args:
        logits: float (n, classes).
        labels: int (n,).

    Returns:
        A temperature in 0.01-100; an end of that range where the data have no finite optimum
        (every picture right pulls it to 0.01).
    """
    z, truth = check_rows(logits, labels, "logits")
    of_truth = z[np.arange(len(z)), truth].mean()
    low, high = 0.01, 100.0
    # The likelihood is concave in 1/temperature: halving finds where its slope changes sign.
    for _ in range(60):
        middle = math.sqrt(low * high)
        expected = (softmax(z / middle) * z).sum(axis=1).mean()
        low, high = (middle, high) if expected > of_truth else (low, middle)
    return math.sqrt(low * high)


def choose_threshold(scores: ArrayLike, decline_at_most: float) -> float:
    """Choose the largest threshold that declines at most a share of real digits.

    Args:
        scores: float (n,) of pictures that are digits; one is declined when score < threshold.
        decline_at_most: the share, 0 up to but not including 1.
    """
    ordered = np.sort(check_scores(scores, "scores"))
    if not 0 <= decline_at_most < 1:
        raise ValueError(f"decline_at_most: expected 0 <= share < 1, got {decline_at_most}")
    # 0.29 * 100 is 28.999...: without the margin one picture too few would be declined.
    return float(ordered[min(int(decline_at_most * len(ordered) + 1e-9), len(ordered) - 1)])


def format_confidence(probability: float) -> str:
    """Write a probability, 0-1, as per cent to one place: no network is entitled to 100, nor to 0."""
    per_cent = f"{100 * probability:.1f}"
    return {"100.0": ">99.9", "0.0": "<0.1"}.get(per_cent, per_cent) + " %"
