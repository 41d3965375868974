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

from digitrec import MissingDataError, load_mnist, model_folder, records, workflow

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
OUTPUT = ROOT / "output"


def execute(source: Path, target: Path, parameters: dict[str, Any]) -> None:
    """Execute a notebook in the folder of `target` and write it there, finished or not."""
    notebook = nbformat.read(source, as_version=4)
    set_parameters(notebook, parameters)
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
        if target == source:  # who opens the committed notebook shall not write where this run did
            set_parameters(notebook, {"output": "output"})
        nbformat.write(notebook, target)


def set_parameters(notebook: Any, parameters: dict[str, Any]) -> None:
    """Replace the literals of those parameters that the cell tagged `parameters` assigns."""
    for cell in notebook.cells:
        if "parameters" not in cell.metadata.get("tags", []):
            continue
        lines = cell.source.splitlines()
        for i, line in enumerate(lines):
            name = line.split("=")[0].strip()
            if name in parameters:
                value = parameters[name]
                lines[i] = f"{name} = {json.dumps(value) if isinstance(value, str) else repr(value)}"
        cell.source = "\n".join(lines)


def find_dataset() -> str:
    """Return "mnist" where it is at hand or can be fetched, else "digits", saying so."""
    try:
        load_mnist()
    except MissingDataError as error:
        print(f"! MNIST is not at hand and cannot be fetched: {error}")
        print("! Everything below is about scikit-learn's 1,797 small digits instead; the model is called cnn-digits.")
        return "digits"
    return "mnist"


def run(sources: list[Path], folder: Path, parameters: dict[str, Any]) -> bool:
    """Run notebooks into a folder, with a line each; tell whether all came to their end."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        start = time.perf_counter()
        target = folder / source.name
        print(f"{source.stem:<27}", end=" ", flush=True)
        try:
            execute(source, target, parameters)
        except CellExecutionError as error:
            print(f"failed\n{error}\nThe notebook as far as it came: {target.relative_to(ROOT)}")
            return False
        print(f"{time.perf_counter() - start:5.0f} s  {target.relative_to(ROOT)}")
    return True


def print_results(folder: Path) -> None:
    """Print the numbers of a model folder as a table, and the paths of its pictures."""
    if not (folder / "metrics.json").exists():
        return
    columns = ("data", "accuracy (95 % interval)", "errors", "weights", "size", "training")
    rows = [columns, tuple(workflow.describe_result(model_folder.read_metrics(folder)))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print()
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)))
    print("\nPictures:")
    for path in sorted((folder / "figures").glob("*.png")):
        print(f"  {path.relative_to(ROOT)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commit", action="store_true", help="run in place: notebooks/ and models/ are made anew")
    parser.add_argument("--parameters", type=json.loads, default={}, help="JSON: values for the parameters cells")
    parser.add_argument("numbers", nargs="*", help="run only these, such as 01 03; default: all")
    options = parser.parse_args()
    if options.commit and records.CHECKOUT != ROOT:
        parser.error(f"expected the digitrec of this checkout, got that of {records.CHECKOUT}; install it with -e")
    # The notebooks run in a folder of their own.
    data = Path(os.environ.get("DIGITREC_DATA_DIR") or ROOT / "data").expanduser()
    os.environ["DIGITREC_DATA_DIR"] = str(data.absolute())
    dataset = find_dataset()
    if dataset != "mnist" and options.commit:
        parser.error("the committed notebooks show MNIST; place its files first")
    name = "cnn" if dataset == "mnist" else f"cnn-{dataset}"
    output = "." if options.commit else str(OUTPUT)  # a relative one counts from the checkout
    parameters = {"dataset": dataset, "name": name, "output": output, **options.parameters}
    sources = sorted(HERE.glob("[0-9]*.ipynb"))
    if options.numbers:
        sources = [source for source in sources if source.name[:2] in options.numbers]
    if not run(sources, HERE if options.commit else OUTPUT / "notebooks", parameters):
        return 1
    print_results((ROOT if options.commit else OUTPUT) / "models" / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
