"""The loop: any compiled network trained epoch by epoch, with a checkpoint, early stopping, and the best epoch kept."""

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from digitrec import backend
from digitrec.config import Settings
from digitrec.model_folder import ModelError
from digitrec.records import PathLike, write_bytes

if TYPE_CHECKING:
    import keras

Arrays = tuple[np.ndarray, np.ndarray]


class DivergedError(ArithmeticError):
    """The loss became NaN or infinite.

    >>> raise DivergedError("the loss became nan in epoch 1; try a lower learning rate")
    Traceback (most recent call last):
    digitrec.fitting.DivergedError: the loss became nan in epoch 1; try a lower learning rate
    """


class Batches(Protocol):
    """The batches of an epoch, x and y, each made when it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, batch: int, /) -> Arrays: ...


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

    def add(self, row: dict[str, float], weights: list[np.ndarray]) -> None:
        """Add an epoch, and keep its weights where none before read more of validation."""
        if row["val_accuracy"] >= max(self.history.get("val_accuracy", [0.0])):
            self.best_weights = weights
        for key, value in row.items():
            self.history.setdefault(key, []).append(float(value))


def fit(
    model: "keras.Model",
    batches: Callable[[int], Batches],
    validation: Arrays,
    epochs: int,
    patience: int,
    checkpoint: PathLike | None = None,
    notes: Mapping[str, Any] | None = None,
    resume: bool = False,
    report: Callable[[str], None] = print,
    after_epoch: Callable[[int, float], None] | None = None,
) -> tuple[list[np.ndarray], dict[str, list[float]]]:
    """Train any compiled network epoch by epoch, with a checkpoint and early stopping.

    Args:
        model: compiled, with one metric; it is left with the last epoch's weights.
        batches: given the number of an epoch, from 0, its batches of x and y; the same at every call.
        validation: x and y, never trained on.
        epochs: at most so many.
        patience: stop after so many without a lower validation loss.
        checkpoint, resume, report, after_epoch: see `train`.
        notes: by name, what a checkpoint has to agree with to go on from it, in JSON's types.

    Returns:
        The weights of the best epoch, the last of those that read most of validation; and the history.

    Raises:
        DivergedError, ModelError: as `train` does.
    """
    model.optimizer.build(model.trainable_variables)
    state = _State()
    if checkpoint is not None and Path(checkpoint).exists():
        if resume:
            state = _read_checkpoint(checkpoint, model, notes)
            report(f"resumed after epoch {state.epoch} of {epochs}")
        else:  # of a run that is not to be gone on with; it would be, if this one ended before its first epoch did
            Path(checkpoint).unlink()
    while state.epoch < epochs and state.epochs_without_gain < patience:
        row = _train_epoch(model, batches(state.epoch), validation)
        if not np.isfinite(row["loss"]):
            raise DivergedError(f"the loss became {row['loss']} in epoch {state.epoch + 1}; try a lower learning rate")
        state.add(row, model.get_weights())
        if checkpoint is not None:
            _write_checkpoint(checkpoint, model, notes, state)
        report(
            f"epoch {state.epoch:2d}/{epochs}  loss {row['loss']:.4f}  accuracy {row['accuracy']:.2%}  "
            f"validation {row['val_accuracy']:.2%}  {row['time_s']:.0f} s"
        )
        if after_epoch is not None:
            after_epoch(state.epoch, row["val_accuracy"])
    return state.best_weights, state.history


def note_settings(config: Settings) -> dict[str, Any]:
    """Return the settings that a checkpoint has to agree with: all but how long to train, which may be longer now."""
    return {name: value for name, value in config.to_json().items() if name not in ("epochs", "patience")}


def best_epoch(history: Mapping[str, Sequence[float]]) -> int:
    """Return the number, from 1, of the epoch whose weights were kept: the last of the best on validation."""
    accuracy = np.asarray(history["val_accuracy"])
    return int(np.flatnonzero(accuracy == accuracy.max())[-1]) + 1


def mix_weights(before: list[np.ndarray], after: list[np.ndarray], part: float) -> list[np.ndarray]:
    """Return the weights that lie a part, 0-1, of the way from one network's to another's of the same layers.

    >>> mix_weights([np.zeros(2)], [np.full(2, 8.0)], 0.25)
    [array([2., 2.])]
    """
    return [old + part * (new - old) for old, new in zip(before, after, strict=True)]


def _train_epoch(model: "keras.Model", epoch: Batches, validation: Arrays) -> dict[str, float]:
    """Train on each batch while a thread makes the next; return the row of the history.

    On TensorFlow without `fit` of Keras, which takes up to twice as long: of a PyDataset it waits for its own
    machinery, and given whole arrays it often leaves one of two cores idle. On JAX with it: step by step the network's
    state would be handed over and back at each, more than twice the time of a step on a GPU.
    """
    start = time.perf_counter()
    batches = _make_ahead(epoch)
    if backend.keras.backend.backend() == "jax":
        said = model.fit(batches, steps_per_epoch=len(epoch), shuffle=False, verbose=0).history
        loss = said.pop("loss")[0]
        accuracy = next(iter(said.values()))[0]  # the one metric
    else:
        loss, accuracy = np.mean([model.train_on_batch(*batch) for batch in batches], axis=0)
    val_loss, val_accuracy = model.evaluate(*validation, batch_size=1000, verbose=0)
    return {
        "accuracy": float(accuracy),
        "loss": float(loss),
        "val_accuracy": val_accuracy,
        "val_loss": val_loss,
        "learning_rate": float(backend.keras.ops.convert_to_numpy(model.optimizer.learning_rate)),
        "time_s": time.perf_counter() - start,
    }


def _make_ahead(epoch: Batches) -> Iterator[Arrays]:
    """Yield each batch while a thread makes the next."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(epoch.__getitem__, 0)
        for batch in range(1, len(epoch) + 1):
            made = coming.result()
            if batch < len(epoch):
                coming = thread.submit(epoch.__getitem__, batch)
            yield made


