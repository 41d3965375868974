"""Where in a picture the paper is: which of its two levels, and on which part of a desk."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.preprocessing.ink import find_median, make_thumbnail, measure_edges, subtract_surroundings
from digitrec.preprocessing.pieces import find_pieces

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]


def crop_sheet(grey: Bytes) -> Bytes:
    """Crop a photo to an upright rectangle inside the bright sheet that lies on a darker desk.

    Args:
        grey: uint8 (h, w).

    Returns:
        uint8, the part inside; all of it where there is no desk, or where ink might be cut.
    """
    small = np.asarray(make_thumbnail(grey, 64), np.float32) / 255
    if max(grey.shape) < 100 or min(small.shape) < 12:  # no sheet is that narrow
        return grey
    bright = small > measure_edges(small)[0]
    if _measure_border(bright) > 0.8 or not _is_desk(small, bright):
        return grey
    top, bottom, left, right = _trim_desk(bright)
    inside = bright[top:bottom, left:right]
    if inside.size < bright.size / 9 or inside.mean() < 0.8:  # no paper but a broad bright 0 around its dark hole
        return grey
    if bright.sum() - inside.sum() > 0.4 * (bright.size - inside.size):
        return grey  # a desk is dark all over
    inner = inside[1:-1, 1:-1]
    if not (inner[[0, -1]].all() and inner[:, [0, -1]].all()):
        return grey  # ink runs across
    scale = len(grey) / len(small)
    rows = slice(round((top + 1) * scale), round((bottom - 1) * scale))
    sheet = grey[rows, round((left + 1) * scale) : round((right - 1) * scale)]
    detail = subtract_surroundings(make_thumbnail(sheet, 96), 1 / 8)[9:-9, 9:-9]
    # Of nothing but grain the darkest pixel stands out by some six medians: then the digit lies in a shadow.
    return sheet if detail.size and -detail.min() > 9 * find_median(np.abs(detail).ravel(), 0) else grey


def _is_desk(small: Floats, bright: Mask) -> bool:
    """Tell a desk from shadows: less than half as bright as the sheet, which ends sharply.

    A brighter desk stays, and its light is evened as if the sheet's neighbourhood lay in a shadow.
    """
    dark = 2 * find_median(small[~bright], 1) < find_median(small[bright], 0)
    return dark and _measure_sharpness(small, bright) > 0.5


def _measure_sharpness(small: Floats, bright: Mask) -> float:
    """Measure how much of the step from dark to bright lies within three pixels: 1 of sheets and ink, less of light."""
    steps = [
        np.abs(values[3:] - values[:-3])[mask[1:-2] != mask[2:-1]]
        for values, mask in ((small, bright), (small.T, bright.T))
    ]
    sharp = np.concatenate(steps)
    if not len(sharp):  # nothing fades
        return 1.0
    step = find_median(small[bright], 0) - find_median(small[~bright], 0)
    return float(sharp.mean()) / max(step, 1e-6)


def _trim_desk(bright: Mask) -> tuple[int, int, int, int]:
    """Trim the darkest side until all four are paper, or little is left; return top, bottom, left, right."""
    height, width = bright.shape
    top, bottom, left, right = 0, height, 0, width
    while 3 * (bottom - top) >= height and 3 * (right - left) >= width:
        inside = bright[top:bottom, left:right]
        filled = inside[0].mean(), inside[-1].mean(), inside[:, 0].mean(), inside[:, -1].mean()
        worst = int(np.argmin(filled))
        if filled[worst] > 0.97:
            return top, bottom, left, right
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        left, right = left + (worst == 2), right - (worst == 3)
    return 0, height, 0, width


def orient_contrast(grey: Bytes) -> Bytes:
    """Invert where ink is brighter than paper: uint8 (h, w) to the same, ink dark."""
    return grey if weigh_contrast(grey) >= 0 else ~grey


def weigh_contrast(grey: Bytes) -> float:
    """Weigh the signs that ink is dark, none of which asks how much of it is ink.

    Paper lies along the frame, also once the light is taken out, in which half the picture may lie
    in a shadow; ink is one piece; and strokes leave their surroundings one way, skewed.

    Args:
        grey: uint8 (h, w).

    Returns:
        -4.5 to 4.5, below 0 where ink is bright.
    """
    small = np.asarray(make_thumbnail(grey, 48), np.float32) / 255
    bright = small > measure_edges(small)[0]
    for _ in range(2):  # a neighbour's edge, then the line between
        inside = _find_inside(bright)
        bright, small = bright[inside], small[inside]
    detail = subtract_surroundings(Image.fromarray(np.rint(255 * small).astype(np.uint8)), 0.3)
    cubes = detail**3
    vote = -0.5 * float(cubes.sum() / max(np.abs(cubes).sum(), 1))
    bright_detail = detail > measure_edges(detail)[0]
    if _measure_sharpness(small, bright) > 0.5:
        vote += _measure_border(bright_detail)
    else:  # a flash's mirror image, or light from a side
        bright = bright_detail
    return vote + 2 * _measure_border(bright) + _measure_unity(~bright) - _measure_unity(bright)


def _measure_border(mask: Mask) -> float:
    """Return 1 where all pixels along the frame are set, -1 where none is."""
    return 2 * float(np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean()) - 1


def _measure_unity(mask: Mask) -> float:
    """Return the share of the largest piece, 0 of none."""
    starts, ends, piece = find_pieces(mask)
    return float(np.bincount(piece, ends - starts).max() / mask.sum()) if len(piece) else 0.0


def _find_inside(bright: Mask) -> tuple[slice, slice]:
    """Find what lies inside a frame: on any side a band of one level that ends all along in the other."""
    height, width = bright.shape
    top = bottom = left = right = 0
    for clear in (0.55, 0.55, 0.88):  # the bands of the other sides, cut away by then, are no part of it
        across, down = bright[:, left : width - right], bright[top : height - bottom].T
        top, bottom = _measure_band(across, clear), _measure_band(across[::-1], clear)
        left, right = _measure_band(down, clear), _measure_band(down[::-1], clear)
    return slice(top, height - bottom), slice(left, width - right)


def _measure_band(bright: Mask, clear: float) -> int:
    """Count the first rows that are all of one level, up to one nearby that is the other for a share of `clear`."""
    most = len(bright) // 6
    if len(bright) < 20:  # there it is the digit that ends all along
        return 0
    share = (bright[: most + 3].sum(axis=1) / bright.shape[1]).tolist()
    if share[0] < 0.5:
        share = [1 - one for one in share]
    count = next((row for row in range(most) if share[row] < 0.85), most)
    if not count:
        return 0
    near = share[count : count + 3]
    end = count + near.index(min(near))
    return end if share[end] <= 1 - clear else 0
