"""Figures of the search for settings, and of what each of them is worth."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from digitrec.plots.style import BLUE, GREY, ORANGE, start_figure, styled


@styled
def search_history(trials: pd.DataFrame) -> Figure:
    """Show each trial's validation accuracy in the order they ended, and the best so far.

    Args:
        trials: with `value` (0-1) and `pruned`, as `tuning.tabulate_trials` gives them.
    """
    value, pruned = 100 * trials.value.to_numpy(float), trials.pruned.to_numpy(bool)
    best = np.maximum.accumulate(np.where(pruned, -np.inf, value))
    gain = best[-1] - value[~pruned][0]
    title = f"{len(value)} trials, {pruned.sum()} given up early: {best[-1]:.2f} %, {gain:+.2f} points on the first"
    figure, axes = start_figure(title, 8.5, 4.4)
    number = np.arange(1, len(value) + 1)
    axes.plot(number[~pruned], value[~pruned], "o", color=BLUE, label="to the end")
    axes.plot(number[pruned], value[pruned], "x", color=GREY, label="given up")
    axes.step(number, best, where="post", color=ORANGE, linewidth=1.5, label="best so far")
    floor = np.quantile(value[~pruned], 0.1) - 0.3
    axes.set(xlabel="trial", ylabel="validation accuracy, % (zoomed)", ylim=(floor, best[-1] + 0.15))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@styled
def setting_importance(importance: Mapping[str, float]) -> Figure:
    """Show what share of the accuracy's variance each setting explains, as `tuning.rate_settings` gives it."""
    ordered = sorted(importance.items(), key=lambda item: item[1])
    names, shares = [name.replace("_", " ") for name, _ in ordered], [100 * share for _, share in ordered]
    figure, axes = start_figure(
        f"{names[-1].capitalize()} decides most: {shares[-1]:.0f} % of the variance", 8, 0.36 * len(names) + 1.4
    )
    bars = axes.barh(names, shares, color=BLUE)
    axes.bar_label(bars, fmt="%.0f", padding=3)
    axes.set(xlabel="share of the variance of validation accuracy, %")
    axes.tick_params(axis="y", length=0)
    return figure


@styled
def setting_slices(trials: pd.DataFrame, log: tuple[str, ...] = ("learning_rate", "weight_decay")) -> Figure:
    """Show accuracy against each setting, a panel each, the best trial marked.

    Args:
        trials: as `tuning.tabulate_trials` gives them.
        log: settings on a logarithmic axis.
    """
    ended = trials[~trials.pruned.astype(bool)]
    settings = [name for name in trials.columns if name not in ("value", "pruned")]
    best = ended.loc[ended.value.idxmax()]
    columns = 4
    rows = -(-len(settings) // columns)
    title = f"The best trial, {100 * best.value:.2f} % (orange), among those that came to their end"
    figure, grid = start_figure(title, 11, 2.3 * rows + 0.6, rows, columns, sharey=True, squeeze=False)
    floor = 100 * np.quantile(ended.value, 0.1) - 0.3
    for axes, name in zip(grid.flat, settings, strict=False):
        axes.plot(ended[name], 100 * ended.value, "o", color=BLUE, markersize=4)
        axes.plot(best[name], 100 * best.value, "D", color=ORANGE, markersize=8, markeredgecolor="black")
        axes.set(xlabel=name.replace("_", " "), ylim=(floor, 100 * best.value + 0.15))
        if name in log:
            axes.set_xscale("log")
            axes.xaxis.set_minor_formatter(NullFormatter())
        elif (ended[name] % 1 == 0).all():
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
        axes.grid(axis="y")
    for axes in grid.flat[len(settings) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("validation, %")
    return figure


@styled
def ablation_bars(summary: pd.DataFrame, where: str) -> Figure:
    """Show by how many points accuracy changes when one thing is taken away, with 95 % intervals.

    Args:
        summary: as `tuning.summarise_ablation` gives it; the first row is everything in place.
        where: what the accuracy was measured on.
    """
    changes = summary.iloc[1:].sort_values("difference")
    worst = changes.index[0]
    title = (
        f"{where}: “{worst}” costs most, {-changes.difference.iloc[0]:.2f} points of {summary['mean'].iloc[0]:.2f} %"
    )
    figure, axes = start_figure(title, 9, 0.34 * len(changes) + 1.8)
    sure = (changes.high < 0) | (changes.low > 0)
    colors = np.where(sure, BLUE, "#BDBDBD")
    places = np.arange(len(changes))
    axes.hlines(places, changes.low, changes.high, color=colors, linewidth=2)
    axes.scatter(changes.difference, places, color=colors, s=60, zorder=3)
    axes.axvline(0, color="black", linewidth=1)
    for place, (low, difference) in zip(places, changes[["low", "difference"]].to_numpy(), strict=True):
        left = np.nanmin([low, difference])
        axes.annotate(f"{difference:+.2f} ", (left, place), ha="right", va="center", fontsize=10)
    axes.set(xlabel="difference in accuracy, points\n(dot: mean over seeds, line: 95 % interval; grey: may be chance)")
    axes.set_yticks(places, changes.index)
    axes.margins(x=0.15)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    return figure
