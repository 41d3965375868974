"""What reading a picture may cost: files made to be slow or huge are refused before they are decoded and meanwhile.

Most of Pillow's readers ask the file for every marker, chunk, block and tag, and its decoders for every 64 KB: a
`WatchedFile` is what they ask, and ends what lasts too long. What they do in one go is counted here beforehand.
"""

import io
import re
import struct
import time
from collections.abc import Iterator, Mapping
from typing import Any

MAX_SECONDS = 0.6  # of processor time until decoded; a 12-megapixel photo takes 0.1 as JPEG, 0.4 as PNG
MAX_TAG_BYTES = 50_000_000  # read beyond the file's own length: tags may all claim the same bytes
MAX_TAGS = 1000  # in one directory; a photo has some 60
MAX_SEGMENTS = 5000  # of a JPEG: large profiles and depth maps come 64 KB at a time
MAX_VALUES = 50_000  # of one tag: one row a strip makes 13,000
MAX_SCANNED = 1_000_000_000  # pixels times channels times scans of a JPEG; 40 megapixels in 10 scans make 500 million
MAX_COMMENTS = 1000  # among numbers written as text: Pillow copies all of them for each
MAX_TILE_PIXELS = 1_000_000  # of tiles that a small picture does not fill
MAX_UNPACKED = 260_000_000  # bytes of a compressed TIFF's pixels and of its largest strip, in memory together
MAX_SHARED = 10_000_000  # bytes that tags or strips claim more than once
# Bytes in a TIFF, by its number of the compression (deflate twice, LZMA, Zstandard), that libtiff may have to unpack:
# made of nothing but tables, 20 MB of deflate take it 0.8 s, and LZMA always reads 20 MB a second.
MAX_PACKED = {8: 20_000_000, 32946: 20_000_000, 34925: 5_000_000, 50000: 10_000_000}

_MARKER = re.compile(rb"\xff([^\x00\x01\xc8\xd0-\xd8\xf0-\xfd\xff])")  # but those that stand alone
_TAG_WIDTH = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_BYTES = (1, 2, 6, 7)
_STRIPS, _STRIP_BYTES = (273, 324), (279, 325)  # those of tiles too
_LAYOUT = {256, 257, 258, 259, 277, 278, 322, 323, *_STRIPS, *_STRIP_BYTES}
_DIRECTORIES = (34665, 34853, 40965)  # of EXIF, GPS and interoperability
_JPEG = 7


class PictureError(ValueError):
    """A picture that cannot be read; the message is one line.

    >>> from digitrec import to_mnist
    >>> to_mnist(b"seven")
    Traceback (most recent call last):
    digitrec.preprocessing.inspection.PictureError: picture: expected one of PNG, JPEG, BMP, GIF, TIFF, WEBP, PPM
    """


class WatchedFile(io.BytesIO):
    """The bytes of a picture, for one decoder: reading them raises `PictureError` once it took too long or too much."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = len(data) + MAX_TAG_BYTES
        self._end = time.thread_time() + MAX_SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as `io.BytesIO` does, and keep watch."""
        if time.thread_time() > self._end:
            raise PictureError(f"picture: expected one that is decoded within {MAX_SECONDS} s, got none after that")
        data = super().read(size)
        self._left -= len(data)
        if self._left < 0:
            raise PictureError("picture: expected parts that lie side by side, got parts that share their bytes")
        return data


def check_file(data: bytes) -> None:
    """Refuse a file that would keep its decoder busy for long without asking for more.

    Args:
        data: all of the file.

    Raises:
        PictureError: if it would.
    """
    if data.startswith(b"\xff\xd8"):
        check_jpeg(data)
    elif data.startswith((b"II", b"MM")):
        check_tags(data)
    elif data[:2] in (b"P1", b"P2", b"P3") and (comments := data.count(b"#")) > MAX_COMMENTS:
        raise PictureError(f"picture: expected at most {MAX_COMMENTS} comments among its numbers, got {comments}")


def check_jpeg(data: bytes, scanned: int = 0) -> int:
    """Refuse a JPEG that its decoder would walk through over and over: once for each scan, be it empty.

    Args:
        data: the file, or one strip of a TIFF.
        scanned: pixels times channels, summed over the scans, of the strips before it.

    Returns:
        The same with this one's.

    Raises:
        PictureError: if that is more than `MAX_SCANNED`, or if the tags of its EXIF are refused.
    """
    exif, pixels = [], 0
    for marker, body in _find_segments(data):
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            exif.append(body[6:])
        elif marker == 0xE2 and body.startswith(b"MPF\0"):
            check_tags(body[4:])
        elif marker in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA):
            pixels = max(pixels, int.from_bytes(body[1:3]) * int.from_bytes(body[3:5]))
        elif marker == 0xDA:
            scanned += pixels * int.from_bytes(body[:1])
        if scanned > MAX_SCANNED:
            raise PictureError("picture: expected a JPEG of some ten scans, got far more; save it anew")
    check_tags(b"".join(exif))
    return scanned


