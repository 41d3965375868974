"""Figures of how methods compare: by errors and time, by what they need to see, and on real handwriting."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from matplotlib.transforms import Bbox
from numpy.typing import ArrayLike, NDArray

from digitrec.plots.findings import differ, join
from digitrec.plots.style import BLUE, GREEN, GREY, ORANGE, add_legend, check_length, start_figure, styled

# Of the few curves that are told apart, in grey by their markers; the others stay thin.
_LOOKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), ("black", "D"), ("#D55E00", "v"), ("#CC79A7", "P"))


@styled
def accuracy_against_time(
    names: Sequence[str], accuracy: ArrayLike, time_per_image_s: ArrayLike, p_best: ArrayLike
) -> Figure:
    """Show what each method gets right against the time it takes for an image, both logarithmic.

    Args:
        names: of n methods.
        accuracy: on the test set, 0-1, (n,).
        time_per_image_s: (n,).
        p_best: (n,), of McNemar's test against the most accurate, as `study.tabulate` has it.
    """
    errors = 100 * (1 - check_length(accuracy, len(names), "accuracy"))
    wrong = np.maximum(errors, errors.min(initial=100, where=errors > 0) / 2)  # a logarithmic axis has no zero
    time_ms = 1000 * check_length(time_per_image_s, len(names), "time_per_image_s")
    title = _title_times(names, errors, time_ms, check_length(p_best, len(names), "p_best"))
    figure, axes = start_figure(title, 9.5, 6)
    on_front = [not ((wrong < w) & (time_ms <= t)).any() for w, t in zip(wrong, time_ms, strict=True)]
    for kept, look in ((True, {"color": BLUE, "marker": "o"}), (False, {"color": "#BDBDBD", "marker": "s"})):
        chosen = np.array(on_front) == kept
        label = "no method is both faster and better" if kept else "another is faster and better"
        axes.plot(time_ms[chosen], wrong[chosen], linestyle="", markersize=9, label=label, **look)
    axes.set_xscale("log")
    axes.set_xlim(time_ms.min() / 2, time_ms.max() * 40)
    _scale_errors(axes, wrong)
    _label_points(figure, axes, time_ms, wrong, names)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="time per image, ms (log scale)", ylabel="accuracy on the test set, % (log of the errors)")
    axes.grid()
    add_legend(axes, ncols=2)
    return figure


def _label_points(figure: Figure, axes: Axes, x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> None:
    """Write each name beside its point: to the right, or where it covers no other name, no other point and no axis."""
    figure.draw_without_rendering()  # the layout decides how many points apart the data are
    frame = axes.get_window_extent()
    left_end, right_end = frame.x0 * 72 / figure.dpi, frame.x1 * 72 / figure.dpi
    points = axes.transData.transform(np.column_stack([x, y])) * 72 / figure.dpi
    taken = [Bbox.from_bounds(left - 6, low - 6, 12, 12) for left, low in points]
    for (left, low), name, at in zip(points, names, zip(x, y, strict=True), strict=True):
        text = axes.annotate(name, at, (9, 0), textcoords="offset points", fontsize=10, va="center")
        size = text.get_window_extent()
        width, height = size.width * 72 / figure.dpi, size.height * 72 / figure.dpi
        sides = [(side, dy) for dy in (0, 10, -10, 20, -20) for side in (9, -9 - width)]
        boxes = [Bbox.from_bounds(left + dx, low + dy - height / 2, width, height) for dx, dy in sides]
        crowded = [
            sum(box.overlaps(other) for other in taken) + 2 * (box.x0 < left_end or box.x1 > right_end) for box in boxes
        ]
        best = int(np.argmin(crowded))
        text.set_position(sides[best])
        taken.append(boxes[best])


def _title_times(names: Sequence[str], errors: NDArray, time_ms: NDArray, p_best: NDArray) -> str:
    """Name the fastest of those that the most accurate is ahead of by no more than chance, itself among them."""
    best = int(errors.argmin())
    equal = [i for i in range(len(names)) if i == best or p_best[i] >= 0.05]
    quick = min(equal, key=lambda i: time_ms[i])
    title = f"{names[quick]}: {errors[quick]:.2f} % errors in {time_ms[quick]:.2g} ms an image"
    if quick != best:
        return f"{title}; the lead of {names[best]}, {errors[best]:.2f} %, may be chance"
    others = [names[i] for i in equal if i != best]
    return title + (f"; behind by no more than chance: {join(others)}" if others else ", the fewest of all")


@styled
def learning_curves(
    curves: Mapping[str, Mapping[Any, float]], validation: int, families: Mapping[str, str] | None = None
) -> Figure:
    """Show validation accuracy by number of training images: in colour who leads, and the best of each family.

    Args:
        curves: by method, accuracy (0-1) by number of images.
        validation: pictures that the accuracies were measured on.
        families: by method, what it is akin to; None makes all of them one family.
    """
    accuracy = {name: {int(n): share for n, share in curve.items()} for name, curve in curves.items()}
    fewest = 50 / validation  # half a picture, %: what stands for none on a logarithmic axis
    wrong = {
        name: np.array([max(100 * (1 - curve[n]), fewest) for n in sorted(curve)]) for name, curve in accuracy.items()
    }
    leaders = _find_leaders(accuracy, validation)
    figure, axes = start_figure(_title_curves(leaders, len(curves)), 9.5, 6)
    looks = dict(zip(_choose_coloured(wrong, leaders, families), _LOOKS, strict=False))
    sizes = {name: sorted(curve) for name, curve in accuracy.items()}
    for name, n in sizes.items():
        color, marker = looks.get(name, ("#B4B4B4", None))
        look = {"marker": marker, "linewidth": 2.2, "zorder": 3} if marker else {"linewidth": 0.9}
        axes.plot(n, wrong[name], color=color, markersize=7, **look)
    axes.set_xscale("log")
    _scale_errors(axes, np.concatenate(list(wrong.values())))
    axes.set_xticks(sorted(set().union(*sizes.values())), minor=False)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    meaning = "in colour: the best of each family, and who leads at some size"
    axes.set(xlabel=f"training images (log scale)\n({meaning})", ylabel="validation accuracy, % (log of the errors)")
    axes.grid()
    _label_ends(figure, axes, {name: (sizes[name][-1], wrong[name][-1]) for name in sizes}, looks)
    return figure


def _scale_errors(axes: Axes, wrong: NDArray) -> None:
    """Make the y axis one of errors (%), logarithmic, that rises with accuracy and is labelled with it."""
    axes.set_yscale("log")
    axes.set_ylim(wrong.max() * 1.4, wrong.min() / 1.4)
    ticks = (80, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1)
    axes.set_yticks([tick for tick in ticks if wrong.min() / 1.4 < tick < wrong.max() * 1.4])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 - value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _find_leaders(accuracy: Mapping[str, Mapping[int, float]], validation: int) -> dict[int, list[str]]:
    """Return by size, for those that all have, who is most accurate and who is behind by no more than chance."""
    leaders = {}
    for n in sorted(set.intersection(*(set(curve) for curve in accuracy.values()))):
        hits = {name: round(curve[n] * validation) for name, curve in accuracy.items()}
        first, *others = sorted(hits, key=hits.__getitem__, reverse=True)
        ties = [name for name in others if not differ(hits[name], validation, hits[first], validation)]
        leaders[n] = [first, *ties]
    return leaders


def _choose_coloured(
    wrong: Mapping[str, NDArray], leaders: Mapping[int, list[str]], families: Mapping[str, str] | None
) -> list[str]:
    """Return the best of each family, then who leads at the most images, and so on down to the fewest."""
    of_family: dict[str, str] = {}
    for name in sorted(wrong, key=lambda name: wrong[name][-1]):
        of_family.setdefault("" if families is None else families[name], name)
    return list(dict.fromkeys([*of_family.values(), *(leaders[n][0] for n in sorted(leaders, reverse=True))]))


def _title_curves(leaders: Mapping[int, list[str]], methods: int) -> str:
    """Name who leads at all sizes or, where that changes, at the fewest and the most images; ties as such."""
    if not leaders:
        return f"{methods} methods, measured with different numbers of images"
    few, many = min(leaders), max(leaders)
    sizes = f"with {few:,} images" if few == many else f"at every size from {few:,} to {many:,} images"
    always = [name for name in leaders[many] if all(name in group for group in leaders.values())]
    if always and all(len(group) == 1 for group in leaders.values()):
        return f"{always[0]} leads {sizes}"
    if always:
        return f"None is ahead of {_name_group(always)} by more than chance {sizes}"
    equal = {n: ", about equal" if len(group) > 1 else "" for n, group in leaders.items()}
    with_few = f"At the top with {few:,} images: {_name_group(leaders[few])}{equal[few]}"
    return f"{with_few}; with {many:,}: {_name_group(leaders[many])}{equal[many]}"


def _name_group(names: Sequence[str]) -> str:
    """Name one or two, and count what more there are."""
    first, *others = (f"“{name}”" if "," in name else name for name in names)
    return join([first, *others]) if len(names) < 3 else f"{first} and {len(others)} others"


def _label_ends(figure: Figure, axes: Axes, ends: Mapping[str, tuple], looks: Mapping[str, tuple[str, str]]) -> None:
    """Write each curve's name beside its end; names of close ends move apart, each with a line to its own."""
    figure.draw_without_rendering()  # the layout decides how many points apart the ends are
    names = sorted(ends, key=lambda name: axes.transData.transform(ends[name])[1])
    heights = np.array([axes.transData.transform(ends[name])[1] for name in names]) * 72 / figure.dpi
    steps = 14.0 * np.arange(len(names))
    pushed_up = np.maximum.accumulate(heights - steps) + steps
    pushed_down = np.minimum.accumulate((heights - steps)[::-1])[::-1] + steps
    for name, height, place in zip(names, heights, (pushed_up + pushed_down) / 2, strict=True):
        color, weight = ("black", "bold") if name in looks else ("#606060", "normal")
        line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 5, "relpos": (0, 0.5)}
        axes.annotate(
            name, ends[name], (26, place - height), textcoords="offset points", va="center", fontsize=10, color=color,
            fontweight=weight, arrowprops=line, annotation_clip=False,
        )  # fmt: skip


