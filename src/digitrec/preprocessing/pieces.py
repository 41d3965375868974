"""Ink to one digit: connected pieces of ink, and which of them belong together."""

import numpy as np
from numpy.typing import NDArray

from digitrec.preprocessing.box import is_two_tone

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating]
Runs = tuple[NDArray[np.int64], NDArray[np.int64]]


def keep_digit(ink: Floats) -> Floats:
    """Keep the largest, most central piece of ink and the pieces that belong to it.

    Most pieces cut by the frame are neighbours, small compact ones full stops; a detached bar is
    neither. Whole digits beside the main one stay: the form then shows several.

    Args:
        ink: float32 (h, w), 0-1.

    Returns:
        float32 (h, w), all else 0; all zero where there is nothing but what lies along the frame.
    """
    height, width = ink.shape
    starts, ends, piece = find_pieces(ink > 0.5)
    if not len(piece):
        return np.zeros_like(ink)
    area = np.bincount(piece, ends - starts)
    top, left, bottom, right = boxes = find_boxes(starts, ends, piece, width)
    cut = (top == 0) | (left == 0) | (bottom == height) | (right == width)
    off_centre = np.hypot((top + bottom) / height - 1, (left + right) / width - 1)
    main = int(np.argmax(area * np.exp(-2 * off_centre**2) * np.where(cut, 0.5, 1)))
    size = max(bottom[main] - top[main], right[main] - left[main])
    gap_down = np.maximum(top - bottom[main], top[main] - bottom)
    gap_across = np.maximum(left - right[main], left[main] - right)
    near = np.maximum(gap_down, gap_across) < 0.8 * size
    small = (area < 0.03 * area[main]) | (np.maximum(bottom - top, right - left) < 0.3 * size)
    touching = cut[main]
    cut &= ~_find_own(ink, boxes, main)
    own = near & ~small & ~cut
    own[main] = True

    kept, stranger = own[piece], (cut & ~own)[piece]
    core = paint_runs(starts[kept], ends[kept], ink.shape)
    if touching and not core[height // 8 : height - height // 8, width // 8 : width - width // 8].any():
        return np.zeros_like(ink)  # a border, or a rule beside an empty cell
    ink = np.where(grow_mask(paint_runs(starts[stranger], ends[stranger], ink.shape)), np.float32(0), ink)
    # Hairlines belong to the stroke that they continue, down to a seventh of its darkness.
    starts, ends, piece = find_pieces(ink > 0.15)
    count = np.append(0, np.cumsum(surround(core, 0, 1)))
    kept = (np.bincount(piece, count[ends] - count[starts]) > 0)[piece]
    return np.where(grow_mask(paint_runs(starts[kept], ends[kept], ink.shape)), ink, np.float32(0))


def _find_own(ink: Floats, boxes: NDArray, main: int) -> NDArray[np.bool_]:
    """Find the pieces that are no neighbour's even where the frame cuts them.

    All are the writer's own in a small bitmap, which is drawn or cut out, and in a tight crop: there
    the main piece itself touches the frame on two sides or more. Elsewhere those near the middle
    are, and in a broad picture, which shows a number, those as tall as the main piece beside it.
    """
    height, width = ink.shape
    top, left, bottom, right = boxes
    sides = (top[main] == 0, left[main] == 0, bottom[main] == height, right[main] == width)
    if sum(sides) >= 2 or (min(ink.shape) <= 36 and is_two_tone(ink)):
        return np.ones(len(top), bool)
    own = np.hypot((top + bottom) / height - 1, (left + right) / width - 1) < 0.5
    if width > 1.4 * height:
        tall, wide, size = bottom - top, right - left, bottom[main] - top[main]
        shared = np.minimum(bottom, bottom[main]) - np.maximum(top, top[main])
        beside = (tall > 0.7 * size) & (shared > 0.5 * np.minimum(tall, size))
        # What the sides of the frame leave of a cut digit is narrow.
        own |= beside & ((wide > 0.45 * size) | ((left > 0) & (right < width)))
    return own


def find_runs(mask: NDArray[np.bool_]) -> Runs:
    """Find the starts and ends (exclusive) of every run of ink along a row.

    Positions count through rows of width + 2: one empty pixel before and after each.
    """
    flat = np.zeros(len(mask) * (mask.shape[1] + 2) + 1, np.int8)
    flat[:-1].reshape(len(mask), -1)[:, 1:-1] = mask
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    return edges[::2], edges[1::2]


def find_pieces(mask: NDArray[np.bool_]) -> tuple[NDArray, NDArray, NDArray]:
    """Find runs, and number the piece each is part of: runs that touch, corners included.

    Returns:
        starts, ends, piece: int (runs,), as `find_runs` counts them.
    """
    starts, ends = find_runs(mask)
    stride = mask.shape[1] + 2
    first = np.searchsorted(ends, starts + stride, "left")
    count = np.maximum(np.searchsorted(starts, ends + stride, "right") - first, 0)
    upper = np.repeat(np.arange(len(starts)), count)
    lower = np.arange(len(upper)) + np.repeat(first - np.cumsum(count) + count, count)
    root = np.arange(len(starts))
    while (root[upper] != root[lower]).any():
        least = np.minimum(root[upper], root[lower])
        np.minimum.at(root, root[upper], least)
        np.minimum.at(root, root[lower], least)
        while (root != root[root]).any():
            root = root[root]
    return starts, ends, (np.cumsum(root == np.arange(len(root))) - 1)[root]


def find_boxes(starts: NDArray, ends: NDArray, piece: NDArray, width: int) -> NDArray[np.int64]:
    """Top, left, bottom, right (exclusive) of every piece, as (4, pieces)."""
    row, left = starts // (width + 2), starts % (width + 2) - 1
    boxes = np.full((4, piece.max() + 1), np.iinfo(np.int64).max)
    for box, values in zip(boxes, (row, left, -row - 1, -left - ends + starts), strict=True):
        np.minimum.at(box, piece, values)
    boxes[2:] *= -1
    return boxes


def paint_runs(starts: NDArray, ends: NDArray, shape: tuple[int, int]) -> NDArray[np.int8]:
    """Paint runs as 1 on 0."""
    steps = np.zeros(shape[0] * (shape[1] + 2), np.int8)
    steps[starts] = 1
    steps[ends] = -1
    return np.cumsum(steps, dtype=np.int8).reshape(shape[0], -1)[:, 1:-1]


def grow_mask(mask: NDArray) -> NDArray[np.bool_]:
    """Let ink spread by one pixel."""
    return slide_extreme(surround(mask.astype(np.int8), 1, 1), 3, np.maximum) > 0


def surround(values: NDArray, rows: int, columns: int) -> NDArray:
    """Add rows of zeros above and below, columns of zeros left and right; numpy's own takes ten times as long."""
    height, width = values.shape
    wide = np.zeros((height + 2 * rows, width + 2 * columns), values.dtype)
    wide[rows : rows + height, columns : columns + width] = values
    return wide


def slide_extreme(values: NDArray, window: int, pick: np.ufunc) -> NDArray:
    """Pick the largest or least value of every square window that fits."""
    for _ in range(2):
        values = np.ascontiguousarray(slide_down(values, window, pick).T)
    return values


def slide_down(values: NDArray, window: int, pick: np.ufunc) -> NDArray:
    """Pick the largest or least value of every window of rows that fits, doubling it in steps."""
    reached = 1
    while reached < window:
        step = min(reached, window - reached)
        values = pick(values[:-step], values[step:])
        reached += step
    return values
