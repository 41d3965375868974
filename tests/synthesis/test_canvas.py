import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digitrec.synthesis.canvas import crop, join, transform


def test_slant_moves_the_top_to_the_right():
    ink = np.zeros((28, 28), np.float32)
    ink[4:24, 13:15] = 1
    upright = transform(ink, 28, 0, 1)
    np.testing.assert_allclose(upright, ink, atol=1e-6)
    slanted = transform(ink, 56, 0.5, 1)
    across = np.arange(slanted.shape[1])
    top, bottom = (slanted[y] @ across / slanted[y].sum() for y in (12, 44))
    assert top - bottom == pytest.approx(0.5 * 32, abs=1)


def test_ink_is_cut_out_and_nothing_stays_whole():
    ink = np.zeros((9, 12), np.float32)
    assert crop(ink).shape == (9, 12)
    ink[2:5, 3] = ink[4, 3:9] = 1
    np.testing.assert_array_equal(crop(ink), ink[2:5, 3:9])


@pytest.mark.parametrize(("gap", "width", "free"), [(3, 13, 4), (0, 10, 4), (-2, 8, 2), (-9, 9, 3)])
def test_parts_are_joined_over_any_gap_and_keep_their_ink(gap, width, free):
    low, high = np.full((3, 4), 0.5, np.float32), np.full((5, 6), 1, np.float32)
    joined = join([low, high], [gap])
    assert joined.shape == (5, width)
    assert (joined == 1).sum() == 30
    assert (joined == 0.5).sum() == 3 * free  # columns that the high part leaves of the low one


@given(
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.integers(5, 60),
    st.floats(-0.8, 0.8),
    st.floats(0.5, 1.5),
)
@example((7, 1), 6, 0.5, 0.5)
def test_no_transformation_leaves_nothing(shape, height, slant, aspect):
    """A 1 drawn with a hair and narrowed had no columns left, once in a million digits, or fell between two."""
    ink = transform(np.ones(shape, np.float32), height, slant, aspect)
    assert ink.shape[0] == height
    assert ink.shape[1] >= 1
    assert ink.max() > 0.3
