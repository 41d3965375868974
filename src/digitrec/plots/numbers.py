"""Figures of whole numbers: how one is read, which method reads most, and what fails."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from digitrec.calibration import format_confidence
from digitrec.plots.findings import compute_whiskers, differ
from digitrec.plots.style import BLUE, GREY, INK, ORANGE, add_legend, check_length, hide_axes, start_figure, styled

_FILLS: tuple[dict[str, Any], ...] = (
    {"color": BLUE},
    {"color": ORANGE},
    {"color": "#BDBDBD"},
    {"color": "white", "edgecolor": GREY, "hatch": "///"},
    {"color": "white", "edgecolor": GREY, "hatch": "..."},
)


@styled
def number_stages(
    picture: NDArray[np.uint8], strip: NDArray[np.uint8], frames: ArrayLike, characters: str, boxes: Mapping[str, Any]
) -> Figure:
    """Show how a number is read: the picture with its characters' boxes, the strip, and what each frame says.

    Args:
        picture: uint8 (h, w) or (h, w, 3).
        strip: uint8 (32, w), ink bright.
        frames: float (frames, classes), log probabilities; the last class is the blank.
        characters: those of the other classes, in order.
        boxes: text and confidence of the whole under "text" and "confidence"; under "characters" pairs of a character
            and its box: left, top, right, bottom in the picture.
    """
    shares = np.exp(np.asarray(frames))[:, : len(characters)]
    title = f"Read as {boxes['text']} with {format_confidence(boxes['confidence'])} confidence"
    figure, (above, middle, below) = start_figure(title, 8, 6.5, 3, height_ratios=[1.2, 1, 2.2])
    above.imshow(picture, cmap="gray", vmin=0, vmax=255)
    for character, (left, top, right, bottom) in boxes["characters"]:
        above.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=BLUE, linewidth=2))
        above.annotate(
            character, ((left + right) / 2, top), (0, 2), textcoords="offset points", color=BLUE, ha="center"
        )
    middle.imshow(strip, **INK, aspect="auto")
    below.imshow(shares.T, cmap="Blues", aspect="auto", vmin=0, vmax=1)
    below.set_yticks(range(len(characters)), list(characters))
    below.set(xlabel="frame, two columns of the strip", ylabel="character")
    above.set_title("the picture", loc="left")
    middle.set_title("the strip that the network sees", loc="left")
    below.set_title("how likely each character begins or goes on there; white: none", loc="left")
    hide_axes(above)
    hide_axes(middle)
    return figure


@styled
def method_bars(sets: Sequence[str], right: Mapping[str, ArrayLike], counts: ArrayLike) -> Figure:
    """Show what share of each set's numbers each method reads exactly.

    Args:
        sets: their names.
        right: shares 0-1 (sets,) by the method's name, the first ours.
        counts: int (sets,), numbers in each set.
    """
    n = check_length(counts, len(sets), "counts")
    shares = {name: 100 * check_length(values, len(sets), name) for name, values in right.items()}
    ours, *others = shares.values()
    hits = {name: np.round(values * n / 100).astype(int) for name, values in shares.items()}
    mine, *theirs = hits.values()
    ahead = sum(
        all(differ(int(mine[i]), int(n[i]), int(other[i]), int(n[i])) and mine[i] > other[i] for other in theirs)
        for i in range(len(sets))
    )
    best = max((float(np.mean(other)) for other in others), default=float("nan"))
    title = (
        f"Beyond chance, {next(iter(shares))} reads most in {ahead} of {len(sets)} sets: "
        f"on average {np.mean(ours):.1f} % of the numbers, the next best {best:.1f} %"
    )
    high = 0.8 / len(shares)
    figure, axes = start_figure(title, 9, 1.2 + len(sets) * (0.35 + 0.22 * len(shares)))
    places = np.arange(len(sets))[::-1]
    for i, ((name, values), fill) in enumerate(zip(shares.items(), _FILLS, strict=False)):
        at = places + 0.4 - high * (i + 0.5)
        axes.barh(at, values, high * 0.92, label=name, **fill)
        for y, value in zip(at, values, strict=True):
            axes.text(value + 0.7, y, f"{value:.1f}", va="center", fontsize=8)
    axes.set_yticks(places, [f"{name} ({count:,})" for name, count in zip(sets, n, strict=True)])
    axes.set(xlim=(0, 107), xlabel="numbers read exactly, none declined, %")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    add_legend(axes, ncols=len(shares))
    return figure


@styled
def length_bars(counts: Mapping[int, tuple[int, int]]) -> Figure:
    """Show what share of the numbers of each length is read exactly, with 95 % intervals.

    Args:
        counts: by the number of digits, how many numbers there are and how many were read.
    """
    n, hits = (np.array([pair[i] for pair in counts.values()]) for i in (0, 1))
    shares = 100 * hits / n
    common = max(range(len(n)), key=lambda i: n[i])
    lengths = list(counts)
    whole = 100 * hits.sum() / n.sum()
    title = f"Of numbers of {lengths[common]} digits {shares[common]:.1f} % are read exactly, of all {whole:.1f} %"
    figure, axes = start_figure(title, 8, 4)
    axes.errorbar(range(len(n)), shares, compute_whiskers(hits, n), fmt="o", color=BLUE, capsize=3, markersize=7)
    axes.set_xticks(range(len(n)), [f"{length}\n({count:,})" for length, count in zip(lengths, n, strict=True)])
    axes.set(xlabel="digits (numbers)", ylabel="read exactly, %", ylim=(min(50, shares.min() - 10), 101))
    axes.grid(axis="y")
    return figure


@styled
def number_failures(
    strips: Sequence[NDArray[np.uint8]], labels: Sequence[str], read: Sequence[str], confidence: ArrayLike, total: int
) -> Figure:
    """Show numbers that were misread: the strip, what stands there, what was read, and how surely.

    Args:
        strips: uint8 (32, w), of the pictures shown.
        labels: the truth.
        read: the readings.
        confidence: 0-1 (n,).
        total: how many numbers there were.
    """
    sure = check_length(confidence, len(strips), "confidence")
    rows, columns = max(1, -(-len(strips) // 5)), 5
    title = f"{len(strips)} of the surest misreadings among {total:,} numbers"
    figure, grid = start_figure(title, 10, 1.05 * rows + 0.8, rows, columns, squeeze=False)
    for axes in grid.flat:
        hide_axes(axes)
    for axes, strip, label, said, each in zip(grid.flat, strips, labels, read, sure, strict=False):
        axes.imshow(strip, **INK)
        axes.set_title(f"{label or 'blank'} → {said or 'blank'}  {format_confidence(each)}", fontsize=9, pad=3)
    figure.supxlabel("truth → reading, confidence", fontsize=11)
    return figure
