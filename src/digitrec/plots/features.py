"""Figures of what features see: one digit in each of them, and what each is worth to each classifier."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Rectangle

from digitrec.plots.findings import differ, join
from digitrec.plots.style import BLUE, ORANGE, hide_axes, start_figure, styled


@styled
def feature_views(views: Mapping[str, Any]) -> Figure:
    """Show one digit as each feature sees it.

    Args:
        views: as `study.view_features` gives them.
    """
    figure, grid = start_figure("One digit, and what is left of it in the eyes of each feature", 11, 5.4, 2, 5)
    special = {
        "HOG": _draw_gradients,
        "projections": _draw_projections,
        "contours": _draw_contours,
        "region properties": _draw_region,
    }
    for axes, (name, view) in zip(grid.flat, views.items(), strict=False):
        axes.set_title(name)
        if name in special:
            special[name](axes, view)
        elif np.ndim(view) == 2:
            # Patterns are numbers of kinds; that of paper is among the highest.
            axes.imshow(view, cmap="gray" if "patterns" in name else "gray_r", interpolation="nearest")
            hide_axes(axes)
        else:
            axes.bar(np.arange(1, len(view) + 1), view, color=BLUE)
            axes.set(xlabel="moment", ylabel="value")
    for axes in grid.flat[len(views) :]:
        axes.set_visible(False)
    return figure


def _draw_gradients(axes, view) -> None:
    """Draw each cell's histogram as a bundle of strokes along its edges: the longer and darker, the stronger."""
    rows, columns, bins = view.shape
    angles = np.pi * (np.arange(bins) + 0.5) / bins
    along = np.stack([np.sin(angles), -np.cos(angles)], axis=1)  # x and y, at right angles to the gradient
    strength = np.sqrt(view / max(view.max(), 1e-9))  # else only the strongest would be seen
    y, x = np.mgrid[:rows, :columns]
    centres = np.stack([x, y], axis=-1)[:, :, None]
    half = 0.55 * strength[..., None] * along
    strokes = np.stack([centres - half, centres + half], axis=-2).reshape(-1, 2, 2)
    order = np.argsort(strength.ravel())  # the strong ones on top
    shades = [str(0.9 * (1 - share)) for share in strength.ravel()[order]]
    axes.add_collection(LineCollection(list(strokes[order]), colors=shades, linewidths=2))
    axes.set(aspect="equal", xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    hide_axes(axes)


def _draw_projections(axes, view) -> None:
    for ink, name, look in zip(
        view, ("columns", "rows"), ({"color": BLUE}, {"color": ORANGE, "ls": "--"}), strict=True
    ):
        axes.step(np.arange(len(ink)), ink, label=name, **look)
    axes.legend(fontsize=9, loc="upper right")
    axes.set(xlabel="pixel", ylabel="mean ink", ylim=(0, 1.5 * max(map(max, view))))  # room for the legend


def _draw_contours(axes, view) -> None:
    for outline in view:
        axes.plot(outline[:, 1], outline[:, 0], color=BLUE)
    axes.set(aspect="equal", xlim=(0, 29), ylim=(29, 0))
    hide_axes(axes)


def _draw_region(axes, view) -> None:
    axes.imshow(view["ink"], cmap="gray_r", vmax=3, interpolation="nearest")
    top, left, bottom, right = view["box"]
    axes.add_patch(Rectangle((left - 0.5, top - 0.5), right - left, bottom - top, fill=False, color=BLUE, lw=2))
    size = {"width": view["minor"], "height": view["major"], "angle": view["angle"]}
    axes.add_patch(Ellipse(view["centre"][::-1], **size, fill=False, color=ORANGE, lw=2))
    hide_axes(axes)


@styled
def feature_grid(accuracies: pd.DataFrame, images: int, validation: int) -> Figure:
    """Show what each feature (row) is worth to each classifier (column), the best boxed, and all within chance of it.

    Args:
        accuracies: on validation, 0-1.
        images: that they were fitted to.
        validation: pictures they were measured on.
    """
    values = 100 * accuracies
    hits = np.round(accuracies.to_numpy() * validation)
    places = [(int(row), int(column)) for row, column in np.argwhere(~np.isnan(hits))]
    best = max(places, key=hits.__getitem__)
    ties = [place for place in places if place != best and not differ(hits[place], validation, hits[best], validation)]
    figure, axes = start_figure(_title_grid(values, best, ties, images), 10.5, 0.46 * len(values) + 2.2)
    scale = {"cmap": "Blues", "vmin": max(20, float(values.min().min())), "vmax": 100, "cbar": False}
    sns.heatmap(values, annot=True, fmt=".1f", linewidths=1, linecolor="white", ax=axes, **scale)
    for row, column in (*ties, best):
        look = {"linewidth": 3} if (row, column) == best else {"linewidth": 2, "linestyle": ":"}
        axes.add_patch(Rectangle((column + 0.04, row + 0.06), 0.92, 0.88, fill=False, edgecolor=ORANGE, **look))
    axes.set_xticks(np.arange(len(values.columns)) + 0.5, [name.replace(" ", "\n", 1) for name in values.columns])
    axes.tick_params(length=0, rotation=0)
    axes.set_xlabel("cells: validation accuracy, % (box: the best; dotted: within chance of it)")
    return figure


def _title_grid(values: pd.DataFrame, best: tuple[int, int], ties: list[tuple[int, int]], images: int) -> str:
    """Name the best pair, and how many others may be as good; or the one feature that all of them share."""
    feature, classifier = values.index[best[0]], values.columns[best[1]]
    share = f"{values.iloc[best]:.1f} %"
    feature = feature[:1].upper() + feature[1:]
    if not ties:
        return f"{feature} with {classifier} reads most after {images:,} images: {share}"
    if all(row == best[0] for row, _ in ties):
        names = [values.columns[column] for _, column in (best, *ties)]
        return f"{feature} reads most after {images:,} images, {share}; {join(names, 'classifiers')} are about equal"
    count = "another pair does" if len(ties) == 1 else f"{len(ties)} other pairs do"
    return f"{feature} with {classifier} reads {share} after {images:,} images; {count} as well within chance"
