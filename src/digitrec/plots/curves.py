"""Figures of a training run: accuracy and loss by epoch."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from digitrec.fitting import best_epoch
from digitrec.model_folder import find_model, read_history
from digitrec.plots.findings import find_largest, join
from digitrec.plots.style import BLUE, ORANGE, add_legend, start_figure, styled


@styled
def accuracy_curves(history: Any, chosen_epoch: int | None = None, varied_epochs: int | None = None) -> Figure:
    """Show accuracy by epoch, as far from 100 % as the errors are many: logarithmically.

    Args:
        history: as `training.train` gives it, a History of Keras, or the name or path of a model folder.
        chosen_epoch: whose weights were kept, counted from 1; None takes the best epoch of what `train` did, the last
            of what Keras did.
        varied_epochs: how many epochs varied the pictures, as `config.varied_epochs`; the others are shaded.
    """
    training, validation, chosen = _read_curves(history, "accuracy", chosen_epoch)
    training, validation = 100 * (1 - training), None if validation is None else 100 * (1 - validation)
    judged, name = (training, "Training") if validation is None else (validation, "Validation")
    best = [i + 1 for i in find_largest(-judged, 2)]
    title = _write_title(f"{name} accuracy peaks at", f"{100 - judged.min():.2f} %", best, chosen)
    if chosen not in best:
        title += f" with {100 - judged[chosen - 1]:.2f} %"
    figure, axes = _draw_curves(title, training, validation, chosen, varied_epochs)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda errors, _: f"{100 - errors:g}"))
    axes.invert_yaxis()
    axes.set_ylabel("accuracy, % (log of the errors)")
    return figure


@styled
def loss_curves(history: Any, chosen_epoch: int | None = None, varied_epochs: int | None = None) -> Figure:
    """Show loss by epoch on a logarithmic axis; the arguments are those of `accuracy_curves`."""
    training, validation, chosen = _read_curves(history, "loss", chosen_epoch)
    judged, name = (training, "Training") if validation is None else (validation, "Validation")
    best = [i + 1 for i in find_largest(-judged, 3)]
    title = _write_title(f"{name} loss falls to", f"{judged.min():.3f}", best, chosen)
    figure, axes = _draw_curves(title, training, validation, chosen, varied_epochs)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("loss (log scale)")
    return figure


def _write_title(finding: str, value: str, best: list[int], chosen: int) -> str:
    """Name the best epochs, all that tie, and the chosen one where it is not the only best."""
    epochs = join(best, "epochs") if len(best) > 3 else f"epoch{'s' * (len(best) > 1)} {join(best)}"
    return f"{finding} {value} in {epochs}" + (", the chosen one" if best == [chosen] else f"; chosen: {chosen}")


def _read_curves(history: Any, name: str, chosen_epoch: int | None) -> tuple[NDArray, NDArray | None, int]:
    """Return the training values of one quantity, those of validation where there are any, and the chosen epoch."""
    values = _find_values(history)
    # Keras names an accuracy after the metric that was asked for: sparse_categorical_accuracy, acc.
    key = next((key for key in (name, "acc", *sorted(values)) if key in values and _names(key, name)), None)
    if key is None:
        raise ValueError(f"history: expected {name!r}, and val_{name}, among its names; got {sorted(values)}")
    training, judged = np.asarray(values[key], float), values.get("val_" + key)
    validation = None if judged is None else np.asarray(judged, float)
    epochs = len(training)
    if chosen_epoch is None:
        chosen_epoch = best_epoch(values) if {"val_accuracy", "time_s"} <= set(values) else epochs
    if (validation is not None and validation.shape != training.shape) or not 1 <= chosen_epoch <= epochs:
        raise ValueError(
            "expected as many training as validation values, and 1 <= chosen_epoch <= epochs, "
            f"got {epochs}, {0 if validation is None else len(validation)} and chosen_epoch={chosen_epoch}"
        )
    return training, validation, chosen_epoch


def _names(key: str, name: str) -> bool:
    """Tell whether a key of a history is that of a quantity on the training pictures."""
    return not key.startswith("val_") and key.endswith(name if name == "loss" else ("accuracy", "acc"))


def _find_values(history: Any) -> Mapping[str, Sequence[float]]:
    """Return the lists by name of a history, of what Keras' fit returned, or of a model folder."""
    if isinstance(history, str | PathLike):
        return read_history(find_model(history))
    values = getattr(history, "history", history)
    if not isinstance(values, Mapping):
        kind = type(history).__name__
        raise TypeError(f"history: expected a dictionary of lists, Keras' History or a model folder, got {kind}")
    return values


def _draw_curves(
    title: str, training: NDArray, validation: NDArray | None, chosen: int, varied_epochs: int | None
) -> tuple[Figure, Axes]:
    """Draw one curve or two, of which less is better."""
    figure, axes = start_figure(title, 8, 4.4)
    epochs = np.arange(1, len(training) + 1)
    axes.plot(epochs, training, "D--", color=ORANGE, markersize=4, mfc="white", label="training, while learning")
    if validation is not None:
        axes.plot(epochs, validation, "o-", color=BLUE, markersize=5, label="validation, after the epoch")
        ring = {"markersize": 12, "mfc": "none", "mec": "black", "mew": 1.8, "linestyle": ""}
        axes.plot(chosen, validation[chosen - 1], "o", **ring, label=f"chosen: epoch {chosen}")
    axes.set(xlabel="epoch", xlim=(0.5, len(epochs) + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(16, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    _mark_plain_epochs(axes, len(epochs), varied_epochs)
    _set_log_scale(axes, training if validation is None else np.concatenate([training, validation]))
    axes.grid(axis="y")
    add_legend(axes, ncols=3)
    return figure, axes


def _mark_plain_epochs(axes: Axes, epochs: int, varied: int | None) -> None:
    """Shade the last epochs, which left the training pictures as they are, and say so over the axes."""
    if varied is None:
        return
    varied = min(varied, epochs)
    look: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "fontsize": 10, "va": "bottom", "color": "#404040"}
    if varied:
        axes.text(0.5, 1.01, "training pictures varied", **look)
    if varied < epochs:
        axes.axvspan(varied + 0.5, epochs + 0.5, color="#EBEBEB", linewidth=0, zorder=0)
        axes.text(epochs + 0.5, 1.01, "as they are", ha="right", **look)


def _set_log_scale(axes: Axes, values: NDArray) -> None:
    """Give all values room on a logarithmic axis with three labels or more; 0, which has no logarithm, lies below."""
    positive = values[values > 0] if (values > 0).any() else np.ones(1)
    low, high = positive.min() / 1.25, positive.max() * 1.25
    ticks = np.multiply.outer(10.0 ** np.arange(-9, 4), (1, 2, 5)).ravel()
    if high / low < 10:
        ticks = MaxNLocator(10, steps=[1, 2, 5, 10]).tick_values(low, high)
    ticks = ticks[(ticks >= low) & (ticks <= high)]
    if (values > 0).all():
        axes.set_yscale("log")
    else:
        axes.set_yscale("symlog", linthresh=low, linscale=0.3)
        low, ticks = -0.3 * low, np.append(0, ticks)
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator(ticks.tolist()))
    axes.yaxis.set_minor_locator(NullLocator())
