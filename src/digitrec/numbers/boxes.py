"""Where the characters of a text stand in a line: from frames to columns of the strip to boxes in the picture."""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitrec.calibration import softmax
from digitrec.numbers.constraints import CHARACTERS, MARKS
from digitrec.numbers.decoding import BLANK, align
from digitrec.numbers.lines import HEIGHT, Line
from digitrec.numbers.number import Box, Character

STRIDE = 2  # columns of a strip to a frame
_INK = 90  # of 255: what a box encloses
_MARK = 3  # columns of a dot or a comma, to each side
_AWAY = 3  # columns from a character's middle to its ink; what lies farther is a neighbour's, and its own is faint


def locate(line: Line, frames: NDArray[np.float32], text: str, temperature: float) -> Iterator[Character]:
    """Find the characters of a text: from half-way to their neighbours, as far as there is ink.

    Args:
        line: the strip and its place in the picture.
        frames: log probabilities (w / 2, 15) of the strip.
        text: what it says.
        temperature: that of the confidences.
    """
    spans = align(frames, text)
    middles = [_find_middle(frames, *span, one) for span, one in zip(spans, text, strict=True)]
    borders = [0.0, *((a + b) / 2 for a, b in pairwise(middles)), float(line.strip.shape[1])]
    ink = line.strip > _INK
    for i, (one, (first, last), middle) in enumerate(zip(text, spans, middles, strict=True)):
        reach = _MARK if one in MARKS else HEIGHT / 2  # a digit may be as broad as it is high
        left, top, right, bottom = _find_ink(
            ink, max(borders[i], middle - reach), min(borders[i + 1], middle + reach), middle
        )
        middle = min(max(_find_pen(line.strip, middle), left), right)
        # The middle is surer than the ends: ink that goes on at one side belongs to a rule or to a neighbour.
        half = max(min(middle - left, right - middle), 0.5)
        box = line.locate(max(left, middle - half), top, min(right, middle + half), bottom)
        shares = softmax(_sum_up(frames[first : last + 1, :BLANK]) / temperature)
        yield Character(one, float(shares[CHARACTERS.index(one)]), box)


def _find_middle(frames: NDArray[np.float32], first: int, last: int, character: str) -> float:
    """Return the column about which the frames of a character lie, each as far as it says so."""
    weights = np.exp(frames[first : last + 1, CHARACTERS.index(character)].astype(np.float64)) + 1e-30
    return float(STRIDE * np.average(np.arange(first, last + 1) + 0.5, weights=weights))


def _find_pen(strip: NDArray[np.uint8], middle: float) -> float:
    """Return the column about which ink lies within a frame of the middle: a dot is no wider than a frame."""
    first = max(int(middle) - STRIDE, 0)
    near = strip[:, first : int(middle) + STRIDE + 1].astype(np.float64)
    columns = first + np.arange(near.shape[1]) + 0.5
    weights = np.maximum(1 - np.abs(columns - middle) / STRIDE, 0) * (near**2).sum(axis=0)  # the pen, not paper's grain
    return float(np.average(columns, weights=weights)) if weights.any() else middle


def _sum_up(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the logarithm of each character's probability, summed over frames."""
    return np.log(np.exp(frames.astype(np.float64)).sum(axis=0) + 1e-30)


def _find_ink(ink: NDArray[np.bool_], left: float, right: float, middle: float) -> Box:
    """Shrink the columns from left to right to the ink around the middle: left, top, right, bottom in the strip."""
    first, last = int(left), max(math.ceil(right), int(left) + 1)
    inked = np.flatnonzero(ink[:, first:last].any(axis=0)) + first
    away = np.abs(inked + 0.5 - middle)
    if len(inked) and away.min() <= _AWAY:
        nearest = int(away.argmin())
        gaps = np.flatnonzero(np.diff(inked) > 1)
        start, end = gaps[gaps < nearest], gaps[gaps >= nearest]
        last = int(inked[end[0]] if len(end) else inked[-1]) + 1
        first = int(inked[start[-1] + 1] if len(start) else inked[0])
    rows = np.flatnonzero(ink[:, first:last].any(axis=1))
    top, bottom = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, HEIGHT)
    return float(first), float(top), float(last), float(bottom)
