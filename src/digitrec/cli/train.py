"""`digitrec train`: a network trained and its model folder written, or a trained one taught your handwriting."""

import argparse
from typing import TYPE_CHECKING, Any

from digitrec.cli.clusters import add_cluster, choose_spread
from digitrec.cli.console import report
from digitrec.cli.flags import add_dataset, add_settings, parse_name, read_settings
from digitrec.config import TrainConfig

if TYPE_CHECKING:
    from pathlib import Path

EXTRA = "train"


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command; return its parser."""
    parser = commands.add_parser(
        "train",
        help="train a network and write its model folder",
        description="Train a network and write its model folder. The test set is not touched. With --data, teach a "
        "trained network your own handwriting; samples held out show what it gained.",
        usage="%(prog)s [-h] [--name NAME] [--data FOLDER [--from MODEL]] [--resume] [--replace] [SETTING ...]\n"
        "       %(prog)s [--name NAME] --folds K [--cluster [ADDRESS]] [SETTING ...]",
    )
    parser.add_argument("--name", type=parse_name, default="mine", help="name of the model (default: mine)")
    parser.add_argument(
        "--models", default="models", metavar="FOLDER", help="where model folders lie (default: models)"
    )
    parser.add_argument("--replace", action="store_true", help="replace a model of that name, whatever made it")
    add_dataset(parser, None)
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the checkpoint of a stopped run, or of one that ended, with more --epochs",
    )
    parser.add_argument(
        "--data", metavar="FOLDER", help="your own pictures: folders 0 to 9, or a labels.csv with the header file,label"
    )
    parser.add_argument("--from", dest="base", metavar="MODEL", help="with --data: what to start from (default: cnn)")
    parser.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="train no model, but K on parts of the training pictures, each read by the one that did not see it; the "
        "results go to folds.json in the model's folder",
    )
    add_cluster(parser)
    add_settings(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Train or teach; return the exit status."""
    from pathlib import Path

    folder, settings = Path(options.models) / options.name, read_settings(options)
    config = TrainConfig(**settings)  # a wrong value ends here, before anything is loaded
    if options.folds is not None:
        _cross_validate(options, folder, config)
    elif options.cluster is not None:
        raise ValueError("--cluster: expected --folds K with it; a single training runs on one machine")
    elif options.data is not None:
        _teach(options, folder, settings)
    else:
        _train(options, folder, config)
    return 0


def _train(options: argparse.Namespace, folder: "Path", config: TrainConfig) -> None:
    if options.base is not None:
        raise ValueError("--from: expected --data FOLDER with it, the pictures to teach the network")

    from digitrec.workflow import train_model

    try:
        metrics = train_model(
            folder, config, options.dataset or "mnist", options.resume, replace=options.replace, report=report
        )
    except (KeyboardInterrupt, OSError, MemoryError, ModuleNotFoundError) as error:
        if (folder / "checkpoint.npz").exists():
            error.add_note(f"the last whole epoch is saved in {folder}: go on with --resume")
        raise
    report(f"{folder}: validation accuracy {metrics['validation']['accuracy']:.2%}")


def _teach(options: argparse.Namespace, folder: "Path", settings: dict[str, Any]) -> None:
    if options.dataset or options.resume:
        raise ValueError(f"--data: cannot go with --{'dataset' if options.dataset else 'resume'}")

    from digitrec.handwriting.teaching import teach

    teach(options.data, folder, options.base or "cnn", replace=options.replace, report=report, **settings)
    report(f"{folder}: try it with digitrec predict --model {folder} PATH")


def _cross_validate(options: argparse.Namespace, folder: "Path", config: TrainConfig) -> None:
    if given := [name for name in ("data", "base", "resume", "replace") if getattr(options, name)]:
        raise ValueError(f"--folds: cannot go with --{'from' if given[0] == 'base' else given[0]}")

    import numpy as np

    from digitrec.datasets import load_split
    from digitrec.folds import run_folds

    training, validation, _ = load_split(options.dataset or "mnist")
    images, labels = (np.concatenate([training[i], validation[i]]) for i in (0, 1))
    with choose_spread(options, report) as (spread, tell):
        run_folds(folder / "folds.json", options.folds, config, (images, labels), spread, tell)
