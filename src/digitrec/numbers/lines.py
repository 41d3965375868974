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
_ROOM = 1.3  # what is turned is cut out with some more around it
_REACH, _STEP = 24, 16  # columns of a strip, over which its paper is measured, and how often
_PAPER, _PEN = 0.7, 0.015  # shares of the pixels: at most so many are darker than paper; so many are the darkest ink
_FAINTEST = 0.02  # of the paper's light: less is no pen


class _Crop(NamedTuple):
    """A piece of a page: its pixels, ink dark; where its corner lies; by how much it was turned to be level."""

    pixels: Bytes
    top: float
    left: float
    angle: float = 0.0  # radians, clockwise


@dataclass(frozen=True)
class Line:
    """A place in a picture where a number may stand.

    Attributes:
        strip: uint8 (32, w), w from 16 to 1024: ink bright, grey, the pen about 255, paper about 0.
        left, top: of the strip's corner in the picture, in pixels.
        scale: pixels of the strip for one of the picture.
        angle: of the line in the picture, radians, clockwise; the strip is level.
    """

    strip: Bytes
    left: float
    top: float
    scale: float
    angle: float = 0.0

    def locate(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        """Return in the picture's pixels the box around one that is given in the strip's: left, top, right, bottom."""
        corners = np.array([(x, y) for x in (left, right) for y in (top, bottom)]) / self.scale
        turned = corners @ _turn(self.angle)
        (x0, y0), (x1, y1) = turned.min(axis=0).tolist(), turned.max(axis=0).tolist()
        return self.left + x0, self.top + y0, self.left + x1, self.top + y1


def find_lines(picture: Any) -> list[Line]:
    """Find where in a picture a number may stand.

    Args:
        picture: whatever `read_picture` takes.

    Returns:
        At most four lines: the whole picture first where it is broad as a line is, and filled; then a row of ink that
        climbs or sinks, and level ones, the most prominent first. None where there is no ink.

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
            lines.append(Line(strip, (left + crop.left) * shrunk, (top + crop.top) * shrunk, scale, crop.angle))
    return lines


def _cut_lines(page: Bytes) -> list[_Crop]:
    """Cut out the rows of ink, and before them all of a page that is as broad as a line, and not much higher."""
    crops = [(_level if row.angle else _cut)(page, row, scale) for row, scale in _find_rows(page)]
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


def _level(page: Bytes, row: Row, scale: float) -> _Crop:
    """Turn a line that climbs or sinks until it is level, with some room around it, and cut it out there."""
    across = _turn(row.angle)
    corners = (row.box * scale).reshape(2, 2)[:, ::-1]
    size = _ROOM * (corners[1] - corners[0]) @ np.abs(across)
    corner = corners.mean(axis=0) - size / 2 @ across
    place = (*across[:, 0], corner[0], *across[:, 1], corner[1])
    width, height = np.ceil(size).astype(int).tolist()
    paper = int(np.median(page[::8, ::8]))
    level = np.asarray(Image.fromarray(page).transform(
        (width, height), Image.Transform.AFFINE, place, Image.Resampling.BICUBIC, fillcolor=paper
    ))  # fmt: skip
    found = _find_rows(level)
    inner = _cut(level, *found[0]) if found else _Crop(level, 0, 0)
    left, top = corner + [inner.left, inner.top] @ across
    return _Crop(inner.pixels, top, left, row.angle)


def _turn(angle: float) -> NDArray[np.float64]:
    """Return what turns x and y, a row or rows of them, to the right when they are multiplied by it."""
    sine, cosine = np.sin(angle), np.cos(angle)
    return np.array([[cosine, sine], [-sine, cosine]])


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
