"""The door: hostile input, what must not matter to it, and MNIST's own form as the oracle."""

import io
import os
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw

from digitrec import pictures
from digitrec.ink import reduce_colours
from digitrec.pictures import PictureError, read_picture
from digitrec.pieces import find_pieces, keep_digit
from digitrec.preprocessing import box_ink, match_mnist, prepare, show_stages, to_mnist


def draw_seven(size: int = 120, width: int = 9, ink: int = 0, paper: int = 255) -> Image.Image:
    """A 7: one stroke in two lines, ends well inside the frame."""
    image = Image.new("L", (size, size), paper)
    points = [(0.3 * size, 0.25 * size), (0.7 * size, 0.25 * size), (0.42 * size, 0.8 * size)]
    ImageDraw.Draw(image).line(points, ink, width, joint="curve")
    return image


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of two images, shifted by up to one pixel: 1 where they are the same up to brightness.

    The centre of mass is rounded to a pixel, so the slightest change may move an image by one.
    """
    y = b.ravel().astype(float)
    shifted = (np.roll(a, (i, j), (0, 1)).ravel().astype(float) for i in (0, 1, -1) for j in (0, 1, -1))
    return max(float(x @ y / np.sqrt((x @ x) * (y @ y) or 1)) for x in shifted)


def enlarge(image: np.ndarray, factor: int) -> np.ndarray:
    size = (image.shape[1] * factor, image.shape[0] * factor)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


SEVEN = to_mnist(draw_seven())


# --- prepare --------------------------------------------------------------------------------------


def test_prepare_scales_and_shapes():
    images = np.arange(2 * 784, dtype=np.uint32).reshape(2, 28, 28).astype(np.uint8)
    x = prepare(images)
    assert x.shape == (2, 28, 28, 1)
    assert x.dtype == np.float32
    assert np.array_equal(np.rint(x[..., 0] * 255), images)
    assert np.array_equal(prepare(images[1]), x[1:])
    assert prepare(images[:0]).shape == (0, 28, 28, 1)


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 28, 28)), np.zeros((2, 28, 27), np.uint8), np.zeros((1, 2, 28, 28), np.uint8), [], "x"]
)
def test_prepare_says_what_it_expected(bad):
    with pytest.raises(ValueError, match=r"expected uint8 \(n, 28, 28\), got"):
        prepare(bad)


# --- hostile input --------------------------------------------------------------------------------


def _bomb(side: int) -> bytes:
    """A PNG of a few bytes that claims to be side x side."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


HOSTILE = {
    "nothing": b"",
    "text": b"This is not a picture, whatever its name says.\n" * 50,
    "html": b"<!doctype html><svg xmlns='http://www.w3.org/2000/svg'/>",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "header alone": b"\x89PNG\r\n\x1a\n",
    "bomb of 100 megapixels": _bomb(10_000),
    "bomb of 196 megapixels": _bomb(14_000),
    "bomb of 10 gigapixels": _bomb(100_000),
    "no pixels": _bomb(0),
    "too little data": _bomb(500),
    "one pixel": np.zeros((1, 1), np.uint8),
    "a thread": np.zeros((1, 5000), np.uint8),
    "a thread once shrunk": np.zeros((3, 5000), np.uint8),
    "empty array": np.zeros((0, 0)),
    "NaN": np.full((28, 28), np.nan),
    "one NaN": np.where(np.eye(28), np.nan, 0.5),
    "infinity": np.full((28, 28), np.inf),
    "negative": np.full((28, 28), -0.1),
    "too large numbers": np.full((28, 28), 1e6),
    "text array": np.full((28, 28), "a"),
    "objects": np.full((28, 28), None),
    "complex": np.ones((28, 28), complex),
    "five channels": np.ones((28, 28, 5)),
    "no channels": np.ones((28, 28, 0)),
    "a row": np.ones(784),
    "a batch": np.ones((2, 28, 28, 1)),
    "a list": [[0, 1], [1, 0]],
    "a number": 7,
    "None": None,
    "missing file": "no/such/file.png",
    "null in the name": "a\0b.png",
    "endless name": "a" * 5000,
    "device": "/dev/zero",
    "text file object": io.StringIO("abc"),
}


