"""Pictures to lines: where in a picture a number may stand, and each such place as a strip 32 pixels high."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.preprocessing.box import is_two_tone
from digitrec.preprocessing.decoding import measure_size, open_picture, read_picture
from digitrec.preprocessing.ink import even_light, make_thumbnail, reduce_colours
from digitrec.preprocessing.pieces import find_boxes, find_pieces
from digitrec.preprocessing.rules import drop_rules

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating]
Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two exclusive

HEIGHT = 32  # pixels of a strip
_NARROWEST, _WIDEST = 16, 1024
_LARGEST = 1600  # pixels of a side; no line on a larger picture needs more
_SEARCHED = 400  # pixels of a side, on which lines are looked for
_REACH, _STEP = 24, 16  # columns of a strip, over which its paper is measured, and how often
_PAPER, _PEN = 0.7, 0.015  # shares of the pixels: at most so many are darker than paper; so many are the darkest ink
_FAINTEST = 0.02  # of the paper's light: less is no pen
_MOST = 3  # lines that are looked at besides the whole picture


@dataclass(frozen=True)
class Line:
    """A place in a picture where a number may stand.

    Attributes:
        strip: uint8 (32, w), w from 16 to 1024: ink bright, grey, the pen about 255, paper about 0.
        left, top: of the strip's corner in the picture, in pixels.
        scale: pixels of the strip for one of the picture.
    """

    strip: Bytes
    left: float
    top: float
    scale: float

    def locate(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        """Return in the picture's pixels what is given in the strip's: left, top, right, bottom."""
        x, y = self.left, self.top
        return x + left / self.scale, y + top / self.scale, x + right / self.scale, y + bottom / self.scale


def find_lines(picture: Any) -> list[Line]:
    """Find where in a picture a number may stand.

    Args:
        picture: whatever `read_picture` takes.

    Returns:
        At most four lines: the whole picture first where it is broad as a line is; then lines of ink, the most
        prominent first. None where there is no ink.

    Raises:
        PictureError: if the picture cannot be read.
    """
    picture = open_picture(picture)
    grey = reduce_colours(read_picture(picture))
    given = max(measure_size(picture))
    if given > _LARGEST:
        grey = np.asarray(make_thumbnail(grey, _LARGEST))
    top, left, bottom, right = _find_page(grey)
    page = grey[top:bottom, left:right]
    if page.size == grey.size:  # else it is the paper that is bright
        page = _orient(page)
    boxes = _find_written(page)
    if len(page) < 1.4 * page.shape[1] and len(page) < 6 * max((box[2] - box[0] for box in boxes), default=len(page)):
        boxes.insert(0, (0, 0, *page.shape))
    lines = []
    for box in boxes:
        strip = to_strip(page[box[0] : box[2], box[1] : box[3]])
        shrunk = given / max(grey.shape)
        scale = HEIGHT / (box[2] - box[0]) / shrunk
        if strip.any():
            lines.append(Line(strip, (left + box[1]) * shrunk, (top + box[0]) * shrunk, scale))
    return lines


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


def _find_page(grey: Bytes) -> Box:
    """Find what is left where a binding, a desk or a shadow makes one side dark all along; all of a bright drawing."""
    whole = 0, 0, *grey.shape
    if min(grey.shape) < 48:
        return whole
    small = np.asarray(make_thumbnail(grey, 128), np.float32)
    scale = len(grey) / len(small)
    ends = []
    for profile in (np.sort(small, axis=1)[:, small.shape[1] // 2], np.sort(small, axis=0)[len(small) // 2]):
        bright = profile > 0.55 * np.sort(profile)[len(profile) * 4 // 5]
        first, last = (int(np.argmax(side)) for side in (bright, bright[::-1]))
        ends.append([step + 2 if step > 2 else 0 for step in (first, last)])
    (top, bottom), (left, right) = ends
    if top + bottom > 0.7 * len(small) or left + right > 0.7 * small.shape[1]:
        return whole
    page = small[top : len(small) - bottom, left : small.shape[1] - right]
    if _measure_frame(page[2:-2, 2:-2]) < 0.5:  # along the edge itself lie a binding's grey and rules
        return whole
    top, left, bottom, right = (round(side * scale) for side in (top, left, bottom, right))
    return top, left, len(grey) - bottom, grey.shape[1] - right


def _orient(page: Bytes) -> Bytes:
    """Invert where ink is brighter than paper: ink is less than paper, so what lies far from the median is ink.

    Of small bitmaps, which ink may fill, paper is what lies along the frame.
    """
    if min(page.shape) <= 36 and is_two_tone(page / np.float32(255)):
        return page if _measure_frame(page) > 0.5 else ~page
    step = int(np.sqrt(page.size / 4096)) + 1
    values = np.sort(_drop_pale_bands(page[::step, ::step].astype(np.float32)), axis=None)
    dark, median, bright = (values[int(share * (len(values) - 1))] for share in (0.02, 0.5, 0.98))
    return page if median - dark >= bright - median else ~page


def _drop_pale_bands(small: Floats) -> Floats:
    """Cut off what is pale all along an edge: other paper, or light; no pen writes so."""
    for _ in range(2):  # rows, then columns
        pale = np.median(small, axis=1) > (np.median(small) + np.quantile(small, 0.98)) / 2
        first, last = (int(np.argmin(side)) for side in (pale, pale[::-1]))
        small = (small[first : len(small) - last] if first + last < len(small) / 2 else small).T
    return small


def _measure_frame(small: NDArray) -> float:
    """Return the share of the pixels along the frame that are bright."""
    bright = small > (float(small.min()) + float(small.max())) / 2
    return float(np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]]).mean())


def _find_written(page: Bytes) -> list[Box]:
    """Find lines of ink: pieces side by side; the most prominent first, with a margin."""
    small = np.asarray(make_thumbnail(page, _SEARCHED))
    if min(small.shape) < 4:
        return []
    ink = even_light(small)
    found = _find_rows(drop_rules(ink) > 0.4) or _find_rows(ink > 0.25)  # what was erased, or is pale, at the last
    return [_widen(box, len(page) / len(small), page.shape) for box in found]


def _find_rows(ink: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Find lines of ink, the most prominent first: top, left, bottom, right."""
    starts, ends, piece = find_pieces(ink)
    if not len(piece):
        return []
    boxes = find_boxes(starts, ends, piece, ink.shape[1]).T
    area = np.bincount(piece, ends - starts)
    order = np.argsort(-area, kind="stable")[:200]
    order = order[(area[order] > max(3, 0.02 * area.max())) & ~_find_printed(boxes[order], ink.shape)]
    lines = [_join(boxes[order][chosen]) for chosen in _gather(boxes[order])]
    weighed = sorted(((box, _weigh(box, ink)) for box in lines), key=lambda one: -one[1])
    return [box for box, weight in weighed[:_MOST] if weight > 0]


