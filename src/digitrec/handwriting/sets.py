"""Real handwriting: sets of labelled pictures as people give them, read set by set and measured.

A set is a folder of pictures with a labels.csv (header `file,label`). A label 0-9 is a digit; one of several characters
with a digit in it, such as 14,3, is a number and passed over, with the whole set where half of it is numbers; any other
label names what is no digit: a letter, a scribble.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.calibration import NOT_A_DIGIT
from digitrec.evaluation import expected_calibration_error
from digitrec.handwriting.folders import TABLE, Row, list_subfolders, read_table
from digitrec.idx import DataError
from digitrec.preprocessing.decoding import PictureError, read_picture
from digitrec.preprocessing.form import to_mnist
from digitrec.recognizer import Recognizer
from digitrec.records import PathLike

_Taken = TypeVar("_Taken")


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures of several sets, in the order of their folders.

    Attributes:
        sets: str (n,), the name of each picture's set.
        paths: n files.
        labels: int64 (n,), 0-9, or 10 where the picture is no digit.
        skipped: how many pictures of each set were passed over as numbers; names every set that was listed.
    """

    sets: NDArray[np.str_]
    paths: list[Path]
    labels: NDArray[np.int64]
    skipped: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True)
class Readings:
    """What a network read in n pictures.

    Attributes:
        images: uint8 (n, 28, 28), as the network saw them; all zero where there is no ink, or no readable picture.
        probabilities: float32 (n, 10), calibrated.
        scores: float32 (n,), 0-1, of being a digit; 0 where there is no ink.
        errors: by its place, why a picture could not be read; one line each.
    """

    images: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    scores: NDArray[np.float32]
    errors: dict[int, str] = field(default_factory=dict)

    @property
    def predictions(self) -> NDArray[np.int64]:
        """int64 (n,), the best digit, declined or not; -1 where there is no ink."""
        return np.where(self.scores > 0, self.probabilities.argmax(axis=1), -1)

    @property
    def readable(self) -> NDArray[np.bool_]:
        """bool (n,), whether there was a picture to read."""
        return ~np.isin(np.arange(len(self.scores)), list(self.errors))


def list_pictures(folder: PathLike, report: Callable[[str], None] | None = None) -> Pictures:
    """List the pictures of every set in a folder, or of the folder itself where it is a set.

    Args:
        folder: a set, or sub-folders that are sets; those without a labels.csv are passed over.
        report: called with a line for each sub-folder that is no set or a damaged one, and the others are listed all
            the same; None makes a damaged one an error.

    Raises:
        DataError: no set, or a damaged one, see `folders.read_table`.

    >>> from digitrec.records import SAMPLES
    >>> pictures = list_pictures(SAMPLES)
    >>> [(path.name, int(label)) for path, label in zip(pictures.paths, pictures.labels)][8:11]
    [('8_tiny.png', 8), ('9_photo.jpg', 9), ('letter_k.png', 10)]
    """
    place = Path(folder).expanduser()
    found = [place] if (place / TABLE).is_file() else list_subfolders(place) if place.is_dir() else []
    if report is None:
        found = [one for one in found if (one / TABLE).is_file()]
    if not found:
        raise DataError(f"{place}: expected a folder of sets, each with {TABLE} beside its pictures; found none")
    sets: list[str] = []
    chosen: list[Row] = []
    skipped = {}
    for one in found:
        try:
            rows = read_table(one)
        except DataError as error:
            if report is None:
                raise
            report(str(error))
            continue
        name, kept = one.resolve().name, _drop_numbers(rows)
        sets += [name] * len(kept)
        chosen += kept
        skipped[name] = len(rows) - len(kept)
    labels = [int(row.label) if re.fullmatch("[0-9]", row.label) else NOT_A_DIGIT for row in chosen]
    return Pictures(np.array(sets, np.str_), [row.picture for row in chosen], np.array(labels, np.int64), skipped)


def load_images(paths: Sequence[Path]) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """Bring pictures into MNIST's form; one that cannot be read is blank, and does not end the measurement.

    Returns:
        uint8 (n, 28, 28); and by its place, why a picture could not be read.
    """
    images, errors = _take_each(paths, to_mnist)
    return np.array(images, np.uint8).reshape(-1, 28, 28), errors


