"""Figures of the study: what features see, and how methods compare."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Rectangle
from matplotlib.ticker import FuncFormatter, NullFormatter
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike

from digitrec.plots.style import BLUE, GREEN, GREY, ORANGE, check_length, hide_axes, start_figure, styled

_LOOKS = [
    (color, marker) for marker in ("o", "s", "^", "D") for color in (BLUE, ORANGE, GREEN, "#404040")
]  # told apart in grey by their markers


@styled
def feature_views(views: Mapping[str, Any]) -> Figure:
    """Show one digit as each feature sees it.

    Args:
        views: as `features.view_features` gives them.
    """
    figure, grid = start_figure("One digit, and what is left of it in the eyes of each feature", 11, 5.4, 2, 5)
    special = {"projections": _draw_projections, "contours": _draw_contours, "region properties": _draw_region}
    for axes, (name, view) in zip(grid.flat, views.items(), strict=False):
        axes.set_title(name)
        if name in special:
            special[name](axes, view)
        elif np.ndim(view) == 2:
            axes.imshow(view, cmap="gray_r", interpolation="nearest")
            hide_axes(axes)
        else:
            axes.bar(np.arange(1, len(view) + 1), view, color=BLUE)
            axes.set(xlabel="moment", ylabel="value")
    for axes in grid.flat[len(views) :]:
        axes.set_visible(False)
    return figure


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
def feature_grid(accuracies: pd.DataFrame, images: int) -> Figure:
    """Show validation accuracy (0-1) of each feature (row) with each classifier (column), fitted to so many images."""
    values = 100 * accuracies
    row, column = np.unravel_index(np.nanargmax(values), values.shape)
    title = f"{values.index[row]} with {values.columns[column]} reads most after {images:,} images: "
    figure, axes = start_figure(title + f"{values.iloc[row, column]:.1f} %", 10.5, 0.46 * len(values) + 2.2)
    scale = {"cmap": "Blues", "vmin": max(20, float(values.min().min())), "vmax": 100, "cbar": False}
    sns.heatmap(values, annot=True, fmt=".1f", linewidths=1, linecolor="white", ax=axes, **scale)
    axes.add_patch(Rectangle((float(column), float(row)), 1, 1, fill=False, edgecolor="black", linewidth=2))
    axes.set_xticks(np.arange(len(values.columns)) + 0.5, [name.replace(" ", "\n", 1) for name in values.columns])
    axes.tick_params(length=0, rotation=0)
    axes.set_xlabel("cells: validation accuracy, %")
    return figure


@styled
def accuracy_against_time(names: Sequence[str], accuracy: ArrayLike, time_per_image_s: ArrayLike) -> Figure:
    """Show what each method gets right against the time it takes for an image, both logarithmic.

    Args:
        names: of n methods.
        accuracy: on the test set, 0-1, (n,).
        time_per_image_s: (n,).
    """
    wrong = np.maximum(100 * (1 - check_length(accuracy, len(names), "accuracy")), 1e-3)
    time_ms = 1000 * check_length(time_per_image_s, len(names), "time_per_image_s")
    best = int(wrong.argmin())
    title = f"{names[best]}: fewest errors, {wrong[best]:.2f} %, in {time_ms[best]:.2g} ms an image"
    figure, axes = start_figure(title, 9.5, 6)
    on_front = [not ((wrong < w) & (time_ms <= t)).any() for w, t in zip(wrong, time_ms, strict=True)]
    for kept, look in ((True, {"color": BLUE, "marker": "o"}), (False, {"color": "#BDBDBD", "marker": "s"})):
        chosen = np.array(on_front) == kept
        label = "no method is both faster and better" if kept else "another is faster and better"
        axes.plot(time_ms[chosen], wrong[chosen], linestyle="", markersize=9, label=label, **look)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(time_ms.min() / 2, time_ms.max() * 40)
    axes.set_ylim(wrong.max() * 1.4, wrong.min() / 1.4)  # better is higher
    _label_points(figure, axes, time_ms, wrong, names)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 - value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks([tick for tick in (20, 10, 5, 2, 1, 0.5, 0.2, 0.1) if wrong.min() / 1.4 < tick < wrong.max() * 1.4])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="time per image, ms (log scale)", ylabel="accuracy on the test set, % (log of the errors)")
    axes.grid()
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _label_points(figure: Figure, axes: Axes, x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> None:
    """Write each name beside its point: to the right, or where it covers no other name and no other point."""
    figure.draw_without_rendering()  # the layout decides how many points apart the data are
    points = axes.transData.transform(np.column_stack([x, y])) * 72 / figure.dpi
    taken = [Bbox.from_bounds(left - 6, low - 6, 12, 12) for left, low in points]
    for (left, low), name, at in zip(points, names, zip(x, y, strict=True), strict=True):
        text = axes.annotate(name, at, (9, 0), textcoords="offset points", fontsize=10, va="center")
        size = text.get_window_extent()
        width, height = size.width * 72 / figure.dpi, size.height * 72 / figure.dpi
        sides = [(side, dy) for dy in (0, 10, -10, 20, -20) for side in (9, -9 - width)]
        boxes = [Bbox.from_bounds(left + dx, low + dy - height / 2, width, height) for dx, dy in sides]
        crowded = [sum(box.overlaps(other) for other in taken) for box in boxes]
        best = int(np.argmin(crowded))
        text.set_position(sides[best])
        taken.append(boxes[best])


@styled
def learning_curves(curves: Mapping[str, Mapping[Any, float]]) -> Figure:
    """Show validation accuracy by number of training images.

    Args:
        curves: by method, accuracy (0-1) by number of images.
    """
    largest = max(int(n) for curve in curves.values() for n in curve)
    ends = {name: curve[max(curve, key=int)] for name, curve in curves.items()}
    figure, axes = start_figure(_title_curves(curves), 9.5, 6)
    for (name, curve), (color, marker) in zip(curves.items(), _LOOKS, strict=False):
        n = np.array(sorted(map(int, curve)))
        wrong = [100 * (1 - {int(k): v for k, v in curve.items()}[size]) for size in n]
        axes.plot(n, np.maximum(wrong, 0.01), color=color, marker=marker, markersize=6, linewidth=1.4, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.invert_yaxis()
    ticks = [tick for tick in (50, 20, 10, 5, 2, 1, 0.5, 0.2) if tick > 60 * (1 - max(ends.values()))]
    axes.set_yticks(ticks)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 - value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set(xlabel="training images (log scale)", ylabel="validation accuracy, % (log of the errors)")
    axes.set_xlim(None, largest * 1.1)
    axes.grid()
    handles, names = axes.get_legend_handles_labels()
    order = sorted(range(len(names)), key=lambda i: -ends[names[i]])
    figure.legend([handles[i] for i in order], [names[i] for i in order], loc="outside right center", fontsize=10)
    return figure


def _title_curves(curves: Mapping[str, Mapping[Any, float]]) -> str:
    sizes = set.intersection(*({int(n) for n in curve} for curve in curves.values()))
    at = {n: {name: {int(k): v for k, v in curve.items()}[n] for name, curve in curves.items()} for n in sizes}
    few, many = min(sizes), max(sizes)
    leads = {n: max(at[n], key=at[n].__getitem__) for n in (few, many)}
    if leads[few] == leads[many]:
        return f"{leads[few]} leads with {few:,} images as with {many:,}"
    return f"{leads[few]} leads with {few:,} images, {leads[many]} with {many:,}"


@styled
def real_against_test(names: Sequence[str], test: ArrayLike, real: ArrayLike) -> Figure:
    """Show each method's accuracy (0-1) on MNIST's test set beside its mean over sets of real handwriting."""
    known = 100 * check_length(test, len(names), "test")
    unknown = 100 * check_length(real, len(names), "real")
    spread = f"{np.ptp(known):.0f} points on the test set, {np.ptp(unknown):.0f} on real handwriting"
    figure, axes = start_figure(f"From worst to best method: {spread}", 9, 0.36 * len(names) + 1.8)
    places = np.arange(len(names))
    axes.hlines(places, unknown, known, color=GREY, linewidth=1)
    axes.plot(known, places, "D", color=ORANGE, markersize=7, label="MNIST's test set")
    axes.plot(unknown, places, "o", color=BLUE, markersize=8, label="real handwriting, mean of the sets")
    for place, share in zip(places, unknown, strict=True):
        axes.annotate(f"{share:.1f} ", (share, place), (-7, 0), textcoords="offset points", ha="right", va="center")
    axes.set(xlabel="accuracy, % (zoomed axis)", yticks=places, yticklabels=names, xlim=(unknown.min() - 6, 101))
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    figure.legend(loc="outside lower center", ncols=2)
    return figure
