import os
import sys

import pytest

from digitrec.cli import console

needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is always full")


@needs_full
@pytest.mark.parametrize("form", [[], ["--csv"], ["--json"]])
def test_full_output_is_one_line_that_names_it(start, cnn, samples, form):
    with open("/dev/full", "wb") as full:
        done = start("predict", "--model", cnn, *form, samples.folder, stdout=full)
    assert (done.returncode, done.stderr) == (2, b"digitrec: standard output: No space left on device\n")


@needs_full
def test_complaints_that_cannot_be_written_change_nothing(start, cnn, samples):
    with open("/dev/full", "wb") as full:
        done = start("predict", "--model", cnn, samples.folder / "7_crossed.png", "absent", stderr=full)
    assert (done.returncode, done.stdout.count(b"\n")) == (1, 1)


def test_closed_channels_are_no_error(monkeypatch, predict, samples, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    console.complain("nobody reads this")
    assert predict(samples.folder / "7_crossed.png", "absent")[0] == 1
    monkeypatch.setattr(sys, "stdout", None)
    assert predict(samples.folder / "7_crossed.png")[0] == 0


@pytest.mark.parametrize("path", ["a\nb", "\x1b[2J", "\udcff", "\u202e"])
def test_escaped_paths_are_one_harmless_line(path):
    assert console.escape(path).isprintable()
    assert console.escape(path).encode("utf-8").decode("unicode_escape") == path
