"""Ink without printed lines: rules, table columns and boxes go, the strokes that cross them stay.

A line is thin, straight and nearly upright or level. So is many a stroke: the stem of a 1 or a 4, the bar of a 7, the
foot of a 2. Where a line ends tells them apart: a rule ends at the frame or at another rule.
"""

import numpy as np
from numpy.typing import NDArray

from digitrec.preprocessing.lines import LEAN, Line, find_lines, find_middle
from digitrec.preprocessing.pieces import find_pieces, find_runs, paint_runs, slide_extreme, surround

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.floating]

_INK = 64  # of 255: a pencil in a box of printer's black
_MOST = 100  # lines of a page; more are a texture, which would take long


def drop_rules(ink: Floats) -> Floats:
    """Erase rules, table columns and box borders, and stretch a digit paler than they were.

    Args:
        ink: float32 (h, w), 0-1.

    Returns:
        The same without them, the very same where there are none; strokes that cross a rule stay.
    """
    if min(ink.shape) < 24:  # there a stroke is as thin and as straight as a rule
        return ink
    grey = (ink * 255 + np.float32(0.5)).astype(np.uint8)
    lines = find_lines(grey, False)
    if min(ink.shape) > 36 or lines:
        lines += find_lines(np.ascontiguousarray(grey.T), True)
    lines = _choose_rules(grey, lines) if len(lines) <= _MOST else []
    if not lines:
        return ink
    return _stretch(np.where(_find_gone(grey, lines), np.float32(0), ink))


def _choose_rules(grey: Bytes, lines: list[Line]) -> list[Line]:
    """Choose the lines that end at the frame or at each other, and are no strokes of the digit."""
    usual = find_middle(np.array([line.width for line in lines]))
    if len(lines) > 6:  # printed by one machine: what is far thicker is a stroke that ends at them
        lines = [line for line in lines if line.width <= 2 * usual + 1]
    while lines:
        held = [line for line in lines if _is_held(line, lines)]
        if len(held) == len(lines):
            digit = _find_digit((grey > _INK) & ~_find_gone(grey, lines))
            if digit is None:
                outer = [line for line in lines if _is_outer(line, grey.shape)]
                if len(outer) == len(lines):
                    return lines  # an empty cell
                lines = outer if len(outer) > 3 else []  # a 1 that ends at its box
                continue
            pen = _measure_stroke(digit)
            held = [line for line in lines if not _is_stroke(line, digit, pen)]
            if len(held) == len(lines):
                break
        lines = held
    return lines


def _find_digit(rest: Mask) -> Mask | None:
    """The largest, most central piece; None where there is nothing large enough."""
    height, width = rest.shape
    starts, ends, piece = find_pieces(rest)
    if not len(piece):
        return None
    length = ends - starts
    area = np.bincount(piece, length)
    down = np.bincount(piece, length * (starts // (width + 2))) / area
    across = np.bincount(piece, length * ((starts + ends) / 2 % (width + 2))) / area
    off = np.hypot(2 * down / height - 1, 2 * across / width - 1)
    main = int(np.argmax(area * np.exp(-2 * off**2)))
    if area[main] < 0.002 * rest.size:
        return None
    kept = piece == main
    return paint_runs(starts[kept], ends[kept], rest.shape) > 0


def _is_stroke(line: Line, digit: Mask, pen: float) -> bool:
    """Whether a line would, with what else there is, make a digit of one pen, cut out closely."""
    if line.level:
        digit = digit.T
    height, width = digit.shape
    down, across = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    at, half = float(line.centre[line.top : line.bottom].mean()), line.width / 2
    left, right = at - across[0], across[-1] - at  # how far the digit goes beyond the line's middle
    if max(left, right) < 3 * half + LEAN * height / 2:
        return True
    before, after = min(across[0], at - half), width - max(across[-1] + 1, at + half)
    free = down[0] > 0 and down[-1] < height - 1 and across[0] > 0 and across[-1] < width - 1
    if line.width <= 0.6 * pen and (free or max(before, after) > 0.04 * width or line.width <= 0.4 * pen):
        return False
    ends = down[0] - line.top, line.bottom - 1 - down[-1]  # how far the line goes beyond the digit
    if not line.level and max(ends) < 0.2 * height and max(before, after) > 0.04 * width:  # as no stem does
        return False
    near = np.abs(np.arange(width) - line.centre[:, None]) <= half + 4
    centred = abs(before - after) <= 0.1 * width + half
    if free:
        small = digit.sum() < 0.6 * line.runs.sum()  # as the flag of a 1
        return bool((near & digit).any()) and (small or min(ends) < (0.12 if centred else 0.06) * height)
    return centred and (line.level or min(left, right) < 0.25 * width)


def _is_held(line: Line, lines: list[Line]) -> bool:
    """Whether a line ends at the frame, or at a line across, both times."""
    length = len(line.centre)
    across = [other for other in lines if other.level != line.level]

    def ends(row: int) -> bool:
        near = length // 60
        if row <= near or row >= length - 1 - near:
            return True
        column = line.centre[row]
        for other in across:
            at = other.centre[int(np.clip(column, 0, len(other.centre) - 1))]
            slack = other.width + 2 + length // 60
            if abs(at - row) <= slack and other.top - slack <= column <= other.bottom + slack:
                return True
        return False

    return ends(line.top) and ends(line.bottom - 1)


def _is_outer(line: Line, shape: tuple[int, int]) -> bool:
    """Whether a line goes along the frame: an empty cell's border, where it might be a 1, or a 0 like a box."""
    breadth = shape[0] if line.level else shape[1]
    off = abs(2 * float(line.centre.mean()) / breadth - 1)
    return off >= 0.7 and breadth >= 0.6 * len(line.centre)


def _measure_stroke(digit: Mask) -> float:
    """The usual width of a digit's strokes."""
    return min(find_middle(np.subtract(*find_runs(turned)[::-1])) for turned in (digit, digit.T))


def _find_gone(grey: Bytes, lines: list[Line]) -> Mask:
    """What is line, but for the ink between parts of a stroke that goes on at both sides."""
    limit = np.zeros_like(grey)
    bands = {False: np.zeros(grey.shape, bool), True: np.zeros(grey.T.shape, bool)}
    for line in lines:
        turned = limit.T if line.level else limit
        turned[line.runs] = line.faint
        near = np.abs(np.arange(turned.shape[1]) - line.centre[:, None]) <= line.width / 2 + 1
        near[: line.top] = near[line.bottom :] = False
        bands[line.level] |= near
    alone = (limit > 0) | (bands[False] & bands[True].T)
    gone = alone | (grey <= slide_extreme(surround(limit, 1, 1), 3, np.maximum))  # with its blurred edge
    window = int(max(line.width for line in lines)) + 4
    padded = surround(((grey > _INK) & ~gone).astype(np.int8), window - 1, window - 1)
    return gone & ~(slide_extreme(slide_extreme(padded, window, np.maximum), window, np.minimum) > 0)


def _stretch(ink: Floats) -> Floats:
    """Stretch what remains so that full ink is 1 again; nothing where no digit remains."""
    digit = _find_digit(ink > _INK / 255)
    if digit is None:
        return np.zeros_like(ink)
    full = find_middle(ink[digit])
    return np.minimum(ink / np.float32(full), np.float32(1)) if full < 0.9 else ink
