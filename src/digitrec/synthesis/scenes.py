"""Scenes: digits on paper, in light, among neighbours and dirt, photographed and brought back through the door."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from digitrec.preprocessing.form import box_ink, to_mnist
from digitrec.synthesis.canvas import Images, Ink, Labels, as_ink, check_digits, crop, draw_cloud, join, transform
from digitrec.synthesis.hands import write_digit


def soil(images: Images, labels: Labels, n: int, rng: np.random.Generator) -> tuple[Images, Labels]:
    """Put digits into the pictures that people give, dirt and all, and bring them back through the door.

    Slant, stroke, paper, light, ink, rules, full stops, pieces of the neighbouring digits cut by
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
    for i in range(n):
        while not soiled[i].any():
            chosen = rng.integers(len(images))
            kept[i], ink = labels[chosen], as_ink(images[chosen])
            if rng.random() < 0.3:
                kept[i] = rng.integers(10)
                ink = write_digit(kept[i], rng)
            neighbours = [as_ink(images[j]) for j in rng.integers(len(images), size=2)]
            soiled[i] = put_in_scene(ink, neighbours, rng)
    return soiled, kept


def put_in_scene(ink: Ink, neighbours: list[Ink], rng: np.random.Generator, likeness: float = 0.6) -> Images:
    """Lay out, photograph and bring back through the door; all zero where the door lost the glyph."""
    alone, among_others, scene = _lay_out(ink, neighbours, rng)
    image = to_mnist(_photograph(scene, rng))
    found = any(_compare(image, box_ink(wanted)) > likeness for wanted in (alone, among_others))
    return image if found else np.zeros_like(image)


def _compare(one: Images, other: Images) -> float:
    """Return the cosine of two images, 0-1."""
    a, b = one.ravel().astype(np.float32), other.ravel().astype(np.float32)
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1.0))


def _lay_out(digit: Ink, neighbours: list[Ink], rng: np.random.Generator) -> tuple[Ink, Ink, Ink]:
    """Return a digit alone, among pieces of its neighbours, and with stops, rules and margins too."""
    height, slant = int(np.exp(rng.uniform(3.1, 4.3))), rng.normal(0.2, 0.25)
    aspect, level = rng.uniform(0.8, 1.15), rng.uniform(0.25, 0.65)
    hardness = rng.uniform(1.5, 5)

    def place(ink: Ink) -> Ink:
        placed = transform(crop(ink), height, slant, aspect)
        return crop(np.clip((placed - level) * hardness + 0.5, 0, 1))

    alone = place(digit)
    parts, gaps = [alone], []
    row = rng.random() < 0.45
    margins = rng.integers(0, max(2, int(height * rng.choice([0.1, 0.4, 1.0]))), 4)
    for side, neighbour in enumerate(neighbours):
        if row and rng.random() < 0.7:
            piece = place(neighbour)
            seen = max(1, int(piece.shape[1] * rng.uniform(0.1, 0.5)))
            parts.insert(side * len(parts), piece[:, :seen] if side else piece[:, -seen:])
            gaps.append(int(height * rng.uniform(-0.06, 0.25)))
            margins[2 + side] = 0
    among_others = join(parts, gaps)
    return alone, among_others, _add_marks(among_others, margins, height, rng)


def _add_marks(ink: Ink, margins: NDArray[np.int64], height: int, rng: np.random.Generator) -> Ink:
    """Lay margins (top, bottom, left, right) around digits, at times with a full stop, a rule or a border."""
    ink = np.pad(ink, margins.reshape(2, 2))
    bottom, right = len(ink) - margins[1], ink.shape[1] - margins[3]
    thick = max(1, round(height * rng.uniform(0.02, 0.06)))
    if rng.random() < 0.15:  # a full stop
        x = right + int(height * rng.uniform(0, 0.2))
        ink = np.pad(ink, ((0, 0), (0, max(0, x + 3 * thick - ink.shape[1]))))
        ink[bottom - 2 * thick : bottom, x : x + 2 * thick] = 1
    shade = rng.uniform(0.3, 1)
    if rng.random() < 0.15:  # a ruled or dotted line, at times through the digit's foot
        y = min(bottom + int(height * rng.uniform(-0.2, 0.3)), len(ink) - 1)
        rule = ink[y : y + thick, :: rng.choice([1, 1, 3])]
        np.maximum(rule, shade, out=rule)
    if rng.random() < 0.1:  # the border of a cell
        ink = np.pad(ink, thick, constant_values=shade)
        ink = np.pad(ink, rng.integers(0, 4, (2, 2)))
    return ink


def _photograph(ink: Ink, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Take the picture: paper, light, fading, blur, grain, JPEG, any polarity; uint8 (h, w) or (h, w, 3)."""
    kind = rng.random()
    if kind < 0.12:
        return _scan_postcode(ink, rng)
    if kind < 0.24:
        return _draw_with_mouse(ink, rng)
    height, width = ink.shape
    blur = ImageFilter.GaussianBlur(rng.uniform(0, 0.025) * min(height, 64))
    ink = as_ink(Image.fromarray(np.rint(ink * 255).astype(np.uint8)).filter(blur))
    if rng.random() < 0.5:  # ink that ran dry in places
        ink = ink * (1 - rng.uniform(0, 0.6) * draw_cloud(height, width, 6, rng))
    contrast = np.exp(rng.uniform(-1.6, -0.05))
    paper = rng.uniform(max(0.35, contrast), 1)
    light = 1 - rng.uniform(0, 0.3) * draw_cloud(height, width, 3, rng)
    tone = (paper - contrast * ink) * light
    tone += contrast * rng.uniform(0, 0.08) * rng.standard_normal((height, width), dtype=np.float32)
    if rng.random() < 0.3:  # coloured paper
        tone = tone[:, :, None] * rng.uniform(0.6, 1, 3).astype(np.float32)
    pixels = np.rint(np.clip(tone, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.15:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(15, 80)))
        pixels = np.asarray(Image.open(file))
    return ~pixels if rng.random() < 0.15 else pixels


def _scan_postcode(ink: Ink, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Scan ink as a postcode was: 16x16, touching the frame."""
    postcode = np.asarray(Image.fromarray(crop(ink)).resize((16, 16), Image.Resampling.BOX))
    if rng.random() < 0.4:  # in two tones
        postcode = postcode > rng.uniform(0.3, 0.6)
    return np.rint(postcode * np.float32(255)).astype(np.uint8)


def _draw_with_mouse(ink: Ink, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw ink as a mouse does: two tones, few pixels."""
    scale = int(rng.integers(24, 40)) / max(ink.shape)
    size = [max(5, round(length * scale)) for length in ink.shape[::-1]]
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BOX))
    drawn = np.where(small > rng.uniform(0.3, 0.5), 255, 0).astype(np.uint8)
    return drawn if rng.random() < 0.5 else ~drawn
