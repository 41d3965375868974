"""Handwriting made from nothing but numbers: more digits, dirtier digits, and what is no digit.

Training takes these beside MNIST, so that a network meets other hands, other paper and other
things than MNIST holds. A glyph is a few strokes on a grid of 10x10 (the table below); a hand is
a random slant, width, pen and tremor; a scene is paper, light, neighbours and dirt, brought back
through the door that every picture takes.
"""

import io
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from digitrec.preprocessing import box_ink, to_mnist

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Ink = NDArray[np.float32]

# Control points "xy", x rightwards, y downwards; "." after a point makes it a corner; "/" lifts
# the pen; "," separates the ways in which people write the glyph.
DIGITS = (
    "30 11 04 07 29 48 65 62 40 20, 50 21 04 07 29 48 65 62 41 32, 30 13 16 39 56 53 30 21,"
    "42 20 03 06 29 49 65 62 40 21 33, 30 11 04 07 29 48 65 63 50, 40 20 02 06 29 49 66 62 40,"
    "30 11 04 07 29 48 65 62 40 20/70 08",
    "30 39, 30 34 39, 40 29, 13 30. 39, 22 30. 39, 05 40. 39, 13 22 30. 39, 15 30 40. 39,"
    "13 30. 39/19 59, 22 30. 39/09 69, 04 40. 39/19 69, 06 40. 39",
    "12 20 40 62 53 26 09. 69, 02 20 40 52 44 09. 69, 12 30 51 53 36 19 08 17 38 59 68,"
    "12 20 41 53 45 27 09. 38 59 68, 11 31 60. 36 09. 69, 03 11 30 42 26 09. 38 69,"
    "13 11 30 51 53 36 18 07 16 38 69, 02 11 30 51 53 45 09. 69, 13 22 11 30 51 53 36 09. 28 59 68",
    "11 30 51 53 34. 55 67 49 19 07, 00 60. 34. 55 67 49 19 07, 11 30 51 52 34 24 34 55 67 49 18,"
    "11 30 52 43 24. 44 66 58 39 08, 02 20 41 42 24. 45 57 39 08, 01 20 50. 34. 55 67 49 08,"
    "11 30 51 43 24. 45 57 48 29 09, 01 30 51 43 34. 54 66 58 39 09",
    "10 05. 65/50 49, 20 05. 75/43 49, 10 14 35 64/60 49, 50. 06. 76/50 59, 49 40. 06. 76,"
    "40. 05. 44. 64/52 29, 30. 05. 54. 29, 10 13 34 64/70 29, 10 04 35 54 60. 49, 40 05. 64/53 39,"
    "00 03 24 53 60. 59, 10 05. 75/43 49, 40. 05. 65/31 39, 20 05. 15 45/51 39, 60 16. 76/60 49",
    "10 14. 33 55 57 39 09/10 60, 60 10. 04. 33 55 57 39 08, 61 20 13 34 56 48 19 08,"
    "30 24. 44 56 48 19/31 60 81, 60 20. 14. 43 65 57 39 18 07, 20 14. 34 56 48 19 08/20 70,"
    "11 05. 24 54 57 39 09/10 50, 60 10. 14. 54 57 39 08, 30 14. 34 56 58 29 08/30 60 70",
    "51 22 05 18 39 58 66 45 25 07, 40 13 06 18 39 58 66 45 25 07, 50 21 04 07 29 49 57 45 26 28,"
    "40 12 05 08 29 48 46 25 17, 61 40 22 05 07 29 48 56 35 16, 50 23 06 08 29 48 45 25 07,"
    "30 03 06 18 39 58 56 35 06, 60 15 08 29 48 46 25 07, 60 33 07 19 38 46 35 16",
    "00 60. 29, 01. 00. 60. 29, 00 60. 34 29, 00 60. 39/25 65, 02 10 30 51 60. 34 29,"
    "01 20 61. 35 29, 00 50. 49, 01 60. 29/15 64, 02 00. 60. 34 29/14 55, 01 11 31 60. 19/14 54",
    "51 30 11 13 34 56 58 39 18 16 35 53 51, 30 11 13 34 53 51 30/34 15 17 39 57 55 34,"
    "62 40 11 13 35 57 48 19 07 25 53 60, 60 30 11 13 34 56 58 39 18 06 60,"
    "51 30 11 12 34 56 58 39 18 16 34 52 40, 34 12 30 51 34 16 18 39 58 56 34,"
    "50 20 02 24 46 58 39 08 06 34 51 40",
    "51 30 11 13 25 44 51. 59, 51 30 11 13 25 44 52 56 38, 51 30 11 13 25 44 51 55 48 29 07,"
    "52 30 12 04 15 34 52. 59, 51 30 03. 54 50. 49, 51 30 12 14 34 52. 46 29 08,"
    "41 20 02 14 34 51. 47 29, 50 20 02 05 35 51. 39, 51 30 11 13 25 44 51. 48 29 18,"
    "50 20 02 14 33 51 54 38 19",
)
# One letter a line. No o, l, i, z, s, b, g, q, y, c and their like: a person, too, may read them as digits.
LETTERS = (
    "52 21 04 07 29 47 61. 68 79, 61 20 04 07 29 47 61/60 69, 11 30 52 59/54 24 07 29 57",
    "54 24 06 18 39 56/50 59, 55 34 06 18 39 57 50. 58 69, 64 24. 29. 69/60 69",
    "05 55 52 20 04 07 39 68, 15 54 51 20 03 06 29 58, 04 64. 61 20 03 08 39 69",
    "50 31 33 39/14 54, 61 40 32 35 38 19/14 54, 60 20. 29/04 54",
    "10 19/15 34 55 59, 10 19. 15 34 54 59 69, 10 19. 14 54. 59, 20 29. 25 44 65 68 79",
    "10 19/53 16. 59, 10 19/52 16/25 59, 00 09/60 04. 69, 20 29/52 35 25 35 69",
    "02 09. 03. 21 33 39. 33. 51 63 69, 01 09. 02. 22 38. 34. 52 63 68 79, 02 08 03. 41. 48 43. 81. 88",
    "12 19. 14. 32 52 59, 11 19. 13. 31 52 57 69, 11 18. 13. 61. 69, 01 11 18. 13. 42 53 58 79",
    "01 09/02 31 52 54 35 05, 10 19/10 40 52 34 15, 11 19/11. 61. 64. 15, 00 09/01 50 54 05",
    "12 19. 14. 32 52, 11 19. 13 31 51 62, 00 09/02 21 52",
    "30 39/03 63, 30 37 49 58/13 53, 40 35 39 69/12 72, 30 39/04 64",
    "11 16 38 57 51. 59, 11 15 29 49 55 51, 01. 08. 68. 61, 01 06 28 57 61. 68 79, 00 06 39 66 60",
    "01 39. 61, 01 28 39 47 61, 00 49. 60 80, 04 29. 90",
    "01 29. 43. 69. 81, 01 17 29 47 42. 47 59 77 81, 00 19. 40. 79. 90, 01 08 28 42. 48 68 81",
    "11 69/61 09, 00 21 24 08/50 31 35 59, 00 79/80 09",
    "09 30. 69/16 56, 08 11 30 51 68/05 65, 60 10. 19. 69/14 54, 61 30 12 34. 06 28 59 68",
    "10 19/10 60/14 44, 00 09/60 69/04 64, 10 19/60 69/15 65, 09 00. 35. 60. 69, 09 10. 48. 79 60. 79",
    "09 00. 69. 60, 08 11. 58. 61, 10 19/10 40 52 34 15. 59, 00 09/00 50 53 04. 69, 00 09. 69",
    "00 60/30 39, 00 80/40 49, 19 10. 70, 01 61/21 29/51 59, 02 11 71/21 29/51 58 69",
    "60 00. 34. 09. 69, 11 19/11 16 37 56 51. 59, 09 29. 26 03 20 40 63 46. 49 69",
)
SIGNS = (
    "20 19/50 49/03 73/06 66, 22 40 61 53 35 36/39",
    "30 36/11 55/51 15, 20 01 22 31 20/70 09/57 48 59 68 57",
    "03 63/06 66, 14 26 90, 33 38 29 08/30, 31 38 19 07/31, 30. 69. 09. 30",
    "30 19. 63. 03. 59. 30",
    "01 08. 38. 31. 38. 68. 61, 00 09/04. 60/04. 69, 04 84/62 84. 66, 03 63/33 39/13 17/53 57",
    "60 20 19 58/15 55, 12 31 53 33 53 59/54 16 19 49, 00 69/60 09/00 09/60 69",
    "15 42 25 48 52 35 58 62 45 68, 05 22 34 15 42 54 35 62 74 55",
)

