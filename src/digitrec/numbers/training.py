"""Training of the network of numbers: a configuration and digits in, a trained network and its history out."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitrec import backend
from digitrec.fitting import fit, note_settings
from digitrec.numbers.config import NumberConfig
from digitrec.numbers.losses import accuracy, number_loss
from digitrec.numbers.network import build_network
from digitrec.numbers.pools import Pools
from digitrec.numbers.targets import encode_targets
from digitrec.numbers.variation import vary
from digitrec.optimizers import build_muon
from digitrec.records import PathLike, hash_arrays
from digitrec.synthesis.numbers import Strips
from digitrec.synthesis.sources import Arrays
from digitrec.training import build_to_train

if TYPE_CHECKING:
    import keras

_NEAR = 12  # columns that the strips of a batch may differ by


def train(
    config: NumberConfig,
    training: Arrays,
    validation: Strips,
    checkpoint: PathLike | None = None,
    resume: bool = False,
    initial_weights: list[np.ndarray] | None = None,
    report: Callable[[str], None] = print,
) -> "tuple[keras.Model, dict[str, list[float]]]":
    """Train a network of numbers; the same configuration and data give the same weights on the same machine.

    Args:
        config: all settings.
        training: images uint8 (n, 28, 28) and labels int (n,) of digits, of which numbers are composed.
        validation: strips composed of other digits; they decide which epoch is kept.
        checkpoint: file written after every epoch (and so before Ctrl-C ends the run); None writes nothing.
        resume: go on from `checkpoint` where it exists.
        initial_weights: weights to start from, as `keras.Model.get_weights` gives them; None draws them at random.
        report: called with one line of progress per epoch.

    Returns:
        The float32 network with the weights of the best epoch, uncompiled; and the history: lists with a value per
        epoch under accuracy (strips read exactly), loss, val_accuracy, val_loss, learning_rate and time_s.

    Raises:
        DivergedError: the loss is no number.
        ValueError: fewer strips than a batch.
        ModelError: the checkpoint belongs to another configuration or other data, or is damaged.
    """
    if config.strips < config.batch_size:
        raise ValueError(f"batch_size: expected at most the {config.strips} strips, got {config.batch_size}")
    notes = {"configuration": note_settings(config), "data": hash_arrays(*training, validation.images)}
    if initial_weights is not None:
        notes["start"] = hash_arrays(*initial_weights)
    with Pools(training, config.strips, config.kept_epochs, config.seed, config.epochs) as pools:
        model = compile_network(config, sum(map(config.count_steps, range(config.epochs))), initial_weights)
        weights, history = fit(
            model,
            lambda epoch: Epoch(pools[epoch], config, epoch),
            encode_validation(validation),
            epochs=config.epochs,
            patience=config.epochs,
            checkpoint=checkpoint,
            notes=notes,
            resume=resume,
            report=report,
        )
    # A twin in float32: a network built under mixed precision exports to an ONNX file that ONNX Runtime refuses.
    trained = build_network(config)
    trained.set_weights(weights)
    return trained, history


def compile_network(config: NumberConfig, steps: int, weights: list[np.ndarray] | None = None) -> "keras.Model":
    """Build the network in the precision it trains in, from the seed or from given weights, ready for so many steps.

    The learning rate rises to its peak over the first tenth of the steps, then falls along a cosine.
    """
    model = build_to_train(lambda: build_network(config), config.seed, config.precision, weights)
    rise = max(1, steps // 10)
    rate = backend.keras.optimizers.schedules.CosineDecay(
        0.05 * config.learning_rate,
        decay_steps=max(1, steps - rise),
        alpha=0.001,
        warmup_target=config.learning_rate,
        warmup_steps=rise,
    )
    model.compile(
        optimizer=build_muon(rate, weight_decay=config.weight_decay),
        loss=number_loss,
        metrics=[accuracy],
        jit_compile=False,  # each width would be compiled anew
    )
    return model


def to_input(strips: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Bring strips, uint8 (n, 32, w), into the form that the network takes: float32 (n, 32, w, 1) in 0-1."""
    return strips[..., None].astype(np.float32) / np.float32(255)


def encode_validation(strips: Strips) -> Arrays:
    """Return x and y of strips as they are."""
    columns = round_up(int(strips.widths.max()))
    x = to_input(strips.images[:, :, :columns])
    return x, encode_targets(strips.texts, strips.widths, strips.spans, columns, 0.5)


def round_up(width: int) -> int:
    """Return the least multiple of 4 that is no less than a width."""
    return -(-width // 4) * 4


class Epoch:
    """One epoch in its order: batches of strips about equally wide, each varied afresh when it is asked for."""

    def __init__(self, strips: Strips, config: NumberConfig, epoch: int) -> None:
        rng = np.random.default_rng((config.seed, 2, epoch))
        self.strips, self.config, self.epoch = strips, config, epoch
        # By width, roughly: what is padded costs as much as what is not.
        order = np.argsort(strips.widths + rng.uniform(0, _NEAR, len(strips.widths)))
        first = int(rng.integers(len(order) % config.batch_size + 1))
        whole = order[first : first + len(order) // config.batch_size * config.batch_size]
        self.batches = rng.permutation(whole.reshape(-1, config.batch_size))

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, batch: int) -> Arrays:
        """Return x float32 (batch_size, 32, w, 1) and packed targets; the same at every call."""
        config, chosen = self.config, self.batches[batch]
        rng = np.random.default_rng((config.seed, 3, self.epoch, batch))
        images, widths, texts, spans = self.strips
        widths, spans = widths[chosen], spans[chosen]
        columns = min(round_up(int(widths.max() * (1 + config.stretch / 2))), images.shape[2])
        x, widths, spans = vary(images[chosen][:, :, : widths.max()], spans, widths, columns, config, rng)
        mix = config.connectionist if self.epoch >= config.frame_epochs * config.epochs else 0.0
        return x[..., None], encode_targets([texts[i] for i in chosen], widths, spans, columns, mix)
