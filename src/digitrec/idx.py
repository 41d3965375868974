"""Arrays of bytes from IDX files, as MNIST was published, and from numpy's archives; never more than was asked for."""

import gzip
import io
import math
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class DataError(ValueError):
    """Data that is damaged or of another form than expected, said in one line.

    >>> read_idx(Path("/dev/null"), (3,))
    Traceback (most recent call last):
    digitrec.idx.DataError: /dev/null: expected IDX uint8 (3,), got b'' at its start; fetch it anew
    """


def idx_header(shape: tuple[int, ...]) -> bytes:
    """The first bytes of an IDX file: two zeros, type 8 (uint8), number of axes, their lengths big-endian."""
    return bytes((0, 0, 8, len(shape))) + np.array(shape, ">u4").tobytes()


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read an IDX file of uint8, packed or not, that must have this shape; never more than it needs."""
    header = idx_header(shape)
    size = len(header) + math.prod(shape)
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"  # not by name: some browsers unpack a file and leave its name
            file.seek(0)
            data = (gzip.GzipFile(fileobj=file) if packed else file).read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cut short or damaged ({error}); fetch it anew") from error
    if not data.startswith(header):
        raise DataError(f"{path}: expected IDX uint8 {shape}, got {_describe(data)}; fetch it anew")
    if len(data) != size:
        came = len(data) if len(data) < size else "more"
        raise DataError(f"{path}: expected {size} bytes (unpacked), got {came}; fetch it anew")
    return np.frombuffer(data, np.uint8, offset=len(header)).reshape(shape).copy()


def _describe(data: bytes) -> str:
    """Say what the first bytes of a file show it to be."""
    if len(data) < 16 or data[:3] != b"\0\0\x08":
        return f"{data[:16]!r} at its start"
    return f"IDX uint8 {tuple(np.frombuffer(data, '>u4', min(data[3], 3), 4).tolist())}"


def read_npz(path: Path, key: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read one array of Keras' mnist.npz, that must be uint8 of this shape; never more than it needs."""
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(f"{key}.npy")
            if member.file_size > math.prod(shape) + 1024:  # read whole, so that its checksum is verified
                raise ValueError(f"{member.file_size} bytes")
            array = np.lib.format.read_array(io.BytesIO(archive.read(member)), allow_pickle=False)
        if array.dtype != np.uint8 or array.shape != shape:
            raise ValueError(f"{array.dtype} {array.shape}")
    except Exception as error:  # on damage, zipfile and numpy raise a dozen kinds, MemoryError among them
        raise DataError(f"{path}: expected {key}, uint8 {shape}, got {error}; fetch it anew") from error
    return np.ascontiguousarray(array)
