"""Inside a network: what its layers put out, what they wait for, and what a change of the picture does to its reading.

Everything here looks at a Keras model and trains nothing; notebook 09 shows it, `digitrec.plots` draws it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitrec import backend

if TYPE_CHECKING:
    import keras

_BATCH = 250  # pictures whose gradients are taken at once: 250 MB


class Field(NamedTuple):
    """Which part of a picture one place of a layer sees: a square window that moves on with the place.

    Attributes:
        size: side of the window, in pixels.
        step: pixels that it moves from one place to the next.
        start: first row and column of the first window; below 0 where the layer looks past the edge.
    """

    size: int
    step: int
    start: int


class Strongest(NamedTuple):
    """The pictures that excite each channel of a layer most, and where; the strongest first.

    Attributes:
        pictures: int (channels, count), which pictures.
        rows: int (channels, count), the place in the layer's map.
        columns: see rows.
        values: float32 (channels, count), the channel's output there.
    """

    pictures: NDArray[np.intp]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    values: NDArray[np.float32]


def layer_outputs(model: "keras.Model", x: NDArray[np.float32], places: Sequence[int]) -> list[NDArray[np.float32]]:
    """Return what some layers put out.

    Args:
        model: any functional or Sequential network.
        x: float32 (n, 28, 28, 1) in 0-1.
        places: of the layers, counted from 0 in `model.layers`, or from the end below 0.

    Returns:
        For each layer float32 (n, height, width, channels), or (n, values) where there are no places left.

    >>> from digitrec.model_folder import load_model
    >>> maps, logits = layer_outputs(load_model("cnn"), np.zeros((2, 28, 28, 1), np.float32), (1, -1))
    >>> maps.shape, logits.shape
    ((2, 24, 24, 16), (2, 11))
    """
    inner = backend.keras.Model(model.inputs[0], [model.layers[place].output for place in places])
    outputs = inner.predict(x, batch_size=1000, verbose=0)
    return [np.asarray(one) for one in (outputs if isinstance(outputs, list | tuple) else [outputs])]


def find_field(model: "keras.Model", place: int) -> Field:
    """Return which part of a picture one place of a layer sees, its receptive field.

    Args:
        model: a network that is one chain of layers.
        place: of the layer in `model.layers`.

    Raises:
        ValueError: the layer has no places: it sees the whole picture at once.

    >>> from digitrec.model_folder import load_model
    >>> find_field(load_model("cnn"), 1)
    Field(size=5, step=1, start=0)
    """
    if len(model.layers[place].output.shape) != 4:
        raise ValueError(
            f"place: expected a layer with height and width, got {model.layers[place].name}, which sees all at once"
        )
    size, step, start = 1, 1, 0
    for layer in model.layers[: model.layers.index(model.layers[place]) + 1]:
        window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
        if window is None:
            continue
        stride = layer.strides[0]
        if layer.padding == "same":
            start -= step * max(window[0] - stride, 0) // 2
        size += step * (window[0] - 1)
        step *= stride
    return Field(size, step, start)


def find_strongest(maps: NDArray[np.float32], count: int) -> Strongest:
    """Find the pictures that excite each channel of a layer most, a picture at most once a channel.

    Source: Zeiler, Fergus 2014, "Visualizing and understanding convolutional networks", figure 2.

    Args:
        maps: float32 (n, height, width, channels), as `layer_outputs` gives them.
        count: how many pictures of each channel, 1 to n.

    Raises:
        ValueError: maps of another form, or fewer pictures than that.
    """
    if maps.ndim != 4 or not 1 <= count <= len(maps):
        raise ValueError(f"maps: expected (n, height, width, channels) with n of at least {count}, got {maps.shape}")
    flat = maps.reshape(len(maps), -1, maps.shape[-1])
    peaks, at = flat.max(axis=1), flat.argmax(axis=1)
    pictures = np.argsort(-peaks, axis=0, kind="stable")[:count]
    rows, columns = np.divmod(np.take_along_axis(at, pictures, 0), maps.shape[2])
    return Strongest(pictures.T, rows.T, columns.T, np.take_along_axis(peaks, pictures, 0).T)


def blend(first: NDArray[np.uint8], second: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Fade one picture over into another.

    Args:
        first: uint8 (28, 28).
        second: see first.
        count: of pictures, both ends among them, at least 2.

    Returns:
        uint8 (count, 28, 28), evenly spaced.
    """
    share = np.linspace(0, 1, count)[:, None, None]
    return np.round((1 - share) * first + share * second).astype(np.uint8)


