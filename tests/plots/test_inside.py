"""Figures of a network's inside show what they are given, and claim what the arrays say."""

import numpy as np
import pytest

from digitrec import plots
from digitrec.inside import Field, Strongest

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 28, 28)).astype(np.uint8)
LABELS = np.arange(12) % 10
LAYERS = {
    "signed": RNG.normal(size=(24, 24, 16)),
    "maps": RNG.random((5, 5, 48)),
    "numbers": RNG.random(64),
    "logits": np.arange(11.0) - 5,
}
STRONGEST = Strongest(*(RNG.integers(0, high, (6, 4)) for high in (12, 5, 5)), RNG.random((6, 4)))
POINTS = RNG.normal(size=(40, 2))


def title(figure):
    return figure.get_suptitle().replace("\n", " ")


def lay_out_clusters():
    """Two far clusters of twenty, a 0 and a 1 each; one 0 lies among the 1s and is read as one."""
    points = np.concatenate([RNG.normal(size=(20, 2)), RNG.normal(size=(20, 2)) + 100])
    labels = np.repeat([0, 1], 20)
    readings = labels.copy()
    points[0], readings[0] = (100, 100), 1
    return points, labels, readings


FIGURES = {
    "filter_bank": lambda: plots.filter_bank(RNG.normal(size=(5, 5, 16)), RNG.normal(size=(24, 24, 16))),
    "feature_maps": lambda: plots.feature_maps(IMAGES[0], LAYERS),
    "strongest_windows": lambda: plots.strongest_windows(IMAGES, LABELS, STRONGEST, Field(10, 4, -2), [0, 3, 5]),
    "embedding_maps": lambda: plots.embedding_maps({"PCA": POINTS, "t-SNE": POINTS}, LABELS.repeat(4)[:40], [3] * 40),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_has_its_form(name, check_form):
    check_form(FIGURES[name]())


def test_filters_that_cancel_are_counted_as_edges():
    kernels = np.ones((2, 2, 3))
    kernels[0, :, :2] = -1
    figure = plots.filter_bank(kernels, np.zeros((4, 4, 3)))
    assert title(figure) == "2 of 3 filters of 2 x 2 compare ink with paper: they answer edges"


def test_the_story_shows_the_strongest_maps_in_their_order_and_the_reading():
    maps = np.zeros((5, 5, 20))
    maps[2, 3, [4, 17]] = 5, 9
    figure = plots.feature_maps(IMAGES[0], {"maps": maps, "logits": np.eye(10)[3]}, count=2)
    sheet = np.ma.filled(figure.axes[1].images[0].get_array(), 0)
    left, right = np.split(sheet, 2, axis=1)
    assert (left.max(), right.max()) == (5, 9)
    assert title(figure).startswith("How 784 pixels become a 3: ")
    assert figure.axes[1].get_ylabel() == "maps\n2 of 20 maps, 5 x 5"


@pytest.mark.parametrize(
    ("logits", "reading"),
    [(np.full(11, -1.0), "not a digit"), (np.eye(11)[10], "several digits"), (np.eye(11)[0], "a 0")],
)
def test_the_story_ends_with_the_largest_of_the_logits_and_the_fixed_zero(logits, reading):
    figure = plots.feature_maps(IMAGES[0], {"logits": logits})
    assert f"become {reading}:" in title(figure)
    assert [bar.get_height() for bar in figure.axes[-1].patches] == [*logits, 0]


def test_what_a_channel_cannot_see_is_faded():
    images = np.full((2, 28, 28), 200, np.uint8)
    one = Strongest(*(np.array([[value]]) for value in (1, 2, 0)), np.ones((1, 1)))
    figure = plots.strongest_windows(images, [4, 7], one, Field(10, 4, -2), [0])
    sheet = figure.axes[0].images[0].get_array()[3:-3, 3:-3]
    expected = np.full((28, 28), 50)
    expected[6:16, :8] = 200
    np.testing.assert_array_equal(sheet, expected)
    assert title(figure).startswith("0 of 1 channels")
    (box,) = figure.axes[0].patches
    assert (box.get_width(), box.get_xy()[1] - 2.5) == (10, 6)


def test_errors_are_marked_and_placed():
    points, labels, readings = lay_out_clusters()
    figure = plots.embedding_maps({"one": points[::-1], "two": points}, labels, readings)
    assert title(figure) == "1 of 1 errors lie among the digits they were taken for (two, 10 nearest)"
    assert [text.get_text() for text in figure.axes[1].texts] == ["0", "1", "0→1"]
    points[0] = 0
    assert title(plots.embedding_maps({"two": points}, labels, readings)).startswith("0 of 1 errors")
    assert title(plots.embedding_maps({"two": points}, labels, labels)) == "Not one error in 40"


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.filter_bank(np.zeros((5, 5)), np.zeros((24, 24, 1))),
        lambda: plots.filter_bank(np.zeros((5, 5, 3)), np.zeros((24, 24, 4))),
        lambda: plots.feature_maps(IMAGES[0], {}),
        lambda: plots.feature_maps(IMAGES[0], {"maps": np.zeros((5, 5, 3))}),
        lambda: plots.feature_maps(IMAGES[0] / 255, LAYERS),
        lambda: plots.strongest_windows(IMAGES, LABELS[:3], STRONGEST, Field(10, 4, -2), [0]),
        lambda: plots.embedding_maps({}, LABELS, LABELS),
        lambda: plots.embedding_maps({"PCA": np.zeros((12, 3))}, LABELS, LABELS),
    ],
)
def test_wrong_arrays_are_refused(draw):
    with pytest.raises(ValueError, match="expected"):
        draw()
