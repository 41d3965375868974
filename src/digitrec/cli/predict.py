"""`digitrec predict`: the digit in each picture, or why it was declined, a line a picture."""

import argparse
from functools import partial

from digitrec.cli import batch
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
    return parser


def run(options: argparse.Namespace) -> int:
    """Read the pictures; return the exit status."""
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
