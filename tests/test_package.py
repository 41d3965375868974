"""The house itself: what importing costs, and which way imports run."""

import subprocess
import sys

import pytest

import digitrec

HEAVY = ("keras", "tensorflow", "jax", "sklearn", "matplotlib", "seaborn", "pandas", "scipy", "gradio")


def modules_after(code: str) -> set[str]:
    """Return the top-level modules loaded in a fresh interpreter after `code`."""
    script = f"import sys\n{code}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_nothing_heavy():
    assert not modules_after("import digitrec") & {*HEAVY, "numpy", "PIL", "onnxruntime"}


@pytest.mark.parametrize("name", ["Recognizer", "app", "to_mnist", "prepare", "load_mnist", "load_model"])
def test_instrument_loads_no_workshop(name):
    assert not modules_after(f"from digitrec import {name}") & set(HEAVY)


def test_reading_a_picture_loads_no_workshop():
    code = "import numpy\nfrom digitrec import Recognizer\nRecognizer.load('cnn').predict(numpy.eye(28))"
    loaded = modules_after(code)
    assert "onnxruntime" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("name", digitrec.__all__)
def test_every_public_name_exists_and_is_documented(name):
    assert getattr(digitrec, name).__doc__


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        digitrec.nonsense  # noqa: B018
