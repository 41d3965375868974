"""Datasets by name, and the one split of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from digitrec import datasets
from digitrec.idx import DataError


def test_digits_are_scikit_learns_in_mnist_form():
    from sklearn.datasets import load_digits

    bundled = load_digits()
    (train_images, train_labels), (test_images, test_labels) = datasets.load_digits()
    assert (len(train_labels), len(test_labels)) == (1437, 360)
    labels = np.concatenate([train_labels, test_labels])
    np.testing.assert_array_equal(np.bincount(labels), np.bincount(bundled.target))
    images = np.concatenate([train_images, test_images])
    assert images.shape == (1797, 28, 28)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    assert (images.max(axis=(1, 2)) == 255).all()
    rows, columns = images.any(axis=2).sum(axis=1), images.any(axis=1).sum(axis=1)
    assert (np.maximum(rows, columns) <= 20).all()
    assert (np.maximum(rows, columns) >= 18).all()
    mass = images.sum(axis=(1, 2))
    steps = np.arange(28)
    assert (np.abs(images.sum(axis=2) @ steps / mass - 14) < 1).all()
    assert (np.abs(images.sum(axis=1) @ steps / mass - 14) < 1).all()


def test_digits_keep_their_pictures():
    """Squeezed back into 8x8, the digit that looks most like each original is, nearly always, itself."""
    from sklearn.datasets import load_digits

    bundled = load_digits()
    (images, labels), _ = datasets.load_digits()
    boxes = [image[np.ix_(image.any(axis=1), image.any(axis=0))] for image in images[:200]]
    small = np.stack([Image.fromarray(box).resize((8, 8), Image.Resampling.BOX) for box in boxes]).reshape(200, -1)
    ink = bundled.images > 1.6
    crops = [
        Image.fromarray((digit[np.ix_(seen.any(axis=1), seen.any(axis=0))] * 15.9).astype(np.uint8))
        for digit, seen in zip(bundled.images, ink, strict=True)
    ]
    originals = np.stack([crop.resize((8, 8), Image.Resampling.BILINEAR) for crop in crops]).reshape(1797, -1)
    small, originals = (x - x.mean(axis=1, keepdims=True, dtype=float) for x in (small, originals))
    small, originals = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (small, originals))
    nearest = (small @ originals.T).argmax(axis=1)
    assert (bundled.target[nearest] == labels[:200]).mean() > 0.98


def test_digits_are_the_same_every_time(digits):
    images, labels = datasets.load_dataset("digits")[0]
    np.testing.assert_array_equal(images, digits[0])
    np.testing.assert_array_equal(labels, digits[1])


def test_unknown_dataset():
    with pytest.raises(DataError, match="mnist, digits, got 'letters'"):
        datasets.load_dataset("letters")


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=120), st.data(), st.integers(0, 5))
def test_split_is_exact_stratified_disjoint_and_in_order(labels, data, seed):
    labels = np.array(labels)
    numbers = np.arange(len(labels))
    validation = data.draw(st.integers(1, len(labels) - 1))
    (train, train_labels), (held, held_labels) = datasets.split_validation(numbers, labels, validation, seed)
    assert len(held) == validation
    np.testing.assert_array_equal(np.sort(np.concatenate([train, held])), numbers)
    for part, part_labels in ((train, train_labels), (held, held_labels)):
        np.testing.assert_array_equal(labels[part], part_labels)
        assert (np.diff(part) > 0).all()
    quota = np.bincount(labels, minlength=10) * validation / len(labels)
    assert (np.abs(np.bincount(held_labels, minlength=10) - quota) < 1).all()


def test_split_follows_largest_remainders():
    labels = np.repeat([0, 1, 2], [10, 5, 5])  # quotas 3.5, 1.75, 1.75
    _, (_, held) = datasets.split_validation(labels, labels, 7)
    assert np.bincount(held).tolist() == [3, 2, 2]


def test_split_follows_the_seed():
    labels = np.arange(200) % 10
    first, again, other = (datasets.split_validation(np.arange(200), labels, 50, seed)[1][0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("n", "held"), [(60_000, 5_000), (1_437, 119), (240, 20), (100, 10), (11, 10)])
def test_a_twelfth_is_held_out_unless_told_otherwise(n, held):
    labels = np.arange(n) % 10
    (_, train_labels), (_, held_labels) = datasets.split_validation(labels, labels)
    assert (len(train_labels), len(held_labels)) == (n - held, held)


def test_one_protocol_splits_every_data_set(digits):
    training, validation, test = datasets.load_split("digits")
    assert [len(labels) for _, labels in (training, validation, test)] == [1_318, 119, 360]
    for part, again in zip((training, validation), datasets.split_validation(*digits), strict=True):
        np.testing.assert_array_equal(part[0], again[0])
    np.testing.assert_array_equal(test[1], datasets.load_digits()[1][1])
    small = datasets.load_split("digits", limit=150)
    assert [len(labels) for _, labels in small] == [150, 119, 150]
    assert np.isin(small[0][0].sum(axis=(1, 2)), training[0].sum(axis=(1, 2))).all()
    with pytest.raises(DataError, match="limit: expected 1 or more pictures, or None for all, got 0"):
        datasets.load_split("digits", limit=0)


@given(st.integers(1, 60), st.integers(1, 60))
def test_taking_keeps_order_and_proportion(n, wanted):
    labels = np.arange(n) % 3
    numbers, taken = datasets.take((np.arange(n), labels), wanted)
    assert len(numbers) == min(n, wanted)
    assert (np.diff(numbers) > 0).all()
    np.testing.assert_array_equal(taken, labels[numbers])


@pytest.mark.parametrize("validation", [-1, 0, 10, 11])
def test_split_out_of_range(validation):
    with pytest.raises(DataError, match=f"expected 1 to 9 of 10 images, got {validation}"):
        datasets.split_validation(np.zeros((10, 28, 28), np.uint8), np.zeros(10, int), validation)


def test_split_of_arrays_that_do_not_match():
    with pytest.raises(DataError, match=r"expected one for each of 10 images, got shape \(9,\)"):
        datasets.split_validation(np.zeros((10, 28, 28), np.uint8), np.zeros(9, int), 5)


@pytest.mark.mnist
def test_real_mnist_splits_in_proportion(mnist):
    images, labels = mnist[0]
    (train, train_labels), (held, held_labels) = datasets.split_validation(images, labels)
    assert (len(train), len(held)) == (55_000, 5_000)
    assert np.abs(np.bincount(held_labels) - np.bincount(labels) / 12).max() < 1
    np.testing.assert_array_equal(np.bincount(train_labels) + np.bincount(held_labels), np.bincount(labels))


@pytest.mark.mnist
def test_what_a_result_is_measured_on_is_named(tmp_path, monkeypatch, mnist):
    assert datasets.identify_dataset("digits") == (True, "scikit-learn's bundled digits")
    published, source = datasets.identify_dataset("mnist")
    assert (published, source.split()[0]) == (True, "MNIST")
    (train_images, train_labels), (test_images, test_labels) = mnist
    arrays = {"x_train": train_images, "y_train": train_labels, "x_test": test_images, "y_test": test_labels}
    arrays = {name: array.astype(np.uint8) for name, array in arrays.items()}
    arrays["y_test"][:500] = (arrays["y_test"][:500] + 1) % 10
    np.savez(tmp_path / "mnist.npz", **arrays)
    monkeypatch.setenv("DIGITREC_DATA_DIR", str(tmp_path))
    assert datasets.identify_dataset("mnist") == (False, f"other content than MNIST as published in {tmp_path}")
