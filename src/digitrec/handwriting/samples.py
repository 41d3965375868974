"""Labelled samples of a person's own hand, collected in a folder that `digitrec train --data` learns from."""

import hashlib
import io
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from digitrec import records
from digitrec.preprocessing.form import show_stages

MAKER = "digitrec train --data"  # what learns from such a folder, as it stands in the metrics of what it made


class SampleFolder:
    """A folder with sub-folders 0 to 9; nothing is written, not even the folder, before the first `keep`.

    A picture's name is a hash of its MNIST form: the same picture is one sample, however often it is kept.
    """

    def __init__(self, folder: records.PathLike) -> None:
        self.folder = Path(folder).expanduser().absolute()
        self._lock = threading.Lock()  # two labels given at once, each removing the other, would leave none

    def keep(self, picture: Any, digit: int) -> None:
        """Keep a picture, whatever `read_picture` takes, as a sample of a digit, 0-9, and under no other label.

        Raises:
            PictureError: it cannot be read.
            ValueError: it is blank, or the digit or the folder is none to write to.
            OSError: the folder cannot be written.
        """
        if type(digit) is not int or not 0 <= digit <= 9:  # True is an int, but no digit
            raise ValueError(f"digit: expected 0 to 9, got {digit!r}")
        if (self.folder / "labels.csv").exists():
            raise ValueError(f"{self.folder} has a labels.csv, which lists what is learned; choose another folder")
        stages = show_stages(picture)
        if not stages.image.any():
            raise ValueError("picture: expected ink, found none; a blank picture teaches nothing")
        file = io.BytesIO()
        Image.fromarray(stages.picture).save(file, "PNG")  # what was seen, without what a camera adds to a file
        name = _name_sample(stages.image)
        with self._lock:
            records.write_bytes(self.folder / str(digit) / name, file.getvalue())
            self._remove(name, {*range(10)} - {digit})

    def forget(self, picture: Any) -> None:
        """Remove a picture that was kept; one that was not is passed over.

        Raises:
            PictureError: it cannot be read.
        """
        name = _name_sample(show_stages(picture).image)
        with self._lock:
            self._remove(name, range(10))

    def count(self) -> list[int]:
        """Return how many samples there are of each digit, 0 to 9."""
        return [len(list((self.folder / str(digit)).glob("[!.]*"))) for digit in range(10)]

    def _remove(self, name: str, digits: Iterable[int]) -> None:
        for digit in digits:
            (self.folder / str(digit) / name).unlink(missing_ok=True)


def _name_sample(image: np.ndarray) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()[:16] + ".png"
