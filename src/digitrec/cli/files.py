"""Arguments to pictures to readings: one by one, in order and in bounded memory, whatever is wrong with one of them."""

import glob
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from digitrec.preprocessing.containers import iterate_pages
from digitrec.preprocessing.decoding import FINE_SIDE, SUFFIXES, PictureError, measure_size, open_picture, read_picture
from digitrec.preprocessing.files import check_address, read_bytes
from digitrec.preprocessing.form import show_stages
from digitrec.records import natural_order

if TYPE_CHECKING:
    from digitrec.numbers.constraints import Constraint
    from digitrec.numbers.number import Number
    from digitrec.numbers.reader import NumberReader
    from digitrec.recognizer import Answer, Recognizer

# What reads a picture, given as `read_picture` takes it: what was read, the picture as it was seen, how large it is.
Read = Callable[[Any], tuple[Any, np.ndarray | None, tuple[int, int] | None]]


@dataclass(frozen=True)
class Reading:
    """What became of one picture of a batch.

    Attributes:
        path: as given or as found; "-" is standard input. Of a file's pages all but the first end in #2 and so on.
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


def read_digit(recognizer: "Recognizer", page: Any) -> "tuple[Answer, np.ndarray, None]":
    """Read the digit in a picture; return the answer, and the picture upright and shrunk."""
    stages = show_stages(page)
    return recognizer.read(stages), stages.picture, None


def read_number(
    reader: "NumberReader", constraint: "Constraint | None", is_drawn: bool, page: Any
) -> "tuple[Number, np.ndarray | None, tuple[int, int]]":
    """Read the number in a picture; return the answer, the picture where it is to be drawn, and its size."""
    page = open_picture(page)
    number = reader.read(page, constraint)
    return number, read_picture(page, FINE_SIDE) if is_drawn else None, measure_size(page)


def read_pictures(read: Read, paths: Iterable[str]) -> Iterator[Reading]:
    """Read pictures one after another; one that cannot be read gives its error, and the rest goes on.

    Not in batches: the networks take less time than bringing the picture into their form.
    """
    for path in paths:
        yield from read_file(read, path, partial(_find_source, path))


def read_file(read: Read, path: str, find: Callable[[], Any]) -> Iterator[Reading]:
    """Read the pages of one file, named by its path; `find` returns what `read_bytes` takes, and may raise."""
    name = path
    try:
        for number, page in enumerate(iterate_pages(read_bytes(find())), 2):
            yield _read_page(read, name, page)
            name = f"{path}#{number}"
    except Exception as error:
        yield Reading(name, error=explain(error))


def _read_page(read: Read, name: str, page: Any) -> Reading:
    try:
        answer, picture, size = read(page)
    except Exception as error:
        return Reading(name, error=explain(error))
    return Reading(name, answer, picture=picture, size=size)


def explain(error: Exception) -> str:
    """Say in a line why a picture could not be read."""
    if isinstance(error, PictureError):
        return str(error).removeprefix("picture: ")
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # A fault of ours, or too little memory for this one: not that of the other pictures.
    return " ".join(f"cannot be read: {type(error).__name__} {error}".split())


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
    check_address(path)
    if path.lower().endswith((".csv", ".csv.gz")):
        raise PictureError("a table, not a picture: digitrec predict TABLE --submission FILE reads its rows")
    os.stat(path)  # raises with the system's own reason
    return path
