"""Keras definitions of the networks; each function returns an uncompiled model from x (n, 28, 28, 1) to ten logits."""

from digitrec.backend import keras
from digitrec.config import TrainConfig

layers = keras.layers


def build_cnn(config: TrainConfig) -> keras.Model:
    """Build the convolutional network: blocks of 3x3 convolution, batch normalisation and ReLU, each pooled 2x2.

    The ten logits are scores against "not a digit", whose own score is fixed at zero: a picture whose logits are
    all far below zero is none of the ten. Softmax over eleven classes is unchanged by subtracting one logit from
    all, so this loses nothing against an eleventh output and keeps the usual ten.

    Args:
        config: `filters` (one tuple per block), `dense` and `dropout`.

    Returns:
        An uncompiled model, float32 (n, 28, 28, 1) in 0-1 to float32 logits (n, 10).
    """
    inputs = h = keras.Input((28, 28, 1), name="x")
    for i, block in enumerate(config.filters):
        if i:
            h = layers.MaxPooling2D()(h)
        for filters in block:
            h = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(h)
            h = layers.BatchNormalization(momentum=0.9)(h)
            h = layers.ReLU()(h)
    h = layers.GlobalAveragePooling2D()(h)
    h = layers.Dense(config.dense, activation="relu", kernel_initializer="he_normal")(h)
    h = layers.Dropout(config.dropout)(h)
    # float32 whatever the precision: bfloat16 logits have three digits, too few for a loss or a calibration.
    logits = layers.Dense(10, dtype="float32", name="logits")(h)
    return keras.Model(inputs, logits, name="cnn")
