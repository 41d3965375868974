"""Figures of work shared among machines: how much sooner it is done, and from how much of it on."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from digitrec.plots.style import BLUE, GREEN, GREY, ORANGE, add_legend, check_length, start_figure, styled

_COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7")


@styled
def speedup_curves(workers: Sequence[int], speedups: Mapping[str, ArrayLike]) -> Figure:
    """Show how many times sooner jobs are done the more workers there are, on logarithmic axes.

    Args:
        workers: how many, ascending.
        speedups: by name of the work, the time of one process over that of so many workers, float (n,).
    """
    curves = {name: check_length(values, len(workers), name).astype(float) for name, values in speedups.items()}
    last = {name: values[-1] for name, values in curves.items()}
    most, least = max(last, key=last.__getitem__), min(last, key=last.__getitem__)
    title = f"On {workers[-1]} workers: {most} done {last[most]:.0f} times sooner"
    if most != least:
        title += f", {least} {last[least]:.1f} times"
    figure, axes = start_figure(title, 9, 5)
    axes.plot(workers, workers, "--", color=GREY, label="as many times as workers")
    axes.axhline(1, color=GREY, linewidth=1)
    for (name, values), colour in zip(curves.items(), _COLOURS, strict=False):
        axes.plot(workers, values, "o-", color=colour, label=name)
    axes.set(xscale="log", yscale="log", xlabel="workers", ylabel="times sooner than one process")
    axes.set_xticks(list(workers), [str(n) for n in workers], minor=False)
    axes.minorticks_off()
    axes.grid()
    add_legend(axes, ncols=2)
    return figure


@styled
def break_even_curves(
    work_s: ArrayLike, times_s: Mapping[str, ArrayLike], unit: str = "work of one process, seconds"
) -> Figure:
    """Show how long work takes, the more of it there is, and from where on one process is no longer the first.

    Args:
        work_s: amounts of work, float (n,), ascending, in seconds of one process.
        times_s: by who does it, the seconds from the command to the last result, float (n,); the first is one process.
        unit: of the work, for the axis.
    """
    work = np.asarray(work_s, float)
    curves = {name: check_length(values, len(work), name).astype(float) for name, values in times_s.items()}
    (first, alone), *others = curves.items()
    sooner = np.flatnonzero(np.min([values for _, values in others], axis=0) < alone) if others else np.array([], int)
    where = f"from about {work[sooner[0]]:.0f} s of work on" if len(sooner) else "never, of what is shown"
    figure, axes = start_figure(f"A cluster is done before {first} {where}", 9, 5)
    for (name, values), colour in zip(curves.items(), (GREY, *_COLOURS), strict=False):
        axes.plot(work, values, color=colour, label=name)
    if len(sooner):
        axes.axvline(work[sooner[0]], color="black", linewidth=1, linestyle=":")
    axes.set(xscale="log", yscale="log", xlabel=unit, ylabel="seconds to the last result")
    axes.grid()
    add_legend(axes, ncols=3)
    return figure
