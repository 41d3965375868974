"""The door: what must not matter to it, and MNIST's own form as the oracle."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from digitrec.preprocessing.box import box_ink, resize_ink
from digitrec.preprocessing.form import match_mnist, prepare, show_stages, to_mnist


def enlarge(image: np.ndarray, factor: int) -> np.ndarray:
    size = (image.shape[1] * factor, image.shape[0] * factor)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


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


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=3, max_side=40)))
def test_any_array_has_a_form(array):
    image = to_mnist(array)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() in (0, 254, 255)


@settings(max_examples=25, deadline=None)
@given(
    size=st.integers(40, 300),
    pad=st.tuples(*[st.integers(0, 60)] * 4),
    low=st.integers(0, 90),
    high=st.integers(150, 255),
)
def test_size_place_contrast_and_polarity(draw_seven, overlap, plain_seven, size, pad, low, high):
    seven = np.asarray(draw_seven(size, max(3, round(size * 9 / 120)), low, high))
    seven = np.pad(seven, (pad[:2], pad[2:]), constant_values=high)
    image = to_mnist(seven)
    assert overlap(image, plain_seven) > 0.85
    assert np.array_equal(to_mnist(255 - seven), image)


@pytest.mark.parametrize("value", [0, 90, 255])
@pytest.mark.parametrize("shape", [(28, 28), (3, 3), (200, 300), (50, 50, 3), (50, 50, 4)])
def test_a_blank_picture_is_all_zero(value, shape):
    assert not to_mnist(np.full(shape, value, np.uint8)).any()


def test_stages_come_in_order_and_end_in_the_form(draw_seven):
    stages = show_stages(draw_seven().convert("RGB"))
    assert list(vars(stages)) == ["picture", "contrast", "ink", "digit", "image"]
    assert stages.picture.shape == (120, 120, 3)
    for floats in (stages.ink, stages.digit):
        assert floats.dtype == np.float32
        assert 0 <= floats.min() <= floats.max() <= 1
    assert (stages.digit <= stages.ink).all()
    assert np.array_equal(stages.image, to_mnist(draw_seven().convert("RGB")))


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


@settings(max_examples=60, deadline=None)
@given(side=st.integers(2, 400), count=st.integers(1, 20), across=st.booleans())
def test_shrinking_counts_every_row_and_column_equally(side, count, across):
    """One bright row after another: each leaves the same mass, and where it was."""
    count = min(count, side)
    rows = np.eye(side, dtype=np.float32)
    small = resize_ink(rows.T, side, count).T if across else resize_ink(rows, count, side)
    assert small.shape == (count, side)
    assert np.allclose(small.sum(axis=0), count / side, rtol=1e-3)
    centres = (np.arange(count) + 0.5) @ small / small.sum(axis=0)
    assert np.abs(centres - (np.arange(side) + 0.5) * count / side).max() <= 0.5


@pytest.mark.slow
def test_no_thin_stem_is_lost():
    for side in range(21, 401, 3):
        edge = -(-side // 20)
        ink = np.ones((side, side), np.float32)
        ink[edge:-edge, edge:-edge] = 0
        columns = np.arange(2 * edge, side - 2 * edge, max(1, side // 20))
        for stem in np.eye(side, dtype=np.float32)[columns]:
            assert box_ink(np.maximum(ink, stem)).sum() > box_ink(ink).sum(), side


def test_a_bitmap_is_softened_and_a_grey_picture_is_not():
    bitmap = np.zeros((16, 16), np.float32)
    bitmap[2:14, 4:7] = bitmap[11:14, 4:12] = 1
    grey = np.where(bitmap > 0, bitmap, np.float32(0))
    grey[3:13, 7] = grey[10, 7:12] = 0.5
    steps = np.abs(np.diff(box_ink(np.kron(bitmap, np.ones((5, 5), np.float32))).astype(int), axis=1)).max()
    assert np.abs(np.diff(box_ink(bitmap).astype(int), axis=1)).max() < steps
    crop = resize_ink(grey[2:14, 4:12], 20, 13)
    assert sorted(box_ink(grey)[box_ink(grey) > 0]) == sorted(np.rint(crop[np.rint(crop * 255) > 0] * 255))


@pytest.mark.parametrize("side", [14, 16, 20, 24, 32])
def test_a_bitmap_that_fills_a_square_becomes_narrower(side):
    ink = np.zeros((side, side), np.float32)
    ink[:2] = ink[-2:] = ink[:, :2] = ink[:, -2:] = 1
    assert np.count_nonzero(box_ink(ink).any(axis=0)) == 17
    assert np.count_nonzero(box_ink(np.pad(ink, 3)).any(axis=0)) == 20
    assert np.count_nonzero(box_ink(ink).any(axis=1)) == 20


def test_scikit_learns_digits_survive(digits):
    """8x8 digits brought into MNIST's form go through unchanged, and inverted as well."""
    images = digits[0][:200]
    assert all(np.array_equal(to_mnist(255 - image), to_mnist(image)) for image in images)


@pytest.fixture(scope="module")
def samples(mnist):
    return mnist[0][0][::150]


@pytest.mark.mnist
def test_mnist_comes_back_exactly(encode, mnist):
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
        (lambda image, _: np.pad(image, ((3, 17), (11, 2))), 0.8, 0.999),
        (lambda image, _: 255 - np.roll(image, (2, -1), (0, 1)), 0.7, 0.999),
        (lambda image, encode: encode(Image.fromarray(image), "JPEG", quality=90), 0.8, 0.99),
        (lambda image, _: enlarge(image, 3), 0.5, 0.9),
        pytest.param(
            lambda image, encode: encode(Image.fromarray(255 - enlarge(image, 10)), "JPEG", quality=90),
            0.5,
            0.9,
            marks=pytest.mark.slow,
        ),
    ],
    ids=["pad", "move and invert", "jpeg", "enlarge", "enlarge, invert and jpeg"],
)
def test_mnist_changed_and_brought_back(encode, overlap, samples, change, least, usual):
    alike = [overlap(to_mnist(change(image, encode)), image) for image in samples[:150]]
    assert np.median(alike) > usual
    assert np.quantile(alike, 0.01) > least


@pytest.mark.mnist
def test_a_digit_cut_out_to_the_frame_is_whole(overlap, samples):
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
