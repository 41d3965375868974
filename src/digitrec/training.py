"""The training loop: a configuration and MNIST in, a trained network and its history out."""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from digitrec.augmentation import augment
from digitrec.backend import keras
from digitrec.config import TrainConfig
from digitrec.networks import build_network
from digitrec.pools import NOT_A_DIGIT, Arrays, make_pools
from digitrec.preprocessing import prepare

ops = keras.ops


class DivergedError(ArithmeticError):
    """The loss became NaN or infinite."""


@dataclass
class _State:
    """All that the next epoch depends on, besides configuration and data."""

    history: dict[str, list[float]] = field(default_factory=dict)
    best_weights: list[np.ndarray] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        return len(self.history.get("val_accuracy", ()))

    @property
    def epochs_without_gain(self) -> int:
        """Return how long ago the validation loss was lowest.

        The loss and not the accuracy: by chance an early epoch may read two digits more than any after it, long before
        the schedule's last epochs, which gain most.
        """
        losses = self.history.get("val_loss", [0.0])
        return len(losses) - 1 - int(np.argmin(losses))


def train(
    config: TrainConfig,
    training: Arrays,
    validation: Arrays,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    initial_weights: list[np.ndarray] | None = None,
    report: Callable[[str], None] = print,
    after_epoch: Callable[[int, float], None] | None = None,
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Train a network; the same configuration and data give the same weights on the same machine.

    An epoch is a function of the weights before it, the seed and its number, so a run that was killed and resumed
    sees the same batches as one that was not.

    Args:
        config: all settings.
        training: images uint8 (n, 28, 28) and labels int (n,).
        validation: the same, never trained on; decides early stopping and which epoch is kept.
        checkpoint: file written after every epoch (and so before Ctrl-C ends the run); None writes nothing.
        resume: go on from `checkpoint` where it exists.
        initial_weights: weights to start from, as `keras.Model.get_weights` gives them; None draws them at random.
        report: called with one line of progress per epoch.
        after_epoch: called with the number of epochs done and the validation accuracy; may raise to end the training.

    Returns:
        The float32 network with the weights of the best epoch, uncompiled; and the history: lists with a value
        per epoch under accuracy, loss (on augmented images), val_accuracy, val_loss, learning_rate and time_s.

    Raises:
        DivergedError: the loss is no number.
        ValueError: fewer pictures than a batch; or the checkpoint belongs to another configuration or is damaged.
    """
    keras.utils.set_random_seed(config.seed)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(choose_precision(config.precision))
    try:
        model = build_network(config)
    finally:
        keras.config.set_dtype_policy(policy)
    if initial_weights is not None:
        model.set_weights(initial_weights)
    pools = make_pools(config, training)
    pictures = sum(len(labels) for _, labels in pools.values())
    if pictures < config.batch_size:
        raise ValueError(f"batch_size: expected at most the {pictures} pictures, got {config.batch_size}")
    model.compile(
        optimizer=keras.optimizers.AdamW(choose_rate(config, pictures), weight_decay=config.weight_decay),
        loss=DigitLoss(config.label_smoothing),
        metrics=[digit_accuracy],
        # On TensorFlow's CPU backend XLA makes the step three times slower; JAX has nothing else.
        jit_compile=keras.backend.backend() != "tensorflow",
    )
    model.optimizer.build(model.trainable_variables)
    state = _State()
    if resume and checkpoint is not None and Path(checkpoint).exists():
        state = _read_checkpoint(checkpoint, model, config)
        report(f"resumed after epoch {state.epoch} of {config.epochs}")
    x_validation, y_validation = prepare(validation[0]), validation[1]
    while state.epoch < config.epochs and state.epochs_without_gain < config.patience:
        start = time.perf_counter()
        logs = _train_epoch(model, _Epoch(pools, config, state.epoch))
        loss, accuracy = logs["loss"], logs["digit_accuracy"]
        if not np.isfinite(loss):
            raise DivergedError(
                f"the loss became {loss} in epoch {state.epoch + 1}; try a learning rate below {config.learning_rate}"
            )
        val_loss, val_accuracy = model.evaluate(x_validation, y_validation, batch_size=1000, verbose=0)
        row = {
            "accuracy": accuracy,
            "loss": loss,
            "val_accuracy": val_accuracy,
            "val_loss": val_loss,
            "learning_rate": float(ops.convert_to_numpy(model.optimizer.learning_rate)),
            "time_s": time.perf_counter() - start,
        }
        if val_accuracy >= max(state.history.get("val_accuracy", [0.0])):
            state.best_weights = model.get_weights()
        for key, value in row.items():
            state.history.setdefault(key, []).append(float(value))
        if checkpoint is not None:
            _write_checkpoint(checkpoint, model, config, state)
        report(
            f"epoch {state.epoch:2d}/{config.epochs}  loss {loss:.4f}  accuracy {accuracy:.2%}  "
            f"validation {val_accuracy:.2%}  {row['time_s']:.0f} s"
        )
        if after_epoch is not None:
            after_epoch(state.epoch, val_accuracy)
    # A twin in float32: a network built under mixed precision exports to an ONNX file that ONNX Runtime refuses.
    trained = build_network(config)
    trained.set_weights(state.best_weights)
    return trained, state.history


class DigitLoss(keras.losses.Loss):
    """Cross-entropy over ten logits and the fixed zero logit of "not a digit" (label 10), with label smoothing."""

    def __init__(self, smoothing: float) -> None:
        super().__init__(name="digit_loss")
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        y_pred = ops.pad(y_pred, ((0, 0), (0, 1)))
        log_probabilities = ops.log_softmax(y_pred)
        target = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), 11)
        target = target * (1 - self.smoothing) + self.smoothing / 11
        return -ops.sum(target * log_probabilities, axis=-1)


def digit_accuracy(y_true, y_pred):
    """Return per picture whether it was read right: a digit by its largest logit, a non-digit by none above zero."""
    y_true = ops.cast(ops.reshape(y_true, (-1,)), "int32")
    read = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
    right = ops.where(y_true == NOT_A_DIGIT, ops.max(y_pred, axis=-1) < 0, read == y_true)
    return ops.cast(right, "float32")


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Rise to the peak over the first fifth of the steps, then fall along a cosine to a thousandth (Smith 2018)."""

    def __init__(self, peak: float, steps: int) -> None:
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        progress = ops.cast(step, "float32") / self.steps
        rise = 0.05 + 0.95 * progress / 0.2
        fall = 0.001 + 0.999 * 0.5 * (1 + ops.cos(np.pi * (progress - 0.2) / 0.8))
        return self.peak * ops.where(progress < 0.2, rise, fall)

    def get_config(self) -> dict[str, float]:
        return {"peak": self.peak, "steps": self.steps}


def choose_rate(config: TrainConfig, pictures: int) -> "OneCycle | float":
    """Return the learning rate that `config.schedule` asks for, over all epochs of so many pictures each.

    Raises:
        ValueError: no such schedule.
    """
    if config.schedule == "constant":
        return config.learning_rate
    if config.schedule != "one-cycle":
        raise ValueError(f"schedule: expected one-cycle or constant, got {config.schedule!r}")
    return OneCycle(config.learning_rate, config.epochs * (pictures // config.batch_size))


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
        self.labels = np.concatenate([labels for _, labels in pools.values()])
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
        if self.epoch < self.config.epochs - self.config.plain_epochs:
            x = augment(x, self.config, np.random.default_rng((self.config.seed, 3, self.epoch, batch)))
        return x, self.labels[chosen]


def _train_epoch(model: keras.Model, epoch: _Epoch) -> dict[str, float]:
    """Train on each batch while a thread varies the next; return the means of loss and accuracy.

    Without `fit`, which on TensorFlow takes up to twice as long: of a PyDataset it waits for its own machinery, and
    given whole arrays it often leaves one of two cores idle.
    """
    logs = []
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(epoch.__getitem__, 0)
        for batch in range(1, len(epoch) + 1):
            x, labels = coming.result()
            if batch < len(epoch):
                coming = thread.submit(epoch.__getitem__, batch)
            logs.append(model.train_on_batch(x, labels, return_dict=True))
    return {name: float(np.mean([batch[name] for batch in logs])) for name in logs[0]}


def _write_checkpoint(path: str | os.PathLike[str], model: keras.Model, config: TrainConfig, state: _State) -> None:
    """Save everything that the next epoch depends on, beside the old file and then in its place."""
    notes = {"config": config.to_json(), "history": state.history}
    arrays = {f"variable_{i}": ops.convert_to_numpy(v) for i, v in enumerate(_variables(model))}
    arrays |= {f"best_{i}": value for i, value in enumerate(state.best_weights)}
    beside = Path(path).with_name(Path(path).name + ".part")
    beside.parent.mkdir(parents=True, exist_ok=True)
    with beside.open("wb") as file:
        np.savez(file, notes=np.array(json.dumps(notes)), **arrays)
    os.replace(beside, path)


def _read_checkpoint(path: str | os.PathLike[str], model: keras.Model, config: TrainConfig) -> _State:
    """Put the saved variables into the model and return the saved state."""
    try:
        with np.load(path, allow_pickle=False) as saved:
            notes = json.loads(str(saved["notes"]))
            variables = [saved[f"variable_{i}"] for i in range(len(_variables(model)))]
            best = [saved[f"best_{i}"] for i in range(len(model.get_weights()))]
    except Exception as error:
        raise ValueError(f"{path} is no checkpoint of this network ({error}); delete it to start anew") from error
    if TrainConfig.from_json(notes["config"]) != config:
        raise ValueError(f"{path} was written under another configuration; delete it or use that configuration")
    for variable, value in zip(_variables(model), variables, strict=True):
        variable.assign(value)
    return _State(notes["history"], best)


def _variables(model: keras.Model) -> list[keras.Variable]:
    """Return weights, the states of random layers and the optimizer's variables, in a fixed order."""
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
