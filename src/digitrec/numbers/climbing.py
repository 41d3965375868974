"""Writing that climbs or sinks: the direction in which ink is lowest, as lines are along their own."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.int64]

PHOTO = 100  # pixels high, on a thumbnail: a picture of no more is a cell that was cut out, not a photo of a line
_DRAWING = 36  # pixels of a side: what is smaller was drawn, or cut out closely, and holds nothing but the writer's own
_LIKE = 0.4  # of the largest piece: pieces that small are marks
_GAP = 2  # pieces' sizes: what is further apart is another line
_ANGLES = np.radians(np.arange(-47.5, 48, 2.5))  # what is steeper is a column
_OUTLIERS = 0.02  # of the ink's ends, at either side: flourishes
_LESS = 0.85  # of its height as it stands: a line is lower along its direction
_APART = 0.6  # of its height: as far apart along it lie the middles of several digits
# How long a line is by its height, and how steep at most, where its pieces are apart; and where they are connected, or
# all of one digit, whose strokes are lines themselves.
_LONG, _STEEPEST = 1.3, np.radians(48)
_LONG_ALONE, _STEEPEST_ALONE = 1.8, np.radians(33)


class Climb(NamedTuple):
    """A line that is not level.

    Attributes:
        pieces: int, those along it, by their places among the boxes.
        angle: radians by which it sinks to the right.
        is_apart: whether they stand apart, as the digits of a number do.
    """

    pieces: NDArray[np.int64]
    angle: float
    is_apart: bool


def find_climb(
    boxes: Boxes, ends: NDArray[np.int64], owners: NDArray[np.int64], shape: tuple[int, ...]
) -> Climb | None:
    """Find the line of the most prominent pieces, where it climbs or sinks by more than some five degrees.

    It is looked for in drawings and in photos with paper all around; in a cell cut out of a form what lies askew
    beside a digit is the cell's border.

    Args:
        boxes: int (pieces, 4), top, left, bottom and right (the last two exclusive), the largest piece first.
        ends: int (n, 2), column and row of both ends of every run of ink.
        owners: int (n,), the piece of each end.
        shape: height and width of the picture.
    """
    height, width = shape
    candidates = np.arange(len(boxes))
    if max(shape) > _DRAWING:
        if not PHOTO < height < 1.4 * width:
            return None
        candidates = np.flatnonzero((boxes[:, :2] > 0).all(axis=1) & (boxes[:, 2:] < shape).all(axis=1))  # not cut
    pieces = _chain(boxes, candidates)
    if not len(pieces):
        return None
    middles = (boxes[pieces, :2] + boxes[pieces, 2:])[:, ::-1] / 2
    return _measure(pieces, middles, ends[np.isin(owners, pieces)])


def _chain(boxes: Boxes, left: NDArray[np.int64]) -> NDArray[np.int64]:
    """Choose the first piece and what hangs together with it, link by link, marks left out."""
    size = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    left = left[size[left] > _LIKE * size[left[:1]]]
    chain, left = left[:1].tolist(), left[1:]
    for i in chain:  # which grows
        gap = np.maximum(boxes[left, :2] - boxes[i, 2:], boxes[i, :2] - boxes[left, 2:]).max(axis=1)
        near = gap < _GAP * np.maximum(size[left], size[i])
        chain += left[near].tolist()
        left = left[~near]
    return np.array(chain, np.int64)


def _measure(pieces: NDArray[np.int64], middles: NDArray[np.float64], ends: NDArray[np.int64]) -> Climb | None:
    """Measure in which direction the ends of ink's runs are lowest, and whether that makes them a line."""
    turned = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])
    lengths, heights = _measure_extent(ends @ turned), _measure_extent(ends[:, ::-1] @ (turned * [[1], [-1]]))
    best = int(np.argmin(heights))
    angle, length, height = float(_ANGLES[best]), lengths[best], heights[best]
    is_apart = bool(np.ptp(middles @ turned[:, best]) > _APART * height)
    long, steepest = (_LONG, _STEEPEST) if is_apart else (_LONG_ALONE, _STEEPEST_ALONE)
    if abs(angle) > steepest or length < long * height or height > _LESS * heights[len(_ANGLES) // 2]:
        return None
    return Climb(pieces, angle, is_apart)


def _measure_extent(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far places (n, directions) reach, outliers left out."""
    first = int(len(places) * _OUTLIERS)
    last = len(places) - 1 - first
    ordered = np.partition(places, (first, last), axis=0)
    return ordered[last] - ordered[first]
