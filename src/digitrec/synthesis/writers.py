"""Writers: people who each write all ten digits, and the marks between, in a way of their own."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from digitrec.synthesis.cameras import measure_darkness
from digitrec.synthesis.canvas import Images, Ink, Labels, as_ink, crop, transform
from digitrec.synthesis.digit_forms import DIGITS
from digitrec.synthesis.glyphs import parse
from digitrec.synthesis.hands import ink_strokes
from digitrec.synthesis.pens import Path, retrace, trace
from digitrec.synthesis.printing import list_faces, print_character

HEIGHT = 44  # pixels a digit is high
# Ones with an upstroke nearly as long as the stem, as most of Europe and Africa write them.
_CONTINENTAL = (
    "07 50. 49,16 50. 49,08 40. 39,08 26 50. 49,17 35 50. 49,05 23 50. 49,06 35 60. 59,09 50. 49,"
    "08 50. 39,09 26 50. 39,07 60. 48,15 40. 39,06 40. 49"
)
_CROSSED = (
    "00 60. 29/16 56,00 60. 39/26 64,02 00. 60. 35 29/16 66,01 50. 29/14 55,02 01. 60. 34 29/17 56,00 50. 49/25 75"
)
_OPEN = "10 06. 76/61 49,30 06. 66/53 49,20 05. 65/44 29,40 06. 76/62 48,20 06. 56/52 39,10 15. 65/50 59"


class Writer(Protocol):
    """Somebody who writes digits.

    Attributes:
        slant: how far the top of what they write leans to the right, by the height.
    """

    slant: float

    def write(self, digit: int, rng: np.random.Generator) -> Ink:
        """Write a digit: float32 (h, w), 0-1, cut out, of any height."""
        ...


class DrawnHand:
    """A hand that is drawn: each digit in one of its ways, always the same, with one pen."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Choose how they write."""
        self.roundness = (rng.random() < 0.5) * rng.uniform(0, 0.6)
        self.jitter, self.tremor = rng.uniform(0.05, 0.3), (rng.random() < 0.4) * rng.uniform(0, 0.06)
        self.slant, self.turn = rng.normal(0.15, 0.2), rng.normal(0, 0.04)
        if rng.random() < 0.12:
            self.slant = rng.uniform(0.35, 0.8)
        self.aspect = rng.uniform(0.65, 1.25)
        self.pen = int(rng.integers(2**31))
        ways = [glyph.split(",") for glyph in DIGITS]
        for digit, others, often in ((1, _CONTINENTAL, 0.55), (7, _CROSSED, 0.25), (4, _OPEN, 0.2)):
            if rng.random() < often:
                ways[digit] = others.split(",")
        self.ways = [forms[int(rng.integers(len(forms)))] for forms in ways]

    def write(self, digit: int, rng: np.random.Generator) -> Ink:
        """Write a digit."""
        return crop(ink_strokes(self.move(digit, rng), np.random.default_rng(self.pen)))

    def move(self, digit: int, rng: np.random.Generator) -> list[NDArray]:
        """Move the pen: strokes (samples, 2) of a digit about nine units high."""
        waist, lean = rng.normal(0, 0.25, 2)
        slant = self.slant + rng.normal(0, 0.04)
        strokes = []
        for points, kept, rounded in parse(self.ways[digit]):
            moved = points + rng.normal(0, self.jitter, points.shape)
            curve = (kept + self.roundness * (rounded - kept)) @ moved
            curve += rng.normal(0, self.tremor, curve.shape)
            x, y = curve[:, 0] - 3, curve[:, 1] - 4.5
            sway = np.cos(y * (np.pi / 9))
            y = y + waist * sway
            x = self.aspect * (x + lean * sway) - slant * y
            strokes.append(np.stack([x - self.turn * y, y + self.turn * x], axis=1))
        return strokes


class TracedHand:
    """A hand of given digits, written again with one pen in one slant."""

    def __init__(self, paths: Sequence[Path], own: DrawnHand, rng: np.random.Generator) -> None:
        """Take a path for each digit; `own` writes those of which there is none, and at times the ones."""
        self.paths, self.own = list(paths), own
        self.pen = int(rng.choice([1, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8]))
        self.slant, self.aspect = rng.normal(0.1, 0.2), rng.uniform(0.7, 1.25)
        self.borrows_one = rng.random() < 0.5

    def write(self, digit: int, rng: np.random.Generator) -> Ink:
        """Write a digit."""
        path = self.paths[digit]
        if not len(path) or (digit == 1 and self.borrows_one):
            return retrace(link(self.own.move(digit, rng)), HEIGHT - self.pen, self.pen, 0, 1)
        slant = self.slant - _lean(path) + rng.normal(0, 0.04)
        return retrace(path, HEIGHT - self.pen, self.pen, slant, self.aspect * rng.uniform(0.93, 1.07))


