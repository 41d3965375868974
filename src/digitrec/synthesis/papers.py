"""Papers: what numbers stand on and among: cells, rules, security patterns, print, dirt and parts of other lines."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from digitrec.synthesis.canvas import Ink, as_ink, draw_cloud
from digitrec.synthesis.marks import draw_rules
from digitrec.synthesis.printing import list_faces, load_face
from digitrec.synthesis.scenes import paste


class Field(NamedTuple):
    """The piece of paper that a picture shows.

    Attributes:
        shape: height and width in pixels.
        box: top, left, bottom and right of the number.
        unit: how high its digits are, in pixels.
        ink: float32 (h, w) of the number alone, not placed.
        gaps: columns between its characters.
    """

    shape: tuple[int, int]
    box: tuple[int, int, int, int]
    unit: float
    ink: Ink
    gaps: list[float]


def draw_cell(field: Field, rng: np.random.Generator) -> Ink:
    """Draw a cell of a table: borders near the edges, all or some, in part, doubled; rules behind the number."""
    marks = np.zeros(field.shape, np.float32)
    shade, thick = np.exp(rng.uniform(-1.8, 0.4)), max(0.5, field.unit * rng.uniform(0.02, 0.1))
    lean, inset = rng.normal(0, 0.012), field.unit * rng.choice([0.06, 0.2, 0.35])
    seen = rng.random(4) < rng.choice([0.2, 0.6, 0.95])
    for side in np.flatnonzero(seen).tolist():
        upright = marks.T if side < 2 else marks
        end = upright.shape[1]
        at = rng.uniform(-thick / 2, inset if field.ink.any() else min(inset, 0.12 * len(upright.T)))
        if side >= 2:  # not through a number that is close to the edge
            at = min(at, (field.box[1], end - field.box[3])[side % 2] - thick / 2)
        at = at if side % 2 == 0 else end - 1 - at
        turned = -lean if side < 2 else lean
        for extra in (0, 2.5 * thick)[: 1 + (rng.random() < 0.12)]:
            rule = draw_rules(upright.shape, at + (extra if side % 2 == 0 else -extra), turned, thick)
            if rng.random() < 0.4:  # worn, or it ends
                rule = rule * _break(len(rule), rng)[:, None]
            _lay(upright, rule, shade)
    if rng.random() < 0.35:
        _rule(marks, field, rng)
    if len(field.gaps) > 1 and rng.random() < 0.03:  # a box for each digit
        for gap in field.gaps:
            _lay(marks, draw_rules(marks.shape, gap, lean, thick), shade)
    return _soften(marks, field.unit * rng.uniform(0.02, 0.1)) if rng.random() < 0.3 else marks


def _soften(marks: Ink, radius: float) -> Ink:
    """Blur marks more than what is written over them, as print that has bled or a copy of a copy."""
    page = Image.fromarray((np.clip(marks, 0, 1) * 255).astype(np.uint8))
    return as_ink(page.filter(ImageFilter.GaussianBlur(radius)))


def _break(length: int, rng: np.random.Generator) -> Ink:
    """Return 0-1 along a line that ends somewhere, or is worn."""
    along = np.arange(length, dtype=np.float32) / length
    if rng.random() < 0.5:
        along = along if rng.random() < 0.5 else along[::-1]
        return (along > rng.uniform(0.1, 0.8)).astype(np.float32)
    return np.interp(along, np.linspace(0, 1, 6), rng.random(6)).astype(np.float32)


def _rule(marks: Ink, field: Field, rng: np.random.Generator) -> None:
    """Rule the paper: a line to write on, or several, at times squares, mostly paler than the ink."""
    thick, lean = max(0.5, field.unit * rng.uniform(0.015, 0.07)), rng.normal(0, 0.012)
    shade = rng.uniform(0.06, 0.5) if rng.random() < 0.7 else rng.uniform(0.4, 1)
    pitch = field.unit * rng.uniform(0.3, 1.6) if rng.random() < 0.5 else 0.0
    at = field.box[2] + field.unit * rng.normal(0, 0.12) if rng.random() < 0.7 else rng.uniform(0, field.shape[0])
    _lay(marks.T, draw_rules(marks.T.shape, at, -lean, thick, pitch), shade)
    if pitch and rng.random() < 0.3:
        _lay(marks, draw_rules(marks.shape, rng.uniform(0, pitch), lean, thick, pitch), shade)


def draw_base(field: Field, rng: np.random.Generator) -> Ink:
    """Draw the rules of a form: below the number, above, beside it."""
    marks = np.zeros(field.shape, np.float32)
    if rng.random() < 0.8:
        _rule(marks, field, rng)
    if rng.random() < 0.3:
        at = rng.choice([rng.uniform(0, 0.1), 1 - rng.uniform(0, 0.1)]) * field.shape[0]
        thick = max(0.6, field.unit * rng.uniform(0.03, 0.1))
        _lay(marks.T, draw_rules(marks.T.shape, at, rng.normal(0, 0.01), thick), rng.uniform(0.3, 1))
    return marks


def draw_page(field: Field, rng: np.random.Generator) -> Ink:
    """Draw the lines or the squares of a page of an exercise book, pale or as dark as the pen, under the number."""
    marks = np.zeros(field.shape, np.float32)
    thick, lean = max(0.5, field.unit * rng.uniform(0.015, 0.06)), rng.normal(0, 0.015)
    shade, pitch = rng.uniform(0.1, 1), field.unit * rng.uniform(0.25, 1.6)
    _lay(marks.T, draw_rules(marks.T.shape, rng.uniform(0, pitch), -lean, thick, pitch), shade)
    if rng.random() < 0.6:
        _lay(marks, draw_rules(marks.shape, rng.uniform(0, pitch), lean, thick, pitch), shade)
    return marks


def draw_pattern(field: Field, rng: np.random.Generator) -> Ink:
    """Draw security paper: waves, hatching, arcs that cross, dots."""
    y, x = (np.arange(side, dtype=np.float32) / np.float32(field.unit) for side in field.shape)
    pattern = np.zeros(field.shape, np.float32)
    kind, pitch = rng.integers(5), max(rng.uniform(0.09, 0.3), 2.5 / field.unit)
    sharp = rng.uniform(0.8, 3)
    for _ in range(1 + (kind != 0) * int(rng.integers(1, 3))):
        angle = rng.normal(0, 0.3) if kind < 2 else rng.uniform(0, np.pi)
        along, across = _turn(y, x, angle)
        if kind < 2:  # waves, or nets of them
            across = across + np.float32(rng.uniform(0.02, 0.25)) * np.sin(
                along * rng.uniform(1.5, 9) + rng.uniform(0, 6)
            )
        elif kind == 2:  # arcs
            cy, cx = rng.uniform(-6, 6), rng.uniform(-6, 12)
            across = np.hypot((y - cy)[:, None], x - cx)
        phase = across * np.float32(2 * np.pi / (pitch * rng.uniform(0.8, 1.3)))
        if kind == 3:  # dots
            phase2 = along * np.float32(2 * np.pi / pitch)
            lines = np.cos(phase) * np.cos(phase2)
        else:
            lines = np.cos(phase)
        np.maximum(pattern, np.clip(lines * sharp + (1 - sharp) * rng.uniform(0.3, 0.8), 0, 1), out=pattern)
    return pattern * np.float32(np.exp(rng.uniform(-2.3, -0.35)))


def _turn(y: Ink, x: Ink, angle: float) -> tuple[Ink, Ink]:
    """Return how far every pixel lies along a direction, and across it."""
    sine, cosine = np.float32(np.sin(angle)), np.float32(np.cos(angle))
    return x * cosine + (y * sine)[:, None], (y * cosine)[:, None] - x * sine


def draw_remains(field: Field, rng: np.random.Generator) -> Ink:
    """Draw what was written or printed around the number: as little of it as no one can read."""
    marks = np.zeros(field.shape, np.float32)
    (height, width), (top, left, bottom, right) = field.shape, field.box
    kind = rng.integers(6)
    piece = np.asarray(_print_words(field.unit, rng)) if kind in (0, 1) or not field.gaps else field.ink
    share = rng.uniform(0.08, 0.35)
    if kind == 0:  # small print at the foot
        paste(marks, piece, height - round(len(piece) * rng.uniform(0.4, 1.1)), int(rng.uniform(-1, 1) * width))
    elif kind < 3:  # the line below
        y = max(height - round(len(piece) * share), bottom - round(0.1 * field.unit))
        paste(marks, piece, y, left + int(rng.normal(0, 0.5) * field.unit))
    elif kind == 3:  # the line above
        y = min(round(len(piece) * share), top + round(0.1 * field.unit)) - len(piece)
        paste(marks, piece, y, left + int(rng.normal(0, 0.5) * field.unit))
    else:  # a neighbour at one side
        seen = round(min(field.unit * 0.25, piece.shape[1] * 0.3) * rng.uniform(0.3, 1))
        x = seen - piece.shape[1] if kind == 4 else width - seen
        room = left if kind == 4 else width - right
        if room > seen:
            paste(marks, piece, top + int(rng.normal(0, 0.3) * field.unit), x)
    return marks * np.float32(rng.uniform(0.5, 1.1))


def _print_words(unit: float, rng: np.random.Generator) -> Ink:
    """Print a few letters, small beside the number; they are of no language."""
    letters = "".join(chr(97 + int(code)) for code in rng.integers(26, size=rng.integers(4, 16)))
    page = Image.new("L", (400, 44))
    ImageDraw.Draw(page).text((2, 2), letters, 255, load_face(list_faces()[int(rng.integers(len(list_faces())))]))
    words = page.crop(page.getbbox() or (0, 0, 8, 8))
    size = max(4.0, unit * rng.uniform(0.25, 0.5)) / words.height
    return as_ink(words.resize((max(1, round(words.width * size)), round(words.height * size)), Image.Resampling.BOX))


def draw_dirt(field: Field, rng: np.random.Generator) -> Ink:
    """Draw specks, scratches, a stain, what was erased, or what shines through from the other side."""
    height, width = field.shape
    kind = rng.integers(4)
    if kind == 0:  # what shines through, or is left of a number before
        pale = np.zeros(field.shape, np.float32)
        y, x = int(rng.uniform(-0.4, 0.6) * height), int(rng.uniform(-0.3, 0.6) * width)
        paste(pale, field.ink[:, :: rng.choice([-1, 1])] * np.float32(rng.uniform(0.08, 0.3)), y, x)
        return pale
    if kind == 1:
        grain = int(rng.integers(3, 12))
        stain = draw_cloud(height, width, grain, rng) > rng.uniform(0.6, 0.9)
        return stain.astype(np.float32) * np.float32(rng.uniform(0.05, 0.3))
    page = Image.new("L", (4 * width, 4 * height))
    draw = ImageDraw.Draw(page)
    for _ in range(int(rng.integers(1, 7))):
        left, top, size = rng.uniform(0, 4 * width), rng.uniform(0, 4 * height), field.unit * rng.uniform(0.08, 0.22)
        if kind == 2:
            draw.ellipse([left, top, left + size, top + size], int(rng.integers(60, 256)))
        else:
            # In an empty cell a long dark scratch would be a one.
            reach, dark = (1, 200) if field.ink.any() else (0.4, 110)
            ends = rng.normal(0, reach, 2) * field.unit
            draw.line([left, top, left + ends[0], top + ends[1]], int(rng.integers(60, dark)), 1 + int(size / 4))
    return as_ink(page.reduce(4))


def _lay(marks: Ink, drawn: Ink, shade: float) -> None:
    np.maximum(marks, drawn * np.float32(shade), out=marks)
