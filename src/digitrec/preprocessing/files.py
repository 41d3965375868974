"""The bytes of a picture's file, read in bounded time and memory."""

import os
import stat
from typing import Any

from PIL import Image

from digitrec.preprocessing.inspection import PictureError

MAX_BYTES = 50_000_000


def read_bytes(picture: Any) -> bytes:
    """Read a path or file; devices and pipes, which may never end, are no files.

    Args:
        picture: a path, an open binary file, or the bytes themselves.

    Returns:
        All bytes, 1 to `MAX_BYTES`.

    Raises:
        PictureError: if it is none of these, cannot be opened, or has none or too many bytes.
    """
    try:
        if isinstance(picture, str | os.PathLike):
            data = _read_file(os.fspath(picture))
        else:
            data = picture.read(MAX_BYTES + 1) if hasattr(picture, "read") else picture
    except PictureError:
        raise
    except Exception as error:  # of a file that is closed, of a name that no file has
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise PictureError(f"picture: cannot open {picture!r} ({reason})") from error
    if not isinstance(data, bytes | bytearray | memoryview):
        raise PictureError(
            f"picture: expected a path, bytes, a binary file, a PIL image or a numpy array, got {type(data).__name__}"
        )
    _check_length(memoryview(data).nbytes)
    return bytes(data)


def read_again(image: Image.Image) -> bytes:
    """Read the file of an image that its owner has opened, but Pillow not decoded; of any other, nothing."""
    file = getattr(image, "fp", None)
    if file is None or not getattr(image, "tile", None):
        return b""
    place = file.tell()
    file.seek(0)
    data = file.read(MAX_BYTES + 1)
    file.seek(place)
    return data


def _read_file(path: str | bytes) -> bytes:
    """Read a file that says how long it is; those of /proc say 0, and one may wait for some of them for ever."""
    check_address(path)
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise PictureError(f"picture: expected a file, got {path!r}")
    _check_length(status.st_size)
    with open(path, "rb", opener=_open_at_once) as file:
        return file.read(MAX_BYTES + 1)


def check_address(path: str | bytes) -> None:
    """Refuse what is no file but the address of one.

    Raises:
        PictureError: it looks like an address, and there is no file of that name.
    """
    if "://" in os.fsdecode(path) and not os.path.lexists(path):
        raise PictureError("picture: an address, not a file: download the picture first")


def _check_length(length: int) -> None:
    if not 0 < length <= MAX_BYTES:
        raise PictureError(f"picture: expected 1 to {MAX_BYTES} bytes, got {length or 'none'}")


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting, should a pipe have taken its place."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
