"""A project to start from: complete, never over something else, and its notebook runs top to bottom."""

import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from digitrec import load_folder


def test_a_project_holds_what_its_notebook_reads(command, tmp_path):
    status, out, _ = command("new", tmp_path / "mine")
    assert status == 0
    assert "my_network.ipynb" in out
    assert load_folder(tmp_path / "mine" / "pictures")[1].tolist() == list(range(10))
    notebook = nbformat.read(tmp_path / "mine" / "my_network.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert len(notebook.cells) == 10
    for line in (tmp_path / "mine" / "README.md").read_text().splitlines():
        if line.startswith("    digitrec "):
            asked = [sys.executable, "-m", "digitrec", line.split()[1], "--help"]
            assert subprocess.run(asked, capture_output=True, check=False).returncode == 0


def test_nothing_that_is_there_is_written_over(command, tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    status, _, err = command("new", tmp_path)
    assert status == 2
    assert "expected a new folder" in err
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


@pytest.mark.notebooks
def test_the_notebook_runs_from_top_to_bottom(command, tmp_path):
    command("new", tmp_path / "mine")
    path = tmp_path / "mine" / "my_network.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace('dataset, epochs = "mnist", 4', 'dataset, epochs = "digits", 2')
    assert any('"digits"' in cell.source for cell in notebook.cells if cell.cell_type == "code")
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": path.parent}}).execute()
    assert (path.parent / "models" / "mine" / "architecture.json").is_file()
