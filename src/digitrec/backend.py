"""Keras, loaded when a network is first built, and without the notes that TensorFlow writes at every start.

A module that says `from digitrec import backend` and then `backend.keras` can be looked at in no time.
"""

import logging
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras as keras


def __getattr__(name: str) -> Any:
    if name != "keras":
        raise AttributeError(f"module 'digitrec.backend' has no attribute {name!r}")
    globals()["keras"] = _load_keras()
    return globals()["keras"]


def _load_keras() -> Any:
    """Import Keras; what it and its backend write to the terminal meanwhile goes nowhere.

    Raises:
        ModuleNotFoundError: it is not installed; the message says what to install.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # from then on: errors only
    # By itself TensorFlow takes oneDNN's convolutions only where the processor has AVX-512; with AVX2 alone, as most
    # have, a step takes two thirds of the time with them.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import keras
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)
    # Several networks in one process are no mistake, though it warns of one in every loop over them.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return keras
