"""`digitrec evaluate`: a model measured on the test set."""

import argparse

from digitrec.cli.console import report
from digitrec.cli.flags import add_dataset

EXTRA = "train"


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the command; return its parser."""
    parser = commands.add_parser(
        "evaluate",
        help="evaluate a model on the test set",
        description="Evaluate a model on the test set, and write metrics.json and the figures into its folder; for a "
        "model that comes with digitrec, whose proofs stay as they are, into output/models.",
    )
    parser.add_argument("model", help="name or folder of the model")
    add_dataset(parser, None, "what it was trained on")
    return parser


def run(options: argparse.Namespace) -> int:
    """Evaluate; return the exit status."""
    from digitrec.datasets import identify_dataset
    from digitrec.model_folder import find_model
    from digitrec.workflow import choose_results, describe_result, evaluate_model

    folder = find_model(options.model)
    metrics, figures = evaluate_model(folder, options.dataset)
    report("  ".join(describe_result(metrics)))
    report(f"tested on {identify_dataset(metrics['test']['dataset'])[1]}")
    report(f"{choose_results(folder)}: metrics.json and {len(figures)} figures")
    return 0
