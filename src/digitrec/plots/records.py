"""Figures of records: what changes are worth, what a network's weights buy, and what networks read together."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, PercentFormatter, StrMethodFormatter
from numpy.typing import ArrayLike

from digitrec.plots.style import BLUE, GREY, ORANGE, check_length, start_figure, styled


@styled
def ladder_steps(rungs: Sequence[str], times_s: ArrayLike, accuracies: ArrayLike, aim: float = 0.99) -> Figure:
    """Show a ladder of changes, each on top of the ones before it: what a run takes, and how much it reads.

    Args:
        rungs: names, from the first to the last.
        times_s: float (rungs,), seconds.
        accuracies: float (rungs, seeds), 0-1.
        aim: the accuracy to be reached, 0-1.

    Raises:
        ValueError: another number of times or accuracies than of rungs.
    """
    times = check_length(times_s, len(rungs), "times_s")
    shares = np.atleast_2d(check_length(accuracies, len(rungs), "accuracies"))
    means = shares.mean(axis=1)
    title = (
        f"From {times[0]:.2f} to {times[-1]:.2f} s in {len(rungs) - 1} changes, "
        f"from {100 * means[0]:.2f} to {100 * means[-1]:.2f} %"
    )
    height = 1.6 + 0.36 * len(rungs)
    figure, (left, right) = start_figure(title, 9, height, 1, 2, sharey=True)
    places = np.arange(len(rungs))
    left.barh(places, times, color=BLUE, height=0.6)
    for place, time in zip(places, times, strict=True):
        left.annotate(f"{time:.2f}", (time, place), (4, 0), textcoords="offset points", va="center", fontsize=9)
    left.set_yticks(places, rungs)
    left.invert_yaxis()
    left.set_xlim(0, 1.15 * times.max())
    left.set_xlabel("seconds a run")
    right.plot(shares.ravel(), np.repeat(places, shares.shape[1]), ".", color=GREY, alpha=0.6)
    right.plot(means, places, "D", color=ORANGE)
    right.axvline(aim, color=GREY, linestyle=":")
    right.xaxis.set_major_locator(MaxNLocator(4))
    right.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    right.set_xlabel("read right; a dot a seed, a diamond their mean")
    right.grid(axis="x")
    return figure


@styled
def cost_front(
    accuracies: Mapping[str, Sequence[float]], costs: ArrayLike, cost: str = "weights", aims: Sequence[float] = ()
) -> Figure:
    """Show what networks read against what they cost; no network on the line is beaten in both.

    Args:
        accuracies: by the network's name, those of its seeds (n,) in 0-1.
        costs: float (networks,), such as numbers of weights.
        cost: what they are, for the axis.
        aims: accuracies to mark, 0-1.
    """
    along = check_length(costs, len(accuracies), "costs")
    means = np.array([np.mean(shares) for shares in accuracies.values()])
    deviations = np.array([np.std(shares) for shares in accuracies.values()])
    order = np.argsort(along, kind="stable")
    front = order[means[order] >= np.maximum.accumulate(means[order])]
    least, best = order[0], int(np.argmax(means))
    title = (
        f"{100 * means[least]:.2f} % with {along[least]:,.0f} {cost}, {100 * means[best]:.2f} % with {along[best]:,.0f}"
    )
    figure, axes = start_figure(title, 8, 5)
    axes.errorbar(along, means, deviations, fmt="o", color=BLUE, capsize=3)
    axes.plot(along[front], means[front], color=BLUE, linewidth=1)
    for name, x, y in zip(accuracies, along, means, strict=True):
        axes.annotate(name, (x, y), (5, -12), textcoords="offset points", fontsize=9)
    for aim in aims:
        axes.axhline(aim, color=GREY, linestyle=":")
    axes.set_xscale("log")
    axes.margins(x=0.12)  # room for the names
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    axes.set(xlabel=cost, ylabel="test digits read right")
    axes.grid()
    return figure


@styled
def together_curve(least: ArrayLike, mean: ArrayLike, most: ArrayLike, unread: float | None = None) -> Figure:
    """Show what one network reads, two together, and so on: of all choices of so many, the span and the mean.

    Args:
        least: float (networks,), 0-1.
        mean: the same, of all choices.
        most: the same.
        unread: the share that none of the networks reads alone, 0-1.
    """
    means = np.asarray(mean, float)
    low, high = (check_length(values, len(means), name) for values, name in ((least, "least"), (most, "most")))
    counts = np.arange(1, len(means) + 1)
    title = f"One network reads {100 * means[0]:.2f} %, {len(means)} together {100 * means[-1]:.2f} %"
    figure, axes = start_figure(title, 8, 4.4)
    axes.fill_between(counts, low, high, color=BLUE, alpha=0.2, linewidth=0)
    axes.plot(counts, means, "o-", color=BLUE)
    if unread is not None:
        axes.axhline(1 - unread, color=GREY, linestyle=":")
        at = (counts[-1], 1 - unread)
        axes.annotate("read by one at least", at, (0, -12), textcoords="offset points", ha="right", fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=2))
    axes.set(xlabel="networks read together; the band spans all choices of so many", ylabel="test digits read right")
    axes.grid()
    return figure
