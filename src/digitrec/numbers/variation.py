"""Strips varied on the fly, so that one kept through several epochs is never quite the same."""

import numpy as np
from numpy.typing import NDArray

from digitrec.numbers.config import NumberConfig

Floats = NDArray[np.floating]


def vary(
    strips: NDArray[np.uint8],
    spans: Floats,
    widths: NDArray,
    columns: int,
    config: NumberConfig,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray, Floats]:
    """Vary strips: their form (stretch, scale, shift, slant), then their ink (gamma, fading, blur, noise).

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
    """Resample strips, linearly: each row along itself, then the rows."""
    n, height, width = strips.shape
    draw = lambda half: rng.uniform(-half, half, (n, 1, 1))  # noqa: E731
    rows = np.arange(height) - (height - 1) / 2
    slant = draw(config.shear) * rows[:, None]
    at = np.clip(np.arange(columns) / stretch[:, None, None] + slant, 0, width - 1).astype(np.float32)
    left = at.astype(np.int64)
    share = at - left
    flat = strips.reshape(n * height, width)
    base = (np.arange(n * height) * width).reshape(n, height, 1)
    x = flat.ravel()[base + left] * (1 - share) + flat.ravel()[base + np.minimum(left + 1, width - 1)] * share
    source = rows * (1 + draw(config.scale)) + draw(config.shift) + (height - 1) / 2
    weights = np.maximum(1 - np.abs(source.transpose(0, 2, 1) - np.arange(height)), 0)
    return weights.astype(np.float32) @ (x.astype(np.float32) / np.float32(255))


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