def read_pictures(recognizer: Recognizer, paths: Sequence[Path]) -> Readings:
    """Read pictures as `Recognizer.predict` does, one that cannot be read as a blank."""
    answers, errors = _take_each(paths, recognizer.predict)
    images = np.array([answer.image for answer in answers], np.uint8).reshape(-1, 28, 28)
    probabilities = np.array([answer.probabilities for answer in answers], np.float32).reshape(-1, 10)
    scores = np.array([answer.shares.max() for answer in answers], np.float32)
    return Readings(images, probabilities, scores, errors)


def _take_each(paths: Sequence[Path], take: Callable[[Any], _Taken]) -> tuple[list[_Taken], dict[int, str]]:
    """Take pictures one by one, a blank in place of what cannot be read; and by its place, why it could not."""
    taken, errors = [], {}
    for i, path in enumerate(paths):
        try:
            taken.append(take(path))
        except PictureError as error:
            errors[i] = f"{path}: {error}"
            taken.append(take(np.zeros((28, 28), np.uint8)))
    return taken, errors


def summarise_sets(pictures: Pictures, readings: Readings, threshold: float) -> dict[str, dict[str, float]]:
    """Give the numbers of each set, by its name.

    Args:
        pictures: n of them.
        readings: of the same pictures.
        threshold: a picture whose score is below it is declined, and so is one without ink.

    Returns:
        For each set how many `pictures` it has, numbers `skipped` and `unreadable` ones among them, and how many
        `digits` and `others`. Of the digits, an unreadable one being wrong and declined: `accuracy` (nothing declined),
        `declined`, `coverage` (the rest), `accuracy_answered` (of that rest). Of the readable digits, declined or not:
        `mean_confidence`, `expected_calibration_error`. Of the others: `others_declined`. Shares are 0-1, NaN of none.
    """
    right = readings.predictions == pictures.labels
    answered = (readings.scores >= threshold) & (readings.predictions >= 0)
    confidence = readings.probabilities.max(axis=1)
    is_digit = pictures.labels != NOT_A_DIGIT
    summary = {}
    for name in dict.fromkeys([*pictures.skipped, *pictures.sets.tolist()]):
        of_set = pictures.sets == name
        digits, others = is_digit & of_set, ~is_digit & of_set
        skipped, coverage = pictures.skipped.get(name, 0), _mean(answered[digits])
        summary[name] = {
            "pictures": int(of_set.sum()) + skipped,
            "skipped": skipped,
            "unreadable": int((of_set & ~readings.readable).sum()),
            "digits": int(digits.sum()),
            "others": int(others.sum()),
            "accuracy": _mean(right[digits]),
            "declined": 1 - coverage,
            "coverage": coverage,
            "accuracy_answered": _mean(right[digits & answered]),
            "mean_confidence": _mean(confidence[digits & readings.readable]),
            "expected_calibration_error": _measure_calibration(pictures, readings, digits),
            "others_declined": _mean(~answered[others]),
        }
    return summary


def pool_sets(pictures: Pictures, readings: Readings, threshold: float) -> dict[str, float]:
    """Give the numbers of all sets together; see `summarise_sets` for the arguments.

    Returns:
        `mean_accuracy` and `mean_coverage` over the sets with digits, `mean_declined` over those with others, each set
        counting the same; and `expected_calibration_error` of all readable digits. NaN of none.
    """
    sets = summarise_sets(pictures, readings, threshold).values()
    return {
        "mean_accuracy": _mean([figures["accuracy"] for figures in sets if figures["digits"]]),
        "mean_coverage": _mean([figures["coverage"] for figures in sets if figures["digits"]]),
        "mean_declined": _mean([figures["others_declined"] for figures in sets if figures["others"]]),
        "expected_calibration_error": _measure_calibration(pictures, readings, pictures.labels != NOT_A_DIGIT),
    }


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


def _drop_numbers(rows: list[Row]) -> list[Row]:
    single = [row for row in rows if len(row.label) == 1 or not re.search("[0-9]", row.label)]
    # The odd single digit among numbers is a number too: cut from its cell, with the cell's lines.
    return single if 2 * len(single) > len(rows) else []


def _measure_calibration(pictures: Pictures, readings: Readings, chosen: NDArray[np.bool_]) -> float:
    """Return the expected calibration error of the chosen digits that could be read, declined ones too."""
    known = chosen & readings.readable
    # The ten equal probabilities of a blank would make it a right 0.
    labels = np.where(readings.predictions < 0, 9, pictures.labels)[known]
    return expected_calibration_error(readings.probabilities[known], labels) if known.any() else float("nan")


def _mean(values: Any) -> float:
    return float(np.mean(values, dtype=float)) if len(values) else float("nan")
