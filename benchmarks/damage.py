"""Damage photos of paper as desks and forms do, and read what is left: boxes, rules, squares, shadows, a flash, a turn.

A folder of sets as benchmarks/real_handwriting.py takes them. Taken are photos of paper alone: at least 130 pixels wide
or high, grain enough that no grey fills 40 % of the picture, and paper, not a desk, all along the frame. Each is
brought to 800 pixels and damaged anew several times, the same way at every run with the same seed.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from digitrec import Recognizer, records
from digitrec.handwriting.sets import list_pictures
from digitrec.mnist import DataError
from digitrec.model_folder import ModelError

SMALLEST, SIDE = 130, 800
BLUE, DARK = (0.52, 0.67, 0.88), (0.25, 0.25, 0.27)  # what a printed line leaves of the paper's red, green and blue
SURE = 0.9

Floats = NDArray[np.float32]
Damage = Callable[[Image.Image, np.random.Generator], Image.Image]


def main() -> int:
    """Measure every damage; return 0, or 2 where there is no photo of paper or no model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder of sets, or one set")
    parser.add_argument("--model", default="cnn", help="name or folder of the model")
    parser.add_argument("--variants", type=int, default=3, metavar="N", help="how often each photo is damaged")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="FILE", default="benchmarks/damage.json", help="where the figures go")
    parser.add_argument("--sheet", metavar="FILE", help="draw the damaged pictures and what became of them here")
    parser.add_argument("--only", metavar="NAME", default="", help="only damages whose name holds this")
    options = parser.parse_args()
    try:
        recognizer, photos = Recognizer.load(options.model), choose_photos(options.folder)
    except (DataError, ModelError, OSError) as error:
        print(f"damage: {error}", file=sys.stderr)
        return 2
    figures, cells = {}, []
    print(f"| damage ({len(photos)} photos) | pictures | right | answered | wrong above {SURE} |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, damage in DAMAGES.items():
        if options.only in name:
            figures[name], seen = measure(recognizer, photos, name, damage, options.variants, options.seed)
            cells += seen
            print("| {} | {pictures} | {right:.1%} | {answered:.1%} | {surely_wrong} |".format(name, **figures[name]))
    if options.sheet:
        draw_sheet(cells, options.sheet)
    if not options.only:
        settings = {"model": options.model, "photos": len(photos), "variants": options.variants, "seed": options.seed}
        records.write_result(options.json, settings | {"threshold": recognizer.threshold, "damages": figures})
    return 0


def choose_photos(folder: Path) -> list[tuple[Image.Image, int]]:
    """Return the photos of paper in a folder, 800 pixels wide or high, and their digits."""
    pictures = list_pictures(folder)
    photos = []
    for path, label in zip(pictures.paths, pictures.labels.tolist(), strict=True):
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file).convert("RGB")
        if label <= 9 and max(picture.size) >= SMALLEST and is_paper(np.asarray(picture.convert("L"))):
            scale = SIDE / max(picture.size)
            width, height = (round(side * scale) for side in picture.size)
            photos.append((picture.resize((width, height), Image.Resampling.BICUBIC), label))
    if not photos:
        raise DataError(f"{folder}: expected photos of paper, found none")
    return photos


def is_paper(grey: NDArray[np.uint8]) -> bool:
    """Tell a photo of paper from a drawing, whose paper is flat, and from one of a desk with paper on it."""
    if np.bincount(grey.ravel()).max() > 0.4 * grey.size:
        return False
    small = np.asarray(Image.fromarray(grey).resize((48, 48), Image.Resampling.BOX), np.float32)
    frame = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    return bool(np.quantile(frame, 0.1) > 0.5 * np.median(small) > 25)


