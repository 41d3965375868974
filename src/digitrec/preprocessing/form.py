"""The one door: any picture in, its 28x28 MNIST form out; and `images` to the `x` a network takes.

Every entry point (notebook, command line, page) goes through `to_mnist`, a chain of small stages:
read the picture, reduce its colours to one contrast, find the sheet, erase boxes, even the light, erase rules,
keep the one digit, box it as MNIST was boxed. `show_stages` keeps what each of them made.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec.preprocessing.box import box_ink
from digitrec.preprocessing.decoding import read_picture
from digitrec.preprocessing.frames import erase_frames
from digitrec.preprocessing.ink import even_light, reduce_colours
from digitrec.preprocessing.pieces import keep_digit
from digitrec.preprocessing.rules import drop_rules
from digitrec.preprocessing.sheet import crop_sheet, orient_contrast

Bytes = NDArray[np.uint8]
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Stages:
    """What the door made of a picture, stage by stage, in order.

    Attributes:
        picture: uint8 (h, w) or (h, w, 3), as read.
        contrast: uint8 (h, w), the sheet alone, its colours on one axis from ink (dark) to paper, without boxes.
        ink: float32 (h, w), 0-1, light evened and rules erased, ink bright: all digits there are.
        digit: float32 (h, w), 0-1, the one digit: specks and pieces of neighbours dropped.
        image: uint8 (28, 28), the MNIST form; all zero where there is no ink.
    """

    picture: Bytes
    contrast: Bytes
    ink: Floats
    digit: Floats
    image: Bytes


def prepare(images: Bytes) -> Floats:
    """Turn images into what a network takes.

    Args:
        images: uint8 (n, 28, 28), or one image (28, 28), 0-255, ink bright.

    Returns:
        float32 (n, 28, 28, 1), 0-1; n is 1 for one image.

    Raises:
        ValueError: if shape or dtype differ.

    >>> x = prepare(np.zeros((2, 28, 28), np.uint8))
    >>> x.shape, x.dtype.name
    ((2, 28, 28, 1), 'float32')
    """
    array = np.asarray(images)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[-2:] != (28, 28):
        raise ValueError(
            f"images: expected uint8 (n, 28, 28), got {array.dtype} {array.shape}; "
            "to_mnist brings a picture into that form"
        )
    return array.reshape(-1, 28, 28, 1) / np.float32(255)


def to_mnist(picture: Any) -> Bytes:
    """Bring a picture of one digit into MNIST's form.

    Args:
        picture: whatever `read_picture` takes.

    Returns:
        uint8 (28, 28), ink bright; all zero where the picture holds no ink. An image that is
        already in MNIST's form, or the inverse of one, comes back exactly.

    Raises:
        PictureError: if the picture cannot be read.

    >>> from digitrec.records import SAMPLES
    >>> image = to_mnist(SAMPLES / "7_crossed.png")
    >>> image.shape, int(image.max())
    ((28, 28), 255)
    """
    return show_stages(picture).image


def show_stages(picture: Any) -> Stages:
    """Bring a picture into MNIST's form as `to_mnist` does, and keep every stage for a figure.

    Args:
        picture: whatever `read_picture` takes.

    Returns:
        The stages in order.

    Raises:
        PictureError: if the picture cannot be read.
    """
    # What is in MNIST's form already needs no reading, and is asked for by the thousand.
    image = match_mnist(picture) if isinstance(picture, np.ndarray) and picture.dtype == np.uint8 else None
    if image is None:
        pixels = read_picture(picture)
        grey = reduce_colours(pixels)
        image = match_mnist(grey)
    else:
        pixels = picture
    if image is not None:
        bright = image / np.float32(255)
        return Stages(pixels, ~image, bright, bright, image)
    sheet = erase_frames(crop_sheet(grey))  # before a dark box passes for the paper around a pale pen
    contrast = orient_contrast(sheet)
    if contrast is not sheet:
        contrast = erase_frames(contrast)
    ink = drop_rules(even_light(contrast))
    digit = keep_digit(ink)
    return Stages(pixels, contrast, ink, digit, box_ink(digit))


def look_inside(stages: Stages) -> Bytes | None:
    """Bring a picture into MNIST's form once more, without a tenth of its sheet at the left and at the right.

    Args:
        stages: of the picture, as `show_stages` gives them.

    Returns:
        uint8 (28, 28); None where there is no ink in those tenths.
    """
    width = stages.ink.shape[1]
    left, right = width // 10, width - width // 10
    if not (stages.ink[:, :left].any() or stages.ink[:, right:].any()):
        return None
    ink = drop_rules(even_light(np.ascontiguousarray(stages.contrast[:, left:right])))
    return box_ink(keep_digit(ink))


def match_mnist(grey: Bytes) -> Bytes | None:
    """Return an image, inverted if need be, where boxing it again would neither move nor scale it.

    That holds for each of MNIST's 70,000: background 0, full ink somewhere, longest side 19 or 20
    pixels, centre of mass within 0.52 pixels of (14, 14).
    """
    if grey.shape != (28, 28):
        return None
    image = grey if grey.mean() < 127.5 else ~grey
    rows, columns = image.sum(axis=1, dtype=np.int64), image.sum(axis=0, dtype=np.int64)
    down, across = np.flatnonzero(rows), np.flatnonzero(columns)
    if not len(down) or image.max() < 254:
        return None
    side = max(down[-1] - down[0], across[-1] - across[0]) + 1
    steps, mass = np.arange(28), rows.sum()
    off_centre = max(abs(rows @ steps / mass - 14), abs(columns @ steps / mass - 14))
    return image if side in (19, 20) and off_centre < 0.53 else None
