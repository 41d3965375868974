"""Sets of labelled numbers on disk."""

import csv
from pathlib import Path

from digitrec.numbers.constraints import CHARACTERS
from digitrec.records import PathLike

BLANK = "blank"  # the label of a cell in which nothing is written


def list_sets(folder: PathLike) -> dict[str, list[tuple[Path, str]]]:
    """List the sets of numbers in a folder.

    Args:
        folder: one of folders with pictures and labels.csv, whose header is `file,label`.

    Returns:
        By a set's name, of each picture the path, and the label, empty of a blank. Sets of single digits alone, and of
        what is no number, are left out.

    Raises:
        ValueError: a table without these columns.
    """
    sets = {}
    for table in sorted(Path(folder).glob("*/labels.csv")):
        try:
            with table.open(newline="", encoding="utf-8-sig") as lines:
                rows = [(table.parent / row["file"], row["label"].strip()) for row in csv.DictReader(lines)]
        except (KeyError, AttributeError, UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{table}: expected a table with the header file,label ({error})") from error
        labels = [label for _, label in rows if label != BLANK]
        is_number = all(label and set(label) <= set(CHARACTERS) for label in labels)
        if is_number and (len(labels) < len(rows) or any(len(label) > 1 for label in labels)):
            sets[table.parent.name] = [(path, "" if label == BLANK else label) for path, label in rows]
    return sets
