"""Figures of what a network's confidence is worth: calibration, what declining saves, what passes for a digit."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from digitrec.evaluation import auroc, weigh_bins, wilson_interval
from digitrec.plots.findings import compute_chance_error, compute_whiskers
from digitrec.plots.style import BLUE, GREY, ORANGE, add_legend, check_length, start_figure, styled


@styled
def reliability_diagram(
    confidence: ArrayLike, accuracy: ArrayLike, count: ArrayLike, ece: float | None = None
) -> Figure:
    """Show accuracy against confidence by bin, and how many pictures each bin holds.

    Args:
        confidence: mean of each bin in 0-1, NaN where empty, as `evaluation.reliability_bins`.
        accuracy: of each bin, likewise.
        count: pictures in each bin.
        ece: expected calibration error, 0-1; None computes it from the bins.
    """
    count = np.asarray(count)
    mean = 100 * check_length(confidence, len(count), "confidence")
    right = 100 * check_length(accuracy, len(count), "accuracy")
    if ece is None:
        ece = weigh_bins(confidence, accuracy, count)
    chance = compute_chance_error(confidence, count)
    title = f"Confidence is off by {100 * ece:.2f} points on average, "
    title += "within chance" if ece <= chance else f"chance alone gives up to {100 * chance:.2f}"
    figure, (upper, lower) = start_figure(title, 6.4, 6.2, 2, sharex=True, height_ratios=[3, 1])
    upper.plot([0, 100], [0, 100], color=GREY, linewidth=1, linestyle="--", label="perfect")
    at = count > 0
    whiskers = compute_whiskers(np.rint(right[at] * count[at] / 100), count[at])
    look = {"fmt": "o", "color": BLUE, "markersize": 6, "elinewidth": 1.5}
    upper.errorbar(mean[at], right[at], whiskers, **look, label="pictures so sure, 95 % intervals")
    upper.set(ylabel="accuracy, %", ylim=(-3, 103))
    edges = np.linspace(0, 100, len(count) + 1)
    lower.bar(edges[:-1], count, np.diff(edges), align="edge", color=BLUE, edgecolor="white")
    lower.set_yscale("log")
    lower.yaxis.set_major_formatter("{x:,.0f}")
    lower.set(xlabel="confidence, %", ylabel="pictures (log)", xlim=(0, 103), ylim=(0.5, None))
    add_legend(upper, ncols=2)
    return figure


@styled
def risk_coverage(coverage: ArrayLike, risk: ArrayLike, at_threshold: float = 1.0) -> Figure:
    """Show the error rate among answered pictures as the least sure ones are declined.

    Args:
        coverage: share answered, rising to 1, as `evaluation.risk_coverage` gives it.
        risk: share of the answered that is wrong.
        at_threshold: share answered at the threshold in use; 1 where there is none.
    """
    answered = 100 * np.asarray(coverage)
    wrong = 100 * check_length(risk, len(answered), "risk")
    if not 0 <= at_threshold <= 1:
        raise ValueError(f"at_threshold: expected a share of 0 to 1, got {at_threshold}")
    at = int(np.abs(answered - 100 * at_threshold).argmin())
    title = f"Answering the surest {answered[at]:.1f} % leaves {wrong[at]:.2f} % errors instead of {wrong[-1]:.2f} %"
    if wrong[at] >= wrong[-1]:
        title = f"Answering the surest {answered[at]:.1f} % leaves as many errors as answering all: {wrong[at]:.2f} %"
    if at == len(answered) - 1:
        title = f"The threshold declines nothing: {wrong[-1]:.2f} % errors"
    if not wrong[-1]:
        title = "Not one error, even when every picture is answered"
    figure, axes = start_figure(title, 8, 4.2)
    axes.plot(answered, wrong, color=BLUE)
    for i, name, marker in ((at, "at the threshold", "D"), (len(wrong) - 1, "all answered", "o")):
        axes.plot(answered[i], wrong[i], marker, color="black", clip_on=False)
        axes.annotate(f"{name}: {wrong[i]:.2f} %  ", (answered[i], wrong[i]), ha="right", va="bottom")
    # What happens among the surest pictures is chance, and a good model's curve is 0 there.
    axes.set_xlim(max(0, 100 - 4 * max(0.25, 100 - answered[at])), 100)
    axes.set_ylim(0, max(1.15 * wrong[answered >= axes.get_xlim()[0]].max(), 0.1))
    axes.set(xlabel="pictures answered, % (zoomed axis)", ylabel="errors among the answered, %")
    axes.grid(axis="y")
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
    declined = [int((scores < threshold).sum()) for scores in groups.values()]
    (k, n), (others, n_others) = zip(declined, map(len, groups.values()), strict=True)
    title = f"Declined: {others:,} of {n_others:,} that are no digits, {k:,} of {n:,} digits"
    title += f"; AUROC {auroc(*groups.values()):.3f}"
    figure, grid = start_figure(title, 8.6, 4.8, 2, sharex=True)
    for axes, (name, scores), k, color in zip(grid, groups.items(), declined, (BLUE, ORANGE), strict=True):
        axes.hist(scores, np.linspace(0, 1, 41), color=color, edgecolor="white")
        axes.axvline(threshold, color="black", linestyle="--", linewidth=1.2)
        # Nearly all lie at the ends: what lies between them is seen on a logarithmic axis only.
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set(ylabel=f"{name} (log)", ylim=(0.5, None))
        low, high = wilson_interval(k, len(scores))
        share = f"{100 * k / len(scores):.1f} % declined (95 % interval {100 * low:.1f} to {100 * high:.1f})"
        axes.set_title(f"{len(scores):,} {name}, {share}", loc="left")
    grid[1].set(xlabel=f"score of being a digit (dashed: threshold {threshold:.2f})", xlim=(0, 1))
    return figure
