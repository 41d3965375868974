"""Figures of how well a network does: curves, confusion, calibration, comparison."""

from collections.abc import Mapping, Sequence

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import ArrayLike, NDArray

from digitrec.evaluation import auroc
from digitrec.plots.style import BLUE, DIGITS, GREY, ORANGE, check_length, start_figure, styled


@styled
def accuracy_curves(history: Mapping[str, Sequence[float]], chosen_epoch: int) -> Figure:
    """Show accuracy by epoch, zoomed, with the chosen epoch (counted from 1) marked."""
    training, validation = (100 * c for c in _read_curves(history, "accuracy", chosen_epoch))
    chosen, best = validation[chosen_epoch - 1], validation.max()
    title = f"Validation accuracy: {chosen:.2f} % at the chosen epoch {chosen_epoch}"
    title += f" (highest: {best:.2f} %)" if best > chosen else ""
    figure, axes = _draw_curves(title, training, validation, chosen_epoch)
    # The first epochs would squeeze all that matters into the top of the axis.
    floor = np.quantile([training, validation], 0.1)
    axes.set(ylabel="accuracy, % (zoomed axis)", ylim=(floor - 0.05 * (100.01 - floor), 100))
    axes.legend(loc="lower right")
    return figure


@styled
def loss_curves(history: Mapping[str, Sequence[float]], chosen_epoch: int) -> Figure:
    """Show loss by epoch on a logarithmic axis, with the chosen epoch (counted from 1) marked."""
    training, validation = _read_curves(history, "loss", chosen_epoch)
    lowest = int(validation.argmin()) + 1
    title = f"Validation loss is lowest, {validation.min():.3f}, at epoch {lowest}"
    title += f"; chosen: {chosen_epoch}" if lowest != chosen_epoch else ", the chosen one"
    figure, axes = _draw_curves(title, training, validation, chosen_epoch)
    axes.set_yscale("log", subs=())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("loss (log scale)")
    axes.legend(loc="upper right")
    return figure


def _read_curves(history, name: str, chosen_epoch: int) -> tuple[NDArray, NDArray]:
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


def _draw_curves(title: str, training: NDArray, validation: NDArray, chosen_epoch: int):
    figure, axes = start_figure(title, 8, 4.2)
    epochs = np.arange(1, len(training) + 1)
    axes.plot(epochs, training, "--", color=ORANGE, label="training (on augmented images)")
    axes.plot(epochs, validation, "o-", markersize=4, color=BLUE, label="validation (as they are)")
    axes.axvline(chosen_epoch, color=GREY, linewidth=1, linestyle=":")
    axes.plot(chosen_epoch, validation[chosen_epoch - 1], "s", markersize=9, color="black")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.grid(axis="y")
    axes.set_xlabel("epoch")
    return figure, axes


@styled
def confusion_counts(matrix: ArrayLike) -> Figure:
    """Show how many pictures of each digit (row) were read as each (column); diagonal in grey."""
    counts = _check_matrix(matrix)
    errors = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    truth, guess = np.unravel_index(errors.argmax(), errors.shape)
    title = f"{errors.sum():,} errors in {counts.sum():,}"
    if errors.any():
        title += f"; {errors.max()} of them: {truth} read as {guess}"
    return _draw_confusion(counts, title, "pictures", ",.0f")


@styled
def confusion_rates(matrix: ArrayLike) -> Figure:
    """Show the same in % of each row: what becomes of every hundred pictures of a digit."""
    counts = _check_matrix(matrix)
    rates = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    missed = np.where(counts.sum(axis=1) > 0, 100 - rates.diagonal(), 0)
    title = "No digit is ever missed"
    if missed.any():
        title = f"The {missed.argmax()} is missed most often: {missed.max():.1f} % of its pictures"
    return _draw_confusion(rates, title, "% of the row", ".1f")


def _check_matrix(matrix: ArrayLike) -> NDArray:
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.min() < 0:
        raise ValueError(f"matrix: expected counts (classes, classes), got shape {counts.shape}")
    return counts


