"""Random variations of prepared digits, batch by batch; numpy alone, so every Keras backend sees the same pixels."""

import numpy as np

from digitrec.config import TrainConfig

SIDE = 28
_GRID = 6  # control points a side of the elastic field: one every five pixels, about a stroke's width apart


def _smoothing_matrix() -> np.ndarray:
    """Return (28, 6) weights that spread control points smoothly over the pixels, rows of unit norm."""
    pixels, points = np.arange(SIDE), np.linspace(0, SIDE - 1, _GRID)
    weights = np.exp(-((pixels[:, None] - points) ** 2) / (2 * 4.0**2))
    return (weights / np.linalg.norm(weights, axis=1, keepdims=True)).astype(np.float32)


_SMOOTHING = _smoothing_matrix()


def augment(x: np.ndarray, config: TrainConfig, rng: np.random.Generator) -> np.ndarray:
    """Vary each image at random: affine and elastic warp, stroke width, blur, ink, missing patches.

    Args:
        x: float32 (n, 28, 28, 1) in 0-1, ink bright.
        config: the strengths; a strength of zero leaves that variation out.
        rng: source of all randomness, so that the same state gives the same images.

    Returns:
        float32 (n, 28, 28, 1) in 0-1, a new array.

    >>> from digitrec import TrainConfig, load_digits, prepare
    >>> (images, labels), _ = load_digits()
    >>> augment(prepare(images[:8]), TrainConfig(), np.random.default_rng(0)).shape
    (8, 28, 28, 1)
    """
    images = warp(x[..., 0], config, rng)
    if config.flip:
        flipped = rng.random(len(images)) < 0.5
        images[flipped] = images[flipped, :, ::-1]
    if config.stroke:
        images = change_stroke(images, rng.uniform(-config.stroke, config.stroke, len(images)))
    if config.blur:
        share = _per_image(rng.uniform(0, config.blur, len(images)))
        images += share * (_binomial_blur(images) - images)
    if config.fade:
        images *= _per_image(1 - rng.uniform(0, config.fade, len(images)))
    if config.erase:
        _erase_patches(images, config.erase, rng)
    return images[..., None]


def warp(images: np.ndarray, config: TrainConfig, rng: np.random.Generator) -> np.ndarray:
    """Rotate, shift, scale, slant and bend each image in a single bilinear resampling.

    The elastic part follows Simard, Steinkraus and Platt (2003): a random displacement field, smoothed.

    Args:
        images: float32 (n, 28, 28); what lies outside counts as 0.
        config: rotation (degrees), shift (pixels), scale, shear, elastic (pixels).
        rng: source of randomness.

    Returns:
        float32 (n, 28, 28).
    """
    n = len(images)

    def draw(strength: float) -> np.ndarray:
        return rng.uniform(-strength, strength, n).astype(np.float32)

    angle = np.deg2rad(draw(config.rotation))
    cos, sin, shear = np.cos(angle), np.sin(angle), draw(config.shear)
    scale_y, scale_x = 1 + draw(config.scale), 1 + draw(config.scale)
    centre = (SIDE - 1) / 2
    y = (np.arange(SIDE, dtype=np.float32) - centre)[None, :, None]
    x = (np.arange(SIDE, dtype=np.float32) - centre)[None, None, :]
    # The inverse map: for each pixel of the result, where to look in the source.
    source_y = _per_image(cos / scale_y) * y + _per_image(sin / scale_x) * x + _per_image(draw(config.shift) + centre)
    source_x = (
        _per_image((shear * cos - sin) / scale_y) * y
        + _per_image((shear * sin + cos) / scale_x) * x
        + _per_image(draw(config.shift) + centre)
    )
    if config.elastic:
        field = rng.standard_normal((2, n, _GRID, _GRID), dtype=np.float32) * np.float32(config.elastic)
        field = _SMOOTHING @ field @ _SMOOTHING.T
        source_y += field[0]
        source_x += field[1]
    return _sample_bilinear(images, source_y, source_x)


def _sample_bilinear(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Read float32 (n, 28, 28) images at fractional pixel positions; positions outside read 0."""
    width = SIDE + 3  # one empty pixel before, two behind: every neighbour of a clipped position exists
    padded = np.zeros((len(images), width, width), np.float32)
    padded[:, 1 : SIDE + 1, 1 : SIDE + 1] = images
    flat = padded.ravel()
    np.clip(y, -1, SIDE, out=y)
    np.clip(x, -1, SIDE, out=x)
    y += 1
    x += 1
    row, column = y.astype(np.int32), x.astype(np.int32)
    y -= row
    x -= column
    index = row
    index *= width
    index += column
    index += (np.arange(len(images), dtype=np.int32) * (width * width))[:, None, None]
    top, bottom = flat.take(index), flat.take(index + width)
    top += x * (flat.take(index + 1) - top)
    bottom += x * (flat.take(index + (width + 1)) - bottom)
    bottom -= top
    bottom *= y
    bottom += top
    return bottom


def change_stroke(images: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Thicken (amount > 0) or thin (amount < 0) strokes by mixing in a grey dilation or erosion.

    Args:
        images: float32 (n, 28, 28) in 0-1.
        amount: float (n,) in -1 to 1; 1 widens a stroke by about one pixel on either side.

    Returns:
        float32 (n, 28, 28) in 0-1.
    """
    changed = images.copy()
    for chosen, extreme in ((amount > 0, np.maximum), (amount < 0, np.minimum)):
        part = images[chosen]
        reached = part.copy()
        for axis in (1, 2):
            ahead, behind = [slice(None)] * 3, [slice(None)] * 3
            ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
            extreme(reached[tuple(ahead)], part[tuple(behind)], out=reached[tuple(ahead)])
            extreme(reached[tuple(behind)], part[tuple(ahead)], out=reached[tuple(behind)])
        changed[chosen] += _per_image(np.abs(amount[chosen])) * (reached - part)
    return changed


def _binomial_blur(images: np.ndarray) -> np.ndarray:
    """Convolve with the 3x3 binomial kernel, edges left as they are."""
    blurred = images.copy()
    blurred[:, 1:-1] = 0.25 * (images[:, :-2] + images[:, 2:]) + 0.5 * images[:, 1:-1]
    images = blurred.copy()
    blurred[:, :, 1:-1] = 0.25 * (images[:, :, :-2] + images[:, :, 2:]) + 0.5 * images[:, :, 1:-1]
    return blurred


def _erase_patches(images: np.ndarray, share: float, rng: np.random.Generator) -> None:
    """Set one random patch of 3 to 6 pixels a side to zero in that share of the images, in place."""
    for i in np.flatnonzero(rng.random(len(images)) < share):
        height, width = rng.integers(3, 7, 2)
        top, left = rng.integers(4, 24 - height), rng.integers(4, 24 - width)
        images[i, top : top + height, left : left + width] = 0


def _per_image(values: np.ndarray) -> np.ndarray:
    """Give (n,) values the shape (n, 1, 1) and the type of the images."""
    return values.astype(np.float32)[:, None, None]
