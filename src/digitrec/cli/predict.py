"""`digitrec predict`: the digit in each picture, or why it was declined, a line a picture."""

import argparse
import io
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from digitrec.cli.console import Progress, complain, report
from digitrec.cli.flags import add_model

if TYPE_CHECKING:
    from digitrec.cli.answers import Annotator
    from digitrec.cli.files import Reading

EXTRA = None  # the package alone


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command; return its parser."""
    parser = commands.add_parser(
        "predict",
        help="read the digits in pictures",
        description="Read the digit in each picture, or decline: a line a picture, as soon as it is read.",
        add_help=False,
    )
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
    add_model(parser)
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="one JSON object a line")
    formats.add_argument("--csv", action="store_true", help="a table with a header, p0 to p9 the probabilities")
    parser.add_argument(
        "--top", type=int, choices=range(1, 11), default=0, metavar="K", help="add the K (1-10) most probable digits"
    )
    parser.add_argument(
        "--annotate",
        metavar="FOLDER",
        help="write a PNG of each picture, its 28x28 form and the answer there; nothing is ever overwritten",
    )
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


def run(options: argparse.Namespace) -> int:
    """Read the pictures; return the exit status."""
    from digitrec.cli.answers import Annotator
    from digitrec.cli.files import find_pictures, is_same_folder, read_pictures
    from digitrec.recognizer import Recognizer

    recognizer = Recognizer.load(options.model)
    if any(is_same_folder(path, options.annotate) for path in options.paths):
        raise ValueError(f"--annotate: expected another folder than the pictures', got {options.annotate!r} for both")
    annotator = Annotator(options.annotate) if options.annotate else None
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that is no text goes out as it came in
        encoding, errors = ("utf-8", "surrogateescape") if options.csv else (None, "backslashreplace")
        sys.stdout.reconfigure(encoding=encoding, errors=errors)
    progress = Progress(find_pictures(options.paths, options.annotate))
    readings = read_pictures(recognizer, find_pictures(options.paths, options.annotate))
    try:
        done, failed = _answer(readings, options, annotator, progress)
    finally:
        progress.erase()
    if not done:
        raise ValueError("expected pictures, found none")
    return 2 if failed == done else int(failed > 0)


def _answer(
    readings: "Iterable[Reading]", options: argparse.Namespace, annotator: "Annotator | None", progress: Progress
) -> tuple[int, int]:
    """Write each reading as soon as it is made; return how many there were, and how many of them failed."""
    from digitrec.cli.answers import format_csv, format_json, format_text

    write = format_json if options.json else format_csv if options.csv else format_text
    if options.csv:
        report(format_csv(None, options.top))
    done = failed = 0
    for reading in readings:
        done += 1
        if reading.error is not None:
            failed += 1
            progress.erase()
            complain(format_text(reading))
        elif annotator:
            annotator.save(reading)
        if reading.error is None or options.json or options.csv:
            report(write(reading, options.top))
        progress.show(done)
    return done, failed
