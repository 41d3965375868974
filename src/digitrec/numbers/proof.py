"""What a network of numbers reads of strips whose texts are known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitrec.evaluation import mcnemar, wilson_interval
from digitrec.numbers.constraints import MARKS
from digitrec.numbers.decoding import decode
from digitrec.numbers.evaluation import count_edits
from digitrec.numbers.targets import STRIDE


def cut_frames(logits: NDArray[np.floating], widths: ArrayLike) -> list[NDArray[np.floating]]:
    """Turn logits of padded strips into the log probabilities of each one's own frames.

    Args:
        logits: float (n, frames, CLASSES).
        widths: int (n,), columns of each strip before its padding.

    Returns:
        n times float (w / 2, CLASSES).
    """
    logs = logits - logits.max(axis=2, keepdims=True)
    logs -= np.log(np.exp(logs).sum(axis=2, keepdims=True))
    return [frames[: max(width // STRIDE, 1)] for frames, width in zip(logs, np.asarray(widths).tolist(), strict=True)]


def read_frames(frames: Sequence[NDArray[np.floating]]) -> list[str]:
    """Return the likeliest text of each strip, from the log probabilities of its frames; empty of a blank one."""
    found = [decode(one) for one in frames]
    return [paths[0].text if paths else "" for paths in found]


def compare(read: Sequence[str], texts: Sequence[str]) -> NDArray[np.bool_]:
    """Return of each strip whether it was read exactly, but for marks at the ends."""
    return np.array([one == text.strip(MARKS) for one, text in zip(read, texts, strict=True)], bool)


def score(read: Sequence[str], texts: Sequence[str]) -> dict[str, Any]:
    """Return n, exact_match, its 95 % interval, and character_error_rate; all but n are None of nothing."""
    n, right = len(texts), int(compare(read, texts).sum())
    edits = sum(count_edits(one, text.strip(MARKS)) for one, text in zip(read, texts, strict=True))
    return {
        "n": n,
        "exact_match": right / n if n else None,
        "exact_match_interval": list(wilson_interval(right, n)) if n else None,
        "character_error_rate": edits / max(sum(map(len, texts)), 1) if n else None,
    }


def is_worse(after: Sequence[str], before: Sequence[str], texts: Sequence[str]) -> bool:
    """Say whether fewer are read exactly than before, by more than chance would have it (McNemar, 5 %)."""
    right, right_before = compare(after, texts), compare(before, texts)
    return bool(right.sum() < right_before.sum() and mcnemar(right, right_before) < 0.05)
