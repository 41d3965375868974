"""Pieces of ink to rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.numbers.rows import find_rows


def fill(boxes, shape=(200, 400)):
    """Return a mask in which boxes (top, left, bottom, right) are ink."""
    ink = np.zeros(shape, bool)
    for top, left, bottom, right in boxes:
        ink[top:bottom, left:right] = True
    return ink


@settings(max_examples=60, deadline=None)
@given(st.permutations([12, 14, 16, 18, 20, 22]), st.integers(30, 45))
def test_pieces_side_by_side_are_one_row_whichever_is_the_largest(widths, pitch):
    boxes = [(80, 60 + pitch * i, 110, 60 + pitch * i + width) for i, width in enumerate(widths)]
    (row,) = find_rows(fill(boxes))
    assert row.box.tolist() == [80, 60, 110, boxes[-1][3]]
    assert row.angle == 0


def test_what_stands_apart_is_a_row_of_its_own_and_the_prominent_one_comes_first():
    rows = find_rows(fill([(80, 100, 120, 120), (82, 140, 118, 160), (150, 180, 165, 188), (10, 330, 28, 340)]))
    assert [row.box.tolist() for row in rows] == [[80, 100, 120, 160], [150, 180, 165, 188], [10, 330, 28, 340]]


@pytest.mark.parametrize("slope", [-0.3, -0.15, 0.15, 0.3])
def test_a_row_that_climbs_or_sinks_says_so(slope):
    boxes = [(90 + round(slope * 40 * i), 100 + 40 * i, 130 + round(slope * 40 * i), 118 + 40 * i) for i in range(5)]
    (row,) = find_rows(fill(boxes, (240, 400)))
    assert np.tan(row.angle) == pytest.approx(slope, abs=0.02)


def test_digits_of_several_heights_on_one_line_are_level():
    (row,) = find_rows(fill([(60, 100, 120, 118), (80, 140, 120, 158), (95, 180, 120, 198)]))
    assert row.angle == 0


def test_of_no_ink_there_is_no_row():
    assert find_rows(np.zeros((40, 90), bool)) == []
