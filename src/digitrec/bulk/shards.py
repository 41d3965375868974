"""Paths to shards, each some hundred pictures; a shard to the bytes of its pictures, one after another."""

import gzip
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from digitrec.cli.files import find_pictures
from digitrec.preprocessing.decoding import SUFFIXES, PictureError
from digitrec.records import natural_order

PICTURES = 256  # of a shard, where it can be chosen: a second's work or less, and a row a part would be a million files
TARS = (".tar", ".tar.gz", ".tgz")
PARQUET = ".parquet"
_BLOCK = 512  # of a tar file, bytes; it ends in two of zeros
# The columns of bytes, and of names, that data sets of pictures have.
_CONTENT = ("image", "png", "jpg", "bytes", "content", "data", "picture")
_NAMES = ("file", "path", "file_name", "filename", "name", "__key__", "key", "id")

Kind = Literal["files", "tar", "parquet"]
Find = Callable[[], Any]  # returns bytes, or a path to read; raises what is wrong with the picture


@dataclass(frozen=True)
class Shard:
    """What is read in one go.

    Attributes:
        kind: "files", "tar" or "parquet".
        paths: of the files; of a tar or Parquet file, that one.
        group: of a Parquet file, the number of the row group, from 0.
        size: bytes of the tar or Parquet file, so that another file under its name is another shard.

    >>> Shard("files", ("a.png", "b.png")).paths
    ('a.png', 'b.png')
    """

    kind: Kind
    paths: tuple[str, ...]
    group: int = 0
    size: int = 0


def find_shards(paths: Iterable[str], pictures: int = PICTURES) -> Iterator[Shard]:
    """Find the shards that paths stand for, in their order.

    Args:
        paths: as `digitrec predict` takes them: pictures, folders, patterns. One that ends in .parquet is a table with
            a column of pictures, one that ends in .tar, .tar.gz or .tgz a shard of WebDataset's form; so is each of
            them in a folder without pictures.
        pictures: of a shard of files, at most.

    >>> list(find_shards(["a.png", "b.png", "c.tar", "d.png"], pictures=2))  # doctest: +NORMALIZE_WHITESPACE
    [Shard(kind='files', paths=('a.png', 'b.png'), group=0, size=0),
     Shard(kind='tar', paths=('c.tar',), group=0, size=0),
     Shard(kind='files', paths=('d.png',), group=0, size=0)]
    """
    files: list[str] = []
    for path in _list_paths(paths):
        kind = _tell_kind(path)
        if files and (kind != "files" or len(files) == pictures):
            yield Shard("files", tuple(files))
            files = []
        if kind == "files":
            files.append(path)
            continue
        size = os.path.getsize(path) if os.path.isfile(path) else 0
        groups = _count_groups(path) if kind == "parquet" and size else 1
        yield from (Shard(kind, (path,), group, size) for group in range(groups))
    if files:
        yield Shard("files", tuple(files))


def open_shard(shard: Shard) -> Iterator[tuple[str, Find]]:
    """Yield name and content of each picture of a shard; memory holds one at a time, of Parquet one row group.

    Raises:
        OSError, ValueError, tarfile.TarError: what is wrong with the shard, after the pictures before that place.
    """
    if shard.kind == "tar":
        yield from _open_tar(shard.paths[0])
    elif shard.kind == "parquet":
        yield from _open_parquet(shard.paths[0], shard.group)
    else:
        for path in shard.paths:
            yield path, partial(_find_file, path)


def _tell_kind(path: str) -> Kind:
    name = path.lower()
    return "parquet" if name.endswith(PARQUET) else "tar" if name.endswith(TARS) else "files"


def _list_paths(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if path == "-":
            raise ValueError("-: standard input goes with one picture, and not with --output")
        for found in find_pictures([path]):
            inside = []
            if os.path.isdir(found):  # without pictures
                names = [name for name in os.listdir(found) if name.lower().endswith((PARQUET, *TARS))]
                inside = [os.path.join(found, name) for name in sorted(names, key=natural_order)]
            yield from inside or [found]


def _find_file(path: str) -> str:
    if os.path.isdir(path):
        raise PictureError(f"a folder without pictures (expected {' '.join(SUFFIXES)}, .tar or .parquet)")
    os.stat(path)  # raises with the system's own reason
    return path


class _Tape:
    """A file that is only read on, and remembers how it ended."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.end = b""

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        self.end = (self.end + block)[-_BLOCK:]
        return block


def _open_tar(path: str) -> Iterator[tuple[str, Find]]:
    """Yield the pictures of a tar file in its order; what else a sample has, a class or a text, is passed over."""
    with gzip.open(path) if path.lower().endswith("gz") else open(path, "rb") as file:
        tape = _Tape(file)
        with tarfile.open(fileobj=tape, mode="r|") as archive:  # type: ignore[call-overload]
            for member in archive:
                if member.isfile() and member.name.lower().endswith(SUFFIXES):
                    yield f"{path}/{member.name}", partial(archive.extractfile, member)
                archive.members = []  # else it keeps a record of each to its end
        while tape.read(2**20):
            pass
        if tape.end.strip(b"\0") or len(tape.end) < _BLOCK:  # tarfile takes a cut for the end
            raise tarfile.ReadError("cut short: it has no end")


def _count_groups(path: str) -> int:
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path).num_row_groups
    except (OSError, ValueError):
        return 1  # reading it tells what is wrong


def _open_parquet(path: str, group: int) -> Iterator[tuple[str, Find]]:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as table:
        content, name = _choose_columns(path, table.schema_arrow)
        before = sum(table.metadata.row_group(i).num_rows for i in range(group))
        columns = [content] if name is None else [content, name]
        for i, row in enumerate(_iterate_rows(table, group, columns), before):
            value = row[content]
            if isinstance(value, dict):  # as Hugging Face's data sets have pictures
                named = row[name] if name else value.get("path")
                value = value.get("bytes")
            else:
                named = row[name] if name else None
            yield f"{path}/{i if named is None else named}", partial(_check_content, value)


def _iterate_rows(table: Any, group: int, columns: list[str]) -> Iterator[dict[str, Any]]:
    for batch in table.iter_batches(PICTURES, row_groups=[group], columns=columns):
        yield from batch.to_pylist()


def _check_content(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise PictureError("expected the bytes of a picture's file, got none")
    return value


def _choose_columns(path: str, schema: Any) -> tuple[str, str | None]:
    """Return the names of the column of pictures and of that of names, where there is one."""
    import pyarrow.types as types

    def holds_bytes(kind: Any) -> bool:
        if types.is_struct(kind):
            return any(field.name == "bytes" and holds_bytes(field.type) for field in kind)
        return types.is_binary(kind) or types.is_large_binary(kind)

    found = [field.name for field in schema if holds_bytes(field.type)]
    if not found:
        raise ValueError(f"{path}: expected a column of pictures' bytes, found {', '.join(schema.names) or 'none'}")
    content = min(found, key=lambda name: _CONTENT.index(name) if name in _CONTENT else len(_CONTENT))
    names = [name for name in _NAMES if name in schema.names and name not in found]
    return content, names[0] if names else None
