"""Figures that count the data: pictures of each class, shades of grey."""

from itertools import combinations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from digitrec.plots.findings import differ
from digitrec.plots.style import BLUE, DIGITS, GREY, ORANGE, add_legend, check_images, start_figure, styled


@styled
def class_balance(train_labels: ArrayLike, validation_labels: ArrayLike, test_labels: ArrayLike) -> Figure:
    """Show each digit's share of the three sets, in %."""
    arrays = map(np.asarray, (train_labels, validation_labels, test_labels))
    sets = dict(zip(("training", "validation", "test"), arrays, strict=True))
    if not all(len(labels) and np.isin(labels, DIGITS).all() for labels in sets.values()):
        raise ValueError("labels: expected three sets of digits 0-9, none empty")
    counts = [np.bincount(labels, minlength=10) for labels in sets.values()]
    shares = np.array([100 * count / count.sum() for count in counts])
    pairs = [(one[digit], one.sum(), two[digit], two.sum()) for one, two in combinations(counts, 2) for digit in DIGITS]
    # One in twenty pairs that are alike would seem to differ: the interval allows for their number.
    is_chance = not any(differ(*pair, confidence=1 - 0.05 / len(pairs)) for pair in pairs)
    span = f"{shares.min():.1f} to {shares.max():.1f} %"
    apart = f"{np.ptp(shares, axis=0).max():.1f} points, {'within' if is_chance else 'more than'} chance"
    title = f"Digits: {span} of a set; sets differ by up to {apart}"
    figure, axes = start_figure(title, 9, 4)
    for i, (name, fill) in enumerate(zip(sets, (BLUE, "white", ORANGE), strict=True)):
        look = {"color": fill, "edgecolor": GREY, "label": f"{name} ({counts[i].sum():,})"}
        axes.bar(DIGITS + 0.27 * (i - 1), shares[i], 0.25, **look)
    axes.axhline(10, color="black", linewidth=1, linestyle=":")
    axes.text(9.5, 10, " even:\n 10 %", va="center")
    axes.set(xlabel="digit", ylabel="share of the set, %", xticks=DIGITS, xlim=(-0.5, 9.5))
    add_legend(axes, ncols=3)
    return figure


@styled
def ink_histogram(images: ArrayLike) -> Figure:
    """Show how much of its picture a digit covers, in % of full ink everywhere."""
    pictures = check_images(images)
    ink = pictures.mean(axis=(1, 2)) * (100 / 255)
    median, blank = np.median(ink), 100 * (pictures == 0).mean()
    title = f"A picture is mostly paper: {blank:.0f} % of pixels are 0, median ink {median:.0f} %"
    figure, axes = start_figure(title, 8, 3.8)
    axes.hist(ink, bins=50, color=BLUE)
    axes.axvline(median, color="black", linestyle="--")
    axes.margins(y=0.12)
    axes.text(median, axes.get_ylim()[1], f" median {median:.1f} %", va="top")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set(xlabel="ink, % of a picture that is all ink", ylabel="pictures", xlim=(0, None))
    return figure
