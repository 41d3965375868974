"""Hands: a glyph as some person writes it, in a random slant, width and tremor, with a random pen."""

import math
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from digitrec.preprocessing.box import box_ink
from digitrec.synthesis.canvas import Images, Ink, Labels, as_ink
from digitrec.synthesis.digit_forms import DIGITS
from digitrec.synthesis.glyphs import parse
from digitrec.synthesis.letter_forms import LETTERS
from digitrec.synthesis.printing import print_character

_PEN = 60  # pixels a drawn glyph is high: more than twice MNIST's box, so that edges come out grey
_PRINTED = 0.04  # of the digits: else print would be what tells a letter from a digit


def draw_digits(n: int, rng: np.random.Generator) -> tuple[Images, Labels]:
    """Draw digits in many hands: crossed sevens, continental ones, open fours, any pen; a few are printed.

    Args:
        n: how many; every digit occurs equally often, but for the remainder.
        rng: source of all randomness.

    Returns:
        images uint8 (n, 28, 28) in MNIST's form, labels int64 (n,).
    """
    labels = rng.permutation(np.arange(n) % 10).astype(np.int64)
    images = np.zeros((n, 28, 28), np.uint8)
    for i, label in enumerate(labels):
        printed = rng.random() < _PRINTED
        images[i] = box_ink(print_character(str(label), rng) if printed else write_digit(label, rng))
    return images, labels


def write_digit(label: int, rng: np.random.Generator) -> Ink:
    """Write a digit, 0-9, in some hand."""
    return write_glyph(DIGITS[label], rng)


def write_letter(rng: np.random.Generator) -> Ink:
    """Write some Latin letter in some hand."""
    return write_glyph(LETTERS[rng.integers(len(LETTERS))], rng)


def write_glyph(glyph: str, rng: np.random.Generator) -> Ink:
    """Write a glyph, in one of its ways, as some person with some pen would."""
    ways = glyph.split(",")
    roundness = (rng.random() < 0.5) * rng.uniform(0, 0.6)
    jitter, tremor = rng.uniform(0.05, 0.3), (rng.random() < 0.5) * rng.uniform(0, 0.06)
    slant, turn = rng.normal(0.15, 0.25), rng.normal(0, 0.07)
    if rng.random() < 0.2:  # as clerks wrote: up to 40 degrees
        slant, turn = rng.uniform(0.35, 0.84), turn / 2
    aspect = rng.uniform(0.65, 1.3)
    waist, lean = rng.normal(0, 0.4, 2)
    strokes = []
    for points, kept, rounded in parse(ways[rng.integers(len(ways))]):
        moved = points + rng.normal(0, jitter, points.shape)
        curve = (kept + roundness * (rounded - kept)) @ moved
        curve += rng.normal(0, tremor, curve.shape)
        x, y = curve[:, 0] - 3, curve[:, 1] - 4.5
        sway = np.cos(y * (np.pi / 9))
        y = y + waist * sway
        x = aspect * (x + lean * sway) - slant * y
        strokes.append(np.stack([x - turn * y, y + turn * x], axis=1))
    ink = ink_strokes(strokes, rng)
    return flood(ink, rng.uniform(3, 7)) if rng.random() < 0.08 else ink


@dataclass(frozen=True)
class Pen:
    """A pen, and how it is held.

    Attributes:
        width: pixels, where it presses most.
        finest: pixels, the least it draws.
        nib: angle along which a broad nib draws its hairlines.
        contrast: 0-1, how much of its width a nib loses there.
        pointed: whether the nib splits: it draws hairlines wherever it does not go down.
        swell: 0-1, how unevenly the hand presses, and from where (phase).
        phase: radians.
    """

    width: float
    finest: float
    nib: float
    contrast: float
    pointed: bool
    swell: float
    phase: float

    def press(self, angles: NDArray) -> NDArray:
        """Return the width at each point of a stroke that goes on there in these directions, radians, y downwards."""
        light = 1 - np.maximum(np.sin(angles), 0) if self.pointed else np.abs(np.cos(angles - self.nib))
        uneven = 1 + self.swell * np.sin(self.phase + np.arange(len(angles)) * (5 / len(angles)))
        return np.maximum(self.width * (1 - self.contrast * light) * uneven, self.finest)


