"""Figures of the inside of a network: its filters, its maps of one digit, what excites it, where digits come to lie."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import seaborn as sns
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from digitrec.plots.style import (
    BLUE,
    DIGITS,
    FOR_AND_AGAINST,
    GREY,
    INK,
    ORANGE,
    check_images,
    check_length,
    hide_axes,
    start_figure,
    styled,
    tile,
)

if TYPE_CHECKING:
    from digitrec.inside import Field, Strongest

_SIDE = 60  # of a map as drawn: 24, 12 and 5 places a side all come out about as large
_NEIGHBOURS = 10


@styled
def filter_bank(kernels: ArrayLike, maps: ArrayLike) -> Figure:
    """Show the filters of a first layer, each over what it makes of one digit.

    Args:
        kernels: float (height, width, filters).
        maps: float (rows, columns, filters), the layer's outputs for the digit, before any activation.
    """
    weights, outputs = np.asarray(kernels, float), np.asarray(maps, float)
    if weights.ndim != 3 or outputs.ndim != 3 or weights.shape[2] != outputs.shape[2]:
        raise ValueError(f"kernels, maps: expected (h, w, filters) each, got {weights.shape} and {outputs.shape}")
    n = weights.shape[2]
    columns = min(n, 8)
    blocks = -(-n // columns)
    figure, grid = start_figure(
        _count_edges(weights), max(1.2 * columns, 5), 2.5 * blocks + 0.7, 2 * blocks, columns, squeeze=False
    )
    for axes in grid.flat:
        hide_axes(axes)
    for i in range(n):
        upper, lower = grid[2 * (i // columns) : 2 * (i // columns) + 2, i % columns]
        _draw_signed(upper, weights[..., i], np.abs(weights).max())
        _dot_negative(upper, weights[..., i], np.abs(weights).max() / 4)
        _draw_signed(lower, outputs[..., i], np.abs(outputs).max())
    label = (
        "upper: orange weights ask for ink, blue ones (dotted) for paper; lower: orange where the filter is answered"
    )
    figure.supxlabel(label, fontsize=11)
    return figure


def _count_edges(weights: NDArray) -> str:
    """Say how many filters compare ink with paper: their weights cancel by more than half."""
    height, width, n = weights.shape
    edges = int((np.abs(weights.sum(axis=(0, 1))) < np.abs(weights).sum(axis=(0, 1)) / 2).sum())
    return f"{edges} of {n} filters of {height} x {width} compare ink with paper: they answer edges"


def _draw_signed(axes: Axes, values: NDArray, scale: float) -> None:
    axes.imshow(values, cmap=FOR_AND_AGAINST, vmin=-scale or -1, vmax=scale or 1, interpolation="nearest")
    axes.spines[:].set(visible=True, color="#CCCCCC")


def _dot_negative(axes: Axes, values: NDArray, least: float) -> None:
    """Mark what is clearly negative: without colour it looks like its opposite."""
    rows, columns = np.nonzero(values < -least)
    axes.plot(columns, rows, ".", color="white", markersize=4)


@styled
def feature_maps(image: ArrayLike, layers: Mapping[str, ArrayLike], count: int = 12) -> Figure:
    """Show one picture on its way through a network, a layer a row: its strongest maps, then numbers, then logits.

    Args:
        image: uint8 (28, 28), ink bright.
        layers: by name, in order: float (height, width, channels); float (values,) where there are no places left;
            last the logits, float (10 or 11,), beside which "not a digit" stands with its fixed zero.
        count: how many maps of a layer, those with the largest outputs.
    """
    picture = check_images(np.asarray(image)[None])[0]
    outputs = {name: np.asarray(values, float) for name, values in layers.items()}
    shapes = [values.shape for values in outputs.values()]
    if not shapes or {len(shape) for shape in shapes} - {1, 3} or shapes[-1] not in ((10,), (11,)):
        raise ValueError(f"layers: expected (h, w, channels) or (values,), and logits (10,) or (11,), got {shapes}")
    *_, logits = outputs.values()
    best = int(np.append(logits, 0).argmax())
    reading = f"a {best}" if best < 10 else "several digits" if best < len(logits) else "not a digit"
    title = f"How {picture.size} pixels become {reading}: fewer places at each step, and more to tell of each"
    heights = [1.0, *(1.0 if len(shape) == 3 else 0.3 for shape in shapes[:-1]), 1.6]
    figure, column = start_figure(
        title, 10, 0.98 * sum(heights) + 1, len(heights), 1, squeeze=False, height_ratios=heights
    )
    rows = iter(column[:, 0])
    first = next(rows)
    first.imshow(tile(picture[None, None]), **INK)
    _name_row(first, f"the picture\n{picture.shape[0]} x {picture.shape[1]}")
    for axes, (name, values) in zip(rows, list(outputs.items())[:-1], strict=False):
        if values.ndim == 3:
            _draw_maps(axes, name, values, count)
        else:
            axes.imshow(values[None], cmap="gray_r", aspect="auto", interpolation="nearest", vmin=0)
            _name_row(axes, f"{name}\n{len(values)} numbers")
            axes.spines[:].set_visible(True)
    _draw_logits(column[-1, 0], logits, list(outputs)[-1])
    return figure


def _name_row(axes: Axes, name: str) -> None:
    hide_axes(axes)
    axes.set_anchor("W")
    axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10)


def _draw_maps(axes: Axes, name: str, maps: NDArray, count: int) -> None:
    """Draw the maps of a layer with the largest outputs, side by side in grey frames."""
    height, width, channels = maps.shape
    shown = np.argsort(-maps.max(axis=(0, 1)), kind="stable")[:count]
    enlarged = maps[..., np.sort(shown)].repeat(_SIDE // height, 0).repeat(_SIDE // width, 1).transpose(2, 0, 1)
    framed = np.pad(enlarged, ((0, 0), (1, 1), (1, 1)), constant_values=np.nan)
    scale = np.abs(maps).max() or 1
    signed = maps.min() < 0
    colours = (FOR_AND_AGAINST if signed else sns.color_palette("Greys", as_cmap=True)).with_extremes(bad="#CCCCCC")
    axes.imshow(tile(framed[None]), cmap=colours, vmin=-scale if signed else 0, vmax=scale, interpolation="nearest")
    some = f"{len(shown)} of {channels} maps" if channels > len(shown) else f"{channels} maps"
    _name_row(axes, f"{name}\n{some}, {height} x {width}")


def _draw_logits(axes: Axes, logits: NDArray, name: str) -> None:
    names = [*map(str, DIGITS), *["several\ndigits"] * (len(logits) == 11), "not a\ndigit"]
    values = np.append(logits, 0)
    best = values.argmax()
    axes.bar(names, values, 0.6, color=[BLUE if i == best else GREY for i in range(len(values))])
    axes.axhline(0, color="black", linewidth=1)
    axes.annotate("fixed at 0", (len(values) - 1, 0), (0, 4), textcoords="offset points", ha="center", fontsize=9)
    axes.set_ylabel(f"{name}\n{len(logits)} numbers", rotation=0, ha="right", va="center", fontsize=10)
    axes.tick_params(length=0)
    axes.grid(axis="y")


@styled
def strongest_windows(
    images: ArrayLike, labels: ArrayLike, strongest: "Strongest", field: "Field", channels: ArrayLike
) -> Figure:
    """Show for some channels, a row each, the pictures that excite them most; what the channel cannot see is faded.

    Args:
        images: uint8 (n, 28, 28), those that the layer's outputs were taken of.
        labels: int (n,).
        strongest: as `inside.find_strongest` gives it.
        field: of the layer, as `inside.find_field` gives it.
        channels: which.
    """
    pictures = check_images(images)
    labels, chosen = check_length(labels, len(pictures), "labels"), np.asarray(channels, int)
    which = strongest.pictures[chosen]
    tops, lefts = (field.start + field.step * places[chosen] for places in (strongest.rows, strongest.columns))
    y, x = np.mgrid[: pictures.shape[1], : pictures.shape[2]]
    top, left = tops[..., None, None], lefts[..., None, None]
    seen = (y >= top) & (y < top + field.size) & (x >= left) & (x < left + field.size)
    sheet = tile(np.where(seen, pictures[which], pictures[which] // 4))
    rows, columns = which.shape
    figure, axes = start_figure(_count_shared(labels[which]), max(0.75 * columns + 1.6, 6.2), 0.75 * rows + 1.1)
    axes.imshow(sheet, **INK)
    step = np.array(sheet.shape) / which.shape
    if is_part := field.size < pictures.shape[1]:
        for row, column in np.ndindex(which.shape):
            corner = step[::-1] * (column, row) + 2.5 + (lefts[row, column], tops[row, column])
            axes.add_patch(Rectangle(corner, field.size, field.size, fill=False, edgecolor=ORANGE, lw=1))
    hide_axes(axes)
    axes.set_yticks((np.arange(rows) + 0.5) * step[0], [f"channel {channel}" for channel in chosen])
    axes.tick_params(length=0)
    seen_pixels = (
        f"framed: the {field.size} x {field.size} pixels that the channel sees" if is_part else "it sees all of it"
    )
    axes.set_xlabel(f"strongest first; {seen_pixels}")
    return figure


def _count_shared(labels: NDArray) -> str:
    """Say of how many channels (rows) the strongest pictures show more than one digit."""
    shared = sum(len(set(row)) > 1 for row in labels.tolist())
    return f"{shared} of {len(labels)} channels wait for a part that more than one digit has"


@styled
def embedding_maps(points: Mapping[str, ArrayLike], labels: ArrayLike, readings: ArrayLike) -> Figure:
    """Show where the pictures come to lie in two dimensions, in one or more ways, with the misread ones marked.

    Args:
        points: by the name of the way, float (n, 2).
        labels: int (n,), the truth.
        readings: int (n,), what each was read as.
    """
    n = len(np.asarray(labels))
    places = {name: check_length(values, n, f"points of {name}") for name, values in points.items()}
    if not places or any(values.shape != (n, 2) for values in places.values()):
        raise ValueError(f"points: expected (n, 2) for each way, got {[values.shape for values in places.values()]}")
    truth, read = np.asarray(labels), check_length(readings, n, "readings")
    title = _place_errors(list(places.values())[-1], truth, read, list(places)[-1])
    figure, grid = start_figure(title, 5.6 * len(places), 5.8, 1, len(places), squeeze=False)
    colours = sns.color_palette("husl", 10)
    for axes, (name, place) in zip(grid.flat, places.items(), strict=True):
        _draw_places(axes, place, truth, colours)
        for i in np.flatnonzero(read != truth):
            axes.plot(*place[i], "D", color="black", markersize=5, markeredgecolor="white", markeredgewidth=0.6)
            others = place[truth == read[i], 0]  # away from them, for the name of the digit stands in their middle
            side = -1 if len(others) and place[i, 0] < np.median(others) else 1
            look = {"ha": "right" if side < 0 else "left", "fontsize": 8, "textcoords": "offset points"}
            error = axes.annotate(f"{truth[i]}→{read[i]}", place[i], (4 * side, 3), **look)
            error.set_path_effects([patheffects.withStroke(linewidth=2, foreground="white")])
        hide_axes(axes)
        axes.spines[:].set(visible=True, color="#CCCCCC")
        axes.set_xlabel(f"{name}; black: misread, truth → reading")
    return figure


def _draw_places(axes: Axes, place: NDArray, labels: NDArray, colours: list) -> None:
    for digit in np.unique(labels):
        own = place[labels == digit]
        axes.scatter(own[:, 0], own[:, 1], s=5, color=colours[int(digit) % 10], alpha=0.5, linewidths=0)
        x, y = np.median(own, axis=0)
        name = axes.text(x, y, str(digit), fontsize=17, fontweight="bold", ha="center", va="center", zorder=5)
        name.set_path_effects([patheffects.withStroke(linewidth=3, foreground="white")])


def _place_errors(place: NDArray, truth: NDArray, read: NDArray, name: str) -> str:
    """Say how many of the misread pictures have more neighbours of the digit they were read as than of their own."""
    wrong = np.flatnonzero(read != truth)
    if not len(wrong):
        return f"Not one error in {len(truth):,}"
    astray = 0
    for i in wrong:
        near = np.argsort(((place - place[i]) ** 2).sum(axis=1))[1 : _NEIGHBOURS + 1]
        astray += int((truth[near] == read[i]).sum() > (truth[near] == truth[i]).sum())
    return f"{astray} of {len(wrong)} errors lie among the digits they were taken for ({name}, {_NEIGHBOURS} nearest)"
