"""Small networks written in a line, how they are trained, what they weigh in int8, and how fast they read."""

import logging
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitrec import backend
from digitrec.config import TrainConfig
from digitrec.networks import name_by_place
from digitrec.sessions import run_session, start_session

if TYPE_CHECKING:
    import keras

# Networks by name, the smallest first: their layers, and for how many epochs each is trained.
FAMILY = {
    "least": ("3x6 s3x8 pool s3x8 pool s3x12", 30),
    "tiny": ("3x8 s3x10 pool s3x12 r3x12 again again pool r3x12 again again again again", 40),
    "few": ("3x12 s3x16 pool s3x22 r3x22 again pool s3x30 r3x30 again", 28),
    "small": ("3x12 s3x20 pool s3x28 r3x28 again pool s3x40 r3x40 again", 48),
    "medium": ("5x12 pool 3x24 3x24 pool 3x32 3x32", 20),
    "large": ("5x16 pool 3x32 3x48 pool 3x64 3x64", 16),
    "largest": ("5x24 pool 3x64 3x64 pool 3x96 3x128", 12),
}
# Few weights are never too many for the pictures: what they lack is steps, and pictures that are easy to learn from.
CONFIG = TrainConfig(
    batch_size=64, patience=1000, optimizer="adamw", label_smoothing=0.0, plain_epochs=3, rotation=5.0, shift=1.0,
    scale=0.06, shear=0.1, elastic=0.4, stroke=0.0, blur=0.0, fade=0.0, erase=0.0, drawn_digits=0, soiled_digits=0,
    strings=0, non_digits=0,
)  # fmt: skip


def build_small(layers: str) -> "keras.Model":
    """Build a network from a line such as "3x8 s3x10 pool s3x12 r3x12 again": convolutions, poolings, ten logits.

    Each convolution is normalised and followed by ReLU, without padding before the first pooling: an MNIST picture's
    edge is empty. The last maps answer by their greatest values.

    Args:
        layers: in order, `pool` (2x2), or side and filters of a convolution: `3x16`; `s3x16` is one that is separable,
            a 3x3 for each channel and then a 1x1; `r3x16` is the same, padded, its input added to its output; `again`
            is the `r` before it once more, with the same weights and a normalisation of its own.

    Returns:
        An uncompiled model from (n, 28, 28, 1) in 0-1 to ten logits. All its variables count as weights, those of the
        normalisation included.

    Raises:
        ValueError: a layer of another form, or `again` after another layer than an `r`.

    >>> build_small("5x8 pool s3x12").count_params()
    549
    >>> build_small("5x8 pool r3x8 again again").count_params() - build_small("5x8 pool r3x8").count_params()
    48
    """
    keras, kinds = backend.keras, backend.keras.layers
    inputs = h = keras.Input((28, 28, 1), name="x")
    padding, is_added = "valid", False
    for layer in layers.split():
        if layer == "pool":
            h, padding, is_added = kinds.MaxPooling2D()(h), "same", False
            continue
        before = h
        if layer != "again":
            convolutions, is_added = _build_convolutions(layer, padding), layer[0] == "r"
        elif not is_added:
            raise ValueError(f"layers: expected again to follow a layer such as r3x16, got {layers!r}")
        for convolution in convolutions:
            h = convolution(h)
        h = kinds.BatchNormalization(momentum=0.9, scale=False)(h)
        h = kinds.ReLU()(kinds.Add()([h, before]) if is_added else h)
    h = kinds.GlobalMaxPooling2D()(h)
    return keras.Model(inputs, kinds.Dense(10, name="logits")(h))


def _build_convolutions(layer: str, padding: str) -> "list[keras.layers.Layer]":
    """Build what a word asks for: one convolution, or a separable one's two."""
    kinds = backend.keras.layers
    side, _, filters = layer.lstrip("sr").partition("x")
    if not (side.isdecimal() and filters.isdecimal() and int(side) and int(filters)):
        raise ValueError(f"layers: expected pool, again, or a convolution such as 3x16, s3x16 or r3x16, got {layer!r}")
    padding = "same" if layer[0] == "r" else padding

    def mix(size: int) -> "keras.layers.Layer":
        return kinds.Conv2D(int(filters), size, padding=padding, use_bias=False, kernel_initializer="he_normal")

    if layer[0] not in "sr":
        return [mix(int(side))]
    return [kinds.DepthwiseConv2D(int(side), padding=padding, use_bias=False), mix(1)]


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
        logging.disable(logging.WARNING)  # at every call it advises another preparation
        try:
            quantization.quantize_static(source, target, Reader(), per_channel=True)
        finally:
            logging.disable(logging.NOTSET)
        return name_by_place(target.read_bytes())


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