@pytest.mark.parametrize("picture", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_input_gets_one_clear_line_soon(picture):
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(PictureError, match=r"^picture: .+") as caught:
        to_mnist(picture)
    assert time.process_time() - start < 1
    assert tracemalloc.get_traced_memory()[1] < 300e6
    tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 6000


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


def test_too_many_bytes_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_BYTES", 100)
    path = tmp_path / "seven.png"
    draw_seven().save(path)
    with pytest.raises(PictureError, match="expected 1 to 100 bytes"):
        to_mnist(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP"])
def test_a_file_cut_anywhere_is_refused_or_whole(kind):
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
def test_a_damaged_file_never_raises_anything_else(data):
    damaged = bytearray(encode(draw_seven(40, 4), data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP"]))))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = to_mnist(bytes(damaged))
    except PictureError:
        return
    assert image.shape == (28, 28)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=3, max_side=40)))
def test_any_array_has_a_form(array):
    image = to_mnist(array)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() in (0, 254, 255)


def test_the_callers_picture_stays_as_it_was():
    picture = Image.open(io.BytesIO(encode(draw_seven(900, 60), "JPEG")))
    to_mnist(picture)
    assert picture.size == (900, 900)
    array = np.asarray(draw_seven()).copy()
    before = array.copy()
    to_mnist(array)
    assert np.array_equal(array, before)


# --- every way to hand in the same picture --------------------------------------------------------


def test_paths_bytes_files_images_and_arrays_agree(tmp_path):
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
            assert np.array_equal(to_mnist(way), SEVEN)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_modes_agree(mode):
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(draw_seven()).astype(np.uint16) * 257)
        assert picture.mode == "I;16"
    elif mode == "I":
        picture = Image.fromarray(np.asarray(draw_seven()).astype(np.int32) * 16)  # 12 bits
    else:
        picture = draw_seven().convert(mode)
    assert overlap(to_mnist(picture), SEVEN) > 0.995


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.int64, np.float16, np.float32, np.float64])
def test_number_types_agree(dtype):
    ink = np.asarray(draw_seven())
    array = (
        ink > 127 if dtype is bool else (ink / 255).astype(dtype) if np.dtype(dtype).kind == "f" else ink.astype(dtype)
    )
    assert np.array_equal(to_mnist(array), SEVEN)
    if dtype is not bool:
        assert np.array_equal(to_mnist(ink.astype(dtype)), SEVEN)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 30), (128, 128, 128), (250, 240, 40)])
def test_ink_on_a_transparent_canvas_is_seen(colour):
    picture = Image.new("RGBA", (120, 120), (0, 0, 0, 0))
    picture.paste(Image.new("RGB", (120, 120), colour), mask=draw_seven(ink=255, paper=0))
    picture.putalpha(draw_seven(ink=255, paper=0))
    for way in (picture, encode(picture), np.asarray(picture)):
        assert overlap(to_mnist(way), SEVEN) > 0.995


def test_transparent_corners_of_an_opaque_picture_are_paper():
    alpha = Image.new("L", (120, 120), 0)
    ImageDraw.Draw(alpha).rounded_rectangle((0, 0, 119, 119), 30, fill=255)
    picture = draw_seven().convert("RGB")
    picture.putalpha(alpha)
    assert overlap(to_mnist(picture), SEVEN) > 0.99


def test_orientation_in_exif_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: display with a quarter turn clockwise
    turned = draw_seven(360, 26).transpose(Image.Transpose.ROTATE_90)
    assert overlap(to_mnist(encode(turned, "JPEG", exif=exif, quality=95)), to_mnist(draw_seven(360, 26))) > 0.95
    assert overlap(to_mnist(encode(turned, "JPEG", quality=95)), to_mnist(draw_seven(360, 26))) < 0.8


def test_the_first_frame_of_an_animation_counts():
    frames = [draw_seven(), Image.new("L", (120, 120), 255)]
    assert np.array_equal(to_mnist(encode(frames[0], "GIF", save_all=True, append_images=frames[1:])), SEVEN)


def test_a_large_photo_is_shrunk_early_and_keeps_a_thin_line():
    data = encode(draw_seven(3600, 14, ink=90, paper=200).convert("RGB"), "JPEG")
    start = time.process_time()
    stages = show_stages(data)
    assert time.process_time() - start < 1
    assert max(stages.picture.shape) == pictures.WORKING_SIDE
    assert overlap(stages.image, to_mnist(draw_seven(360, 3))) > 0.8


# --- what must not matter -------------------------------------------------------------------------


@pytest.mark.parametrize("paper", [(255, 200, 90), (150, 160, 120), (30, 60, 40), (255, 255, 255)])
@pytest.mark.parametrize("ink", [(40, 40, 150), (200, 20, 20), (240, 240, 230)])
def test_colours_of_paper_and_ink(paper, ink):
    mask = np.asarray(draw_seven(ink=255, paper=0))[..., None] / 255
    picture = (mask * ink + (1 - mask) * paper).astype(np.uint8)
    if np.abs(np.subtract(paper, ink)).max() > 60:
        assert overlap(to_mnist(picture), SEVEN) > 0.99


