"""Read sets of real handwriting that is not MNIST: how much is right, how much is declined, what a confidence is worth.

A folder a set, with labels.csv (`file,label`) beside its pictures. A label of one character 0-9 is a digit; several
characters with a digit among them are a whole number, which is left out; anything else is no digit, to be declined.
"""

import argparse
import json
import math
import sys
from pathlib import Path

from digitrec import Recognizer, records
from digitrec.handwriting.sets import list_pictures, pool_sets, read_pictures, summarise_sets
from digitrec.mnist import DataError
from digitrec.model_folder import ModelError

OF_DIGITS = ("accuracy", "coverage", "accuracy_answered", "mean_confidence", "expected_calibration_error")


def main() -> int:
    """Measure every set; return 0, or 2 where a set is damaged or lacks a picture that it lists."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder of sets, or one set")
    parser.add_argument("--model", default="cnn", help="name or folder of the model")
    parser.add_argument("--json", metavar="FILE", help="write the figures here too; - for stdout, the table to stderr")
    options = parser.parse_args()
    try:
        return measure(options.folder, options.model, options.json)
    except (DataError, ModelError, OSError) as error:
        return complain(error)


def measure(folder: Path, model: str, output: str | None) -> int:
    """Measure the sound sets of a folder and name the others; return the exit status."""
    damaged: list[str] = []
    recognizer, pictures = Recognizer.load(model), list_pictures(folder, damaged.append)
    readings = read_pictures(recognizer, pictures.paths)
    for line in (*damaged, *readings.errors.values()):
        complain(line)
    if pictures.skipped:  # it names every sound set
        summary = summarise_sets(pictures, readings, recognizer.threshold)
        pooled = pool_sets(pictures, readings, recognizer.threshold)
        print(write_table(summary, pooled), file=sys.stderr if output == "-" else sys.stdout)
        results = {"model": model, "threshold": recognizer.threshold}
        results |= {"sets": {name: nest(figures) for name, figures in summary.items()}, **drop_nan(pooled)}
        if output == "-":
            print(json.dumps(records.describe_origin() | results, indent=2))
        elif output:
            records.write_result(output, results)
    return 2 if damaged else 0


def complain(error: object) -> int:
    """Name what went wrong on one line of stderr; return the exit status for it."""
    print(f"real_handwriting: {' '.join(str(error).split())}", file=sys.stderr)
    return 2


def nest(figures: dict[str, float]) -> dict[str, object]:
    """Give the digits of a set and what is none each its own figures, where there are any."""
    nested: dict[str, object] = {key: figures[key] for key in ("pictures", "skipped", "unreadable")}
    if figures["digits"]:
        nested["digits"] = {"pictures": figures["digits"]} | drop_nan({key: figures[key] for key in OF_DIGITS})
    if figures["others"]:
        nested["others"] = {"pictures": figures["others"], "declined": figures["others_declined"]}
    return nested


def drop_nan(figures: dict[str, float]) -> dict[str, float | None]:
    """JSON has no NaN, the share of nothing: it has null."""
    return {key: None if math.isnan(value) else value for key, value in figures.items()}


def write_table(summary: dict[str, dict[str, float]], pooled: dict[str, float]) -> str:
    """Return the figures as a table in Markdown."""
    lines = [
        "| set | pictures | right | answered | right of these | confidence | ECE | declined, no digits | notes |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, figures in summary.items():
        notes = [f"{figures['skipped']} numbers skipped"] if figures["skipped"] else []
        notes += [f"{figures['unreadable']} unreadable"] if figures["unreadable"] else []
        cells = [name, str(figures["pictures"]), *(f"{figures[key]:.2%}" for key in (*OF_DIGITS, "others_declined"))]
        lines.append(f"| {' | '.join(cells)} | {', '.join(notes)} |")
    accuracy, coverage, declined, ece = map("{:.2%}".format, pooled.values())
    lines.append(f"| **mean of the sets** (ECE: pooled) | | {accuracy} | {coverage} |  |  | {ece} | {declined} | |")
    return "\n".join(lines).replace("nan%", "")  # the share of nothing


if __name__ == "__main__":
    sys.exit(main())
