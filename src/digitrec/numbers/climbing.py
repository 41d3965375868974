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
_LONG = 1.3  # times its height: so long at least is a line
# And so long, and no steeper, where its pieces are connected, or all of one digit, whose strokes are lines themselves.
_LONG_ALONE, _STEEPEST_ALONE = 1.8, np.radians(33)


class Climb(NamedTuple):
    """A line that is not level.

    Attributes:
        angle: radians by which it sinks to the right.
        is_apart: whether its pieces stand apart, as the digits of a number do.
    """

    angle: float
    is_apart: bool


def find_chain(boxes: Boxes, shape: tuple[int, ...]) -> list[int]:
    """Find the pieces that hang together with the largest, link by link, marks left out: what may lie along a line.

    They are looked for in drawings and in photos with paper all around; in a cell cut out of a form what lies askew
    beside a digit is the cell's border.

    Args:
        boxes: int (pieces, 4), top, left, bottom and right (the last two exclusive), the largest piece first.
        shape: height and width of the picture.

    Returns:
        Their places among the boxes; none in a cell.
    """
    height, width = shape
    left = np.arange(len(boxes))
    if max(shape) > _DRAWING:
        if not PHOTO < height < 1.4 * width:
            return []
        left = np.flatnonzero((boxes[:, :2] > 0).all(axis=1) & (boxes[:, 2:] < shape).all(axis=1))  # not cut
    size = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    left = left[size[left] > _LIKE * size[left[:1]]]
    chain, left = left[:1].tolist(), left[1:]
    for i in chain:  # which grows
        gap = np.maximum(boxes[left, :2] - boxes[i, 2:], boxes[i, :2] - boxes[left, 2:]).max(axis=1)
        near = gap < _GAP * np.maximum(size[left], size[i])
        chain += left[near].tolist()
        left = left[~near]
    return chain


def measure_climb(boxes: Boxes, ends: NDArray[np.int64]) -> Climb | None:
    """Measure in which direction pieces are lowest, and whether that makes them a line that climbs or sinks.

    Args:
        boxes: int (pieces, 4), as for `find_chain`: of the pieces of a chain.
        ends: int (n, 2), column and row of both ends of every run of their ink.

    Returns:
        The line; None where it is level within some five degrees, or none.
    """
    middles = (boxes[:, :2] + boxes[:, 2:])[:, ::-1] / 2
    turned = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])
    lengths, heights = _measure_extent(ends @ turned), _measure_extent(ends[:, ::-1] @ (turned * [[1], [-1]]))
    best = int(np.argmin(heights))
    angle, length, height = float(_ANGLES[best]), lengths[best], heights[best]
    if height > _LESS * heights[len(_ANGLES) // 2]:
        return None
    is_apart = bool(np.ptp(middles @ turned[:, best]) > _APART * height)
    if length < (_LONG if is_apart else _LONG_ALONE) * height or not (is_apart or abs(angle) <= _STEEPEST_ALONE):
        return None
    return Climb(angle, is_apart)


def _measure_extent(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far places (n, directions) reach, outliers left out."""
    first = int(len(places) * _OUTLIERS)
    last = len(places) - 1 - first
    ordered = np.partition(places, (first, last), axis=0)
    return ordered[last] - ordered[first]
