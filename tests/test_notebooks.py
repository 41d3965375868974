"""The notebooks: what is committed was run top to bottom, and they still run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from digitrec import datasets

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]


@pytest.fixture(params=NOTEBOOKS, ids=NAMES)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks_numbered_without_a_gap():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{i:02d}" for i in range(1, len(NOTEBOOKS) + 1)]
    assert len(NOTEBOOKS) >= 4


def test_committed_outputs_come_from_one_run_without_errors(notebook):
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert notebook.metadata.kernelspec.name == "python3"


def test_form(notebook):
    cells = code_cells(notebook)
    assert notebook.cells[0].source.startswith("# ")
    assert 8 <= len(cells) <= 14
    assert cells[1].metadata.tags == ["parameters"]
    source = "\n".join(cell.source for cell in cells)
    assert not re.search(r"^\s*(def|class) |sys\.path|^\s*[!%]|/home/|/work/", source, re.MULTILINE)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_size(path):
    assert path.stat().st_size < 500_000


@pytest.mark.notebooks
def test_notebooks_run_on_the_bundled_digits_without_network(tmp_path):
    """A copy of the tree runs top to bottom at small settings, with nothing at hand but scikit-learn's digits."""
    (tmp_path / "notebooks").mkdir()
    for path in (*NOTEBOOKS, ROOT / "notebooks" / "run.py"):
        (tmp_path / "notebooks" / path.name).write_bytes(path.read_bytes())
    settings = {
        "epochs": 2, "batch_size": 64, "filters": [[4], [8], [8]], "dense": 16, "recurrent_units": 8,
        "learning_rate": 0.01, "drawn_digits": 32, "soiled_digits": 32, "non_digits": 32,
    }  # fmt: skip
    small = {"limit": 100, "images": 100, "trials": 2, "seeds": 2, "changes": ["all in place", "no dropout"]}
    parameters = json.dumps({"settings": settings, "sets": "samples", "epochs": 1, **small})
    blocked = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
    done = subprocess.run(
        [sys.executable, "notebooks/run.py", "--parameters", parameters],
        cwd=tmp_path, capture_output=True, text=True, timeout=600,
        env={**os.environ, **blocked, "no_proxy": "", "DIGITREC_DATA_DIR": str(tmp_path / "data")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("! MNIST is not at hand")
    assert "cnn-digits" in done.stdout
    assert "of 360" in done.stdout
    for path in NOTEBOOKS:
        ran = code_cells(nbformat.read(tmp_path / "output" / "notebooks" / path.name, as_version=4))
        assert [cell.execution_count for cell in ran] == list(range(1, len(ran) + 1))
        assert path.read_bytes() == (tmp_path / "notebooks" / path.name).read_bytes()
    assert (tmp_path / "output/models/cnn-digits/figures/confusion_counts.png").stat().st_size > 5000
    assert datasets.DATA_FOLDER == ROOT / "data"
