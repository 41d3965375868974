import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from skimage.feature import hog
from skimage.measure import moments_central
from sklearn.utils.estimator_checks import parametrize_with_checks

from digitrec.study import features

EVERY = [
    features.Deskew(),
    features.Blur(),
    features.HOG(),
    features.LocalBinaryPatterns(),
    features.HuMoments(),
    features.ZernikeMoments(),
    features.RegionProperties(),
    features.Projections(),
    features.Contours(),
]
NAMES = [type(transformer).__name__ for transformer in EVERY]


@parametrize_with_checks(EVERY)
def test_each_is_a_proper_transformer(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def x(digits):
    return digits[0].reshape(len(digits[0]), -1)[:60] / np.float32(255)


@pytest.mark.parametrize("transformer", EVERY, ids=NAMES)
def test_grey_scale_makes_no_difference(transformer, x):
    """0-1 and 0-255 are the same picture."""
    small, large = transformer.fit_transform(x), transformer.fit_transform(np.round(x * 255).astype(np.uint8))
    np.testing.assert_allclose(small, large, rtol=1e-4, atol=1e-4)
    assert small.dtype == np.float32
    assert small.std(axis=0).max() > 0


@pytest.mark.parametrize("transformer", EVERY, ids=NAMES)
@given(image=hnp.arrays(np.uint8, (28, 28)))
@settings(max_examples=10, deadline=None)
def test_any_picture_gives_finite_features(transformer, image):
    assert np.isfinite(transformer.fit_transform(image.reshape(1, -1))).all()


@pytest.mark.parametrize("transformer", EVERY, ids=NAMES)
def test_a_blank_picture_and_single_pixels_have_features(transformer):
    pictures = np.zeros((3, 784))
    pictures[1, 0] = pictures[2, 400] = 1
    assert np.isfinite(transformer.fit_transform(pictures)).all()


@pytest.mark.parametrize("transformer", EVERY, ids=NAMES)
def test_processes_and_the_order_of_the_pictures_make_no_difference(transformer, x):
    many = np.tile(x, (20, 1))  # enough for processes
    np.testing.assert_array_equal(transformer.fit_transform(many)[:60], transformer.transform(x))
    np.testing.assert_array_equal(transformer.transform(x[::-1]), transformer.transform(x)[::-1])


@pytest.mark.parametrize("transformer", EVERY, ids=NAMES)
def test_other_pixels_than_it_was_fitted_on_are_refused(transformer, x):
    transformer.fit(x)
    with pytest.raises(ValueError, match="784"):
        transformer.transform(x[:, :783])
    with pytest.raises(ValueError, match="NaN"):
        transformer.transform(np.full((1, 784), np.nan))


def test_hog_is_that_of_scikit_image(x):
    one = features.HOG(cells=(4,)).fit_transform(x[:1])[0]
    image = x[0].reshape(28, 28).astype(np.float64)
    expected = hog(image / image.max(), orientations=9, pixels_per_cell=(4, 4), cells_per_block=(2, 2))
    np.testing.assert_allclose(one, expected, atol=1e-6)


def test_deskewed_digits_stand_upright(x):
    def slant(rows):
        moments = [moments_central(row.reshape(28, 28), order=2) for row in rows.astype(float)]
        return np.array([m[1, 1] / m[2, 0] for m in moments])

    before, after = slant(x), slant(features.Deskew().fit_transform(x))
    assert np.abs(before).mean() > 0.08
    assert np.abs(after).max() < 0.1
    assert np.abs(after).mean() < 0.02


def test_a_ring_has_one_hole_and_two_outlines():
    ring = np.zeros((28, 28))
    ring[6:22, 8:20] = 1
    ring[10:18, 12:16] = 0
    row = ring.reshape(1, -1)
    properties = features.RegionProperties().fit_transform(row)[0]
    assert properties[0] == ring.sum()
    assert properties[13] == 0  # Euler number: one piece less one hole
    np.testing.assert_allclose(properties[15:18], [32, 13.5, 13.5])  # the hole's area and centre
    assert features.Contours().fit_transform(row)[0, 0] == 2


def test_moments_do_not_see_what_they_are_blind_to(x):
    upright = x[:10].reshape(-1, 28, 28)
    turned = np.rot90(upright, axes=(1, 2)).reshape(10, -1)
    flat = upright.reshape(10, -1)
    for blind in (features.HuMoments(), features.ZernikeMoments()):
        np.testing.assert_allclose(blind.fit_transform(turned), blind.fit_transform(flat), rtol=1e-3, atol=1e-3)
    seeing = features.Projections()
    assert np.abs(seeing.fit_transform(turned) - seeing.fit_transform(flat)).max() > 0.1


def test_projections_of_a_bar():
    bar = np.zeros((28, 28))
    bar[4:24, 10] = 1
    described = features.Projections().fit_transform(bar.reshape(1, -1))[0]
    columns, rows, left, right, top, bottom = described.reshape(6, 28)
    assert columns.argmax() == 10
    assert columns[10] == pytest.approx(20 / 28)
    assert (rows[4:24] == np.float32(1 / 28)).all()
    np.testing.assert_allclose((left[12], right[12], top[10], bottom[10]), np.array([10, 17, 4, 4]) / 28, rtol=1e-6)
    assert left[0] == top[0] == 1
