"""Printed boxes around a number: found as pieces of ink with four straight sides and something inside, and erased."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.preprocessing.ink import even_light, find_median, make_thumbnail
from digitrec.preprocessing.lines import find_lines
from digitrec.preprocessing.pieces import find_boxes, find_pieces, grow_mask, paint_runs, slide_extreme

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.floating]

SEARCHED = 400  # pixels of a side, on which boxes and rows of ink are looked for
_PAGE = 48  # pixels of a side: in a smaller picture a stroke is as thin and as straight as a box
_LEAST = 20  # pixels of a box's side there: in less a stroke is as straight as a rule
_STRAIGHT = 0.85  # share of a side that lies on one line
_PALE = 0.1  # of the ink: a pencil in a box of printer's black
_INSIDE = 0.2  # of a box's height: what is in it is at least as tall


def erase_frames(page: Bytes) -> Bytes:
    """Erase the printed boxes that something is written in, the dividers between their cells among them.

    Args:
        page: uint8 (h, w), ink dark.

    Returns:
        The same with paper in their place, the very same where there are none.
    """
    if min(page.shape) < _PAGE:
        return page
    small = np.asarray(make_thumbnail(page, SEARCHED, Image.Resampling.HAMMING))  # lines one pixel wide count
    ink = even_light(small)
    starts, ends, piece = find_pieces(ink > 0.3)
    if not len(piece):
        return page
    gone, thickest = np.zeros(ink.shape, bool), 0.0
    boxes = find_boxes(starts, ends, piece, ink.shape[1]).T
    cut = (boxes[:, :2] == 0).sum(axis=1) + (boxes[:, 2:] == ink.shape).sum(axis=1)  # on two sides: that is a page
    for i in np.flatnonzero((cut < 2) & ((boxes[:, 2:] - boxes[:, :2]).min(axis=1) >= _LEAST)):
        place = tuple(map(slice, boxes[i, :2], boxes[i, 2:]))
        chosen = piece == i
        frame = paint_runs(starts[chosen], ends[chosen], ink.shape)[place] > 0
        found = _find_sides(frame)
        if found is not None and _holds_something((ink[place] > _PALE) & ~grow_mask(found[0])):
            sides, thick = found
            gone[place] |= sides | _find_dividers(ink[place], frame, thick)
            thickest = max(thickest, thick)
    return _paint_paper(page, small, gone, thickest) if gone.any() else page


def _find_sides(frame: Mask) -> tuple[Mask, float] | None:
    """Find the four sides of a box that fills a mask, and how thick they are; None where one is not straight."""
    sides, thickest = np.zeros_like(frame), 0.0
    for turns in range(4):
        found = _find_upper_side(np.rot90(frame, turns))
        if found is None:
            return None
        side, thick = found
        sides |= np.rot90(side, -turns)
        thickest = max(thickest, thick)
    return sides, thickest


def _find_upper_side(frame: Mask) -> tuple[Mask, float] | None:
    """Find the upper side: in each column the first ink, where it lies on one line with the others; no more of it."""
    height, width = frame.shape
    columns = np.arange(width)
    first = frame.argmax(axis=0)
    seen = frame.any(axis=0)
    slope, at = _fit_line(columns[seen], first[seen])
    line = slope * columns + at
    on = seen & (np.abs(first - line) <= 1.5)
    if on.mean() < _STRAIGHT or abs(slope) > 0.1:
        return None
    below = np.minimum(first + np.arange(height)[:, None], height - 1)
    runs = np.logical_and.accumulate(frame[below, columns], axis=0).sum(axis=0)
    thick = find_median(runs[on], 0)
    if thick > 0.2 * height:
        return None
    depth = np.arange(height)[:, None] - first
    return frame & on & (depth >= 0) & (depth < thick + 1), thick


def _fit_line(x: NDArray, y: NDArray) -> tuple[float, float]:
    """Fit a line through most of the points, half of which may lie anywhere: slope, and height at 0 (Theil, Sen)."""
    half = len(x) // 2
    slope = find_median((y[half:] - y[: len(y) - half]) / np.maximum(x[half:] - x[: len(x) - half], 1), 0)
    return slope, find_median(y - slope * x, 0)


def _holds_something(inside: Mask) -> bool:
    """Tell whether a box holds ink that is no speck."""
    starts, ends, piece = find_pieces(inside)
    if not len(piece):
        return False
    top, _, bottom, _ = find_boxes(starts, ends, piece, inside.shape[1])
    return bool((bottom - top).max() > _INSIDE * len(inside))


def _find_dividers(ink: Floats, frame: Mask, thick: float) -> Mask:
    """Find the lines that go from a box's upper side to its lower one, but for where strokes cross them."""
    gone = np.zeros(ink.shape, bool)
    upper, lower = frame.argmax(axis=0), len(frame) - frame[::-1].argmax(axis=0)
    for line in find_lines((ink * 255).astype(np.uint8), False):
        first, last = (int(np.clip(line.centre[row], 0, len(upper) - 1)) for row in (line.top, line.bottom - 1))
        is_held = line.top <= upper[first] + thick + 1 and line.bottom >= lower[last] - thick - 1
        if is_held and line.width < 2 * thick + 1:
            gone |= line.runs
    return gone


def _paint_paper(page: Bytes, small: Bytes, gone: Mask, thick: float) -> Bytes:
    """Paint the light of the paper where something is to go, in a page's thumbnail, and where that fades."""
    size = page.shape[::-1]
    reach = int(thick) + 3
    paper = slide_extreme(np.pad(small, reach, mode="edge"), 2 * reach + 1, np.maximum)
    light = Image.fromarray(paper).resize(size, Image.Resampling.BILINEAR)
    erased = Image.fromarray(grow_mask(gone).astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
    return np.where(np.asarray(erased) > 64, np.asarray(light), page)