class GivenHand:
    """A hand of given digits as they are, but for slant, width and the weight of the pen."""

    def __init__(self, images: Images, own: DrawnHand, rng: np.random.Generator) -> None:
        """Take an image for each digit; `own` writes the ones at times."""
        self.images, self.own = images, own
        self.slant, self.aspect = rng.normal(0.15, 0.2), rng.uniform(0.75, 1.2)
        self.level, self.hardness = rng.uniform(0.3, 0.75), rng.uniform(1.5, 5)
        self.borrows_one, self.pen = rng.random() < 0.5, round(7.5 - 5 * self.level)

    def write(self, digit: int, rng: np.random.Generator) -> Ink:
        """Write a digit."""
        if digit == 1 and self.borrows_one:
            return retrace(link(self.own.move(digit, rng)), HEIGHT - self.pen, self.pen, 0, 1)
        ink = crop(as_ink(self.images[digit]))
        slant = self.slant - 0.8 * _measure_slant(ink) + rng.normal(0, 0.04)
        ink = transform(ink, HEIGHT, slant, self.aspect * rng.uniform(0.93, 1.07))
        return crop(np.clip((ink / measure_darkness(ink) - self.level) * self.hardness + 0.5, 0, 1))


class Press:
    """A machine that prints."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Choose a face."""
        self.slant = 0.1
        files = list_faces()
        self.file, self.seed = files[int(rng.integers(len(files)))], int(rng.integers(2**31))

    def write(self, digit: int, rng: np.random.Generator) -> Ink:
        """Print a digit."""
        return crop(print_character(str(digit), np.random.default_rng(self.seed), self.file))


def gather(images: Images, labels: Labels, n: int, rng: np.random.Generator) -> list[Writer]:
    """Gather writers, half of whom are drawn, while the others write as given digits are.

    Args:
        images: uint8 (m, 28, 28) of digits.
        labels: int (m,), 0-9.
        n: how many.
        rng: source of all randomness.
    """
    drawn = [DrawnHand(rng) for _ in range(n)]
    kinds = rng.random(n)
    own = [np.flatnonzero(labels == digit) for digit in range(10)]
    if not all(map(len, own)):  # some digit lacks
        kinds *= 0.5
    chosen = np.stack([rng.choice(one, n) if len(one) else np.zeros(n, int) for one in own], axis=1)
    traced = np.flatnonzero((kinds > 0.5) & (kinds < 0.8))
    paths = iter(trace(images[chosen[traced].ravel()]) if len(traced) else [])
    writers: list[Writer] = []
    for hand, kind, which in zip(drawn, kinds.tolist(), chosen, strict=True):
        if kind < 0.02:
            writers.append(Press(rng))
        elif kind <= 0.5:
            writers.append(hand)
        elif kind < 0.8:
            writers.append(TracedHand([next(paths) for _ in range(10)], hand, rng))
        else:
            writers.append(GivenHand(images[which], hand, rng))
    return writers


def link(strokes: list[NDArray]) -> Path:
    """Turn strokes (samples, 2) into one path of segments."""
    parts = [np.stack([stroke[:-1], stroke[1:]], axis=1) for stroke in strokes]
    return np.concatenate(parts).astype(np.float32)


def _lean(path: Path) -> float:
    """Return how far the top of a path leans to the right, by the height."""
    x, y = (path.reshape(-1, 2) - path.reshape(-1, 2).mean(axis=0)).T
    return float(np.clip(-(x @ y) / max(float(y @ y), 1e-3), -0.5, 0.5))


def _measure_slant(ink: Ink) -> float:
    """Return how far the top leans to the right, by the height: from the moments of the ink."""
    mass = max(float(ink.sum()), 1e-3)
    y, x = np.arange(len(ink), dtype=np.float32), np.arange(ink.shape[1], dtype=np.float32)
    y, x = y - float(ink.sum(axis=1) @ y) / mass, x - float(ink.sum(axis=0) @ x) / mass
    return float(np.clip(-(y @ ink @ x) / max(float(ink.sum(axis=1) @ y**2), 1e-3), -0.5, 0.5))
