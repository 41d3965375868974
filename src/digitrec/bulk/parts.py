"""An archive read shard by shard: each becomes a part of the result, stored whole, and at the end the parts a table."""

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import digitrec
from digitrec.bulk.shards import PARQUET, Shard, find_shards, open_shard
from digitrec.cli.files import Read, explain, read_file
from digitrec.jobs import Lost, Spread, one_by_one
from digitrec.records import PathLike, write_beside, write_text

COLUMNS = ("file", "answer", "confidence", "kind", "reason", "error")
_ROWS = 10_000  # that are in memory together
_built: list[Any] = []


def read_archive(
    paths: Iterable[str],
    output: PathLike,
    build: Callable[..., Read],
    arguments: tuple,
    is_ordered: bool = True,
    spread: Spread = one_by_one,
    show: Callable[[int], None] = lambda done: None,
) -> tuple[int, int]:
    """Read any number of pictures into a table; what was stopped goes on when it is called again.

    Args:
        paths: see `shards.find_shards`.
        output: the table, .csv or .parquet: a row a picture with file, answer, confidence (0-1), kind, reason and
            error, of which one that could not be read has file and error alone. It appears when all were read; until
            then parts lie in a folder beside it, named after it and ending in .parts.
        build: makes what reads a picture, once a process, from `arguments`; a function of a module.
        arguments: small, or bytes; what they are and the shards tell whether a part is one of these pictures.
        is_ordered: rows in the order of the pictures; else in that in which they were done.
        spread: who reads, see `jobs.Spread`.
        show: called with the number of pictures done.

    Returns:
        How many pictures there were, and how many of them could not be read.

    Raises:
        ValueError: no pictures, or an output that ends otherwise.
        ModuleNotFoundError: .parquet, and pyarrow is not installed.

    >>> from digitrec.bulk.readers import build_digit_reader, pack_model
    >>> from digitrec.records import SAMPLES
    >>> read_archive([str(SAMPLES)], scratch / "answers.csv", build_digit_reader, (pack_model("cnn"),))
    (13, 0)
    >>> (scratch / "answers.csv").read_text().splitlines()[0]
    'file,answer,confidence,kind,reason,error'
    """
    output = Path(output)
    if output.suffix.lower() not in (".csv", PARQUET):
        raise ValueError(f"{output}: expected a name that ends in .csv or {PARQUET}")
    if output.suffix.lower() == PARQUET:
        import pyarrow.parquet  # noqa: F401  # missing, it is missed before hours of work
    folder = output.with_name(output.name + ".parts")
    key = _hash(digitrec.__version__, build.__name__, *arguments)
    parts = list(_read_parts(paths, folder, key, build, arguments, spread, show))
    if not parts:
        raise ValueError("expected pictures, found none")
    if not is_ordered:
        parts.sort(key=os.path.getmtime)
    counts = [0, 0]
    write = _write_parquet if output.suffix.lower() == PARQUET else _write_csv
    write_beside(output, lambda place: write(place, _count(_read_rows(parts), counts)))
    _remove(folder)
    return counts[0], counts[1]


def read_shard(shard: Shard, build: Callable[..., Read], arguments: tuple) -> list[list[Any]]:
    """Read the pictures of a shard; return a row each, as COLUMNS has it, and one more where the shard breaks off."""
    read = _build_once(build, arguments)
    rows: list[list[Any]] = []
    try:
        for name, find in open_shard(shard):
            for reading in read_file(read, name, find):
                rows.append([reading.path, *_tabulate(reading.answer), reading.error])
    except Exception as error:  # of tar, gzip, Parquet and the file system: what came before it stands
        rows.append([shard.paths[0], *[None] * 4, explain(error)])
    return rows


def _tabulate(answer: Any) -> list[Any]:
    if answer is None:
        return [None] * 4
    text = answer.text if hasattr(answer, "text") else answer.digit
    return [None if text is None else str(text), round(answer.confidence, 6), answer.kind, answer.reason]


def _build_once(build: Callable[..., Read], arguments: tuple) -> Read:
    """Return what was built of the same arguments, so that a process loads a network once."""
    if not _built or _built[0] is not arguments:
        _built[:] = [arguments, build(*arguments)]
    return _built[1]


def _read_parts(
    paths: Iterable[str],
    folder: Path,
    key: str,
    build: Callable[..., Read],
    arguments: tuple,
    spread: Spread,
    show: Callable[[int], None],
) -> Iterator[str]:
    """Read the shards that no part was stored of; yield the paths of all parts, in the order of the shards."""
    known = set(os.listdir(folder)) if folder.is_dir() else set()
    names: list[str] = []
    places: dict[int, str] = {}
    shards: dict[int, Shard] = {}

    def hand_out() -> Iterator[tuple[Shard]]:
        for number, shard in enumerate(find_shards(paths)):
            name = f"{number:08d}-{_hash(key, repr(shard))[:16]}.jsonl"
            names.append(name)
            if name not in known:
                i = len(places)
                places[i], shards[i] = name, shard
                yield (shard,)

    done = 0
    for i, rows in spread(read_shard, hand_out(), (build, arguments), is_lost_told=True):
        shard = shards.pop(i)
        if isinstance(rows, Lost):
            rows = _read_singly(shard, build, arguments, spread, rows)
        write_text(folder / places[i], "".join(json.dumps(row) + "\n" for row in rows))
        show(done := done + len(rows))
    yield from (str(folder / name) for name in names)


def _read_singly(
    shard: Shard, build: Callable[..., Read], arguments: tuple, spread: Spread, lost: Lost
) -> list[list[Any]]:
    """Read each file of a shard for itself, where one of them ended the process; it gets a row that says so."""
    error = f"cannot be read: it ended the process {lost.attempts} times"
    if len(shard.paths) == 1:
        return [[shard.paths[0], *[None] * 4, error]]
    singles = [Shard("files", (path,)) for path in shard.paths]
    rows_of: dict[int, list[list[Any]]] = {}
    for i, rows in spread(read_shard, [(one,) for one in singles], (build, arguments), is_lost_told=True):
        rows_of[i] = [[shard.paths[i], *[None] * 4, error]] if isinstance(rows, Lost) else rows
    return [row for i in sorted(rows_of) for row in rows_of[i]]


def _remove(folder: Path) -> None:
    """Remove the parts, and the folder unless somebody put something else there."""
    for path in folder.glob("*.jsonl"):
        path.unlink()
    with suppress(OSError):
        folder.rmdir()


def _read_rows(parts: Sequence[str]) -> Iterator[list[Any]]:
    for part in parts:
        with open(part, encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)


def _count(rows: Iterable[list[Any]], counts: list[int]) -> Iterator[list[Any]]:
    for row in rows:
        counts[0] += 1
        counts[1] += row[-1] is not None
        yield row


def _write_csv(place: str, rows: Iterable[list[Any]]) -> None:
    with open(place, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(rows)


def _write_parquet(place: str, rows: Iterator[list[Any]]) -> None:
    import pyarrow
    import pyarrow.parquet

    kinds = {"confidence": pyarrow.float64()}
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in COLUMNS])
    with pyarrow.parquet.ParquetWriter(place, schema) as table:
        while block := list(islice(rows, _ROWS)):
            for row in block:  # a name that is no text, which Parquet's strings cannot hold
                row[0] = row[0].encode("utf-8", "backslashreplace").decode()
            columns = zip(zip(*block, strict=True), schema.types, strict=True)
            table.write_table(pyarrow.table([pyarrow.array(*column) for column in columns], schema=schema))


def _hash(*parts: Any) -> str:
    digest = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else repr(part).encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()
