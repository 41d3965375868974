"""The command line: arguments in, text out; each command loads what it needs when it runs."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import Field, fields

from digitrec.config import TrainConfig


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `digitrec`; return the exit status: 0 done, 1 some failed, 2 usage or nothing done, 130 interrupted."""
    options = _build_parser().parse_args(arguments)
    try:
        return options.run(options)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except (ValueError, ArithmeticError, OSError) as error:
        print(f"digitrec: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="digitrec", description="Train, prove and use a reader of handwritten digits."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    train = commands.add_parser(
        "train",
        help="train a network and write its model folder",
        description="Train a network and write its model folder. The test set is not touched.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    train.add_argument("--name", default="mine", help="name of the model")
    train.add_argument("--models", default="models", metavar="FOLDER", help="where model folders lie")
    train.add_argument("--dataset", choices=("mnist", "digits"), default="mnist", help="what to train on")
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint of a stopped run")
    settings = train.add_argument_group("settings (the fields of TrainConfig)")
    for setting in fields(TrainConfig):
        _add_setting(settings, setting)
    train.set_defaults(run=_train)

    evaluate = commands.add_parser(
        "evaluate",
        help="evaluate a model on the test set",
        description="Evaluate a model folder on the test set; metrics.json and the figures are written anew.",
    )
    evaluate.add_argument("model", help="name or folder of the model")
    evaluate.add_argument("--dataset", choices=("mnist", "digits"), help="default: what it was trained on")
    evaluate.set_defaults(run=_evaluate)
    return parser


def _add_setting(group: argparse._ArgumentGroup, setting: Field) -> None:
    """Add the flag of one field of TrainConfig."""
    flag, default = f"--{setting.name.replace('_', '-')}", setting.default
    if isinstance(default, bool):
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=default, help=" ")
    elif isinstance(default, tuple):
        text = "/".join(",".join(map(str, block)) for block in default)
        group.add_argument(flag, type=_parse_filters, default=text, help="convolutions, a slash before each pooling")
    else:
        group.add_argument(flag, type=type(default), default=default, metavar=type(default).__name__.upper(), help=" ")


def _parse_filters(text: str) -> tuple[tuple[int, ...], ...]:
    try:
        return tuple(tuple(int(part) for part in block.split(",")) for block in text.split("/"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected numbers such as 16,16/32,32/64,64, got {text!r}") from error


def _train(options: argparse.Namespace) -> int:
    from pathlib import Path

    from digitrec.pipeline import train_model

    config = TrainConfig(**{field.name: getattr(options, field.name) for field in fields(TrainConfig)})
    folder = Path(options.models) / options.name
    try:
        metrics = train_model(folder, config, options.dataset, options.resume, report=_report)
    except KeyboardInterrupt:
        print(f"the last whole epoch is saved in {folder}; go on with --resume", file=sys.stderr)
        raise
    print(f"{folder}: validation accuracy {metrics['validation']['accuracy']:.2%}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from digitrec.pipeline import evaluate_model
    from digitrec.runs import describe_result

    metrics, _ = evaluate_model(options.model, options.dataset)
    print("  ".join(describe_result(metrics)))
    return 0


def _report(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
