"""Pixels to ink: colours to one contrast, and even light."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from digitrec.preprocessing.pieces import slide_extreme

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating]


def make_thumbnail(pixels: Bytes, side: int, filter_: Image.Resampling = Image.Resampling.BOX) -> Image.Image:
    """Shrink a picture by averaging where it is larger than `side`.

    Pillow's box filter leaves out a line one pixel wide that lies half-way between two pixels of the result; HAMMING,
    hardly blurrier, none.
    """
    image = Image.fromarray(pixels)
    if max(image.size) > side:
        image.thumbnail((side, side), filter_, reducing_gap=2.0)
    return image


def subtract_surroundings(small: Image.Image, reach: float) -> Floats:
    """Subtract the mean of the surroundings, `reach` times the picture wide."""
    blurred = small.filter(ImageFilter.BoxBlur(reach * max(small.size)))
    return np.asarray(small, np.float32) - np.asarray(blurred, np.float32)


def reduce_colours(pixels: Bytes) -> Bytes:
    """Project colours on the axis along which they differ most over short distances: paper to ink.

    Luminance alone hides red ink on green paper; and light, which changes over long distances,
    must not choose the axis.

    Args:
        pixels: uint8 (h, w) or (h, w, 3).

    Returns:
        uint8 (h, w).
    """
    if pixels.ndim == 2:
        return pixels
    detail = subtract_surroundings(make_thumbnail(pixels, 96), 1 / 8).reshape(-1, 3)
    axis = np.linalg.eigh(detail.T @ detail)[1][:, -1]
    axis *= (1 if axis.sum() >= 0 else -1) / np.abs(axis).sum()
    matrix = (*axis.tolist(), -255 * float(axis[axis < 0].sum()))
    return np.asarray(Image.fromarray(pixels).convert("L", matrix))


def even_light(contrast: Bytes) -> Floats:
    """Divide the picture by its paper, and stretch what remains so that full ink is 1.

    Args:
        contrast: uint8 (h, w), ink dark.

    Returns:
        float32 (h, w), 0-1, ink bright; all zero where nothing stands out of the paper.
    """
    ink, level = compare_with_paper(contrast)
    if level < 0.03:  # the faintest pencil among the phone photos tried lies at 0.031
        return np.zeros_like(ink)
    pale, dark = ink[ink < level], ink[ink >= level]
    pale = pale[:: len(pale) // 4096 + 1]
    paper, full = find_median(pale, level), find_median(dark[:: len(dark) // 4096 + 1], level)
    floor = paper + 2 * find_median(np.abs(pale - paper), 0)
    return np.clip((ink - floor) / max(full - floor, 0.01), 0, 1)


def compare_with_paper(contrast: Bytes) -> tuple[Floats, float]:
    """Return how much darker than the paper around it every pixel is, and the level half-way up the edges.

    Args:
        contrast: uint8 (h, w), ink dark.

    Returns:
        float32 (h, w), 0-1, and 0-1.
    """
    ink = _divide_by_paper(contrast, 1 / 3)
    level, sharpness = measure_edges(ink)
    if max(contrast.shape) >= 100:
        # Thin strokes let the paper be followed closely, through shadows. Broad ones would pass
        # for paper themselves, which shows: their edges fade.
        close = _divide_by_paper(contrast, 1 / 8)
        close_level, close_sharpness = measure_edges(close)
        if close_sharpness > 0.9 * sharpness:
            ink, level = close, close_level
    return ink, level


def find_median(values: Floats, default: float) -> float:
    """Return the median, `default` of none; numpy's own would load numpy.ma, 30 ms at the first picture."""
    if not len(values):
        return default
    upper = len(values) // 2
    lower = upper - 1 + len(values) % 2
    middle = np.partition(values, (lower, upper))
    return float(middle[lower] + middle[upper]) / 2


def _divide_by_paper(contrast: Bytes, reach: float) -> Floats:
    """1 - picture / paper; paper is what closing by `reach` times the picture leaves of it."""
    close = reach < 0.2
    small = np.asarray(make_thumbnail(contrast, 128 if close else 32))
    half = max(1, int(max(small.shape) * reach / 2))
    # Padded with its own edge, so that a picture darker towards the frame does not pass for ink.
    padded = np.pad(small, 2 * half, mode="edge")
    closed = slide_extreme(slide_extreme(padded, 2 * half + 1, np.maximum), 2 * half + 1, np.minimum)
    # Not blurred where it is followed closely: beside its blurred edge a sharp shadow would leave a line.
    paper = Image.fromarray(closed).filter(ImageFilter.BoxBlur(0 if close else 2))
    light = np.asarray(paper.resize(contrast.shape[::-1], Image.Resampling.BILINEAR), np.float32)
    return np.maximum(1 - contrast / np.maximum(light, 1), 0)


def measure_edges(ink: Floats) -> tuple[float, float]:
    """Measure the level half-way up the edges, and how sharp they are, most of all in the middle.

    Unlike Otsu's threshold this level does not depend on how much of the picture is ink. Of each two
    pixels that one lies between, half their sum counts and not that one: beside a line one pixel
    wide it is paper, on the line no edge is seen at all.
    """
    height, width = ink.shape
    near = (np.exp(-2 * np.linspace(-1, 1, side, dtype=np.float32) ** 2) for side in (height, width))
    down, across = near
    level = total = 0.0
    for before, after, weight in (
        (ink[:-2], ink[2:], np.outer(down[1:-1], across)),
        (ink[:, :-2], ink[:, 2:], np.outer(down, across[1:-1])),
    ):
        weight *= (after - before) ** 2
        total += float(weight.sum())
        level += float((weight * (before + after)).sum()) / 2
    return level / max(total, 1e-9), total
