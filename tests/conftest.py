"""What the tests share: small real data, and real MNIST where it is at hand."""

import os

import numpy as np
import pytest

from digitrec import datasets


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's bundled digits in MNIST's form: training images and labels."""
    return datasets.load_digits()[0]


@pytest.fixture(scope="session")
def mnist() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """MNIST as load_mnist returns it; skips where it is not at hand, and never downloads."""
    folder = os.environ.get("DIGITREC_DATA_DIR", datasets.DATA_FOLDER)
    try:
        return datasets.load_mnist(folder)
    except datasets.MissingDataError as error:
        pytest.skip(str(error))
