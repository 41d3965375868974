"""Numbers read with the network of single digits, to compare with: ink cut into pieces, or a lattice of cuts."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitrec.calibration import read_logits
from digitrec.numbers.lines import find_lines
from digitrec.preprocessing.box import box_ink
from digitrec.preprocessing.form import prepare
from digitrec.preprocessing.pieces import find_boxes, find_pieces, grow_mask, paint_runs
from digitrec.preprocessing.rules import drop_rules
from digitrec.recognizer import Recognizer

Ink = NDArray[np.floating]

_INK = 0.4
_NARROWEST, _WIDEST = 3, 30  # columns of a piece, in a strip 32 high
_SKIP = 2.0  # what a digit's height of ink costs that belongs to no digit; between 1 and 3 it hardly matters


class _Pieces(NamedTuple):
    """Connected pieces of ink that may be digits, or parts of such: where each lies, and its own mask."""

    ink: Ink
    boxes: NDArray[np.int64]  # (k, 4): top, left, bottom, right
    masks: list[NDArray[np.bool_]]


def read_cut(recognizer: Recognizer, picture: Any) -> tuple[str | None, float]:
    """Read each connected piece of ink as a digit.

    Args:
        recognizer: reads single digits.
        picture: whatever `read_picture` takes.

    Returns:
        The digits from left to right, None of a blank; and the product of their confidences.
    """
    pieces = _find_pieces(picture)
    tall = pieces.boxes[:, 2] - pieces.boxes[:, 0]
    kept = np.flatnonzero(tall > 0.45 * tall.max(initial=0))
    if not len(kept):
        return None, 1.0
    order = kept[np.argsort(pieces.boxes[kept, 1] + pieces.boxes[kept, 3])]
    images = [box_ink(np.where(pieces.masks[i], pieces.ink, np.float32(0))) for i in order]
    probabilities, _ = _read(recognizer, images)
    return "".join(map(str, probabilities.argmax(axis=1).tolist())), float(probabilities.max(axis=1).prod())


def read_lattice(recognizer: Recognizer, picture: Any) -> tuple[str | None, float]:
    """Cut ink at every likely place, and take the way through the lattice of cuts whose pieces are digits most surely.

    A piece counts by its score and its ink, measured in digits' heights; ink that no piece takes costs.

    Args, returns: as `read_cut`; the second is the way's share of what it could be worth.
    """
    pieces = _find_pieces(picture)
    if not pieces.masks:
        return None, 1.0
    mask = grow_mask(np.any(pieces.masks, axis=0))
    across = np.flatnonzero(mask.any(axis=0))
    ink = np.where(mask, pieces.ink, np.float32(0))[:, across[0] : across[-1] + 1]
    cuts = _choose_cuts(ink)
    dark = ink > _INK
    rows = np.flatnonzero(dark.any(axis=1))
    if not len(rows):
        return None, 1.0
    height = int(rows[-1] - rows[0]) + 1
    spans = [(i, j) for j in range(1, len(cuts)) for i in range(j) if _may_be_digit(dark, cuts[i], cuts[j], height)]
    if not spans:
        return None, 1.0
    probabilities, scores = _read(recognizer, [box_ink(ink[:, cuts[i] : cuts[j]]) for i, j in spans])
    mass = np.append(0, np.cumsum(dark.sum(axis=0)))[cuts] / height
    best = [(0.0, "")]
    for j in range(1, len(cuts)):
        worth, text = best[j - 1]
        ways = [(worth - _SKIP * (mass[j] - mass[j - 1]), text)]
        for place, (start, end) in enumerate(spans):
            if end == j:
                gain = math.log(max(scores[place], 1e-4)) * (mass[end] - mass[start])
                ways.append((best[start][0] + gain, best[start][1] + str(int(probabilities[place].argmax()))))
        best.append(max(ways))
    return best[-1][1] or None, float(np.exp(best[-1][0]))


def _find_pieces(picture: Any) -> _Pieces:
    """Find the pieces of the likeliest line, without rules and what of a frame they leave."""
    lines = find_lines(picture)
    ink = drop_rules(lines[0].strip / np.float32(255)) if lines else np.zeros((32, 32), np.float32)
    starts, ends, piece = find_pieces(ink > _INK)
    if not len(piece):
        return _Pieces(ink, np.zeros((0, 4), np.int64), [])
    boxes = find_boxes(starts, ends, piece, ink.shape[1]).T
    top, left, bottom, right = boxes.T
    tall, wide = bottom - top, right - left
    beside, above = (left == 0) | (right == ink.shape[1]), (top == 0) | (bottom == len(ink))
    frame = (beside & (wide < 5)) | (above & (tall < 6)) | ((beside | above) & (wide > 3 * tall))
    frame |= (wide > 4 * tall) & (wide > 0.3 * ink.shape[1])
    kept = np.flatnonzero(~frame & (np.bincount(piece, ends - starts) > 6))
    masks = [paint_runs(starts[piece == one], ends[piece == one], ink.shape) > 0 for one in kept]
    return _Pieces(ink, boxes[kept], masks)


def _choose_cuts(ink: Ink) -> list[int]:
    """Return columns to cut at: where least ink lies across, and the two ends."""
    profile = np.convolve((ink > _INK).sum(axis=0), [0.25, 0.5, 0.25], "same").tolist()
    cuts = [0]
    for x in range(2, len(profile) - 2):
        is_low = profile[x] <= min(profile[x - 1], profile[x + 1], 0.4 * len(ink))
        if is_low and x - cuts[-1] >= 2:
            cuts.append(x)
    return [*cuts, len(profile)]


def _may_be_digit(dark: NDArray[np.bool_], left: int, right: int, height: int) -> bool:
    """Say whether what lies between two cuts is wide and tall enough for a digit."""
    if not _NARROWEST <= right - left <= _WIDEST:
        return False
    part = dark[:, left:right]
    rows = np.flatnonzero(part.any(axis=1))
    return part.sum() >= 8 and rows[-1] - rows[0] + 1 >= 0.4 * height


def _read(recognizer: Recognizer, images: list[NDArray[np.uint8]]) -> tuple[NDArray, NDArray]:
    """Return the probabilities and the scores of images."""
    return read_logits(recognizer.run_network(prepare(np.stack(images))), recognizer.temperature)
