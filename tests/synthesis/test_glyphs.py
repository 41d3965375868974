import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.synthesis.digit_forms import DIGITS
from digitrec.synthesis.glyphs import STEPS, parse, spline
from digitrec.synthesis.letter_forms import FOREIGN, LETTERS, SIGNS


@given(st.lists(st.booleans(), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_a_stroke_passes_through_its_points_and_keeps_its_corners(corners):
    matrix = spline(corners)
    np.testing.assert_allclose(matrix[::STEPS], np.eye(len(corners)), atol=1e-6)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-6)  # moves with its points
    for i in range(len(corners) - 1):
        if corners[i] and corners[i + 1]:  # straight: no other point has a say
            assert set(np.flatnonzero(matrix[i * STEPS : (i + 1) * STEPS].any(axis=0))) <= {
                i,
                i + 1,
            }


def test_every_glyph_is_points_on_its_grid_and_nothing_else():
    for ways in (*DIGITS, *LETTERS, *FOREIGN, *SIGNS):
        for way in ways.split(","):
            strokes = parse(way)
            assert sum(len(points) for points, _, _ in strokes) == sum(map(str.isdigit, way)) / 2
            assert set(way) <= set("0123456789 ./")
            for points, kept, rounded in strokes:
                assert len(points) > 0
                assert kept.shape == rounded.shape == ((len(points) - 1) * STEPS + 1, len(points))


def test_every_digit_has_many_forms_and_no_form_stands_twice():
    forms = [[way.strip() for way in ways.split(",")] for ways in (*DIGITS, *LETTERS, *FOREIGN, *SIGNS)]
    assert len(DIGITS) == 10
    assert min(map(len, forms[:10])) >= 20
    every = [way for ways in forms for way in ways]
    assert [way for way in every if every.count(way) > 1] == []
