"""The command line: arguments in, text out; each command loads what it needs when it runs."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import Field, fields
from typing import TYPE_CHECKING, Any

from digitrec.config import TrainConfig

if TYPE_CHECKING:
    from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `digitrec`; return the exit status: 0 done, 1 some failed, 2 usage or nothing done, 130 interrupted."""
    options = _build_parser().parse_args(arguments)
    try:
        return options.run(options)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it leaves
        return 0
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
        description="Train a network and write its model folder. The test set is not touched. With --data, teach a "
        "trained network your own handwriting; samples held out show what it gained.",
    )
    train.add_argument("--name", default="mine", help="name of the model (default: mine)")
    train.add_argument("--models", default="models", metavar="FOLDER", help="where model folders lie (default: models)")
    train.add_argument("--dataset", choices=("mnist", "digits"), help="what to train on (default: mnist)")
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint of a stopped run")
    train.add_argument(
        "--data", metavar="FOLDER", help="your own pictures: folders 0 to 9, or a labels.csv with the header file,label"
    )
    train.add_argument("--from", dest="base", metavar="MODEL", help="with --data: what to start from (default: cnn)")
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

    study = commands.add_parser(
        "study",
        help="compare every method: features, classifiers, networks",
        description="Measure every method of the study under one protocol and print the table. A result a method is "
        "kept, so that a stopped study goes on where it was.",
    )
    study.add_argument("--folder", default="models/study", help="where results are kept (default: models/study)")
    study.add_argument("--dataset", choices=("mnist", "digits"), default="mnist", help="default: mnist")
    study.add_argument("--sets", metavar="FOLDER", help="sets of real handwriting, to be read as well")
    study.add_argument("--methods", nargs="+", metavar="NAME", help="only these; default: all")
    study.add_argument("--limit", type=int, metavar="N", help="train on N images only, to try something out")
    study.set_defaults(run=_study)

    tune = commands.add_parser(
        "tune",
        help="search for better settings",
        description="Search the settings of the CNN on validation. The search is kept, so that the same command goes "
        "on with it, also from several processes at once.",
    )
    tune.add_argument("--folder", default="models/tuning", help="where the search is kept (default: models/tuning)")
    tune.add_argument("--dataset", choices=("mnist", "digits"), default="mnist", help="default: mnist")
    tune.add_argument("--trials", type=int, default=30, help="in all, those of earlier calls included (default: 30)")
    tune.add_argument("--images", type=int, default=5000, help="to train each trial on (default: 5000)")
    tune.add_argument("--epochs", type=int, default=5, help="of each trial (default: 5)")
    tune.set_defaults(run=_tune)

    predict = commands.add_parser(
        "predict",
        help="read the digits in pictures",
        description="Read the digit in each picture, or decline: a line a picture, as soon as it is read.",
        epilog="Exit status: 0 all were read (declining is reading), 1 some failed, 2 wrong use or none was read.",
    )
    predict.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a picture; a folder, searched with all folders in it for pictures by their suffix, in natural order; a "
        "quoted pattern such as 'scans/**/*.png'; or - for one picture on standard input",
    )
    predict.add_argument("--model", default="cnn", metavar="NAME_OR_FOLDER", help="the model (default: cnn)")
    formats = predict.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="one JSON object a line")
    formats.add_argument("--csv", action="store_true", help="a table with a header, p0 to p9 the probabilities")
    predict.add_argument(
        "--top", type=int, choices=range(1, 11), default=0, metavar="K", help="add the K (1-10) most probable digits"
    )
    predict.add_argument(
        "--annotate",
        metavar="FOLDER",
        help="write a PNG of each picture, its 28x28 form and the answer there; nothing is ever overwritten",
    )
    predict.set_defaults(run=_predict)

    app = commands.add_parser(
        "app",
        help="draw a digit and see it read, on a page in the browser",
        description="Serve a page on this machine on which one draws a digit and sees it read, until Ctrl-C.",
    )
    app.add_argument("--model", default="cnn", metavar="NAME_OR_FOLDER", help="the model (default: cnn)")
    app.add_argument(
        "--samples",
        default="my_digits",
        metavar="FOLDER",
        help="where the samples go that you choose to keep (default: my_digits)",
    )
    app.add_argument("--port", type=int, default=7860, help="the next free one, where it is taken (default: 7860)")
    app.add_argument("--no-browser", action="store_true", help="do not open the page in the browser")
    app.set_defaults(run=_app)
    return parser


def _add_setting(group: argparse._ArgumentGroup, setting: Field) -> None:
    """Add the flag of one field of TrainConfig; one that is not given stays out of the options."""
    flag, default = f"--{setting.name.replace('_', '-')}", setting.default
    if isinstance(default, bool):
        action, note = argparse.BooleanOptionalAction, f"(default: {default})"
        group.add_argument(flag, action=action, default=argparse.SUPPRESS, help=note)
    elif isinstance(default, tuple):
        text = "/".join(",".join(map(str, block)) for block in default)
        note = f"convolutions, a slash before each pooling (default: {text})"
        group.add_argument(flag, type=_parse_filters, default=argparse.SUPPRESS, help=note)
    else:
        kind, note = type(default), f"(default: {default})"
        group.add_argument(flag, type=kind, default=argparse.SUPPRESS, metavar=kind.__name__.upper(), help=note)


