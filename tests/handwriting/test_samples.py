"""Samples that a person chooses to keep: one a picture, under one label, whole or not at all."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitrec import load_folder, to_mnist
from digitrec.handwriting.samples import SampleFolder

DRAWINGS = Path(__file__).parents[2] / "data" / "samples"
SEVEN = (DRAWINGS / "7_crossed.png").read_bytes()


@pytest.fixture
def samples(tmp_path):
    return SampleFolder(tmp_path / "own")


def test_nothing_is_written_before_something_is_kept(samples):
    assert samples.count() == [0] * 10
    samples.forget(SEVEN)
    assert not samples.folder.exists()


def test_kept_samples_are_what_training_reads(samples):
    paths = sorted(DRAWINGS.glob("[0-9]_*"))
    for path in paths:
        samples.keep(path.read_bytes(), int(path.name[0]))
    assert samples.count() == [1] * 10
    images, labels = load_folder(samples.folder)
    assert labels.tolist() == list(range(10))
    assert np.array_equal(images, np.stack([to_mnist(path) for path in paths]))
    for kept in samples.folder.rglob("*.png"):
        with Image.open(kept) as picture:
            assert not picture.getexif()
            assert max(picture.size) <= 400


def test_a_label_is_corrected_not_doubled(samples):
    samples.keep(SEVEN, 1)
    assert samples.count()[1] == 1
    for _ in range(2):
        samples.keep(SEVEN, 7)
        assert samples.count() == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    samples.forget(SEVEN)
    assert sum(samples.count()) == 0


@pytest.mark.parametrize("digits", [[7, 7, 7, 7], [1, 7, 3, 9]], ids=["one label", "four labels"])
def test_a_picture_that_four_keep_at_once_is_one_sample(samples, digits):
    with ThreadPoolExecutor(4) as threads:
        for _ in range(8):
            for done in [threads.submit(samples.keep, SEVEN, digit) for digit in digits]:
                done.result()
            assert sum(samples.count()) == 1
    (kept,) = (path for path in samples.folder.rglob("*") if path.is_file())
    assert np.array_equal(to_mnist(kept), to_mnist(SEVEN))


@pytest.mark.parametrize("digit", [-1, 10, "7", 7.0, None, True, "../7", [7]])
def test_what_is_no_digit_is_refused(samples, digit):
    with pytest.raises(ValueError, match="digit: expected 0 to 9"):
        samples.keep(SEVEN, digit)
    assert not samples.folder.exists()


def test_a_blank_picture_teaches_nothing(samples):
    with pytest.raises(ValueError, match="expected ink"):
        samples.keep((DRAWINGS / "blank.png").read_bytes(), 3)


def test_a_folder_with_a_table_is_not_added_to(samples):
    samples.folder.mkdir()
    (samples.folder / "labels.csv").write_text("file,label\n")
    with pytest.raises(ValueError, match="choose another folder"):
        samples.keep(SEVEN, 7)


def test_a_full_disk_leaves_nothing_half_written(samples, monkeypatch):
    def fail(*paths):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        samples.keep(SEVEN, 7)
    assert not [path for path in samples.folder.rglob("*") if path.is_file()]