@styled
def real_against_test(names: Sequence[str], test: ArrayLike, real: ArrayLike) -> Figure:
    """Show each method's accuracy (0-1) on MNIST's test set beside its mean over sets of real handwriting."""
    known = 100 * check_length(test, len(names), "test")
    unknown = 100 * check_length(real, len(names), "real")
    spread = f"{np.ptp(known):.1f} points on the test set, {np.ptp(unknown):.1f} on real handwriting"
    figure, axes = start_figure(f"From worst to best method: {spread}", 9, 0.36 * len(names) + 1.8)
    places = np.arange(len(names))
    axes.hlines(places, unknown, known, color=GREY, linewidth=1)
    axes.plot(known, places, "D", color=ORANGE, markersize=7, label="MNIST's test set")
    axes.plot(unknown, places, "o", color=BLUE, markersize=8, label="real handwriting, mean of the sets")
    for place, share, other in zip(places, unknown, known, strict=True):
        aside, side = (-7, "right") if share <= other else (7, "left")
        axes.annotate(f"{share:.1f}", (share, place), (aside, 0), textcoords="offset points", ha=side, va="center")
    axes.set(xlabel="accuracy, % (zoomed axis)", yticks=places, yticklabels=names)
    axes.set_xlim(min(known.min(), unknown.min()) - 6, 101)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    add_legend(axes, ncols=2)
    return figure