def measure(
    recognizer: Recognizer, photos: list, name: str, damage: Damage, variants: int, seed: int
) -> tuple[dict[str, float], list]:
    """Damage every photo, read it, and count; return the figures, and of each picture what a sheet shows."""
    answers, labels, cells = [], [], []
    for place, (photo, label) in enumerate(photos):
        for variant in range(variants):
            damaged = damage(photo, np.random.default_rng([seed, place, variant]))
            answers.append(recognizer.predict(damaged))
            labels.append(label)
            cells.append((damaged.resize((96, 96)), answers[-1].image))
    right = [answer.digit == label for answer, label in zip(answers, labels, strict=True)]
    answered = [answer.digit is not None for answer in answers]
    sure = [answer.confidence > SURE for answer in answers]
    wrong = sum(a and s and not r for a, s, r in zip(answered, sure, right, strict=True))
    figures = {"pictures": len(answers), "right": float(np.mean(right)), "answered": float(np.mean(answered))}
    texts = [f"{label}>{answer.digit} {answer.confidence:.2f}" for answer, label in zip(answers, labels, strict=True)]
    cells = [(name, text, *cell) for text, cell, good in zip(texts, cells, right, strict=True) if not good]
    return figures | {"surely_wrong": wrong}, cells


def print_lines(photo: Image.Image, colour: tuple[float, ...], draw_lines: Callable[[ImageDraw.ImageDraw], None]):
    """Print lines on the paper: what lies under them, the pen's ink too, shows through as it does on paper."""
    mask = Image.new("L", photo.size)
    draw_lines(ImageDraw.Draw(mask))
    share = np.asarray(mask.filter(ImageFilter.GaussianBlur(0.8)), np.float32)[..., None] / 255
    return light_up(photo, 1 - share * (1 - np.float32(colour)))


def light_up(photo: Image.Image, light: Floats) -> Image.Image:
    """Multiply a photo by light, (h, w, 1) or (h, w, 3)."""
    return Image.fromarray(np.clip(np.asarray(photo) * light, 0, 255).astype(np.uint8))


def print_box(photo: Image.Image, generator: np.random.Generator, width: tuple[int, int]) -> Image.Image:
    """Print a box into the picture, each side 1-10 % from the frame, turned by up to 1.5 degrees."""
    size, line = np.array(photo.size), int(generator.integers(*width, endpoint=True))
    near, far = size * generator.uniform(0.01, 0.1, 2), size * (1 - generator.uniform(0.01, 0.1, 2))
    slant = np.tan(np.radians(generator.uniform(-1.5, 1.5)))
    corners = np.array([near, (far[0], near[1]), far, (near[0], far[1]), near])
    corners = corners + (corners[:, ::-1] - size[::-1] / 2) * (slant, -slant)
    points = [(float(x), float(y)) for x, y in corners]
    return print_lines(photo, DARK, lambda draw: draw.line(points, 255, line, "curve"))


def print_rules(photo: Image.Image, generator: np.random.Generator, colour: tuple, squared: bool) -> Image.Image:
    """Rule the paper, 60-130 pixels apart; squares are of 40-80. Leaning by up to 2 degrees, 2-4 pixels thick."""
    gap = generator.uniform(40, 80) if squared else generator.uniform(60, 130)
    slant, width = np.tan(np.radians(generator.uniform(-2, 2))), int(generator.integers(2, 4, endpoint=True))
    down, across = generator.uniform(0, gap, 2)
    far = 2 * SIDE

    def draw_lines(draw: ImageDraw.ImageDraw) -> None:
        for at in np.arange(-SIDE, far, gap):
            draw.line((0, at + down, far, at + down + slant * far), 255, width)
            if squared:
                draw.line((at + across, 0, at + across - slant * far, far), 255, width)

    return print_lines(photo, colour, draw_lines)


