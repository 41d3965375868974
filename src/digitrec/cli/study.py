"""`digitrec study`: every method compared under one protocol."""

import argparse

from digitrec.cli.clusters import add_cluster, choose_spread
from digitrec.cli.console import report
from digitrec.cli.flags import add_dataset

EXTRA = "study"


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command; return its parser."""
    parser = commands.add_parser(
        "study",
        help="compare every method: features, classifiers, networks",
        description="Measure every method of the study under one protocol and print the table. A result a method is "
        "kept, so that a stopped study goes on where it was.",
    )
    parser.add_argument("--folder", default="models/study", help="where results are kept (default: models/study)")
    add_dataset(parser)
    parser.add_argument("--sets", metavar="FOLDER", help="sets of real handwriting, to be read as well")
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="only these; default: all")
    parser.add_argument("--limit", type=int, metavar="N", help="train on N images only, to try something out")
    add_cluster(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Measure and print the table; return the exit status."""
    from digitrec.study.methods import choose_methods
    from digitrec.study.protocol import load_data, run_study
    from digitrec.study.tables import format_table, tabulate

    methods = choose_methods(options.methods)
    data = load_data(options.dataset, options.sets, options.limit)
    with choose_spread(options, report) as (spread, tell):
        results = run_study(methods, data, options.folder, report=tell, spread=spread)
    report("\n" + format_table(tabulate(results, data.test[1])).to_string())
    return 0
