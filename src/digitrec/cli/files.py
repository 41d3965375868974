"""Arguments to pictures to readings: one by one, in order and in bounded memory, whatever is wrong with one of them."""

import glob
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from digitrec.preprocessing.decoding import SUFFIXES, PictureError, measure_size, read_picture
from digitrec.preprocessing.files import read_bytes
from digitrec.preprocessing.form import show_stages
from digitrec.records import natural_order

if TYPE_CHECKING:
    from digitrec.numbers.constraints import Constraint
    from digitrec.numbers.number import Number
    from digitrec.numbers.reader import NumberReader
    from digitrec.recognizer import Answer, Recognizer

# What reads a picture, given as path or file: what was read, the picture as it was seen, and how large it is.
Read = Callable[[str | BinaryIO], tuple[Any, np.ndarray | None, tuple[int, int] | None]]


@dataclass(frozen=True)
class Reading:
    """What became of one picture of a batch.

    Attributes:
        path: as given or as found; "-" is standard input.
        answer: an `Answer` or a `Number`; None where the picture could not be read.
        error: why it could not be read, one line; None where it could.
        picture: uint8 (h, w) or (h, w, 3), upright and shrunk; None where it could not be read, or nobody looks at it.
        size: width and height of the picture as given, upright; of numbers alone, whose boxes lie in it.
    """

    path: str
    answer: Any = None
    error: str | None = None
    picture: np.ndarray | None = None
    size: tuple[int, int] | None = None


def find_pictures(paths: Iterable[str], skipped: str | None = None) -> Iterator[str]:
    """Find the pictures that paths stand for, each path in turn, those of one path in natural order (2 before 10).

    Args:
        paths: files; folders, searched with the folders in them for names that end in one of `SUFFIXES`, hidden ones
            and links to folders passed over; patterns with * ? [ ] **; "-" for standard input.
        skipped: a folder that is not searched.

    Yields:
        A path per picture; and a path that stands for none as it is, so that reading it tells what is wrong with it.
    """
    for path in paths:
        is_pattern = glob.has_magic(path) and not os.path.lexists(path)
        matches = sorted(glob.iglob(path, recursive=True), key=natural_order) if is_pattern else []
        for match in matches or [path]:
            if is_pattern and is_same_folder(match, skipped):
                continue
            if os.path.isdir(match):
                yield from _search_folder(match, skipped)
            else:
                yield match


def is_same_folder(path: str, folder: str | None) -> bool:
    """Tell whether both name one folder, links resolved."""
    return folder is not None and os.path.isdir(path) and os.path.realpath(path) == os.path.realpath(folder)


def read_digit(recognizer: "Recognizer", source: str | BinaryIO) -> "tuple[Answer, np.ndarray, None]":
    """Read the digit in a picture; return the answer, and the picture upright and shrunk."""
    stages = show_stages(source)
    return recognizer.read_images(stages.image[None])[0], stages.picture, None


def read_number(
    reader: "NumberReader", constraint: "Constraint | None", is_drawn: bool, source: str | BinaryIO
) -> "tuple[Number, np.ndarray | None, tuple[int, int]]":
    """Read the number in a picture; return the answer, the picture where it is to be drawn, and its size."""
    data = read_bytes(source)
    number = reader.read(data, constraint)
    return number, read_picture(data) if is_drawn else None, measure_size(data)


def read_pictures(read: Read, paths: Iterable[str]) -> Iterator[Reading]:
    """Read pictures one after another; one that cannot be read gives its error, and the rest goes on.

    Not in batches: the networks take less time than bringing the picture into their form.
    """
    for path in paths:
        yield _read_picture(read, path)


def _read_picture(read: Read, path: str) -> Reading:
    try:
        answer, picture, size = read(_find_source(path))
        return Reading(path, answer, picture=picture, size=size)
    except PictureError as error:
        reason = str(error).removeprefix("picture: ")
    except OSError as error:
        reason = error.strerror or str(error)
    except Exception as error:  # a fault of ours, or too little memory for this one: not that of the other pictures
        reason = " ".join(f"cannot be read: {type(error).__name__} {error}".split())
    return Reading(path, error=reason)


def _search_folder(folder: str, skipped: str | None) -> Iterator[str]:
    unreadable: list[str] = []
    empty = True
    for place, folders, names in os.walk(folder, onerror=lambda error: unreadable.append(error.filename)):
        folders[:] = [name for name in folders if not is_same_folder(os.path.join(place, name), skipped)]
        folders[:] = sorted((name for name in folders if name[0] != "."), key=natural_order)
        for name in sorted(names, key=natural_order):
            if name[0] != "." and name.lower().endswith(SUFFIXES):
                empty = False
                yield os.path.join(place, name)
    yield from unreadable or ([folder] if empty else [])


def _find_source(path: str) -> str | BinaryIO:
    if path == "-":
        if sys.stdin is None:
            raise PictureError("standard input is closed")
        return sys.stdin.buffer
    if os.path.isdir(path):
        os.listdir(path)  # raises where the folder may not be read
        raise PictureError(f"a folder without pictures (expected {' '.join(SUFFIXES)})")
    if "://" in path and not os.path.lexists(path):
        raise PictureError("an address, not a file: download the picture first")
    os.stat(path)  # raises with the system's own reason
    return path
