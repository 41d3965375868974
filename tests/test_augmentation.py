from dataclasses import replace

import numpy as np
import pytest

from digitrec.augmentation import augment, change_stroke, warp
from digitrec.config import TrainConfig
from digitrec.preprocessing.form import prepare

STILL = TrainConfig(rotation=0, shift=0, scale=0, shear=0, elastic=0, stroke=0, blur=0, fade=0, erase=0, flip=False)


@pytest.fixture
def x(digits):
    return prepare(digits[0][:64])


def test_no_strength_changes_nothing(x):
    np.testing.assert_array_equal(augment(x, STILL, np.random.default_rng(0)), x)


def test_same_generator_gives_same_images_and_input_stays(x):
    before = x.copy()
    first = augment(x, TrainConfig(), np.random.default_rng(3))
    np.testing.assert_array_equal(first, augment(x, TrainConfig(), np.random.default_rng(3)))
    assert not np.array_equal(first, augment(x, TrainConfig(), np.random.default_rng(4)))
    np.testing.assert_array_equal(x, before)


def test_form_and_range_are_kept(x):
    varied = augment(x, replace(TrainConfig(), flip=True), np.random.default_rng(0))
    assert varied.shape == x.shape
    assert varied.dtype == np.float32
    assert varied.min() >= 0
    assert varied.max() <= 1
    assert not np.array_equal(varied, x)


def centre(images):
    """Centres of mass (row, column) of (n, 28, 28) images."""
    mass = images.sum(axis=(1, 2))
    places = np.arange(28)
    return (images.sum(axis=2) @ places) / mass, (images.sum(axis=1) @ places) / mass


def test_shift_moves_the_centre_of_mass_by_up_to_its_strength(x):
    row, column = centre(x[..., 0])
    moved_row, moved_column = centre(warp(x[..., 0], replace(STILL, shift=3), np.random.default_rng(0)))
    for before, after in ((row, moved_row), (column, moved_column)):
        assert np.abs(after - before).max() <= 3.01
        assert np.abs(after - before).mean() > 1


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_quarter_turn_is_numpys(x, turns, monkeypatch):
    """With the angle fixed at 90 degrees the warp is an exact rotation of the grid."""

    class Fixed:
        def uniform(self, low, high, n):
            return np.full(n, high)

    turned = warp(x[..., 0], replace(STILL, rotation=90 * turns), Fixed())
    expected = np.rot90(x[..., 0], -turns, axes=(1, 2))
    opposite = np.rot90(x[..., 0], turns, axes=(1, 2))
    assert min(np.abs(turned - expected).max(), np.abs(turned - opposite).max()) < 1e-4


def test_elastic_bends_smoothly(x):
    bent = warp(x[..., 0], replace(STILL, elastic=1.0), np.random.default_rng(0))
    difference = np.abs(bent - x[..., 0]).mean()
    noise = np.abs(np.random.default_rng(0).permuted(x[..., 0], axis=2) - x[..., 0]).mean()
    assert 0 < difference < noise / 2


def test_stroke_grows_and_shrinks_monotonically(x):
    ink = [change_stroke(x[..., 0], np.full(len(x), amount)).sum() for amount in (-1, -0.5, 0, 0.5, 1)]
    assert ink == sorted(ink)
    assert len(set(ink)) == 5


def test_dilation_and_erosion_mirror_each_other(x):
    images = x[..., 0]
    full = np.ones(len(images))
    np.testing.assert_allclose(1 - change_stroke(1 - images, full), change_stroke(images, -full), atol=1e-6)


def test_flip_mirrors_about_half(x):
    flipped = augment(x, replace(STILL, flip=True), np.random.default_rng(0))
    mirrored = (flipped == x[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (flipped == x).all(axis=(1, 2, 3))
    assert (mirrored | same).all()
    assert 10 < mirrored.sum() < 54
