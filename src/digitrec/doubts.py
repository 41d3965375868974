"""Labels that a network doubts, found by confident learning; and which networks read best together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitrec.evaluation import check_rows


def find_doubted(probabilities: ArrayLike, labels: ArrayLike) -> NDArray[np.int64]:
    """Find the labels that are likely wrong: confident learning (Northcutt, Jiang and Chuang 2021, section 3.1).

    A picture counts as a class when its probability reaches the mean of those that are labelled so; where that is
    another class than its label, the label is doubted.

    Args:
        probabilities: float (n, classes), of networks that were not trained on these pictures.
        labels: int (n,).

    Returns:
        Their places, the most doubted first: int (<= n,).

    >>> find_doubted([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.9, 0.1]], [0, 0, 1, 1]).tolist()
    [3]
    """
    p, truth = check_rows(probabilities, labels, "probabilities")
    classes = np.arange(p.shape[1])
    counts = np.maximum(np.bincount(truth, minlength=len(classes)), 1)
    means = np.bincount(truth, p[np.arange(len(p)), truth], minlength=len(classes)) / counts
    means[~np.isin(classes, truth)] = np.inf  # nothing is known of a class that nobody labelled
    counted = np.where(p >= means, p, -np.inf)
    best = counted.argmax(axis=1)
    doubted = np.flatnonzero(np.isfinite(counted.max(axis=1)) & (best != truth))
    certainty = p[doubted, truth[doubted]] - p[doubted].max(axis=1)
    return doubted[np.argsort(certainty, kind="stable")]


def choose_members(probabilities: Sequence[ArrayLike], labels: ArrayLike, count: int) -> list[int]:
    """Choose networks that read best together: one by one, each time the one that helps their mean most.

    Args:
        probabilities: of each network (n, classes), on validation.
        labels: int (n,).
        count: how many to choose, none twice.

    Returns:
        Their places, in the order in which they were chosen. Of two that read alike, the one with which the right digit
        is likelier.

    Raises:
        ValueError: more are asked for than there are.
    """
    if not 0 < count <= len(probabilities):
        raise ValueError(f"count: expected 1 to {len(probabilities)} networks, got {count}")
    checked = [check_rows(one, labels, "probabilities") for one in probabilities]
    truth = checked[0][1]
    chosen: list[int] = []
    total = np.zeros_like(checked[0][0])
    while len(chosen) < count:
        ranks = []
        for i, (p, _) in enumerate(checked):
            if i not in chosen:
                mean = (total + p) / (len(chosen) + 1)
                right = mean.argmax(axis=1) == truth
                ranks.append((right.mean(), np.log(mean[np.arange(len(p)), truth] + 1e-12).mean(), -i))
        chosen.append(-max(ranks)[2])
        total += checked[chosen[-1]][0]
    return chosen
