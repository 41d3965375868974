"""Print: characters in the text faces that matplotlib carries along, any weight and width, crisp or worn."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from digitrec.synthesis.canvas import Ink, as_ink, transform

_SIZE = 32  # pixels an em of print is high


@cache
def list_faces() -> list[str]:
    """Return the files of the faces."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    names = ("DejaVuSans", "DejaVuSerif", "STIXGeneral", "cmb1", "cmr1", "cmss", "cmti", "cmtt")
    files = (str(path) for path in folder.glob("*.ttf") if path.name.startswith(names))
    return sorted(file for file in files if "Display" not in file)


@cache
def load_face(file: str) -> ImageFont.FreeTypeFont:
    """Load a face in the size of print."""
    return ImageFont.truetype(file, _SIZE)


def has_greek(file: str) -> bool:
    """Tell whether a face goes beyond Latin letters: DejaVu and STIX do, Knuth's do not."""
    return not Path(file).name.startswith("cm")


def print_character(character: str, rng: np.random.Generator, file: str | None = None) -> Ink:
    """Print a character in some face, or a given one: slanted, narrowed, bolder or lighter, worn at times."""
    files = list_faces()
    file = file or files[rng.integers(len(files))]
    page = Image.new("L", (64, 64))
    ImageDraw.Draw(page).text((14, 12), character, 255, load_face(file), stroke_width=max(0, int(rng.integers(-2, 2))))
    slant = rng.normal(0, 0.1) + (rng.random() < 0.15) * rng.uniform(0.15, 0.35)
    ink = transform(as_ink(page), int(rng.integers(40, 64)), slant, rng.uniform(0.6, 1.25))
    return _wear(ink, rng) if rng.random() < 0.4 else ink


def _wear(ink: Ink, rng: np.random.Generator) -> Ink:
    """Print badly: from few pixels, out of focus, and at times in two tones."""
    height, width = ink.shape
    small = rng.uniform(0.65, 1)
    page = Image.fromarray(ink).resize((int(width * small), int(height * small)), Image.Resampling.BOX)
    blurred = Image.fromarray(np.rint(np.asarray(page).clip(0, 1) * 255).astype(np.uint8))
    worn = as_ink(blurred.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.9))))
    worn /= max(float(worn.max()), 0.1)
    return (worn > rng.uniform(0.35, 0.6)).astype(np.float32) if rng.random() < 0.5 else worn
