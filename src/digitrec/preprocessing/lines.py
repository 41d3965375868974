"""Ink to its straight lines: whatever is thin, straight and nearly upright, a rule or a stroke.

A sketch first: the picture in a few strips, summed along every lean. What stands out is then followed row by row.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from digitrec.preprocessing.pieces import find_runs, paint_runs, slide_down, surround

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.floating]

LEAN = 0.075  # of a line, at most: a little over 4 degrees
_FAINT = 30  # of 255: as faint a line still passes for a hairline of the digit
_STRIPS = 12


@dataclass(frozen=True)
class Line:
    """A line found upright, in a picture turned so that it is.

    Attributes:
        level: whether the picture was turned for it.
        centre: float (h,), its column in each row.
        top, bottom: the rows between which it goes (exclusive).
        width: of its runs, in pixels.
        faint: half its darkness, where its runs end.
        runs: bool (h, w), what of the ink is the line alone.
    """

    level: bool
    centre: Floats
    top: int
    bottom: int
    width: float
    faint: int
    runs: Mask


def find_lines(grey: Bytes, level: bool) -> list[Line]:
    """Find what is thin and straight and leans by no more than `LEAN`, the strongest first.

    Args:
        grey: uint8 (h, w), ink bright.
        level: whether the picture was turned, to be noted in the lines.

    Returns:
        The lines. Strokes of the digit are among them.
    """
    height = len(grey)
    most = max(4, round(0.1 * max(grey.shape)))
    # What an opening takes away is narrower than its window.
    padded = surround(grey, 0, most).T
    thin = grey - slide_down(slide_down(padded, most + 1, np.minimum), most + 1, np.maximum).T
    ridge = (thin > _FAINT) & (thin > grey // 2)
    if ridge.sum() < 0.4 * height:
        return []
    best, lean = _sketch(ridge, grey > _FAINT)
    lines: list[Line] = []
    while len(lines) < 60 and best.max() > 0:
        column = int(best.argmax())
        line = _trace(grey, column + lean[column] * ((np.arange(height) + 0.5) / height - 0.5), most, level)
        near = most if line is None else max(2, int(line.width) + 1)
        best[max(column - near, 0) : column + near + 1] = 0
        if line is not None:
            lines.append(line)
    return lines


def _sketch(ridge: Mask, inked: Mask) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """How much of a line goes through each column half-way down, at its best lean, and that lean in pixels."""
    height, width = ridge.shape
    shares, covered = _count_in_strips(ridge), _count_in_strips(inked) > 0.7
    strips = len(shares)
    # Three sums in one: of shares, of strips that are inked, of strips that are thin.
    marks = np.rint(shares * 64).astype(np.int32) + 1024 * covered + 32768 * (shares > 0.5)
    reach = int(LEAN * height / 2) + 2
    marks = surround(marks, 0, reach)
    leans = np.arange(-int(LEAN * height) - 1, int(LEAN * height) + 2, 1 + height // 150)
    first = reach + np.rint(np.outer(leans, (np.arange(strips) + 0.5) / strips - 0.5)).astype(np.int64)
    windows = sliding_window_view(marks, width, axis=1)
    sums = windows[np.arange(strips), first].sum(axis=1, dtype=np.int32)
    likely = (sums // 32768 > 0.3 * strips) & (sums // 1024 % 32 > 0.6 * strips)
    score = np.where(likely, sums % 1024, 0)
    return score.max(axis=0), leans[score.argmax(axis=0)]


def _count_in_strips(mask: Mask) -> Floats:
    """The share of rows, in each of a few strips, in which a column or the next to it is ink."""
    height = len(mask)
    spread = slide_down(surround(mask, 0, 1).T, 3, np.maximum).T
    strips = min(_STRIPS, height // 3)
    bounds = np.arange(strips + 1) * height // strips
    counts = np.add.reduceat(spread, bounds[:-1], axis=0, dtype=np.int32)
    return counts / np.diff(bounds)[:, None].astype(np.float32)


def _trace(grey: Bytes, centre: Floats, most: int, level: bool) -> Line | None:
    """Follow a line from row to row: where it goes, and which of its runs no stroke crosses."""
    height = len(grey)
    margin = 2 * most + height // 60 + 4
    first = max(0, int(centre.min()) - margin)
    part = grey[:, first : int(centre.max()) + margin]
    place = centre - first
    columns = np.clip(np.rint(place).astype(int), 1, part.shape[1] - 2)
    along = np.max([part[np.arange(height), columns + step] for step in (-1, 0, 1)], axis=0)
    faint = max(_FAINT, int(find_middle(along[along > _FAINT])) // 2)
    starts, ends = find_runs(part > faint)
    row, left = np.divmod(starts, part.shape[1] + 2)
    left, right = left - 1, left - 1 + ends - starts
    for slack in (2 + height / 60, 1 + height / 100, 1 + height / 200):
        on = (left <= place[row] + slack + 0.5) & (right > place[row] - slack - 0.5)
        thin = on & (right - left <= most + 1)
        if thin.sum() < 0.2 * height:
            return None
        thick = float(find_middle((right - left)[thin]))
        thin &= right - left <= 1.5 * thick + 1
        place = _fit(row[thin], (left + right)[thin] / 2 - 0.5, height)
    seen = np.zeros(height, bool)
    seen[row[on]] = True
    top, bottom = _longest(seen, max(1, height // 20))
    thin &= (row >= top) & (row < bottom)
    if bottom - top < 0.6 * height or thin.sum() < 0.35 * (bottom - top) or seen[top:bottom].mean() < 0.8:
        return None
    shown = np.zeros(grey.shape, bool)
    shown[:, first : first + part.shape[1]] = paint_runs(starts[thin], ends[thin], part.shape)
    return Line(level, place + first, top, bottom, thick, faint, shown)


def find_middle(values: NDArray) -> float:
    """The median, 0 of none; numpy's own would load numpy.ma, 30 ms at the first picture."""
    return float(np.sort(values)[len(values) // 2]) if len(values) else 0.0


def _fit(rows: NDArray, columns: NDArray, height: int) -> Floats:
    """The straight line through points, as its column in each row."""
    down, across = rows.mean(), columns.mean()
    slope = ((rows - down) * (columns - across)).sum() / max(((rows - down) ** 2).sum(), 1)
    return across + np.clip(slope, -1.2 * LEAN, 1.2 * LEAN) * (np.arange(height) - down)


def _longest(seen: Mask, gap: int) -> tuple[int, int]:
    """The longest stretch of what is seen, gaps of up to `gap` left out of account."""
    at = np.flatnonzero(seen)
    breaks = np.flatnonzero(np.diff(at) > gap + 1)
    starts, ends = at[np.append(0, breaks + 1)], at[np.append(breaks, len(at) - 1)] + 1
    best = int(np.argmax(ends - starts))
    return int(starts[best]), int(ends[best])
