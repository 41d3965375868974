"""`digitrec seeds`: the recipe under several seeds, and how far their results lie apart."""

import argparse

from digitrec.cli.clusters import add_cluster, choose_spread
from digitrec.cli.console import report
from digitrec.cli.flags import add_dataset, add_settings, read_settings
from digitrec.config import TrainConfig

EXTRA = "train"


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command; return its parser."""
    parser = commands.add_parser(
        "seeds",
        help="train and test under several seeds",
        description="Train a recipe under several seeds, test each network, and print mean and standard deviation. "
        "Each result is kept, so that a stopped run goes on where it was.",
        usage="%(prog)s [-h] [--seeds N] [--output FILE] [--keep FOLDER] [--cluster [ADDRESS]] [SETTING ...]",
    )
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="how many, from 0 (default: 5)")
    parser.add_argument(
        "--output", default="output/seeds.json", metavar="FILE", help="the results (default: output/seeds.json)"
    )
    parser.add_argument("--keep", metavar="FOLDER", help="keep the model folders here, one a seed")
    add_dataset(parser)
    add_cluster(parser)
    add_settings(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Train, test and report; return the exit status."""
    settings = read_settings(options)
    if "seed" in settings:
        raise ValueError("--seed: expected --seeds N, which are 0 to N - 1")
    config = TrainConfig(**settings)  # a wrong value ends here, before anything is loaded

    from digitrec.seeds import run_seeds

    with choose_spread(options, report, options.dataset) as (spread, tell):
        run_seeds(options.output, options.seeds, config, options.dataset, options.keep, spread, tell)
    return 0
