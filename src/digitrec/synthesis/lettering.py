"""Lettering: a number put together from digits and marks, one after another, as a hand sets them on a line."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec.synthesis.canvas import Ink, as_ink, find_box, transform
from digitrec.synthesis.scenes import paste
from digitrec.synthesis.writers import HEIGHT, Writer

_SIGNS = (
    "=",
    ".-",
    ",-",
    "-",
    "--",
    "~",
    ".~",
    "x",
    "+",
    ".",
    ".",
    ".",
    ",",
    "/-",
)  # after a number, to be left unread
_ROOM = HEIGHT  # above and below the digits


class Number(NamedTuple):
    """A number that is written.

    Attributes:
        text: what it says.
        ink: float32 (h, w), 0-1, cut out.
        spans: float32 (k, 2), left and right end of each character.
        height: of its digits, in pixels.
    """

    text: str
    ink: Ink
    spans: NDArray[np.float32]
    height: int


def write_number(text: str, writer: Writer, rng: np.random.Generator) -> Number:
    """Write a number: apart, touching or overlapping, on a line that drifts; at times with a sign behind it.

    Args:
        text: over `texts.CHARACTERS`; of an empty one there is no ink.
        writer: who writes it.
        rng: source of all randomness.
    """
    if not text:
        return Number("", np.zeros((HEIGHT, HEIGHT), np.float32), np.zeros((0, 2), np.float32), HEIGHT)
    layout = _Layout(writer, rng)
    space = len(text) - 3 if text.isdigit() and len(text) > 3 and rng.random() < 0.12 else 0
    for i, character in enumerate(text):
        if character.isdigit():
            is_apart = (i and i == space) or (i and text[i - 1] in ".," and rng.random() < 0.3)
            layout.add(int(character), rng.uniform(0.2, 0.6) if is_apart else 0)
        else:
            layout.add_mark(character)
    if rng.random() < 0.18:
        for sign in str(rng.choice(_SIGNS)):
            layout.add_mark(sign, trails=True)
    if rng.random() < 0.07:
        layout.underline()
    return layout.finish(text)


def _measure_pen(ink: Ink) -> int:
    """Return how wide the pen is: what it covers by half the length of the edge."""
    edge = np.abs(np.diff(ink, axis=0)).sum() + np.abs(np.diff(ink, axis=1)).sum()
    return int(np.clip(round(2.5 * float(ink.sum()) / max(float(edge), 1)), 1, 9))


def _resize(ink: Ink, height: int) -> Ink:
    """Bring ink to a height."""
    return ink if len(ink) == height else transform(ink, height, 0, 1)


class _Layout:
    """A line under way."""

    def __init__(self, writer: Writer, rng: np.random.Generator) -> None:
        self.writer, self.rng = writer, rng
        self.pen = _measure_pen(_resize(writer.write(7, rng), HEIGHT))
        self.canvas = np.zeros((HEIGHT + 2 * _ROOM, 200), np.float32)
        self.spans: list[tuple[int, int]] = []
        self.edge = np.full(len(self.canvas), -HEIGHT)  # where ink ends on each row
        kind = rng.random()
        low, high = (-0.08, 0.03) if kind < 0.25 else (0.02, 0.35) if kind < 0.9 else (0.3, 1)
        self.gap, self.spread = rng.uniform(low, high), float(rng.choice([0.02, 0.08]))
        self.climb = rng.normal(0, 0.04 if rng.random() < 0.95 else 0.25)
        self.unsteady = float(rng.choice([0.01, 0.03, 0.07]))
        # Sizes and depths of digits that hold for a hand: small zeros, deep sevens and nines, tall sixes.
        self.sizes, self.depths = np.ones(10), np.zeros(10)
        if rng.random() < 0.25:
            self.sizes[0] = rng.uniform(0.6, 0.95)
        if rng.random() < 0.25:
            self.depths[[4, 7, 9]] = rng.uniform(0.05, 0.3)
        self.joins = rng.random() < 0.25, rng.random() < 0.04  # zeros, any digits
        self.before: tuple[int, int, int, int] | None = None  # the last digit, and its top, left and width

    @property
    def right(self) -> int:
        """The column where the line ends."""
        return int(self.edge.max()) if self.spans else 0

    def add(self, digit: int, space: float) -> None:
        """Set a digit behind what is there, `space` heights further than usual."""
        rng = self.rng
        size = max(12, round(HEIGHT * self.sizes[digit] * (1 + rng.normal(0, self.unsteady))))
        ink = _resize(self.writer.write(digit, rng), size)
        sink = self.depths[digit] + rng.normal(0, self.unsteady)
        if self.sizes[digit] < 1 and rng.random() < 0.3:
            sink -= (1 - self.sizes[digit]) * rng.random()
        gap = self.gap + space + rng.normal(0, self.spread)
        top, left = self.put(ink, _ROOM + HEIGHT - len(ink) + round(sink * HEIGHT), gap)
        after = digit, top, left, ink.shape[1]
        if self.before and (self.joins[1] or (self.joins[0] and digit == self.before[0] == 0)):
            self.join(after)
        self.before = after

    def join(self, after: tuple[int, int, int, int]) -> None:
        """Let the pen draw on from the digit before to the next, mostly from top to top."""
        assert self.before
        ends = []
        depth = self.rng.uniform(0.02, 0.2) if self.rng.random() < 0.8 else self.rng.uniform(0.2, 0.9)
        for (_, top, left, width), share in ((self.before, 0.75), (after, 0.35)):
            ends.append((left + width * share, top + depth * HEIGHT))
        (x, y), (x2, y2) = ends
        middle = (x + x2) / 2, (y + y2) / 2 + HEIGHT * self.rng.normal(0, 0.06)
        page = Image.new("L", self.canvas.shape[::-1])
        ImageDraw.Draw(page).line([(x, y), middle, (x2, y2)], 255, max(1, self.pen - 1), joint="curve")
        np.maximum(self.canvas, as_ink(page), out=self.canvas)

    def add_mark(self, mark: str, trails: bool = False) -> None:
        """Set a mark behind what is there; one that trails is not read."""
        ink, top = draw_mark(mark, self.pen, self.writer.slant, self.rng)
        if trails and mark in "x+~":
            top += round(HEIGHT * self.rng.uniform(-0.1, 0.5))
        if mark in ".," and self.rng.random() < 0.4:  # the pen hardly touched the paper
            ink = ink * np.float32(self.rng.uniform(0.3, 1))
        gap = self.rng.uniform(0, 0.2) if mark in ".,/" else self.rng.uniform(0.03, 0.4)
        self.put(ink, _ROOM + top, gap + max(self.gap, 0) / 2, read=not trails)
        self.before = None

    def put(self, ink: Ink, top: int, gap: float, read: bool = True) -> tuple[int, int]:
        """Lay ink down, `gap` digits' heights behind the rest, along a line that climbs; return its top and left."""
        top = int(np.clip(round(top - self.climb * self.right), 0, len(self.canvas) - len(ink)))
        rows, seen = slice(top, top + len(ink)), ink > 0.3
        left, filled = 0, seen.any(axis=1)
        if self.spans:
            left = self.right + round(gap * HEIGHT)
            # Slanted digits reach under each other: half-way between boxes and outlines.
            first = np.where(filled, seen.argmax(axis=1), 10 * HEIGHT)
            near = np.maximum.reduce([np.roll(self.edge, by)[rows] for by in (-3, 0, 3)])
            left = max(min(left, (left + int((near - first).max()) + round(gap * HEIGHT)) // 2), self.spans[-1][0] + 3)
        right = left + ink.shape[1]
        if right > self.canvas.shape[1]:
            self.canvas = np.pad(self.canvas, ((0, 0), (0, right - self.canvas.shape[1] + 200)))
        paste(self.canvas, ink, top, left)
        last = np.where(filled, right - seen[:, ::-1].argmax(axis=1), -HEIGHT)
        self.edge[rows] = np.maximum(self.edge[rows], last)
        if read:
            self.spans.append((left, right))
        return top, left

    def underline(self) -> None:
        """Underline all, once or twice."""
        at = _ROOM + HEIGHT * self.rng.uniform(1.02, 1.3) - self.climb * self.right / 2
        page = Image.new("L", self.canvas.shape[::-1])
        left, right = (x + int(self.rng.normal(0, 0.15) * HEIGHT) for x in (0, self.right))
        for _ in range(1 + (self.rng.random() < 0.15)):
            tilt = int(self.rng.normal(0, 0.03) * (right - left))
            ImageDraw.Draw(page).line([(left, int(at) + tilt), (right, int(at) - tilt)], 255, self.pen)
            at += HEIGHT * 0.15
        np.maximum(self.canvas, as_ink(page), out=self.canvas)

    def finish(self, text: str) -> Number:
        """Cut the number out."""
        box = find_box(self.canvas)
        return Number(text, self.canvas[box], np.array(self.spans, np.float32) - np.float32(box[1].start), HEIGHT)


def draw_mark(mark: str, pen: int, slant: float, rng: np.random.Generator) -> tuple[Ink, int]:
    """Draw a mark with a pen; also return how far below the digits' tops it begins.

    Args:
        mark: a full stop, comma, minus, slash, =, +, x, or ~ for a long dash.
        pen: its width in pixels, for digits HEIGHT high.
        slant: of the digits, which a slash exceeds.
        rng: source of all randomness.
    """
    width = max(1, round(pen * rng.uniform(0.7, 1.5)))
    page = Image.new("L", (4 * HEIGHT, 3 * HEIGHT))
    draw = ImageDraw.Draw(page)
    if mark in ".,":
        _dot(draw, mark, width, rng)
    elif mark == "/":
        over, under = HEIGHT * rng.uniform(-0.1, 0.35, 2)
        lean = (HEIGHT + over + under) * max(slant + rng.uniform(0.12, 0.45), 0.28)
        draw.line([(HEIGHT, 2 * HEIGHT + under), (HEIGHT + lean, HEIGHT - over)], 255, width)
    elif mark in "-=~":
        long = HEIGHT * (rng.uniform(0.8, 2.2) if mark == "~" else rng.uniform(0.25, 0.75))
        for y in HEIGHT * (rng.uniform(1.4, 1.65) + np.array([0, rng.uniform(0.12, 0.3)])[: 1 + (mark == "=")]):
            draw.line([(HEIGHT, y), (HEIGHT + long, y + HEIGHT * rng.uniform(-0.07, 0.07))], 255, width)
    else:
        half, turn = HEIGHT * rng.uniform(0.15, 0.35), rng.normal(0, 0.1) + (np.pi / 4 if mark == "x" else 0)
        y = HEIGHT * rng.uniform(1.4, 1.65)
        for angle in (turn, turn + np.pi / 2):
            dx, dy = half * np.cos(angle), half * np.sin(angle)
            draw.line([(2 * HEIGHT - dx, y - dy), (2 * HEIGHT + dx, y + dy)], 255, width)
    left, top, right, bottom = page.getbbox() or (0, 0, 1, 1)
    return as_ink(page.crop((left, top, right, bottom))), top - HEIGHT


def _dot(draw: ImageDraw.ImageDraw, mark: str, width: int, rng: np.random.Generator) -> None:
    """Set a full stop, at the foot or at mid height, round or a short dash, or a comma with a tail."""
    x, foot = HEIGHT, 2.0 * HEIGHT - width
    if mark == ",":
        long, y = HEIGHT * rng.uniform(0.2, 0.45), foot - HEIGHT * rng.uniform(-0.05, 0.2)
        draw.line([(x, y), (x + 1, y + long / 2), (x - long * rng.uniform(-0.1, 0.7), y + long)], 255, width)
    elif rng.random() < 0.4:
        y, long = foot if rng.random() < 0.3 else HEIGHT * rng.uniform(1.4, 1.65), HEIGHT * rng.uniform(0.05, 0.2)
        draw.line([(x, y), (x + long, y + rng.uniform(-2, 2))], 255, width)
        draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], 255)
    else:
        size, y = max(3.0, width * rng.uniform(1, 1.8)), foot - HEIGHT * max(rng.normal(0, 0.12), -0.2)
        draw.ellipse([x, y - size / 2, x + size, y + size / 2], 255)
