import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.synthesis.marks import add_marks, draw_rules


@given(
    st.tuples(st.integers(3, 80), st.integers(3, 80)),
    st.tuples(*[st.integers(-20, 100)] * 2, *[st.integers(1, 60)] * 2),
    st.integers(0, 2**32),
)
@settings(max_examples=200, deadline=None)
def test_marks_fit_any_canvas_with_a_digit_anywhere(shape, place, seed):
    top, left, height, width = place
    marks = add_marks(shape, (top, left, top + height, left + width), np.random.default_rng(seed))
    assert marks.shape == shape
    assert marks.dtype == np.float32
    assert 0 <= marks.min() <= marks.max() <= 1.1


def test_half_of_the_scenes_have_marks_of_every_direction():
    rng = np.random.default_rng(0)
    drawn = [add_marks((50, 50), (10, 15, 40, 35), rng) for _ in range(400)]
    upright = np.mean([(marks > 0.1).mean(axis=0).max() > 0.8 for marks in drawn])
    level = np.mean([(marks > 0.1).mean(axis=1).max() > 0.8 for marks in drawn])
    assert 0.4 < np.mean([marks.any() for marks in drawn]) < 0.7
    assert upright > 0.1
    assert level > 0.15


@pytest.mark.parametrize("thick", [0.5, 1, 3])
def test_a_rule_covers_its_thickness_in_every_row_and_leans(thick):
    rule = draw_rules((40, 60), 30, 0.25, thick)
    np.testing.assert_allclose(rule.sum(axis=1), thick, atol=0.3 * max(thick, 1))
    middle = rule @ np.arange(60) / rule.sum(axis=1)
    np.testing.assert_allclose(np.diff(middle).mean(), 0.25, atol=0.03)


def test_ruled_paper_repeats_its_rule():
    rules = draw_rules((20, 61), 3, 0, 1, 10)
    assert np.flatnonzero(rules[5] > 0.9).tolist() == [3, 13, 23, 33, 43, 53]
