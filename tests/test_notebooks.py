"""The notebooks: what is committed was run top to bottom and agrees with its model, and they still run anywhere."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from digitrec import model_folder, workflow

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
READS_A_MODEL = ("03", "04", "05")
WRITES = ("02", *READS_A_MODEL, "06", "07", "08", "09", "11")

# Seconds instead of minutes, on scikit-learn's digits.
SETTINGS = {
    "epochs": 2, "batch_size": 64, "filters": [[4], [8], [8]], "dense": 16, "recurrent_units": 8,
    "learning_rate": 0.01, "drawn_digits": 32, "soiled_digits": 32, "strings": 32, "non_digits": 32,
}  # fmt: skip
SMALL = {
    "dataset": "digits", "settings": SETTINGS, "sets": "samples", "epochs": 1, "limit": 200, "images": 100,
    "trials": 2, "seeds": 2, "changes": ["all in place", "no dropout"], "strips": 40,
}  # fmt: skip


@pytest.fixture(params=NOTEBOOKS, ids=NAMES)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def join_sources(notebook):
    return "\n".join(cell.source for cell in code_cells(notebook))


def join_outputs(notebook):
    """All text that the cells gave out."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    texts = [text for output in outputs for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join([output.text for output in outputs if "text" in output] + texts)


def check_run(notebook):
    """Assert that a notebook was run once from top to bottom, without an error."""
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


# --- what is committed ---------------------------------------------------------------------------


def test_there_are_notebooks_numbered_without_a_gap():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{i:02d}" for i in range(1, len(NOTEBOOKS) + 1)]
    assert len(NOTEBOOKS) >= 4


def test_committed_outputs_come_from_one_run_without_errors(notebook):
    check_run(notebook)
    assert notebook.metadata.kernelspec.name == "python3"


def test_committed_outputs_name_no_place_on_the_machine_that_made_them(notebook):
    assert not re.search(r"(?<![\w.:/])/(work|home|root|tmp|Users)/", join_outputs(notebook))


def test_form(notebook):
    cells = code_cells(notebook)
    assert re.match(r"# .+\n\n\*\*Question\.\*\* [^\n](.|\n(?!\n))+\n\n\*\*Answer\.\*\* ", notebook.cells[0].source)
    assert 8 <= len(cells) <= 14
    assert cells[1].metadata.tags == ["parameters"]
    assert not re.search(r"^\s*(def|class) |sys\.path|^\s*[!%]", join_sources(notebook), re.MULTILINE)


