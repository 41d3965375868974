"""Training: a configuration and MNIST in, a trained network and its history out."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitrec import backend
from digitrec.architectures import to_taught
from digitrec.augmentation import augment
from digitrec.calibration import NOT_A_DIGIT, SEVERAL_DIGITS
from digitrec.config import TrainConfig
from digitrec.fitting import fit, note_settings
from digitrec.networks import build_network
from digitrec.optimizers import build_muon
from digitrec.preprocessing.form import prepare
from digitrec.records import PathLike, hash_arrays
from digitrec.synthesis.sources import Arrays, make_pools

if TYPE_CHECKING:
    import keras


def train(
    config: TrainConfig,
    training: Arrays,
    validation: Arrays,
    checkpoint: PathLike | None = None,
    resume: bool = False,
    initial_weights: list[np.ndarray] | None = None,
    report: Callable[[str], None] = print,
    after_epoch: Callable[[int, float], None] | None = None,
    model: "keras.Model | None" = None,
) -> "tuple[keras.Model, dict[str, list[float]]]":
    """Train a network; the same configuration and data give the same weights on the same machine.

    An epoch is a function of the weights before it, the seed and its number, so a run that was killed and resumed
    sees the same batches as one that was not.

    Args:
        config: all settings.
        training: images uint8 (n, 28, 28) and labels int (n,).
        validation: the same, never trained on; decides early stopping and which epoch is kept.
        checkpoint: file written after every epoch (and so before Ctrl-C ends the run); None writes nothing.
        resume: go on from `checkpoint` where it exists, also for more epochs than it was meant for.
        initial_weights: weights to start from, as `keras.Model.get_weights` gives them; None draws them at random.
        report: called with one line of progress per epoch.
        after_epoch: called with the number of epochs done and the validation accuracy; may raise to end the training.
        model: a network of your own in place of the one that `config` describes, trained on from the weights that it
            has: Sequential or functional, from (n, 28, 28, 1) in 0-1 to ten logits or probabilities, or eleven, of
            which the last says "several digits". It is left with the weights of the best epoch.

    Returns:
        The float32 network with the weights of the best epoch, uncompiled; and the history: lists with a value
        per epoch under accuracy, loss (on what was trained on), val_accuracy, val_loss, learning_rate and time_s.
        Of a network of your own, a copy that ends in logits, as `save_model` and `Recognizer.from_keras` take it.

    Raises:
        DivergedError: the loss is no number.
        ValueError: fewer pictures than a batch, or a model of another form.
        ModelError: the checkpoint belongs to another configuration or other data, or is damaged.

    >>> from digitrec import load_split
    >>> training, validation, _ = load_split("digits", limit=200)
    >>> unmixed = {"drawn_digits": 0, "soiled_digits": 0, "strings": 0, "non_digits": 0}
    >>> config = TrainConfig(epochs=2, batch_size=64, filters=((4,), (8,)), **unmixed)
    >>> model, history = train(config, training, validation, report=lambda line: None)
    >>> model.output_shape, len(history["val_accuracy"])
    ((None, 11), 2)
    """
    network, notes = _choose_network(config, model, initial_weights)
    pools = make_pools(config, training)
    pictures = sum(len(labels) for _, labels in pools.values())
    if pictures < config.batch_size:
        raise ValueError(f"batch_size: expected at most the {pictures} pictures, got {config.batch_size}")
    _compile(network, config, steps=config.epochs * (pictures // config.batch_size))
    weights, history = fit(
        network,
        lambda epoch: _Epoch(pools, config, epoch),
        (prepare(validation[0]), validation[1]),
        epochs=config.epochs,
        patience=config.patience,
        checkpoint=checkpoint,
        notes={**notes, "data": hash_arrays(*training, *validation)},
        resume=resume,
        report=report,
        after_epoch=after_epoch,
    )
    if model is not None:
        model.set_weights(weights)
    # A twin in float32: a network built under mixed precision exports to an ONNX file that ONNX Runtime refuses.
    trained = build_network(config) if model is None else to_taught(network)
    trained.set_weights(weights)
    return trained, history


def _choose_network(
    config: TrainConfig, model: "keras.Model | None", initial_weights: list[np.ndarray] | None
) -> "tuple[keras.Model, dict[str, Any]]":
    """Return the network to train, and what a checkpoint of it has to agree with."""
    notes: dict[str, Any] = {"configuration": note_settings(config)}
    if model is None:
        return build_to_train(lambda: build_network(config), config.seed, config.precision, initial_weights), notes
    network = to_taught(model)
    if initial_weights is not None:
        network.set_weights(initial_weights)
    backend.keras.utils.set_random_seed(config.seed)
    return network, {**notes, "network": [list(weight.shape) for weight in network.weights]}


def build_to_train(
    build: "Callable[[], keras.Model]", seed: int, precision: str, initial_weights: list[np.ndarray] | None
) -> "keras.Model":
    """Build a network in the precision it trains in, from the seed or from given weights."""
    keras = backend.keras
    keras.utils.set_random_seed(seed)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(choose_precision(precision))
    try:
        model = build()
    finally:
        keras.config.set_dtype_policy(policy)
    if initial_weights is not None:
        model.set_weights(initial_weights)
    return model


def _compile(model: "keras.Model", config: TrainConfig, steps: int) -> None:
    keras, rate = backend.keras, choose_rate(config, steps)
    build = build_muon if config.optimizer == "muon" else keras.optimizers.AdamW
    model.compile(
        optimizer=build(rate, weight_decay=config.weight_decay),
        loss=digit_loss(config.label_smoothing),
        metrics=[digit_accuracy],
        # On TensorFlow's CPU backend XLA makes the step three times slower; JAX has nothing else.
        jit_compile=keras.backend.backend() != "tensorflow",
    )


def digit_loss(smoothing: float) -> Callable:
    """Return cross-entropy over the logits and the fixed zero logit of "not a digit" (label 10), labels smoothed."""
    ops = backend.keras.ops

    def loss(y_true, y_pred):
        y_pred, labels = _compete(y_true, y_pred)
        log_probabilities = ops.log_softmax(y_pred)
        classes = y_pred.shape[-1]
        target = ops.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
        return -ops.sum(target * log_probabilities, axis=-1)

    return loss


def digit_accuracy(y_true, y_pred):
    """Return per picture whether it was read right: a digit among the ten, all else by what is likeliest."""
    ops = backend.keras.ops
    competing, labels = _compete(y_true, y_pred)
    read = ops.where(labels < 10, ops.argmax(y_pred[:, :10], axis=-1), ops.argmax(competing, axis=-1))
    return ops.cast(ops.cast(read, "int32") == labels, "float32")


def _compete(y_true, y_pred):
    """Set the zero of "not a digit" among the logits, at its label's place; return them, and labels int32 (n,).

    To a network of ten logits a number of several digits is "not a digit", too.
    """
    ops = backend.keras.ops
    known = SEVERAL_DIGITS if y_pred.shape[-1] == 11 else NOT_A_DIGIT
    y_pred = ops.concatenate([y_pred[:, :10], ops.zeros_like(y_pred[:, :1]), y_pred[:, 10:]], axis=-1)
    return y_pred, ops.minimum(ops.cast(ops.reshape(y_true, (-1,)), "int32"), known)


def choose_rate(config: TrainConfig, steps: int) -> Any:
    """Return the learning rate that `config.schedule` asks for, over so many steps: a number or a Keras schedule.

    One-cycle rises to the peak over the first fifth of the steps, then falls along a cosine to a thousandth of it
    (Smith 2018).
    """
    if config.schedule == "constant":
        return config.learning_rate
    rise = max(1, steps // 5)
    return backend.keras.optimizers.schedules.CosineDecay(
        0.05 * config.learning_rate,
        decay_steps=max(1, steps - rise),
        alpha=0.001,
        warmup_target=config.learning_rate,
        warmup_steps=rise,
    )


def choose_precision(precision: str) -> str:
    """Return the Keras dtype policy for `precision`; "auto" takes bfloat16 where the processor multiplies in it.

    On a processor with avx512_bf16 or amx_bf16 an epoch takes half to two thirds of the time, on others more.
    """
    if precision != "auto":
        return precision
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:  # not Linux
        return "float32"
    return "mixed_bfloat16" if {"avx512_bf16", "amx_bf16"} & set(flags) else "float32"


class _Epoch:
    """One epoch in its order: a whole number of batches, each varied afresh when it is asked for."""

    def __init__(self, pools: dict[str, Arrays], config: TrainConfig, epoch: int) -> None:
        self.images = np.concatenate([images for images, _ in pools.values()])
        self.labels = np.concatenate([labels for _, labels in pools.values()]).astype(np.int32)
        self.order = np.random.default_rng((config.seed, 2, epoch)).permutation(len(self.labels))
        self.config = config
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.order) // self.config.batch_size

    def __getitem__(self, batch: int) -> Arrays:
        """Return x float32 (batch_size, 28, 28, 1) and labels; the same at every call."""
        size = self.config.batch_size
        chosen = self.order[batch * size : (batch + 1) * size]
        x = prepare(self.images[chosen])
        if self.epoch < self.config.varied_epochs:
            x = augment(x, self.config, np.random.default_rng((self.config.seed, 3, self.epoch, batch)))
        return x, self.labels[chosen]
