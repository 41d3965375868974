"""Keras definitions of the networks, from x (n, 28, 28, 1) to logits, and their portable form."""

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitrec import backend
from digitrec.config import TrainConfig

if TYPE_CHECKING:
    import keras

LOGITS = "digitrec_logits"  # the last layer of a network whose logits stand beside the fixed zero of "not a digit"


def build_network(config: TrainConfig) -> "keras.Model":
    """Build the network that `config.network` names.

    Raises:
        ValueError: it names none.
    """
    builders = {"cnn": build_cnn, "rnn": build_rnn}
    if config.network not in builders:
        raise ValueError(f"network: expected one of {', '.join(builders)}, got {config.network!r}")
    return builders[config.network](config)


def build_cnn(config: TrainConfig) -> "keras.Model":
    """Build the convolutional network: blocks of convolutions with ReLU, pooled 2x2 and batch-normalised.

    The first convolution is 5x5, all others 3x3; those before a pooling go without padding, which there would only
    add to the empty frame, and four tenths of the multiplications (28 -> 24 -> 12 -> 10 -> 5).

    Args:
        config: `filters` (one tuple per block), `batch_normalisation`, `dense` and `dropout`.

    Returns:
        An uncompiled model, float32 (n, 28, 28, 1) in 0-1 to float32 logits (n, 11), see `digitrec.calibration`.

    >>> build_cnn(TrainConfig()).count_params()
    139003
    """
    keras, layers = backend.keras, backend.keras.layers
    inputs = h = keras.Input((28, 28, 1), name="x")
    for i, block in enumerate(config.filters):
        for j, filters in enumerate(block):
            ends_block = j == len(block) - 1
            pooled = ends_block and i < len(config.filters) - 1
            # Once a block, and after pooling: after every convolution it would take two thirds of a training step.
            normalise = ends_block and config.batch_normalisation
            h = layers.Conv2D(
                filters,
                3 if i or j else 5,
                padding="valid" if pooled else "same",
                use_bias=not normalise,
                kernel_initializer="he_normal",
            )(h)
            if pooled:
                h = layers.MaxPooling2D()(h)
            if normalise:
                h = layers.BatchNormalization(momentum=0.9)(h)
            h = layers.ReLU()(h)
    h = layers.GlobalAveragePooling2D()(h)
    return keras.Model(inputs, _add_head(h, config), name="cnn")


def build_rnn(config: TrainConfig) -> "keras.Model":
    """Build the recurrent network: long short-term memory (Hochreiter and Schmidhuber 1997) reads the rows down and up.

    Args:
        config: `recurrent_units` (in each direction), `dense` and `dropout`.

    Returns:
        An uncompiled model, float32 (n, 28, 28, 1) in 0-1 to float32 logits (n, 11), see `digitrec.calibration`.
    """
    keras, layers = backend.keras, backend.keras.layers
    inputs = keras.Input((28, 28, 1), name="x")
    rows = layers.Reshape((28, 28))(inputs)
    # Unrolled, a step takes half the time to two thirds; in bfloat16 it would take longer.
    h = layers.Bidirectional(layers.LSTM(config.recurrent_units, unroll=True))(rows)
    return keras.Model(inputs, _add_head(h, config), name="rnn")


def _add_head(h: "keras.KerasTensor", config: TrainConfig) -> "keras.KerasTensor":
    """Add a dense layer with dropout and the logits: of the ten digits, and of "several digits"."""
    layers = backend.keras.layers
    h = layers.Dense(config.dense, activation="relu", kernel_initializer="he_normal")(h)
    h = layers.Dropout(config.dropout)(h)
    # float32 whatever the precision: bfloat16 logits have three digits, too few for a loss or a calibration.
    return layers.Dense(11, dtype="float32", name=LOGITS)(h)


def export_onnx(model: "keras.Model") -> bytes:
    """Return a network as an ONNX file: the same weights give the same bytes.

    The road there leads through TensorFlow, whatever the network was trained on.
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "model.onnx")
        if backend.keras.backend.backend() == "tensorflow":
            _export(model, path)
        else:
            model.save(path.with_suffix(".keras"))
            code = f"from digitrec import networks; networks._export_saved({str(path)!r})"
            subprocess.run([sys.executable, "-c", code], env={**os.environ, "KERAS_BACKEND": "tensorflow"}, check=True)
        return name_by_place(path.read_bytes())


def _export(model: "keras.Model", path: Path) -> None:
    # Keras exports only what was called once; 32 stands for a width that is left open.
    model(np.zeros([1, *(side or 32 for side in model.input_shape[1:])], np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of numpy, to tf2onnx
        model.export(str(path), format="onnx", verbose=False)


def _export_saved(path: str) -> None:
    """Export the network that lies beside `path`, on TensorFlow: what `export_onnx` asks of a process of its own."""
    _export(backend.keras.saving.load_model(Path(path).with_suffix(".keras"), compile=False), Path(path))


def name_by_place(network: bytes) -> bytes:
    """Name all that an ONNX file holds by its place in the graph.

    The names it comes with count the layers that the process has built before, and so differ from one time to another.
    """
    import onnx

    model = onnx.load_from_string(network)
    graph = model.graph
    graph.doc_string = ""
    names = {graph.input[0].name: "x", graph.output[0].name: "logits"}
    for place, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{place}"
        for i, name in enumerate(node.input):
            names.setdefault(name, f"{node.name}_input_{i}")  # what no earlier node made is a constant
            node.input[i] = names[name]
        for i, name in enumerate(node.output):
            names.setdefault(name, f"{node.name}_output_{i}")
            node.output[i] = names[name]
    for named in (*graph.initializer, *graph.input, *graph.output):
        named.name = names[named.name]
    for end in (graph.input[0], graph.output[0]):
        for place, side in enumerate(end.type.tensor_type.shape.dim):
            if not side.dim_value or not place:
                side.dim_param = f"{end.name}_{place}" if place else "n"
    constants = sorted(graph.initializer, key=lambda constant: constant.name)
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(constants)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)
