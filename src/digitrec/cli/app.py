"""`digitrec app`: the page on which one draws a digit or a number and sees it read."""

import argparse

from digitrec.app.defaults import NUMBERS, PORT, SAMPLES
from digitrec.cli.flags import add_model

EXTRA = "app"


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command; return its parser."""
    parser = commands.add_parser(
        "app",
        help="draw a digit or a number and see it read, on a page in the browser",
        description="Serve a page on this machine on which one draws a digit or a whole number and sees it read, until "
        "Ctrl-C.",
    )
    add_model(parser)
    parser.add_argument(
        "--numbers", default=NUMBERS, metavar="MODEL", help="what reads whole numbers (default: %(default)s)"
    )
    parser.add_argument(
        "--samples",
        default=SAMPLES,
        metavar="FOLDER",
        help="where the samples go that you choose to keep (default: %(default)s)",
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help="the next free one, where it is taken (default: %(default)s)"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the page in the browser")
    return parser


def run(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C; return the exit status."""
    from digitrec.app import launch

    launch(
        browser=not options.no_browser,
        model=options.model,
        samples=options.samples,
        port=options.port,
        numbers=options.numbers,
    )
    return 0
