"""A folder of labelled pictures to images and labels; the one reader of labels.csv."""

import csv
import io
import os
import re
from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np

from digitrec.idx import DataError
from digitrec.mnist import Pairs
from digitrec.preprocessing.decoding import PictureError
from digitrec.preprocessing.form import to_mnist
from digitrec.records import PathLike, natural_order

TABLE = "labels.csv"


class Row(NamedTuple):
    """One picture of a labels.csv.

    Attributes:
        picture: a file inside the folder.
        label: as written, blanks around it removed; never empty.
        place: table and row, for messages.
    """

    picture: Path
    label: str
    place: str


def load_folder(path: PathLike) -> Pairs:
    """Load labelled pictures of one's own, each brought into MNIST's form by `preprocessing.to_mnist`.

    Args:
        path: a folder with a labels.csv, see `read_table`, or else with sub-folders 0 to 9 of pictures. Names that
            start with a dot are passed over.

    Returns:
        images, labels: uint8 (n, 28, 28) and int64 (n,), in the order of labels.csv, else by label and by name
        (2.png before 10.png).

    Raises:
        DataError: neither layout, no picture, a picture missing, damaged or outside the folder, a label not 0-9.

    >>> import tempfile
    >>> import numpy as np
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     seven = Path(folder, "7")
    ...     seven.mkdir()
    ...     Image.fromarray(np.eye(40, dtype=np.uint8) * 255).save(seven / "first.png")
    ...     images, labels = load_folder(folder)
    >>> images.shape, labels
    ((1, 28, 28), array([7]))
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder of pictures, found {'a file' if folder.exists() else 'nothing'}")
    pairs = _list_table(folder) if (folder / TABLE).is_file() else _list_subfolders(folder)
    images = []
    for picture, _ in pairs:
        try:
            images.append(to_mnist(picture))
        except PictureError as error:
            raise DataError(f"{picture}: {error}") from error
    return np.stack(images), np.array([label for _, label in pairs], np.int64)


def read_table(folder: PathLike) -> list[Row]:
    """Read the labels.csv of a folder: comma-separated UTF-8 text under a header that names file and label.

    The header may be in any case and order and name other columns; empty rows are passed over. Messages number
    rows as a spreadsheet does.

    Args:
        folder: holds labels.csv and, in it or below it, the pictures.

    Returns:
        At least one row, in the order of the table.

    Raises:
        DataError: no such table, or it has another form; a file missing or outside the folder.
    """
    folder = Path(folder)
    table = folder / TABLE
    (_, header), *lines = _read_lines(table) or [(0, [])]
    columns = [name.lower() for name in header]
    if columns.count("file") != 1 or columns.count("label") != 1:
        raise DataError(f"{table}: expected the header file,label, found {_show(','.join(header)) or 'nothing'}")
    if not lines:
        raise DataError(f"{table}: expected at least one picture under the header, lists no picture")
    return [_read_row(folder, columns, cells, f"{table}, row {number}") for number, cells in lines]


def list_subfolders(folder: Path) -> list[Path]:
    """List the sub-folders, 2 before 10; hidden ones, and the __MACOSX of an archive, are passed over."""
    return _order([entry for entry in folder.iterdir() if entry.is_dir() and entry.name[0] not in "._"])


def _read_lines(table: Path) -> list[tuple[int, list[str]]]:
    """Return the number and the cells of every row that is not empty."""
    try:
        reader = csv.reader(io.StringIO(table.read_bytes().decode("utf-8-sig"), newline=""))
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except OSError as error:
        raise DataError(f"{table}: {error.strerror}; expected a table with the header file,label") from error
    except (ValueError, csv.Error) as error:
        raise DataError(f"{table}: expected comma-separated UTF-8 text ({error}); save it as such") from error
    return [(number, cells) for number, cells in lines if any(cells)]


def _read_row(folder: Path, columns: list[str], cells: list[str], place: str) -> Row:
    if any(cells[len(columns) :]):
        raise DataError(f"{place}: expected {len(columns)} cells, got {len(cells)}; quote a cell that holds a comma")
    values = dict(zip_longest(columns, cells[: len(columns)], fillvalue=""))
    name, label = values["file"], values["label"]
    if not name or not label:
        raise DataError(f"{place}: expected a file and a label, got '{_show(name)}' and '{_show(label)}'")
    picture = folder / name
    if not os.path.isfile(picture):  # pathlib's is_file raises where a name is too long
        found = "none"
    elif not Path(os.path.realpath(picture)).is_relative_to(os.path.realpath(folder)):
        found = "one outside"
    else:
        return Row(picture, label, place)
    raise DataError(f"{place}, {_show(name)}: picture: expected a file inside {folder}, found {found}")


def _list_table(folder: Path) -> list[tuple[Path, int]]:
    """List the pictures and digits of labels.csv."""
    rows = read_table(folder)
    for picture, label, place in rows:
        if not re.fullmatch("[0-9]", label):
            raise DataError(f"{place}: expected a label 0 to 9 for '{_show(picture.name)}', got '{_show(label)}'")
    return [(row.picture, int(row.label)) for row in rows]


def _list_subfolders(folder: Path) -> list[tuple[Path, int]]:
    """List the pictures of the sub-folders 0 to 9."""
    subfolders = list_subfolders(folder)
    for subfolder in subfolders:
        if not re.fullmatch("[0-9]", subfolder.name):
            raise DataError(f"{folder}: expected sub-folders 0 to 9 only, got {subfolder.name!r}")
    if not subfolders:
        raise DataError(f"{folder}: expected {TABLE} (header file,label) or sub-folders 0 to 9, found neither")
    pictures = [path for subfolder in subfolders for path in _order(subfolder.iterdir()) if path.name[0] != "."]
    if not pictures:
        raise DataError(f"{folder}: expected at least one picture in the sub-folders 0 to 9, found none")
    return [(picture, int(picture.parent.name)) for picture in pictures]


def _order(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: natural_order(path.name))


def _show(cell: str) -> str:
    """Show a cell on one line of reasonable length."""
    text = repr(cell)[1:-1]
    return text if len(text) <= 80 else f"{text[:77]}..."
