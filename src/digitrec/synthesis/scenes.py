"""Scenes: digits on paper, in light, among neighbours and dirt, photographed and brought back through the door."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from digitrec.preprocessing.box import box_ink
from digitrec.preprocessing.form import Stages, show_stages
from digitrec.preprocessing.pieces import grow_mask, slide_extreme
from digitrec.synthesis.cameras import draw_with_mouse, measure_darkness, photograph, scan_bitmap
from digitrec.synthesis.canvas import Images, Ink, Labels, as_ink, check_digits, crop, transform
from digitrec.synthesis.hands import write_digit
from digitrec.synthesis.marks import add_marks
from digitrec.synthesis.pens import Path, retrace, trace


class Scene(NamedTuple):
    """Layers of one size, float32 (h, w), 0-1.

    Attributes:
        wanted: the glyph that a reader should read.
        others: what was written around it.
        marks: what was printed, ruled or dotted; 1 as dark as the pen.
    """

    wanted: Ink
    others: Ink
    marks: Ink


def soil(images: Images, labels: Labels, n: int, rng: np.random.Generator) -> tuple[Images, Labels]:
    """Put digits into the pictures that people give, dirt and all, and bring them back through the door.

    Slant, pen, paper, light, ink, rules, boxes, full stops, pieces of the neighbouring digits cut by
    the frame, low resolution and JPEG are drawn at random; three digits in ten are drawn, not given.

    Args:
        images: uint8 (m, 28, 28) of digits, ink bright.
        labels: int (m,).
        n: how many.
        rng: source of all randomness.

    Returns:
        images uint8 (n, 28, 28) as `to_mnist` returns them, labels int64 (n,) of the central digits.

    Raises:
        ValueError: images of another form, or not a label for each.
    """
    check_digits(images)
    if np.shape(labels) != (len(images),):
        raise ValueError(f"labels: expected {len(images)}, one an image, got shape {np.shape(labels)}")
    soiled, kept = np.zeros((n, 28, 28), np.uint8), np.empty(n, np.int64)
    drawn = [(label, write_digit(label, rng)) for label in rng.integers(10, size=n // 8 + 1)]
    again = rng.integers(len(images), size=n // 8 + 1)
    traced = [(labels[i], path) for i, path in zip(again, trace(images[again]), strict=True) if len(path)]
    for i in range(n):
        while not soiled[i].any():
            kind = rng.random()
            if traced and kind > 0.88:
                kept[i], path = traced[rng.integers(len(traced))]
                soiled[i] = _write_thinly(path, rng)
                continue
            chosen = rng.integers(len(images), size=5)
            kept[i], ink = labels[chosen[0]], as_ink(images[chosen[0]])
            if kind < 0.3:
                kept[i], ink = drawn[rng.integers(len(drawn))]
            soiled[i] = put_in_scene(ink, [as_ink(images[j]) for j in chosen[1:]], rng)
    return soiled, kept


def put_in_scene(ink: Ink, neighbours: list[Ink], rng: np.random.Generator, share: float = 0.7) -> Images:
    """Lay out, photograph and bring back through the door; all zero where the door lost the glyph.

    Args:
        ink: float32 (h, w), 0-1, a glyph.
        neighbours: those left, right, above and below; each may be left out of the scene, or of the list.
        rng: source of all randomness.
        share: of the glyph's ink that the door must keep.

    Returns:
        uint8 (28, 28).
    """
    kind = rng.random()
    if kind < 0.26:
        placed = _write(rng, ink, 32, nib=False)[0]
        small = scan_bitmap(placed, rng) if kind < 0.16 else draw_with_mouse(_frame(placed, rng), rng)
        return _take_as_it_is(small, share, kind < 0.1 or rng.random() < 0.5)
    height = int(np.exp(rng.uniform(2.9, 3.85)))
    placed, *around = _write(rng, ink, height, neighbours if rng.random() < 0.45 else [])
    return _take_photograph(lay_out(placed, around, rng), share, rng)


def _write_thinly(path: Path, rng: np.random.Generator) -> Images:
    """Write a digit with a pen of few pixels, on a screen or on paper."""
    height = int(np.exp(rng.uniform(2.9, 4.4)))
    width = int(rng.choice([1, 1, 1, 2, 2, 3, max(1, height // 10)]))
    ink = retrace(path, height, width, rng.normal(0, 0.15), rng.uniform(0.8, 1.2))
    if rng.random() < 0.6:
        return _take_as_it_is(_frame(ink, rng), 0.6, rng.random() < 0.5)
    return _take_photograph(lay_out(ink, [], rng), 0.6, rng)


def _take_as_it_is(ink: Ink, share: float, bright: bool) -> Images:
    """Bring clean ink through the door, bright on black or the inverse."""
    picture = (ink * np.float32(255)).astype(np.uint8)
    stages = show_stages(picture if bright else ~picture)
    return _keep_found(stages, Scene(ink, np.zeros_like(ink), np.zeros_like(ink)), share)


def _take_photograph(scene: Scene, share: float, rng: np.random.Generator) -> Images:
    stages = show_stages(photograph(np.maximum(scene.wanted, scene.others), scene.marks, rng))
    return _keep_found(stages, scene, share)


def _keep_found(stages: Stages, scene: Scene, share: float) -> Images:
    return stages.image if is_found(stages, scene, share) else np.zeros_like(stages.image)


def is_found(stages: Stages, scene: Scene, share: float) -> bool:
    """Say whether the door kept that share of what was wanted, not much else that was written, and no more marks."""
    if stages.digit.shape != scene.wanted.shape:  # the door cut the sheet out
        return compare(stages.image, box_ink(scene.wanted)) > 0.6
    wanted, kept = scene.wanted > 0.4, stages.digit > 0.25
    area = np.count_nonzero(wanted)
    if np.count_nonzero(wanted & kept) < share * area:
        return False
    strange = kept & ~grow_mask(wanted)
    of_others = np.count_nonzero(strange & (scene.others > 0.4))
    return bool(np.count_nonzero(strange) < area and of_others < 0.3 * area)


def compare(one: Images, other: Images) -> float:
    """Return the cosine of two images, 0-1."""
    a, b = one.ravel().astype(np.float32), other.ravel().astype(np.float32)
    return float(a @ b / max(float(np.sqrt((a @ a) * (b @ b))), 1.0))


def _write(rng: np.random.Generator, ink: Ink, height: int, neighbours: Sequence[Ink] = (), nib: bool = True) -> list:
    """Write a glyph and some of its neighbours in one hand; None for a neighbour that is left out."""
    slant, aspect = rng.normal(0.2, 0.25), rng.uniform(0.8, 1.15)
    level, hardness = rng.uniform(0.3, 0.75), rng.uniform(1.5, 5)
    pen = rng.random()

    def place(glyph: Ink) -> Ink:
        placed = transform(crop(glyph), height, slant, aspect)
        placed = crop(np.clip((placed / measure_darkness(placed) - level) * hardness + 0.5, 0, 1))
        if nib and pen < 0.12:
            return _thin_hairlines(placed, max(1, round(height * 0.04)), 0.25 + 4 * pen)
        return _fatten(placed, round(height * rng.uniform(0.03, 0.12))) if pen > 0.88 and height < 60 else placed

    near = [place(other) if rng.random() < chance else None for other, chance in zip(neighbours, _NEAR, strict=False)]
    return [place(ink), *near]


_NEAR = (0.7, 0.7, 0.12, 0.12)  # how often a row's digit has neighbours left, right, above and below


def _thin_hairlines(ink: Ink, width: int, darkness: float) -> Ink:
    """Write with a steel nib: level strokes turn into pale hairlines."""
    thin = np.minimum(ink[:-width], ink[width:]) if len(ink) > 2 * width else ink
    thin = np.pad(thin, ((0, len(ink) - len(thin)), (0, 0)))
    return thin + (ink - thin) * np.float32(darkness)


def _fatten(ink: Ink, by: int) -> Ink:
    """Write with a felt pen, unless that would fill holes and bays."""
    if not by:
        return ink
    fat = slide_extreme(np.pad(ink, by), by + 1, np.maximum)
    return fat if slide_extreme(fat, by + 1, np.minimum).sum() < 1.04 * ink.sum() else ink


def _frame(ink: Ink, rng: np.random.Generator) -> Ink:
    """Leave paper around ink, little or much."""
    most = max(2, int(len(ink) * rng.choice([0.1, 0.3, 0.8])))
    return np.pad(ink, rng.integers(0, most, (2, 2)))


def lay_out(ink: Ink, neighbours: list[Ink | None], rng: np.random.Generator) -> Scene:
    """Lay ink on a canvas, the pieces of its neighbours that the frame leaves, and marks.

    Args:
        ink: float32 (h, w), 0-1, cut out.
        neighbours: those left, right, above and below, as high as `ink`; None, or left out, where there is none.
        rng: source of all randomness.
    """
    height, width = ink.shape
    most = max(2, int(height * rng.choice([0.1, 0.1, 0.4, 0.7])))
    margins = rng.integers(0, most, 4).tolist()  # left, right, top, bottom
    if rng.random() < 0.1:  # a crop that cuts the ink itself
        margins[rng.integers(4)] = -int(height * rng.uniform(0.02, 0.1))
    places = []
    for side, piece in enumerate(neighbours):
        if piece is None:
            continue
        gap = int(height * rng.uniform(-0.06, 0.25))
        seen = max(1, int(piece.shape[side < 2] * rng.uniform(0.1, 0.5)))
        margins[side] = max(gap + seen, 0)
        off = int(rng.normal(0, 0.06) * height) + (len(ink) - len(piece) if side < 2 else (width - piece.shape[1]) // 2)
        along = (-gap - piece.shape[side < 2], (height, width)[side < 2] + gap)[side % 2]
        places.append((piece, off, along) if side < 2 else (piece, along, off))
    left, right, top, bottom = margins
    right, bottom = max(right, 4 - width - left), max(bottom, 4 - height - top)  # of a slip the door makes no picture
    shape = height + top + bottom, width + left + right
    wanted, others = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    paste(wanted, ink, top, left)
    for piece, y, x in places:
        paste(others, piece, top + y, left + x)
    marks = add_marks(shape, (top, left, top + height, left + width), rng)
    if neighbours and rng.random() < 0.08:  # ink that comes through from the page's other side
        piece = next((one for one in neighbours if one is not None), ink)[:, ::-1]
        through = np.zeros(shape, np.float32)
        paste(through, piece * np.float32(rng.uniform(0.1, 0.35)), *(int(rng.uniform(-0.3, 0.6) * s) for s in shape))
        marks = np.maximum(marks, through)
    return Scene(wanted, others, marks)


def paste(canvas: Ink, ink: Ink, top: int, left: int) -> None:
    """Lay ink on a canvas, of which it may reach beyond the edge."""
    rows, columns = slice(max(top, 0), max(top + len(ink), 0)), slice(max(left, 0), max(left + ink.shape[1], 0))
    place = canvas[rows, columns]
    down, across = max(-top, 0), max(-left, 0)
    np.maximum(place, ink[down : down + place.shape[0], across : across + place.shape[1]], out=place)
