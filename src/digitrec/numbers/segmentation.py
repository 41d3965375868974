"""Numbers read with the network of single digits, to compare with: ink cut into pieces, or a lattice of cuts."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec.calibration import read_logits
from digitrec.numbers.lines import find_lines
from digitrec.preprocessing.box import box_ink
from digitrec.preprocessing.form import prepare
from digitrec.preprocessing.pieces import find_boxes, find_pieces, paint_runs
from digitrec.preprocessing.rules import drop_rules
from digitrec.recognizer import Recognizer

Ink = NDArray[np.floating]

_INK = 0.4
_NARROWEST, _WIDEST, _CUTS = 3, 30, 60  # pixels of a strip 32 high; cuts of a lattice
_BEAMS = 8


def read_cut(recognizer: Recognizer, picture: Any) -> tuple[str | None, float]:
    """Read each connected piece of ink as a digit.

    Args:
        recognizer: reads single digits.
        picture: whatever `read_picture` takes.

    Returns:
        The digits from left to right, None of a blank; and the product of their confidences.
    """
    ink = _find_ink(picture)
    starts, ends, piece = find_pieces(ink > _INK)
    if not len(piece):
        return None, 1.0
    top, left, bottom, right = find_boxes(starts, ends, piece, ink.shape[1])
    tall = bottom - top
    kept = np.flatnonzero((tall > 0.45 * tall.max()) & (right - left > 1))
    if not len(kept):
        return None, 1.0
    order = kept[np.argsort(left[kept] + right[kept])]
    masks = [paint_runs(starts[piece == one], ends[piece == one], ink.shape) for one in order]
    images = np.stack([box_ink(np.where(mask > 0, ink, np.float32(0))) for mask in masks])
    return _say(recognizer, images)


def read_lattice(recognizer: Recognizer, picture: Any) -> tuple[str | None, float]:
    """Cut ink at every likely place, and take the cuts whose pieces are digits most surely (a beam over a lattice).

    Args, returns: as `read_cut`.
    """
    ink = _find_ink(picture)
    columns = np.flatnonzero((ink > _INK).any(axis=0))
    if not len(columns):
        return None, 1.0
    cuts = _choose_cuts(ink[:, columns[0] : columns[-1] + 1])
    pairs = [
        (i, j) for i in range(len(cuts)) for j in range(i + 1, len(cuts)) if _NARROWEST <= cuts[j] - cuts[i] <= _WIDEST
    ]
    whole = ink[:, columns[0] : columns[-1] + 1]
    pairs = [(i, j) for i, j in pairs if (whole[:, cuts[i] : cuts[j]] > _INK).sum() > 8]
    if not pairs:
        return None, 1.0
    images = np.stack([box_ink(whole[:, cuts[i] : cuts[j]]) for i, j in pairs])
    probabilities, scores = read_logits(recognizer.run_network(prepare(images)), recognizer.temperature)
    # A piece is worth what it says, by how much of the ink's width it says it of.
    worth = np.log(np.maximum(probabilities.max(axis=1) * scores, 1e-9))
    best: dict[int, list[tuple[float, str]]] = {0: [(0.0, "")]}
    for j in range(1, len(cuts)):
        ways = []
        if not (whole[:, cuts[j - 1] : cuts[j]] > _INK).any():
            ways += best.get(j - 1, [])
        for place, (start, end) in enumerate(pairs):
            if end == j:
                digit, gain = str(int(probabilities[place].argmax())), float(worth[place])
                ways += [(total + gain, text + digit) for total, text in best.get(start, [])]
        best[j] = sorted(ways, reverse=True)[:_BEAMS]
    total, text = max(best[len(cuts) - 1], default=(float("-inf"), ""))
    return text or None, float(np.exp(total))


def _find_ink(picture: Any) -> Ink:
    """Return the likeliest line of a picture as ink in 0-1, rules erased."""
    lines = find_lines(Path(picture) if isinstance(picture, str) else picture)
    if not lines:
        return np.zeros((32, 32), np.float32)
    return drop_rules(lines[0].strip / np.float32(255))


def _choose_cuts(ink: Ink) -> list[int]:
    """Return columns to cut at: where least ink lies across, and the two ends."""
    profile = np.convolve((ink > _INK).sum(axis=0), [0.25, 0.5, 0.25], "same")
    low = [
        x
        for x in range(2, len(profile) - 2)
        if profile[x] <= profile[x - 1] and profile[x] <= profile[x + 1] and profile[x] < 0.4 * len(ink)
    ]
    low = sorted(sorted(low, key=lambda x: profile[x])[:_CUTS])
    return sorted({0, *low, len(profile)})


def _say(recognizer: Recognizer, images: NDArray[np.uint8]) -> tuple[str, float]:
    probabilities, _ = read_logits(recognizer.run_network(prepare(images)), recognizer.temperature)
    return "".join(str(int(i)) for i in probabilities.argmax(axis=1)), float(probabilities.max(axis=1).prod())
