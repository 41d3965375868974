"""The network of numbers: fully convolutional, from a strip of any width to a distribution for every second column."""

from typing import TYPE_CHECKING, Any

from digitrec import backend
from digitrec.numbers.config import NumberConfig
from digitrec.numbers.lines import HEIGHT
from digitrec.numbers.targets import CLASSES

if TYPE_CHECKING:
    import keras


def build_network(config: NumberConfig) -> "keras.Model":
    """Build the network: blocks of convolutions that halve the height, then convolutions along the line.

    The first block halves the width, too: a frame is two columns wide, so that between the digits of a narrow "11"
    there is still one to say so. No recurrence: what a frame shows is decided by what stands around it, not by strings
    that were seen in training.

    Args:
        config: `filters`, `context` and `dropout`.

    Returns:
        An uncompiled model, float32 (n, 32, w, 1) in 0-1, w divisible by 4, to float32 logits (n, w / 2, CLASSES).

    Raises:
        ValueError: blocks that halve the height more than five times.
    """
    *blocks, along = config.filters
    left = HEIGHT >> len(blocks)
    if not left:
        raise ValueError(f"filters: expected at most 6 blocks, got {len(config.filters)}")
    keras, layers = backend.keras, backend.keras.layers
    inputs = h = keras.Input((HEIGHT, None, 1), name="x")
    for i, block in enumerate(blocks):
        for j, filters in enumerate(block):
            pool = (1 if i else 2,) if j == len(block) - 1 else None
            h = _convolve(h, filters, 3 if i or j else 5, (2, *pool) if pool else None)
    for j, filters in enumerate(along):
        if j == 0:  # all rows to one
            h = layers.ZeroPadding2D(((0, 0), (1, 1)))(h)
            h = _convolve(h, filters, (left, 3), padding="valid")
        else:
            more = _convolve(h, filters, (1, 5))
            h = layers.Add()([h, more]) if h.shape[-1] == filters else more
    h = _add_context(h, config.context)
    h = layers.Reshape((-1, along[-1]))(h)
    h = layers.Dropout(config.dropout)(h)
    # float32 whatever the precision: bfloat16 logits have three digits, too few for a loss or a calibration.
    return keras.Model(inputs, layers.Dense(CLASSES, dtype="float32", name="logits")(h), name="numbers")


def _add_context(h: Any, convolutions: int) -> Any:
    """Add what convolutions at half the resolution see: each of them twice as far, for half the time."""
    layers = backend.keras.layers
    if not convolutions:
        return h
    far = layers.MaxPooling2D((1, 2))(h)
    for _ in range(convolutions):
        far = layers.Add()([far, _convolve(far, far.shape[-1], (1, 5))])
    return layers.Add()([h, layers.UpSampling2D((1, 2))(far)])


def _convolve(h: Any, filters: int, size: Any, pool: Any = None, padding: str = "same") -> Any:
    """Add a convolution, its pooling, its normalisation and its ReLU."""
    layers = backend.keras.layers
    h = layers.Conv2D(
        filters,
        size,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
    )(h)
    if pool:
        h = layers.MaxPooling2D(pool)(h)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(h))
