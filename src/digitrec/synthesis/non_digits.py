"""What is no digit: letters by hand and in print, signs, scribbles, shapes and textures, and numbers of two digits."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitrec.preprocessing.form import box_ink
from digitrec.synthesis.canvas import Images, Ink, as_ink, check_digits, crop, join, transform
from digitrec.synthesis.glyphs import SIGNS, spline
from digitrec.synthesis.hands import ink_strokes, write_glyph, write_letter
from digitrec.synthesis.scenes import put_in_scene

_LATIN = "adefhkmnprtuvwxAEFHKMNPRTUVWX#?&@%*+="
_BEYOND = "ΓΔΠΣΩαηκλμνπχωЖЛШЫЮЯкшюя"  # faces of matplotlib that have them: DejaVu and STIX


def draw_non_digits(n: int, rng: np.random.Generator) -> Images:
    """Draw what is no digit: letters by hand and in print, scribbles, shapes and textures.

    Args:
        n: how many.
        rng: source of all randomness.

    Returns:
        uint8 (n, 28, 28) in MNIST's form.
    """
    makers = (write_letter, _write_sign, _print_letter, _scribble, _draw_shapes, _weave_texture)
    kinds = rng.choice(len(makers), n, p=(0.42, 0.14, 0.2, 0.1, 0.1, 0.04))
    drawn = np.zeros((n, 28, 28), np.uint8)
    for i, kind in enumerate(kinds):
        while not drawn[i].any():
            ink = makers[kind](rng)
            # Dirt must not be what tells a digit from a letter; of a sign the door may drop parts.
            dirty = kind == 0 and rng.random() < 0.4
            drawn[i] = put_in_scene(ink, [], rng, 0.8) if dirty else box_ink(ink)
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
    check_digits(images)
    pairs = np.empty((n, 28, 28), np.uint8)
    for i in range(n):
        chosen = images[rng.integers(len(images), size=2 + (rng.random() < 0.2))]
        gap, slant = int(rng.integers(-1, 6)), rng.uniform(-0.1, 0.5)
        parts = [crop(transform(as_ink(one), 28, slant, rng.uniform(0.8, 1.1))) for one in chosen]
        pairs[i] = box_ink(join(parts, [gap] * (len(parts) - 1)))
    return pairs


def _write_sign(rng: np.random.Generator) -> Ink:
    """Write a sign, or two or three letters in a row."""
    if rng.random() < 0.6:
        return write_glyph(SIGNS[rng.integers(len(SIGNS))], rng)
    parts = [crop(write_letter(rng)) for _ in range(rng.integers(2, 4))]
    return join(parts, [int(rng.integers(-4, 8)) for _ in parts[1:]])


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
    return transform(as_ink(canvas), 80, rng.normal(0, 0.1), rng.uniform(0.7, 1.2))


def _scribble(rng: np.random.Generator) -> Ink:
    """Let the pen wander: smooth or angular, one to three strokes."""
    strokes = []
    for _ in range(rng.integers(1, 4)):
        points = rng.uniform(0, 9, (rng.integers(7, 14), 2))
        if rng.random() < 0.5:  # zigzag, as one strikes a word out
            points[:, 0] = np.linspace(0, 9, len(points)) + rng.normal(0, 0.5, len(points))
        strokes.append(spline([rng.random() < 0.3] * len(points)) @ points)
    return ink_strokes(strokes, rng)


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
    return as_ink(canvas)


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
