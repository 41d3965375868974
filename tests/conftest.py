"""What the tests share: small real data, and real MNIST where it is at hand."""

import signal

import numpy as np
import pytest

from digitrec import datasets
from digitrec.mnist import MissingDataError, find_mnist, load_mnist

# A job in the background ignores Ctrl-C, and so would the processes to which the tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