def find_nearest_pair(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[int, int]:
    """Return which picture of the first kind and which of the second lie nearest, pixel by pixel.

    Args:
        first: uint8 (n, 28, 28).
        second: uint8 (m, 28, 28).
    """
    a, b = (np.asarray(images, np.float64).reshape(len(images), -1) for images in (first, second))
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    one, other = np.unravel_index(squares.argmin(), squares.shape)
    return int(one), int(other)


def integrate_gradients(
    model: "keras.Model", image: NDArray[np.uint8], digit: int, temperature: float = 1.0, steps: int = 256
) -> NDArray[np.float32]:
    """Share out what speaks for a digit among the pixels: gradients summed up while the ink rises from a blank page.

    All pixels together give exactly the log-odds of the digit in the picture less those on a blank page.

    Source: Sundararajan, Taly, Yan 2017, "Axiomatic attribution for deep networks", equation 3.

    Args:
        model: a network of ours, from x (n, 28, 28, 1) to logits beside the fixed zero of "not a digit".
        image: uint8 (28, 28), ink bright.
        digit: the one explained.
        temperature: of the model, see `digitrec.calibration`.
        steps: on the way from blank to ink; with more of them the sum is more exact.

    Returns:
        float32 (28, 28), in log-odds; 0 where there is no ink.
    """
    x = np.asarray(image, np.float32)[None, :, :, None] / 255
    levels = ((np.arange(steps) + 0.5) / steps)[:, None, None, None]
    slope = _slope(model, (levels * x).astype(np.float32), np.full(steps, digit))
    return (slope.mean(axis=0) * x[0])[..., 0] / np.float32(temperature)


def attack(
    model: "keras.Model", x: NDArray[np.float32], labels: NDArray[np.integer], size: float
) -> NDArray[np.float32]:
    """Change every pixel a little, each in the direction that speaks most against the true digit: one step.

    Source: Goodfellow, Shlens, Szegedy 2015, "Explaining and harnessing adversarial examples", section 4 (FGSM).

    Args:
        model: as in `integrate_gradients`.
        x: float32 (n, 28, 28, 1) in 0-1.
        labels: int (n,), the true digits.
        size: by how much at most, in 0-1 of full ink.

    Returns:
        float32 (n, 28, 28, 1) in 0-1, no pixel further from x than `size`.
    """
    # The cross-entropy rises exactly where the log-odds fall, so that both have the same signs.
    return np.clip(x - np.float32(size) * np.sign(_slope(model, x, labels)), 0, 1)


def log_odds(logits: Any, labels: Any) -> Any:
    """Return log p / (1 - p) of each picture's digit, (n,); "not a digit", whose logit is 0, is among the others.

    Args:
        logits: (n, 10 or 11), an array or a tensor of Keras' backend.
        labels: int (n,).
    """
    ops = backend.keras.ops
    own = ops.one_hot(labels, logits.shape[1], dtype="float32")
    others = ops.concatenate([logits - 1e9 * own, ops.zeros_like(logits[:, :1])], axis=1)
    return ops.sum(own * logits, axis=1) - ops.logsumexp(others, axis=1)


def _slope(model: "keras.Model", x: NDArray[np.float32], labels: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return how fast the log-odds of each picture's digit rise with each of its pixels, the shape of x."""
    gradient, parts = _find_gradient(), []
    for i in range(0, len(x), _BATCH):
        digits = labels[i : i + _BATCH]

        def measure(part: Any, digits: NDArray[np.integer] = digits) -> Any:
            return log_odds(model(part, training=False), digits)

        parts.append(gradient(measure, x[i : i + _BATCH]))
    return np.concatenate(parts)


def _find_gradient() -> Callable[[Callable[[Any], Any], NDArray[np.float32]], NDArray[np.float32]]:
    """Return what takes a function's gradient; Keras itself has none that is the same on all its backends.

    Raises:
        RuntimeError: Keras runs on another backend than TensorFlow.
    """
    name = backend.keras.backend.backend()
    if name != "tensorflow":
        raise RuntimeError(f"gradients: expected Keras on TensorFlow, got {name}; set KERAS_BACKEND=tensorflow")
    import tensorflow as tf

    def gradient(function: Callable[[Any], Any], x: NDArray[np.float32]) -> NDArray[np.float32]:
        with tf.GradientTape() as tape:
            tensor = tf.constant(x)
            tape.watch(tensor)
            value = function(tensor)
        return tape.gradient(value, tensor).numpy()

    return gradient
