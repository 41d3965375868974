"""Marks that are no part of a digit: rules, columns, boxes, ruled paper, underlines and full stops."""

import numpy as np

from digitrec.synthesis.canvas import Ink

Box = tuple[int, int, int, int]  # top, left, bottom, right (exclusive) of the digit on its canvas


def add_marks(shape: tuple[int, int], box: Box, rng: np.random.Generator) -> Ink:
    """Draw what forms, ruled paper and pens leave around a digit, or nothing.

    Args:
        shape: of the canvas, height and width.
        box: where the digit lies; it may reach beyond the canvas.
        rng: source of all randomness.

    Returns:
        float32 of that shape, 0 where nothing is drawn, 1 for marks as dark as the digit.
    """
    marks = np.zeros(shape, np.float32)
    turned = (box[1], box[0], box[3], box[2])
    kind = rng.random()
    if kind < 0.45:
        return marks
    if kind < 0.58:
        _rule_beside(marks, box, rng)
    elif kind < 0.72:
        _rule_beside(marks.T, turned, rng)
    elif kind < 0.76:
        _rule_beside(marks, box, rng)
        _rule_beside(marks.T, turned, rng)
    elif kind < 0.84:
        _print_box(marks, rng)
    elif kind < 0.91:
        _rule_paper(marks, box, rng)
    elif kind < 0.94:
        _underline(marks, box, rng)
    if kind > 0.9:
        _stop(marks, box, rng)
    return marks


def draw_rules(shape: tuple[int, int], at: float, lean: float, thick: float, pitch: float = 0.0) -> Ink:
    """Draw an upright rule, or one every `pitch` pixels.

    Args:
        shape: height and width.
        at: the column where the rule passes half-way down.
        lean: columns that it moves with every row.
        thick: its width in pixels; below one it is pale.
        pitch: pixels between two, 0 for a single one.

    Returns:
        float32 of that shape, the share of every pixel that is covered.
    """
    rows = np.arange(shape[0], dtype=np.float32)[:, None] - shape[0] / 2
    away = np.arange(shape[1], dtype=np.float32) - at - np.float32(lean) * rows
    if pitch:
        away = (away + pitch / 2) % pitch - pitch / 2
    return np.clip(thick / 2 + 0.5 - np.abs(away), 0, min(thick, 1))


def _lay(marks: Ink, drawn: Ink, shade: float) -> None:
    np.maximum(marks, drawn * np.float32(shade), out=marks)


def _thickness(marks: Ink, box: Box, rng: np.random.Generator) -> float:
    return max(0.6, float((box[2] - box[0]) * np.exp(rng.uniform(-4.2, -2.6))))


def _rule_beside(marks: Ink, box: Box, rng: np.random.Generator) -> None:
    """Draw an upright rule beside the digit, or through it, to the frame or not."""
    height = box[2] - box[0]
    side = int(rng.integers(3))
    if side < 2:
        at = (box[1], box[3])[side] + (2 * side - 1) * height * rng.uniform(-0.1, 0.4)
    else:
        at = rng.uniform(box[1], box[3])
    rule = draw_rules(marks.shape, at, rng.normal(0, 0.03), _thickness(marks, box, rng))
    if rng.random() < 0.3:  # it ends somewhere
        end = int(len(rule) * rng.uniform(0.15, 0.6))
        rule = rule.copy()
        rule[: max(end, 1)] = 0
        rule = rule if rng.random() < 0.5 else rule[::-1]
    if rng.random() < 0.15:  # dotted
        period = int(rng.integers(3, 7))
        rule = rule * (np.arange(len(rule)) % period < period // 2)[:, None]
    _lay(marks, rule, rng.uniform(0.15, 1))


def _print_box(marks: Ink, rng: np.random.Generator) -> None:
    """Print a box around the digit, near the frame, of which all or some sides are seen."""
    height, width = marks.shape
    shade, thick = rng.uniform(0.2, 1.1), max(0.7, max(height, width) * rng.uniform(0.008, 0.05))
    lean = rng.normal(0, 0.015)
    inset = max(height, width) * rng.uniform(0, 0.1, 4)
    seen = rng.random(4) < rng.choice([0.5, 0.9, 1])
    for side in np.flatnonzero(seen):
        upright, across = (marks.T, height) if side < 2 else (marks, width)
        at = inset[side] if side % 2 == 0 else across - 1 - inset[side]
        _lay(upright, draw_rules(upright.shape, at, -lean if side < 2 else lean, thick), shade)


def _rule_paper(marks: Ink, box: Box, rng: np.random.Generator) -> None:
    """Rule the paper with level lines, or squares."""
    height = box[2] - box[0]
    pitch, thick = max(5.0, height * rng.uniform(0.25, 1.3)), max(0.6, height * rng.uniform(0.01, 0.04))
    shade, lean = rng.uniform(0.1, 0.8), rng.normal(0, 0.02)
    _lay(marks.T, draw_rules(marks.T.shape, rng.uniform(0, pitch), -lean, thick, pitch), shade)
    if rng.random() < 0.5:
        _lay(marks, draw_rules(marks.shape, rng.uniform(0, pitch), lean, thick, pitch), shade)


def _underline(marks: Ink, box: Box, rng: np.random.Generator) -> None:
    """Underline the digit by hand."""
    height, width = box[2] - box[0], box[3] - box[1]
    left, right = (int(edge + width * rng.normal(0, 0.2)) for edge in (box[1], box[3]))
    left, at = max(left, 0), box[2] + height * rng.uniform(0.02, 0.25)
    line = draw_rules(marks.T.shape, at, rng.normal(0, 0.08), max(1, height * rng.uniform(0.03, 0.09)))
    _lay(marks.T[left : max(right, 0)], line[left : max(right, 0)], 1)


def _stop(marks: Ink, box: Box, rng: np.random.Generator) -> None:
    """Set a full stop or a comma behind the digit's foot."""
    height = box[2] - box[0]
    size = max(2, round(height * rng.uniform(0.05, 0.13)))
    left, top = box[3] + int(height * rng.uniform(0, 0.2)), max(box[2] - size, 0)
    tail = size // 2 if rng.random() < 0.3 else 0
    marks[top : top + size + tail, max(left, 0) : max(left + size - tail, 0)] = 1
