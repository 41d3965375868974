"""The weights that a sprint starts from, in numpy: drawn at random, or the patterns that pictures are made of."""

import numpy as np
from numpy.typing import NDArray

from digitrec.sprint.recipe import Recipe

Weights = dict[str, NDArray[np.float32]]

_KERNEL = 5
_PICTURES = 200  # whose patches tell the patterns: 80,000 patches and more, a few milliseconds


def list_shapes(recipe: Recipe) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of weights, by name, in the order in which a picture passes them."""
    flat = recipe.map_side**2 * recipe.second
    return {
        "first": (_KERNEL, _KERNEL, 1, recipe.first),
        "first_bias": (recipe.first,),
        "second": (3, 3, recipe.first, recipe.second),
        "second_bias": (recipe.second,),
        "dense": (flat, recipe.dense),
        "dense_bias": (recipe.dense,),
        "logits": (recipe.dense, 10),
        "logits_bias": (10,),
    }


def count_weights(recipe: Recipe) -> int:
    """Count the weights of a recipe's network, those that do not learn included.

    >>> count_weights(Recipe())
    215210
    """
    return sum(int(np.prod(shape)) for shape in list_shapes(recipe).values())


def count_multiplications(recipe: Recipe) -> int:
    """Count the multiplications of reading one picture once.

    >>> count_multiplications(Recipe())
    1244160
    """
    shapes = list_shapes(recipe)
    full = recipe.side - 4
    half = full // 2
    places = {"first": (full if recipe.halving == "pooling" else half) ** 2, "second": (half - 2) ** 2}
    return sum(int(np.prod(shape)) * places.get(name, 1) for name, shape in shapes.items() if len(shape) > 1)


def draw_weights(recipe: Recipe, images: NDArray[np.uint8], seed: int) -> Weights:
    """Draw the weights that training starts from, after He et al. (2015); biases are zero.

    Args:
        recipe: with `fixed`, the first convolution holds `find_patterns` of the images, and is no chance's matter.
        images: uint8 (n, side, side).
        seed: the same seed gives the same weights.

    Returns:
        float32 arrays by the names of `list_shapes`.
    """
    rng = np.random.default_rng(seed)
    weights: Weights = {}
    for name, shape in list_shapes(recipe).items():
        gain = 0.0 if name.endswith("bias") else 1.0 if name == "logits" else 2.0
        scale = np.sqrt(gain / np.prod(shape[:-1]))
        weights[name] = (scale * rng.standard_normal(shape)).astype(np.float32)
    if recipe.fixed:
        weights["first"] = find_patterns(images, recipe.first)
    return weights


def find_patterns(images: NDArray[np.uint8], filters: int) -> NDArray[np.float32]:
    """Find the commonest patterns of 5x5 pixels: principal components of the patches, each as it is and negated.

    Behind a ReLU a pattern and its negative keep what it says. Each is scaled to answer with half a unit in the root
    mean square, which whitens them, as the first layer of Jordan's airbench (2024) is.

    Args:
        images: uint8 (n, side, side); the first 200 are looked at.
        filters: how many, an even number.

    Returns:
        float32 (5, 5, 1, filters), for pixels in 0-1.

    Raises:
        ValueError: an odd number of filters, or more than fifty.

    >>> from digitrec import load_digits
    >>> patterns = find_patterns(load_digits()[0][0], 6)
    >>> patterns.shape, bool((patterns[..., 3:] == -patterns[..., :3]).all())
    ((5, 5, 1, 6), True)
    """
    if filters % 2 or filters > 2 * _KERNEL**2:
        raise ValueError(f"filters: expected an even number up to {2 * _KERNEL**2}, got {filters}")
    windows = np.lib.stride_tricks.sliding_window_view(images[:_PICTURES], (_KERNEL, _KERNEL), axis=(1, 2))
    patches = windows.reshape(-1, _KERNEL**2).astype(np.float32) / 255
    patches = patches[patches.max(axis=1) > 0]  # of empty paper there is nothing to learn
    squares, directions = np.linalg.eigh(patches.T @ patches / len(patches))  # ascending
    leading = slice(None, -filters // 2 - 1, -1)
    half = 0.5 * directions[:, leading] / np.sqrt(squares[leading])
    return np.concatenate([half, -half], axis=1).reshape(_KERNEL, _KERNEL, 1, filters).astype(np.float32)
