"""`digitrec train-numbers`: a network of whole numbers trained and its model folder written, or taught your cells."""

import argparse
from typing import TYPE_CHECKING, Any

from digitrec.cli.console import report
from digitrec.cli.flags import DATASETS, add_settings, parse_name, read_settings
from digitrec.numbers.config import NumberConfig

if TYPE_CHECKING:
    from pathlib import Path

EXTRA = "train"

# The groups of its help, by the field that each begins with.
GROUPS = {
    "seed": "training",
    "filters": "network",
    "stretch": "variation on the fly: half-widths of uniform distributions, unless stated otherwise",
}


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command; return its parser."""
    parser = commands.add_parser(
        "train-numbers",
        help="train the network of whole numbers, or teach it your own cells",
        description="Train a network that reads whole numbers, on numbers composed of MNIST's training digits, and "
        "write its model folder. With --data, teach a trained one your own labelled pictures of numbers (50 are enough "
        "to begin); those held out show what it gained.",
        usage="%(prog)s [-h] [--name NAME] [--data FOLDER] [--from MODEL] [--resume] [--replace] [SETTING ...]",
    )
    parser.add_argument("--name", type=parse_name, default="my-numbers", help="name of the model (default: my-numbers)")
    parser.add_argument(
        "--models", default="models", metavar="FOLDER", help="where model folders lie (default: models)"
    )
    parser.add_argument("--replace", action="store_true", help="replace a model of that name, whatever made it")
    parser.add_argument("--dataset", choices=DATASETS, help="the digits that numbers are composed of (default: mnist)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint of a stopped run")
    parser.add_argument(
        "--data", metavar="FOLDER", help="your own pictures: a folder with a labels.csv, its header file,label"
    )
    parser.add_argument(
        "--from",
        dest="base",
        metavar="MODEL",
        help="the model whose weights to start from (default with --data: numbers; without: none, they are random)",
    )
    add_settings(parser, NumberConfig, GROUPS)
    return parser


def run(options: argparse.Namespace) -> int:
    """Train or teach; return the exit status."""
    from pathlib import Path

    folder, settings = Path(options.models) / options.name, read_settings(options, NumberConfig)
    config = NumberConfig(**settings)  # a wrong value ends here, before anything is loaded
    if options.data is not None:
        _teach(options, folder, settings)
    else:
        _train(options, folder, config)
    return 0


def _train(options: argparse.Namespace, folder: "Path", config: NumberConfig) -> None:
    from digitrec.numbers.saving import train_numbers

    try:
        metrics = train_numbers(
            folder, config, options.dataset or "mnist", options.resume, options.replace, report, options.base
        )
    except (KeyboardInterrupt, OSError, MemoryError, ModuleNotFoundError) as error:
        if (folder / "checkpoint.npz").exists():
            error.add_note(f"the last whole epoch is saved in {folder}: go on with --resume")
        raise
    report(f"{folder}: {metrics['validation']['exact_match']:.2%} of the validation strips read exactly")


def _teach(options: argparse.Namespace, folder: "Path", settings: dict[str, Any]) -> None:
    if options.dataset or options.resume:
        raise ValueError(f"--data: cannot go with --{'dataset' if options.dataset else 'resume'}")

    from digitrec.numbers.teaching import teach_numbers

    teach_numbers(options.data, folder, options.base or "numbers", options.replace, report, **settings)
    report(f"{folder}: try it with digitrec read --model {folder} PATH")
