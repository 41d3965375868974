"""Strings: two to six digits side by side in one hand, which are a number and no digit."""

import numpy as np

from digitrec.preprocessing.box import box_ink
from digitrec.preprocessing.form import Stages, show_stages
from digitrec.preprocessing.pieces import grow_mask
from digitrec.synthesis.cameras import measure_darkness, photograph
from digitrec.synthesis.canvas import Images, Ink, as_ink, check_digits, crop, measure_slant, transform
from digitrec.synthesis.hands import write_digit
from digitrec.synthesis.marks import draw_rules
from digitrec.synthesis.pens import retrace, trace
from digitrec.synthesis.scenes import compare, lay_out, paste

_LENGTHS = (2, 3, 4, 5, 6)
_OFTEN = (0.5, 0.22, 0.14, 0.08, 0.06)


def draw_strings(images: Images, n: int, rng: np.random.Generator) -> Images:
    """Draw numbers of two to six digits in one hand, apart, touching or overlapping, a quarter of them in scenes.

    Args:
        images: uint8 (m, 28, 28) of digits, ink bright; a third of the strings are of drawn ones.
        n: how many.
        rng: source of all randomness.

    Returns:
        uint8 (n, 28, 28), as the door gives them where that shows several digits, else boxed whole.

    Raises:
        ValueError: images of another form.
    """
    check_digits(images)
    drawn = [write_digit(label, rng) for label in rng.integers(10, size=n // 3 + 6)]
    paths = [path for path in trace(images[rng.integers(len(images), size=n // 3 + 6)]) if len(path)]
    strings = np.empty((n, 28, 28), np.uint8)
    for i in range(n):
        length, kind = rng.choice(_LENGTHS, p=_OFTEN), rng.random()
        if kind < 0.35:
            digits = [drawn[j] for j in rng.integers(len(drawn), size=length)]
        elif kind < 0.6 and paths:  # with one pen
            pen = int(rng.integers(2, 9))
            digits = [retrace(paths[j], 54, pen, 0, 1) for j in rng.integers(len(paths), size=length)]
        else:
            digits = [as_ink(images[j]) for j in rng.integers(len(images), size=length)]
        strings[i] = _take_in(*_write_string(digits, rng), rng)
    return strings


def _write_string(digits: list[Ink], rng: np.random.Generator) -> tuple[Ink, list[tuple[int, int]]]:
    """Write digits in a row; also return where each begins and ends."""
    height, slant = int(rng.integers(18, 30)), rng.normal(0.15, 0.2)
    level, hardness = rng.uniform(0.3, 0.75), rng.uniform(1.5, 5)
    gap = rng.uniform(-0.12, 0.02) if rng.random() < 0.35 else rng.uniform(0, 0.5)
    spread = rng.choice([0.02, 0.1])
    climb, unsteady = rng.normal(0, 0.05), rng.choice([0.01, 0.06])
    sign = rng.integers(1, len(digits)) if rng.random() < 0.12 else 0
    parts, right = [], 0
    spans: list[tuple[int, int]] = []
    for i, digit in enumerate(digits):
        size = max(8, round(height * (1 + rng.normal(0, unsteady))))
        ink = transform(crop(digit), size, slant - 0.8 * measure_slant(digit), rng.uniform(0.8, 1.1))
        ink = crop(np.clip((ink / measure_darkness(ink) - level) * hardness + 0.5, 0, 1))
        if i and i == sign:
            mark, top = _draw_sign(height, rng)
            parts.append((mark, top, right + 1))
            right += mark.shape[1] + 2
        left = right + round(height * float(np.clip(gap + rng.normal(0, spread), -0.15, 0.7))) if i else 0
        left = max(left, spans[-1][0] + 2 if spans else 0)
        parts.append((ink, height - len(ink) + round(climb * left + height * rng.normal(0, unsteady)), left))
        right = left + ink.shape[1]
        spans.append((left, right))
    top = min(y for _, y, _ in parts)
    shape = max(y + len(ink) for ink, y, _ in parts) - top, max(x + ink.shape[1] for ink, _, x in parts)
    string = np.zeros(shape, np.float32)
    for ink, y, x in parts:
        paste(string, ink, y - top, x)
    return string, spans


def _draw_sign(height: int, rng: np.random.Generator) -> tuple[Ink, int]:
    """Draw what stands between digits, a point, comma, colon, dash or stroke; also return how far down it begins."""
    thick = max(2, round(height * rng.uniform(0.07, 0.14)))
    kind = rng.integers(4)
    if kind == 0:
        return np.ones((thick, thick), np.float32), height - thick
    if kind == 1:
        colon = np.ones((height // 2, thick), np.float32)
        colon[thick:-thick] = 0
        return colon, height // 3
    if kind == 2:
        return np.ones((thick, height // 3), np.float32), height // 2
    length = int(height * rng.choice([0.3, 1]))  # a comma or a stroke
    return draw_rules((length, length // 2 + 2 * thick), length // 4 + thick, -0.4, thick), height - length * 7 // 8


def _take_in(string: Ink, spans: list[tuple[int, int]], rng: np.random.Generator) -> Images:
    """Bring a string into MNIST's form: of what the door gives only that which still holds several digits."""
    kind = rng.random()
    if kind > 0.75:
        return box_ink(string)
    if kind < 0.25:
        scene = lay_out(string, [], rng)
        stages = show_stages(photograph(scene.wanted, scene.marks, rng))
        shown = scene.wanted
    else:
        shown = np.pad(string, rng.integers(0, rng.choice([3, len(string) // 2]), (2, 2)))
        picture = (shown * np.float32(255)).astype(np.uint8)
        stages = show_stages(picture if rng.random() < 0.5 else ~picture)
    return stages.image if _shows_several(stages, shown, spans) else box_ink(string)


def _shows_several(stages: Stages, shown: Ink, spans: list[tuple[int, int]]) -> bool:
    """Say whether the door kept most of two digits or more, and not much besides."""
    if stages.digit.shape != shown.shape:  # the door cut the sheet out
        return compare(stages.image, box_ink(shown)) > 0.7
    ink, kept = shown > 0.4, stages.digit > 0.25
    columns = np.stack([ink.sum(axis=0), (ink & kept).sum(axis=0)])
    shift = int(np.argmax(columns[0] > 0))  # the first digit begins where ink does
    parts = np.array([columns[:, left + shift : right + shift].sum(axis=1) for left, right in spans])
    if np.count_nonzero(parts[:, 1] > 0.6 * np.maximum(parts[:, 0], 1)) < 2:
        return False
    return bool(np.count_nonzero(kept & ~grow_mask(ink)) < np.count_nonzero(ink))
