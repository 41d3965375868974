"""Real handwriting: sets of labelled pictures as people give them, read set by set and measured.

A set is a folder of pictures with a labels.csv (header `file,label`). A label 0-9 is a digit; one of several characters
with a digit in it, such as 14,3, is a number and passed over, with the whole set where half of it is numbers; any other
label names what is no digit: a letter, a scribble.
"""

import csv
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.datasets import DataError
from digitrec.pictures import PictureError, read_picture
from digitrec.pools import NOT_A_DIGIT
from digitrec.preprocessing import prepare, to_mnist
from digitrec.recognizer import Recognizer, read_logits


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures of several sets, in the order of their folders.

    Attributes:
        sets: str (n,), the name of each picture's set.
        paths: n files.
        labels: int64 (n,), 0-9, or 10 where the picture is no digit.
    """

    sets: NDArray[np.str_]
    paths: list[Path]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True)
class Readings:
    """What a network read in n pictures.

    Attributes:
        images: uint8 (n, 28, 28), as the network saw them; all zero where there is no ink, or no readable picture.
        probabilities: float32 (n, 10), calibrated.
        scores: float32 (n,), 0-1, of being a digit; 0 where there is no ink.
    """

    images: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    scores: NDArray[np.float32]

    @property
    def predictions(self) -> NDArray[np.int64]:
        """int64 (n,), the best digit, declined or not; -1 where there is no ink."""
        return np.where(self.scores > 0, self.probabilities.argmax(axis=1), -1)


def list_pictures(folder: str | os.PathLike[str]) -> Pictures:
    """List the pictures of every set in a folder, or of the folder itself where it is a set.

    Raises:
        DataError: no labels.csv with a picture of a digit or of what is none.
    """
    place = Path(folder).expanduser()
    tables = [place / "labels.csv"] if (place / "labels.csv").is_file() else sorted(place.glob("*/labels.csv"))
    sets, paths, labels = [], [], []
    for table in tables:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = [(row.get("file") or "", row.get("label") or "") for row in csv.DictReader(file)]
        if not all(name and label for name, label in rows):
            raise DataError(f"{table}: expected columns file,label, and both filled in")
        single = [(name, label) for name, label in rows if len(label) == 1 or not re.search("[0-9]", label)]
        # The odd single digit among numbers is a number too: cut from its cell, with the cell's lines.
        for name, label in single if 2 * len(single) > len(rows) else []:
            sets.append(table.resolve().parent.name)
            paths.append(table.parent / name)
            labels.append(int(label) if re.fullmatch("[0-9]", label) else NOT_A_DIGIT)
    if not paths:
        raise DataError(f"{place}: expected sets, each a folder of pictures with a labels.csv; found none")
    return Pictures(np.array(sets), paths, np.array(labels, np.int64))


def read_pictures(recognizer: Recognizer, paths: list[Path]) -> Readings:
    """Read pictures through the door, and keep all that an `Answer` is made from."""
    images = np.stack([_read_or_blank(path) for path in paths])
    probabilities, scores = read_logits(recognizer.compute_logits(prepare(images)), recognizer.temperature)
    blank = np.flatnonzero(images.max(axis=(1, 2)) == 0)
    probabilities[blank], scores[blank] = 0.1, 0
    return Readings(images, probabilities, scores)


def summarise_sets(pictures: Pictures, readings: Readings, threshold: float) -> dict[str, dict[str, float]]:
    """Give the numbers of each set, by its name.

    Args:
        pictures: n of them.
        readings: of the same pictures.
        threshold: a picture whose score is below it is declined.

    Returns:
        For each set, `digits` and `others` (how many), `accuracy` (of the digits, nothing declined), `declined` (of
        the digits), `accuracy_answered` (of the digits not declined), `others_declined`; shares in 0-1, NaN of none.
    """
    right, declined = readings.predictions == pictures.labels, readings.scores < threshold
    is_digit = pictures.labels != NOT_A_DIGIT
    summary = {}
    for name in dict.fromkeys(pictures.sets.tolist()):
        digits, others = is_digit & (pictures.sets == name), ~is_digit & (pictures.sets == name)
        summary[name] = {
            "digits": int(digits.sum()),
            "others": int(others.sum()),
            "accuracy": _share(right[digits]),
            "declined": _share(declined[digits]),
            "accuracy_answered": _share(right[digits & ~declined]),
            "others_declined": _share(declined[others]),
        }
    return summary


def count_confusions(pictures: Pictures, predictions: NDArray[np.int64]) -> list[tuple[str, int, int, int]]:
    """Count what digits were misread as: (set, label, read as, count), the most frequent first."""
    wrong = (predictions != pictures.labels) & (pictures.labels != NOT_A_DIGIT)
    rows = zip(pictures.sets[wrong].tolist(), pictures.labels[wrong].tolist(), predictions[wrong].tolist(), strict=True)
    return [(*row, count) for row, count in Counter(rows).most_common()]


def squeeze_picture(picture: Any) -> NDArray[np.uint8]:
    """Bring a picture to 28x28 as digit projects usually do: grey, resized, inverted where it is mostly light.

    Args:
        picture: whatever `preprocessing.read_picture` takes.

    Returns:
        uint8 (28, 28): neither cropped nor centred, and out of proportion where the picture is no square.

    Raises:
        PictureError: if the picture cannot be read.
    """
    grey = Image.fromarray(read_picture(picture)).convert("L")
    image = np.asarray(grey.resize((28, 28), Image.Resampling.BILINEAR))
    return ~image if image.mean() > 127 else image


def _read_or_blank(path: Path) -> NDArray[np.uint8]:
    try:
        return to_mnist(path)
    except PictureError:
        return np.zeros((28, 28), np.uint8)


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else float("nan")
