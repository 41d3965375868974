"""Keras, without the notes that TensorFlow writes to the terminal at every start, and into notebooks later."""

import logging
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # from then on: errors only
_terminal, _nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
os.dup2(_nowhere, 2)
try:
    import keras
finally:
    os.dup2(_terminal, 2)
    os.close(_terminal)
    os.close(_nowhere)

# Several networks in one process are no mistake, though it warns of one in every loop over them.
logging.getLogger("tensorflow").setLevel(logging.ERROR)

__all__ = ["keras"]
