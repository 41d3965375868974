"""The network of numbers: fully convolutional, from a strip of any width to a distribution for every second column."""

from typing import TYPE_CHECKING, Any

from digitrec import backend
from digitrec.numbers.config import NumberConfig
from digitrec.numbers.lines import HEIGHT
from digitrec.numbers.targets import CLASSES

if TYPE_CHECKING:
    import keras

_NORM = "_norm"  # after a convolution's name: its normalisation's
_BEGINS = 0.1  # what a layer that a network grows by is worth at first


def build_network(config: NumberConfig) -> "keras.Model":
    """Build the network: blocks of convolutions that halve the height, then convolutions along the line.

    The first block halves the width, too: a frame is two columns wide, so that between the digits of a narrow "11"
    there is still one to say so. What is neither first nor last in its block adds to what it sees. No recurrence: what
    a frame shows is decided by what stands around it, not by strings that were seen in training.

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
            is_last = j == len(block) - 1
            pool = (2, 1 if i else 2) if is_last else None
            more = _convolve(h, f"block_{i}_{'last' if is_last else j}", filters, 3 if i or j else 5, pool)
            h = layers.Add()([h, more]) if j and not is_last and h.shape[-1] == filters else more
    for j, filters in enumerate(along):
        if j == 0:  # all rows to one
            h = layers.ZeroPadding2D(((0, 0), (1, 1)))(h)
            h = _convolve(h, "along_0", filters, (left, 3), padding="valid")
        else:
            more = _convolve(h, f"along_{j}", filters, (1, 5))
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
    for j in range(convolutions):
        far = layers.Add()([far, _convolve(far, f"far_{j}", far.shape[-1], (1, 5))])
    return layers.Add()([h, layers.UpSampling2D((1, 2))(far)])


def _convolve(h: Any, name: str, filters: int, size: Any, pool: Any = None, padding: str = "same") -> Any:
    """Add a convolution, its pooling, its normalisation and its ReLU."""
    layers = backend.keras.layers
    h = layers.Conv2D(
        filters,
        size,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(h)
    if pool:
        h = layers.MaxPooling2D(pool)(h)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95, name=f"{name}{_NORM}")(h))


def grow_network(base: "keras.Model", config: NumberConfig) -> "keras.Model":
    """Build a network that begins as a smaller one: its layers, and more of them that hardly add anything yet.

    After Net2Net (Chen, Goodfellow and Shlens 2016), for whose layers that change nothing stand such as add little.

    Args:
        base: a network of `build_network`.
        config: its settings, or more convolutions: within a block, along the line, or in the context.

    Returns:
        An uncompiled model.

    Raises:
        ValueError: a layer of the base has no place in it.
    """
    backend.keras.utils.set_random_seed(config.seed)
    network = build_network(config)
    theirs = {layer.name: layer.get_weights() for layer in base.layers if layer.weights}
    for layer in network.layers:
        if layer.name in theirs:
            layer.set_weights(theirs.pop(layer.name))
        elif layer.name.endswith(_NORM):
            layer.gamma.assign(_BEGINS * layer.gamma)
    if theirs:
        raise ValueError(f"filters: expected a place for each layer of the base, got none for {', '.join(theirs)}")
    return network
