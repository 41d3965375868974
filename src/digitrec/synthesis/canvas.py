"""Canvases: ink as an array, cut out, bent, and set side by side."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Ink = NDArray[np.float32]


def check_digits(images: Images) -> None:
    """Raise ValueError unless images are digits, uint8 (m, 28, 28)."""
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28) or not len(images):
        raise ValueError(f"images: expected uint8 (m, 28, 28), m > 0, got {images.dtype} {images.shape}")


def as_ink(image: Images | Image.Image) -> Ink:
    """Turn 0-255 into float32 0-1."""
    return np.asarray(image, np.float32) / np.float32(255)


def crop(ink: Ink) -> Ink:
    """Cut away the empty frame."""
    return ink[find_box(ink)] if (ink > 0.2).any() else ink


def find_box(ink: Ink, level: float = 0.2) -> tuple[slice, slice]:
    """Return the rows and columns about all that is darker than a level; there has to be some."""
    down, across = (np.flatnonzero((ink > level).any(axis=axis)) for axis in (1, 0))
    return slice(down[0], down[-1] + 1), slice(across[0], across[-1] + 1)


def transform(ink: Ink, height: int, slant: float, aspect: float) -> Ink:
    """Scale ink to `height`, widen it by `aspect` and slant its top to the right."""
    scale = ink.shape[0] / height
    width = max(1, int(ink.shape[1] / scale * aspect + abs(slant) * height))
    left = ink.shape[1] / 2 - scale / aspect * (width + slant * height) / 2
    matrix = (scale / aspect, slant * scale / aspect, left, 0, scale, 0)
    image = Image.fromarray(ink)
    bent = np.asarray(image.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))
    # A hair that lies between the places that are looked at.
    return bent if bent.any() else np.asarray(image.resize((width, height), Image.Resampling.BOX))


def measure_slant(ink: Ink) -> float:
    """Return how far the top leans to the right, by the height: from the moments of the ink."""
    mass = max(float(ink.sum()), 1e-3)
    y, x = np.arange(len(ink), dtype=np.float32), np.arange(ink.shape[1], dtype=np.float32)
    y, x = y - float(ink.sum(axis=1) @ y) / mass, x - float(ink.sum(axis=0) @ x) / mass
    return float(np.clip(-(y @ ink @ x) / max(float(ink.sum(axis=1) @ y**2), 1e-3), -0.5, 0.5))


def join(parts: list[Ink], gaps: list[int]) -> Ink:
    """Set parts side by side, `gaps` pixels between them, negative for an overlap."""
    height = max(len(part) for part in parts)
    lefts = np.cumsum([0] + [part.shape[1] + gap for part, gap in zip(parts, gaps, strict=False)])
    lefts -= lefts.min()
    joined = np.zeros((height, max(x + part.shape[1] for x, part in zip(lefts, parts, strict=True))), np.float32)
    for left, part in zip(lefts, parts, strict=True):
        top = (height - len(part)) // 2
        place = joined[top : top + len(part), left : left + part.shape[1]]
        np.maximum(place, part, out=place)
    return joined


def draw_cloud(height: int, width: int, grain: int, rng: np.random.Generator) -> Ink:
    """Return smooth noise in 0-1, (height, width), of `grain` patches a side."""
    coarse = Image.fromarray(rng.random((grain, grain), dtype=np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BILINEAR))
