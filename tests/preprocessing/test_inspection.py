"""Pictures made to be slow or huge: each is refused, or read, within 1 s and 300 MB; large honest ones are read."""

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from digitrec.preprocessing import inspection
from digitrec.preprocessing.decoding import PictureError, read_picture

Tag = tuple[int, int, int, int]  # number, kind (3 and 4: numbers, 5: fractions, 7: bytes), count, and value or place
TEXT = zlib.compress(b"a" * 1_000_000)


def save(mode: str, size: tuple[int, int], kind: str, **options) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, "tan" if mode == "RGB" else 0).save(file, kind, **options)
    return file.getvalue()


def make_chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def make_png(before: bytes = b"", after: bytes = b"", pixels: bytes = b"") -> bytes:
    """A PNG of 60x60, and chunks before and after its pixels."""
    head, rest = save("RGB", (60, 60), "PNG").split(make_chunk(b"IDAT")[4:8])
    data = rest[: -len(make_chunk(b"IEND")) - 4]
    pixels = pixels or make_chunk(b"IDAT", data)
    return head[:-4] + before + pixels + after + make_chunk(b"IEND")


def make_segment(marker: int, data: bytes = b"") -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def make_jpeg(*segments: bytes) -> bytes:
    """A JPEG of 60x60 whose first segment, of its resolution, is replaced by others."""
    data = save("RGB", (60, 60), "JPEG")
    return data[:2] + b"".join(segments) + data[20:]


def repeat_scan(data: bytes, times: int) -> bytes:
    """A JPEG whose last scan comes again and again."""
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * times + b"\xff\xd9"


def make_gif(extension: bytes) -> bytes:
    data = save("P", (60, 60), "GIF")
    frame = data.index(b",", 13 + 3 * 2 ** (data[10] % 8 + 1))
    return data[:frame] + extension + data[frame:]


def make_bmp(width: int, height: int, runs: bytes) -> bytes:
    palette = b"".join(bytes([i, 0, 0, 0]) for i in range(256))
    header = struct.pack("<IIIHHIIIIII", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(runs), 0, 0, 1078) + header + palette + runs


def make_tiff(body: bytes, tags: Sequence[Tag]) -> bytes:
    """A TIFF of its body, which begins at 8, and its directory."""
    return b"II*\0" + struct.pack("<I", len(body) + 8) + body + make_directory(tags)


def make_directory(tags: Sequence[Tag]) -> bytes:
    return struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + b"\0" * 4


