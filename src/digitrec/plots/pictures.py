"""Figures made of pictures: samples, variations, predictions, what the network saw."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from digitrec.plots.style import (
    BLUE,
    DIGITS,
    INK,
    ORANGE,
    check_images,
    check_length,
    format_factor,
    format_percent,
    hide_axes,
    start_figure,
    styled,
    tile,
)


@styled
def sample_grid(images: ArrayLike, labels: ArrayLike, per_digit: int = 10) -> Figure:
    """Show the first `per_digit` pictures of every digit, a row each."""
    pictures = check_images(images)
    labels = check_length(labels, len(pictures), "labels")
    grid = np.zeros((10, per_digit, *pictures.shape[1:]), np.uint8)
    for digit in DIGITS:
        chosen = pictures[labels == digit][:per_digit]
        grid[digit, : len(chosen)] = chosen
    title = f"{per_digit} ways to write each digit, from {len(pictures):,} pictures"
    figure, axes = start_figure(title, 0.5 * per_digit + 1, 5.8)
    sheet = tile(grid)
    axes.imshow(sheet, **INK)
    hide_axes(axes)
    axes.set_yticks((DIGITS + 0.5) * len(sheet) / 10, DIGITS)
    axes.tick_params(length=0, labelsize=14)
    axes.set_ylabel("label")
    return figure


@styled
def mean_digits(images: ArrayLike, labels: ArrayLike) -> Figure:
    """Show the mean picture of every digit, and how far its pictures lie from it."""
    pictures = check_images(images)
    labels = check_length(labels, len(pictures), "labels")
    if missing := sorted(set(range(10)) - set(labels.tolist())):
        raise ValueError(f"labels: expected all ten digits, none found of {missing}")
    of_digit = [pictures[labels == digit].astype(np.float32) for digit in DIGITS]
    spread = [100 / 255 * np.sqrt(group.var(axis=0).mean()) for group in of_digit]
    title = f"Writers agree most on the {np.argmin(spread)}, least on the {np.argmax(spread)}"
    figure, grid = start_figure(title, 8, 4.2, 2, 5)
    for digit, axes in enumerate(grid.flat):
        axes.imshow(of_digit[digit].mean(axis=0), **INK)
        hide_axes(axes)
        axes.set_xlabel(f"± {spread[digit]:.0f} %")
    figure.supxlabel("mean picture, ± standard deviation of a pixel in % of full ink", fontsize=11)
    return figure


@styled
def augmentation_grid(images: ArrayLike, augmented: ArrayLike) -> Figure:
    """Show originals (left) and random variants of each beside them.

    Args:
        images: uint8 (n, height, width).
        augmented: uint8 (n, variants, height, width).
    """
    originals = check_images(images)
    variants = check_images(augmented, "(n, variants, height, width)")
    if (len(originals), *originals.shape[1:]) != (len(variants), *variants.shape[2:]):
        raise ValueError(f"augmented: expected {originals.shape} each, got {variants.shape}")
    n, count = variants.shape[:2]
    title = "Each epoch draws every picture anew"
    size = (max(0.62 * (count + 1) + 0.8, 4.5), 0.62 * n + 1)
    figure, (left, right) = start_figure(title, *size, 1, 2, width_ratios=[1, count])
    for axes, sheet in ((left, originals[:, None]), (right, variants)):
        axes.imshow(tile(sheet), **INK)
        hide_axes(axes)
    left.set_xlabel("original")
    right.set_xlabel(f"{count} random variants")
    right.spines["left"].set_visible(True)
    return figure


@styled
def picture_rows(rows: Mapping[str, ArrayLike]) -> Figure:
    """Show several kinds of pictures, a row each over its name.

    Args:
        rows: by name, uint8 (n, height, width); rows may differ in n.
    """
    pictures = {name: check_images(images) for name, images in rows.items()}
    if not pictures:
        raise ValueError("rows: expected at least one row of pictures")
    width = max(map(len, pictures.values()))
    title = f"{sum(map(len, pictures.values()))} pictures of {len(pictures)} kind{'s' * (len(pictures) > 1)}"
    size = (max(0.72 * width, 5), 0.98 * len(pictures) + 0.4)
    figure, grid = start_figure(title, *size, len(pictures), 1, squeeze=False)
    for axes, (name, images) in zip(grid.flat, pictures.items(), strict=True):
        padded = np.concatenate([images, np.zeros((width - len(images), *images.shape[1:]), np.uint8)])
        axes.imshow(tile(padded[None]), **INK)
        hide_axes(axes)
        axes.set_anchor("W")
        axes.set_xlabel(name, loc="left")
    return figure


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
    chosen = np.asarray(indices, dtype=int)
    title = "Not one error"
    if len(chosen):
        sure = p[chosen].max(axis=1)
        span = " to ".join(dict.fromkeys((format_percent(sure.min()), format_percent(sure.max()))))
        title = f"{len(chosen)} error{'s' * (len(chosen) > 1)}, made with {span} confidence"
    columns = max(1, min(len(chosen), 8))
    rows = max(1, -(-len(chosen) // columns))
    figure, grid = start_figure(title, max(1.25 * columns, 6), 1.45 * rows + 0.8, rows, columns)
    for axes in np.ravel(grid):
        hide_axes(axes)
    for index, axes in zip(chosen, np.ravel(grid), strict=False):
        axes.imshow(pictures[index], **INK)
        axes.set_title(f"{labels[index]} → {p[index].argmax()}  {format_percent(p[index].max())}")
    figure.supxlabel("truth → reading, confidence", fontsize=11)
    return figure


@styled
def prediction_bars(images: ArrayLike, probabilities: ArrayLike, labels: ArrayLike | None = None) -> Figure:
    """Show every picture beside its ten probabilities (at most 12 pictures)."""
    pictures = check_images(images)
    p = check_length(probabilities, len(pictures), "probabilities")
    if len(pictures) > 12 or p.shape[1:] != (10,):
        raise ValueError(f"expected at most 12 pictures, probabilities (n, 10), got {p.shape}")
    readings = p.argmax(axis=1)
    title = f"Read as {', '.join(map(str, readings))}"
    if labels is not None:
        truth = check_length(labels, len(pictures), "labels")
        title = f"{(readings == truth).sum()} of {len(pictures)} read correctly"
    columns = min(len(pictures), 3)
    rows = -(-len(pictures) // columns)
    figure, grid = start_figure(title, 3.6 * columns, 2.5 * rows + 0.7, rows, 2 * columns, squeeze=False)
    for axes in grid.flat[2 * len(pictures) :]:
        axes.set_axis_off()
    for i, (left, right) in enumerate(grid.reshape(-1, 2)[: len(pictures)]):
        left.imshow(pictures[i], **INK)
        hide_axes(left)
        bars = right.barh(DIGITS, 100 * p[i], color="#B8B8B8")
        bars[readings[i]].set_color(BLUE)
        if labels is not None:
            left.set_xlabel("right" if readings[i] == truth[i] else f"wrong: a {truth[i]}")
            bars[readings[i]].set_color(BLUE if readings[i] == truth[i] else ORANGE)
        right.text(100 * p[i].max(), readings[i], " " + format_percent(p[i].max()), va="center")
        right.set(yticks=DIGITS, ylim=(9.6, -0.6), xlim=(0, 135), xticks=(0, 50, 100))
        right.tick_params(labelsize=9)
    figure.supxlabel("probability of each digit, %", fontsize=11)
    return figure


@styled
def stages(pictures: Mapping[str, NDArray]) -> Figure:
    """Show a picture on its way into MNIST's form, stage by stage.

    Args:
        pictures: by name of the stage, in order, as `vars(preprocessing.show_stages(picture))`:
            uint8 (height, width) or (height, width, 3), drawn as it is; float (height, width),
            ink in 0-1, drawn dark on white; and so the last, uint8, the MNIST form.
    """
    got = [(picture.dtype.kind, picture.ndim) for picture in pictures.values()]
    if not got or not {*got} <= {("u", 2), ("u", 3), ("f", 2)}:
        raise ValueError(f"pictures: expected uint8 (h, w) or (h, w, 3), or float (h, w), got {got}")
    *_, last = pictures.values()
    first = next(iter(pictures.values()))
    title = f"From {first.shape[1]} x {first.shape[0]} pixels to {last.shape[1]} x {last.shape[0]}"
    figure, grid = start_figure(title, max(2.2 * len(pictures), 4.5), 3, 1, len(pictures), squeeze=False)
    for axes, (name, picture) in zip(grid.flat, pictures.items(), strict=True):
        is_ink = picture is last or picture.dtype.kind == "f"
        scale = {"vmax": 1 if picture.dtype.kind == "f" else 255, "cmap": "gray_r" if is_ink else "gray"}
        # Nearest would drop thin strokes where a large picture is shrunk into its panel.
        axes.imshow(picture, **{**INK, **scale, "interpolation": "auto"})
        axes.set(xticks=[], yticks=[], anchor="S")
        axes.set_xlabel(f"{name}\n{picture.shape[1]} x {picture.shape[0]}")
        axes.spines[:].set_visible(True)
    return figure


@styled
def attention(image: ArrayLike, heat: ArrayLike, digit: int | None) -> Figure:
    """Show a picture as the network saw it, and what speaks for and against a reading.

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
    most = np.abs(fall).max()
    title = "Nothing to explain: nothing that is covered changes the reading"
    if fall.max() == most > 0:
        title = f"Why a {digit}: covering the darkest orange divides its odds by {format_factor(most)}"
    elif most > 0:
        title = f"Why hardly a {digit}: covering the darkest violet multiplies its odds by {format_factor(most)}"
    figure, (left, right) = start_figure(title, 8.6, 4, 1, 2)
    left.imshow(picture, **INK)
    left.set_xlabel("as the network saw it")
    scale = most or 1
    shown = right.imshow(fall, cmap="PuOr_r", vmin=-scale, vmax=scale, interpolation="nearest")
    if picture.any():
        right.contour(picture, levels=[picture.max() / 4], colors="black", linewidths=1.2)
    right.set_xlabel(f"orange speaks for a {digit}, violet against it")
    hide_axes(left)
    hide_axes(right)
    figure.colorbar(shown, ax=right, label="fall in log-odds when covered", shrink=0.85)
    return figure
