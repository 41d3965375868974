"""One digit to MNIST's form: cut out, soften if two-tone, scale into 20x20, centre by mass."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating]


def box_ink(ink: Floats) -> Bytes:
    """Box ink as MNIST was: into 20x20, aspect ratio kept, centre of mass at (14, 14) of 28x28.

    Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document
    recognition", section III.A.

    Args:
        ink: float (h, w), 0-1, ink bright.

    Returns:
        uint8 (28, 28), the strongest ink 255; all zero where there is none.
    """
    seen = ink > 0.2
    down, across = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    image = np.zeros((28, 28), np.uint8)
    if not len(down):
        return image
    crop = ink[down[0] : down[-1] + 1, across[0] : across[-1] + 1].astype(np.float32)
    scale = 20 / max(crop.shape)
    height, width = (max(1, round(side * scale)) for side in crop.shape)
    if 10 <= max(crop.shape) <= 32 and is_two_tone(crop):
        if height == width and crop.shape == ink.shape:  # stretched to fill a square bitmap
            width = 17
        crop = _soften(crop)
    box = resize_ink(crop, height, width)
    mass = float(box.sum())
    y = round(14 - float(box.sum(axis=1) @ np.arange(height)) / mass)
    x = round(14 - float(box.sum(axis=0) @ np.arange(width)) / mass)
    y, x = min(max(y, 0), 28 - height), min(max(x, 0), 28 - width)
    image[y : y + height, x : x + width] = np.rint(box * (255 / box.max()))
    return image


def is_two_tone(ink: Floats) -> bool:
    """Tell whether ink has edges without a grey between ink and paper, as a bitmap has."""
    return bool(np.count_nonzero((ink > 0.1) & (ink < 0.9)) < 0.1 * np.count_nonzero(ink > 0.1))


def _soften(ink: Floats) -> Floats:
    """Blur by a Gaussian of half a pixel: the greys that a bitmap's edges lack."""
    for _ in range(2):
        padded = np.pad(ink, ((1, 1), (0, 0)))
        ink = (0.107 * (padded[:-2] + padded[2:]) + 0.786 * padded[1:-1]).T
    return ink


def resize_ink(ink: Floats, height: int, width: int) -> Floats:
    """Resize so that each row and column counts as much as any other when shrunk.

    Pillow's box filter leaves out those that lie half-way between two of the result.

    Args:
        ink: float32 (h, w).
        height, width: of the result.

    Returns:
        float32 (height, width).
    """
    image = _average(ink, height) if height < len(ink) else ink
    image = _average(image.T, width).T if width < ink.shape[1] else image
    if image.shape == (height, width):
        return image
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize((width, height), Image.Resampling.BILINEAR))


def _average(rows: Floats, count: int) -> Floats:
    """Average rows into fewer of equal height, each row shared out by the area that it covers."""
    edges = np.linspace(0, len(rows), count + 1, dtype=np.float32)[:, None]
    places = np.arange(len(rows), dtype=np.float32)
    shares = np.minimum(edges[1:], places + 1) - np.maximum(edges[:-1], places)
    return np.maximum(shares, 0) @ rows * np.float32(count / len(rows))
