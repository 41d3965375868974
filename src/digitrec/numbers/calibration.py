"""Texts and their scores to honest probabilities: the temperature, the threshold, and what they are worth."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitrec.calibration import softmax
from digitrec.evaluation import risk_coverage
from digitrec.numbers.decoding import NEW, Path, decode
from digitrec.numbers.evaluation import expected_calibration_error
from digitrec.numbers.proof import compare, score

WRONG_AT_MOST = 0.02  # of validation's numbers that are answered: the threshold is the least that keeps to it
_MISTAKEN = 1e-5  # probability of what cannot be by what is known
_TEMPERATURES = np.exp(np.linspace(math.log(0.25), math.log(10), 75))


def weigh(paths: Sequence[Path], temperature: float, is_known: bool = False) -> list[float]:
    """Turn the scores of texts into their probabilities.

    Args:
        paths: the likeliest texts of a line, in order.
        temperature: above 1 where the network is surer than it is right.
        is_known: whether no other text than those is possible, by all that is known; which may be wrong.

    Returns:
        A probability for each, together at most 1.
    """
    if not paths:
        return []
    scores = np.array([path.log_probability for path in paths])
    free = scores - math.log(NEW) * np.array([max(len(path.text), 1) for path in paths])
    missing = 1 - float(np.exp(free).sum())
    # The rest is taken for texts that are each as likely as the last of these.
    mass = math.log(max(min(missing, _MISTAKEN) if is_known else missing, 1e-12))
    rest = mass - free[-1] + scores[-1] / temperature
    weights = np.append(scores / temperature, rest)
    return softmax(weights)[:-1].tolist()


def calibrate(log_probabilities: Sequence[NDArray[np.floating]], texts: Sequence[str]) -> dict[str, Any]:
    """Fit temperature and threshold on validation, and evaluate with them.

    Args:
        log_probabilities: of the frames of each strip, (frames, 15).
        texts: what each says; empty for a blank.

    Returns:
        `temperature`, `threshold`, and `validation`: n, exact_match with its interval, character_error_rate,
        expected_calibration_error, answered (share of the numbers) and wrong_of_answered.
    """
    decoded = [decode(frames) for frames in log_probabilities]
    best = [paths[0].text if paths else "" for paths in decoded]
    right = compare(best, texts)
    temperature = fit_temperature(decoded, right)
    confidence = np.array([weigh(paths, temperature)[0] if paths else 0.0 for paths in decoded])
    is_number = np.array([bool(text) for text in best])
    threshold = choose_threshold(confidence[is_number], right[is_number])
    answered = is_number & (confidence >= threshold)
    return {
        "temperature": temperature,
        "threshold": threshold,
        "validation": {
            **score(best, texts),
            "expected_calibration_error": expected_calibration_error(confidence, right),
            "answered": float(answered.sum() / max(is_number.sum(), 1)),
            "wrong_of_answered": float((answered & ~right).sum() / max(answered.sum(), 1)),
        },
    }


def fit_temperature(decoded: Sequence[Sequence[Path]], right: ArrayLike) -> float:
    """Find the temperature at which the best texts' probabilities say best how often they are right.

    Args:
        decoded: the texts of each line, the likeliest first.
        right: bool (n,), whether that one is the truth.

    Returns:
        In 0.25-10: where the binary negative log-likelihood is least.
    """
    truth = np.asarray(right)
    losses = []
    for temperature in _TEMPERATURES.tolist():
        p = np.array([weigh(paths, temperature)[0] if paths else 0.0 for paths in decoded]).clip(1e-6, 1 - 1e-6)
        losses.append(float(-np.log(np.where(truth, p, 1 - p)).mean()))
    return float(_TEMPERATURES[int(np.argmin(losses))])


def choose_threshold(confidence: ArrayLike, right: ArrayLike, wrong_at_most: float = WRONG_AT_MOST) -> float:
    """Choose the least confidence at which, of all that is answered, no more than a share is wrong.

    Args:
        confidence: float (n,), 0-1.
        right: bool (n,).
        wrong_at_most: the share.

    Returns:
        A threshold in 0-1; that of the surest one where even that is too much.
    """
    scores = np.asarray(confidence, np.float64)
    coverage, risk = risk_coverage(scores, right)
    kept = np.flatnonzero(risk <= wrong_at_most)
    share = coverage[kept[-1]] if len(kept) else coverage[0]
    return float(np.sort(scores)[::-1][round(share * len(scores)) - 1])
