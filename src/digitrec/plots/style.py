"""What all figures share: palette, form, and checks of what they are given."""

import functools
import inspect
import io
import math
import textwrap
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from numpy.typing import ArrayLike, NDArray
from PIL import Image

_given: ContextVar[Axes | None] = ContextVar("_given", default=None)  # what the figure under way is drawn onto
# Okabe and Ito's palette: told apart by colour-blind readers, and in grey by their lightness.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#E69F00", "#009E73", "#8A8A8A"
DIGITS = np.arange(10)
TITLE: dict[str, Any] = {"fontsize": 13, "fontweight": "bold"}
# What speaks against a reading, nothing, and what speaks for it.
FOR_AND_AGAINST = LinearSegmentedColormap.from_list("for and against", [BLUE, "white", ORANGE])
INK: dict[str, Any] = {"cmap": "gray_r", "interpolation": "nearest", "vmin": 0, "vmax": 255}
STYLE: dict[str, Any] = {
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "legend.frameon": False,
    "lines.linewidth": 2,
}


def draw_png(figure: Figure) -> bytes:
    """Draw a figure as a PNG; the same figure gives the same bytes."""
    drawn, reduced = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    with Image.open(drawn) as picture:
        # 256 colours look the same, and halve a file that is committed.
        picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE).save(reduced, "png", optimize=True)
    return reduced.getvalue()


class _Figure(Figure):
    """A figure that a notebook displays by itself, as only pyplot's own would be."""

    def _repr_png_(self) -> bytes:
        return draw_png(self)


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw under the house style, leaving the caller's rcParams as they were; onto the axes `ax` where they are given.

    A figure of several axes shares out the place of the one it is given.
    """
    own = inspect.signature(draw)
    ax = inspect.Parameter("ax", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Axes | None)

    @functools.wraps(draw)
    def styled(*args: Any, ax: Axes | None = None, **kwargs: Any) -> Figure:
        if ax is not None and not isinstance(ax, Axes):
            raise TypeError(f"ax: expected matplotlib's Axes, got {type(ax).__name__}; of several, give one")
        token = _given.set(ax)
        try:
            with style.context(["default", STYLE]):
                return draw(*args, **kwargs)
        finally:
            _given.reset(token)

    styled.__signature__ = own.replace(parameters=[*own.parameters.values(), ax])  # type: ignore[attr-defined]
    return styled


def start_figure(title: str, width: float, height: float, rows: int = 1, columns: int = 1, **options):
    """Begin a figure (inches) with its message on top, in as many lines as it needs; return it and its axes."""
    if (ax := _given.get()) is not None:
        return ax.get_figure(), _share_out(ax, title, rows, columns, **options)
    # Not pyplot: its list of open figures would keep every one of them alive.
    figure = _Figure(figsize=(width, height))
    figure.suptitle(_break_lines(title, 72 * 0.98 * width), x=0.01, ha="left", **TITLE)
    return figure, figure.subplots(rows, columns, **options)


def _share_out(ax: Axes, title: str, rows: int, columns: int, squeeze: bool = True, **options: Any) -> Any:
    """Set the message over given axes; return them, or as many in their place as are asked for."""
    width = ax.get_window_extent().width / ax.figure.dpi
    ax.set_title(_break_lines(title, 72 * width, 10), loc="left", **{**TITLE, "fontsize": 10})
    if rows * columns == 1:
        return ax if squeeze else np.array([[ax]])
    spec = ax.get_subplotspec()
    if spec is None:
        raise ValueError("ax: a figure of several axes needs axes that plt.subplots made, whose place it can share out")
    ax.set_axis_off()
    ratios = {name: options.pop(name) for name in ("width_ratios", "height_ratios") if name in options}
    grid: Any = spec.subgridspec(rows, columns, **ratios).subplots
    return grid(squeeze=squeeze, **options)


def add_legend(axes: Axes, **options: Any) -> None:
    """Explain what is drawn: below a figure of its own, within given axes."""
    if _given.get() is not None:
        axes.legend(fontsize=8, title=options.get("title"))
    else:
        axes.figure.legend(loc="outside lower center", **options)


def _break_lines(title: str, width_points: float, size: float = TITLE["fontsize"]) -> str:
    """Break a title into as few lines as fit, about equally long, and no number from its per cent."""
    font = FontProperties(size=size, weight=TITLE["fontweight"])
    needed, *_ = text_to_path.get_text_width_height_descent(title, font, ismath=False)
    lines = max(1, math.ceil(needed / width_points))
    joined = title.replace(" %", "\0%")
    fitting = (textwrap.wrap(joined, longest) for longest in range(len(joined) // lines + 1, len(joined) + 2))
    return "\n".join(next(broken for broken in fitting if len(broken) <= lines)).replace("\0", " ")


def check_images(images: ArrayLike, shape: str = "(n, height, width)") -> NDArray[np.uint8]:
    pictures = np.asarray(images)
    if pictures.dtype != np.uint8 or pictures.ndim != shape.count(",") + 1 or not pictures.size:
        raise ValueError(f"images: expected uint8 {shape}, got {pictures.dtype} {pictures.shape}")
    return pictures


def check_length(values: ArrayLike, n: int, name: str) -> NDArray:
    array = np.asarray(values)
    if array.shape[:1] != (n,):
        raise ValueError(f"{name}: expected {n} of them, got shape {array.shape}")
    return array


def format_factor(log_odds: float) -> str:
    """Write what a difference of log-odds multiplies odds by, to the digits that mean something."""
    factor = math.exp(log_odds)
    return (
        f"{factor:.1f}" if factor < 10 else f"{float(f'{factor:.1g}'):,.0f}" if factor < 1e6 else "a million and more"
    )


def tile(pictures: NDArray, gap: int = 3) -> NDArray:
    """Lay (rows, columns, height, width) out as one picture: far faster than an axes for each."""
    padded = np.pad(pictures, ((0, 0), (0, 0), (gap, gap), (gap, gap)))
    rows, columns, height, width = padded.shape
    return padded.swapaxes(1, 2).reshape(rows * height, columns * width)


def hide_axes(axes) -> None:
    """Take ticks and frame away: a picture needs none."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