def test_colours_of_the_same_brightness_are_told_apart():
    mask = np.asarray(draw_seven(ink=255, paper=0))[..., None] / 255
    picture = (mask * (200, 40, 60) + (1 - mask) * (60, 112, 55)).astype(np.uint8)
    assert np.ptp(np.asarray(Image.fromarray(picture).convert("L"), int)) < 10
    assert np.ptp(reduce_colours(picture).astype(int)) > 80
    assert overlap(to_mnist(picture), SEVEN) > 0.99


@settings(max_examples=25, deadline=None)
@given(
    size=st.integers(40, 300),
    pad=st.tuples(*[st.integers(0, 60)] * 4),
    low=st.integers(0, 90),
    high=st.integers(150, 255),
)
def test_size_place_contrast_and_polarity(size, pad, low, high):
    seven = np.asarray(draw_seven(size, max(3, round(size * 9 / 120)), low, high))
    seven = np.pad(seven, (pad[:2], pad[2:]), constant_values=high)
    image = to_mnist(seven)
    assert overlap(image, SEVEN) > 0.85
    assert np.array_equal(to_mnist(255 - seven), image)


def test_gradients_and_shadows_are_evened():
    seven = np.asarray(draw_seven(200, 12), float)
    for light in (
        np.linspace(0.4, 1, 200)[:, None],
        np.linspace(1, 0.5, 200),
        np.interp(np.arange(200), [40, 80], [0.55, 1]),
    ):
        stages = show_stages((30 + seven * 0.8) * light)
        assert overlap(stages.image, SEVEN) > 0.9
        assert stages.ink[5:30, 5:30].max() < 0.2


def test_noise_stays_out():
    generator = np.random.default_rng(0)
    noisy = np.asarray(draw_seven(120, 9, 60, 200)) + generator.normal(0, 12, (120, 120))
    assert overlap(to_mnist(np.clip(noisy, 0, 255)), SEVEN) > 0.97


def test_rules_borders_neighbours_and_full_stops_go():
    picture = draw_seven(120, 9)
    draw = ImageDraw.Draw(picture)
    draw.line((0, 104, 119, 106), 0, 2)
    draw.line((20, 0, 22, 119), 0, 2)
    draw.ellipse((78, 88, 86, 96), 0)
    draw.arc((100, 30, 160, 90), 90, 270, 0, 8)
    assert overlap(to_mnist(picture), SEVEN) > 0.97


def test_a_detached_bar_stays():
    picture = Image.new("L", (100, 140), 255)
    draw = ImageDraw.Draw(picture)
    draw.arc((25, 55, 75, 115), 250, 120, 0, 9)
    draw.line((35, 30, 78, 28), 0, 9)
    kept = show_stages(picture).digit
    assert kept[28, 50] > 0.9
    assert kept[85, 72] > 0.9


def test_the_sheet_is_found_on_the_desk():
    generator = np.random.default_rng(0)
    desk = Image.fromarray(generator.integers(30, 90, (300, 240), dtype=np.uint8))
    desk.paste(draw_seven(150, 4, 120, 215), (40, 60))
    assert overlap(to_mnist(desk), to_mnist(draw_seven(150, 4))) > 0.95


@pytest.mark.parametrize("value", [0, 90, 255])
@pytest.mark.parametrize("shape", [(28, 28), (3, 3), (200, 300), (50, 50, 3), (50, 50, 4)])
def test_a_blank_picture_is_all_zero(value, shape):
    assert not to_mnist(np.full(shape, value, np.uint8)).any()


def test_a_blank_sheet_in_uneven_light_is_all_zero():
    generator = np.random.default_rng(0)
    sheet = 200 - np.linspace(0, 60, 200) + generator.normal(0, 1.5, (150, 200))
    assert not to_mnist(sheet).any()


def test_stages_come_in_order_and_end_in_the_form():
    stages = show_stages(draw_seven().convert("RGB"))
    assert list(vars(stages)) == ["picture", "contrast", "ink", "digit", "image"]
    assert stages.picture.shape == (120, 120, 3)
    for floats in (stages.ink, stages.digit):
        assert floats.dtype == np.float32
        assert 0 <= floats.min() <= floats.max() <= 1
    assert (stages.digit <= stages.ink).all()
    assert np.array_equal(stages.image, to_mnist(draw_seven().convert("RGB")))


# --- pieces ---------------------------------------------------------------------------------------


