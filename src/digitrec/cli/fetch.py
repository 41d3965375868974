"""`digitrec fetch`: MNIST loaded into the data folder, and held against what was published."""

import argparse
import warnings

from digitrec.cli.console import complain, report

EXTRA = "train"


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command; return its parser."""
    parser = commands.add_parser(
        "fetch",
        help="fetch MNIST into the data folder",
        description="Fetch MNIST into $DIGITREC_DATA_DIR, else into data/, where it does not lie there yet; say where "
        "it is, and whether it is the one that was published.",
    )
    parser.add_argument("--anew", action="store_true", help="fetch it again, in place of what lies there")
    return parser


def run(options: argparse.Namespace) -> int:
    """Fetch and check; return the exit status, 1 where it is not the published content."""
    from digitrec.mnist import fetch_mnist, is_published, load_mnist

    folder = fetch_mnist(anew=options.anew)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is not as published is said below
        training, test = load_mnist(folder)
    if not is_published([*training, *test]):
        complain(f"{folder}: MNIST's form, but not the published content", "digitrec fetch --anew fetches that")
        return 1
    report(f"{folder}: MNIST as published, {len(training[1]):,} training and {len(test[1]):,} test images")
    return 0
