"""`digitrec read`: the whole number in each picture, or why it was declined, a line a picture."""

import argparse
from functools import partial

from digitrec.cli import batch

EXTRA = None  # the package alone


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command; return its parser."""
    parser = batch.add_parser(
        commands,
        "read",
        brief="read the whole numbers in pictures",
        description="Read the number in each picture, 473, 12,5 or 3/4, or decline: a line a picture, as soon as it is "
        "read. What is known of the numbers helps to read them.",
        table="",
        picture="with a box around each character and the answer",
    )
    parser.add_argument(
        "--model", default="numbers", metavar="NAME_OR_FOLDER", help="the network of numbers (default: numbers)"
    )
    known = parser.add_argument_group("what is known of the numbers")
    known.add_argument("--length", type=int, metavar="N", help="characters that each has, marks included")
    known.add_argument("--pattern", metavar="TEXT", help="d for a digit, other characters as they are: dd.d")
    known.add_argument("--characters", metavar="TEXT", help="those that may occur, of 0123456789.,-/")
    values = known.add_mutually_exclusive_group()
    values.add_argument(
        "--values", metavar="FILE_OR_LIST", help="all that they can be: a file, one a line, or a list: 12,15,20"
    )
    values.add_argument("--range", type=_parse_range, metavar="A:B", help="whole numbers from A to B, both included")
    known.add_argument(
        "--check", choices=("luhn", "ean", "isbn13", "isbn10"), help="the check digit that the last digit is"
    )
    return parser


def run(options: argparse.Namespace) -> int:
    """Read the pictures; return the exit status."""
    from digitrec.cli import numbers
    from digitrec.cli.files import read_number
    from digitrec.numbers.constraints import Constraint
    from digitrec.numbers.reader import NumberReader

    values = options.range if options.values is None else _read_values(options.values)
    known = (options.length, options.pattern, options.characters, values, options.check)
    constraint = Constraint(*known) if any(one is not None for one in known) else None
    if batch.check_archive(options):
        from digitrec.bulk.readers import build_number_reader, pack_model

        return batch.run_archive(options, build_number_reader, (pack_model(options.model), constraint))
    read = partial(read_number, NumberReader.load(options.model), constraint, bool(options.annotate))
    form = batch.Form(numbers.format_text, numbers.format_json, numbers.format_csv, numbers.draw_reading)
    return batch.run_batch(options, read, form)


def _parse_range(text: str) -> range:
    first, _, last = text.partition(":")
    try:
        least, most = int(first), int(last)
    except ValueError:
        least, most = 1, 0
    if least > most:
        raise argparse.ArgumentTypeError(f"expected two whole numbers, the smaller first, as in 1:31, got {text!r}")
    return range(least, most + 1)


def _read_values(given: str) -> list[str]:
    """Return the lines of a file, or the parts of a list."""
    from pathlib import Path

    if not Path(given).is_file():
        return [part.strip() for part in given.split(",")]
    try:
        return Path(given).read_text(encoding="utf-8-sig").split()
    except UnicodeDecodeError as error:
        raise ValueError(f"--values: expected a text with a number a line, got {given!r}") from error
