"""Numbers: strips of whole numbers as people write them into cells, forms and cheques, what each says, and where."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitrec.numbers.lines import to_strip
from digitrec.synthesis.canvas import Images, Labels, check_digits
from digitrec.synthesis.lettering import write_number
from digitrec.synthesis.snapshots import take
from digitrec.synthesis.texts import choose_text
from digitrec.synthesis.writers import gather

WIDTH, MOST = 256, 16  # pixels of the widest strip, characters of the longest text
_STRIPS_A_WRITER = 5


class Strips(NamedTuple):
    """Strips of numbers.

    Attributes:
        images: uint8 (n, 32, 256), ink bright, padded with zeros at the right.
        widths: int64 (n,), columns of each before the padding.
        texts: what each says, over `texts.CHARACTERS`; empty where nothing is written.
        spans: float32 (n, 16, 2), the left and right end of every character in pixels; NaN beyond the text.
    """

    images: Images
    widths: NDArray[np.int64]
    texts: list[str]
    spans: NDArray[np.float32]


def draw_numbers(images: Images, labels: Labels, n: int, rng: np.random.Generator) -> Strips:
    """Draw strips of numbers, each in one hand, on paper as people have it, photographed and cut out.

    Args:
        images: uint8 (m, 28, 28) of digits, ink bright; half of the hands are drawn, not given.
        labels: int (m,), 0-9.
        n: how many.
        rng: source of all randomness.

    Returns:
        n strips.

    Raises:
        ValueError: images of another form, or not a label for each.
    """
    check_digits(images)
    if np.shape(labels) != (len(images),):
        raise ValueError(f"labels: expected {len(images)}, one an image, got shape {np.shape(labels)}")
    writers = gather(images, labels, n // _STRIPS_A_WRITER + 1, rng)
    strips = np.zeros((n, 32, WIDTH), np.uint8)
    widths, spans, texts = np.zeros(n, np.int64), np.full((n, MOST, 2), np.nan, np.float32), []
    for i in range(n):
        strip = None
        while strip is None or strip.shape[1] > WIDTH:
            number = write_number(choose_text(rng), writers[i // _STRIPS_A_WRITER], rng)
            picture, where = take(number, rng)
            strip = to_strip(picture)
        widths[i] = strip.shape[1]
        strips[i, :, : widths[i]] = strip
        spans[i, : len(where)] = where * np.float32(strip.shape[1] / picture.shape[1])
        texts.append(number.text)
    return Strips(strips, widths, texts, spans)
