"""Figures of two models on the same pictures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from digitrec.plots.style import BLUE, ORANGE, add_legend, start_figure, styled

if TYPE_CHECKING:
    from digitrec.pairs import Comparison


@styled
def paired_bars(comparisons: "Sequence[Comparison]", first: str, second: str) -> Figure:
    """Show how many pictures only one of two models reads, for each set of pictures.

    Args:
        comparisons: as `compare_models` gives them, at least one.
        first: name of the model whose bars go left.
        second: of the other.
    """
    if not comparisons:
        raise ValueError("comparisons: expected at least one")
    figure, axes = start_figure(_title_pairs(comparisons, first, second), 8, 0.7 * len(comparisons) + 1.7)
    places = np.arange(len(comparisons))
    for sign, color, name, counts in (
        (-1, ORANGE, first, [one.only_first for one in comparisons]),
        (1, BLUE, second, [one.only_second for one in comparisons]),
    ):
        bars = axes.barh(places, [sign * count for count in counts], 0.55, color=color, label=f"only {name}")
        axes.bar_label(bars, [f" {count:,} " for count in counts])
    most = max(max(one.only_first, one.only_second) for one in comparisons) or 1
    axes.axvline(0, color="black", linewidth=1)
    axes.set(xlim=(-1.25 * most, 1.25 * most), xlabel="pictures read right by one of the two alone")
    axes.set_yticks(places, [f"{one.pictures}\n{one.n:,}, p = {one.p:.2g}" for one in comparisons])
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    axes.xaxis.set_major_formatter(lambda count, _: f"{abs(count):,.0f}")
    axes.invert_yaxis()
    add_legend(axes, ncols=2)
    return figure


def _title_pairs(comparisons: "Sequence[Comparison]", first: str, second: str) -> str:
    """Say which of two models reads more of which pictures, where that is more than chance."""
    findings = []
    for one in comparisons:
        more = one.only_second - one.only_first
        name = second if more > 0 else first
        if one.p < 0.05 / len(comparisons):
            findings.append(f"{name} reads {abs(more):,} more of {one.pictures}")
    return "; ".join(findings) or f"{first} and {second}: no difference beyond chance"