_STEPS = 5  # samples a segment of a stroke: its chords stay within half a pixel of the curve
_CATMULL_ROM = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]], np.float32) / 2
_BASIS = (np.arange(1, _STEPS + 1, dtype=np.float32)[:, None] / _STEPS) ** np.arange(4) @ _CATMULL_ROM
_PEN = 60  # pixels a drawn glyph is high: more than twice MNIST's box, so that edges come out grey
Stroke = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


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
        images[i] = box_ink(_write_digit(label, rng))
    return images, labels


def draw_non_digits(n: int, rng: np.random.Generator) -> Images:
    """Draw what is no digit: letters by hand and in print, scribbles, shapes and textures.

    Args:
        n: how many.
        rng: source of all randomness.

    Returns:
        uint8 (n, 28, 28) in MNIST's form.
    """
    makers = (_write_letter, _write_sign, _print_letter, _scribble, _draw_shapes, _weave_texture)
    kinds = rng.choice(len(makers), n, p=(0.42, 0.14, 0.2, 0.1, 0.1, 0.04))
    drawn = np.zeros((n, 28, 28), np.uint8)
    for i, kind in enumerate(kinds):
        while not drawn[i].any():
            ink = makers[kind](rng)
            # Dirt must not be what tells a digit from a letter; of a sign the door may drop parts.
            dirty = kind == 0 and rng.random() < 0.4
            drawn[i] = _put_in_scene(ink, [], rng, 0.8) if dirty else box_ink(ink)
    return drawn


