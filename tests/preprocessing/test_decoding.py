"""Any picture to pixels: hostile input, and every way to hand in the same picture."""

import io
import os
import stat
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw, ImageOps

from digitrec.preprocessing import decoding, files
from digitrec.preprocessing.decoding import PictureError, read_picture
from digitrec.preprocessing.form import show_stages, to_mnist

# --- hostile input --------------------------------------------------------------------------------


def make_bomb(side: int) -> bytes:
    """A PNG of a few bytes that claims to be side x side."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


HOSTILE = {
    "nothing": b"",
    "text": b"This is not a picture, whatever its name says.\n" * 50,
    "html": b"<!doctype html><svg xmlns='http://www.w3.org/2000/svg'/>",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "header alone": b"\x89PNG\r\n\x1a\n",
    "bomb of 100 megapixels": make_bomb(10_000),
    "bomb of 196 megapixels": make_bomb(14_000),
    "bomb of 10 gigapixels": make_bomb(100_000),
    "no pixels": make_bomb(0),
    "too little data": make_bomb(500),
    "one pixel": np.zeros((1, 1), np.uint8),
    "a thread": np.zeros((1, 5000), np.uint8),
    "a thread once shrunk": np.zeros((3, 5000), np.uint8),
    "empty array": np.zeros((0, 0)),
    "no rows": np.zeros((0, 9)),
    "no dimension": np.array(5.0),
    "NaN": np.full((28, 28), np.nan),
    "one NaN": np.where(np.eye(28), np.nan, 0.5),
    "infinity": np.full((28, 28), np.inf),
    "negative": np.full((28, 28), -0.1),
    "too large numbers": np.full((28, 28), 1e6),
    "text array": np.full((28, 28), "a"),
    "objects": np.full((28, 28), None),
    "objects that are numbers": np.full((28, 28), 1, object),
    "records": np.zeros((9, 9), [("a", int), ("b", float)]),
    "dates": np.zeros((9, 9), "datetime64[s]"),
    "complex": np.ones((28, 28), complex),
    "masked": np.ma.masked_array(np.ones((9, 9)), np.eye(9)),
    "all masked": np.ma.masked_all((9, 9)),
    "an endless array": np.broadcast_to(np.uint8(1), (10**7, 10**7)),
    "five channels": np.ones((28, 28, 5)),
    "no channels": np.ones((28, 28, 0)),
    "a row": np.ones(785),
    "a batch": np.ones((2, 28, 28, 1)),
    "a list": [[0, 1], [1, 0]],
    "a number": 7,
    "None": None,
    "missing file": "no/such/file.png",
    "null in the name": "a\0b.png",
    "endless name": "a" * 5000,
    "half a character in the name": "\ud800.png",
    "folder": "/",
    "device": "/dev/zero",
    "the log of the kernel": "/proc/kmsg",
    "the memory of the kernel": "/proc/kcore",
    "file that does not say how long it is": "/proc/self/maps",
    "text file object": io.StringIO("abc"),
}


@pytest.mark.parametrize("picture", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_input_gets_one_clear_line_soon(watch, picture):
    with watch(), pytest.raises(PictureError, match=r"^picture: .+") as caught:
        to_mnist(picture)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 6000


@pytest.mark.parametrize("side", [7_000, 10_000, 14_000, 100_000])
def test_a_bomb_is_called_too_large_and_not_damaged(side):
    with pytest.raises(PictureError, match="at most 40000000 pixels"):
        to_mnist(make_bomb(side))


def test_directory_and_forbidden_and_renamed_files(tmp_path, monkeypatch):
    with pytest.raises(PictureError, match="expected a file"):
        to_mnist(tmp_path)
    renamed = tmp_path / "seven.png"
    renamed.write_text("seven")
    with pytest.raises(PictureError, match="expected one of PNG"):
        to_mnist(renamed)

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PictureError, match="Permission denied"):
        to_mnist(str(renamed))


@pytest.mark.skipif(os.name != "posix", reason="needs pipes with names")
def test_a_pipe_is_no_file_even_one_that_took_the_place_of_one(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PictureError, match="expected a file"):
        to_mnist(tmp_path / "pipe")
    seen = os.stat_result((stat.S_IFREG | 0o600, 1, 1, 1, 0, 0, 100, 0, 0, 0))
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "stat", lambda _: seen)
        with pytest.raises(PictureError, match="got none"):
            to_mnist(tmp_path / "pipe")


@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), ValueError("two\nlines"), RuntimeError(), EOFError()]
)
def test_a_file_object_that_fails_gives_one_line(error):
    class Broken(io.BytesIO):
        def read(self, *_):
            raise error

    with pytest.raises(PictureError, match=r"^picture: cannot open [^\n]+$"):
        to_mnist(Broken())


def test_too_many_bytes_are_not_read(draw_seven, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 100)
    path = tmp_path / "seven.png"
    draw_seven().save(path)
    for picture in (path, path.read_bytes(), io.BytesIO(path.read_bytes())):
        with pytest.raises(PictureError, match="expected 1 to 100 bytes"):
            to_mnist(picture)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP"])
def test_a_file_cut_anywhere_is_refused_or_whole(draw_seven, encode, kind):
    data = encode(draw_seven(60, 5), kind)
    whole = read_picture(data)
    refused = 0
    for length in range(0, len(data), max(1, len(data) // 150)):
        try:
            pixels = read_picture(data[:length])
        except PictureError:
            refused += 1
        else:  # only what follows the pixels may be missing
            assert np.array_equal(pixels, whole)
    assert refused > 100


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_never_raises_anything_else(draw_seven, encode, data):
    damaged = bytearray(encode(draw_seven(40, 4), data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP"]))))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = to_mnist(bytes(damaged))
    except PictureError:
        return
    assert image.shape == (28, 28)


def test_the_callers_picture_stays_as_it_was(draw_seven, encode):
    picture = Image.open(io.BytesIO(encode(draw_seven(900, 60), "JPEG")))
    to_mnist(picture)
    assert picture.size == (900, 900)
    array = np.asarray(draw_seven()).copy()
    before = array.copy()
    to_mnist(array)
    assert np.array_equal(array, before)


@pytest.mark.parametrize("side", range(3, 9))
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "uint16", ">u2", "int64", "float16", "float32", "float64"])
def test_any_tiny_picture_of_any_numbers_has_a_form(side, dtype):
    generator = np.random.default_rng(side)
    for width in range(3, 9):
        for channels in ((), (1,), (2,), (3,), (4,)):
            numbers = generator.random((side, width, *channels)) * (1 if dtype[0] in "bf" else 127)
            image = to_mnist(numbers.astype(dtype) if dtype != "bool" else numbers > 0.5)
            assert (image.shape, image.dtype) == ((28, 28), np.uint8)


@settings(max_examples=300, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(*[st.integers(3, 8)] * 2), elements=st.sampled_from([0, 1, 2, 127, 254, 255])))
def test_any_tiny_picture_of_few_tones_has_a_form(array):
    for way in (array, array[::-1, ::-1], array.T, array / 255):
        assert to_mnist(way).shape == (28, 28)


@settings(max_examples=200, deadline=None)
@given(
    hnp.arrays(
        hnp.scalar_dtypes() | hnp.array_dtypes(), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)
    )
)
def test_any_array_at_all_is_read_or_refused_in_one_line(array):
    try:
        image = to_mnist(array)
    except PictureError as error:
        message = str(error)
    else:
        message = "read"
        assert image.shape == (28, 28)
    assert "\n" not in message


def test_an_array_counts_as_it_is_seen(draw_seven):
    array = np.asarray(draw_seven().convert("RGB"))
    seen = read_picture(array)
    assert np.array_equal(read_picture(array[::-1, ::-1])[::-1, ::-1], seen)
    assert np.array_equal(read_picture(array[:, :, ::-1])[:, :, ::-1], seen)
    assert np.array_equal(read_picture(np.asfortranarray(array)), seen)
    assert np.array_equal(read_picture(np.repeat(array, 2, axis=1)[:, ::2]), seen)


@pytest.mark.parametrize("dtype", [bool, np.uint16, np.float64])
def test_a_large_array_is_converted_in_little_memory(watch, dtype):
    array = np.zeros((5000, 6000), dtype)
    array[:2500] = 1
    with watch():
        assert read_picture(array).shape == (333, 400)


def test_libtiff_and_pillow_write_nothing_of_their_own(tmp_path, encode, draw_seven):
    for number, (options, place) in enumerate(
        [({"compression": "tiff_lzw"}, 2), ({"compression": "jpeg"}, 3), ({}, 1)]
    ):
        data = bytearray(encode(draw_seven(300).convert("RGB"), "TIFF", **options))
        middle = len(data) // place
        data[middle : middle + 60] = b"\xff\x00\xfe" * 20
        (tmp_path / f"{number}.tif").write_bytes(data)
        (tmp_path / f"cut{number}.tif").write_bytes(data[:middle])
    samples = struct.pack("<HHII", 277, 3, 1, 3)  # a pixel: Pillow logs that it cannot read 768
    data = encode(draw_seven().convert("RGB"), "TIFF")
    assert samples in data
    (tmp_path / "logged.tif").write_bytes(data.replace(samples, struct.pack("<HHII", 277, 3, 1, 768)))
    code = (
        "import sys\n"
        "from digitrec.preprocessing import PictureError, read_picture\n"
        "for path in sys.argv[1:]:\n"
        "    try: read_picture(path)\n"
        "    except PictureError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *tmp_path.iterdir()], capture_output=True, text=True, check=True)
    assert "decoder error" in done.stdout  # which libtiff would have told of
    assert done.stderr == ""


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "PPM", "TIFF"])
def test_a_file_with_any_byte_changed_is_read_or_refused_in_one_line(draw_seven, encode, kind):
    data = encode(draw_seven(12, 2).convert("RGB"), kind, **({"compression": "tiff_lzw"} if kind == "TIFF" else {}))
    messages = []
    for place in range(0, len(data), max(1, len(data) // 300)):
        for value in (0, 255):
            try:
                read_picture(data[:place] + bytes([value]) + data[place + 1 :])
            except PictureError as error:
                messages.append(str(error))
    assert messages
    assert not any("\n" in message for message in messages)


# --- every way to hand in the same picture --------------------------------------------------------


def test_paths_bytes_files_images_and_arrays_agree(draw_seven, plain_seven, tmp_path):
    path = tmp_path / "seven.png"
    draw_seven().save(path)
    data = path.read_bytes()
    with open(path, "rb") as file:
        ways = [str(path), path, data, bytearray(data), memoryview(data), file, io.BytesIO(data), Image.open(path)]
        ways += [
            np.asarray(draw_seven()),
            np.asarray(draw_seven())[:, :, None],
            np.asarray(draw_seven().convert("RGB")),
        ]
        for way in ways:
            assert np.array_equal(to_mnist(way), plain_seven)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_modes_agree(draw_seven, overlap, plain_seven, mode):
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(draw_seven()).astype(np.uint16) * 257)
        assert picture.mode == "I;16"
    elif mode == "I":
        picture = Image.fromarray(np.asarray(draw_seven()).astype(np.int32) * 16)  # 12 bits
    else:
        picture = draw_seven().convert(mode)
    assert overlap(to_mnist(picture), plain_seven) > 0.995


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.int64, np.float16, np.float32, np.float64])
def test_number_types_agree(draw_seven, plain_seven, dtype):
    ink = np.asarray(draw_seven())
    array = (
        ink > 127 if dtype is bool else (ink / 255).astype(dtype) if np.dtype(dtype).kind == "f" else ink.astype(dtype)
    )
    assert np.array_equal(to_mnist(array), plain_seven)
    if dtype is not bool:
        assert np.array_equal(to_mnist(ink.astype(dtype)), plain_seven)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 30), (128, 128, 128), (250, 240, 40)])
def test_ink_on_a_transparent_canvas_is_seen(draw_seven, encode, overlap, plain_seven, colour):
    picture = Image.new("RGBA", (120, 120), (0, 0, 0, 0))
    picture.paste(Image.new("RGB", (120, 120), colour), mask=draw_seven(ink=255, paper=0))
    picture.putalpha(draw_seven(ink=255, paper=0))
    for way in (picture, encode(picture), np.asarray(picture)):
        assert overlap(to_mnist(way), plain_seven) > 0.995


def test_transparent_corners_of_an_opaque_picture_are_paper(draw_seven, overlap, plain_seven):
    alpha = Image.new("L", (120, 120), 0)
    ImageDraw.Draw(alpha).rounded_rectangle((0, 0, 119, 119), 30, fill=255)
    picture = draw_seven().convert("RGB")
    picture.putalpha(alpha)
    assert overlap(to_mnist(picture), plain_seven) > 0.99


def test_orientation_in_exif_is_applied(draw_seven, encode, overlap):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: display with a quarter turn clockwise
    turned = draw_seven(360, 26).transpose(Image.Transpose.ROTATE_90)
    assert overlap(to_mnist(encode(turned, "JPEG", exif=exif, quality=95)), to_mnist(draw_seven(360, 26))) > 0.95
    assert overlap(to_mnist(encode(turned, "JPEG", quality=95)), to_mnist(draw_seven(360, 26))) < 0.8


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 10))
def test_every_orientation_is_applied_as_pillow_does(draw_seven, encode, kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(draw_seven(90).crop((10, 0, 80, 90)).convert("RGB"), kind, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert np.array_equal(read_picture(data), np.asarray(upright))


def test_an_opened_image_is_inspected_too_and_left_where_it_was(draw_seven, encode):
    data = encode(draw_seven(500), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    slow = Image.open(io.BytesIO(data[:-2] + scan * 5000 + b"\xff\xd9"))
    with pytest.raises(PictureError, match="some ten scans"):
        read_picture(slow)
    opened = Image.open(io.BytesIO(data))
    read_picture(opened)
    assert np.array_equal(np.asarray(opened), np.asarray(Image.open(io.BytesIO(data))))


def test_the_first_frame_of_an_animation_counts(draw_seven, encode, plain_seven):
    frames = [draw_seven(), Image.new("L", (120, 120), 255)]
    assert np.array_equal(to_mnist(encode(frames[0], "GIF", save_all=True, append_images=frames[1:])), plain_seven)


def test_a_large_photo_is_shrunk_early_and_keeps_a_thin_line(draw_seven, encode, overlap):
    data = encode(draw_seven(3600, 14, ink=90, paper=200).convert("RGB"), "JPEG")
    start = time.process_time()
    stages = show_stages(data)
    assert time.process_time() - start < 1
    assert max(stages.picture.shape) == decoding.WORKING_SIDE
    assert overlap(stages.image, to_mnist(draw_seven(360, 3))) > 0.8
