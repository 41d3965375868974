"""What the network of numbers is taught: for each frame the character it shows, and for the whole line its text."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitrec.numbers.boxes import STRIDE
from digitrec.numbers.constraints import CHARACTERS
from digitrec.numbers.decoding import BLANK

CLASSES = BLANK + 1
MOST = 16  # characters of the longest text

_UNKNOWN = -1  # of a frame about which nothing is said
_CORE, _EDGE = 0.25, 0.4  # of a character's width, from its middle: its own frames, and those that may be either's


def encode_texts(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the classes of texts, int64 (n, MOST), 0 beyond their ends, and their lengths int64 (n,).

    Raises:
        ValueError: a character of none of CHARACTERS, or too many of them.

    >>> classes, lengths = encode_texts(["12,5", ""])
    >>> classes[0, :4], lengths
    (array([ 1,  2, 11,  5]), array([4, 0]))
    """
    classes = np.zeros((len(texts), MOST), np.int64)
    for row, text in zip(classes, texts, strict=True):
        if len(text) > MOST or not set(text) <= set(CHARACTERS):
            raise ValueError(f"text: expected at most {MOST} of {CHARACTERS}, got {text!r}")
        row[: len(text)] = [CHARACTERS.index(character) for character in text]
    return classes, np.array([len(text) for text in texts], np.int64)


def encode_targets(
    texts: Sequence[str], widths: ArrayLike, spans: NDArray[np.floating] | None, columns: int, mix: float
) -> NDArray[np.float32]:
    """Pack what the loss needs to know of a batch into one array.

    Args:
        texts: of each strip.
        widths: int (n,), columns of each strip before its padding.
        spans: float (n, MOST, 2), the left and right end of each character, NaN beyond the text; None where they are
            not known: then the frames are taught nothing.
        columns: of the padded strips.
        mix: share of the connectionist loss, 0-1; without spans it is all.

    Returns:
        float32 (n, frames + MOST + 3): the class of each frame, -1 where nothing is said; the classes of the text; its
        length; the number of frames that are no padding; and the mix.
    """
    classes, lengths = encode_texts(texts)
    n, frames = len(texts), columns // STRIDE
    valid = np.maximum(np.asarray(widths) // STRIDE, 1)
    packed = np.empty((n, frames + MOST + 3), np.float32)
    packed[:, :frames] = _UNKNOWN if spans is None else _place(classes, lengths, np.asarray(spans), frames)
    packed[:, :frames][np.arange(frames) >= valid[:, None]] = _UNKNOWN
    packed[:, frames:-3], packed[:, -3], packed[:, -2] = classes, lengths, valid
    packed[:, -1] = 1.0 if spans is None else mix
    return packed


def _place(classes: NDArray, lengths: NDArray, spans: NDArray, frames: int) -> NDArray[np.int64]:
    """Return the class of each frame: a character's around its middle, unknown around that, else blank."""
    middles = np.arange(frames) * STRIDE + STRIDE / 2
    target = np.full((len(classes), frames), BLANK)
    for k in range(int(lengths.max(initial=0))):
        there = k < lengths
        left, right = np.nan_to_num(spans[:, k]).T
        away = np.abs(middles - ((left + right) / 2)[:, None])
        # The frame nearest to the middle is the character's, however narrow it is.
        core = np.maximum((right - left) * _CORE, away.min(axis=1) + 1e-3)[:, None]
        near = np.maximum((right - left)[:, None] * _EDGE, core + 1)
        edge = (away <= near) & (target == BLANK) & there[:, None]
        target[edge] = _UNKNOWN
        own = (away <= core) & there[:, None]
        target = np.where(own, classes[:, k : k + 1], target)
    return target


def read_greedily(logits: NDArray[np.floating], widths: ArrayLike) -> list[str]:
    """Read the likeliest class of each frame, repeats and blanks dropped.

    Args:
        logits: float (n, frames, CLASSES).
        widths: int (n,), columns of each strip before its padding.
    """
    best = logits.argmax(axis=2)
    new = best != BLANK
    new[:, 1:] &= best[:, 1:] != best[:, :-1]
    new &= np.arange(best.shape[1]) < np.maximum(np.asarray(widths) // STRIDE, 1)[:, None]
    return ["".join(CHARACTERS[c] for c in row[shown]) for row, shown in zip(best, new, strict=True)]
