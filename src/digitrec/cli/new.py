"""`digitrec new`: a folder to start from, with a notebook, a network and pictures of one's own."""

import argparse

from digitrec.cli.console import report

EXTRA = None  # the package alone


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command; return its parser."""
    parser = commands.add_parser(
        "new",
        help="begin a project with a network of your own",
        description="Make a folder with a notebook of ten cells that trains a network of your own, and reads pictures "
        "of your own with it; a few pictures come along.",
    )
    parser.add_argument("folder", help="the folder to make")
    return parser


def run(options: argparse.Namespace) -> int:
    """Make the folder; return the exit status."""
    from pathlib import Path

    from digitrec.records import SAMPLES, write_bytes, write_text

    folder, template = Path(options.folder), Path(__file__).parents[1] / "project"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder}: expected a new folder, or an empty one")
    table = ["file,label"]
    for picture in sorted(SAMPLES.glob("[0-9]_*")):
        write_bytes(folder / "pictures" / picture.name, picture.read_bytes())
        table.append(f"{picture.name},{picture.name[0]}")
    write_text(folder / "pictures" / "labels.csv", "\n".join(table) + "\n")
    for part in template.iterdir():
        write_text(folder / part.name, part.read_text(encoding="utf-8"))
    report(f"{folder}: open my_network.ipynb with jupyter lab, and run it from top to bottom")
    return 0
