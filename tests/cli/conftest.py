"""What the tests of the command line share: the command, run here or in a process of its own, and bad files."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from digitrec import cli

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data" / "samples"
CNN = str(ROOT / "models" / "cnn")


@pytest.fixture(scope="session")
def samples():
    """The folder of samples, and the label of each by its name: a digit, or why it is none."""
    with (SAMPLES / "labels.csv").open(newline="") as table:
        return SimpleNamespace(folder=SAMPLES, labels={row["file"]: row["label"] for row in csv.DictReader(table)})


@pytest.fixture(scope="session")
def cnn():
    """The folder of the network that comes with the package."""
    return CNN


@pytest.fixture
def command(capsys):
    """A function that runs `digitrec` in this process; it returns the status and what was written."""

    def run(*arguments):
        try:
            status = cli.main(list(map(str, arguments)))
        except SystemExit as stop:  # of argparse
            status = stop.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def predict(command):
    """A function that runs `digitrec predict` in this process."""
    return lambda *arguments: command("predict", "--model", CNN, *arguments)


@pytest.fixture(scope="session")
def start():
    """A function that runs `digitrec` in a process of its own, and waits for it."""

    def run(*arguments, **options):
        words = [sys.executable, "-m", "digitrec", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.run(words, **{**pipes, "timeout": 60, **options})

    return run


@pytest.fixture(scope="session")
def copy_sample():
    """A function that copies a sample to a path, whose folder it makes; it returns the path."""

    def copy(path, name="7_crossed.png"):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SAMPLES / name, path)
        return path

    return copy


@pytest.fixture
def bad_files(tmp_path):
    """One of each kind, by name, with a part of the message that it gives."""
    whole = (SAMPLES / "7_crossed.png").read_bytes()
    (tmp_path / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("a seven")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder").mkdir()
    return {
        tmp_path / "truncated.png": "damaged or cut short",
        tmp_path / "text.png": "expected one of PNG",
        tmp_path / "empty.png": "expected 1 to",
        tmp_path / "folder": "a folder without pictures",
        tmp_path / "missing.png": "No such file",
        tmp_path / "none-*.png": "No such file",
        "https://example.org/7.png?size=*": "download the picture first",
    }
