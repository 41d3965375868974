"""Writers: people who each write all ten digits, and the marks between, in a way of their own."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from digitrec.synthesis.cameras import measure_darkness
from digitrec.synthesis.canvas import Images, Ink, Labels, as_ink, crop, measure_slant, transform
from digitrec.synthesis.digit_forms import DIGITS
from digitrec.synthesis.glyphs import parse
from digitrec.synthesis.habits import HABITS
from digitrec.synthesis.hands import ink_strokes
from digitrec.synthesis.pens import Path, retrace, trace
from digitrec.synthesis.printing import list_faces, print_character

HEIGHT = 44  # pixels a digit is high


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
        for digit, forms, often in HABITS:
            if rng.random() < often:
                ways[digit] = forms.split(",")
        self.ways = [one[int(rng.integers(len(one)))] for one in ways]

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
        """Take a path for each digit; `own` writes those of which there is none, and some besides."""
        self.paths, self.own = list(paths), own
        self.pen = int(rng.choice([1, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8]))
        self.slant, self.aspect = rng.normal(0.1, 0.2), rng.uniform(0.7, 1.25)
        self.borrowed = _borrow(rng)

    def write(self, digit: int, rng: np.random.Generator) -> Ink:
        """Write a digit."""
        path = self.paths[digit]
        if not len(path) or digit in self.borrowed:
            return retrace(link(self.own.move(digit, rng)), HEIGHT - self.pen, self.pen, 0, 1)
        slant = self.slant - _lean(path) + rng.normal(0, 0.04)
        return retrace(path, HEIGHT - self.pen, self.pen, slant, self.aspect * rng.uniform(0.93, 1.07))


class GivenHand:
    """A hand of given digits as they are, but for slant, width and the weight of the pen."""

    def __init__(self, images: Images, own: DrawnHand, rng: np.random.Generator) -> None:
        """Take an image for each digit; `own` writes some of them."""
        self.images, self.own = images, own
        self.slant, self.aspect = rng.normal(0.15, 0.2), rng.uniform(0.75, 1.2)
        self.level, self.hardness = rng.uniform(0.3, 0.75), rng.uniform(1.5, 5)
        self.borrowed, self.pen = _borrow(rng), round(7.5 - 5 * self.level)

    def write(self, digit: int, rng: np.random.Generator) -> Ink:
        """Write a digit."""
        if digit in self.borrowed:
            return retrace(link(self.own.move(digit, rng)), HEIGHT - self.pen, self.pen, 0, 1)
        ink = crop(as_ink(self.images[digit]))
        slant = self.slant - 0.8 * measure_slant(ink) + rng.normal(0, 0.04)
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


def _borrow(rng: np.random.Generator) -> list[int]:
    """Choose the digits that a hand of given ones does not write as they are: MNIST's lack forms, of the ones most."""
    return [digit for digit in range(10) if rng.random() < (0.5 if digit == 1 else 0.12)]


def _lean(path: Path) -> float:
    """Return how far the top of a path leans to the right, by the height."""
    x, y = (path.reshape(-1, 2) - path.reshape(-1, 2).mean(axis=0)).T
    return float(np.clip(-(x @ y) / max(float(y @ y), 1e-3), -0.5, 0.5))
