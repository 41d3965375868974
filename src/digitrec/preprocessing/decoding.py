"""Any picture to pixels: files, bytes and arrays of every kind, read safely, upright and without alpha."""

import ctypes
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Naming the two plugins that Pillow does not load at first keeps it from loading all forty.
from PIL import Image, ImageFilter, TiffImagePlugin, WebPImagePlugin  # noqa: F401

from digitrec.preprocessing.arrays import is_array, to_picture_array
from digitrec.preprocessing.containers import open_container
from digitrec.preprocessing.files import read_again, read_bytes
from digitrec.preprocessing.inspection import PictureError, WatchedFile, check_file, check_strips, check_tags

_ENDINGS = {  # of files' names, by Pillow's name of the format
    "PNG": (".png",),
    "JPEG": (".jpeg", ".jpg"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "PPM": (".pbm", ".pgm", ".pnm", ".ppm"),
}
FORMATS = tuple(_ENDINGS)
# What `containers` opens, or names as no picture: a folder is searched for these, too, and nothing passed over.
_OTHERS = (".avif", ".heic", ".heif", ".pdf", ".svg")
SUFFIXES = tuple(sorted([*_OTHERS, *(ending for endings in _ENDINGS.values() for ending in endings)]))
MAX_PIXELS = 40_000_000  # three 12-megapixel photos; more is refused before it is decoded
MIN_SIDE = 3  # an upright 1, cut out closely, is that narrow
WORKING_SIDE = 400  # the 10-pixel pencil line of a 12-megapixel photo stays one pixel wide
FINE_SIDE = 1000  # for numbers, which are written smaller: seven millimetres on a page of A4 are 23 pixels

# Pillow logs some of what it then raises; where nobody configured logging, Python would write that to standard error.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_ROWS = 64  # of an array that are converted together
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Bytes = NDArray[np.uint8]


def read_picture(picture: Any, side: int = WORKING_SIDE) -> Bytes:
    """Read a picture, upright, without alpha, shrunk where it is larger than wanted.

    Args:
        picture: a path, the bytes of a file, an open binary file, a PIL image, or an array, a list of lists or a
            tensor, (h, w) or (h, w, channels) of 1 to 4 channels, an even number ending in alpha: booleans,
            floats 0-1, or numbers 0-255 or up to 65535; a digit of MNIST also as it goes through tutorials, see
            `arrays`. Of a file of several pages it is the first.
        side: pixels of the longer side, at most.

    Returns:
        uint8 (h, w) where the picture is grey, else (h, w, 3).

    Raises:
        PictureError: if it is not a picture, or is damaged, too large or too small.
    """
    picture = open_picture(picture)
    if isinstance(picture, np.ndarray):
        with _one_line_errors():
            return _flatten(_shrink(_picture_from_array(picture), side))
    if isinstance(picture, Image.Image):
        with _one_line_errors():
            data = read_again(picture)
            check_file(data)
            _check_image(picture, data)
            return _flatten(_decode(picture.copy(), side))
    with _one_line_errors(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        file = WatchedFile(picture)
        check_file(picture)
        with Image.open(file, formats=FORMATS) as image:
            _check_image(image, picture)
            scale = side / max(image.size)
            image.draft(None, (int(image.width * scale), int(image.height * scale)))  # a JPEG photo decodes at 1/8
            return _flatten(_decode(image, side))


def open_picture(picture: Any) -> NDArray[Any] | Image.Image | bytes:
    """Open a picture: an array stays one, a PIL image too; all else becomes the bytes of a file that Pillow decodes.

    Raises:
        PictureError: it cannot be opened.
    """
    if isinstance(picture, Image.Image):
        return picture
    if is_array(picture):
        return to_picture_array(picture)
    data = read_bytes(picture)
    with _one_line_errors():
        return open_container(data) or data


def measure_size(picture: Any) -> tuple[int, int]:
    """Return width and height of a picture that was read, upright as it was read, but not shrunk.

    Args:
        picture: what `open_picture` returned, which `read_picture` took.
    """
    if isinstance(picture, np.ndarray):
        return picture.shape[1], picture.shape[0]
    with (
        _one_line_errors(),
        nullcontext(picture) if hasattr(picture, "size") else Image.open(io.BytesIO(picture)) as image,
    ):
        turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        return image.size[::-1] if turned else image.size


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Pillow's decoders raise OSError, SyntaxError, struct.error and more: make them one."""
    try:
        yield
    except PictureError:
        raise
    except Image.UnidentifiedImageError as error:
        raise PictureError(f"picture: expected one of {', '.join(FORMATS)}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"picture: expected at most {MAX_PIXELS} pixels in all, got far more") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PictureError(f"picture: damaged or cut short ({reason})") from error


def _check_image(image: Image.Image, data: bytes) -> None:
    """Refuse what would take more than 300 MB to decode."""
    most = MAX_PIXELS
    if image.has_transparency_data:  # Pillow keeps three copies
        most = MAX_PIXELS // 2
    if data and isinstance(image, TiffImagePlugin.TiffImageFile):
        _silence_libtiff()
        check_strips(image.tag_v2, data)
        if image.tag_v2.get(0x0112, 1) != 1:  # Pillow turns it before it is shrunk
            most = MAX_PIXELS // 2
    elif data and image.format == "WEBP":  # libwebp keeps three copies of its own
        most = MAX_PIXELS // 3
    elif data and image.mode == "CMYK" and "progressive" in image.info:  # libjpeg keeps 8 bytes a pixel
        most = MAX_PIXELS * 3 // 4
    _check_size(*image.size, most)


@cache
def _silence_libtiff() -> None:
    """Take from libtiff its handler of errors, for good and for the process: it would write to standard error.

    Pillow hands no way on. To lead standard error elsewhere meanwhile would take from other threads what they write.
    Where Pillow's libtiff is not to be found, its lines remain.
    """
    with suppress(AttributeError, OSError):
        handle = ctypes.CDLL(Image.core.__file__)  # which has libtiff's functions among those that it was linked with
        handle.TIFFSetErrorHandler(None)


def _decode(image: Image.Image, side: int) -> Image.Image:
    """Decode the first frame to L, LA, RGB or RGBA of working size, turned upright."""
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode.startswith("I;16"):
        image = image.convert("I")
    image = _shrink(image, side)
    if image.mode in ("I", "F"):
        image = _picture_from_array(np.asarray(image))
    elif image.mode not in ("L", "LA", "RGB", "RGBA"):
        image = image.convert("RGB")
    return _turn_upright(image)


def _turn_upright(image: Image.Image) -> Image.Image:
    """Turn as `ImageOps.exif_transpose` does, without writing the EXIF anew."""
    image.load()  # which may find EXIF behind the pixels, and itself turns a TIFF
    exif = image.info.get("exif") or bytes.fromhex("".join(image.info.get("Raw profile type exif", "").split("\n")[3:]))
    check_tags(exif)
    method = _UPRIGHT.get(image.getexif().get(0x0112, 1))
    return image if method is None else image.transpose(method)


def _shrink(image: Image.Image, side: int) -> Image.Image:
    """Shrink by averaging: a thin line grows faint but never vanishes, as rows half-way between two do in a box."""
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.HAMMING, reducing_gap=2.0)
    _check_size(*image.size)
    return image


def _check_size(width: int, height: int, most: int = MAX_PIXELS) -> None:
    # Twice as long as would do, whichever way its sides are rounded: a row of millions keeps some decoders busy.
    thread = MIN_SIDE * max(width, height) > 2 * WORKING_SIDE * min(width, height)
    if min(width, height) < MIN_SIDE or width * height > most or thread:
        raise PictureError(
            f"picture: expected sides of {MIN_SIDE} pixels or more (once the longer is shrunk to "
            f"{WORKING_SIDE}) and at most {most} pixels in all, got {width}x{height}"
        )


def _picture_from_array(array: NDArray[Any]) -> Image.Image:
    if hasattr(array, "mask"):
        raise PictureError("picture: expected an array of which all is seen, got a masked one; fill it")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or not 1 <= channels <= 4 or array.dtype.kind not in "buif":
        kind = " ".join(str(array.dtype).split())
        raise PictureError(f"picture: expected numbers (h, w) or (h, w, 1-4), got {kind} {array.shape}")
    _check_size(array.shape[1], array.shape[0])
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 65535):  # NaN fails both
        raise PictureError(f"picture: expected numbers 0-1, 0-255 or 0-65535, got {low} to {high}")
    if array.dtype == np.uint8 and high > 1:
        return Image.fromarray(array)
    # 12 bits count too.
    scale = 255 if high <= 1 else 1 if high <= 255 else 255 / (2 ** int(high).bit_length() - 1)
    pixels = np.empty(array.shape, np.uint8)
    for top in range(0, len(array), _ROWS):  # a few rows at a time: as floats all of it would fill the memory
        rows = slice(top, top + _ROWS)
        pixels[rows] = np.rint(array[rows] if scale == 1 else array[rows] * np.float32(scale))
    return Image.fromarray(pixels)


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
