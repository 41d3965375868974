"""Figures made of pictures: samples, means, variations, the way into MNIST's form."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from digitrec.plots.findings import find_largest, join
from digitrec.plots.style import DIGITS, INK, check_images, check_length, hide_axes, start_figure, styled, tile


@styled
def sample_grid(images: ArrayLike, labels: ArrayLike, per_digit: int = 10) -> Figure:
    """Show the first `per_digit` pictures of every digit, a row each."""
    pictures = check_images(images)
    labels = check_length(labels, len(pictures), "labels")
    grid = np.zeros((10, per_digit, *pictures.shape[1:]), np.uint8)
    for digit in DIGITS:
        chosen = pictures[labels == digit][:per_digit]
        grid[digit, : len(chosen)] = chosen
    fewest = min(np.count_nonzero(labels == digit) for digit in DIGITS)
    title = (
        f"{'Up to ' if fewest < per_digit else ''}{per_digit} ways to write each digit, from {len(pictures):,} pictures"
    )
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
    alike, unlike = (
        join([f"the {digit}" for digit in find_largest(sign * np.array(spread), 0)], "digits") for sign in (-1, 1)
    )
    title = f"Writers agree most on {alike}, least on {unlike}"
    if alike == unlike:
        title = "Writers agree as much on one digit as on another"
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
    title = f"{count} of the many ways in which training may see each of {n} pictures"
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
def picture_rows(rows: Mapping[str, ArrayLike], title: str | None = None) -> Figure:
    """Show several kinds of pictures, a row each over its name.

    Args:
        rows: by name, uint8 (n, height, width); rows may differ in n.
        title: what there is to see; None counts the pictures.
    """
    pictures = {name: check_images(images) for name, images in rows.items()}
    if not pictures:
        raise ValueError("rows: expected at least one row of pictures")
    width = max(map(len, pictures.values()))
    if title is None:
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
