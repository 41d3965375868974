"""Ink to one digit: SciPy's labelling as the oracle of the pieces, and which of them stay."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw
from scipy import ndimage

from digitrec.preprocessing.form import show_stages
from digitrec.preprocessing.pieces import find_pieces, keep_digit


def label(mask: np.ndarray) -> np.ndarray:
    """Paint the number of its piece, from 1, over every run."""
    starts, ends, piece = find_pieces(mask)
    rows = np.zeros(len(mask) * (mask.shape[1] + 2), int)
    for start, end, number in zip(starts, ends, piece, strict=True):
        rows[start:end] = number + 1
    return rows.reshape(len(mask), -1)[:, 1:-1]


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 14).flatmap(
        lambda width: hnp.arrays(bool, st.tuples(st.integers(1, 14), st.just(width)), elements=st.booleans())
    )
)
def test_pieces_are_those_that_scipy_labels(mask):
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    ours = label(mask)
    assert np.array_equal(ours > 0, mask)
    pairs = np.unique(np.stack([ours[mask], labels[mask]]), axis=1)  # equal up to the numbers: one to one
    assert pairs.shape[1] == count
    assert [len(set(side)) for side in pairs.tolist()] == [count, count]
    assert set(ours[mask]) == set(range(1, count + 1))


def test_pieces_of_large_pictures_are_those_that_scipy_labels():
    generator = np.random.default_rng(0)
    for density in (0.1, 0.3, 0.41, 0.5, 0.7):  # at 0.41 pieces wind through all of the picture
        mask = generator.random((150, 120)) < density
        labels, count = ndimage.label(mask, np.ones((3, 3)))
        pairs = np.unique(np.stack([label(mask)[mask], labels[mask]]), axis=1)
        assert pairs.shape[1] == count
        assert [len(set(side)) for side in pairs.tolist()] == [count, count]


def test_a_detached_bar_stays():
    picture = Image.new("L", (100, 140), 255)
    draw = ImageDraw.Draw(picture)
    draw.arc((25, 55, 75, 115), 250, 120, 0, 9)
    draw.line((35, 30, 78, 28), 0, 9)
    kept = show_stages(picture).digit
    assert kept[28, 50] > 0.9
    assert kept[85, 72] > 0.9


def test_no_ink_has_no_digit():
    assert not keep_digit(np.zeros((30, 20), np.float32)).any()
