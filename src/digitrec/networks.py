"""Keras definitions of the networks; each function returns an uncompiled model from x (n, 28, 28, 1) to ten logits."""

from digitrec.backend import keras
from digitrec.config import TrainConfig

layers = keras.layers


def build_network(config: TrainConfig) -> keras.Model:
    """Build the network that `config.network` names.

    Raises:
        ValueError: it names none.
    """
    builders = {"cnn": build_cnn, "rnn": build_rnn}
    if config.network not in builders:
        raise ValueError(f"network: expected one of {', '.join(builders)}, got {config.network!r}")
    return builders[config.network](config)


def build_cnn(config: TrainConfig) -> keras.Model:
    """Build the convolutional network: blocks of 3x3 convolutions with ReLU, pooled 2x2 and batch-normalised.

    The ten logits are scores against "not a digit", whose own score is fixed at zero: a picture whose logits are
    all far below zero is none of the ten. Softmax over eleven classes is unchanged by subtracting one logit from
    all, so this loses nothing against an eleventh output and keeps the usual ten.

    Args:
        config: `filters` (one tuple per block), `batch_normalisation`, `dense` and `dropout`.

    Returns:
        An uncompiled model, float32 (n, 28, 28, 1) in 0-1 to float32 logits (n, 10).
    """
    inputs = h = keras.Input((28, 28, 1), name="x")
    for i, block in enumerate(config.filters):
        for j, filters in enumerate(block):
            ends_block = j == len(block) - 1
            # Once a block, and after pooling: after every convolution it would take two thirds of a training step.
            normalise = ends_block and config.batch_normalisation
            h = layers.Conv2D(filters, 3, padding="same", use_bias=not normalise, kernel_initializer="he_normal")(h)
            if ends_block and i < len(config.filters) - 1:
                h = layers.MaxPooling2D()(h)
            if normalise:
                h = layers.BatchNormalization(momentum=0.9)(h)
            h = layers.ReLU()(h)
    h = layers.GlobalAveragePooling2D()(h)
    return keras.Model(inputs, _add_head(h, config), name="cnn")


def build_rnn(config: TrainConfig) -> keras.Model:
    """Build the recurrent network: long short-term memory (Hochreiter and Schmidhuber 1997) reads the rows down and up.

    Args:
        config: `recurrent_units` (in each direction), `dense` and `dropout`.

    Returns:
        An uncompiled model, float32 (n, 28, 28, 1) in 0-1 to float32 logits (n, 10).
    """
    inputs = keras.Input((28, 28, 1), name="x")
    rows = layers.Reshape((28, 28))(inputs)
    # Unrolled, a step takes half the time to two thirds; in bfloat16 it would take longer.
    h = layers.Bidirectional(layers.LSTM(config.recurrent_units, unroll=True))(rows)
    return keras.Model(inputs, _add_head(h, config), name="rnn")


def _add_head(h: keras.KerasTensor, config: TrainConfig) -> keras.KerasTensor:
    """Add a dense layer with dropout and the ten logits."""
    h = layers.Dense(config.dense, activation="relu", kernel_initializer="he_normal")(h)
    h = layers.Dropout(config.dropout)(h)
    # float32 whatever the precision: bfloat16 logits have three digits, too few for a loss or a calibration.
    return layers.Dense(10, dtype="float32", name="logits")(h)
