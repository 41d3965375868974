"""A few hundred pictures of every kind, drawn once, and two ways to measure pictures."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from digitrec import synthesis


@pytest.fixture(scope="session")
def drawn():
    return synthesis.draw_digits(600, np.random.default_rng(0))


@pytest.fixture(scope="session")
def non_digits():
    return synthesis.draw_non_digits(300, np.random.default_rng(0))


@pytest.fixture(scope="session")
def written(digits):
    """Strings of digits."""
    return synthesis.draw_strings(digits[0], 200, np.random.default_rng(0))


@pytest.fixture(scope="session")
def soiled(digits):
    return synthesis.soil(*digits, 200, np.random.default_rng(0))


@pytest.fixture(scope="session")
def bounding_sides() -> Callable[[np.ndarray], np.ndarray]:
    """A function: height and width (n, 2) of what is brighter than a tenth."""

    def measure(images):
        seen = images > 25
        return np.array([[np.ptp(np.flatnonzero(one.any(axis=axis))) + 1 for axis in (1, 0)] for one in seen])

    return measure


@pytest.fixture(scope="session")
def find_agreement() -> Callable[..., np.ndarray]:
    """A function: whether three nearest neighbours among known images confirm each label."""

    def ask(images, labels, known_images, known_labels):
        neighbours = KNeighborsClassifier(3, metric="cosine")
        neighbours.fit(known_images.reshape(len(known_images), -1) / 255, known_labels)
        return neighbours.predict(images.reshape(len(images), -1) / 255) == labels

    return ask