def choose_pen(rng: np.random.Generator) -> Pen:
    """Take some pen: a ball or a broad nib, at times a steel nib, a felt pen, or one of a single pixel."""
    kind = rng.random()
    width, finest = min(max(math.exp(rng.normal(-2.2, 0.37)), 0.045), 0.21), 3.0
    contrast, swell = (rng.random() < 0.5) * rng.uniform(0, 0.8), 0.25 * rng.random()
    if kind < 0.12:  # steel: its hairlines nearly vanish
        width, finest, contrast = rng.uniform(0.08, 0.19), rng.uniform(0.8, 2.5), rng.uniform(0.7, 0.95)
    elif kind < 0.2:  # felt
        width, contrast, swell = rng.uniform(0.13, 0.23), 0.0, swell / 3
    elif kind < 0.26:  # a pixel of a picture 30-70 pixels high
        width, finest, contrast, swell = rng.uniform(0.014, 0.03), 0.8, 0.0, 0.0
    pointed = kind < 0.12 and rng.random() < 0.7
    return Pen(_PEN * width, finest, rng.uniform(0, np.pi), contrast, pointed, swell, rng.uniform(0, 6))


def ink_strokes(strokes: list[NDArray], rng: np.random.Generator) -> Ink:
    """Draw strokes (samples, 2) with a random pen; the result is `_PEN` pixels high or wide, and a margin."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = _PEN / max(float((high - low).max()), 1e-3)
    pen = choose_pen(rng)
    margin = int(pen.width) + 2
    width, height = np.ceil((high - low) * scale).astype(int).tolist()
    points = (points - low) * scale + margin
    ends = [0, *accumulate(map(len, strokes))]
    first, last = np.array(ends[:-1]), np.array(ends[1:]) - 1
    steps, angles = points[1:] - points[:-1], np.zeros(len(points))
    np.arctan2(steps[:, 1], steps[:, 0], out=angles[:-1])
    angles[last] = np.pi / 2
    widths = pen.press(angles)
    joints = _find_joints(angles, widths)
    joints[first] = joints[last] = True

    canvas = Image.new("L", (width + 2 * margin + 1, height + 2 * margin + 1))
    draw = ImageDraw.Draw(canvas)
    path, lines = points.ravel().tolist(), (widths + 0.5).astype(int)
    lines[first] = 0  # the pen is lifted
    runs = [*((lines[1:] != lines[:-1]).nonzero()[0] + 1).tolist(), len(points)]
    for (start, end), line in zip(pairwise(runs), lines[runs[:-1]].tolist(), strict=True):
        if line:  # a run of one width
            draw.line(path[2 * start - 2 : 2 * end], 255, line)
    at, radii = points[joints], np.maximum(widths[joints, None] - 1, 0) / 2  # a box holds its last pixel, too
    for box in np.concatenate([at - radii, at + radii], axis=1).tolist():
        draw.ellipse(box, 255)
    return as_ink(canvas)


def _find_joints(angles: NDArray, widths: NDArray) -> NDArray[np.bool_]:
    """Return where lines as wide as these would gape by half a pixel, so that they want a round joint."""
    turns = np.abs(angles[1:] - angles[:-1])
    joints = np.zeros(len(angles), bool)
    joints[1:] = np.minimum(turns, 2 * np.pi - turns) * widths[1:] > 1
    return joints


def flood(ink: Ink, reach: float) -> Ink:
    """Let ink run together: narrow gaps and small loops fill where most within `reach` pixels is ink."""
    around = Image.fromarray(np.rint(ink * 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(reach))
    return np.maximum(ink, np.clip(as_ink(around) * 8 - 4, 0, 1))