def test_each_ends_in_three_exercises_of_which_the_last_is_open(notebook):
    exercises = notebook.cells[-1].source
    assert exercises.startswith("## Exercises\n\n1. ")
    assert re.findall(r"^(\d)\. ", exercises, re.MULTILINE) == ["1", "2", "3"]
    first, second, open_one = re.split(r"^\d\. ", exercises, flags=re.MULTILINE)[1:]
    for closed in (first, second):
        assert re.search(r"<details><summary>Answer</summary>\n\n\S.*\n</details>\n", closed, re.DOTALL)
    assert open_one.startswith("(open) ")
    assert "<details>" not in open_one
    assert re.search(r"^(Next:|Back to) .*\.ipynb\)", open_one, re.MULTILINE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_links_between_notebooks_lead_somewhere(path):
    sources = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
    for name in re.findall(r"\]\(([^):]+\.ipynb)\)", sources):
        assert (path.parent / name).is_file(), name


TERMS = {"convolution": "01", "logit": "02", "softmax": "02", "not a digit": "02", "temperature": "02"}


@pytest.mark.parametrize(("term", "number"), TERMS.items())
def test_a_term_is_explained_by_a_drawing_and_a_good_text_where_it_is_first_used(term, number):
    texts = {
        path.name[:2]: [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
        for path in NOTEBOOKS
    }
    using = [name for name, cells in texts.items() if re.search(rf"\b{term}s?\b", "\n".join(cells).lower())]
    assert using[0] == number
    assert [
        cell for cell in texts[number] if term in cell.lower() and "```" in cell and re.search(r"\]\(https://", cell)
    ]


def test_no_notebook_knows_where_it_lies(notebook):
    """No `../models`, no path from a root, nothing that asks for or changes the working directory."""
    source = join_sources(notebook)
    assert not re.search(r"""\.\.[/\\"']|["'](/|~|[A-Za-z]:)|chdir|cwd|Path\(["']|DATA_FOLDER / "samples""", source)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_those_that_write_have_a_parameter_that_says_where(path):
    parameters = code_cells(nbformat.read(path, as_version=4))[1].source
    assert ('output = "output"' in parameters.splitlines()) == (path.name[:2] in WRITES)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_size(path):
    assert path.stat().st_size < 500_000


# --- numbers: the notebooks and metrics.json say the same ----------------------------------------


def format_metrics(metrics):
    """What the notebooks print of a model, by number: the same figures in the same form."""
    validation, test = metrics["validation"], metrics["test"]
    low, high = test["accuracy_interval"]
    error = f"{validation['expected_calibration_error']:.2%}"
    data = {"mnist": "MNIST"}.get(metrics["dataset"], metrics["dataset"])
    return {
        "02": [
            f"{metrics['parameters']:,} weights",
            f"temperature {metrics['temperature']:.2f}, threshold {metrics['threshold']:.2f}",
            f"validation {validation['accuracy']:.2%}, {validation['errors']} errors of {validation['n']:,}, "
            f"calibration error {error}",
        ],
        "03": [
            f"{test['accuracy']:.2%} correct (95 % interval {low:.2%}–{high:.2%}), "
            f"{test['errors']} errors of {test['n']:,}",
            str(test["onnx"]),
            f"| [{metrics['name']}]({metrics['name']}/) | {' | '.join(workflow.describe_result(metrics))} |",
        ],
        "04": [f"declines below a score of {metrics['threshold']:.2f}"],
        "05": [
            f"{error} on the pictures it was calibrated on",
            f"{data} validation: {validation['accuracy']:.2%} before",
        ],
    }


def check_epochs(text, metrics, history):
    """Assert that the printed epochs of a training are those of the history, and as many as the metrics say."""
    found = re.findall(r"epoch +(\d+)/\d+  loss ([\d.]+)  accuracy ([\d.]+)%  validation ([\d.]+)%", text)
    assert len(found) == metrics["training"]["epochs"] == len(history["loss"])
    for i, (epoch, loss, accuracy, val_accuracy) in enumerate(found):
        assert int(epoch) == i + 1
        assert float(loss) == pytest.approx(history["loss"][i], abs=0.6e-4)  # history.csv keeps six digits
        assert float(accuracy) == pytest.approx(100 * history["accuracy"][i], abs=0.6e-2)
        assert float(val_accuracy) == pytest.approx(100 * history["val_accuracy"][i], abs=0.6e-2)
    best = metrics["training"]["best_epoch"] - 1
    assert history["val_accuracy"][best] == max(history["val_accuracy"])


@pytest.mark.parametrize("number", ["02", "03", "04", "05"])
def test_committed_notebooks_say_what_the_metrics_of_the_network_say(number):
    path = next(path for path in NOTEBOOKS if path.name.startswith(number))
    text = join_outputs(nbformat.read(path, as_version=4))
    metrics = model_folder.read_metrics(ROOT / "models" / "cnn")
    for line in format_metrics(metrics)[number]:
        assert line in text
    if number == "02":
        check_epochs(text, metrics, model_folder.read_history(ROOT / "models" / "cnn"))


# --- they run: anywhere, and without touching what is committed ----------------------------------


def load_run():
    """The module notebooks/run.py."""
    spec = importlib.util.spec_from_file_location("notebooks_run", ROOT / "notebooks" / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def hash_files(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def nothing_at_hand(tmp_path, monkeypatch):
    """No MNIST, and no network to fetch it from: only scikit-learn's digits."""
    monkeypatch.setenv("DIGITREC_DATA_DIR", str(tmp_path / "no data"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


def test_parameters_are_replaced_where_they_are_assigned():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('name = "cnn"'), nbformat.v4.new_code_cell()])
    notebook.cells[1].metadata.tags = ["parameters"]
    notebook.cells[1].source = 'name = "cnn"\nlimit = None\noutput = "output"'
    load_run().set_parameters(notebook, {"name": "other", "limit": 5, "absent": 1})
    assert notebook.cells[0].source == 'name = "cnn"'
    assert notebook.cells[1].source == 'name = "other"\nlimit = 5\noutput = "output"'


@pytest.mark.notebooks
@pytest.mark.usefixtures("nothing_at_hand")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_copied_to_an_empty_folder_each_runs_and_reads_the_model_that_comes_with_digitrec(path, tmp_path):
    before, copy = hash_files(ROOT / "models"), tmp_path / "elsewhere" / "copy.ipynb"
    copy.parent.mkdir()
    load_run().execute(path, copy, SMALL)
    ran = nbformat.read(copy, as_version=4)
    check_run(ran)
    assert ("as it comes with digitrec" in join_outputs(ran)) == (path.name[:2] in READS_A_MODEL)
    assert {child.name for child in copy.parent.iterdir()} == (
        {"copy.ipynb", "output"} if path.name[:2] in WRITES else {"copy.ipynb"}
    )
    assert hash_files(ROOT / "models") == before


@pytest.mark.notebooks
@pytest.mark.usefixtures("nothing_at_hand")
def test_run_in_place_a_training_goes_to_output_and_leaves_the_shipped_model_byte_for_byte(tmp_path, monkeypatch):
    tree = tmp_path / "tree"
    for name in ("src", "notebooks", "models/cnn", "data/samples"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    monkeypatch.setenv("PYTHONPATH", str(tree / "src"))
    before = hash_files(tree / "models")
    for stem in ("02_train", "03_evaluate", "04_predict"):
        path = tree / "notebooks" / f"{stem}.ipynb"
        load_run().execute(path, path, SMALL | {"limit": 512, "settings": SETTINGS | {"epochs": 1}})
    assert hash_files(tree / "models") == before
    assert (tree / "output/models/cnn/model.onnx").is_file()
    assert {path.name for path in (tree / "notebooks").iterdir()} == {path.name for path in NOTEBOOKS} | {"run.py"}
    for stem in ("03_evaluate", "04_predict"):  # what was trained there is what they read
        assert "as trained into" in join_outputs(nbformat.read(tree / "notebooks" / f"{stem}.ipynb", as_version=4))


@pytest.mark.notebooks
@pytest.mark.usefixtures("nothing_at_hand")
def test_run_py_runs_them_from_anywhere_on_the_bundled_digits_without_network(tmp_path):
    """A copy of the notebooks runs in order, each reading what the one before it wrote, and nothing else is touched."""
    (tmp_path / "notebooks").mkdir()
    for path in (*NOTEBOOKS, ROOT / "notebooks" / "run.py"):
        (tmp_path / "notebooks" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "working folder").mkdir()
    parameters = json.dumps({name: value for name, value in SMALL.items() if name not in ("dataset", "limit")})
    numbers = ["01", "02", "03", "04", "05"]
    done = subprocess.run(
        [sys.executable, tmp_path / "notebooks" / "run.py", "--parameters", parameters, *numbers],
        cwd=tmp_path / "working folder", capture_output=True, text=True, timeout=600, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("! MNIST is not at hand")
    assert "of 360" in done.stdout
    results = tmp_path / "output" / "models" / "cnn-digits"
    assert (results / "figures" / "confusion_counts.png").stat().st_size > 5000
    assert "output/models/cnn-digits/figures/confusion_counts.png" in done.stdout
    metrics = model_folder.read_metrics(results)
    for path in NOTEBOOKS:
        assert path.read_bytes() == (tmp_path / "notebooks" / path.name).read_bytes()
        if (number := path.name[:2]) in numbers:
            ran = nbformat.read(tmp_path / "output" / "notebooks" / path.name, as_version=4)
            check_run(ran)
            for line in format_metrics(metrics).get(number, []):
                assert line in join_outputs(ran)
            if number == "02":
                check_epochs(join_outputs(ran), metrics, model_folder.read_history(results))
    assert not list((tmp_path / "working folder").iterdir())
