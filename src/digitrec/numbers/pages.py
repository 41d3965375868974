"""Pictures to the paper that a number stands on: its part of the picture, ink dark, no shadows, no printed boxes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.numbers.climbing import PHOTO
from digitrec.preprocessing.frames import SEARCHED, erase_frames
from digitrec.preprocessing.ink import compare_with_paper, make_thumbnail, subtract_surroundings
from digitrec.preprocessing.sheet import weigh_contrast

Bytes = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two exclusive

_SKEW = 4.0  # what the strokes of a number count beside the signs of one digit's ink


def find_page(grey: Bytes) -> tuple[Bytes, int, int]:
    """Find the paper in a picture, and clear it of all that is not written.

    Args:
        grey: uint8 (h, w).

    Returns:
        uint8 of the paper, ink dark, and the row and the column where it begins.
    """
    top, left, bottom, right = _find_paper(grey)
    page = grey[top:bottom, left:right]
    if page.size == grey.size:  # else it is the paper that is bright
        page = _orient(page)
    if is_photo(page) and len(page) < 1.4 * page.shape[1]:
        page = np.rint(255 * (1 - compare_with_paper(page)[0])).astype(np.uint8)
    return erase_frames(page), top, left


def is_photo(page: Bytes) -> bool:
    """Tell a photo of a line from a cell that was cut out to be read."""
    return len(page) * min(1, SEARCHED / max(page.shape)) > PHOTO


def _find_paper(grey: Bytes) -> Box:
    """Find what is left where a binding, a desk or a shadow makes one side dark all along; all of a bright drawing."""
    whole = 0, 0, *grey.shape
    if min(grey.shape) < 48:
        return whole
    small = np.asarray(make_thumbnail(grey, 128), np.float32)
    scale = len(grey) / len(small)
    ends = []
    for profile in (np.sort(small, axis=1)[:, small.shape[1] // 2], np.sort(small, axis=0)[len(small) // 2]):
        bright = profile > 0.4 * np.sort(profile)[len(profile) * 4 // 5]
        first, last = (int(np.argmax(side)) for side in (bright, bright[::-1]))
        ends.append([step + 2 if step > 2 else 0 for step in (first, last)])
    (top, bottom), (left, right) = ends
    if top + bottom > 0.7 * len(small) or left + right > 0.7 * small.shape[1]:
        return whole
    page = small[top : len(small) - bottom, left : small.shape[1] - right]
    if _measure_frame(page[2:-2, 2:-2]) < 0.5:  # along the edge itself lie a binding's grey and rules
        return whole
    if sum(map(bool, (top, bottom, left, right))) > 2 and _find_bright(page).mean() < 0.94:  # broad ink, no sheet
        return whole
    top, left, bottom, right = (round(side * scale) for side in (top, left, bottom, right))
    return top, left, len(grey) - bottom, grey.shape[1] - right


def _orient(page: Bytes) -> Bytes:
    """Invert where ink is brighter than paper: strokes, much finer than those of one digit, are what votes the most."""
    paper = _drop_pale_bands(np.asarray(make_thumbnail(page, SEARCHED, Image.Resampling.HAMMING)))
    cubes = subtract_surroundings(Image.fromarray(paper), 1 / 8) ** 3
    skew = float(cubes.sum() / max(np.abs(cubes).sum(), 1))
    return page if weigh_contrast(page) >= _SKEW * skew else ~page


def _drop_pale_bands(small: Bytes) -> Bytes:
    """Cut off what is pale all along an edge and ends at once, as other paper does; no pen writes so."""
    for _ in range(2):  # rows, then columns
        levels = np.median(small, axis=1)
        pale = levels > (np.median(small) + np.quantile(small, 0.98)) / 2
        first, last = (_count_pale(*sides) for sides in ((levels, pale), (levels[::-1], pale[::-1])))
        small = (small[first : len(small) - last] if first + last < len(small) / 2 else small).T
    return np.ascontiguousarray(small)


def _count_pale(levels: NDArray, pale: NDArray[np.bool_]) -> int:
    """Count the first rows that are pale; none where they fade, as light does."""
    count = int(np.argmin(pale))
    if not count:
        return 0
    step = levels[max(count - 2, 0)] - levels[min(count + 1, len(levels) - 1)]
    return count if step > 0.5 * (np.median(levels[:count]) - np.median(levels[count:])) else 0


def _measure_frame(small: NDArray) -> float:
    """Return the share of the pixels along the frame that are bright."""
    bright = _find_bright(small)
    return float(np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]]).mean())


def _find_bright(small: NDArray) -> NDArray[np.bool_]:
    return small > (float(small.min()) + float(small.max())) / 2
