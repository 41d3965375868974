"""Figures of what features see."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.plots import feature_grid, feature_views
from digitrec.plots.findings import differ
from digitrec.study.views import view_features

GRID = pd.DataFrame([[0.9, 0.8], [0.95, 0.99]], index=["pixels", "HOG"], columns=["nearest neighbours", "RBF SVM"])


def title(figure):
    return figure.get_suptitle().replace("\n", " ")


def make_bar(horizontal):
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 255
    return image.T.copy() if horizontal else image


def test_feature_views_show_every_feature(digits, check_form):
    views = view_features(digits[0][0])
    figure = feature_views(views)
    check_form(figure)
    assert [axes.get_title() for axes in figure.axes if axes.get_visible()] == list(views)


@pytest.mark.parametrize("horizontal", [False, True])
def test_strokes_of_gradients_lie_along_the_edges(horizontal):
    """Of an upright bar they stand, of a lying one they lie; dark on white."""
    figure = feature_views(view_features(make_bar(horizontal)))
    panel = next(axes for axes in figure.axes if axes.get_title() == "HOG")
    (strokes,) = panel.collections
    lengths = np.array([np.ptp(segment, axis=0) for segment in strokes.get_segments()])
    x, y = lengths[np.hypot(*lengths.T).argmax()]
    assert (x > 3 * y) if horizontal else (y > 3 * x)
    shades = np.asarray(strokes.get_colors())[:, 0]
    assert shades.min() == 0
    assert shades[-1] == 0  # the strongest is drawn last, over the others


def test_feature_grid_marks_the_best_pair(check_form):
    figure = feature_grid(GRID, 2000, 5000)
    check_form(figure)
    assert title(figure) == "HOG with RBF SVM reads most after 2,000 images: 99.0 %"
    assert [text.get_text() for text in figure.axes[0].texts] == ["90.0", "80.0", "95.0", "99.0"]
    (box,) = figure.axes[0].patches
    assert np.round(box.get_xy()).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[0.9, 0.8], [0.988, 0.99]], "HOG reads most after 2,000 images, 99.0 %; RBF SVM and nearest neighbours are"),
        ([[0.9, 0.989], [0.95, 0.99]], "HOG with RBF SVM reads 99.0 % after 2,000 images; another pair does as well"),
        ([[0.99, 0.9], [0.95, 0.9]], "Pixels with nearest neighbours reads most after 2,000 images: 99.0 %"),
        ([[0.99] * 2] * 2, "Pixels with nearest neighbours reads 99.0 % after 2,000 images; 3 other pairs do as well"),
        ([[np.nan, 0.9], [0.99, np.nan]], "HOG with nearest neighbours reads most"),
    ],
)
def test_feature_grid_names_no_winner_among_equals(values, expected):
    grid = pd.DataFrame(values, index=GRID.index, columns=GRID.columns)
    assert title(feature_grid(grid, 2000, 5000)).startswith(expected)


@given(st.lists(st.integers(0, 200), min_size=4, max_size=4), st.sampled_from([200, 1000]))
@settings(max_examples=25, deadline=None)
def test_what_is_boxed_is_what_no_chance_tells_from_the_best(counts, n):
    counts = np.array(counts).reshape(2, 2)
    figure = feature_grid(pd.DataFrame(counts / n, index=["one", "two"], columns=["a", "b"]), 100, n)
    expected = sum(not differ(int(k), n, int(counts.max()), n) for k in counts.ravel())
    assert len(figure.axes[0].patches) == expected
    assert ("reads most" in title(figure) and "equal" not in title(figure)) == (expected == 1)
