"""Pictures are shown as they are, where they belong, and titles name who ties."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from digitrec import plots

DATA = load_digits()
IMAGES = np.kron(DATA.images[:300] * 15.9, np.ones((1, 3, 3))).astype(np.uint8)
LABELS = DATA.target[:300]


def test_sample_grid_has_a_row_for_each_digit():
    figure = plots.sample_grid(IMAGES, LABELS)
    sheet = figure.axes[0].images[0].get_array()
    rows, columns = sheet.shape[0] // 10, sheet.shape[1] // 10
    first_seven = IMAGES[LABELS == 7][0]
    np.testing.assert_array_equal(sheet[7 * rows : 8 * rows, :columns][3:-3, 3:-3], first_seven)
    assert figure.get_suptitle() == "10 ways to write each digit, from 300 pictures"


def test_sample_grid_leaves_missing_pictures_blank_and_promises_no_more():
    figure = plots.sample_grid(IMAGES[:1], LABELS[:1], 2)
    assert figure.axes[0].images[0].get_array().sum() == IMAGES[0].sum()
    assert figure.get_suptitle().startswith("Up to 2 ways")


def test_mean_digits_are_the_means():
    shown = plots.mean_digits(IMAGES, LABELS).axes[3].images[0].get_array()
    np.testing.assert_allclose(shown, IMAGES[LABELS == 3].mean(axis=0), rtol=1e-4)


def spread_of(percents) -> tuple[np.ndarray, np.ndarray]:
    """Return two pictures of each digit whose pixels deviate so many per cent of full ink from their mean."""
    steps = np.round(np.array(percents) * 2.55).astype(np.uint8)
    pairs = np.stack([128 - steps, 128 + steps], axis=1).reshape(20, 1, 1)
    return np.tile(pairs, (1, 4, 4)).astype(np.uint8), np.repeat(np.arange(10), 2)


@pytest.mark.parametrize(
    ("spread", "title"),
    [
        ([25, 17, 25.4, 24, 23, 24.8, 23, 22, 24, 22], "Writers agree most on the 1, least on the 0, the 2 and the 5"),
        ([9, 9, 9, 9, 9, 20, 20, 20, 20, 21], "Writers agree most on 5 digits, least on the 9"),
        ([9] * 10, "Writers agree as much on one digit as on another"),
    ],
)
def test_mean_digits_name_all_that_tie(spread, title):
    assert plots.mean_digits(*spread_of(spread)).get_suptitle() == title


def test_augmentation_grid_shows_originals_beside_variants():
    figure = plots.augmentation_grid(IMAGES[:3], np.repeat(IMAGES[:3, None], 5, axis=1))
    left, right = figure.axes
    padded = np.pad(IMAGES[:3], ((0, 0), (3, 3), (3, 3)))
    np.testing.assert_array_equal(left.images[0].get_array(), np.vstack(padded))
    expected = np.vstack([np.hstack([picture] * 5) for picture in padded])
    np.testing.assert_array_equal(right.images[0].get_array(), expected)
    assert "every" not in figure.get_suptitle()  # the last epochs do not vary


def test_picture_rows_lie_over_their_names_and_short_ones_end_in_paper():
    rows = {"first": IMAGES[:3], "second": IMAGES[3:12]}
    figure = plots.picture_rows(rows)
    assert [axes.get_xlabel() for axes in figure.axes] == ["first", "second"]
    assert figure.get_suptitle() == "12 pictures of 2 kinds"
    assert plots.picture_rows(rows, "What the network saw").get_suptitle() == "What the network saw"
    first, second = (axes.images[0].get_array() for axes in figure.axes)
    np.testing.assert_array_equal(first, np.pad(np.hstack(np.pad(IMAGES[:3], 3)[3:-3]), ((0, 0), (0, 180))))
    assert first.shape == second.shape


def test_stages_come_in_order_with_their_size_and_polarity():
    figure = plots.stages({"picture": np.zeros((40, 60), np.uint8), "ink": np.ones((40, 60)), "image": IMAGES[0]})
    names = ["picture\n60 x 40", "ink\n60 x 40", "image\n24 x 24"]
    assert [axes.get_xlabel() for axes in figure.axes] == names
    assert figure.get_suptitle() == "From 60 x 40 pixels to 24 x 24"
    # A black photo stays black, and full ink is black too.
    for axes, value in zip(figure.axes, (0, 1.0, 255), strict=True):
        image = axes.images[0]
        assert image.cmap(image.norm(value))[:3] == (0, 0, 0)
