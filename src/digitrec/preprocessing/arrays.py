"""Arrays as tutorials make them: a digit of MNIST in whatever shape and scale it is passed around."""

import os
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec.preprocessing.inspection import PictureError

_MEAN, _DEVIATION = 0.1307, 0.3081  # of MNIST's training pixels in 0-1, by which PyTorch's examples normalise
_LEAST_TALL = 5  # rows of 28 that a digit goes through at least
_BLACK, _WHITE = -_MEAN / _DEVIATION, (1 - _MEAN) / _DEVIATION


def is_array(picture: Any) -> bool:
    """Tell whether something is an array, a tensor, or a list of numbers; an image of Pillow is not meant."""
    if isinstance(picture, np.ndarray | list | tuple):
        return True
    return hasattr(picture, "__array__") and hasattr(picture, "shape")


def each_picture(pictures: Iterable[Any]) -> Iterator[Any]:
    """Return an iterator over pictures.

    Raises:
        PictureError: it is one picture, whose letters or rows are none; the message names the call for it.
    """
    if _is_one(pictures):
        raise PictureError("pictures: expected several, got one: predict(picture) reads it")
    return iter(pictures)


def _is_one(pictures: Any) -> bool:
    if isinstance(pictures, str | bytes | os.PathLike) or not hasattr(pictures, "__iter__"):
        return True
    if not is_array(pictures):
        return False
    if getattr(pictures, "ndim", 1) == 0:
        return True
    row = next(iter(pictures), None)
    shape = np.asarray(row).shape if is_array(row) else ()
    return isinstance(row, int | float | np.number) or (len(shape) == 1 and shape != (784,))


def to_picture_array(array: Any) -> NDArray[Any]:
    """Bring an array into the form of one picture, (h, w) or (h, w, channels).

    Args:
        array: one digit of MNIST as (784,), (1, 784), (28, 28, 1), (1, 28, 28), (1, 28, 28, 1) or (1, 1, 28, 28), also
            normalised by mean 0.1307 and deviation 0.3081, which is undone with a warning; or any other picture.

    Raises:
        PictureError: no numbers, or several pictures; the message names the call for these.
    """
    if isinstance(array, np.ndarray):
        values = array
    else:
        try:
            values = np.asarray(array)
        except Exception as error:  # of rows of unequal length, of tensors on a graphics card
            raise PictureError(
                f"picture: expected an array of numbers ({' '.join(str(error).split())[:200]})"
            ) from error
    return _undo_normalisation(_to_one(values))


def _to_one(values: NDArray[Any]) -> NDArray[Any]:
    """Take away what a batch of one adds; refuse a batch of several."""
    shape = values.shape
    if shape == (784,):
        return values.reshape(28, 28)
    if len(shape) == 1 or not values.size:
        return values
    inner = shape[1:]
    is_batch = inner in ((28, 28), (28, 28, 1), (1, 28, 28)) or (inner == (784,) and _are_rows(values))
    if len(shape) == 3 and shape[2] in (1, 2, 3, 4) and shape[:2] != (1, 28):  # height, width, channels
        return values
    if not is_batch:
        return values
    if shape[0] > 1:
        raise PictureError(f"picture: expected one, got {shape[0]} of them {shape}: predict_many(array) reads each")
    return values.reshape(28, 28)


def _are_rows(values: NDArray[Any]) -> bool:
    """Tell rows of MNIST's pixels from a picture 784 pixels wide: each digit has the same margin on its four sides.

    A stroke on a dark page leaves such margins, too, but row by row most of the page is empty, or holds a dot.
    """
    if len(values) == 1:
        return True
    frame = values.reshape(len(values), 28, 28)
    edges = np.concatenate([frame[:, 0], frame[:, -1], frame[:, :, 0], frame[:, :, -1]])
    return (
        values.dtype.kind in "buif"
        and bool((edges == values.min()).mean() > 0.98)
        and bool(((frame > edges[0, 0]).any(axis=2).sum(axis=1) >= _LEAST_TALL).mean() > 0.5)
    )


def _undo_normalisation(values: NDArray[Any]) -> NDArray[Any]:
    if values.shape != (28, 28) or values.dtype.kind != "f" or not values.size:
        return values
    low, high = float(values.min()), float(values.max())
    if abs(low - _BLACK) > 0.01 or not low < high <= _WHITE + 0.01:
        return values
    warnings.warn(
        f"picture: normalised by mean {_MEAN} and deviation {_DEVIATION}, as PyTorch's examples do; undone",
        stacklevel=2,
    )
    return np.clip(values * np.float32(_DEVIATION) + np.float32(_MEAN), 0, 1)
