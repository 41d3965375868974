import numpy as np
import pytest

from digitrec.study.views import view_features


def make_bar(horizontal=False):
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 200
    return image.T.copy() if horizontal else image


def test_every_view_is_of_the_picture_that_was_given(digits):
    views = view_features(digits[0][0])
    np.testing.assert_allclose(views["pixels"], digits[0][0] / digits[0][0].max())
    assert views["deskewed"].shape == views["local binary patterns"].shape == (28, 28)
    columns, rows = views["projections"]
    assert columns.sum() == pytest.approx(rows.sum())
    assert all(outline.shape[1] == 2 for outline in views["contours"])


@pytest.mark.parametrize("horizontal", [False, True])
def test_gradients_lie_across_the_edges_of_a_bar(horizontal):
    histograms = view_features(make_bar(horizontal))["HOG"]
    assert histograms.shape == (7, 7, 9)
    along = histograms.sum(axis=(0, 1))
    # Bins are centred on 10, 30 ... 170 degrees: an upright edge's gradient is at 0 or 180, a lying one's at 90.
    across = along[4] if horizontal else along[0] + along[-1]
    assert across > 0.7 * along.sum()


def test_cells_keep_their_strength_beside_the_others():
    image = make_bar()
    image[4:14, 12:16] = 50  # the upper half of the bar is faint
    histograms = view_features(image)["HOG"]
    strength = histograms.sum(axis=(1, 2))
    assert strength[2] < 0.5 * strength[4]


@pytest.mark.parametrize("image", [np.zeros((28, 28), np.uint8), np.ones((8, 8), np.uint8)])
def test_what_is_no_picture_with_ink_is_refused(image):
    with pytest.raises(ValueError, match="expected"):
        view_features(image)
