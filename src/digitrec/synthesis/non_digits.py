"""What is no digit: letters by hand and in print, signs, scribbles, shapes and textures."""

import numpy as np
from PIL import Image, ImageDraw

from digitrec.preprocessing.box import box_ink
from digitrec.synthesis.canvas import Images, Ink, as_ink, crop, join
from digitrec.synthesis.glyphs import spline
from digitrec.synthesis.hands import ink_strokes, write_glyph, write_letter
from digitrec.synthesis.letter_forms import FOREIGN, SIGNS
from digitrec.synthesis.printing import has_greek, list_faces, print_character
from digitrec.synthesis.scenes import put_in_scene

# None that print, too, leaves like a digit: no O, l, I, S, Z, B, b, g, q, no theta beside a dotted zero.
_LATIN = "acdefhjkmnprtuvwxyACDEFGHJKLMNPQRTUVWXY#?&@%*+="
_BEYOND = "ΓΔΛΞΠΣΦΨΩαγεζηκλμνξπρτφχψωДЖИЛФЦШЩЫЮЯджклмнтфцшщюя"  # DejaVu and STIX have them
# What is drawn, and what share of all it is.
KINDS = {
    "letters": 0.33, "printed letters": 0.22, "foreign letters": 0.13, "signs": 0.12, "scribbles": 0.08,
    "shapes": 0.08, "textures": 0.04,
}  # fmt: skip


def draw_non_digits(n: int, rng: np.random.Generator, kind: str | None = None) -> Images:
    """Draw what is no digit: letters by hand and in print, scribbles, shapes and textures.

    Args:
        n: how many.
        rng: source of all randomness.
        kind: one of `KINDS` alone; None mixes them.

    Returns:
        uint8 (n, 28, 28) in MNIST's form.

    Raises:
        ValueError: no such kind.
    """
    makers = (write_letter, _print_letter, _write_foreign, _write_sign, _scribble, _draw_shapes, _weave_texture)
    if kind is None:
        kinds = rng.choice(len(makers), n, p=tuple(KINDS.values()))
    elif kind in KINDS:
        kinds = np.full(n, list(KINDS).index(kind))
    else:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    drawn = np.zeros((n, 28, 28), np.uint8)
    for i, place in enumerate(kinds):
        while not drawn[i].any():
            ink = makers[place](rng)
            # Dirt must not be what tells a digit from a letter; of a sign the door may drop parts.
            dirty = place < 3 and rng.random() < 0.25
            drawn[i] = put_in_scene(ink, [], rng, 0.8) if dirty else box_ink(ink)
    return drawn


def _write_sign(rng: np.random.Generator) -> Ink:
    """Write a sign, or two or three letters in a row."""
    if rng.random() < 0.6:
        return write_glyph(SIGNS[rng.integers(len(SIGNS))], rng)
    parts = [crop(write_letter(rng)) for _ in range(rng.integers(2, 4))]
    return join(parts, [int(rng.integers(-4, 8)) for _ in parts[1:]])


def _write_foreign(rng: np.random.Generator) -> Ink:
    """Write a Greek or Cyrillic letter."""
    return write_glyph(FOREIGN[rng.integers(len(FOREIGN))], rng)


def letters_of(file: str) -> str:
    """Return the letters that a face has and no one takes for a digit."""
    return _LATIN + _BEYOND if has_greek(file) else _LATIN


def _print_letter(rng: np.random.Generator) -> Ink:
    """Print a letter in some face."""
    files = list_faces()
    file = files[rng.integers(len(files))]
    letters = letters_of(file)
    return print_character(letters[rng.integers(len(letters))], rng, file)


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
