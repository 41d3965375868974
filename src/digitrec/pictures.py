"""Any picture to pixels: files, bytes and arrays of every kind, read safely, upright and without alpha."""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Naming the two plugins that Pillow does not load at first keeps it from loading all forty.
from PIL import Image, ImageFilter, ImageOps, TiffImagePlugin, WebPImagePlugin  # noqa: F401

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MAX_BYTES = 50_000_000
MAX_PIXELS = 40_000_000  # three 12-megapixel photos; more is refused before it is decoded
MIN_SIDE = 3  # an upright 1, cut out closely, is that narrow
WORKING_SIDE = 400  # the 10-pixel pencil line of a 12-megapixel photo stays one pixel wide

Bytes = NDArray[np.uint8]


class PictureError(ValueError):
    """A picture that cannot be read; the message is one line."""


def read_picture(picture: Any) -> Bytes:
    """Read a picture, upright, without alpha, shrunk to `WORKING_SIDE` pixels where it is larger.

    Args:
        picture: a path, the bytes of a file, an open binary file, a PIL image, or an array (h, w)
            or (h, w, channels) of 1 to 4 channels, an even number ending in alpha: booleans,
            floats 0-1, or numbers 0-255 or up to 65535.

    Returns:
        uint8 (h, w) where the picture is grey, else (h, w, 3).

    Raises:
        PictureError: if it is not a picture, or is damaged, too large or too small.
    """
    if isinstance(picture, np.ndarray):
        return _flatten(_shrink(_picture_from_array(picture)))
    if isinstance(picture, Image.Image):
        _check_size(*picture.size)
        with _one_line_errors():
            return _flatten(_decode(picture.copy()))
    data = _read_bytes(picture)
    if not 0 < len(data) <= MAX_BYTES:
        raise PictureError(f"picture: expected 1 to {MAX_BYTES} bytes, got {len(data) or 'none'}")
    with _one_line_errors(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(*image.size)
            image.draft(None, (WORKING_SIDE, WORKING_SIDE))  # a JPEG photo decodes at 1/8
            return _flatten(_decode(image))


def _read_bytes(picture: Any) -> bytes:
    """Read a path or file; devices and pipes, which may never end, are no files."""
    try:
        if isinstance(picture, str | os.PathLike):
            if not Path(picture).is_file():
                raise PictureError(f"picture: expected a file, got {os.fspath(picture)!r}")
            with open(picture, "rb") as file:
                return file.read(MAX_BYTES + 1)
        data = picture.read(MAX_BYTES + 1) if hasattr(picture, "read") else picture
    except OSError as error:
        raise PictureError(f"picture: cannot open {picture!r} ({error.strerror})") from error
    if not isinstance(data, bytes | bytearray | memoryview):
        raise PictureError(
            f"picture: expected a path, bytes, a binary file, a PIL image or a numpy array, got {type(data).__name__}"
        )
    return bytes(data)


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Pillow's decoders raise OSError, SyntaxError, struct.error and more: make them one."""
    try:
        yield
    except PictureError:
        raise
    except Image.UnidentifiedImageError as error:
        raise PictureError(f"picture: expected one of {', '.join(FORMATS)}") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PictureError(f"picture: damaged or cut short ({reason})") from error


def _decode(image: Image.Image) -> Image.Image:
    """Decode the first frame to L, LA, RGB or RGBA of working size, turned upright."""
    if image.has_transparency_data:  # Pillow keeps three copies: 300 MB are full at half the pixels
        _check_size(*image.size, MAX_PIXELS // 2)
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode.startswith("I;16"):
        image = image.convert("I")
    image = _shrink(image)
    if image.mode in ("I", "F"):
        image = _picture_from_array(np.asarray(image))
    elif image.mode not in ("L", "LA", "RGB", "RGBA"):
        image = image.convert("RGB")
    return ImageOps.exif_transpose(image)


def _shrink(image: Image.Image, side: int | None = None) -> Image.Image:
    """Shrink by averaging: a thin line grows faint but never vanishes."""
    side = side or WORKING_SIDE
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=2.0)
    _check_size(*image.size)
    return image


def _check_size(width: int, height: int, most: int = MAX_PIXELS) -> None:
    if min(width, height) < MIN_SIDE or width * height > most:
        raise PictureError(
            f"picture: expected sides of {MIN_SIDE} pixels or more (once the longer is shrunk to "
            f"{WORKING_SIDE}) and at most {most} pixels in all, got {width}x{height}"
        )


def _picture_from_array(array: NDArray[Any]) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or not 1 <= channels <= 4 or array.dtype.kind not in "buif":
        raise PictureError(f"picture: expected numbers (h, w) or (h, w, 1-4), got {array.dtype} {array.shape}")
    _check_size(array.shape[1], array.shape[0])
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 65535):  # NaN fails both
        raise PictureError(f"picture: expected numbers 0-1, 0-255 or 0-65535, got {low} to {high}")
    if high <= 1:
        array = array * np.float32(255)
    elif high > 255:
        array = array * np.float32(255 / (2 ** int(high).bit_length() - 1))  # 12 bits count too
    return Image.fromarray(np.rint(array).astype(np.uint8) if array.dtype != np.uint8 else array)


def _flatten(image: Image.Image) -> Bytes:
    """Lay a transparent picture on the paper it lacks, so that ink of any colour stands out."""
    if image.mode not in ("LA", "RGBA"):
        return np.asarray(image)
    pixels = np.asarray(image.convert("RGBA"), np.float32)
    colours, alpha = pixels[:, :, :3], pixels[:, :, 3:] / np.float32(255)
    seen = (colours * alpha).sum(axis=(0, 1)) / max(float(alpha.sum()), 1.0)
    # Mostly opaque: what is seen is paper, which goes on behind the holes. Mostly transparent: it
    # is ink, and its paper is whichever of black and white lies farther.
    paper = seen if alpha.mean() > 0.5 else np.float32(255 * (seen.mean() < 127.5))
    return np.rint(colours * alpha + paper * (1 - alpha)).astype(np.uint8)