def _find_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield marker and body of a JPEG's segments up to its end, as libjpeg and Pillow find them."""
    at, scans = 2, 0
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(data, at)
        if not found or (scans and found[1] == b"\xd9"):
            return
        at = found.end()
        if found[1] != b"\xd9":  # an end before any scan is none to Pillow
            length = int.from_bytes(data[at : at + 2])
            yield found[1][0], data[at + 2 : at + length]
            at += max(length, 2)
            scans += found[1] == b"\xda"
    raise PictureError(f"picture: expected a JPEG of at most {MAX_SEGMENTS} segments, got more; save it anew")


def check_tags(block: bytes) -> None:
    """Refuse directories of tags (TIFF, EXIF) that hold more than a picture's business.

    Args:
        block: a TIFF file, or EXIF.

    Raises:
        PictureError: if there are too many tags, too many values in one, or tags that share their bytes.
    """
    while block.startswith(b"Exif\0\0"):
        block = block[6:]
    order, big = "<" if block[:2] == b"II" else ">", block[2:3] == b"+"
    entry = struct.Struct(order + ("HHQQ" if big else "HHLL"))
    head = struct.Struct(order + ("Q" if big else "H"))
    start = block[8:16] if big else block[4:8]
    directories = [int.from_bytes(start, "little" if order == "<" else "big")]
    for directory in directories:  # which grow
        count = head.unpack_from(block, directory)[0] if 0 < directory <= len(block) - head.size else 0
        first, claimed, layout = directory + head.size, 0, set()
        places = range(first, min(first + count * entry.size, len(block) - entry.size + 1), entry.size)
        if len(places) > MAX_TAGS or len(directories) > 10:
            raise PictureError(f"picture: expected at most {MAX_TAGS} tags, got {len(places)}; save it anew")
        for place in places:
            tag, kind, values, at = entry.unpack_from(block, place)
            size = values * _TAG_WIDTH.get(kind, 0)
            if size <= len(block):  # what is not there, Pillow does not read
                claimed += size
                many = values > MAX_VALUES and (kind not in _BYTES or tag in _STRIPS + _STRIP_BYTES)
                if many or claimed > 2 * len(block) + MAX_SHARED:
                    raise PictureError(f"picture: expected tags of at most {MAX_VALUES} values, got more; save it anew")
            if tag in layout:  # of two, Pillow would believe the last and libtiff the first
                raise PictureError(f"picture: expected tag {tag} once, got it again")
            layout |= {tag} & _LAYOUT
            if tag in _DIRECTORIES:
                directories.append(at)


def check_strips(tags: Mapping[int, Any], data: bytes) -> None:
    """Refuse a TIFF whose strips or tiles would keep libtiff, which unpacks all of them in one go, busy for long.

    Args:
        tags: as Pillow read them.
        data: all of the file.

    Raises:
        PictureError: if they would.
    """
    compression, width, height = tags.get(259, 1), tags[256], tags[257]
    if compression == 1:
        return
    starts, sizes = (next((tags[tag] for tag in kind if tag in tags), ()) for kind in (_STRIPS, _STRIP_BYTES))
    if len(starts) > 1 and (len(sizes) < len(starts) or sum(sizes) > 2 * len(data) + MAX_SHARED):
        raise PictureError("picture: expected strips that lie side by side, got strips that share their bytes")
    most = MAX_PACKED.get(compression, len(data))
    if len(data) > most and sum(sizes) > most:
        raise PictureError(f"picture: expected at most {most} bytes packed like this, got {sum(sizes)}; use LZW")
    across, down = tags.get(322, width), tags.get(323, min(tags.get(278, height), height))
    tiles = -(-width // across) * -(-height // down)
    bits = sum(tags.get(258, (1,)))
    unpacked = width * height * (4 if bits > 8 else 1) + across * down * bits // 8
    if tiles * across * down > 2 * width * height + MAX_TILE_PIXELS or unpacked > MAX_UNPACKED:
        raise PictureError(f"picture: expected a TIFF in strips or tiles that fit it, got {tiles} of {across}x{down}")
    if compression == _JPEG:
        scanned = 0
        for start, size in zip(starts, sizes, strict=False):
            scanned = check_jpeg(data[start : start + size], scanned)
