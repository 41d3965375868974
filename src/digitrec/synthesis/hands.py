"""Hands: a glyph as some person writes it, in a random slant, width and tremor, with a random pen."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec.preprocessing.form import box_ink
from digitrec.synthesis.canvas import Images, Ink, Labels, as_ink
from digitrec.synthesis.glyphs import DIGITS, LETTERS, parse

_PEN = 60  # pixels a drawn glyph is high: more than twice MNIST's box, so that edges come out grey


def draw_digits(n: int, rng: np.random.Generator) -> tuple[Images, Labels]:
    """Draw digits in many hands: crossed sevens, continental ones, open fours, any pen.

    Args:
        n: how many; every digit occurs equally often, but for the remainder.
        rng: source of all randomness.

    Returns:
        images uint8 (n, 28, 28) in MNIST's form, labels int64 (n,).
    """
    labels = rng.permutation(np.arange(n) % 10).astype(np.int64)
    images = np.empty((n, 28, 28), np.uint8)
    for i, label in enumerate(labels):
        images[i] = box_ink(write_digit(label, rng))
    return images, labels


def write_digit(label: int, rng: np.random.Generator) -> Ink:
    """Write a digit, 0-9, in some hand."""
    return write_glyph(DIGITS[label], rng)


def write_letter(rng: np.random.Generator) -> Ink:
    """Write some letter in some hand."""
    return write_glyph(LETTERS[rng.integers(len(LETTERS))], rng)


def write_glyph(glyph: str, rng: np.random.Generator) -> Ink:
    """Write a glyph, in one of its ways, as some person with some pen would."""
    ways = glyph.split(",")
    roundness = rng.choice([0, 0.6]) * rng.random()
    jitter, tremor = rng.uniform(0.05, 0.3), rng.choice([0, 0.06]) * rng.random()
    slant, turn = rng.normal(0.15, 0.25), rng.normal(0, 0.07)
    aspect = rng.uniform(0.7, 1.25)
    waist, lean = rng.normal(0, 0.4, 2)
    strokes = []
    for points, kept, rounded in parse(ways[rng.integers(len(ways))]):
        moved = points + rng.normal(0, jitter, points.shape)
        curve = (kept + roundness * (rounded - kept)) @ moved
        curve += rng.normal(0, tremor, curve.shape)
        x, y = curve[:, 0] - 3, curve[:, 1] - 4.5
        y = y + waist * np.cos(y * np.pi / 9)
        x = aspect * (x + lean * np.cos(y * np.pi / 9)) - slant * y
        strokes.append(np.stack([x - turn * y, y + turn * x], axis=1))
    return ink_strokes(strokes, rng)


def ink_strokes(strokes: list[NDArray], rng: np.random.Generator) -> Ink:
    """Draw strokes (samples, 2) with a random pen; the result is `_PEN` pixels high or wide, and a margin."""
    everything = np.concatenate(strokes)
    low, high = everything.min(axis=0), everything.max(axis=0)
    scale = _PEN / max(float((high - low).max()), 1e-3)
    width = _PEN * np.clip(np.exp(rng.normal(-2.35, 0.4)), 0.03, 0.19)
    margin = int(width) + 2
    size = np.ceil((high - low) * scale).astype(int) + 2 * margin + 1
    canvas = Image.new("L", (int(size[0]), int(size[1])))
    draw = ImageDraw.Draw(canvas)
    nib, contrast = rng.uniform(0, np.pi), rng.choice([0, 0.8]) * rng.random()
    swell, phase = 0.25 * rng.random(), rng.uniform(0, 6)
    for stroke in strokes:
        points = (stroke - low) * scale + margin
        steps = np.diff(points, axis=0, append=points[-1:] + 1e-3)
        angles = np.arctan2(steps[:, 1], steps[:, 0])
        pressure = 1 - contrast * np.abs(np.cos(angles - nib))
        pressure *= 1 + swell * np.sin(np.linspace(phase, phase + 5, len(points)))
        radii = np.maximum(width * pressure, 2) / 2
        boxes = np.concatenate([points - radii[:, None], points + radii[:, None]], axis=1).tolist()
        path, widths = points.tolist(), np.rint(2 * radii).astype(int).tolist()
        for i, box in enumerate(boxes):
            draw.ellipse(box, 255)
            if i:
                draw.line((*path[i - 1], *path[i]), 255, widths[i])
    return as_ink(canvas)
