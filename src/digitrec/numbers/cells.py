"""Labelled pictures of numbers of one's own, as strips: which line of each holds what its label says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitrec.handwriting.folders import Row, read_table
from digitrec.idx import DataError
from digitrec.numbers.constraints import CHARACTERS, MARKS
from digitrec.numbers.decoding import BLANK
from digitrec.numbers.lines import HEIGHT, find_lines
from digitrec.numbers.proof import cut_frames, read_frames
from digitrec.numbers.sets import BLANK as EMPTY
from digitrec.numbers.targets import MOST, encode_texts
from digitrec.preprocessing.decoding import PictureError
from digitrec.records import PathLike

if TYPE_CHECKING:
    import keras

_WIDEST = 512  # columns; a strip that is wider holds more than a number


@dataclass(frozen=True)
class Cells:
    """Labelled strips: uint8 (32, w) of any width, and their texts; "" for a blank one."""

    strips: tuple[NDArray[np.uint8], ...]
    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def split(self, share: float, seed: int) -> "tuple[Cells, Cells]":
        """Hold out a share at random, none of fewer than four cells."""
        order = np.random.default_rng(seed).permutation(len(self))
        n = round(share * len(self)) if len(self) >= 4 else 0
        return self._take(order[n:]), self._take(order[:n])

    def _take(self, chosen: NDArray) -> "Cells":
        return Cells(tuple(self.strips[i] for i in chosen), tuple(self.texts[i] for i in chosen))

    def read(self, network: "keras.Model") -> list[str]:
        """Read each with a network."""
        return [
            read_frames(cut_frames(run_network(network, strip)[None], [strip.shape[1]]))[0] for strip in self.strips
        ]


def read_cells(data: PathLike) -> list[tuple[list[NDArray[np.uint8]], str]]:
    """Read labelled pictures of numbers: of each the strips of all lines found in it, and its text.

    Args:
        data: a folder with a labels.csv, see `handwriting.folders.read_table`.

    Raises:
        DataError: no table, a picture missing or damaged, a label that is no number.
    """
    found = []
    for row in read_table(data):
        text = read_label(row)
        try:
            strips = [line.strip for line in find_lines(row.picture)]
        except PictureError as error:
            raise DataError(f"{row.place}, {row.picture.name}: {error}") from error
        found.append(([strip for strip in strips if strip.shape[1] <= _WIDEST], text))
    return found


def choose_lines(
    found: list[tuple[list[NDArray[np.uint8]], str]], network: "keras.Model", report: Callable[[str], None] = print
) -> Cells:
    """Choose of each picture the line that its label fits best; leave out copies and what fits nowhere, and say so.

    Args:
        found: see `read_cells`.
        network: trained.
        report: called with lines on what there is.

    Raises:
        DataError: one picture under two labels, or nothing to learn from.
    """
    kept: dict[bytes, tuple[NDArray[np.uint8], str]] = {}
    left_out = 0
    for strips, text in found:
        fits = [_fit(network, strip, text) for strip in strips]
        if not fits or max(fits) == -np.inf:
            left_out += 1
            continue
        strip = strips[int(np.argmax(fits))]
        known = kept.setdefault(strip.tobytes(), (strip, text))
        if known[1] != text:
            raise DataError(f"expected one label a picture, one is labelled {known[1] or EMPTY} and {text or EMPTY}")
        left_out += known[0] is not strip
    if not kept:
        raise DataError("expected pictures with the number of their label, found none")
    if left_out:
        report(f"left out {left_out} pictures: copies, or none in which the number of the label was found")
    return Cells(tuple(strip for strip, _ in kept.values()), tuple(text for _, text in kept.values()))


def read_label(row: Row) -> str:
    """Return the text of a row's label: blanks removed, marks at its ends dropped; "" of a blank one.

    Raises:
        DataError: it is no number.
    """
    text = "" if row.label.lower() == EMPTY else row.label.replace(" ", "").strip(MARKS)
    if len(text) > MOST or not set(text) <= set(CHARACTERS) or not (text or row.label.lower() == EMPTY):
        expected = f"expected a number of at most {MOST} of {CHARACTERS}, or {EMPTY}"
        raise DataError(f"{row.place}: {expected}, got '{row.label[:60]}'")
    return text


def run_network(network: "keras.Model", strip: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the logits of a strip, float32 (w / 2, 15)."""
    width = strip.shape[1]
    x = np.zeros((1, HEIGHT, -(-width // 4) * 4, 1), np.float32)
    x[0, :, :width, 0] = strip / np.float32(255)
    return np.asarray(network(x))[0]


def _fit(network: "keras.Model", strip: NDArray[np.uint8], text: str) -> float:
    """Return the log probability of a text, all alignments summed, as the network sees the strip (Graves 2006)."""
    (logs,) = cut_frames(run_network(network, strip)[None].astype(np.float64), [strip.shape[1]])
    classes = encode_texts([text])[0][0, : len(text)]
    path = np.full(2 * len(text) + 1, BLANK)
    path[1::2] = classes
    skips = np.zeros(len(path), bool)
    skips[2:] = (path[2:] != BLANK) & (path[2:] != path[:-2])
    state = np.full(len(path), -np.inf)
    state[:2] = logs[0, path[:2]]
    for frame in logs[1:]:
        one = np.concatenate([[-np.inf], state[:-1]])
        two = np.where(skips, np.concatenate([[-np.inf, -np.inf], state[:-2]])[: len(state)], -np.inf)
        state = np.logaddexp(np.logaddexp(state, one), two) + frame[path]
    return float(np.logaddexp.reduce(state[-2:]))
