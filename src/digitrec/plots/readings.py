"""Figures of what a network made of single pictures: its errors, its doubts, and where it looked."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from digitrec.calibration import format_confidence
from digitrec.plots.style import (
    BLUE,
    DIGITS,
    FOR_AND_AGAINST,
    GREY,
    INK,
    ORANGE,
    check_images,
    check_length,
    format_factor,
    hide_axes,
    start_figure,
    styled,
)


@styled
def confident_errors(images: ArrayLike, labels: ArrayLike, probabilities: ArrayLike, indices: ArrayLike) -> Figure:
    """Show chosen misread pictures with what they are, what they were read as, and how surely.

    Args:
        images: all of the set, like labels and probabilities.
        labels: the truth.
        probabilities: the model's.
        indices: which to show, as `evaluation.most_confident_errors` gives them.
    """
    pictures = check_images(images)
    labels = check_length(labels, len(pictures), "labels")
    p = check_length(probabilities, len(pictures), "probabilities")
    chosen, is_error = np.asarray(indices, dtype=int), p.argmax(axis=1) != labels
    if not is_error[chosen].all():
        raise ValueError(f"indices: expected pictures that are misread, got {chosen[~is_error[chosen]].tolist()} too")
    captions = [f"{labels[i]} → {p[i].argmax()}  {format_confidence(p[i].max())}" for i in chosen]
    title = _count_errors(p.max(axis=1), is_error, chosen)
    return _draw_captioned(pictures[chosen], captions, title, "truth → reading, confidence")


@styled
def captioned_digits(images: ArrayLike, captions: Sequence[str], title: str, note: str = "") -> Figure:
    """Show pictures, each under a few words of its own.

    Args:
        images: those to show.
        captions: one each, such as "7 → 1".
        title: what they have in common.
        note: what the captions say.
    """
    pictures = check_images(images)
    if len(captions) != len(pictures):
        raise ValueError(f"captions: expected {len(pictures)}, got {len(captions)}")
    return _draw_captioned(pictures, captions, title, note)


def _draw_captioned(pictures: NDArray, captions: Sequence[str], title: str, note: str) -> Figure:
    rows, columns = _lay_out(len(pictures), 10)
    figure, grid = start_figure(title, max(1.02 * columns, 6), 1.2 * rows + 0.8, rows, columns, squeeze=False)
    for axes in grid.flat:
        hide_axes(axes)
    for picture, caption, axes in zip(pictures, captions, grid.flat, strict=False):
        axes.imshow(picture, **INK)
        axes.set_title(caption, fontsize=9, pad=3)
    figure.supxlabel(note, fontsize=11)
    return figure


def _lay_out(n: int, at_most: int) -> tuple[int, int]:
    """Return in how many rows and columns n panels lie most evenly."""
    rows = max(1, -(-n // at_most))
    return rows, max(1, -(-n // rows))


def _count_errors(confidence: NDArray, is_error: NDArray, chosen: NDArray) -> str:
    """Say how many errors there are, which of them are shown, and how surely those were made."""
    total, n = int(is_error.sum()), len(chosen)
    errors = f"{total:,} error{'s' * (total != 1)} in {len(is_error):,}"
    if not n:
        return f"None of {errors}" if total else f"Not one error in {len(is_error):,}"
    sure = confidence[chosen]
    span = " to ".join(dict.fromkeys((format_confidence(sure.min()), format_confidence(sure.max()))))
    others = np.delete(confidence * is_error, chosen)
    if n == total:
        return f"{errors}, made with {span} confidence"
    return f"{n} of {errors}" if others.max() > sure.min() else f"The {n} surest of {errors}: {span} confidence"


@styled
def prediction_bars(images: ArrayLike, probabilities: ArrayLike, labels: ArrayLike | None = None) -> Figure:
    """Show every picture over its ten probabilities, logarithmically: on a plain axis a sure reading hides the rest.

    Args:
        images: uint8 (n, height, width), at most 12.
        probabilities: float (n, 10).
        labels: the truth, where it is known.
    """
    pictures = check_images(images)
    p = check_length(probabilities, len(pictures), "probabilities")
    if len(pictures) > 12 or p.shape[1:] != (10,):
        raise ValueError(f"expected at most 12 pictures, probabilities (n, 10), got {p.shape}")
    readings, second = p.argmax(axis=1), np.sort(p, axis=1)[:, -2]
    truth = readings if labels is None else check_length(labels, len(pictures), "labels")
    title = f"{(readings == truth).sum()} of {len(pictures)} read correctly"
    if labels is None:
        title = f"Read as {', '.join(map(str, readings))}"
    rows, columns = _lay_out(len(pictures), 5)
    figure, grid = start_figure(
        f"{title}; second choices get at most {format_confidence(second.max())}",
        max(2.1 * columns, 6), 3.2 * rows + 0.7, 2 * rows, columns, squeeze=False, height_ratios=[1, 1.25] * rows,
    )  # fmt: skip
    for axes in grid.flat:
        axes.set_axis_off()
    for i, reading in enumerate(readings):
        upper, lower = grid[2 * (i // columns) : 2 * (i // columns) + 2, i % columns]
        upper.imshow(pictures[i], **INK)
        note = "" if reading == truth[i] else f", wrong: a {truth[i]}"
        best, then = np.argsort(-p[i], kind="stable")[:2]
        choices = f"{best}: {format_confidence(p[i, best])}{note}\nthen {then}: {format_confidence(p[i, then])}"
        upper.set_title(choices)
        _draw_probabilities(lower, p[i], is_right=reading == truth[i], is_first=i % columns == 0)
    figure.supxlabel("digit", fontsize=11)
    figure.supylabel("probability, % (log scale)", fontsize=11)
    return figure


def _draw_probabilities(axes: Axes, p: NDArray, is_right: bool, is_first: bool) -> None:
    """Draw ten probabilities as pins on a logarithmic axis, the largest marked."""
    floor = 1e-3
    shown = np.maximum(100 * p, floor)
    best = p.argmax()
    axes.set_axis_on()
    axes.vlines(DIGITS, floor, shown, color=GREY, linewidth=1.2)
    axes.plot(DIGITS, shown, "o", color=GREY, markersize=4)
    color, marker = (BLUE, "o") if is_right else (ORANGE, "D")
    axes.plot(best, shown[best], marker, color=color, markersize=9, clip_on=False)
    axes.set_yscale("log")
    axes.set(ylim=(floor, 100), xlim=(-0.6, 9.6), xticks=DIGITS)
    axes.set_yticks([0.01, 1, 100], ["0.01", "1", "100"] if is_first else [""] * 3)
    axes.minorticks_off()
    axes.tick_params(labelsize=9)
    axes.grid(axis="y")


@styled
def attention(image: ArrayLike, heat: ArrayLike, digit: int | None) -> Figure:
    """Show a picture as the network saw it, and what speaks for (orange) and against (blue, dotted) a reading.

    Args:
        image: uint8 (height, width), ink bright.
        heat: float (height, width), the fall in the log-odds of `digit` when a patch over that pixel is covered, as
            `explanation.explain` gives it.
        digit: the reading explained; None where there was none.
    """
    picture = check_images(np.asarray(image)[None])[0]
    fall = np.asarray(heat, dtype=float)
    if fall.shape != picture.shape or not np.isfinite(fall).all():
        raise ValueError(f"heat: expected finite {picture.shape}, got {fall.shape}")
    figure, (left, right) = start_figure(_explain(fall, digit), 8.6, 4.2, 1, 2)
    left.imshow(picture, **INK)
    left.set_xlabel("as the network saw it")
    scale = np.abs(fall).max() or 1
    shown = right.imshow(fall, cmap=FOR_AND_AGAINST, vmin=-scale, vmax=scale, interpolation="nearest")
    if fall.min() < -scale / 4:
        # Without colour the two look alike.
        right.contourf(fall, levels=[-scale, -scale / 4], colors="none", hatches=["...."])
    if picture.any():
        right.contour(picture, levels=[picture.max() / 4], colors="black", linewidths=1.2)
    right.set_xlabel("" if digit is None else f"orange: for a {digit}; blue, dotted: against it")
    hide_axes(left)
    hide_axes(right)
    figure.colorbar(shown, ax=right, label="fall in log-odds when covered", shrink=0.85)
    return figure


def _explain(fall: NDArray, digit: int | None) -> str:
    """Say what covering does to the odds of a digit where it does most."""
    speaks_for, against = (format_factor(max(side, 0.0)) for side in (fall.max(), -fall.min()))
    if digit is None or speaks_for == against == "1.0":
        return "Nothing to explain: nothing that is covered changes the reading"
    if speaks_for == against:
        return f"As much for a {digit} as against it: covering the darkest patches changes its odds by {against}"
    if fall.max() > -fall.min():
        return f"For a {digit}: covering the darkest orange divides its odds by {speaks_for}"
    return f"Against a {digit}: covering the darkest blue multiplies its odds by {against}"
