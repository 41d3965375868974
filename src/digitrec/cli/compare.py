"""`digitrec compare`: two models on the same pictures."""

import argparse

from digitrec.cli.console import report
from digitrec.cli.flags import add_dataset

EXTRA = "train"


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command; return its parser."""
    parser = commands.add_parser(
        "compare",
        help="compare two models on the same pictures",
        description="Compare two models on the validation pictures, and on your own, by McNemar's exact test.",
    )
    parser.add_argument("first", help="name or folder of a model")
    parser.add_argument("second", help="of another")
    parser.add_argument("--data", metavar="FOLDER", help="your own pictures: folders 0 to 9, or a labels.csv")
    parser.add_argument("--figure", metavar="FILE", help="draw the comparison into this PNG file")
    add_dataset(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Compare; return the exit status."""
    from digitrec.pairs import compare_models

    results, figure = compare_models(options.first, options.second, options.data, options.dataset)
    for one in results:
        report(
            f"{one.pictures}: {options.first} {(one.both + one.only_first) / one.n:.2%}, "
            f"{options.second} {(one.both + one.only_second) / one.n:.2%} of {one.n:,}; "
            f"alone {one.only_first} and {one.only_second}, p = {one.p:.2g}"
        )
    if options.figure:
        from digitrec.plots.style import draw_png
        from digitrec.records import write_bytes

        write_bytes(options.figure, draw_png(figure))
    return 0
