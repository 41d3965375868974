"""Figures of what a changed picture does to its reading: faded over, attacked, explained, or no digit at all."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from digitrec.plots.style import (
    BLUE,
    FOR_AND_AGAINST,
    GREEN,
    GREY,
    INK,
    ORANGE,
    add_legend,
    check_images,
    check_length,
    hide_axes,
    start_figure,
    styled,
    tile,
)

# What an answer may be: told apart in grey by lightness, and by their order.
_LOOKS = {
    "digit": BLUE,
    "right": BLUE,
    "wrong": "black",
    "unsure": "#D0D0D0",
    "several digits": ORANGE,
    "not a digit": GREEN,
}
_SHOWN = 9


@styled
def blend_curves(images: ArrayLike, shares: ArrayLike, names: Sequence[str]) -> Figure:
    """Show a picture that becomes another, over the probability of each answer on the way.

    Args:
        images: uint8 (n, height, width), from the first picture to the last.
        shares: float (n, answers) in 0-1.
        names: of the answers.
    """
    pictures = check_images(images)
    p = check_length(shares, len(pictures), "shares")
    if p.shape != (len(pictures), len(names)) or len(pictures) < 2:
        raise ValueError(f"shares: expected ({len(pictures)}, {len(names)}) of at least two pictures, got {p.shape}")
    way = np.linspace(0, 100, len(pictures))
    figure, (upper, lower) = start_figure(_title_blend(p, names), 9, 4.6, 2, 1, height_ratios=[1, 2.6])
    shown = np.linspace(0, len(pictures) - 1, min(_SHOWN, len(pictures))).round().astype(int)
    upper.imshow(tile(pictures[None, shown]), **INK)
    hide_axes(upper)
    looks = iter(((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (GREY, ":")))
    for i in np.argsort(-p.max(axis=0), kind="stable")[:4]:
        if p[:, i].max() >= 0.02:
            colour, line = next(looks)
            lower.plot(way, 100 * p[:, i], line, color=colour, label=names[i])
    lower.set(
        xlabel="way from the first picture to the last, %", ylabel="probability, %", ylim=(-3, 103), xlim=(0, 100)
    )
    lower.grid()
    add_legend(lower, ncols=4)
    return figure


def _title_blend(p: NDArray, names: Sequence[str]) -> str:
    """Say where the reading turns, and how sure it is where it is least sure."""
    best = p.argmax(axis=1)
    turns = np.flatnonzero(np.diff(best))
    ends = f"From {names[best[0]]} to {names[best[-1]]}"
    if not len(turns):
        return f"{names[best[0]]} all the way, at least {100 * p.max(axis=1).min():.0f} % sure"
    doubt = 100 * (p.max(axis=1) < 0.9).mean()
    place = 100 * (turns[0] + 0.5) / (len(p) - 1)
    once = f"the reading turns at {place:.0f} % of the way" if len(turns) == 1 else f"it turns {len(turns)} times"
    return f"{ends} {once}; on {doubt:.0f} % of it the network is less than 90 % sure"


@styled
def heat_maps(image: ArrayLike, heats: Mapping[str, ArrayLike], digit: int) -> Figure:
    """Show several explanations of one reading side by side: orange speaks for it, blue (dotted) against it.

    Args:
        image: uint8 (height, width), ink bright.
        heats: by the name of the way, float (height, width) in log-odds of the digit.
        digit: the reading explained.
    """
    picture = check_images(np.asarray(image)[None])[0]
    maps = {name: np.asarray(heat, float) for name, heat in heats.items()}
    if not maps or any(heat.shape != picture.shape or not np.isfinite(heat).all() for heat in maps.values()):
        raise ValueError(f"heats: expected finite {picture.shape} each, got {[heat.shape for heat in maps.values()]}")
    title = _compare_heats(picture, list(maps.values()), digit)
    figure, grid = start_figure(title, 3.7 * (len(maps) + 1), 3.7, 1, len(maps) + 1)
    grid[0].imshow(picture, **INK)
    grid[0].set_xlabel("as the network saw it")
    hide_axes(grid[0])
    for axes, (name, heat) in zip(grid[1:], maps.items(), strict=True):
        scale = np.abs(heat).max() or 1
        shown = axes.imshow(heat, cmap=FOR_AND_AGAINST, vmin=-scale, vmax=scale, interpolation="nearest")
        rows, columns = np.nonzero(heat < -scale / 4)
        axes.plot(columns, rows, ".", color="black", markersize=2)
        if picture.any():
            axes.contour(picture, levels=[picture.max() / 4], colors="black", linewidths=0.8)
        axes.set_xlabel(name)
        hide_axes(axes)
        figure.colorbar(shown, ax=axes, label="log-odds", shrink=0.7)
    return figure


def _compare_heats(picture: NDArray, maps: list[NDArray], digit: int) -> str:
    """Say how far explanations agree over the ink, where there are two of them at least."""
    ink = picture > 0
    pairs = [(a[ink], b[ink]) for a, b in combinations(maps, 2) if a[ink].any() and b[ink].any()]
    if not pairs or any(np.ptp(side) == 0 for pair in pairs for side in pair):
        return f"What speaks for a {digit} and what against it"
    least = min(np.corrcoef(a, b)[0, 1] for a, b in pairs)
    count = "Two" if len(maps) == 2 else len(maps)
    return f"{count} explanations of a {digit}: over its ink they correlate by {least:.2f}"


@styled
def attack_bands(
    images: ArrayLike, captions: Sequence[str], sizes: ArrayLike, shares: Mapping[str, ArrayLike]
) -> Figure:
    """Show one picture under an attack of growing size, over what becomes of the answers to many.

    Args:
        images: uint8 (n, height, width), one for each size.
        captions: what was answered to each of them.
        sizes: float (n,), of the step, in 0-1 of full ink.
        shares: by the kind of answer ("right", "wrong" and those of `Answer.kind`), float (n,) in 0-1.
    """
    pictures = check_images(images)
    x = check_length(sizes, len(pictures), "sizes").astype(float)
    bands = {name: check_length(values, len(x), name) for name, values in shares.items()}
    if len(captions) != len(x) or set(bands) - set(_LOOKS) or "wrong" not in bands:
        raise ValueError(
            f"expected {len(x)} captions, and of shares 'wrong' among {', '.join(_LOOKS)}, got {list(bands)}"
        )
    worst = int(bands["wrong"].argmax())
    title = f"At most {100 * bands['wrong'][worst]:.1f} % are answered wrongly, at a step of {x[worst]:g}"
    figure, grid = start_figure(title, 9, 5, 2, 1, height_ratios=[1, 2.2])
    sheet = tile(pictures[None])
    grid[0].imshow(sheet, **INK)
    hide_axes(grid[0])
    grid[0].set_xticks((np.arange(len(x)) + 0.5) * sheet.shape[1] / len(x), captions)
    grid[0].tick_params(length=0, labelsize=9)
    _stack(grid[1], np.arange(len(x)), bands, horizontal=False)
    grid[1].set_xticks(np.arange(len(x)), [f"{size:g}" for size in x])
    grid[1].set(
        xlim=(-0.5, len(x) - 0.5), xlabel="step, in shares of full ink", ylabel="of the digits, %", ylim=(0, 100)
    )
    add_legend(grid[1], ncols=len(bands))
    return figure


@styled
def kind_bars(
    pictures: Mapping[str, ArrayLike], kinds: Mapping[str, Sequence[str]], alone: Mapping[str, float]
) -> Figure:
    """Show what is answered to groups of pictures, with some of each, and what ten digits alone would answer.

    Args:
        pictures: by the name of the group, uint8 (n, height, width), of which the first are shown; first the digits.
        kinds: by the name of the group, the `Answer.kind` of each picture.
        alone: by the name of the group, the share in 0-1 that would be answered if there were ten answers only.
    """
    groups = {name: check_images(images) for name, images in pictures.items()}
    if not groups or set(kinds) != set(groups) or set(alone) != set(groups):
        raise ValueError(f"kinds, alone: expected the groups {', '.join(groups)}, got {list(kinds)} and {list(alone)}")
    names = ("digit", "unsure", "several digits", "not a digit")
    shares = {kind: np.array([np.mean([one == kind for one in kinds[name]]) for name in groups]) for kind in names}
    figure, (left, right) = start_figure(
        _title_kinds(list(groups), shares["digit"]), 11.5, 0.6 * len(groups) + 1.5, 1, 2, width_ratios=[1, 1.3]
    )
    places = np.arange(len(groups))
    shown = min(6, *map(len, groups.values()))
    sheet = tile(np.stack([images[:shown] for images in groups.values()]))
    left.imshow(sheet, extent=(0, shown, len(groups) - 0.5, -0.5), **INK)
    hide_axes(left)
    left.set_yticks(places, list(groups))
    left.tick_params(length=0)
    _stack(right, places, shares, horizontal=True)
    right.plot([100 * alone[name] for name in groups], places, "D", color="black", markeredgecolor="white",
               markersize=8, label="answered, had it ten digits alone", clip_on=False)  # fmt: skip
    right.set(yticks=[], ylim=(len(groups) - 0.5, -0.5), xlim=(0, 100), xlabel="of the pictures, %")
    add_legend(right, ncols=5)
    return figure


def _title_kinds(groups: list[str], answered: NDArray) -> str:
    """Say how many groups of what is no digit are declined nearly always, and which is answered most."""
    others = answered[1:]
    if not len(others):
        return f"{answered[0]:.1%} of {groups[0]} are answered".replace("%", " %", 1)
    declined, worst = int((others <= 0.05).sum()), int(others.argmax())
    found = f"{declined} of {len(others)} kinds of what is no digit are declined 19 times in 20"
    return (
        found if declined == len(others) else f"{found}; of {groups[worst + 1]} {100 * others[worst]:.0f} % get a digit"
    )


def _stack(axes: Axes, places: NDArray, shares: Mapping[str, NDArray], horizontal: bool) -> None:
    """Stack shares in per cent, with the number in those large enough for it."""
    start = np.zeros(len(places))
    for name, values in shares.items():
        size = 100 * np.asarray(values)
        draw: dict[str, Any] = {"color": _LOOKS[name], "label": name}
        if horizontal:
            bars = axes.barh(places, size, 0.7, left=start, **draw)
        else:
            bars = axes.bar(places, size, 0.8, bottom=start, **draw)
        ink = "black" if name in ("unsure", "several digits") else "white"
        axes.bar_label(bars, [f"{one:.0f}" if one >= 9 else "" for one in size], label_type="center", color=ink)
        start = start + size
