"""Read sets of real handwriting that is not MNIST: how much is right, how much is declined, what a confidence is worth.

A folder a set, with labels.csv (`file,label`) beside its pictures. A label of one character 0-9 is a digit; several
characters with a digit among them are a whole number, which is left out; anything else is no digit, to be declined.
"""

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from digitrec import Recognizer, runs
from digitrec.evaluation import expected_calibration_error
from digitrec.pictures import PictureError
from digitrec.recognizer import Answer

DIGITS = tuple("0123456789")
Row = tuple[Path, str]


class SetError(ValueError):
    """A set that cannot be measured as it should; the message is one line."""


def main() -> int:
    """Measure every set; return 0, or 2 where something named in a set is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder of sets, or one set")
    parser.add_argument("--model", default="cnn", help="name or folder of the model")
    parser.add_argument("--json", metavar="FILE", help="write the figures here too; - for stdout, the table to stderr")
    options = parser.parse_args()
    try:
        recognizer, folders = Recognizer.load(options.model), find_sets(options.folder)
    except (SetError, runs.ModelError) as error:
        return report(error)
    status, sets, pooled = 0, {}, []
    for folder in folders:
        try:
            rows = read_labels(folder)
        except SetError as error:
            status = report(error)  # the other sets are measured all the same
            continue
        sets[folder.name], answers = measure_set(recognizer, rows)
        pooled += answers
        if not all(path.is_file() for path, _ in rows):
            status = 2
    if not sets:
        return status
    results = {
        "model": str(options.model),
        "threshold": recognizer.threshold,
        "sets": sets,
        **summarise(list(sets.values())),
        "expected_calibration_error": measure_calibration(pooled),
    }
    print(write_table(results), file=sys.stderr if options.json == "-" else sys.stdout)
    if options.json == "-":
        print(json.dumps(results, indent=2))
    elif options.json:
        try:
            runs.write_json(options.json, results)
        except OSError as error:
            return report(error)
    return status


def report(error: Exception) -> int:
    """Name what went wrong on one line of stderr; return the exit status for it."""
    print(f"real_handwriting: {' '.join(str(error).split())}", file=sys.stderr)
    return 2


def find_sets(folder: Path) -> list[Path]:
    """Return the folders of sets in a folder, or the folder itself where it is one."""
    if (folder / "labels.csv").is_file():
        return [folder.resolve()]
    if not folder.is_dir():
        raise SetError(f"{folder}: expected a folder of sets")
    sets = [path for path in sorted(folder.iterdir()) if path.is_dir() and path.name[0] not in "._"]
    if not sets:
        raise SetError(
            f"{folder}: expected a folder for each set, each with labels.csv beside its pictures; found none"
        )
    return sets


def read_labels(folder: Path) -> list[Row]:
    """Return the path and the label of every picture of a set; the files may be missing."""
    path = folder / "labels.csv"
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            lines = [line for line in csv.reader(file) if any(line)]
    except (OSError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise SetError(f"{path}: {reason}; expected a line for each picture under the header file,label") from error
    header = [name.strip().lower() for name in lines[0]] if lines else []
    if not {"file", "label"} <= set(header):
        raise SetError(f"{path}: expected the header file,label, found {','.join(header) or 'nothing'}")
    columns = [header.index("file"), header.index("label")]
    cells = [[line[column].strip() if column < len(line) else "" for column in columns] for line in lines[1:]]
    if not cells:
        raise SetError(f"{path}: lists no picture")
    return [(folder / file, label) for file, label in cells]


def measure_set(recognizer: Recognizer, rows: list[Row]) -> tuple[dict[str, Any], list[tuple[Answer, int]]]:
    """Read a set.

    Returns:
        Its figures: how many pictures there are, how many were skipped as whole numbers, how many could not be read;
        `digits` as `measure_digits` gives them, and `others` with the share declined, where there are any. And the
        answers to digits with their labels.
    """
    rows_read = [row for row in rows if not is_number(row[1])]
    if 2 * len(rows_read) <= len(rows):
        rows_read = []  # the odd single digit among numbers is a number too
    digits = [row for row in rows_read if row[1] in DIGITS]
    others = [row for row in rows_read if row[1] not in DIGITS]
    digit_answers, other_answers = read_pictures(recognizer, digits), read_pictures(recognizer, others)
    pairs = [(answer, int(label)) for answer, (_, label) in zip(digit_answers, digits, strict=True) if answer]
    figures: dict[str, Any] = {
        "pictures": len(rows),
        "skipped": len(rows) - len(rows_read),
        "unreadable": (digit_answers + other_answers).count(None),
    }
    if digits:
        figures["digits"] = measure_digits(pairs, len(digits))
    if others:
        declined = sum(answer is None or answer.digit is None for answer in other_answers)
        figures["others"] = {"pictures": len(others), "declined": declined / len(others)}
    return figures, pairs


def is_number(label: str) -> bool:
    """Tell whether a label is a whole number: more than one character, a digit among them."""
    return len(label) > 1 and any(character in DIGITS for character in label)


def read_pictures(recognizer: Recognizer, rows: list[Row]) -> list[Answer | None]:
    """Read each picture for itself, so that one that cannot be read, None here, does not end the set."""
    answers: list[Answer | None] = []
    for path, _ in rows:
        try:
            answers += recognizer.predict_many([path])
        except PictureError as error:
            report(PictureError(f"{path}: {error}"))
            answers.append(None)
    return answers


def measure_digits(pairs: list[tuple[Answer, int]], pictures: int) -> dict[str, Any]:
    """Measure the answers to digits; what could not be read counts as wrong and as declined.

    Returns:
        pictures; accuracy, with nothing declined (a blank is wrong all the same); coverage, the share answered;
        accuracy_answered; mean_confidence, expected_calibration_error (None where there is nothing to measure).
    """
    right = sum(answer.probabilities.argmax() == label and answer.image.any() for answer, label in pairs)
    answered = [(answer, label) for answer, label in pairs if answer.digit is not None]
    return {
        "pictures": pictures,
        "accuracy": int(right) / pictures,
        "coverage": len(answered) / pictures,
        "accuracy_answered": _mean(answer.digit == label for answer, label in answered),
        "mean_confidence": _mean(answer.confidence for answer, _ in pairs),
        "expected_calibration_error": measure_calibration(pairs),
    }


def measure_calibration(pairs: list[tuple[Answer, int]]) -> float | None:
    """Return the expected calibration error of answers, declined ones too."""
    if not pairs:
        return None
    probabilities = np.stack([answer.probabilities for answer, _ in pairs])
    # The ten equal probabilities of a blank would make it a right 0.
    return expected_calibration_error(probabilities, [label if answer.image.any() else 9 for answer, label in pairs])


def summarise(sets: list[dict[str, Any]]) -> dict[str, Any]:
    """Return means over the sets that hold digits, and over those that hold others."""
    digits = [figures["digits"] for figures in sets if "digits" in figures]
    return {
        "mean_accuracy": _mean(figures["accuracy"] for figures in digits),
        "mean_coverage": _mean(figures["coverage"] for figures in digits),
        "mean_declined": _mean(figures["others"]["declined"] for figures in sets if "others" in figures),
    }


def _mean(values: Any) -> float | None:
    numbers = [float(value) for value in values]
    return sum(numbers) / len(numbers) if numbers else None


def write_table(results: dict[str, Any]) -> str:
    """Return the figures as a table in Markdown."""
    lines = [
        "| set | pictures | right | answered | right of these | confidence | ECE | declined, no digits | notes |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, figures in results["sets"].items():
        digits, others = figures.get("digits", {}), figures.get("others", {})
        notes = [f"{figures['skipped']} numbers skipped"] if figures["skipped"] else []
        notes += [f"{figures['unreadable']} unreadable"] if figures["unreadable"] else []
        cells = [
            *(digits.get(key) for key in ("accuracy", "coverage", "accuracy_answered", "mean_confidence")),
            digits.get("expected_calibration_error"),
            others.get("declined"),
        ]
        row = [name, str(figures["pictures"]), *map(_percent, cells), ", ".join(notes)]
        lines.append(f"| {' | '.join(row)} |")
    cells = [results["mean_accuracy"], results["mean_coverage"], None, None]
    cells += [results["expected_calibration_error"], results["mean_declined"]]
    lines.append(f"| **mean of the sets** (ECE: pooled) | | {' | '.join(map(_percent, cells))} | |")
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.2%}"


if __name__ == "__main__":
    sys.exit(main())