def lay_out(side: int, compression: int, size: int, strips: int = 1) -> list[Tag]:
    """The tags of a grey TIFF of `size` bytes at 8; in strips, their places are listed there, and then their sizes."""
    numbers = [(256, side), (257, side), (258, 8), (259, compression), (262, 1), (277, 1), (278, -(-side // strips))]
    listed = [(273, 4, strips, 8), (279, 4, strips, 8 + 4 * strips if strips > 1 else size)]
    return sorted([(tag, 4, 1, value) for tag, value in numbers] + listed)


def make_aliases(counted: bool) -> bytes:
    """A TIFF of 2500 strips that are one."""
    listed = struct.pack("<5000I", *[20_008] * 2500, *[9_000_000] * 2500)
    tags = [tag for tag in lay_out(5000, 8, 0, 2500) if counted or tag[0] != 279]
    return make_tiff((listed + TEXT).ljust(9_000_000), tags)


def make_bomb() -> bytes:
    """EXIF of 5000 tags that claim the same 60 kB."""
    return make_tiff(b"", [(1000 + i, 7, 60_000, 8) for i in range(5000)]).ljust(65_000, b"\0")


def make_exif(*before: bytes, prefix: bytes = b"Exif\0\0") -> bytes:
    return make_jpeg(*before, make_segment(0xE1, prefix + make_bomb()))


def resize(data: bytes, old: bytes, new: bytes) -> bytes:
    """A file that states another size than it has."""
    assert data.count(old) == 1
    return data.replace(old, new)


CLAIMS = [(1000 + i, 7, 1_000_000, 8) for i in range(900)]
TILE = [(324, 4, 1, 8), (325, 4, 1, len(TEXT))]
SLOW: dict[str, Callable[[], bytes]] = {
    "JPEG of 400 scans": lambda: repeat_scan(save("RGB", (5000, 5000), "JPEG", progressive=True), 400),
    "JPEG of fill bytes": lambda: make_jpeg(b"\xff" * 20_000_000),
    "JPEG of stuffed bytes": lambda: make_jpeg(b"\xff\0" * 10_000_000),
    "JPEG of comments": lambda: make_jpeg(make_segment(0xFE) * 2_000_000),
    "JPEG of tables": lambda: make_jpeg(make_segment(0xDB, (b"\0" + b"\1" * 64) * 1000) * 500),
    "JPEG of resources": lambda: make_jpeg(
        make_segment(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4".ljust(12, b"\0") * 5000) * 500
    ),
    "JPEG of much EXIF": lambda: make_jpeg(make_segment(0xE1, b"Exif\0\0".ljust(65_000, b"\0")) * 700),
    "JPEG, bomb in its EXIF": make_exif,
    "JPEG, bomb behind an end": lambda: make_exif(b"\xff\xd9"),
    "JPEG, bomb behind a marker of its own": lambda: make_exif(b"\xff\xf0"),
    "JPEG, bomb wrapped twice": lambda: make_exif(prefix=b"Exif\0\0Exif\0\0"),
    "JPEG, bomb in its pages": lambda: make_jpeg(make_segment(0xE2, b"MPF\0" + make_bomb())),
    "PNG of a million chunks": lambda: make_png(make_chunk(b"teXt") * 1_000_000),
    "PNG of a million chunks behind": lambda: make_png(after=make_chunk(b"teXt") * 1_000_000),
    "PNG of a million pieces": lambda: make_png(pixels=make_chunk(b"IDAT") * 1_000_000),
    "PNG of profiles": lambda: make_png(make_chunk(b"iCCP", b"a\0\0" + TEXT) * 2000),
    "PNG, bomb in its EXIF": lambda: make_png(make_chunk(b"eXIf", make_bomb())),
    "PNG, bomb in a text": lambda: make_png(
        after=make_chunk(
            b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n1\n" + make_bomb().hex().encode())
        )
    ),
    "PPM of a comment": lambda: b"P6\n#" + b"x" * 20_000_000 + b"\n60 60 255\n" + b"\0" * 10800,
    "PPM of spaces": lambda: b"P6\n" + b" " * 20_000_000 + b"\n60 60 255\n" + b"\0" * 10800,
    "PPM of text": lambda: b"P3 2000 2000 255\n" + b"1 2 3 " * 4_000_000,
    "PGM of comments": lambda: b"P2 60 60 255\n" + b"#\n" * 500_000 + b"7 " * 3600,
    "PPM of 200 tones": lambda: b"P6 3000 3000 200\n" + b"\1\2\3" * 9_000_000,
    "BMP of runs": lambda: make_bmp(6000, 6000, b"\1\7" * 18_000_000),
    "BMP of a line without end": lambda: make_bmp(13_000_000, 3, b"\1\7\0\0" * 3),
    "GIF of a comment": lambda: make_gif(b"!\xfe" + (b"\xff" + b"c" * 255) * 150_000 + b"\0"),
    "GIF of small blocks": lambda: make_gif(b"!\xff" + b"\1c" * 5_000_000 + b"\0"),
    "GIF of extensions": lambda: make_gif(b"!\xf9\4\0\0\0\0\0" * 2_000_000),
    "GIF of nothing": lambda: make_gif(b"j" * 20_000_000),
    "TIFF, bomb": lambda: make_tiff(b"\0" * 1_000_000, [*lay_out(60, 1, 3600), *CLAIMS]),
    "TIFF, bomb in its EXIF": lambda: make_tiff(
        make_directory(CLAIMS).ljust(1_000_000, b"\0"), [*lay_out(60, 1, 3600), (34665, 4, 1, 8)]
    ),
    "TIFF of tags": lambda: make_tiff(b"\0" * 3600, [*lay_out(60, 1, 3600), *[(1000, 4, 1, 8)] * 60_000]),
    "TIFF of fractions": lambda: make_tiff(b"\1" * 20_000_000, [*lay_out(60, 1, 3600), (282, 5, 2_000_000, 8)]),
    "TIFF of strips": lambda: make_tiff(b"\1" * 10_000_000, lay_out(60, 1, 0, 1_000_000)),
    "TIFF of one strip": lambda: make_aliases(counted=True),
    "TIFF of one strip, uncounted": lambda: make_aliases(counted=False),
    "TIFF, bomb in a tile": lambda: make_tiff(
        TEXT, [*lay_out(60, 8, 0)[:6], (322, 4, 1, 30_000), (323, 4, 1, 30_000), *TILE]
    ),
    "TIFF, bomb in a tile of two sizes": lambda: make_tiff(
        TEXT, [*lay_out(60, 8, 0)[:6], *[(tag, 4, 1, side) for side in (30_000, 64) for tag in (322, 323)], *TILE]
    ),
    "TIFF of 90 scans": lambda: make_tiff(
        grey := repeat_scan(save("L", (5000, 5000), "JPEG", progressive=True), 90), lay_out(5000, 7, len(grey))
    ),
    "TIFF of much LZMA": lambda: make_tiff(b"\0" * 9_000_000, lay_out(5000, 34925, 9_000_000)),
    "WebP of 40 megapixels": lambda: resize(
        save("RGB", (60, 60), "WEBP"), struct.pack("<HH", 60, 60), struct.pack("<HH", 8000, 5000)
    ),
    "CMYK of 40 megapixels in scans": lambda: resize(
        save("CMYK", (60, 60), "JPEG", progressive=True),
        struct.pack(">BHHB", 8, 60, 60, 4),
        struct.pack(">BHHB", 8, 5000, 8000, 4),
    ),
}


@pytest.mark.parametrize("make", SLOW.values(), ids=SLOW.keys())
def test_slow_and_huge_pictures_are_refused_soon(watch, monkeypatch, make):
    data, spared = make(), inspection.MAX_SECONDS - 0.2  # what matters is how soon after the end it is refused
    monkeypatch.setattr(inspection, "MAX_SECONDS", 0.2)
    with watch(1 - spared), pytest.raises(PictureError, match=r"^picture: [^\n]+$") as caught:
        read_picture(data)
    assert "damaged" not in str(caught.value)


HONEST: dict[str, Callable[[], bytes]] = {
    "photo of 12 megapixels in scans": lambda: save("RGB", (4000, 3000), "JPEG", progressive=True, subsampling=0),
    "photo of 40 megapixels in scans": lambda: save("RGB", (8000, 5000), "JPEG", progressive=True),
    "small picture of 300 scans": lambda: repeat_scan(save("RGB", (300, 300), "JPEG", progressive=True), 300),
    "photo and its film": lambda: save("RGB", (4000, 3000), "JPEG") + b"\xff\xda\0\3\1" * 1000,
    "photo of large tags": lambda: make_jpeg(*[make_segment(0xE2, b"ICC_PROFILE\0".ljust(65_000))] * 50),
    "PNG of 12 megapixels": lambda: save("RGB", (4000, 3000), "PNG", compress_level=1),
    "PNG of small pieces": lambda: make_png(make_chunk(b"tEXt", b"a\0b") * 100),
    "text of 400x400": lambda: b"P3 400 400 255\n# made by hand\n" + b"100 2 3\n" * 160_000,
    "BMP of runs of 1 megapixel": lambda: make_bmp(1000, 1000, (b"\xfa\7" * 4 + b"\0\0") * 1000),
    "GIF of a long comment": lambda: make_gif(b"!\xfe" + (b"\xff" + b"c" * 255) * 1000 + b"\0"),
    "TIFF of 12 megapixels": lambda: save("RGB", (4000, 3000), "TIFF", compression="tiff_lzw"),
    "TIFF of one row a strip": lambda: make_tiff(
        struct.pack("<6000I", *range(24_008, 24_008 + 3000 * 3000, 3000), *[3000] * 3000) + b"\x90" * 9_000_000,
        lay_out(3000, 1, 0, 3000),
    ),
    "WebP of 12 megapixels": lambda: save("RGB", (4000, 3000), "WEBP", method=0),
}


@pytest.mark.parametrize("make", HONEST.values(), ids=HONEST.keys())
def test_large_honest_pictures_are_read_soon(watch, make):
    data = make()
    with watch():
        assert max(read_picture(data).shape) <= 400


BETWEEN: dict[str, Callable[[], bytes]] = {
    "PBM of text": lambda: b"P1 6000 6000\n" + b"01" * 18_000_000,
    "PNG of texts": lambda: make_png(make_chunk(b"zTXt", b"a\0\0" + TEXT) * 2000),
    "PNG of 48 bits": lambda: b"".join(
        [
            b"\x89PNG\r\n\x1a\n" + make_chunk(b"IHDR", struct.pack(">IIBBBBB", 8000, 5000, 16, 2, 0, 0, 0)),
            make_chunk(b"IDAT", zlib.compress(bytes(48_001) * 5000, 1)) + make_chunk(b"IEND"),
        ]
    ),
    "TIFF of 26 scans": lambda: make_tiff(
        grey := repeat_scan(save("L", (6000, 6000), "JPEG", progressive=True), 20), lay_out(6000, 7, len(grey))
    ),
    "JPEG of restarts": lambda: save("RGB", (60, 60), "JPEG")[:-2] + b"\xff\xd0" * 10_000_000 + b"\xff\xd9",
    "BMP of long runs": lambda: make_bmp(6000, 6000, (b"\0\xff" + b"\7" * 256) * 150_000),
    "chunks of a WebP": lambda: (
        b"RIFF"
        + struct.pack("<I", 24_000_000)
        + b"WEBPVP8X"
        + struct.pack("<IIHBHB", 10, 0, 59, 0, 59, 0)
        + b"abcd\0\0\0\0" * 3_000_000
        + save("RGB", (60, 60), "WEBP")[12:]
    ),
}


@pytest.mark.parametrize("make", BETWEEN.values(), ids=BETWEEN.keys())
def test_what_is_as_slow_as_may_be_is_read_or_refused_soon(watch, make):
    data = make()
    with watch(), suppress(PictureError):
        read_picture(data)


def test_a_watched_file_ends_what_lasts_too_long_or_reads_too_much(monkeypatch):
    file = inspection.WatchedFile(b"abc")
    assert file.read(2) + file.read() == b"abc"
    monkeypatch.setattr(inspection, "MAX_TAG_BYTES", 2)
    file = inspection.WatchedFile(b"abc")
    file.read()
    file.seek(0)
    with pytest.raises(PictureError, match="share their bytes"):
        file.read()
    monkeypatch.setattr(inspection, "MAX_SECONDS", -1)
    with pytest.raises(PictureError, match="decoded within"):
        inspection.WatchedFile(b"abc").read()


@pytest.mark.parametrize("start", [b"II*\0", b"MM\0*"])
def test_honest_tags_pass_in_either_order(start):
    exif = Image.Exif()
    exif.endian = "<" if start == b"II*\0" else ">"
    exif[0x0112], exif[0x010F] = 6, "maker" * 100
    exif.get_ifd(0x8769)[0x9286] = b"comment" * 1000
    data = exif.tobytes()
    assert data[6:10] == start
    inspection.check_tags(data)


def test_tags_cut_anywhere_pass_on():
    data = make_tiff(b"\0" * 50, [*lay_out(60, 1, 3600), (34665, 4, 1, 20), (34853, 4, 1, 70)])
    for length in range(len(data)):
        inspection.check_tags(data[:length])


def test_scans_are_counted_as_the_decoder_meets_them():
    data = save("RGB", (64, 48), "JPEG", subsampling=0)
    assert inspection.check_jpeg(data) == 64 * 48 * 3
    assert inspection.check_jpeg(data, 5) == 64 * 48 * 3 + 5
    thumbnail = data[:2] + make_segment(0xE1, b"Exif\0\0" + data) + data[2:]
    assert inspection.check_jpeg(thumbnail) == 64 * 48 * 3
    assert inspection.check_jpeg(data + data) == 64 * 48 * 3
    assert inspection.check_jpeg(repeat_scan(data, 4)) == 64 * 48 * 3 * 5
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8))
    file = io.BytesIO()
    noise.save(file, "JPEG", quality=95, restart_marker_blocks=3, subsampling=0)
    assert inspection.check_jpeg(file.getvalue()) == 640 * 480 * 3