def _find_printed(boxes: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Find what is no writing: frames and columns of a tall page, and rules along any."""
    height, width = shape
    tall, wide = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    rules = (wide > 5 * tall) & (wide > 0.4 * width)
    if height < 1.4 * width:
        return rules
    return rules | (tall > 0.4 * height) & ((boxes[:, 0] == 0) | (boxes[:, 2] == height) | (tall > 0.6 * height))


def _gather(boxes: NDArray[np.int64]) -> list[list[int]]:
    """Gather pieces, the largest first, into lines: those beside a line, at its height and not far from it."""
    lines: list[list[int]] = []
    extents: list[NDArray] = []
    for i, box in enumerate(boxes):
        tall = box[2] - box[0]
        for line, extent in zip(lines, extents, strict=True):
            height = extent[2] - extent[0]
            shared = min(extent[2], box[2]) - max(extent[0], box[0])
            apart = max(extent[1] - box[3], box[1] - extent[3])
            if shared > 0.5 * min(tall, height) and apart < 2.5 * max(height, tall) and tall < 2.5 * height:
                line.append(i)
                if tall > 0.3 * height:  # a mark or an underline is no measure of a line
                    extent[:2], extent[2:] = np.minimum(extent[:2], box[:2]), np.maximum(extent[2:], box[2:])
                break
        else:
            lines.append([i])
            extents.append(box.copy())
    return lines


def _join(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the box around boxes: as tall as the tall ones among them."""
    tall = boxes[:, 2] - boxes[:, 0]
    upright = boxes[tall > 0.3 * tall.max()]
    return np.concatenate([
        [upright[:, 0].min(), boxes[:, 1].min()], [upright[:, 2].max(), boxes[:, 3].max()]
    ])  # fmt: skip


def _weigh(box: NDArray[np.int64], ink: NDArray[np.bool_]) -> float:
    """Say how prominent a line is: much ink, near the middle, not along the frame; 0 of what is flat."""
    top, left, bottom, right = box.tolist()
    height, width = ink.shape
    if bottom - top < max(4, 0.02 * height) or right - left > 30 * (bottom - top):
        return 0.0
    away = np.hypot((top + bottom) / height - 1, (left + right) / width - 1)
    cut = (top == 0) + (bottom == height) + (left == 0) + (right == width)
    return float(ink[top:bottom, left:right].sum()) * float(np.exp(-(away**2))) * 0.5**cut


def _widen(box: NDArray[np.int64], scale: float, shape: tuple[int, ...]) -> Box:
    """Return a box in the page's pixels, with a margin."""
    top, left, bottom, right = (box * scale).tolist()
    margin = 0.15 * (bottom - top)
    y0, x0 = max(int(top - margin), 0), max(int(left - 3 * margin), 0)
    return y0, x0, min(int(bottom + margin) + 1, shape[0]), min(int(right + 3 * margin) + 1, shape[1])