def cast_shadow(photo: Image.Image, generator: np.random.Generator, darkness: float) -> Image.Image:
    """Cast the shadow of a hand that comes in from one side: palm and fingers, its edge sharp to soft."""
    angle = generator.uniform(0, 2 * np.pi)
    way = np.array([np.cos(angle), np.sin(angle)])
    middle = np.array(photo.size) / 2
    tip = middle + SIDE * (generator.uniform(-0.05, 0.2) * way + generator.uniform(-0.2, 0.2) * way[::-1] * (-1, 1))
    mask = Image.new("L", photo.size)
    draw = ImageDraw.Draw(mask)
    for turn in np.radians([-18, -6, 6, 18]) + generator.normal(0, 0.05, 4):
        finger = np.array([np.cos(angle + turn), np.sin(angle + turn)])
        start = tip + finger * SIDE * generator.uniform(0, 0.12)
        draw.line((*start, *(start + finger * 2 * SIDE)), 255, round(0.13 * SIDE))
        radius = 0.065 * SIDE
        draw.ellipse((*(start - radius), *(start + radius)), 255)
    palm, radius = tip + way * 0.65 * SIDE, 0.38 * SIDE
    draw.ellipse((*(palm - radius), *(palm + radius)), 255)
    mask = mask.filter(ImageFilter.GaussianBlur(float(generator.choice([1.5, 8, 25, 50]))))
    return light_up(photo, 1 - darkness * np.asarray(mask, np.float32)[..., None] / 255)


def flash(photo: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Let a flash mirror beside the digit: burnt out in its middle, and what is far from it darker for it."""
    angle, far = generator.uniform(0, 2 * np.pi), generator.uniform(0.4, 0.55) * SIDE
    x, y = photo.width / 2 + far * np.cos(angle), photo.height / 2 + far * np.sin(angle)
    columns, rows = np.arange(photo.width) - x, np.arange(photo.height)[:, None] - y
    light = np.exp(-(columns**2 + rows**2) / (2 * (generator.uniform(0.1, 0.2) * SIDE) ** 2))[..., None]
    glare = np.asarray(photo) * (0.65 + 0.5 * light) + 160 * light
    return Image.fromarray(np.clip(glare, 0, 255).astype(np.uint8))


def turn(photo: Image.Image, generator: np.random.Generator, degrees: float) -> Image.Image:
    """Turn the paper to either side; beyond the photo it goes on as the photo's own mirror image would."""
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    height, width = (
        max(0, round(side * (cosine - 1) + other * sine) // 2) + 2
        for side, other in ((photo.height, photo.width), (photo.width, photo.height))
    )
    pixels = np.pad(np.asarray(photo), ((height, height), (width, width), (0, 0)), "reflect")
    side = float(generator.choice([-degrees, degrees]))
    turned = Image.fromarray(pixels).rotate(side, Image.Resampling.BICUBIC)
    return turned.crop((width, height, width + photo.width, height + photo.height))


def draw_sheet(cells: list, path: str) -> None:
    """Draw what was not answered right, 8 in a row: the picture, what the network saw, truth > answer."""
    sheet = Image.new("L", (8 * 200, max(1, -(-len(cells) // 8)) * 110), 255)
    draw = ImageDraw.Draw(sheet)
    for place, (name, text, picture, image) in enumerate(cells):
        x, y = place % 8 * 200, place // 8 * 110
        sheet.paste(picture.convert("L"), (x, y + 12))
        sheet.paste(Image.fromarray(~image).resize((96, 96), Image.Resampling.NEAREST), (x + 98, y + 12))
        draw.text((x, y), f"{name} {text}", 0)
    sheet.save(path)


DAMAGES: dict[str, Damage] = {
    "undamaged": lambda photo, generator: photo,
    "printed box, thin": partial(print_box, width=(2, 4)),
    "printed box, thick": partial(print_box, width=(8, 14)),
    "ruled, blue": partial(print_rules, colour=BLUE, squared=False),
    "ruled, dark": partial(print_rules, colour=DARK, squared=False),
    "squared, blue": partial(print_rules, colour=BLUE, squared=True),
    "squared, dark": partial(print_rules, colour=DARK, squared=True),
    "hand's shadow, 20 %": partial(cast_shadow, darkness=0.2),
    "hand's shadow, 40 %": partial(cast_shadow, darkness=0.4),
    "hand's shadow, 55 %": partial(cast_shadow, darkness=0.55),
    "flash beside the digit": flash,
    "turned by 30 degrees": partial(turn, degrees=30),
}

if __name__ == "__main__":
    sys.exit(main())
