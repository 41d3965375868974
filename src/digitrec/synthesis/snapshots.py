"""Snapshots: a number on its paper, photographed, scanned or drawn on a canvas, and cut out as a line is found."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from digitrec.synthesis import papers
from digitrec.synthesis.cameras import measure_darkness
from digitrec.synthesis.canvas import Images, Ink, draw_cloud, find_box
from digitrec.synthesis.lettering import Number
from digitrec.synthesis.papers import Field
from digitrec.synthesis.pens import thin
from digitrec.synthesis.scenes import paste

Spans = NDArray[np.float32]
# Pixels a digit is high in a picture. More a strip would not show, but of a thin pen; less hardly anybody could read.
_TINY, _SMALL, _MIDDLE, _LARGE, _HUGE = 7, 11, 28, 44, 72
_LEAST = 0.34  # of a strip's height, that its digits fill: in cells that are cut out whole
_KINDS = ("cell", "cheque", "register", "paper", "canvas")
_OFTEN = (0.37, 0.26, 0.12, 0.13, 0.12)


def take(number: Number, rng: np.random.Generator) -> tuple[Images, Spans]:
    """Put a number on paper, photograph it and cut it out.

    Returns:
        uint8 (h, w), ink dark, and the characters' ends in it, float32 (k, 2).
    """
    if number.text.isdigit() and 2 <= len(number.text) <= 3 and rng.random() < 0.08:
        number = turn(number, rng.uniform(-40, 40))
    kind = str(rng.choice(_KINDS, p=_OFTEN))
    is_thin = kind == "canvas" and rng.random() < 0.5
    low, high = _SMALL, _MIDDLE if kind == "cell" else _HUGE if is_thin else _LARGE
    if rng.random() < 0.08:
        low, high = _TINY, _SMALL
    unit = math.exp(rng.uniform(math.log(low), math.log(high)))
    scale = unit / number.height
    size = [max(1, round(side * scale)) for side in number.ink.shape[::-1]]
    way = Image.Resampling.BOX if scale <= 1 else Image.Resampling.BILINEAR
    small = np.asarray(Image.fromarray(number.ink).resize(size, way)).clip(0, 1)
    if is_thin and unit > _SMALL:
        small = _thin(small, rng)
    small = np.minimum(small / np.float32(measure_darkness(small)), 1)  # a thin pen need not be a faint one
    spans = number.spans * np.float32(scale)
    ink, field = _frame(small, spans, unit, kind, rng)
    spans += np.float32(field.box[1])
    if kind == "canvas":
        return _draw_on_canvas(ink, rng), spans
    return _photograph(ink, _choose_paper(field, kind, rng), field, kind, rng), spans


def _thin(ink: Ink, rng: np.random.Generator) -> Ink:
    """Write it again with a pen of one or two pixels, as Paint's pencil draws."""
    line = thin(ink[None] > 0.25)[0]
    if rng.random() < 0.4:
        line = line | np.pad(line, ((0, 0), (1, 0)))[:, :-1] | np.pad(line, ((1, 0), (0, 0)))[:-1]
    return line.astype(np.float32) if line.any() else ink


def turn(number: Number, degrees: float) -> Number:
    """Turn a number of digits as it is turned on paper that lies askew; its characters keep their order.

    Args:
        number: what is written.
        degrees: -45 to 45; above zero its end climbs.
    """
    ink = np.asarray(Image.fromarray(number.ink).rotate(degrees, Image.Resampling.BILINEAR, expand=True)).clip(0, 1)
    box = find_box(ink, 0.1)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    middles = (number.spans.mean(axis=1) - number.ink.shape[1] / 2) * cos + ink.shape[1] / 2 - box[1].start
    halves = np.hypot(np.ptp(number.spans, axis=1) * cos, number.height * sin) / 2  # of an ellipse, as digits are
    spans = np.stack([middles - halves, middles + halves], axis=1)
    ink = ink[box]
    return number._replace(ink=ink, spans=spans.clip(0, ink.shape[1]).astype(np.float32))