def _flood(mask: np.ndarray) -> int:
    """Count pieces the slow, obvious way."""
    left, count = {tuple(at) for at in np.argwhere(mask)}, 0
    while left:
        count += 1
        queue = [left.pop()]
        while queue:
            y, x = queue.pop()
            around = {(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= around
            queue += around
    return count


@settings(max_examples=80, deadline=None)
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14)))
def test_pieces_are_those_of_a_flood_fill(mask):
    starts, ends, piece = find_pieces(mask)
    assert (ends - starts).sum() == mask.sum()
    assert len(set(piece.tolist())) == _flood(mask)
    if len(piece):
        assert set(piece.tolist()) == set(range(piece.max() + 1))


def test_no_ink_has_no_digit():
    assert not keep_digit(np.zeros((30, 20), np.float32)).any()


# --- boxing ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=60),
        elements=st.floats(0, 1, width=32),
    )
)
def test_a_box_has_mnists_form(ink):
    image = box_ink(ink)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    if not (ink > 0.2).any():
        assert not image.any()
        return
    assert image.max() == 255
    down, across = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    height, width = np.ptp(down) + 1, np.ptp(across) + 1
    assert max(height, width) <= 20
    mass = image.astype(float)
    y = mass.sum(axis=1) @ np.arange(28) / mass.sum()
    x = mass.sum(axis=0) @ np.arange(28) / mass.sum()
    free_down, free_across = down[0] > 0 and down[-1] < 27, across[0] > 0 and across[-1] < 27
    assert not free_down or abs(y - 14) < 0.55
    assert not free_across or abs(x - 14) < 0.55


def test_a_box_keeps_the_aspect_ratio():
    image = box_ink(np.ones((90, 30), np.float32))
    assert (np.count_nonzero(image.any(axis=1)), np.count_nonzero(image.any(axis=0))) == (20, 7)


def test_scikit_learns_digits_survive(digits):
    """8x8 digits brought into MNIST's form go through unchanged, and inverted as well."""
    images = digits[0][:200]
    assert all(np.array_equal(to_mnist(255 - image), to_mnist(image)) for image in images)


# --- MNIST itself ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples(mnist):
    return mnist[0][0][::150]


@pytest.mark.mnist
def test_mnist_comes_back_exactly(mnist):
    for images in (mnist[0][0][::6], mnist[1][0]):
        assert all(match_mnist(image) is image for image in images)
    for image in mnist[0][0][::300]:
        assert np.array_equal(to_mnist(255 - image), image)
        assert np.array_equal(to_mnist(image.astype(float)), image)
        assert np.array_equal(to_mnist(encode(Image.fromarray(image))), image)
        assert np.array_equal(to_mnist(np.repeat(image[:, :, None], 3, axis=2)), image)


@pytest.mark.mnist
@pytest.mark.parametrize(
    ("change", "least", "usual"),
    [
        (lambda image: np.pad(image, ((3, 17), (11, 2))), 0.8, 0.999),
        (lambda image: 255 - np.roll(image, (2, -1), (0, 1)), 0.7, 0.999),
        (lambda image: encode(Image.fromarray(image), "JPEG", quality=90), 0.8, 0.99),
        (lambda image: enlarge(image, 3), 0.5, 0.9),
        (lambda image: encode(Image.fromarray(255 - enlarge(image, 10)), "JPEG", quality=90), 0.5, 0.9),
    ],
    ids=["pad", "move and invert", "jpeg", "enlarge", "enlarge, invert and jpeg"],
)
def test_mnist_changed_and_brought_back(samples, change, least, usual):
    alike = [overlap(to_mnist(change(image)), image) for image in samples[:150]]
    assert np.median(alike) > usual
    assert np.quantile(alike, 0.01) > least


@pytest.mark.mnist
def test_a_digit_cut_out_to_the_frame_is_whole(samples):
    alike = []
    for image in samples[:200]:
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        if np.ptp(columns) < 4:
            continue
        alike.append(overlap(to_mnist(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]), image))
    assert np.quantile(alike, 0.03) > 0.85


@pytest.mark.mnist
def test_the_door_is_fast(samples):
    def median_ms(pictures):
        times = []
        for picture in pictures:
            start = time.process_time()
            to_mnist(picture)
            times.append(time.process_time() - start)
        return 1e3 * float(np.median(times))

    # Ten times what a quiet core takes, so that only a change of order fails.
    assert median_ms(samples) < 0.2
    assert median_ms([enlarge(image, 2) for image in samples[:100]]) < 7


@pytest.mark.skipif(os.name != "posix", reason="needs pipes with names")
def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PictureError, match="expected a file"):
        to_mnist(tmp_path / "pipe")
