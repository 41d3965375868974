"""Pixels to ink: colours to one contrast, the sheet on the desk, even light, no ruled lines."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from digitrec.preprocessing.pieces import find_runs, grow_mask, paint_runs, slide_extreme

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating]


def _thumbnail(pixels: Bytes, side: int) -> Image.Image:
    image = Image.fromarray(pixels)
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=2.0)
    return image


def _detail(small: Image.Image, reach: float) -> Floats:
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
    detail = _detail(_thumbnail(pixels, 96), 1 / 8).reshape(-1, 3)
    axis = np.linalg.eigh(detail.T @ detail)[1][:, -1]
    axis *= (1 if axis.sum() >= 0 else -1) / np.abs(axis).sum()
    matrix = (*axis.tolist(), -255 * float(axis[axis < 0].sum()))
    return np.asarray(Image.fromarray(pixels).convert("L", matrix))


def crop_sheet(grey: Bytes) -> Bytes:
    """Crop a photo to an upright rectangle inside the bright sheet that lies on a darker desk.

    Args:
        grey: uint8 (h, w).

    Returns:
        uint8, the part inside; all of it where there is no desk.
    """
    small = np.asarray(_thumbnail(grey, 64), np.float32) / 255
    if max(grey.shape) < 100 or min(small.shape) < 12:  # no sheet is that narrow
        return grey
    bright = small > measure_edges(small)[0]
    frame = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    if frame.mean() > 0.9:
        return grey
    height, width = small.shape
    top, bottom, left, right = 0, height, 0, width
    while True:  # trim the darkest side until all four are paper
        if 3 * (bottom - top) < height or 3 * (right - left) < width:
            return grey
        inside = bright[top:bottom, left:right]
        filled = inside[0].mean(), inside[-1].mean(), inside[:, 0].mean(), inside[:, -1].mean()
        worst = int(np.argmin(filled))
        if filled[worst] > 0.97:
            break
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        left, right = left + (worst == 2), right - (worst == 3)
    if inside.mean() < 0.8:  # no paper but a broad bright 0 around its dark hole
        return grey
    if bright.sum() - inside.sum() > 0.3 * (bright.size - inside.size):
        return grey  # a desk is dark all over
    scale = len(grey) / height
    rows = slice(round((top + 1) * scale), round((bottom - 1) * scale))
    return grey[rows, round((left + 1) * scale) : round((right - 1) * scale)]


def orient_contrast(grey: Bytes) -> Bytes:
    """Invert where ink is brighter than paper: strokes leave their surroundings one way, skewed.

    Args:
        grey: uint8 (h, w).

    Returns:
        uint8 (h, w), ink dark.
    """
    return ~grey if (_detail(_thumbnail(grey, 32), 0.3) ** 3).sum() > 0 else grey


def even_light(contrast: Bytes) -> Floats:
    """Divide the picture by its paper, and stretch what remains so that full ink is 1.

    Args:
        contrast: uint8 (h, w), ink dark.

    Returns:
        float32 (h, w), 0-1, ink bright; all zero where nothing stands out of the paper.
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
    if level < 0.03:  # the faintest pencil among the phone photos tried lies at 0.031
        return np.zeros_like(ink)
    pale, dark = ink[ink < level], ink[ink >= level]
    pale = pale[:: len(pale) // 4096 + 1]
    paper, full = _median(pale, level), _median(dark[:: len(dark) // 4096 + 1], level)
    floor = paper + 2 * _median(np.abs(pale - paper), 0)
    return np.clip((ink - floor) / max(full - floor, 0.01), 0, 1)


def _median(values: Floats, default: float) -> float:
    """Return the median, `default` of none; numpy's own would load numpy.ma, 30 ms at the first picture."""
    if not len(values):
        return default
    upper = len(values) // 2
    lower = upper - 1 + len(values) % 2
    middle = np.partition(values, (lower, upper))
    return float(middle[lower] + middle[upper]) / 2


def _divide_by_paper(contrast: Bytes, reach: float) -> Floats:
    """1 - picture / paper; paper is what closing by `reach` times the picture leaves of it."""
    small = np.asarray(_thumbnail(contrast, 32 if reach > 0.2 else 64))
    half = max(1, int(max(small.shape) * reach / 2))
    # Padded with its own edge, so that a picture darker towards the frame does not pass for ink.
    padded = np.pad(small, 2 * half, mode="edge")
    closed = slide_extreme(slide_extreme(padded, 2 * half + 1, np.maximum), 2 * half + 1, np.minimum)
    paper = Image.fromarray(closed).filter(ImageFilter.BoxBlur(2))
    light = np.asarray(paper.resize(contrast.shape[::-1], Image.Resampling.BILINEAR), np.float32)
    return np.maximum(1 - contrast / np.maximum(light, 1), 0)


def measure_edges(ink: Floats) -> tuple[float, float]:
    """Measure the level half-way up the edges, and how sharp they are, most of all in the middle.

    Unlike Otsu's threshold this level does not depend on how much of the picture is ink.
    """
    height, width = ink.shape
    down, across = ink[2:, 1:-1] - ink[:-2, 1:-1], ink[1:-1, 2:] - ink[1:-1, :-2]
    weights = down**2 + across**2
    weights *= np.exp(-2 * np.linspace(-1, 1, height - 2, dtype=np.float32)[:, None] ** 2)
    weights *= np.exp(-2 * np.linspace(-1, 1, width - 2, dtype=np.float32) ** 2)
    total = float(weights.sum())
    return float((weights * ink[1:-1, 1:-1]).sum()) / max(total, 1e-9), total


def drop_rules(ink: Floats) -> Floats:
    """Erase rules and box borders: thin, straight, from frame to frame, in the outer thirds.

    Args:
        ink: float32 (h, w), 0-1.

    Returns:
        The same without them; strokes that cross a rule stay.
    """
    if min(ink.shape) < 24:  # there a stroke is as thin and as straight as a rule
        return ink
    return _drop_upright_rules(_drop_upright_rules(ink).T).T


def _drop_upright_rules(ink: Floats) -> Floats:
    height, width = ink.shape
    starts, ends = find_runs(ink > 0.4)
    thin = ends - starts <= 0.15 * height
    if thin.sum() < 0.8 * height:
        return ink
    lines = paint_runs(starts[thin], ends[thin], ink.shape)
    slack = height // 60 + 1  # a rule may lean by this many columns
    passed = np.cumsum(np.pad(lines, ((0, 0), (slack + 1, slack))), axis=1, dtype=np.int16)
    near = passed[:, 2 * slack + 1 :] > passed[:, : -2 * slack - 1]
    ruled = (near.mean(axis=0) > 0.8) & near[0] & near[-1]
    ruled[round(0.3 * width) : round(0.7 * width)] = False
    return np.where(grow_mask(lines * ruled), np.float32(0), ink) if ruled.any() else ink
