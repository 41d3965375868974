"""Glyphs: digits, letters and signs as a few strokes on a grid of 10x10, and the curves through their points."""

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

STEPS = 5  # samples a segment of a stroke: its chords stay within half a pixel of the curve
_CATMULL_ROM = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]], np.float32) / 2
_BASIS = (np.arange(1, STEPS + 1, dtype=np.float32)[:, None] / STEPS) ** np.arange(4) @ _CATMULL_ROM
Stroke = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@cache
def parse(glyph: str) -> list[Stroke]:
    """Return for each stroke its points (k, 2) and two matrices (samples, k): corners kept, rounded.

    The curve is a Catmull-Rom spline, linear in its points, so that a jittered stroke is one product.
    """
    strokes = []
    for stroke in glyph.split("/"):
        marks = re.findall(r"(\d)(\d)(\.?)", stroke)
        points = np.array([(int(x), int(y)) for x, y, _ in marks], np.float32)
        strokes.append((points, spline([corner == "." for *_, corner in marks]), spline([False] * len(marks))))
    return strokes


def spline(corners: Sequence[bool]) -> NDArray[np.float32]:
    """Return the matrix (samples, k) that draws a Catmull-Rom spline through k points; corners break it."""
    corner, i = np.asarray(corners), np.arange(len(corners) - 1)
    before = np.where(corner[:-1], i, np.maximum(i - 1, 0))
    after = np.where(corner[1:], i + 1, np.minimum(i + 2, len(corners) - 1))
    eye = np.eye(len(corners), dtype=np.float32)
    segments = np.einsum("sj,jik->isk", _BASIS, eye[np.stack([before, i, i + 1, after])])
    return np.concatenate([eye[:1], segments.reshape(-1, len(corners))])