def pair_digits(images: Images, n: int, rng: np.random.Generator) -> Images:
    """Put two or three digits side by side in one frame: a number is not a digit.

    Args:
        images: uint8 (m, 28, 28) of digits.
        n: how many.
        rng: source of all randomness.

    Returns:
        uint8 (n, 28, 28) in MNIST's form.

    Raises:
        ValueError: images of another form.
    """
    _check_digits(images)
    pairs = np.empty((n, 28, 28), np.uint8)
    for i in range(n):
        chosen = images[rng.integers(len(images), size=2 + (rng.random() < 0.2))]
        gap, slant = int(rng.integers(-1, 6)), rng.uniform(-0.1, 0.5)
        parts = [_crop(_transform(_as_ink(one), 28, slant, rng.uniform(0.8, 1.1))) for one in chosen]
        pairs[i] = box_ink(_join(parts, [gap] * (len(parts) - 1)))
    return pairs


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
    _check_digits(images)
    if np.shape(labels) != (len(images),):
        raise ValueError(f"labels: expected {len(images)}, one an image, got shape {np.shape(labels)}")
    soiled, kept = np.zeros((n, 28, 28), np.uint8), np.empty(n, np.int64)
    for i in range(n):
        while not soiled[i].any():
            chosen = rng.integers(len(images))
            kept[i], ink = labels[chosen], _as_ink(images[chosen])
            if rng.random() < 0.3:
                kept[i] = rng.integers(10)
                ink = _write_digit(kept[i], rng)
            neighbours = [_as_ink(images[j]) for j in rng.integers(len(images), size=2)]
            soiled[i] = _put_in_scene(ink, neighbours, rng)
    return soiled, kept


