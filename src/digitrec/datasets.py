"""Where arrays come from: MNIST (found, or fetched and verified) and bundled digits; and the one split of them."""

import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.idx import DataError
from digitrec.mnist import Pairs, find_mnist, is_published, load_mnist
from digitrec.preprocessing.box import box_ink


def load_dataset(name: str) -> tuple[Pairs, Pairs]:
    """Load "mnist" (`load_mnist`) or "digits" (`load_digits`, which needs no network) by name.

    Raises:
        DataError: another name.

    >>> (images, labels), (test_images, test_labels) = load_dataset("digits")
    >>> images.shape, test_labels.shape
    ((1437, 28, 28), (360,))
    """
    loaders = {"mnist": load_mnist, "digits": load_digits}
    if name not in loaders:
        raise DataError(f"dataset: expected one of {', '.join(loaders)}, got {name!r}")
    return loaders[name]()


def identify_dataset(name: str) -> tuple[bool, str]:
    """Say of a data set of `load_dataset` whether it is, byte for byte, what was published; and where it comes from.

    MNIST's own files may have been changed, or be another set's of the same form: then a result is not MNIST's.
    """
    if name != "mnist":
        return True, "scikit-learn's bundled digits"
    folder = find_mnist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        published = is_published([array for part in load_mnist(folder) for array in part])
    return published, f"{'MNIST' if published else 'other content than MNIST as published'} in {folder}"


def load_digits() -> tuple[Pairs, Pairs]:
    """Load scikit-learn's bundled 1,797 handwritten digits, brought from 8x8 into MNIST's form; needs no network.

    Source: E. Alpaydin, C. Kaynak 1998, Optical Recognition of Handwritten Digits, UCI, CC BY 4.0.

    Returns:
        (train_images, train_labels), (test_images, test_labels) as `load_mnist` has them; n is 1,437 and 360,
        stratified, the same at every call.

    >>> (images, labels), _ = load_digits()
    >>> images.dtype.name, int(images.max()), labels.shape
    ('uint8', 255, (1437,))
    """
    from sklearn import datasets as bundled

    digits = bundled.load_digits()
    images = np.stack([box_ink(_enlarge(image)) for image in digits.images])
    return split_validation(images, digits.target.astype(np.int64), validation=360, seed=0)


def load_split(name: str, limit: int | None = None) -> tuple[Pairs, Pairs, Pairs]:
    """Load a data set and split it: the one protocol that every number here follows.

    Training and validation are the published training images, split by `split_validation`; every choice is made on
    validation. The test set is the published one, for evaluation alone.

    Args:
        name: see `load_dataset`.
        limit: keep at most so many pictures of each part, stratified, to try something out.

    Returns:
        training, validation, test: each images uint8 (n, 28, 28) and labels int64 (n,); of MNIST n is 55,000, 5,000
        and 10,000.

    Raises:
        DataError: see `load_dataset`; or a limit below 1.

    >>> training, validation, test = load_split("digits")
    >>> [len(labels) for images, labels in (training, validation, test)]
    [1318, 119, 360]
    """
    if limit is not None and limit < 1:
        raise DataError(f"limit: expected 1 or more pictures, or None for all, got {limit}")
    given, test = load_dataset(name)
    parts = (*split_validation(*given), test)
    training, validation, test = parts if limit is None else (take(part, limit) for part in parts)
    return training, validation, test


def take(pictures: Pairs, n: int) -> Pairs:
    """Return n of the pictures, stratified, in their order; or all where there are no more."""
    return pictures if n >= len(pictures[1]) else split_validation(*pictures, validation=n)[1]


def split_validation(
    images: NDArray[np.uint8], labels: NDArray[np.int64], validation: int | None = None, seed: int = 0
) -> tuple[Pairs, Pairs]:
    """Split off a stratified part at random; the order within each part stays that of the whole.

    Each class gives its share, rounded by largest remainder, so that the total is exact.

    Args:
        images: (n, ...).
        labels: int (n,).
        validation: how many go into the second part, 1 to n - 1; None for a twelfth, of MNIST 5,000, at least ten.
        seed: the same seed gives the same split.

    Returns:
        (train_images, train_labels), (validation_images, validation_labels).

    Raises:
        DataError: images and labels of different length, or a number out of range.

    >>> (images, labels), _ = load_digits()
    >>> training, validation = split_validation(images, labels, validation=100)
    >>> len(training[1]), len(validation[1])
    (1337, 100)
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if labels.shape != images.shape[:1]:
        raise DataError(f"labels: expected one for each of {len(images)} images, got shape {labels.shape}")
    if validation is None:
        validation = max(10, len(labels) // 12)
    if not 0 < validation < len(labels):
        raise DataError(f"validation: expected 1 to {len(labels) - 1} of {len(labels)} images, got {validation}")
    classes, counts = np.unique(labels, return_counts=True)
    shares, remainders = np.divmod(counts * validation, len(labels))
    shares[np.argsort(-remainders, kind="stable")[: validation - shares.sum()]] += 1
    generator = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), bool)
    for label, share in zip(classes, shares, strict=True):
        chosen[generator.choice(np.flatnonzero(labels == label), share, replace=False)] = True
    return (images[~chosen], labels[~chosen]), (images[chosen], labels[chosen])


def _enlarge(image: NDArray[np.float64]) -> NDArray[np.float32]:
    """Enlarge an 8x8 digit, 0-16, smoothly into ink, 0-1, with a margin so that its edges fade as a stroke's do."""
    ink = Image.fromarray(np.pad(image / 16, 1).astype(np.float32))
    return np.clip(np.asarray(ink.resize((80, 80), Image.Resampling.BICUBIC)), 0, 1)
