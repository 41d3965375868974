"""`digitrec tune`: better settings of the CNN searched for on validation."""

import argparse
from functools import partial

from digitrec.cli.clusters import add_cluster, open_cluster
from digitrec.cli.console import report
from digitrec.cli.flags import add_dataset

EXTRA = "study"


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command; return its parser."""
    parser = commands.add_parser(
        "tune",
        help="search for better settings",
        description="Search the settings of the CNN on validation. The search is kept, so that the same command goes "
        "on with it, also from several processes at once.",
    )
    parser.add_argument("--folder", default="models/tuning", help="where the search is kept (default: models/tuning)")
    add_dataset(parser)
    parser.add_argument(
        "--trials", type=int, default=30, metavar="N", help="in all, those of earlier calls included (default: 30)"
    )
    parser.add_argument("--images", type=int, default=5000, metavar="N", help="to train each trial on (default: 5000)")
    parser.add_argument("--epochs", type=int, default=5, metavar="N", help="of each trial (default: 5)")
    parser.add_argument(
        "--storage",
        metavar="FILE_OR_URL",
        help="where the search is kept instead: a name.journal, also in a shared folder, or the URL of a database",
    )
    add_cluster(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Search; return the exit status."""
    from digitrec.study.search import run_search

    with open_cluster(options, report) as (cluster, tell):
        hold = None
        if cluster is not None:
            from digitrec.distributed.searching import hold_on

            hold = partial(hold_on, cluster)
        numbers = options.trials, options.images, options.epochs
        run_search(options.folder, options.dataset, *numbers, tell, options.storage, hold)
    return 0