def _parse_filters(text: str) -> tuple[tuple[int, ...], ...]:
    try:
        return tuple(tuple(int(part) for part in block.split(",")) for block in text.split("/"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected numbers such as 16,16/32,32/64,64, got {text!r}") from error


def _train(options: argparse.Namespace) -> int:
    from pathlib import Path

    folder = Path(options.models) / options.name
    settings = {field.name: getattr(options, field.name) for field in fields(TrainConfig) if field.name in options}
    if options.data is not None:
        return _teach(options, folder, settings)
    if options.base is not None:
        raise ValueError("--from: expected --data FOLDER with it, the pictures to teach the network")

    from digitrec.pipeline import train_model

    try:
        metrics = train_model(
            folder, TrainConfig(**settings), options.dataset or "mnist", options.resume, report=_report
        )
    except KeyboardInterrupt:
        if (folder / "checkpoint.npz").exists():
            print(f"the last whole epoch is saved in {folder}; go on with --resume", file=sys.stderr)
        raise
    print(f"{folder}: validation accuracy {metrics['validation']['accuracy']:.2%}")
    return 0


def _teach(options: argparse.Namespace, folder: "Path", settings: dict[str, Any]) -> int:
    if options.dataset or options.resume:
        raise ValueError(f"--data: cannot go with --{'dataset' if options.dataset else 'resume'}")

    from digitrec.personal import teach

    teach(options.data, folder, options.base or "cnn", report=_report, **settings)
    print(f"{folder}: try it with digitrec predict --model {folder} PATH")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from digitrec.pipeline import evaluate_model
    from digitrec.runs import describe_result

    metrics, _ = evaluate_model(options.model, options.dataset)
    print("  ".join(describe_result(metrics)))
    return 0


def _study(options: argparse.Namespace) -> int:
    from digitrec import study
    from digitrec.methods import METHODS

    chosen = options.methods or list(METHODS)
    if unknown := set(chosen) - set(METHODS):
        raise ValueError(f"--methods: expected some of {', '.join(METHODS)}; got {', '.join(sorted(unknown))}")
    if options.limit is not None and options.limit < 200:
        raise ValueError(f"--limit: expected at least 200 images, got {options.limit}")
    data = study.load_data(options.dataset, options.sets, options.limit)
    results = study.run_study({name: METHODS[name] for name in chosen}, data, options.folder, report=_report)
    _report("\n" + study.format_table(study.tabulate(results, data.test[1])).to_string())
    return 0


def _tune(options: argparse.Namespace) -> int:
    from dataclasses import replace
    from pathlib import Path

    from digitrec.datasets import load_dataset, split_validation

    (images, labels), _ = load_dataset(options.dataset)
    training, validation = split_validation(images, labels, validation=len(labels) // 12)
    if not 100 <= options.images <= len(training[1]):
        raise ValueError(f"--images: expected 100 to {len(training[1]):,}, got {options.images}")
    from digitrec import plots, runs, study, tuning  # slow to load: after the data turned out to be there

    training = study.take(training, options.images)
    search = tuning.tune(
        options.folder, training, validation, options.trials, replace(tuning.TRIAL, epochs=options.epochs), _report
    )
    trials = tuning.tabulate_trials(search)
    figures = {"search_history": plots.search_history(trials), "setting_slices": plots.setting_slices(trials)}
    if (~trials.pruned).sum() > 1:
        figures["setting_importance"] = plots.setting_importance(tuning.rate_settings(search))
    runs.save_figures(options.folder, figures)
    _report(f"best: validation {search.best_value:.2%}; settings in {Path(options.folder) / 'best.json'}")
    return 0


def _predict(options: argparse.Namespace) -> int:
    from digitrec import batch
    from digitrec.recognizer import Recognizer

    recognizer = Recognizer.load(options.model)
    if any(batch.is_same_folder(path, options.annotate) for path in options.paths):
        raise ValueError(f"--annotate: expected another folder than the pictures', got {options.annotate!r} for both")
    annotator = batch.Annotator(options.annotate) if options.annotate else None
    write = batch.format_json if options.json else batch.format_csv if options.csv else batch.format_text
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that is no text goes out as it came in
        encoding, errors = ("utf-8", "surrogateescape") if options.csv else (None, "backslashreplace")
        sys.stdout.reconfigure(encoding=encoding, errors=errors)
    if options.csv:
        _report(batch.format_csv(None, options.top))

    progress = batch.Progress(batch.find_pictures(options.paths, options.annotate))
    done = failed = 0
    try:
        for reading in batch.read_pictures(recognizer, batch.find_pictures(options.paths, options.annotate)):
            done += 1
            if reading.error is not None:
                failed += 1
                progress.erase()
                print(f"digitrec: {batch.format_text(reading)}", file=sys.stderr)
            elif annotator:
                annotator.save(reading)
            if reading.error is None or options.json or options.csv:
                _report(write(reading, options.top))
            progress.show(done)
    finally:
        progress.erase()
    if not done:
        raise ValueError("expected pictures, found none")
    return 2 if failed == done else int(failed > 0)


def _app(options: argparse.Namespace) -> int:
    from digitrec.app import launch

    launch(browser=not options.no_browser, model=options.model, samples=options.samples, port=options.port)
    return 0


def _report(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