def _write_checkpoint(path: PathLike, model: "keras.Model", notes: Mapping[str, Any] | None, state: _State) -> None:
    """Save everything that the next epoch depends on."""
    kept = json.dumps({"notes": notes, "history": state.history})
    arrays = {f"variable_{i}": backend.keras.ops.convert_to_numpy(v) for i, v in enumerate(_variables(model))}
    arrays |= {f"best_{i}": value for i, value in enumerate(state.best_weights)}
    content = io.BytesIO()
    np.savez(content, notes=np.array(kept), **arrays)
    write_bytes(path, content.getvalue())


def _read_checkpoint(path: PathLike, model: "keras.Model", notes: Mapping[str, Any] | None) -> _State:
    """Put the saved variables into the model and return the saved state."""
    own, weights = _variables(model), model.get_weights()
    try:
        with np.load(path, allow_pickle=False) as saved:
            kept = json.loads(str(saved["notes"]))
            variables = [saved[f"variable_{i}"] for i in range(len(own))]
            best = [saved[f"best_{i}"] for i in range(len(weights))]
        found, history = dict(kept["notes"] or {}), {key: list(map(float, row)) for key, row in kept["history"].items()}
        if [value.shape for value in (*variables, *best)] != [tuple(value.shape) for value in (*own, *weights)]:
            raise ValueError("arrays of other shapes")
        if not history or len({len(row) for row in history.values()}) != 1:
            raise ValueError("a history of uneven length")
    except Exception as error:  # of zipfile, numpy and json, a dozen kinds
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path} is no checkpoint of this network ({reason}); delete it to start anew") from error
    expected = json.loads(json.dumps(notes)) or {}  # JSON knows no tuples
    if other := [name for name in {**expected, **found} if found.get(name) != expected.get(name)]:
        other_names = " and ".join(other)
        raise ModelError(f"{path} was written under other {other_names}; use the same, or delete it to start anew")
    for variable, value in zip(own, variables, strict=True):
        variable.assign(value)
    return _State(history, best)


def _variables(model: "keras.Model") -> "list[keras.Variable]":
    """Return weights, the states of random layers and the optimizer's variables, in a fixed order."""
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
