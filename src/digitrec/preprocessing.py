"""The one door: any picture in, its 28x28 MNIST form out; and `images` to the `x` a network takes.

Every entry point (notebook, command line, page) goes through `to_mnist`, a chain of small stages:
read the picture, reduce its colours to one contrast, find the sheet, even the light, erase rules,
keep the one digit, box it as MNIST was boxed. `show_stages` keeps what each of them made.
"""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

FORMATS = ("PNG", "JPEG", "MPO", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MAX_BYTES = 50_000_000
MAX_PIXELS = 40_000_000  # three 12-megapixel photos; more is refused before it is decoded
MIN_SIDE = 3  # an upright 1, cut out closely, is that narrow
WORKING_SIDE = 400  # the 10-pixel pencil line of a 12-megapixel photo stays one pixel wide

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Runs = tuple[NDArray[np.int64], NDArray[np.int64]]


class PictureError(ValueError):
    """A picture that cannot be read; the message is one line."""


@dataclass(frozen=True)
class Stages:
    """What the door made of a picture, stage by stage, in order.

    Attributes:
        picture: uint8 (h, w) or (h, w, 3), as read.
        contrast: uint8 (h, w), the sheet alone, its colours on one axis from ink (dark) to paper.
        ink: float32 (h, w), 0-1, light evened and rules erased, ink bright: all digits there are.
        digit: float32 (h, w), 0-1, the one digit: specks and pieces of neighbours dropped.
        image: uint8 (28, 28), the MNIST form; all zero where there is no ink.
    """

    picture: Bytes
    contrast: Bytes
    ink: Floats
    digit: Floats
    image: Bytes


def prepare(images: Bytes) -> Floats:
    """Turn images into what a network takes.

    Args:
        images: uint8 (n, 28, 28), or one image (28, 28), 0-255, ink bright.

    Returns:
        float32 (n, 28, 28, 1), 0-1; n is 1 for one image.

    Raises:
        ValueError: if shape or dtype differ.
    """
    array = np.asarray(images)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[-2:] != (28, 28):
        raise ValueError(
            f"images: expected uint8 (n, 28, 28), got {array.dtype} {array.shape}; "
            "to_mnist brings a picture into that form"
        )
    return array.reshape(-1, 28, 28, 1) / np.float32(255)


def to_mnist(picture: Any) -> Bytes:
    """Bring a picture of one digit into MNIST's form.

    Args:
        picture: whatever `read_picture` takes.

    Returns:
        uint8 (28, 28), ink bright; all zero where the picture holds no ink. An image that is
        already in MNIST's form, or the inverse of one, comes back exactly.

    Raises:
        PictureError: if the picture cannot be read.
    """
    if isinstance(picture, np.ndarray) and picture.dtype == np.uint8:
        image = match_mnist(picture)
        if image is not None:
            return image
    return show_stages(picture).image


def show_stages(picture: Any) -> Stages:
    """Bring a picture into MNIST's form as `to_mnist` does, and keep every stage for a figure.

    Args:
        picture: whatever `read_picture` takes.

    Returns:
        The stages in order.

    Raises:
        PictureError: if the picture cannot be read.
    """
    pixels = read_picture(picture)
    grey = reduce_colours(pixels)
    image = match_mnist(grey)
    if image is not None:
        ink = image / np.float32(255)
        return Stages(pixels, ~image, ink, ink, image)
    contrast = orient_contrast(crop_sheet(grey))
    ink = drop_rules(even_light(contrast))
    digit = keep_digit(ink)
    return Stages(pixels, contrast, ink, digit, box_ink(digit))


def match_mnist(grey: Bytes) -> Bytes | None:
    """Return an image, inverted if need be, where boxing it again would neither move nor scale it.

    That holds for each of MNIST's 70,000: background 0, full ink somewhere, longest side 19 or 20
    pixels, centre of mass within 0.52 pixels of (14, 14).
    """
    if grey.shape != (28, 28):
        return None
    image = grey if grey.mean() < 127.5 else ~grey
    rows, columns = image.sum(axis=1, dtype=np.int64), image.sum(axis=0, dtype=np.int64)
    down, across = np.flatnonzero(rows), np.flatnonzero(columns)
    if not len(down) or image.max() < 254:
        return None
    side = max(down[-1] - down[0], across[-1] - across[0]) + 1
    steps, mass = np.arange(28), rows.sum()
    off_centre = max(abs(rows @ steps / mass - 14), abs(columns @ steps / mass - 14))
    return image if side in (19, 20) and off_centre < 0.53 else None


# --- any picture to pixels ----------------------------------------------------------------------


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
            "picture: expected a path, bytes, a binary file, a PIL image or a numpy array, "
            f"got {type(data).__name__}"
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


def _check_size(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE or width * height > MAX_PIXELS:
        raise PictureError(
            f"picture: expected sides of {MIN_SIDE} pixels or more (once the longer is shrunk to "
            f"{WORKING_SIDE}) and at most {MAX_PIXELS} pixels in all, got {width}x{height}"
        )


def _picture_from_array(array: NDArray[Any]) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels > 4 or array.dtype.kind not in "buif":
        raise PictureError(
            f"picture: expected numbers (h, w) or (h, w, 1-4), got {array.dtype} {array.shape}"
        )
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


# --- pixels to ink ------------------------------------------------------------------------------


def _thumbnail(pixels: Bytes, side: int) -> Image.Image:
    image = Image.fromarray(pixels)
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=2.0)
    return image


def _detail(small: Image.Image, reach: float) -> Floats:
    """Subtract the mean of the surroundings, `reach` times the picture wide."""
    blurred = small.filter(ImageFilter.BoxBlur(reach * max(small.size)))
    return np.asarray(small, np.float32) - np.asarray(blurred, np.float32)


def reduce_colours(pixels: Bytes) -> Bytes:
    """Project colours on the axis along which they differ most over short distances: paper to ink.

    Luminance alone hides red ink on green paper; and light, which changes over long distances,
    must not choose the axis.

    Args:
        pixels: uint8 (h, w) or (h, w, 3).

    Returns:
        uint8 (h, w).
    """
    if pixels.ndim == 2:
        return pixels
    detail = _detail(_thumbnail(pixels, 96), 1 / 8).reshape(-1, 3)
    axis = np.linalg.eigh(detail.T @ detail)[1][:, -1]
    axis *= (1 if axis.sum() >= 0 else -1) / np.abs(axis).sum()
    matrix = (*axis.tolist(), -255 * float(axis[axis < 0].sum()))
    return np.asarray(Image.fromarray(pixels).convert("L", matrix))


def crop_sheet(grey: Bytes) -> Bytes:
    """Crop a photo to an upright rectangle inside the bright sheet that lies on a darker desk.

    Args:
        grey: uint8 (h, w).

    Returns:
        uint8, the part inside; all of it where there is no desk.
    """
    small = np.asarray(_thumbnail(grey, 64), np.float32) / 255
    bright = small > measure_edges(small)[0]
    frame = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    if max(grey.shape) < 100 or frame.mean() > 0.9:
        return grey
    height, width = small.shape
    top, bottom, left, right = 0, height, 0, width
    while True:  # trim the darkest side until all four are paper
        if 3 * (bottom - top) < height or 3 * (right - left) < width:
            return grey
        inside = bright[top:bottom, left:right]
        filled = inside[0].mean(), inside[-1].mean(), inside[:, 0].mean(), inside[:, -1].mean()
        worst = int(np.argmin(filled))
        if filled[worst] > 0.97:
            break
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        left, right = left + (worst == 2), right - (worst == 3)
    if bright.sum() - inside.sum() > 0.3 * (bright.size - inside.size):
        return grey  # a desk is dark all over
    scale = len(grey) / height
    rows = slice(round((top + 1) * scale), round((bottom - 1) * scale))
    return grey[rows, round((left + 1) * scale) : round((right - 1) * scale)]


def orient_contrast(grey: Bytes) -> Bytes:
    """Invert where ink is brighter than paper: strokes leave their surroundings one way, skewed.

    Args:
        grey: uint8 (h, w).

    Returns:
        uint8 (h, w), ink dark.
    """
    return ~grey if (_detail(_thumbnail(grey, 32), 0.3) ** 3).sum() > 0 else grey


def even_light(contrast: Bytes) -> Floats:
    """Divide the picture by its paper, and stretch what remains so that full ink is 1.

    Args:
        contrast: uint8 (h, w), ink dark.

    Returns:
        float32 (h, w), 0-1, ink bright; all zero where nothing stands out of the paper.
    """
    ink = _divide_by_paper(contrast, 1 / 3)
    level, sharpness = measure_edges(ink)
    if max(contrast.shape) >= 100:
        # Thin strokes let the paper be followed closely, through shadows. Broad ones would pass
        # for paper themselves, which shows: their edges fade.
        close = _divide_by_paper(contrast, 1 / 8)
        close_level, close_sharpness = measure_edges(close)
        if close_sharpness > 0.9 * sharpness:
            ink, level = close, close_level
    pale, dark = ink[ink < level], ink[ink >= level]
    if level < 0.03:
        return np.zeros_like(ink)
    pale = pale[:: len(pale) // 4096 + 1]
    paper, full = np.median(pale), np.median(dark[:: len(dark) // 4096 + 1])
    floor = paper + 2 * np.median(np.abs(pale - paper))
    return np.clip((ink - floor) / max(full - floor, 0.01), 0, 1)


def _divide_by_paper(contrast: Bytes, reach: float) -> Floats:
    """1 - picture / paper; paper is what closing by `reach` times the picture leaves of it."""
    small = np.asarray(_thumbnail(contrast, 32 if reach > 0.2 else 64))
    half = max(1, int(max(small.shape) * reach / 2))
    # Padded with its own edge, so that a picture darker towards the frame does not pass for ink.
    padded = np.pad(small, 2 * half, mode="edge")
    closed = _slide(_slide(padded, 2 * half + 1, np.maximum), 2 * half + 1, np.minimum)
    paper = Image.fromarray(closed).filter(ImageFilter.BoxBlur(2))
    light = np.asarray(paper.resize(contrast.shape[::-1], Image.Resampling.BILINEAR), np.float32)
    return np.maximum(1 - contrast / np.maximum(light, 1), 0)


def _slide(values: NDArray, window: int, pick: np.ufunc) -> NDArray:
    """Pick the largest or least value of every square window that fits, doubling it in steps."""
    for _ in range(2):
        reached = 1
        while reached < window:
            step = min(reached, window - reached)
            values = pick(values[:-step], values[step:])
            reached += step
        values = np.ascontiguousarray(values.T)
    return values


def measure_edges(ink: Floats) -> tuple[float, float]:
    """Measure the level half-way up the edges, and how sharp they are, most of all in the middle.

    Unlike Otsu's threshold this level does not depend on how much of the picture is ink.
    """
    height, width = ink.shape
    down, across = ink[2:, 1:-1] - ink[:-2, 1:-1], ink[1:-1, 2:] - ink[1:-1, :-2]
    weights = down**2 + across**2
    weights *= np.exp(-2 * np.linspace(-1, 1, height - 2, dtype=np.float32)[:, None] ** 2)
    weights *= np.exp(-2 * np.linspace(-1, 1, width - 2, dtype=np.float32) ** 2)
    total = float(weights.sum())
    return float((weights * ink[1:-1, 1:-1]).sum()) / max(total, 1e-9), total


def drop_rules(ink: Floats) -> Floats:
    """Erase rules and box borders: thin, straight, from frame to frame, in the outer thirds.

    Args:
        ink: float32 (h, w), 0-1.

    Returns:
        The same without them; strokes that cross a rule stay.
    """
    if min(ink.shape) < 24:  # there a stroke is as thin and as straight as a rule
        return ink
    return _drop_upright_rules(_drop_upright_rules(ink).T).T


def _drop_upright_rules(ink: Floats) -> Floats:
    height, width = ink.shape
    starts, ends = find_runs(ink > 0.4)
    thin = ends - starts <= 0.15 * height
    if thin.sum() < 0.8 * height:
        return ink
    lines = _paint(starts[thin], ends[thin], ink.shape)
    slack = height // 60 + 1  # a rule may lean by this many columns
    passed = np.cumsum(np.pad(lines, ((0, 0), (slack + 1, slack))), axis=1, dtype=np.int16)
    near = passed[:, 2 * slack + 1 :] > passed[:, : -2 * slack - 1]
    ruled = (near.mean(axis=0) > 0.8) & near[0] & near[-1]
    ruled[round(0.3 * width) : round(0.7 * width)] = False
    return np.where(_grow(lines * ruled), np.float32(0), ink) if ruled.any() else ink


# --- ink to one digit ---------------------------------------------------------------------------


def keep_digit(ink: Floats) -> Floats:
    """Keep the largest, most central piece of ink and the pieces that belong to it.

    Pieces cut by the frame are neighbours, small compact ones full stops; a detached bar is
    neither.

    Args:
        ink: float32 (h, w), 0-1.

    Returns:
        float32 (h, w), all else 0.
    """
    height, width = ink.shape
    starts, ends, piece = find_pieces(ink > 0.5)
    if not len(piece):
        return np.zeros_like(ink)
    area = np.bincount(piece, ends - starts)
    top, left, bottom, right = _find_boxes(starts, ends, piece, width)
    cut = (top == 0) | (left == 0) | (bottom == height) | (right == width)
    off_centre = np.hypot((top + bottom) / height - 1, (left + right) / width - 1)
    main = int(np.argmax(area * np.exp(-2 * off_centre**2) * np.where(cut, 0.5, 1)))
    size = max(bottom[main] - top[main], right[main] - left[main])
    gap_down = np.maximum(top - bottom[main], top[main] - bottom)
    gap_across = np.maximum(left - right[main], left[main] - right)
    near = np.maximum(gap_down, gap_across) < 0.8 * size
    small = (area < 0.03 * area[main]) | (np.maximum(bottom - top, right - left) < 0.3 * size)
    own = near & ~small & ~cut
    own[main] = True

    kept, stranger = own[piece], (cut & ~own)[piece]
    core = _paint(starts[kept], ends[kept], ink.shape)
    ink = np.where(_grow(_paint(starts[stranger], ends[stranger], ink.shape)), np.float32(0), ink)
    # Hairlines, a tenth as dark as the stroke that they continue, belong to it.
    starts, ends, piece = find_pieces(ink > 0.15)
    count = np.append(0, np.cumsum(np.pad(core, ((0, 0), (1, 1)))))
    kept = (np.bincount(piece, count[ends] - count[starts]) > 0)[piece]
    return np.where(_grow(_paint(starts[kept], ends[kept], ink.shape)), ink, np.float32(0))


def find_runs(mask: NDArray[np.bool_]) -> Runs:
    """Find the starts and ends (exclusive) of every run of ink along a row.

    Positions count through rows of width + 2: one empty pixel before and after each.
    """
    flat = np.zeros(len(mask) * (mask.shape[1] + 2) + 1, np.int8)
    flat[:-1].reshape(len(mask), -1)[:, 1:-1] = mask
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    return edges[::2], edges[1::2]


def find_pieces(mask: NDArray[np.bool_]) -> tuple[NDArray, NDArray, NDArray]:
    """Find runs, and number the piece each is part of: runs that touch, corners included.

    Returns:
        starts, ends, piece: int (runs,), as `find_runs` counts them.
    """
    starts, ends = find_runs(mask)
    stride = mask.shape[1] + 2
    first = np.searchsorted(ends, starts + stride, "left")
    count = np.maximum(np.searchsorted(starts, ends + stride, "right") - first, 0)
    upper = np.repeat(np.arange(len(starts)), count)
    lower = np.arange(len(upper)) + np.repeat(first - np.cumsum(count) + count, count)
    root = np.arange(len(starts))
    while (root[upper] != root[lower]).any():
        least = np.minimum(root[upper], root[lower])
        np.minimum.at(root, root[upper], least)
        np.minimum.at(root, root[lower], least)
        while (root != root[root]).any():
            root = root[root]
    return starts, ends, np.unique(root, return_inverse=True)[1]


def _find_boxes(starts: NDArray, ends: NDArray, piece: NDArray, width: int) -> NDArray[np.int64]:
    """Top, left, bottom, right (exclusive) of every piece, as (4, pieces)."""
    row, left = starts // (width + 2), starts % (width + 2) - 1
    boxes = np.full((4, piece.max() + 1), np.iinfo(np.int64).max)
    for box, values in zip(boxes, (row, left, -row - 1, -left - ends + starts), strict=True):
        np.minimum.at(box, piece, values)
    boxes[2:] *= -1
    return boxes


def _paint(starts: NDArray, ends: NDArray, shape: tuple[int, int]) -> NDArray[np.int8]:
    """Paint runs as 1 on 0."""
    steps = np.zeros(shape[0] * (shape[1] + 2), np.int8)
    steps[starts] = 1
    steps[ends] = -1
    return np.cumsum(steps, dtype=np.int8).reshape(shape[0], -1)[:, 1:-1]


def _grow(mask: NDArray) -> NDArray[np.bool_]:
    """Let ink spread by one pixel."""
    return _slide(np.pad(mask, 1), 3, np.maximum) > 0


# --- one digit to MNIST's form ------------------------------------------------------------------


def box_ink(ink: Floats) -> Bytes:
    """Box ink as MNIST was: into 20x20, aspect ratio kept, centre of mass at (14, 14) of 28x28.

    Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document
    recognition", section III.A.

    Args:
        ink: float (h, w), 0-1, ink bright.

    Returns:
        uint8 (28, 28), the strongest ink 255; all zero where there is none.
    """
    seen = ink > 0.1
    down, across = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    image = np.zeros((28, 28), np.uint8)
    if not len(down):
        return image
    crop = ink[down[0] : down[-1] + 1, across[0] : across[-1] + 1].astype(np.float32)
    scale = 20 / max(crop.shape)
    height, width = (max(1, round(side * scale)) for side in crop.shape)
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR
    box = np.asarray(Image.fromarray(crop).resize((width, height), method))
    mass = float(box.sum())
    y = round(14 - float(box.sum(axis=1) @ np.arange(height)) / mass)
    x = round(14 - float(box.sum(axis=0) @ np.arange(width)) / mass)
    y, x = min(max(y, 0), 28 - height), min(max(x, 0), 28 - width)
    image[y : y + height, x : x + width] = np.rint(box * (255 / box.max()))
    return image
