"""What `predict` and `read` share: pictures in, a line each out as soon as it is read, whatever is wrong with one."""

import argparse
import io
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from digitrec.cli.clusters import add_cluster, choose_spread
from digitrec.cli.console import Progress, complain, report

if TYPE_CHECKING:
    from PIL.Image import Image

    from digitrec.cli.answers import Annotator
    from digitrec.cli.files import Read, Reading


class Form(NamedTuple):
    """How readings are written: each as text, JSON or CSV, whose header is that of no reading, and drawn."""

    text: "Callable[[Reading], str]"
    json: "Callable[[Reading], str]"
    csv: "Callable[[Reading | None], str]"
    draw: "Callable[[Reading], Image]"


def add_parser(
    commands: argparse._SubParsersAction, name: str, brief: str, description: str, table: str, picture: str
) -> argparse.ArgumentParser:
    """Add a command that reads pictures, its paths and formats; return its parser."""
    parser = commands.add_parser(name, help=brief, description=description, add_help=False)
    parser.add_argument(
        "-h", "--help", action=_Help, nargs=0, default=argparse.SUPPRESS, help="show this help message and exit"
    )
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a picture; a folder, searched with all folders in it for pictures by their suffix, in natural order; a "
        "quoted pattern such as 'scans/**/*.png'; or - for one picture on standard input",
    )
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="one JSON object a line")
    formats.add_argument("--csv", action="store_true", help=f"a table with a header{table}")
    parser.add_argument(
        "--annotate",
        metavar="FOLDER",
        help=f"write a PNG of each picture, {picture} there; nothing is ever overwritten",
    )
    archive = parser.add_argument_group("an archive, also as Parquet or tar shards")
    archive.add_argument(
        "--output",
        metavar="FILE",
        help="write a table there, .csv or .parquet: file, answer, confidence, kind, reason, error. A .parquet PATH is "
        "a table of pictures, a .tar a shard of WebDataset's form. What was stopped goes on where it was",
    )
    archive.add_argument("--unordered", action="store_true", help="with --output: rows in the order they were read in")
    add_cluster(parser)
    return parser


class _Help(argparse.Action):
    """Shows the help, and loads the list of formats only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from digitrec.preprocessing.decoding import SUFFIXES

        parser.epilog = (
            f"Suffixes of pictures: {' '.join(SUFFIXES)}. "
            "Exit status: 0 all were read (declining is reading), 1 some failed, 2 wrong use or none was read."
        )
        parser.print_help()
        parser.exit()


def run_batch(options: argparse.Namespace, read: "Read", form: Form) -> int:
    """Read the pictures that the options name, and write each as the form says; return the exit status."""
    from digitrec.cli.answers import Annotator
    from digitrec.cli.files import find_pictures, is_same_folder, read_pictures

    if any(is_same_folder(path, options.annotate) for path in options.paths):
        raise ValueError(f"--annotate: expected another folder than the pictures', got {options.annotate!r} for both")
    annotator = Annotator(options.annotate, form.draw) if options.annotate else None
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that is no text goes out as it came in
        encoding, errors = ("utf-8", "surrogateescape") if options.csv else (None, "backslashreplace")
        sys.stdout.reconfigure(encoding=encoding, errors=errors)
    progress = Progress(find_pictures(options.paths, options.annotate))
    readings = read_pictures(read, find_pictures(options.paths, options.annotate))
    try:
        done, failed = _answer(readings, options, form, annotator, progress)
    finally:
        progress.erase()
    if not done:
        raise ValueError("expected pictures, found none")
    return 2 if failed == done else int(failed > 0)


def run_archive(options: argparse.Namespace, build: "Callable[..., Read]", arguments: tuple) -> int:
    """Read the pictures that the options name into the table that they name; return the exit status."""
    from digitrec.bulk.parts import read_archive

    if given := [name for name in ("json", "csv", "annotate", "top", "submission") if getattr(options, name, None)]:
        raise ValueError(f"--output: cannot go with --{given[0]}")
    with choose_spread(options, report) as (spread, tell):
        ordered = not options.unordered
        done, failed = read_archive(options.paths, options.output, build, arguments, ordered, spread)
        tell(f"{options.output}: {done:,} pictures, {failed:,} of them could not be read")
    return 2 if failed == done else int(failed > 0)


def check_archive(options: argparse.Namespace) -> bool:
    """Tell whether the options ask for the table of an archive.

    Raises:
        ValueError: they ask for what goes with one alone.
    """
    if options.output is None and (options.cluster is not None or options.unordered):
        raise ValueError(f"--{'unordered' if options.cluster is None else 'cluster'}: expected --output FILE with it")
    return options.output is not None


def _answer(
    readings: "Iterable[Reading]",
    options: argparse.Namespace,
    form: Form,
    annotator: "Annotator | None",
    progress: Progress,
) -> tuple[int, int]:
    """Write each reading as soon as it is made; return how many there were, and how many of them failed."""
    write = form.json if options.json else form.csv if options.csv else form.text
    if options.csv:
        report(form.csv(None))
    done = failed = 0
    for reading in readings:
        done += 1
        if reading.error is not None:
            failed += 1
            progress.erase()
            complain(form.text(reading))
        elif annotator:
            annotator.save(reading)
        if reading.error is None or options.json or options.csv:
            report(write(reading))
        progress.show(done)
    return done, failed
