"""Figures of what a network gets right and wrong: confusion, precision and recall, sets of pictures."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from digitrec.model_folder import find_model, read_metrics
from digitrec.plots.findings import (
    compute_whiskers,
    counts_differ,
    differ,
    find_largest_share,
    join,
)
from digitrec.plots.style import BLUE, DIGITS, ORANGE, add_legend, check_length, start_figure, styled


@styled
def confusion_counts(matrix: Any) -> Figure:
    """Show how many pictures of each digit (row) were read as each (column); diagonal in grey.

    Args:
        matrix: int (classes, classes), as `evaluation.confusion_matrix` gives it; the name or path of a model folder,
            or its metrics: their test set's, or validation's where that was not read.
    """
    counts = _check_matrix(matrix)
    errors = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    title = f"{errors.sum():,} error{'s' * int(errors.sum() != 1)} in {counts.sum():,}"
    if errors.any():
        title += f"; {_name_commonest(errors)}"
    return _draw_confusion(counts, title, "pictures", ",.0f")


@styled
def confusion_rates(matrix: Any) -> Figure:
    """Show the same in % of each row: what becomes of every hundred pictures of a digit; the same argument."""
    counts = _check_matrix(matrix)
    rates = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    missed = counts.sum(axis=1) - counts.diagonal()
    title = "No digit is ever missed"
    if missed.any():
        most, rivals = find_largest_share(missed, counts.sum(axis=1))
        share = f"{100 - rates[most[0], most[0]]:.1f} %{' each' * (len(most) > 1)}"
        are = "is" if len(most) == 1 else "are"
        who = join([f"the {digit}" for digit in most], "digits")
        title = f"{who[0].upper()}{who[1:]} {are} missed most often, {share}"
        title += f", within chance of {join([f'the {digit}' for digit in rivals])}" if rivals else ""
    return _draw_confusion(rates, title, "% of the row", ".1f")


def _name_commonest(errors: NDArray) -> str:
    """Say which kind of error is the commonest, which tie with it, and whether that may be chance."""
    most = int(errors.max())
    kinds = np.argwhere(errors == most)
    if len(kinds) > 3:
        return f"{len(kinds)} kinds tie for most, {most} each"
    named = join([f"{truth} read as {guess}" for truth, guess in kinds])
    next_most = int(errors[errors < most].max())
    if len(kinds) == 1 and not next_most:
        return f"always {named}"
    chance = "" if counts_differ(most, next_most) else f", within chance of the next, {next_most}"
    return f"most often {named}, {most}{' each' * (len(kinds) > 1)}{chance if next_most else ''}"


def _check_matrix(matrix: Any) -> NDArray:
    if isinstance(matrix, str | PathLike):
        matrix = read_metrics(find_model(matrix))
    if isinstance(matrix, Mapping):
        judged = matrix.get("test") or matrix.get("validation") or matrix
        if not isinstance(judged, Mapping) or "confusion_matrix" not in judged:
            raise ValueError("matrix: expected metrics of digits, with a confusion_matrix")
        matrix = judged["confusion_matrix"]
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
def precision_recall_bars(matrix: Any) -> Figure:
    """Show precision and recall of each digit, in %, with their 95 % intervals.

    Dots, for a bar on an axis that does not begin at 0 would mislead.

    Args:
        matrix: of ten digits, as `confusion_counts` takes it.
    """
    counts = check_length(_check_matrix(matrix), 10, "matrix")
    hits, totals = np.tile(counts.diagonal(), 2), np.concatenate([counts.sum(axis=0), counts.sum(axis=1)])
    figure, axes = start_figure(_name_weakest(totals - hits, totals), 8, 4.4)
    for i, (label, color, marker) in enumerate(
        (("precision: of those read so", BLUE, "o"), ("recall: of those there", ORANGE, "D"))
    ):
        right, n = hits[10 * i : 10 * i + 10], totals[10 * i : 10 * i + 10]
        at = n > 0
        look = {"fmt": marker, "color": color, "markersize": 8, "mec": "white", "elinewidth": 1.5, "label": label}
        whiskers = compute_whiskers(right[at], n[at])
        axes.errorbar(DIGITS[at] + 0.24 * i - 0.12, 100 * right[at] / n[at], whiskers, **look)
    axes.set(xlabel="digit", ylabel="right, % (zoomed axis)", xticks=DIGITS)
    axes.grid(axis="y")
    add_legend(axes, ncols=2, title="with 95 % intervals")
    return figure


def _name_weakest(misses: NDArray, totals: NDArray) -> str:
    """Say which precision or recall is lowest, which tie, and which are within chance; precision comes first."""
    if not misses.any():
        return "Every digit is read right, and nothing else is taken for it"
    most, rivals = find_largest_share(misses, totals)
    names = [f"{'precision' if i < 10 else 'recall'} of the {i % 10}" for i in range(20)]
    value = f"{100 - 100 * misses[most[0]] / totals[most[0]]:.1f} %{' each' * (len(most) > 1)}"
    title = f"Weakest: {join([names[i] for i in most], 'values')}, {value}"
    return title + (f", within chance of {join([names[i] for i in rivals])}" if rivals else "")


@styled
def bars_per_set(names: Sequence[str], usual: ArrayLike, ours: ArrayLike, counts: ArrayLike) -> Figure:
    """Show accuracy (0-1) on each set of pictures: a usual recipe against ours.

    Args:
        names: of the sets.
        usual: accuracy on each.
        ours: likewise.
        counts: pictures in each, on which it depends what is chance.
    """
    before = 100 * check_length(usual, len(names), "usual")
    after = 100 * check_length(ours, len(names), "ours")
    pictures = check_length(counts, len(names), "counts").astype(int)
    right = [np.rint(shares * pictures / 100).astype(int) for shares in (before, after)]
    clear = [differ(one, n, two, n) for one, two, n in zip(*right, pictures, strict=True)]
    more, less = (int((clear & (sign * (after - before) > 0)).sum()) for sign in (1, -1))
    title = f"Beyond chance, ours reads more in {more} of {len(names)} sets"
    title += f" and less in {less}" if less else ""
    title += f"; on average {before.mean():.1f} → {after.mean():.1f} %"
    figure, axes = start_figure(title, 9, 0.62 * len(names) + 1.6)
    places = np.arange(len(names))
    for bars in (
        axes.barh(places - 0.2, before, 0.38, color="#BDBDBD", label="usual"),
        axes.barh(places + 0.2, after, 0.38, color=BLUE, label="ours"),
    ):
        axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=10)
    axes.set(xlabel="accuracy, %", yticks=places, xlim=(0, 108))
    axes.set_yticklabels([f"{name} ({n:,})" for name, n in zip(names, pictures, strict=True)])
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    add_legend(axes, ncols=2)
    return figure
