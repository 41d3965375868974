"""Ink to rows: pieces side by side, at one height, as a line of writing is; or along a line that climbs or sinks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitrec.numbers.climbing import find_chain, measure_climb
from digitrec.preprocessing.pieces import find_boxes, find_pieces

Boxes = NDArray[np.int64]

_MOST = 3  # rows


class Row(NamedTuple):
    """A row of ink.

    Attributes:
        box: top, left, bottom and right (the last two exclusive).
        angle: radians by which it sinks to the right; 0 of what is level.
    """

    box: Boxes
    angle: float = 0.0


def find_rows(ink: NDArray[np.bool_]) -> list[Row]:
    """Find at most three rows of ink: one that climbs or sinks, then the level ones, the most prominent first.

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
    boxes = boxes[order]
    joined = [_join(boxes[chosen]) for chosen in _gather(boxes)]
    weighed = sorted(((box, _weigh(box, ink)) for box in joined), key=lambda one: -one[1])
    rows = [Row(box) for box, weight in weighed[:_MOST] if weight > 0]
    chain = find_chain(boxes, ink.shape)
    if not chain:
        return rows
    chosen = np.isin(piece, order[chain])
    down, across = np.divmod(np.concatenate([starts[chosen], ends[chosen]]), ink.shape[1] + 2)
    climb = measure_climb(boxes[chain], np.stack([across, down], axis=1))
    if climb is None:
        return rows
    whole = _unite_all(boxes[chain])
    # Digits that stand apart along a line are no rows of their own; strokes of one digit may pass for such a line.
    others = [row for row in rows if not (climb.is_apart and (_unite_all(np.stack([row.box, whole])) == whole).all())]
    return [Row(whole, climb.angle), *others][:_MOST]


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
    return _unite_all(np.stack([small, large]))


def _join(boxes: Boxes) -> Boxes:
    """Return the box around boxes: as tall as the tall ones among them."""
    tall = boxes[:, 2] - boxes[:, 0]
    upright = boxes[tall > 0.3 * tall.max()]
    return np.concatenate([
        [upright[:, 0].min(), boxes[:, 1].min()], [upright[:, 2].max(), boxes[:, 3].max()]
    ])  # fmt: skip


def _unite_all(boxes: Boxes) -> Boxes:
    """Return the box around boxes."""
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _weigh(box: Boxes, ink: NDArray[np.bool_]) -> float:
    """Say how prominent a row is: much ink, near the middle, not along the frame; 0 of what is flat."""
    top, left, bottom, right = box.tolist()
    height, width = ink.shape
    if bottom - top < max(4, 0.02 * height) or right - left > 30 * (bottom - top):
        return 0.0
    away = np.hypot((top + bottom) / height - 1, (left + right) / width - 1)
    cut = (top == 0) + (bottom == height) + (left == 0) + (right == width)
    return float(ink[top:bottom, left:right].sum()) * float(np.exp(-(away**2))) * 0.5**cut
