"""Figures of a training run: accuracy and loss by epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from digitrec.plots.findings import find_largest, join
from digitrec.plots.style import BLUE, ORANGE, start_figure, styled


@styled
def accuracy_curves(
    history: Mapping[str, Sequence[float]], chosen_epoch: int, varied_epochs: int | None = None
) -> Figure:
    """Show accuracy by epoch, as far from 100 % as the errors are many: logarithmically.

    Args:
        history: as `training.train` gives it.
        chosen_epoch: whose weights were kept, counted from 1.
        varied_epochs: how many epochs varied the pictures, as `config.varied_epochs`; the others are shaded.
    """
    training, validation = (100 * (1 - curve) for curve in _read_curves(history, "accuracy", chosen_epoch))
    best = [i + 1 for i in find_largest(-validation, 2)]
    title = _write_title("Validation accuracy peaks at", f"{100 - validation.min():.2f} %", best, chosen_epoch)
    if chosen_epoch not in best:
        title += f" with {100 - validation[chosen_epoch - 1]:.2f} %"
    figure, axes = _draw_curves(title, training, validation, chosen_epoch, varied_epochs)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda errors, _: f"{100 - errors:g}"))
    axes.invert_yaxis()
    axes.set_ylabel("accuracy, % (log of the errors)")
    return figure


@styled
def loss_curves(history: Mapping[str, Sequence[float]], chosen_epoch: int, varied_epochs: int | None = None) -> Figure:
    """Show loss by epoch on a logarithmic axis; the arguments are those of `accuracy_curves`."""
    training, validation = _read_curves(history, "loss", chosen_epoch)
    best = [i + 1 for i in find_largest(-validation, 3)]
    title = _write_title("Validation loss falls to", f"{validation.min():.3f}", best, chosen_epoch)
    figure, axes = _draw_curves(title, training, validation, chosen_epoch, varied_epochs)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("loss (log scale)")
    return figure


def _write_title(finding: str, value: str, best: list[int], chosen: int) -> str:
    """Name the best epochs, all that tie, and the chosen one where it is not the only best."""
    epochs = join(best, "epochs") if len(best) > 3 else f"epoch{'s' * (len(best) > 1)} {join(best)}"
    return f"{finding} {value} in {epochs}" + (", the chosen one" if best == [chosen] else f"; chosen: {chosen}")


def _read_curves(history: Mapping[str, Sequence[float]], name: str, chosen_epoch: int) -> tuple[NDArray, NDArray]:
    """Return the training and validation values of one quantity."""
    if missing := {name, "val_" + name} - set(history):
        raise ValueError(f"history: expected also {sorted(missing)}, got {sorted(history)}")
    training, validation = np.array(history[name]), np.array(history["val_" + name])
    if training.shape != validation.shape or not 1 <= chosen_epoch <= len(training):
        raise ValueError(
            "expected as many training as validation values, and 1 <= chosen_epoch <= epochs, "
            f"got {len(training)}, {len(validation)} and chosen_epoch={chosen_epoch}"
        )
    return training, validation


def _draw_curves(
    title: str, training: NDArray, validation: NDArray, chosen: int, varied_epochs: int | None
) -> tuple[Figure, Axes]:
    """Draw two curves of which less is better."""
    figure, axes = start_figure(title, 8, 4.4)
    epochs = np.arange(1, len(training) + 1)
    axes.plot(epochs, training, "D--", color=ORANGE, markersize=4, mfc="white", label="training, while learning")
    axes.plot(epochs, validation, "o-", color=BLUE, markersize=5, label="validation, after the epoch")
    ring = {"markersize": 12, "mfc": "none", "mec": "black", "mew": 1.8, "linestyle": ""}
    axes.plot(chosen, validation[chosen - 1], "o", **ring, label=f"chosen: epoch {chosen}")
    axes.set(xlabel="epoch", xlim=(0.5, len(epochs) + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(16, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    _mark_plain_epochs(axes, len(epochs), varied_epochs)
    _set_log_scale(axes, np.concatenate([training, validation]))
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=3)
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
    axes.set_yscale("log")
    if (values <= 0).any():
        axes.set_yscale("symlog", linthresh=low, linscale=0.3)
        low, ticks = -0.3 * low, np.append(0, ticks)
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator(ticks.tolist()))
    axes.yaxis.set_minor_locator(NullLocator())
