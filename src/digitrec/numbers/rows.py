"""Ink to rows: pieces side by side, at one height, as a line of writing is."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitrec.preprocessing.pieces import find_boxes, find_pieces

Boxes = NDArray[np.int64]

_MOST = 3  # rows
_LEVEL = 0.09  # rise of a row by its length, some five degrees: what climbs less is level


class Row(NamedTuple):
    """A row of ink.

    Attributes:
        box: top, left, bottom and right (the last two exclusive).
        slope: how far it sinks to the right, by its length; 0 of what is level, or too short to tell.
    """

    box: Boxes
    slope: float


def find_rows(ink: NDArray[np.bool_]) -> list[Row]:
    """Find at most three rows of ink, the most prominent first.

    Args:
        ink: bool (h, w).
    """
    starts, ends, piece = find_pieces(ink)
    if not len(piece):
        return []
    boxes = find_boxes(starts, ends, piece, ink.shape[1]).T
    area = np.bincount(piece, ends - starts)
    order = np.argsort(-area, kind="stable")[:200]
    order = order[(area[order] > max(3, 0.02 * area.max())) & ~_find_printed(boxes[order], ink.shape)]
    rows = [Row(_join(boxes[order][chosen]), _measure_slope(boxes[order][chosen])) for chosen in _gather(boxes[order])]
    weighed = sorted(((row, _weigh(row.box, ink)) for row in rows), key=lambda one: -one[1])
    return [row for row, weight in weighed[:_MOST] if weight > 0]


def _find_printed(boxes: Boxes, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Find what is no writing: frames and columns of a tall page, and rules along any."""
    height, width = shape
    tall, wide = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    rules = (wide > 5 * tall) & (wide > 0.4 * width)
    if height < 1.4 * width:
        return rules
    return rules | (tall > 0.4 * height) & ((boxes[:, 0] == 0) | (boxes[:, 2] == height) | (tall > 0.6 * height))


def _gather(boxes: Boxes) -> list[list[int]]:
    """Gather pieces, the largest first, into rows: those beside a row, at its height and not far from it."""
    rows: list[list[int]] = []
    extents: list[NDArray] = []
    for i, box in enumerate(boxes):
        row, extent = [i], box.copy()
        for k in reversed(range(len(rows))):  # it may join rows that were apart without it
            if _is_beside(extents[k], box):
                row, extent = rows.pop(k) + row, _unite(extents.pop(k), extent)
        rows.append(row)
        extents.append(extent)
    return rows


def _is_beside(extent: NDArray, box: NDArray) -> bool:
    """Tell whether a piece is part of a row: at its height, not far from it, and not much taller."""
    height, tall = extent[2] - extent[0], box[2] - box[0]
    shared = min(extent[2], box[2]) - max(extent[0], box[0])
    apart = max(extent[1] - box[3], box[1] - extent[3])
    return bool(shared > 0.5 * min(tall, height) and apart < 2.5 * max(height, tall) and tall < 2.5 * height)


def _unite(extent: NDArray, other: NDArray) -> NDArray:
    """Return the box around a row and more of it; what is a mark or an underline beside the rest is no measure."""
    small, large = sorted((extent, other), key=lambda box: int(box[2] - box[0]))
    if small[2] - small[0] <= 0.3 * (large[2] - large[0]):
        return large
    return np.concatenate([np.minimum(small[:2], large[:2]), np.maximum(small[2:], large[2:])])


def _join(boxes: Boxes) -> Boxes:
    """Return the box around boxes: as tall as the tall ones among them."""
    tall = boxes[:, 2] - boxes[:, 0]
    upright = boxes[tall > 0.3 * tall.max()]
    return np.concatenate([
        [upright[:, 0].min(), boxes[:, 1].min()], [upright[:, 2].max(), boxes[:, 3].max()]
    ])  # fmt: skip


def _measure_slope(boxes: Boxes) -> float:
    """Measure how a row sinks: what its pieces' upper and lower ends agree on."""
    tall = boxes[:, 2] - boxes[:, 0]
    upright = boxes[tall > 0.5 * tall.max()]
    middles = upright[:, 1::2].mean(axis=1)
    middles -= middles.mean()
    if len(upright) < 2 or np.ptp(middles) < 1.2 * tall.max():
        return 0.0
    upper, lower = (float(middles @ upright[:, end] / (middles @ middles)) for end in (0, 2))
    slope = min(upper, lower, key=abs) if upper * lower > 0 else 0.0
    return slope if _LEVEL < abs(slope) < 0.6 else 0.0


def _weigh(box: Boxes, ink: NDArray[np.bool_]) -> float:
    """Say how prominent a row is: much ink, near the middle, not along the frame; 0 of what is flat."""
    top, left, bottom, right = box.tolist()
    height, width = ink.shape
    if bottom - top < max(4, 0.02 * height) or right - left > 30 * (bottom - top):
        return 0.0
    away = np.hypot((top + bottom) / height - 1, (left + right) / width - 1)
    cut = (top == 0) + (bottom == height) + (left == 0) + (right == width)
    return float(ink[top:bottom, left:right].sum()) * float(np.exp(-(away**2))) * 0.5**cut
