"""Run the notebooks in order: into ../output for a user (the git tree stays clean), or in place with --commit."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from digitrec import datasets, runs

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "output"


def execute(source: Path, target: Path, parameters: dict[str, Any]) -> None:
    """Execute a notebook in the folder of `target` and write it there, finished or not."""
    notebook = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            set_parameters(cell, parameters)
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": target.parent}},
    )
    try:
        # What a kernel writes past the notebook is start-up noise; its errors are in the notebook.
        client.execute(stderr=subprocess.DEVNULL)
    finally:
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)  # time stamps, which would differ at every run
        nbformat.write(notebook, target)


def set_parameters(cell: Any, parameters: dict[str, Any]) -> None:
    """Replace the literals of those parameters that the cell assigns."""
    lines = cell.source.splitlines()
    for i, line in enumerate(lines):
        name = line.split("=")[0].strip()
        if name in parameters:
            lines[i] = f"{name} = {parameters[name]!r}"
    cell.source = "\n".join(lines)


def find_dataset() -> str:
    """Return "mnist" where it is at hand or can be fetched, else "digits", saying so."""
    try:
        datasets.load_mnist()
    except datasets.MissingDataError as error:
        print(f"! MNIST is not at hand and cannot be fetched: {error}")
        print("! Everything below is about scikit-learn's 1,797 small digits instead; the model is called cnn-digits.")
        return "digits"
    return "mnist"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commit", action="store_true", help="run in place: notebooks/ and models/cnn are made anew")
    parser.add_argument("--parameters", type=json.loads, default={}, help="JSON: values for the parameters cells")
    parser.add_argument("numbers", nargs="*", help="run only these, such as 01 03; default: all")
    options = parser.parse_args()
    if "DIGITREC_DATA_DIR" in os.environ:  # the notebooks run in a folder of their own
        os.environ["DIGITREC_DATA_DIR"] = os.path.abspath(os.environ["DIGITREC_DATA_DIR"])
    dataset = find_dataset()
    if dataset != "mnist" and options.commit:
        parser.error("the committed notebooks show MNIST; place its files first")
    name = "cnn" if dataset == "mnist" else f"cnn-{dataset}"
    parameters = {"dataset": dataset, "name": name, **options.parameters}
    folder = HERE if options.commit else OUTPUT / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    shown = folder.relative_to(HERE.parent)
    for source in sorted(HERE.glob("[0-9]*.ipynb")):
        if options.numbers and source.name[:2] not in options.numbers:
            continue
        start = time.perf_counter()
        print(f"{source.stem:<14}", end=" ", flush=True)
        try:
            execute(source, folder / source.name, parameters)
        except CellExecutionError as error:
            print(f"failed\n{error}\nThe notebook as far as it came: {shown / source.name}")
            return 1
        print(f"{time.perf_counter() - start:4.0f} s  {shown / source.name}")
    models = folder.parent / "models"
    if (models / name / "metrics.json").exists():
        columns = ("data", "accuracy (95 % interval)", "errors", "weights", "size", "training")
        rows = [columns, tuple(runs.describe_result(runs.read_metrics(models / name)))]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        print()
        for row in rows:
            print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)))
        print("\nPictures:")
        for path in sorted((models / name / "figures").glob("*.png")):
            print(f"  {path.relative_to(HERE.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
