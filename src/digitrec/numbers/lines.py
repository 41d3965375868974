"""Pictures to lines: where in a picture a number may stand, and each such place as a strip 32 pixels high."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.numbers.pages import find_page, is_photo
from digitrec.numbers.rows import Row, find_rows
from digitrec.preprocessing.decoding import FINE_SIDE, measure_size, open_picture, read_picture
from digitrec.preprocessing.frames import SEARCHED
from digitrec.preprocessing.ink import even_light, make_thumbnail, reduce_colours
from digitrec.preprocessing.rules import drop_rules

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating]

HEIGHT = 32  # pixels of a strip
_NARROWEST, _WIDEST = 16, 1024
_FILLED_CELL, _FILLED_PHOTO = 1 / 6, 0.7  # shares of a picture's height: of one with lower rows all is not read
_REACH, _STEP = 24, 16  # columns of a strip, over which its paper is measured, and how often
_PAPER, _PEN = 0.7, 0.015  # shares of the pixels: at most so many are darker than paper; so many are the darkest ink
_FAINTEST = 0.02  # of the paper's light: less is no pen


class _Crop(NamedTuple):
    """A piece of a page: its pixels, ink dark; where it begins; how far each column was raised, by its place."""

    pixels: Bytes
    top: float
    left: float
    slope: float = 0.0


@dataclass(frozen=True)
class Line:
    """A place in a picture where a number may stand.

    Attributes:
        strip: uint8 (32, w), w from 16 to 1024: ink bright, grey, the pen about 255, paper about 0.
        left, top: of the strip's corner in the picture, in pixels.
        scale: pixels of the strip for one of the picture.
        slope: of the line in the picture, downwards by its length; the strip is level.
    """

    strip: Bytes
    left: float
    top: float
    scale: float
    slope: float = 0.0

    def locate(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        """Return in the picture's pixels what is given in the strip's: left, top, right, bottom."""
        x, y = self.left, self.top + self.slope * (left + right) / 2 / self.scale
        return x + left / self.scale, y + top / self.scale, x + right / self.scale, y + bottom / self.scale


def find_lines(picture: Any) -> list[Line]:
    """Find where in a picture a number may stand.

    Args:
        picture: whatever `read_picture` takes.

    Returns:
        At most four lines: the whole picture first where it is broad as a line is, and filled; then rows of ink, the
        most prominent first. None where there is no ink.

    Raises:
        PictureError: if the picture cannot be read.
    """
    picture = open_picture(picture)
    grey = reduce_colours(read_picture(picture, FINE_SIDE))
    shrunk = max(measure_size(picture)) / max(grey.shape)
    page, top, left = find_page(grey)
    lines = []
    for crop in _cut_lines(page):
        strip = to_strip(crop.pixels)
        if strip.any():
            scale = HEIGHT / len(crop.pixels) / shrunk
            lines.append(Line(strip, (left + crop.left) * shrunk, (top + crop.top) * shrunk, scale, crop.slope))
    return lines


def _cut_lines(page: Bytes) -> list[_Crop]:
    """Cut out the rows of ink, and before them all of a page that is as broad as a line, and not much higher."""
    crops = []
    for row, scale in _find_rows(page):
        crop = _cut(page, row, scale)
        if row.slope and is_photo(page):
            crop = _level(page, row.slope, crop)
        crops.append(crop)
    tallest = max((len(crop.pixels) for crop in crops), default=len(page))
    filled = _FILLED_PHOTO if is_photo(page) else _FILLED_CELL
    if not crops or (len(page) < 1.4 * page.shape[1] and tallest > filled * len(page)):
        crops.insert(0, _Crop(page, 0, 0))
    return crops


def _find_rows(page: Bytes) -> list[tuple[Row, float]]:
    """Find rows of ink in a page's thumbnail, and the scale of the page by it."""
    small = np.asarray(make_thumbnail(page, SEARCHED, Image.Resampling.HAMMING))
    if min(small.shape) < 4:
        return []
    ink = even_light(small)
    rows = find_rows(drop_rules(ink) > 0.4) or find_rows(ink > 0.25)  # what was erased, or is pale, at the last
    return [(row, len(page) / len(small)) for row in rows]


def _cut(page: Bytes, row: Row, scale: float) -> _Crop:
    """Cut a row out of a page, with a margin."""
    top, left, bottom, right = (row.box * scale).tolist()
    margin = 0.15 * (bottom - top)
    y0, x0 = max(int(top - margin), 0), max(int(left - 3 * margin), 0)
    pixels = page[y0 : int(bottom + margin) + 1, x0 : int(right + 3 * margin) + 1]
    return _Crop(pixels, y0, x0)


def _level(page: Bytes, slope: float, crop: _Crop) -> _Crop:
    """Move the columns of a line that climbs or sinks until it is level, and cut it out again."""
    height, width = crop.pixels.shape
    moved = slope * (np.arange(width) - width / 2)
    rows = np.rint(crop.top + np.arange(height)[:, None] + moved).astype(int)
    columns = np.arange(int(crop.left), int(crop.left) + width)
    level = page[rows.clip(0, len(page) - 1), columns]
    found = _find_rows(level)
    inner = _cut(level, *found[0]) if found else _Crop(level, 0, 0)
    top = crop.top + inner.top + slope * (inner.left - width / 2)
    return _Crop(inner.pixels, top, crop.left + inner.left, slope)


def to_strip(crop: Bytes) -> Bytes:
    """Bring a crop into the form that the network of numbers takes: evenly lit, 32 pixels high, full contrast.

    Args:
        crop: uint8 (h, w), ink dark.

    Returns:
        uint8 (32, 16-1024), ink bright; all zero where nothing stands out of the paper.
    """
    height, width = crop.shape
    width = min(max(round(width * HEIGHT / height), _NARROWEST), _WIDEST)
    filter_ = Image.Resampling.HAMMING if height > HEIGHT else Image.Resampling.BICUBIC
    small = np.asarray(Image.fromarray(crop).resize((width, HEIGHT), filter_), np.float32)
    paper = _measure_paper(small)
    ink = np.maximum(paper - small, 0) / np.maximum(paper, 1)
    darkest = max(2 * HEIGHT // 3, int(ink.size * _PEN))
    pen = float(np.partition(ink.ravel(), ink.size - darkest)[-darkest:].mean())
    if pen < _FAINTEST:
        return np.zeros(ink.shape, np.uint8)
    return (np.minimum(ink / pen, 1) * 255 + np.float32(0.5)).astype(np.uint8)


def _measure_paper(small: Floats) -> Floats:
    """Return the light on the paper, along the strip: a high quantile of what lies around each column."""
    width = small.shape[1]
    middles = np.arange(0, width + _STEP, _STEP)
    levels = []
    for middle in middles.tolist():
        around = small[:, max(middle - _REACH, 0) : middle + _REACH].ravel()
        place = int(len(around) * _PAPER)
        levels.append(np.partition(around, place)[place])
    return np.interp(np.arange(width), middles, levels).astype(np.float32)
