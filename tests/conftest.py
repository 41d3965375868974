"""What the tests share: small real data, and real MNIST where it is at hand."""

import numpy as np
import pytest

from digitrec import datasets
from digitrec.mnist import MissingDataError, find_mnist, load_mnist


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's bundled digits in MNIST's form: training images and labels."""
    return datasets.load_digits()[0]


@pytest.fixture(scope="session")
def mnist() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """MNIST as load_mnist returns it; skips where it is not at hand, and never downloads."""
    try:
        return load_mnist(find_mnist())
    except MissingDataError as error:
        pytest.skip(str(error))
