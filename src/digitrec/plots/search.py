"""Figures of the search for settings, and of what each of them is worth."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter
from numpy.typing import NDArray

from digitrec.plots.findings import differ, join
from digitrec.plots.style import BLUE, GREY, ORANGE, add_legend, start_figure, styled

TRIALS_A_SETTING = 10  # that came to their end, before their shares of the variance rank the settings
UNITS = {"rotation": "degrees", "shift": "pixels", "elastic": "pixels", "convolutions": "a block"}
UNSURE = "#BDBDBD"  # the colour of what may be chance


@styled
def search_history(trials: pd.DataFrame, validation: int) -> Figure:
    """Show each trial's validation accuracy in the order they ended, and the best so far.

    Args:
        trials: with `value` (0-1) and `pruned`, as `study.tabulate_trials` gives them; one at least came to its end.
        validation: pictures that the accuracies were measured on.
    """
    value, pruned = 100 * trials.value.to_numpy(float), trials.pruned.to_numpy(bool)
    best = np.fmax.accumulate(np.where(pruned, np.nan, value))
    figure, axes = start_figure(_title_history(value[~pruned], int(pruned.sum()), validation), 9.5, 4.4)
    number = np.arange(1, len(value) + 1)
    axes.plot(number[~pruned], value[~pruned], "o", color=BLUE, label="to the end")
    axes.plot(number[pruned], value[pruned], "x", color=GREY, label="given up")
    axes.step(number, best, where="post", color=ORANGE, linewidth=1.5, label="best so far")
    floor = np.quantile(value[~pruned], 0.1) - 0.3
    axes.set(xlabel="trial", ylabel="validation accuracy, % (zoomed)", ylim=(floor, best[-1] + 0.15))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y")
    add_legend(axes, ncols=3)
    return figure


def _title_history(ended: NDArray, given_up: int, validation: int) -> str:
    """Say what the search gained on its first trial, and whether the best of so many may have gained it by chance."""
    counted = f"{len(ended) + given_up} trials, {given_up} given up"
    first, best = ended[0], ended.max()
    if best == first:
        return f"{counted}: none better than the first, {first:.2f} %"
    first_hits, best_hits = (round(share * validation / 100) for share in (first, best))
    # The best is the luckiest of them all: the more trials, the more of a gain is chance.
    sure = differ(first_hits, validation, best_hits, validation, confidence=1 - 0.05 / (len(ended) - 1))
    verdict = f"{best - first:+.2f} points on the first" + ("" if sure else ", no more than chance")
    return f"{counted}: best {best:.2f} %, {verdict}"


@styled
def setting_importance(importance: Mapping[str, float], trials: int) -> Figure:
    """Show what share of the accuracy's variance each setting explains.

    Args:
        importance: as `study.rate_settings` gives it.
        trials: how many came to their end; fewer than ten a setting rank nothing, and the bars are grey.
    """
    ordered = sorted(importance.items(), key=lambda item: item[1])
    names, shares = [name.replace("_", " ") for name, _ in ordered], [100 * share for _, share in ordered]
    enough = trials >= TRIALS_A_SETTING * len(names)
    title = f"{names[-1].capitalize()} explains most of the variance, {shares[-1]:.0f} %"
    if not enough:
        largest = f"largest share: {names[-1]}, {shares[-1]:.0f} %"
        title = f"{trials} finished trials are too few to rank {len(names)} settings; {largest}"
    figure, axes = start_figure(title, 9.5, 0.36 * len(names) + 1.6)
    bars = axes.barh(names, shares, color=BLUE if enough else UNSURE)
    axes.bar_label(bars, fmt="%.0f", padding=3)
    axes.set(xlabel="share of the variance of validation accuracy, %" + ("" if enough else " (grey: rough)"))
    axes.tick_params(axis="y", length=0)
    return figure


@styled
def setting_slices(trials: pd.DataFrame, log: tuple[str, ...] = ("learning_rate", "weight_decay")) -> Figure:
    """Show accuracy against each setting, a panel each, the best trial marked.

    Args:
        trials: as `study.tabulate_trials` gives them.
        log: settings on a logarithmic axis.
    """
    ended = trials[~trials.pruned.astype(bool)]
    settings = [name for name in trials.columns if name not in ("value", "pruned")]
    best = ended.loc[ended.value.idxmax()]
    columns = 4
    rows = -(-len(settings) // columns)
    title = f"{len(ended)} trials came to their end, a dot each; the best, {100 * best.value:.2f} %, in orange"
    figure, grid = start_figure(title, 11, 2.3 * rows + 0.6, rows, columns, sharey=True, squeeze=False)
    floor = 100 * np.quantile(ended.value, 0.1) - 0.3
    for axes, name in zip(grid.flat, settings, strict=False):
        axes.plot(ended[name], 100 * ended.value, "o", color=BLUE, markersize=4)
        axes.plot(best[name], 100 * best.value, "D", color=ORANGE, markersize=8, markeredgecolor="black")
        unit = f", {UNITS[name]}" if name in UNITS else ""
        axes.set(xlabel=name.replace("_", " ") + unit, ylim=(floor, 100 * best.value + 0.15))
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
        summary: as `study.summarise_ablation` gives it; the first row is everything in place.
        where: what the accuracy was measured on.
    """
    changes = summary.iloc[1:].sort_values("difference")
    title = f"{where}: {_title_ablation(changes, summary['mean'].iloc[0])}"
    figure, axes = start_figure(title, 9, 0.34 * len(changes) + 1.8)
    sure = (changes.high < 0) | (changes.low > 0)
    colors = np.where(sure, BLUE, UNSURE)
    places = np.arange(len(changes))
    axes.hlines(places, changes.low, changes.high, color=colors, linewidth=2)
    axes.scatter(changes.difference, places, color=colors, s=60, zorder=3)
    axes.axvline(0, color="black", linewidth=1)
    for place, (low, difference) in zip(places, changes[["low", "difference"]].to_numpy(), strict=True):
        left = np.nanmin([low, difference])
        text = f"{difference:+.2f}".replace("-", "−")
        axes.annotate(text, (left, place), (-8, 0), textcoords="offset points", ha="right", va="center", fontsize=10)
    axes.set(xlabel="difference in accuracy, points\n(dot: mean over seeds, line: 95 % interval; grey: may be chance)")
    axes.set_yticks(places, changes.index)
    axes.margins(x=0.15)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    return figure


def _title_ablation(changes: pd.DataFrame, whole: float) -> str:
    """Say what costs most, of changes in the order of their difference: only what chance would not, ties with it."""
    if changes.low.isna().any():
        first = changes.iloc[0]
        return f"one training each tells no cost from chance; lowest: “{first.name}”, {first.difference:+.2f} points"
    sure = changes[changes.high < 0]
    if sure.empty:
        return f"nothing costs more than chance, of {whole:.2f} %"
    worst = sure.iloc[0]
    # Two means differ where their distance exceeds what both intervals leave open, as in `findings.differ`.
    open_to_chance = np.hypot(changes.difference - changes.low, worst.high - worst.difference)
    behind = changes.difference - worst.difference
    rivals = changes.index[(behind <= open_to_chance) & (changes.index != worst.name)]
    cost = f"{-worst.difference:.2f} points of {whole:.2f} %"
    if not len(rivals):
        return f"“{worst.name}” costs most, {cost}"
    return f"“{worst.name}” costs {cost}; {join([f'“{name}”' for name in rivals])} may cost as much"