def _draw_confusion(values: NDArray, title: str, unit: str, form: str) -> Figure:
    figure, axes = start_figure(title, 6, 6.2)
    errors = np.where(np.eye(len(values), dtype=bool), 0, values)
    scale = {"cmap": "Blues", "vmin": 0, "vmax": errors.max() or 1, "cbar": False}
    cells = {"annot": True, "fmt": form, "linewidths": 1, "linecolor": "#F4F4F4", "square": True}
    sns.heatmap(errors, mask=errors == 0, ax=axes, **scale, **cells)
    for digit in range(len(values)):
        axes.add_patch(Rectangle((digit, digit), 1, 1, color="#ECECEC"))
        text = format(values[digit, digit], form)
        axes.text(digit + 0.5, digit + 0.5, text, ha="center", va="center", color="#606060")
    axes.set(xlabel=f"read as\n(cells: {unit}; grey: read right)", ylabel="true digit")
    axes.tick_params(length=0, rotation=0)
    return figure


@styled
def precision_recall_bars(per_class: Mapping[str, ArrayLike]) -> Figure:
    """Show precision and recall of each digit, in %.

    Dots and the line between them: a bar on an axis that does not begin at 0 would mislead.

    Args:
        per_class: with `precision` and `recall`, each (10,), as `evaluation.evaluate` gives it.
    """
    if missing := {"precision", "recall"} - set(per_class):
        raise ValueError(f"per_class: expected also {sorted(missing)}, got {sorted(per_class)}")
    values = {k: 100 * check_length(per_class[k], 10, k) for k in ("recall", "precision")}
    weakest = min(values, key=lambda name: values[name].min())
    title = f"Weakest point: {weakest} of the {values[weakest].argmin()}, "
    figure, axes = start_figure(title + f"{values[weakest].min():.1f} %", 8, 4.2)
    axes.vlines(DIGITS, *values.values(), color=GREY, linewidth=1)
    # Of two sizes, so that both are seen where they coincide.
    look = {"color": BLUE, "markersize": 11, "label": "precision: of those read so"}
    axes.plot(DIGITS, values["precision"], "o", **look)
    look = {"color": ORANGE, "markersize": 7, "mec": "white", "label": "recall: of those there"}
    axes.plot(DIGITS, values["recall"], "D", **look)
    axes.set(xlabel="digit", ylabel="right, % (zoomed axis)", xticks=DIGITS)
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


@styled
def reliability_diagram(confidence: ArrayLike, accuracy: ArrayLike, count: ArrayLike, ece: float) -> Figure:
    """Show accuracy against confidence by bin, and how many pictures each bin holds.

    Args:
        confidence: mean of each bin in 0-1, NaN where empty, as `evaluation.reliability_bins`.
        accuracy: of each bin, likewise.
        count: pictures in each bin.
        ece: expected calibration error, 0-1.
    """
    count = np.asarray(count)
    mean = 100 * check_length(confidence, len(count), "confidence")
    right = 100 * check_length(accuracy, len(count), "accuracy")
    title = f"Confidence is off by {100 * ece:.2f} points on average"
    figure, (upper, lower) = start_figure(title, 6, 6.2, 2, sharex=True, height_ratios=[3, 1])
    upper.plot([0, 100], [0, 100], color=GREY, linewidth=1, linestyle="--", label="perfect")
    many = count >= 20
    upper.plot(mean[many], right[many], "o-", color=BLUE, label="20 pictures or more")
    few = ~many & (count > 0)
    upper.plot(mean[few], right[few], "o", color=BLUE, mfc="white", label="fewer: mostly chance")
    upper.set(ylabel="accuracy, %", ylim=(-3, 103))
    upper.legend(loc="lower right")
    edges = np.linspace(0, 100, len(count) + 1)
    lower.bar(edges[:-1], count, np.diff(edges), align="edge", color=BLUE, edgecolor="white")
    lower.set_yscale("log")
    lower.set(xlabel="confidence, %", ylabel="pictures (log)", xlim=(0, 103), ylim=(0.5, None))
    return figure


