"""What was read in a picture of a number: its text, how sure that is, its characters, and what else it may be."""

import io
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Kind = Literal["number", "blank", "unsure", "not a number"]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Character:
    """A character of a number.

    Attributes:
        text: a digit, or one of . , - /
        confidence: calibrated probability, 0-1, that it is this one, given that a character stands there.
        box: left, top, right, bottom in the given picture's pixels.
    """

    text: str
    confidence: float
    box: Box


@dataclass(frozen=True)
class Number:
    """What was read in one picture; a notebook shows it as the strip that the network saw.

    Attributes:
        text: digits and the marks . , - / as they stand there; None where it declines.
        confidence: calibrated probability, 0-1, that `best` is right to the last character; of a blank, that it is one.
        characters: those of `best`, in order.
        best: the likeliest reading, also where it declines; None of a blank.
        alternatives: up to five more that are likely, and their probabilities; an empty text is a blank.
        kind: "number"; or, where it declines, "blank", "unsure" or "not a number".
        reason: why it declined, in a line; None when it answers.
        strip: uint8 (32, w), the line as the network saw it.

    >>> Number("47", 0.98, (), "47", (("41", 0.01),), "number", None, np.zeros((32, 60), np.uint8))
    Number(text='47', confidence=0.98, best='47', kind='number', reason=None)
    """

    text: str | None
    confidence: float
    characters: tuple[Character, ...] = field(repr=False)
    best: str | None
    alternatives: tuple[tuple[str, float], ...] = field(repr=False)
    kind: Kind
    reason: str | None
    strip: NDArray[np.uint8] = field(repr=False)

    def _repr_png_(self) -> bytes:
        """Draw the strip dark on white and three times as large."""
        file = io.BytesIO()
        image = Image.fromarray(~self.strip)
        image.resize((3 * image.width, 3 * image.height), Image.Resampling.NEAREST).save(file, "PNG")
        return file.getvalue()