def _check_digits(images: Images) -> None:
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28) or not len(images):
        raise ValueError(f"images: expected uint8 (m, 28, 28), m > 0, got {images.dtype} {images.shape}")


# --- a hand that writes ------------------------------------------------------------------------


def _write_digit(label: int, rng: np.random.Generator) -> Ink:
    return _write(DIGITS[label], rng)


def _write_letter(rng: np.random.Generator) -> Ink:
    return _write(LETTERS[rng.integers(len(LETTERS))], rng)


@cache
def _parse(glyph: str) -> list[Stroke]:
    """Return for each stroke its points (k, 2) and two matrices (samples, k): corners kept, rounded.

    The curve is a Catmull-Rom spline, linear in its points, so that a jittered stroke is one product.
    """
    strokes = []
    for stroke in glyph.split("/"):
        marks = re.findall(r"(\d)(\d)(\.?)", stroke)
        points = np.array([(int(x), int(y)) for x, y, _ in marks], np.float32)
        strokes.append((points, _spline([corner == "." for *_, corner in marks]), _spline([False] * len(marks))))
    return strokes


def _spline(corners: Sequence[bool]) -> NDArray[np.float32]:
    """Return the matrix (samples, k) that draws a Catmull-Rom spline through k points; corners break it."""
    corner, i = np.asarray(corners), np.arange(len(corners) - 1)
    before = np.where(corner[:-1], i, np.maximum(i - 1, 0))
    after = np.where(corner[1:], i + 1, np.minimum(i + 2, len(corners) - 1))
    eye = np.eye(len(corners), dtype=np.float32)
    segments = np.einsum("sj,jik->isk", _BASIS, eye[np.stack([before, i, i + 1, after])])
    return np.concatenate([eye[:1], segments.reshape(-1, len(corners))])


def _write(glyph: str, rng: np.random.Generator) -> Ink:
    """Write a glyph, in one of its ways, as some person with some pen would."""
    ways = glyph.split(",")
    roundness = rng.choice([0, 0.6]) * rng.random()
    jitter, tremor = rng.uniform(0.05, 0.3), rng.choice([0, 0.06]) * rng.random()
    slant, turn = rng.normal(0.15, 0.25), rng.normal(0, 0.07)
    aspect = rng.uniform(0.7, 1.25)
    waist, lean = rng.normal(0, 0.4, 2)
    strokes = []
    for points, kept, rounded in _parse(ways[rng.integers(len(ways))]):
        moved = points + rng.normal(0, jitter, points.shape)
        curve = (kept + roundness * (rounded - kept)) @ moved
        curve += rng.normal(0, tremor, curve.shape)
        x, y = curve[:, 0] - 3, curve[:, 1] - 4.5
        y = y + waist * np.cos(y * np.pi / 9)
        x = aspect * (x + lean * np.cos(y * np.pi / 9)) - slant * y
        strokes.append(np.stack([x - turn * y, y + turn * x], axis=1))
    return _ink_strokes(strokes, rng)


def _ink_strokes(strokes: list[NDArray], rng: np.random.Generator) -> Ink:
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
    return _as_ink(canvas)


# --- what is no digit --------------------------------------------------------------------------


def _write_sign(rng: np.random.Generator) -> Ink:
    """Write a sign, or two or three letters in a row."""
    if rng.random() < 0.6:
        return _write(SIGNS[rng.integers(len(SIGNS))], rng)
    parts = [_crop(_write_letter(rng)) for _ in range(rng.integers(2, 4))]
    return _join(parts, [int(rng.integers(-4, 8)) for _ in parts[1:]])


_LATIN = "adefhkmnprtuvwxAEFHKMNPRTUVWX#?&@%*+="
_BEYOND = "ΓΔΠΣΩαηκλμνπχωЖЛШЫЮЯкшюя"  # faces of matplotlib that have them: DejaVu and STIX