@styled
def risk_coverage(coverage: ArrayLike, risk: ArrayLike) -> Figure:
    """Show the error rate among answered pictures as the least sure ones are declined.

    Args:
        coverage: share answered, rising to 1, as `evaluation.risk_coverage` gives it.
        risk: share of the answered that is wrong.
    """
    answered = 100 * np.asarray(coverage)
    wrong = 100 * check_length(risk, len(answered), "risk")
    half = np.flatnonzero(wrong <= wrong[-1] / 2)
    at = half[-1] if len(half) else wrong.argmin()
    cut = f"cuts errors from {wrong[-1]:.2f} to {wrong[at]:.2f} %"
    title = f"Declining the least sure {100 - answered[at]:.1f} % {cut}"
    if not wrong[-1]:
        title = "Not one error, even when every picture is answered"
    figure, axes = start_figure(title, 8, 4.2)
    axes.plot(answered, wrong, color=BLUE)
    for i in {at, len(wrong) - 1}:
        axes.plot(answered[i], wrong[i], "o", color="black", clip_on=False)
        axes.annotate(f"{wrong[i]:.2f} %  ", (answered[i], wrong[i]), ha="right", va="bottom")
    # What happens among the surest pictures is chance, and a good model's curve is 0 there.
    axes.set_xlim(max(0, 100 - 4 * max(0.25, 100 - answered[at])), 100)
    axes.set_ylim(bottom=0)
    axes.set(xlabel="pictures answered, % (zoomed axis)", ylabel="of those wrong, %")
    axes.grid(axis="y")
    return figure


@styled
def bars_per_set(names: Sequence[str], usual: ArrayLike, ours: ArrayLike) -> Figure:
    """Show accuracy (0-1) on each set of pictures: a usual recipe against ours."""
    before = 100 * check_length(usual, len(names), "usual")
    after = 100 * check_length(ours, len(names), "ours")
    most = int((after - before).argmax())
    gain = f"most gained: {names[most]}, {before[most]:.0f} → {after[most]:.0f} %"
    title = f"Ours reads more in {(after > before).sum()} of {len(names)} sets; {gain}"
    figure, axes = start_figure(title, 9, 0.62 * len(names) + 1.6)
    places = np.arange(len(names))
    for bars in (
        axes.barh(places - 0.2, before, 0.38, color="#BDBDBD", label="usual"),
        axes.barh(places + 0.2, after, 0.38, color=BLUE, label="ours"),
    ):
        axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=10)
    axes.set(xlabel="accuracy, %", yticks=places, yticklabels=names, xlim=(0, 108))
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


@styled
def score_histograms(digit_scores: ArrayLike, other_scores: ArrayLike, threshold: float) -> Figure:
    """Show how surely digits, and pictures that are none, pass for digits, and what the threshold declines.

    Args:
        digit_scores: float (n,) in 0-1, as `recognizer.read_logits` gives them.
        other_scores: likewise, of letters, scribbles and blank pictures.
        threshold: a picture below it is declined.
    """
    groups = {"digits": np.asarray(digit_scores), "not digits": np.asarray(other_scores)}
    separation = f"AUROC {auroc(*groups.values()):.3f}"
    declined = [100 * (scores < threshold).mean() for scores in groups.values()]
    title = f"Declined: {declined[1]:.1f} % of what is no digit, {declined[0]:.1f} % of the digits; {separation}"
    figure, grid = start_figure(title, 8.6, 4.8, 2, sharex=True)
    for axes, (name, scores), share, color in zip(grid, groups.items(), declined, (BLUE, ORANGE), strict=True):
        axes.hist(scores, np.linspace(0, 1, 41), color=color, edgecolor="white")
        axes.axvline(threshold, color="black", linestyle="--", linewidth=1.2)
        # Nearly all lie at the ends: what lies between them is seen on a logarithmic axis only.
        axes.set_yscale("log")
        axes.set(ylabel=f"{name} (log)", ylim=(0.5, None))
        axes.set_title(f"{len(scores):,} {name}, {share:.1f} % declined", loc="left")
    grid[1].set(xlabel=f"score of being a digit (dashed: threshold {threshold:.2f})", xlim=(0, 1))
    return figure
