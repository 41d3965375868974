"""What a model's probabilities are worth: pure functions on arrays, between training and the model folder."""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray


def wilson_interval(correct: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Give the score interval of a proportion (Wilson 1927), honest also near 0 and 1.

    Args:
        correct: successes, 0 to n.
        n: trials, at least 1.
        confidence: between 0 and 1.

    Returns:
        (low, high), both in 0-1.
    """
    if not 0 <= correct <= n or n < 1 or not 0 < confidence < 1:
        raise ValueError(
            "expected 0 <= correct <= n, n >= 1 and 0 < confidence < 1, "
            f"got correct={correct}, n={n}, confidence={confidence}"
        )
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = correct / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def confusion_matrix(labels: ArrayLike, predictions: ArrayLike, classes: int = 10) -> NDArray:
    """Count pictures by true class (row) and predicted class (column): int (classes, classes)."""
    truth, guess = _check_labels(labels, classes), _check_labels(predictions, classes)
    if truth.shape != guess.shape:
        raise ValueError(f"expected one prediction a label, got {len(guess)} for {len(truth)}")
    return np.bincount(truth * classes + guess, minlength=classes**2).reshape(classes, classes)


def per_class_report(matrix: ArrayLike) -> dict[str, NDArray]:
    """Give each class's precision, recall, f1 and support; 0 where a quotient is undefined.

    Args:
        matrix: as `confusion_matrix` returns it: true classes in rows.

    Returns:
        Four arrays (classes,) under those names.
    """
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"matrix: expected (classes, classes), got {counts.shape}")
    hits, predicted, support = counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1)
    return {
        "precision": hits / np.maximum(predicted, 1),
        "recall": hits / np.maximum(support, 1),
        "f1": 2 * hits / np.maximum(predicted + support, 1),
        "support": support,
    }


def reliability_bins(probabilities: ArrayLike, labels: ArrayLike, bins: int = 15) -> tuple[NDArray, NDArray, NDArray]:
    """Sort pictures by confidence into equal bins (Guo et al. 2017, section 2).

    Returns:
        Mean confidence, accuracy (both NaN in an empty bin) and count, each (bins,).
    """
    p, truth = _check_probabilities(probabilities, labels)
    if bins < 1:
        raise ValueError(f"bins: expected at least 1, got {bins}")
    confidence, correct = p.max(axis=1), p.argmax(axis=1) == truth
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    filled = np.where(count, count, np.nan)
    mean_confidence = np.bincount(place, confidence, bins) / filled
    return mean_confidence, np.bincount(place, correct, bins) / filled, count


def expected_calibration_error(probabilities: ArrayLike, labels: ArrayLike, bins: int = 15) -> float:
    """Give the mean gap between confidence and accuracy, in 0-1 (Guo et al. 2017, equation 3)."""
    return weigh_bins(*reliability_bins(probabilities, labels, bins))


def weigh_bins(confidence: ArrayLike, accuracy: ArrayLike, count: ArrayLike) -> float:
    """Give the mean gap between confidence and accuracy of bins, in 0-1; the bins as `reliability_bins` gives them."""
    n = np.asarray(count)
    return float(np.nansum(n * np.abs(np.subtract(accuracy, confidence))) / n.sum())


def evaluate(probabilities: ArrayLike, labels: ArrayLike) -> dict:
    """Compute every number a metrics.json holds.

    Args:
        probabilities: float (n, classes), rows summing to 1.
        labels: int (n,), 0 to classes - 1.

    Returns:
        n, errors, accuracy, accuracy_interval (95 % Wilson), macro (over classes that occur),
        per_class, confusion_matrix, expected_calibration_error, negative_log_likelihood: plain
        Python numbers, lists and dicts, ready for JSON.

    Raises:
        ValueError: arrays of another shape or range, or with NaN.

    >>> evaluate([[0.9, 0.1], [0.6, 0.4]], [0, 1])["accuracy"]
    0.5
    """
    p, truth = _check_probabilities(probabilities, labels)
    n, classes = p.shape
    matrix = confusion_matrix(truth, p.argmax(axis=1), classes)
    correct = int(matrix.trace())
    per_class = per_class_report(matrix)
    occurs = matrix.sum(axis=0) + matrix.sum(axis=1) > 0
    # A probability rounded to 0 in float32 would make the whole mean infinite.
    of_truth = np.maximum(p[np.arange(n), truth], np.finfo(np.float32).tiny)
    return {
        "n": n,
        "errors": n - correct,
        "accuracy": correct / n,
        "accuracy_interval": list(wilson_interval(correct, n)),
        "macro": {k: float(per_class[k][occurs].mean()) for k in ("precision", "recall", "f1")},
        "per_class": {name: values.tolist() for name, values in per_class.items()},
        "confusion_matrix": matrix.tolist(),
        "expected_calibration_error": expected_calibration_error(p, truth),
        "negative_log_likelihood": float(-np.log(of_truth).mean()),
    }


def most_confident_errors(probabilities: ArrayLike, labels: ArrayLike, count: int) -> NDArray:
    """Give the indices of at most `count` errors, the surest first: int (<= count,)."""
    p, truth = _check_probabilities(probabilities, labels)
    if count < 0:
        raise ValueError(f"count: expected 0 or more, got {count}")
    errors = np.flatnonzero(p.argmax(axis=1) != truth)
    return errors[np.argsort(-p[errors].max(axis=1), kind="stable")][:count]


def mcnemar(correct_a: ArrayLike, correct_b: ArrayLike) -> float:
    """Give the exact two-sided p-value that two systems are equally good (McNemar 1947).

    Args:
        correct_a: bool (n,), whether system A reads each picture.
        correct_b: bool (n,), system B on the same pictures in the same order.
    """
    a, b = np.asarray(correct_a), np.asarray(correct_b)
    if a.dtype != bool or b.dtype != bool or a.ndim != 1 or a.shape != b.shape:
        raise ValueError(
            f"expected two bool arrays (n,) about the same pictures, got {a.dtype} {a.shape} and {b.dtype} {b.shape}"
        )
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * tail / 2**n)


def risk_coverage(confidence: ArrayLike, correct: ArrayLike) -> tuple[NDArray, NDArray]:
    """Trace the error rate among the pictures answered as ever less sure ones are answered.

    One point for each threshold that exists: pictures of equal confidence go in together
    (El-Yaniv and Wiener 2010).

    Args:
        confidence: float (n,), higher is surer.
        correct: bool (n,).

    Returns:
        coverage (share answered, rising to 1) and risk (share of those that is wrong).
    """
    scores, right = check_scores(confidence, "confidence"), np.asarray(correct)
    if right.dtype != bool or right.shape != scores.shape:
        raise ValueError(f"correct: expected bool {scores.shape}, got {right.dtype} {right.shape}")
    order = np.argsort(-scores, kind="stable")
    last_of_equals = np.append(np.diff(scores[order]) != 0, True)
    answered = np.arange(1, len(scores) + 1)
    risk = np.cumsum(~right[order]) / answered
    return (answered / len(scores))[last_of_equals], risk[last_of_equals]


def auroc(score_positive: ArrayLike, score_negative: ArrayLike) -> float:
    """Give the chance that a positive scores above a negative, a tie counting half."""
    positive = check_scores(score_positive, "score_positive")
    negative = np.sort(check_scores(score_negative, "score_negative"))
    below = np.searchsorted(negative, positive, side="left")
    up_to = np.searchsorted(negative, positive, side="right")
    return float((below + up_to).mean() / (2 * len(negative)))


def check_scores(scores: ArrayLike, name: str) -> NDArray:
    """Return scores as float64 (n,), or raise a ValueError that names them."""
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"{name}: expected finite numbers (n,), n >= 1, got shape {values.shape}")
    return values


def _check_labels(labels: ArrayLike, classes: int) -> NDArray:
    values = np.asarray(labels)
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"labels: expected integers (n,), got {values.dtype} {values.shape}")
    if len(values) and (values.min() < 0 or values.max() >= classes):
        raise ValueError(f"labels: expected 0 to {classes - 1}, got {values.min()} to {values.max()}")
    # uint8 labels would overflow in truth * classes.
    return values.astype(np.int64)


def check_rows(scores: ArrayLike, labels: ArrayLike, name: str) -> tuple[NDArray, NDArray]:
    """Return a row of scores a picture, float64 (n, classes), and labels int64 (n,); or raise a ValueError."""
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"{name}: expected finite (n, classes), n >= 1, got shape {values.shape}")
    truth = _check_labels(labels, values.shape[1])
    if len(truth) != len(values):
        raise ValueError(f"expected one label a row, got {len(truth)} for {len(values)} {name}")
    return values, truth


def _check_probabilities(probabilities: ArrayLike, labels: ArrayLike) -> tuple[NDArray, NDArray]:
    p, truth = check_rows(probabilities, labels, "probabilities")
    # Wide enough for bfloat16 rounding, and still catches logits passed by mistake.
    if p.min() < 0 or np.abs(p.sum(axis=1) - 1).max() > 0.02:
        raise ValueError("probabilities: expected rows in 0-1 that sum to 1; use softmax(logits)")
    return p, truth
