"""`digitrec predict`: the digit in each picture, or why it was declined, a line a picture."""

import argparse
from functools import partial

from digitrec.cli import batch
from digitrec.cli.console import report
from digitrec.cli.flags import add_model

EXTRA = None  # the package alone


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command; return its parser."""
    parser = batch.add_parser(
        commands,
        "predict",
        brief="read the digits in pictures",
        description="Read the digit in each picture, or decline: a line a picture, as soon as it is read.",
        table=", p0 to p9 the probabilities",
        picture="its 28x28 form and the answer",
    )
    add_model(parser)
    parser.add_argument(
        "--top", type=int, choices=range(1, 11), default=0, metavar="K", help="add the K (1-10) most probable digits"
    )
    parser.add_argument(
        "--submission",
        metavar="FILE",
        help="of a table of digits as Kaggle's (CSV of 784 columns, also gzip): write ImageId,Label of each row there",
    )
    return parser


def run(options: argparse.Namespace) -> int:
    """Read the pictures; return the exit status."""
    if batch.check_archive(options):
        from digitrec.bulk.readers import build_digit_reader, pack_model

        return batch.run_archive(options, build_digit_reader, (pack_model(options.model),))
    if options.submission:
        return _submit(options)

    from digitrec.cli import answers
    from digitrec.cli.files import read_digit
    from digitrec.recognizer import Recognizer

    top = options.top
    form = batch.Form(
        partial(answers.format_text, top=top),
        partial(answers.format_json, top=top),
        partial(answers.format_csv, top=top),
        answers.draw_reading,
    )
    return batch.run_batch(options, partial(read_digit, Recognizer.load(options.model)), form)


def _submit(options: argparse.Namespace) -> int:
    """Read a table of digits, a thousand rows at a time; nothing is declined, since each row has to have an answer."""
    from pathlib import Path

    from digitrec.preprocessing.form import prepare
    from digitrec.recognizer import Recognizer
    from digitrec.records import write_beside
    from digitrec.tables import iterate_csv

    if len(options.paths) != 1 or options.json or options.csv or options.annotate or options.top:
        raise ValueError("--submission: expected one table of digits, and none of --json, --csv, --annotate and --top")
    table, target = Path(options.paths[0]), Path(options.submission)
    if target.exists() and target.samefile(table):
        raise ValueError(f"--submission: expected another file than the table, got {target} for both")
    recognizer = Recognizer.load(options.model)
    rows = 0

    def write(place: str) -> None:
        nonlocal rows
        with open(place, "w", encoding="utf-8", newline="") as file:
            file.write("ImageId,Label\n")
            for images, _ in iterate_csv(table):
                digits = recognizer.compute_logits(prepare(images))[:, :10].argmax(axis=1)
                file.writelines(f"{i},{digit}\n" for i, digit in enumerate(digits.tolist(), rows + 1))
                rows += len(digits)

    write_beside(target, write)
    report(f"{target}: {rows:,} digits")
    return 0
