"""Strips varied on the fly, so that one kept through several epochs is never quite the same."""

import numpy as np
from numpy.typing import NDArray

from digitrec.augmentation import make_smoothing, sample_bilinear
from digitrec.numbers.config import NumberConfig

Floats = NDArray[np.floating]

_APART = 6  # pixels between the control points that bend a strip: about a third of a digit


def vary(
    strips: NDArray[np.uint8],
    spans: Floats,
    widths: NDArray,
    columns: int,
    config: NumberConfig,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray, Floats]:
    """Vary strips: their form (stretch, scale, shift, slant, bends), then their ink (gamma, fading, blur, noise).

    Args:
        strips: uint8 (n, 32, w), zero beyond their widths.
        spans: float (n, most, 2), the ends of each character in pixels; NaN where there is none.
        widths: int (n,).
        columns: of the varied strips; none gets wider.
        config: how strongly.
        rng: source of all randomness.

    Returns:
        float32 (n, 32, columns) in 0-1, and widths and spans as they are now.
    """
    n = len(strips)
    largest = columns / np.maximum(widths, 1)
    stretch = np.minimum(1 + config.stretch * rng.uniform(-1, 1, n), largest)
    x = _bend(strips, stretch, columns, config, rng)
    new_widths = np.clip(np.round(widths * stretch), 1, columns).astype(np.int64)
    x = _repaint(x, config, rng)
    x *= np.arange(columns) < new_widths[:, None, None]
    return x, new_widths, spans * stretch[:, None, None].astype(np.float32)


def _bend(
    strips: NDArray[np.uint8], stretch: Floats, columns: int, config: NumberConfig, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Stretch, scale, shift, slant and bend strips in a single bilinear resampling."""
    n, height, _ = strips.shape
    draw = lambda low, high: rng.uniform(low, high, (n, 1, 1)).astype(np.float32)  # noqa: E731
    about = lambda half: draw(-half, half)  # noqa: E731
    middle = np.float32((height - 1) / 2)
    rows = np.arange(height, dtype=np.float32)[:, None] - middle
    # For each pixel of the result, where to look in the strip.
    x = np.arange(columns, dtype=np.float32) / stretch[:, None, None].astype(np.float32) + about(config.shear) * rows
    y = np.repeat(rows * (1 + about(config.scale)) + (about(config.shift) + middle), columns, axis=2)
    if config.elastic:
        points = max(columns // _APART, 2)
        field = rng.standard_normal((2, n, height // _APART, points), dtype=np.float32) * draw(0, config.elastic)
        field = make_smoothing(height, height // _APART) @ field @ make_smoothing(columns, points).T
        y += field[0]
        x += field[1]
    return sample_bilinear(strips / np.float32(255), y, x)


def _repaint(x: NDArray[np.float32], config: NumberConfig, rng: np.random.Generator) -> NDArray[np.float32]:
    """Change how strong the ink is, and how clean."""
    n, _, width = x.shape
    some = lambda share: np.flatnonzero(rng.random(n) < share)  # noqa: E731
    x = x ** np.exp(rng.uniform(-config.gamma, config.gamma, (n, 1, 1)).astype(np.float32))
    ends = 1 - config.fade * rng.random((2, n, 1, 1), dtype=np.float32) ** 2
    x *= ends[0] + (ends[1] - ends[0]) * np.linspace(0, 1, width, dtype=np.float32)
    for i in some(config.blur):
        x[i, :, 1:-1] = 0.25 * x[i, :, :-2] + 0.5 * x[i, :, 1:-1] + 0.25 * x[i, :, 2:]
        x[i, 1:-1] = 0.25 * x[i, :-2] + 0.5 * x[i, 1:-1] + 0.25 * x[i, 2:]
    grainy = some(0.5)
    strength = config.noise * rng.random((len(grainy), 1, 1), dtype=np.float32)
    x[grainy] += strength * rng.standard_normal((len(grainy), *x.shape[1:]), dtype=np.float32)
    return np.clip(x, 0, 1)
