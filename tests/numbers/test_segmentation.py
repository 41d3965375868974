"""Cutting a number into digits: what stands apart is read, what touches is found in the lattice, dirt is skipped."""

import numpy as np
import pytest

from digitrec import Recognizer
from digitrec.numbers.segmentation import read_cut, read_lattice

pytestmark = pytest.mark.mnist


def write(mnist, labels, gap):
    """Return a picture of MNIST's digits side by side, dark on paper."""
    (images, truth), _ = mnist
    digits = [images[np.flatnonzero(truth == label)[3]] for label in labels]
    digits = [digit[:, digit.any(axis=0)] for digit in digits]
    ink = np.zeros((40, 40 + sum(digit.shape[1] + gap for digit in digits)), np.uint8)
    left = 20
    for digit in digits:
        place = ink[6:34, left : left + digit.shape[1]]
        np.maximum(place, digit, out=place)
        left += digit.shape[1] + gap
    return 255 - ink


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer.load("cnn")


@pytest.mark.parametrize("read", [read_cut, read_lattice])
@pytest.mark.parametrize("labels", [(4, 7, 3), (1, 9), (8, 6, 2, 5)])
def test_digits_that_stand_apart_are_read(mnist, recognizer, read, labels):
    text, confidence = read(recognizer, write(mnist, labels, 6))
    assert text == "".join(map(str, labels))
    assert 0 < confidence <= 1


def test_digits_that_touch_are_one_piece_but_for_the_lattice(mnist, recognizer):
    picture = write(mnist, (3, 3, 3), -3)
    assert len(read_cut(recognizer, picture)[0]) < 3
    assert read_lattice(recognizer, picture)[0] == "333"


@pytest.mark.parametrize("read", [read_cut, read_lattice])
def test_nothing_and_noise_end(recognizer, read):
    assert read(recognizer, np.full((40, 90), 200, np.uint8)) == (None, 1.0)
    text, _ = read(recognizer, np.random.default_rng(0).integers(0, 256, (34, 300), dtype=np.uint8))
    assert text is None or text.isdecimal()
