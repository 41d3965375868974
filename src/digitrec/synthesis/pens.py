"""Pens: given digits thinned to the path of the pen that wrote them, and written again with another."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec.synthesis.canvas import Images, Ink, as_ink

Path = NDArray[np.float32]  # (segments, 2, 2): from and to, each x and y
_AROUND = (
    (0, 1),
    (0, 2),
    (1, 2),
    (2, 2),
    (2, 1),
    (2, 0),
    (1, 0),
    (0, 0),
)  # from the north clockwise, in a 3x3 window
_ONWARD = ((0, 1), (1, 0), (1, 1), (1, -1))


def trace(images: Images) -> list[Path]:
    """Find the paths of the pen.

    Args:
        images: uint8 (m, 28, 28) of digits.

    Returns:
        For each image its path, without segments where blots may hide a loop, or pale ink is lost.
    """
    lines = thin(images > 100)
    missed = (images > 50) & (_spread(_spread(lines)) == 0)
    lines = np.pad(lines & (missed.sum(axis=(1, 2)) < 7)[:, None, None], ((0, 0), (1, 1), (1, 1)))
    count = np.maximum(_spread(lines), 1)
    places = [np.broadcast_to(grid, lines.shape) for grid in np.indices((30, 30), np.float32)[::-1]]
    for _ in range(2):  # smooth the stairs of the grid
        places = [_spread(place * lines) / count for place in places]
    found, segments = [], []
    for down, across in _ONWARD:
        one, y, x = np.nonzero(lines[:, :-1, 1:-1] & lines[:, down : 29 + down, 1 + across : 29 + across])
        ends = [[place[one, y + j, x + 1 + i] for place in places] for i, j in ((0, 0), (across, down))]
        found.append(one)
        segments.append(np.moveaxis(np.array(ends, np.float32), 2, 0))
    owner, every = np.concatenate(found), np.concatenate(segments)
    order = np.argsort(owner, kind="stable")
    return np.split(every[order], np.cumsum(np.bincount(owner, minlength=len(images)))[:-1])


def thin(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin ink to lines of one pixel.

    Source: Zhang, Suen 1984, "A fast parallel algorithm for thinning digital patterns".

    Args:
        ink: (m, h, w).
    """
    ink, changed = ink.copy(), True
    while changed:
        changed = False
        for corner in (0, 1):
            padded = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
            near = [padded[:, y : y + ink.shape[1], x : x + ink.shape[2]] for y, x in _AROUND]
            total = sum(one.view(np.int8) for one in near)
            turns = sum((near[i] < near[(i + 1) % 8]).view(np.int8) for i in range(8))
            north, east, south, west = near[::2]
            free = ~(east & south & (north | west)) if corner == 0 else ~(north & west & (east | south))
            gone = ink & (total > 1) & (total < 7) & (turns == 1) & free
            ink &= ~gone
            changed |= bool(gone.any())
    return ink


def retrace(path: Path, height: int, width: int, slant: float, aspect: float) -> Ink:
    """Write a path again, in two tones.

    Args:
        path: at least one segment.
        height: of the result, in pixels, but for the pen.
        width: of the pen, in pixels.
        slant: how far the top moves to the right, by the height.
        aspect: how much wider it becomes.

    Returns:
        float32 (h, w), 0 or 1, cut out.
    """
    low, high = path[:, :, 1].min(), path[:, :, 1].max()
    y = (path[:, :, 1] - low) * (height / max(high - low, 1.0))
    x = path[:, :, 0] * (aspect * height / max(high - low, 1.0)) - slant * y
    points = np.stack([x - x.min(), y], axis=2) + width / 2
    size = np.ceil(points.max(axis=(0, 1)) + width / 2).astype(int) + 1
    canvas = Image.new("L", (int(size[0]), int(size[1])))
    draw = ImageDraw.Draw(canvas)
    for line in points.reshape(-1, 4).tolist():
        draw.line(line, 255, width)
    if width > 2:  # joints
        for box in np.concatenate([points[:, 0] - width / 2, points[:, 0] + width / 2 - 0.5], axis=1).tolist():
            draw.ellipse(box, 255)
    return as_ink(canvas)


def _spread(values: NDArray) -> NDArray[np.float32]:
    """Sum every pixel and its eight neighbours."""
    padded = np.pad(values.astype(np.float32), ((0, 0), (1, 1), (1, 1)))
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
