"""Where the network looked: cover a picture piece by piece, and see what that does to the reading."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec.preprocessing.form import prepare
from digitrec.recognizer import Answer, Recognizer

PATCH = 5  # pixels: broader than a stroke of 2 to 4, narrower than a loop; 7 blurs the two arms of a k into one
STRIDE = 2


@dataclass(frozen=True)
class Explanation:
    """What the network read in a picture, and where it looked.

    Attributes:
        answer: as `Recognizer.predict` gives it.
        digit: the digit explained, 0-9: the one answered, or the best one where it declined; None without ink.
        heat: float32 (28, 28): by how much the log-odds of that digit, against the other nine and "not a digit",
            fall when a patch over the pixel is covered. Positive speaks for the digit, negative against it; 0
            where there is no ink to cover.
    """

    answer: Answer
    digit: int | None
    heat: NDArray[np.float32]

    @property
    def image(self) -> NDArray[np.uint8]:
        """uint8 (28, 28), the picture as the network saw it."""
        return self.answer.image


def explain(recognizer: Recognizer, picture: Any) -> Explanation:
    """Explain what a network reads in a picture by covering parts of it with paper.

    Source: Zeiler, Fergus 2014, "Visualizing and understanding convolutional networks", section 4.2.

    Args:
        recognizer: the network.
        picture: whatever `Recognizer.predict` takes.

    Returns:
        The answer and its heat map; a picture without ink has a heat of 0 everywhere.

    Raises:
        PictureError: as `Recognizer.predict` does.

    >>> from digitrec.records import SAMPLES
    >>> explained = explain(Recognizer.load("cnn"), SAMPLES / "7_crossed.png")
    >>> explained.digit, explained.heat.shape
    (7, (28, 28))
    """
    answer = recognizer.predict(picture)
    image = answer.image
    heat = np.zeros(image.shape, np.float32)
    if not image.any():
        return Explanation(answer, None, heat)
    digit = int(answer.probabilities.argmax())
    patches = _place_patches(image)
    covered = np.concatenate([image[None], np.where(patches, np.uint8(0), image)])
    # Odds, for a probability hardly moves: near 1 in a clear digit, near 0 in a letter.
    odds = _log_odds(recognizer.run_network(prepare(covered)) / recognizer.temperature, digit)
    total = np.tensordot(odds[0] - odds[1:], patches, 1)
    touched = patches.sum(axis=0)
    np.divide(total, touched, out=heat, where=touched > 0)
    return Explanation(answer, digit, heat)


def _place_patches(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the patches that cover some ink, as masks (n, 28, 28)."""
    corners, steps = np.arange(STRIDE - PATCH, 28, STRIDE), np.arange(28)
    inside = (steps >= corners[:, None]) & (steps < corners[:, None] + PATCH)
    masks = (inside[:, None, :, None] & inside[None, :, None, :]).reshape(-1, 28, 28)
    return masks[(masks & (image > 0)).any(axis=(1, 2))]


def _log_odds(logits: NDArray[np.floating], digit: int) -> NDArray[np.floating]:
    """Return log p / (1 - p) of a digit, (n,); "not a digit", whose logit is 0, is among the others."""
    others = logits.copy()
    others[:, digit] = 0
    return logits[:, digit] - np.logaddexp.reduce(others, axis=1)
