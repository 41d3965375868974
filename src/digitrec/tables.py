"""Tables of digits as Kaggle hands them round: a row a picture, 784 columns, with or without label and header."""

import gzip
import io
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from digitrec.idx import DataError
from digitrec.records import PathLike

_PIXELS = 28 * 28
_ROWS = 1000  # that are in memory together
_LONGEST = 100_000  # characters of a row
Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


def load_csv(path: PathLike) -> tuple[Images, Labels | None]:
    """Load a table of digits, plain or gzip.

    Args:
        path: text with a row a picture: 784 whole numbers 0-255, row by row from the upper left, and at their front (or
            under the header "label") the digit, or no label at all. A first row that is no numbers is the header.

    Returns:
        images uint8 (n, 28, 28), and labels int64 (n,), None where the table has none.

    Raises:
        DataError: it cannot be read, or has another form; the message numbers the row.

    >>> _ = (scratch / "two.csv").write_text("7," + ",".join(["0"] * 784) + "\\n" + "1," + ",".join(["255"] * 784))
    >>> images, labels = load_csv(scratch / "two.csv")
    >>> images.shape, labels
    ((2, 28, 28), array([7, 1]))
    """
    parts = list(iterate_csv(path))
    images = np.concatenate([images for images, _ in parts])
    labels = [labels for _, labels in parts if labels is not None]
    return images, np.concatenate(labels) if labels else None


def iterate_csv(path: PathLike) -> Iterator[tuple[Images, Labels | None]]:
    """Load a table a thousand rows at a time, in bounded memory; see `load_csv`."""
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            yield from _iterate(Path(path), gzip.GzipFile(fileobj=file) if packed else file)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: expected a table of digits ({reason})") from error


def _iterate(path: Path, file: Any) -> Iterator[tuple[Images, Labels | None]]:
    lines = _split(path, io.TextIOWrapper(file, "utf-8-sig"))
    first = next(lines, None)
    if first is None:
        raise DataError(f"{path}: expected a row of pixels for each digit, found nothing")
    names = [name.strip(' "\r\n').lower() for name in first.split(",")]
    has_header = not all(name.replace(".", "", 1).isdigit() for name in names)
    label = _find_label(path, names, has_header)
    number = 1 + has_header
    waiting = lines if has_header else chain([first], lines)
    while rows := list(islice(waiting, _ROWS)):
        yield _parse(path, rows, number, len(names), label)
        number += len(rows)
    if number == 1 + has_header:
        raise DataError(f"{path}: expected rows under the header, found none")


def _split(path: Path, text: IO[str]) -> Iterator[str]:
    """Yield the lines that are not empty; one that never ends is no table."""
    while line := text.readline(_LONGEST):
        if len(line) == _LONGEST:
            raise DataError(f"{path}: expected rows of {_PIXELS} numbers, found one of {_LONGEST} characters and more")
        if line.strip():
            yield line


def _find_label(path: Path, names: list[str], has_header: bool) -> int | None:
    """Return the column of the label; None where there is none."""
    if len(names) == _PIXELS:
        return None
    if len(names) != _PIXELS + 1:
        raise DataError(f"{path}: expected {_PIXELS} columns, or a label and {_PIXELS}, found {len(names)}")
    return names.index("label") if has_header and "label" in names else 0


def _parse(path: Path, rows: list[str], number: int, columns: int, label: int | None) -> tuple[Images, Labels | None]:
    try:
        values = np.loadtxt(rows, delimiter=",", ndmin=2)
    except ValueError as error:
        raise DataError(f"{path}: rows {number} to {number + len(rows) - 1}: {error}") from error
    if values.shape[1] != columns:
        raise DataError(f"{path}: row {number}: expected {columns} columns, found {values.shape[1]}")
    labels = None if label is None else values[:, label]
    pixels = values if label is None else np.delete(values, label, axis=1)
    bad = ~((pixels >= 0) & (pixels <= 255) & (pixels == np.rint(pixels))).all(axis=1)
    if labels is not None:
        bad |= ~np.isin(labels, np.arange(10))
    if bad.any():
        row = number + int(bad.argmax())
        raise DataError(f"{path}: row {row}: expected whole numbers 0-255, and a label 0-9 where there is one")
    images = pixels.astype(np.uint8).reshape(-1, 28, 28)
    return images, None if labels is None else labels.astype(np.int64)