def _frame(small: Ink, spans: Spans, unit: float, kind: str, rng: np.random.Generator) -> tuple[Ink, Field]:
    """Lay a number on a canvas of the size of the crop."""
    height, width = small.shape
    tall = max(height, round(unit * 0.7))
    closely = 1 if kind == "cheque" else 0.35 if kind == "canvas" else 0.2
    share = rng.uniform(0.7, 1) if rng.random() < closely else rng.uniform(_LEAST, 0.95)
    full = max(8, height, round(min(tall / share, unit / _LEAST)))
    wide = 0.6 if kind == "cell" else 0.4
    left, right = (
        round(unit * (rng.uniform(0.2, 2.5) if rng.random() < wide else rng.uniform(0, 0.2))) for _ in range(2)
    )
    if rng.random() < 0.03:  # the frame cuts a little off
        left = -int(unit * rng.uniform(0, 0.07))
    top = int(rng.integers(0, full - height + 1))
    canvas = np.zeros((full, max(width + left + right, full // 2, 4)), np.float32)
    paste(canvas, small, top, left)
    gaps = ((spans[1:, 0] + spans[:-1, 1]) / 2 + left).tolist() if len(spans) else []
    return canvas, Field(canvas.shape, (top, left, top + height, left + width), unit, small, gaps)


def _choose_paper(field: Field, kind: str, rng: np.random.Generator) -> Ink:
    """Draw a cell, security paper, a register or plain paper, with dirt and remains at times."""
    marks = np.zeros(field.shape, np.float32)
    if kind == "cell":
        marks = papers.draw_cell(field, rng)
    elif kind == "register" or (kind == "cheque" and rng.random() < 0.6):
        marks = papers.draw_base(field, rng)
    elif kind == "paper" and rng.random() < 0.5:
        marks = papers.draw_page(field, rng)
    if kind == "cheque":
        np.maximum(marks, papers.draw_pattern(field, rng), out=marks)
    if rng.random() < (0.4 if kind == "register" else 0.1):
        np.maximum(marks, papers.draw_remains(field, rng), out=marks)
    if rng.random() < (0.18 if field.ink.any() else 0.4):
        np.maximum(marks, papers.draw_dirt(field, rng), out=marks)
    return marks


def _photograph(ink: Ink, marks: Ink, field: Field, kind: str, rng: np.random.Generator) -> Images:
    """Photograph ink on paper: light, fading, blur, grain, a hard or a faint picture, JPEG; uint8 (h, w)."""
    (height, width), unit = field.shape, field.unit
    if rng.random() < 0.35:  # ink that ran dry in places
        ink = ink * (1 - np.float32(rng.uniform(0.1, 0.6)) * draw_cloud(height, width, 6, rng))
    contrast = math.exp(rng.uniform(-3.5, -2.5) if rng.random() < 0.08 else rng.uniform(-2.2, -0.1))
    paper = rng.uniform(max(contrast, 0.35), 1)
    hard = kind in ("register", "paper") and rng.random() < 0.4
    uneven = rng.uniform(0, min(0.25, 0.04 + contrast)) * (0.3 if hard else 1)
    tone = (paper - np.float32(contrast) * (ink + marks * (1 - ink))) * _light(field, uneven, kind, rng)
    grain = contrast * rng.uniform(0, 0.09) + (rng.random() < 0.5) * rng.uniform(0, 0.006)
    tone += np.float32(grain) * rng.standard_normal(tone.shape, dtype=np.float32)
    if hard:  # a scanner's white paper, and lines that break
        middle = paper - contrast * rng.uniform(0.3, 0.6)
        tone = (tone - middle) * np.float32(rng.uniform(1, 5) / contrast) + np.float32(0.5)
    image = Image.fromarray((np.clip(tone, 0, 1) * 255 + 0.5).astype(np.uint8))
    if rng.random() < 0.7:
        image = image.filter(ImageFilter.GaussianBlur(unit * rng.uniform(0, 0.035) + rng.uniform(0, 0.4)))
    if rng.random() < 0.1:
        image = image.filter(ImageFilter.UnsharpMask(rng.uniform(0.5, 2), int(rng.integers(50, 200)), 0))
    if rng.random() < 0.3:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(rng.integers(70 if contrast < 0.15 else 35, 90)))
        image = Image.open(file)
    return np.asarray(image)


def _light(field: Field, uneven: float, kind: str, rng: np.random.Generator) -> Ink:
    """Return the light on every pixel, 0-1: uneven, at times with the dark of a binding beside the number."""
    height, width = field.shape
    light = 1 - np.float32(uneven) * draw_cloud(height, width, 3, rng)
    if rng.random() < (0.3 if kind == "register" else 0.04):
        at_left = rng.random() < 0.8
        room = max(field.box[1] if at_left else width - field.box[3], 0)
        away = np.arange(width, dtype=np.float32)
        soft = max(1.0, field.unit * rng.uniform(0.02, 0.4))
        dark = 1 - rng.uniform(0.3, 1) * np.clip((min(room, rng.uniform(0, field.unit)) - away) / soft + 0.5, 0, 1)
        light *= (dark if at_left else dark[::-1]).astype(np.float32)
    return light


def _draw_on_canvas(ink: Ink, rng: np.random.Generator) -> Images:
    """Draw with a mouse or scan as a bitmap: no more than two tones, or soft edges; uint8 (h, w)."""
    if rng.random() < 0.6:
        ink = (ink > rng.uniform(0.2, 0.5)).astype(np.float32)
    return (255 - ink * np.float32(rng.uniform(120, 255))).astype(np.uint8)
