"""Distillation: one network taught by what several say together (Hinton, Vinyals and Dean 2015)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from digitrec import backend
from digitrec.training import compete

if TYPE_CHECKING:
    import keras


def build_teacher(models: "Sequence[keras.Model]") -> "keras.Model":
    """Build one network that says what several say together, to be the `teacher` of `train`.

    Args:
        models: from (n, 28, 28, 1) in 0-1 to logits, all ten or all eleven; they share their layers with the result.

    Returns:
        A network to the mean of their probabilities, with that of "not a digit" at its label's place: (n, 11 or 12).

    >>> from digitrec.small import build_small
    >>> build_teacher([build_small("5x8 pool s3x12"), build_small("5x4 pool 3x8")]).output_shape
    (None, 11)
    """
    keras = backend.keras
    inputs = keras.Input((28, 28, 1))
    # Networks of one make have one name, which Keras allows once.
    renamed = [keras.Model(model.inputs, model.outputs[0], name=f"teacher_{i}") for i, model in enumerate(models)]
    said = [keras.ops.softmax(compete(model(inputs))) for model in renamed]
    return keras.Model(inputs, sum(said[1:], said[0]) / len(said))