@cache
def _font_files() -> list[str]:
    """Return the files of the text faces that matplotlib carries along."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    names = ("DejaVuSans", "DejaVuSerif", "STIXGeneral", "cmb1", "cmr1", "cmss", "cmti", "cmtt")
    files = (str(path) for path in folder.glob("*.ttf") if path.name.startswith(names))
    return sorted(file for file in files if "Display" not in file)


@cache
def _load_font(file: str) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, 48)


def _letters(file: str) -> str:
    return _LATIN if Path(file).name.startswith("cm") else _LATIN + _BEYOND


def _print_letter(rng: np.random.Generator) -> Ink:
    """Print a letter in some face, slanted a little."""
    files = _font_files()
    file = files[rng.integers(len(files))]
    letters = _letters(file)
    letter = letters[rng.integers(len(letters))]
    canvas = Image.new("L", (80, 80))
    ImageDraw.Draw(canvas).text((16, 8), letter, 255, _load_font(file))
    return _transform(_as_ink(canvas), 80, rng.normal(0, 0.1), rng.uniform(0.7, 1.2))


def _scribble(rng: np.random.Generator) -> Ink:
    """Let the pen wander: smooth or angular, one to three strokes."""
    strokes = []
    for _ in range(rng.integers(1, 4)):
        points = rng.uniform(0, 9, (rng.integers(7, 14), 2))
        if rng.random() < 0.5:  # zigzag, as one strikes a word out
            points[:, 0] = np.linspace(0, 9, len(points)) + rng.normal(0, 0.5, len(points))
        strokes.append(_spline([rng.random() < 0.3] * len(points)) @ points)
    return _ink_strokes(strokes, rng)


def _draw_shapes(rng: np.random.Generator) -> Ink:
    """Draw a blob, bars, several rings, or filled and grey polygons."""
    canvas = Image.new("L", (64, 64))
    draw = ImageDraw.Draw(canvas)
    kind = rng.integers(5)
    if kind == 0:  # a dot or blob
        box = np.sort(rng.uniform(4, 60, (2, 2)), axis=0)
        box[1, 0] = max(box[1, 0], box[0, 0] + 0.7 * (box[1, 1] - box[0, 1]) + 4)
        draw.ellipse(box.ravel().tolist(), 255)
    elif kind == 1:  # a horizontal bar, or two or three
        for y in rng.uniform(8, 56, rng.integers(1, 4)):
            draw.line((4, y, 60, y + rng.normal(0, 4)), 255, int(rng.integers(2, 12)))
    elif kind == 2:  # rings in a row; in a column they may make an 8
        for x in np.linspace(14, 50, rng.integers(3, 6)):
            y, radius = rng.uniform(22, 42), rng.uniform(5, 12)
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), None, 255, 3)
    else:  # things as a camera sees them
        for _ in range(rng.integers(2, 6)):
            corners = rng.uniform(4, 60, (rng.integers(3, 7), 2))
            draw.polygon(corners.ravel().tolist(), int(rng.integers(80, 256)))
    return _as_ink(canvas)


def _weave_texture(rng: np.random.Generator) -> Ink:
    """Fill the frame with noise of some grain, a grid or a gradient."""
    kind = rng.integers(3)
    if kind == 0:
        side = int(rng.integers(4, 33))
        noise = Image.fromarray(rng.random((side, side), dtype=np.float32))
        return np.asarray(noise.resize((32, 32), Image.Resampling.BICUBIC)).clip(0, 1)
    y, x = np.mgrid[0:48, 0:48].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    if kind == 1:
        wave = np.maximum(np.sin(u * rng.uniform(0.4, 1.2)), np.sin(v * rng.uniform(0.4, 1.2)))
        return (wave > rng.uniform(0.3, 0.9)).astype(np.float32)
    return ((u - u.min()) / np.ptp(u) * rng.uniform(0.5, 1)).astype(np.float32)


# --- pictures as people give them --------------------------------------------------------------


def _as_ink(image: Images | Image.Image) -> Ink:
    return np.asarray(image, np.float32) / np.float32(255)


def _crop(ink: Ink) -> Ink:
    """Cut away the empty frame."""
    down, across = (np.flatnonzero((ink > 0.2).any(axis=axis)) for axis in (1, 0))
    return ink[down[0] : down[-1] + 1, across[0] : across[-1] + 1] if len(down) else ink


def _transform(ink: Ink, height: int, slant: float, aspect: float) -> Ink:
    """Scale ink to `height`, widen it by `aspect` and slant its top to the right."""
    scale = ink.shape[0] / height
    width = int(ink.shape[1] / scale * aspect + abs(slant) * height)
    left = ink.shape[1] / 2 - scale / aspect * (width + slant * height) / 2
    matrix = (scale / aspect, slant * scale / aspect, left, 0, scale, 0)
    image = Image.fromarray(ink).transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(image)


def _join(parts: list[Ink], gaps: list[int]) -> Ink:
    """Set parts side by side, `gaps` pixels between them, negative for an overlap."""
    height = max(len(part) for part in parts)
    lefts = np.cumsum([0] + [part.shape[1] + gap for part, gap in zip(parts, gaps, strict=False)])
    lefts -= lefts.min()
    joined = np.zeros((height, max(x + part.shape[1] for x, part in zip(lefts, parts, strict=True))), np.float32)
    for left, part in zip(lefts, parts, strict=True):
        top = (height - len(part)) // 2
        place = joined[top : top + len(part), left : left + part.shape[1]]
        np.maximum(place, part, out=place)
    return joined


def _put_in_scene(ink: Ink, neighbours: list[Ink], rng: np.random.Generator, likeness: float = 0.6) -> Images:
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
        placed = _transform(_crop(ink), height, slant, aspect)
        return _crop(np.clip((placed - level) * hardness + 0.5, 0, 1))

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
    among_others = _join(parts, gaps)
    ink = np.pad(among_others, margins.reshape(2, 2))
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
    return alone, among_others, ink


def _photograph(ink: Ink, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Take the picture: paper, light, fading, blur, grain, JPEG, any polarity; uint8 (h, w) or (h, w, 3)."""
    kind = rng.random()
    if kind < 0.12:  # as a postcode was scanned: 16x16, touching the frame
        postcode = np.asarray(Image.fromarray(_crop(ink)).resize((16, 16), Image.Resampling.BOX))
        if rng.random() < 0.4:  # in two tones
            postcode = postcode > rng.uniform(0.3, 0.6)
        return np.rint(postcode * np.float32(255)).astype(np.uint8)
    if kind < 0.24:  # as a mouse draws: two tones, few pixels
        side = int(rng.integers(24, 40))
        scale = side / max(ink.shape)
        size = [max(5, round(length * scale)) for length in ink.shape[::-1]]
        small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BOX))
        drawn = np.where(small > rng.uniform(0.3, 0.5), 255, 0).astype(np.uint8)
        return drawn if rng.random() < 0.5 else ~drawn
    height, width = ink.shape
    blur = ImageFilter.GaussianBlur(rng.uniform(0, 0.025) * min(height, 64))
    ink = _as_ink(Image.fromarray(np.rint(ink * 255).astype(np.uint8)).filter(blur))
    if rng.random() < 0.5:  # ink that ran dry in places
        ink = ink * (1 - rng.uniform(0, 0.6) * _cloud(height, width, 6, rng))
    contrast = np.exp(rng.uniform(-1.6, -0.05))
    paper = rng.uniform(max(0.35, contrast), 1)
    light = 1 - rng.uniform(0, 0.3) * _cloud(height, width, 3, rng)
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


def _cloud(height: int, width: int, grain: int, rng: np.random.Generator) -> Ink:
    """Return smooth noise in 0-1, (height, width), of `grain` patches a side."""
    coarse = Image.fromarray(rng.random((grain, grain), dtype=np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BILINEAR))
