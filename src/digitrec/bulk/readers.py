"""What reads the pictures of an archive, made from a network that travels as bytes and not as a path."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from digitrec.cli.files import Read, read_digit, read_number
from digitrec.model_folder import find_model, read_file
from digitrec.numbers.constraints import Constraint
from digitrec.numbers.reader import NumberReader
from digitrec.recognizer import Recognizer
from digitrec.records import PathLike

Reader = TypeVar("Reader", Recognizer, NumberReader)
Files = tuple[tuple[str, bytes], ...]


def pack_model(model: PathLike) -> Files:
    """Return the name and the bytes of the files that reading with a model takes.

    Raises:
        ModelError: no such model.
    """
    folder = find_model(model)
    return tuple((name, read_file(folder / name)) for name in ("metrics.json", "model.onnx"))


def build_digit_reader(files: Files) -> Read:
    """Return what reads the digit in a picture."""
    return partial(read_digit, _load(Recognizer.load, files))


def build_number_reader(files: Files, constraint: Constraint | None) -> Read:
    """Return what reads the number in a picture."""
    return partial(read_number, _load(NumberReader.load, files), constraint, False)


def _load(load: Callable[[PathLike], Reader], files: Files) -> Reader:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files:
            (Path(folder) / name).write_bytes(content)
        return load(folder)
