"""Damage photos of whole numbers as desks, forms and cameras do, and read what is left.

The numbers are put together from MNIST's validation digits and drawn ones, one hand a number, which nothing was taught
with, and laid on plain paper, 800 pixels wide, or on a page of 2,000. Each is damaged in every way, the same at every
run with the same seed.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from damage import DAMAGES as PHOTO_DAMAGES
from damage import DARK, SIDE, flash, print_box, print_lines, turn
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from digitrec import NumberReader, load_split, records
from digitrec.synthesis.lettering import Number, write_number
from digitrec.synthesis.texts import choose_text
from digitrec.synthesis.writers import HEIGHT, Writer, gather

TALL = 90  # pixels a digit is high
PAGE = (1500, 2000)  # height and width of a page's photo, on which a digit is as high as seven millimetres are on A4
TALL_ON_PAGE = 47
HIGH = (600, SIDE)  # of a photo in which a number that is turned far is whole
CELL = 1.1  # the side of a form's cell, in digits' heights
SURE = 0.9
_OF_PAPER = ("ruled", "squared", "hand's shadow")  # damages that paper has, whatever is written on it


class Sheet(NamedTuple):
    """A photo of a number on plain paper.

    Attributes:
        photo: in colours, 800 pixels wide.
        number: what is written.
        writer: who wrote it.
        seed: of paper, pen and light.
        box: left, top, right and bottom of the number.
        ends: left and right end of each character.
    """

    photo: Image.Image
    number: Number
    writer: Writer
    seed: int
    box: tuple[int, int, int, int]
    ends: np.ndarray


Damage = Callable[[Sheet, np.random.Generator], Sheet]


def main() -> None:
    """Measure every damage; print a table, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="numbers", help="name or folder of the model (default: %(default)s)")
    parser.add_argument("--numbers", type=int, default=300, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", default="benchmarks/number_damage.json", help="where the figures go")
    parser.add_argument("--only", metavar="NAME", default="", help="only damages whose name holds this; writes no file")
    options = parser.parse_args()
    reader, sheets, figures = NumberReader.load(options.model), write_sheets(options.numbers, options.seed), {}
    print(f"| damage ({len(sheets)} numbers) | right | answered | right of these | wrong above {SURE} |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, damage in DAMAGES.items():
        if options.only in name:
            figures[name] = one = measure(reader, sheets, damage, options.seed)
            shown = "–" if one["right_of_answered"] is None else f"{one['right_of_answered']:.1%}"
            line = f"| {name} | {one['right']:.1%} | {one['answered']:.1%} | {shown} | {one['surely_wrong']} |"
            print(line, flush=True)
    if not options.only:
        settings = {"model": options.model, "numbers": len(sheets), "seed": options.seed}
        records.write_result(options.json, settings | {"threshold": reader.threshold, "damages": figures})


def write_sheets(n: int, seed: int) -> list[Sheet]:
    """Write numbers of two characters or more, no longer than a sheet is wide, each on paper of its own."""
    rng = np.random.default_rng(seed)
    writers = gather(*load_split("mnist")[1], n, rng)
    sheets: list[Sheet] = []
    while len(sheets) < n:
        writer = writers[len(sheets)]
        number = write_number(choose_text(rng), writer, rng)
        if len(number.text) > 1 and number.ink.shape[1] < 6.5 * number.height:
            sheets.append(lay(number, writer, int(rng.integers(2**31))))
    return sheets


def lay(number: Number, writer: Writer, seed: int, tall: float = TALL, page: tuple[int, int] | None = None) -> Sheet:
    """Lay a number on plain paper and take its photo, in whose middle it is; a smaller one anywhere.

    Args:
        number: what is written.
        writer: who wrote it.
        seed: of paper, pen and light.
        tall: pixels a digit is high in the photo.
        page: height and width of the photo; left out, as much as the number needs.
    """
    rng = np.random.default_rng(seed)
    scale = tall / number.height
    paper = rng.uniform(170, 245) * np.array([1, rng.uniform(0.95, 1), rng.uniform(0.85, 1)], np.float32)
    pen = paper * np.array([[0.2, 0.2, 0.22], [0.15, 0.25, 0.6], [0.4, 0.4, 0.42]])[rng.integers(3)]
    width, height = (max(1, round(side * scale)) for side in number.ink.shape[::-1])
    shape = page or (max(3 * TALL, height + TALL), SIDE)
    light = 1 - rng.uniform(0, 0.15) * np.linspace(-1, 1, shape[1], dtype=np.float32)[:, None]
    ink = np.asarray(Image.fromarray(number.ink).resize((width, height), Image.Resampling.BOX)).clip(0, 1)
    covered = np.zeros((*shape, 1), np.float32)
    left, top = ((room - side) // 2 for room, side in ((shape[1], width), (shape[0], height)))
    if tall < TALL:
        left, top = (int(rng.uniform(0.2, 1.8) * side) for side in (left, top))
    covered[top : top + height, left : left + width, 0] = ink
    pixels = (paper + covered * (pen - paper)) * light + rng.normal(0, 3, (*covered.shape[:2], 1))
    photo = Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(tall / 60))
    box = (left, top, left + width, top + height)
    return Sheet(photo, number, writer, seed, box, left + scale * number.spans)


def measure(reader: NumberReader, sheets: list[Sheet], damage: Damage, seed: int) -> dict[str, float | None]:
    """Damage every sheet, read it, and count."""
    damaged = [damage(sheet, np.random.default_rng([seed, i])) for i, sheet in enumerate(sheets)]
    answers = [reader.predict(sheet.photo) for sheet in damaged]
    right = np.array([answer.best == sheet.number.text for answer, sheet in zip(answers, damaged, strict=True)])
    answered = np.array([answer.text is not None for answer in answers])
    sure = np.array([answer.confidence > SURE for answer in answers]) & answered
    return {
        "right": float(right.mean()),
        "answered": float(answered.mean()),
        "right_of_answered": float(right[answered].mean()) if answered.any() else None,
        "surely_wrong": int((sure & ~right).sum()),
    }


def step_back(sheet: Sheet, rng: np.random.Generator, share: float) -> Sheet:
    """Take the photo from further away: the number is that share as large, and somewhere on the paper."""
    return lay(sheet.number, sheet.writer, sheet.seed, share * TALL)


def lay_on_page(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Write the number, alone, somewhere on a page, and take a photo of all of it."""
    return lay(sheet.number, sheet.writer, sheet.seed, TALL_ON_PAGE, PAGE)


def turn_steeply(sheet: Sheet, rng: np.random.Generator, degrees: float) -> Sheet:
    """Turn the paper so far that a photo of it has to be higher for all of the number to be in it."""
    high = lay(sheet.number, sheet.writer, sheet.seed, page=HIGH)
    return high._replace(photo=turn(high.photo, rng, degrees))


def print_field(sheet: Sheet, rng: np.random.Generator, width: tuple[int, int]) -> Sheet:
    """Print a form's field around the number, at some distance, leaning by up to 1.5 degrees."""
    near = TALL * rng.uniform(0.08, 0.5, 4)
    x0, y0, x1, y1 = np.array(sheet.box) + near * (-1, -1, 1, 1)
    return draw_field(sheet, rng, (x0, y0, x1, y1), int(rng.integers(*width, endpoint=True)))


def fill_cells(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Write the digits, six at most, into the cells of a form, one into each, off its middle by a little."""
    digits = [int(character) for character in sheet.number.text if character.isdigit()][:6]
    side = round(CELL * HEIGHT)
    ink = np.zeros((side, side * len(digits)), np.float32)
    for place, digit in enumerate(digits):
        one = sheet.writer.write(digit, rng)
        scale = HEIGHT * rng.uniform(0.65, 0.85) / max(one.shape)
        size = [max(1, round(length * scale)) for length in one.shape[::-1]]
        one = np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BILINEAR)).clip(0, 1)
        y, x = ((side - np.array(one.shape)) * rng.uniform(0.25, 0.75, 2)).astype(int)
        ink[y : y + len(one), place * side + x : place * side + x + one.shape[1]] = one
    ends = side * np.arange(len(digits) + 1, dtype=np.float32)
    number = Number("".join(map(str, digits)), ink, np.stack([ends[:-1], ends[1:]], axis=1), HEIGHT)
    filled = lay(number, sheet.writer, sheet.seed)
    return draw_field(filled, rng, filled.box, int(rng.integers(2, 5)), filled.ends[1:, 0].tolist())


def draw_field(
    sheet: Sheet, rng: np.random.Generator, box: tuple[float, ...], line: int, dividers: list[float] | None = None
) -> Sheet:
    """Draw a box and, from its upper to its lower side, dividers, all leaning alike."""
    (x0, y0, x1, y1), lean = box, np.tan(np.radians(rng.uniform(-1.5, 1.5)))

    def turn_by_lean(x: float, y: float) -> tuple[float, float]:
        return x - lean * (y - y0), y + lean * (x - x0)

    def draw_lines(draw: ImageDraw.ImageDraw) -> None:
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
        draw.line([turn_by_lean(*corner) for corner in corners], 255, line, "curve")
        for x in dividers or ():
            draw.line([turn_by_lean(x, y0), turn_by_lean(x, y1)], 255, line)

    return sheet._replace(photo=print_lines(sheet.photo, DARK, draw_lines))


def of_photos(damage: Callable[..., Image.Image], **options: Any) -> Damage:
    """Return a damage of photos as one of sheets."""
    return lambda sheet, rng: sheet._replace(photo=damage(sheet.photo, rng, **options))


def draw_on_black(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Draw with a broad brush on a black canvas, as a page for digits has one, cut out closely."""
    left, top, right, bottom = sheet.box
    grey = np.asarray(sheet.photo.convert("L").crop((left - 9, top - 9, right + 9, bottom + 9)), np.float32)
    ink = Image.fromarray((grey < (grey.min() + np.median(grey)) / 2).astype(np.uint8) * 255)
    broad = ink.filter(ImageFilter.MaxFilter(int(rng.choice([3, 5, 7]))))
    scale = rng.uniform(0.6, 0.9)
    return sheet._replace(photo=broad.resize([round(side * scale) for side in broad.size], Image.Resampling.BOX))


DAMAGES: dict[str, Damage] = {
    "undamaged": lambda sheet, rng: sheet,
    "half as large in the photo": partial(step_back, share=0.5),
    "a quarter as large": partial(step_back, share=0.25),
    "an eighth as large": partial(step_back, share=0.125),
    "alone on a page": lay_on_page,
    "a form's field, thin": partial(print_field, width=(2, 4)),
    "a form's field, thick": partial(print_field, width=(6, 10)),
    "a cell for each digit": fill_cells,
    "a box along the frame": of_photos(print_box, width=(2, 6)),
    **{name: of_photos(damage) for name, damage in PHOTO_DAMAGES.items() if name.startswith(_OF_PAPER)},
    "flash beside the number": of_photos(flash),
    "turned by 4 degrees": of_photos(turn, degrees=4),
    "turned by 8 degrees": of_photos(turn, degrees=8),
    "turned by 15 degrees": of_photos(turn, degrees=15),
    "turned by 30 degrees": partial(turn_steeply, degrees=30),
    "bright on dark": of_photos(lambda photo, rng: ImageOps.invert(photo)),
    "a broad brush on black": draw_on_black,
}

if __name__ == "__main__":
    main()
