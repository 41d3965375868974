"""Small networks written in a line, what they weigh in int8, and how fast they read."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitrec import backend
from digitrec.sessions import run_session, start_session

if TYPE_CHECKING:
    import keras


def build_small(layers: str) -> "keras.Model":
    """Build a network from a line such as "5x8 pool s3x12 s3x12": convolutions, poolings, the mean, ten logits.

    Each convolution is normalised and followed by ReLU. Those before the first pooling go without padding; after it the
    map is so small that its edge is worth keeping.

    Args:
        layers: in order, `pool` (2x2), or side and filters of a convolution: `3x16`; `s3x16` is one that is separable,
            a 3x3 for each channel and then a 1x1; `r3x16` is the same, its input added to its output.

    Returns:
        An uncompiled model from (n, 28, 28, 1) in 0-1 to ten logits. All its variables count as weights, those of the
        normalisation included.

    Raises:
        ValueError: a layer of another form.

    >>> build_small("5x8 pool s3x12").count_params()
    549
    """
    keras, kinds = backend.keras, backend.keras.layers
    inputs = h = keras.Input((28, 28, 1), name="x")
    padding = "valid"
    for layer in layers.split():
        if layer == "pool":
            h, padding = kinds.MaxPooling2D()(h), "same"
            continue
        side, filters = _read_layer(layer)
        before = h
        if layer[0] in "sr":
            h = kinds.DepthwiseConv2D(side, padding=padding, use_bias=False)(h)
            side = 1
        h = kinds.Conv2D(filters, side, padding=padding, use_bias=False, kernel_initializer="he_normal")(h)
        h = kinds.BatchNormalization(momentum=0.9, scale=False)(h)
        h = kinds.ReLU()(kinds.Add()([h, before]) if layer[0] == "r" else h)
    h = kinds.GlobalAveragePooling2D()(h)
    return keras.Model(inputs, kinds.Dense(10, name="logits")(h))


def _read_layer(layer: str) -> tuple[int, int]:
    side, _, filters = layer.lstrip("sr").partition("x")
    if not (side.isdecimal() and filters.isdecimal() and int(side) and int(filters)):
        raise ValueError(f"layers: expected pool, or a convolution such as 3x16, s3x16 or r3x16, got {layer!r}")
    return int(side), int(filters)


def quantise(network: bytes, x: NDArray[np.float32]) -> bytes:
    """Turn an ONNX file's weights and maps into int8, whose ranges are those that some pictures need.

    Args:
        network: as `networks.export_onnx` gives it.
        x: float32 (n, 28, 28, 1) in 0-1, of training pictures.

    Returns:
        An ONNX file of the same inputs and outputs.
    """
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.left = iter(x[:, None])

        def get_next(self) -> dict | None:
            one = next(self.left, None)
            return None if one is None else {"x": one}

    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch) / "float.onnx", Path(scratch) / "int8.onnx"
        source.write_bytes(network)
        quantization.quantize_static(source, target, Reader(), per_channel=True)
        return target.read_bytes()


def run_onnx(network: bytes, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Read pictures with an ONNX file on one thread: x float32 (n, 28, 28, 1) to logits (n, 10)."""
    session = start_session(network, threads=1)
    return np.concatenate([run_session(session, few)[0] for few in np.array_split(x, -(-len(x) // 500))])


def time_onnx(network: bytes, x: NDArray[np.float32], repeats: int = 2000) -> float:
    """Return the median of the microseconds that reading one picture takes on one thread."""
    session = start_session(network, threads=1)
    times = []
    for i in range(repeats):
        one = x[i % len(x)][None]
        start = time.perf_counter()
        session.run(None, {"x": one})
        times.append(time.perf_counter() - start)
    return 1e6 * statistics.median(times)
