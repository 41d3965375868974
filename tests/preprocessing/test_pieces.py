"""Ink to one digit: SciPy's labelling as the oracle of the pieces, and which of them stay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw
from scipy import ndimage

from digitrec.preprocessing.form import show_stages
from digitrec.preprocessing.pieces import find_pieces, keep_digit


def label(mask: np.ndarray) -> np.ndarray:
    """Paint the number of its piece, from 1, over every run."""
    starts, ends, piece = find_pieces(mask)
    rows = np.zeros(len(mask) * (mask.shape[1] + 2), int)
    for start, end, number in zip(starts, ends, piece, strict=True):
        rows[start:end] = number + 1
    return rows.reshape(len(mask), -1)[:, 1:-1]


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 14).flatmap(
        lambda width: hnp.arrays(bool, st.tuples(st.integers(1, 14), st.just(width)), elements=st.booleans())
    )
)
def test_pieces_are_those_that_scipy_labels(mask):
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    ours = label(mask)
    assert np.array_equal(ours > 0, mask)
    pairs = np.unique(np.stack([ours[mask], labels[mask]]), axis=1)  # equal up to the numbers: one to one
    assert pairs.shape[1] == count
    assert [len(set(side)) for side in pairs.tolist()] == [count, count]
    assert set(ours[mask]) == set(range(1, count + 1))


def test_pieces_of_large_pictures_are_those_that_scipy_labels():
    generator = np.random.default_rng(0)
    for density in (0.1, 0.3, 0.41, 0.5, 0.7):  # at 0.41 pieces wind through all of the picture
        mask = generator.random((150, 120)) < density
        labels, count = ndimage.label(mask, np.ones((3, 3)))
        pairs = np.unique(np.stack([label(mask)[mask], labels[mask]]), axis=1)
        assert pairs.shape[1] == count
        assert [len(set(side)) for side in pairs.tolist()] == [count, count]


def test_a_detached_bar_stays():
    picture = Image.new("L", (100, 140), 255)
    draw = ImageDraw.Draw(picture)
    draw.arc((25, 55, 75, 115), 250, 120, 0, 9)
    draw.line((35, 30, 78, 28), 0, 9)
    kept = show_stages(picture).digit
    assert kept[28, 50] > 0.9
    assert kept[85, 72] > 0.9


def test_no_ink_has_no_digit():
    assert not keep_digit(np.zeros((30, 20), np.float32)).any()


def ring(shape: tuple[int, int], box: tuple[int, int, int, int], ink: int = 30, paper: int = 200) -> np.ndarray:
    """A 0 that fills a box (left, top, right, bottom)."""
    image = Image.new("L", shape[::-1], paper)
    ImageDraw.Draw(image).ellipse(box, outline=ink, width=max(2, shape[0] // 12))
    return np.asarray(image)


def share(picture: np.ndarray, part: np.ndarray) -> float:
    """Share of the ink within `part` that is kept."""
    stages = show_stages(picture)
    assert stages.ink.shape == picture.shape
    return float(stages.digit[part].sum() / stages.ink[part].sum())


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("margin", [0, 1, 6])
@pytest.mark.parametrize("gap", [1, 5, 12])
@pytest.mark.parametrize("factor", [1, 2])
def test_numbers_show_at_least_two_digits(count, margin, gap, factor):
    height, wide = 20, 14
    width = count * wide + (count - 1) * gap
    picture = np.full((height, width), 255, np.uint8)
    lefts = [number * (wide + gap) for number in range(count)]
    for left in lefts:
        picture[:, left : left + wide] = ring((height, wide), (0, 0, wide - 1, height - 1), 0, 255)
    picture = np.kron(np.pad(picture, margin, constant_values=255), np.ones((factor, factor), np.uint8))
    kept = 0
    for left in lefts:
        part = np.zeros(picture.shape, bool)
        part[:, (margin + left) * factor : (margin + left + wide) * factor] = True
        kept += share(picture, part) > 0.9
    assert kept >= 2


@pytest.mark.mnist
def test_strings_of_mnist_show_at_least_two_digits(mnist):
    images, generator = mnist[0][0], np.random.default_rng(0)
    several = []
    for _ in range(200):
        parts = []
        for image in images[generator.integers(0, len(images), generator.integers(2, 7))]:
            across = np.flatnonzero((image > 60).any(axis=0))
            parts.append(image[4:24, across[0] : across[-1] + 1])
        gap, margin = generator.integers(-2, 13), generator.integers(0, 11)
        lefts = margin + np.cumsum([0] + [part.shape[1] + gap for part in parts[:-1]])
        ink = np.zeros((20 + 2 * margin, lefts[-1] + parts[-1].shape[1] + margin), np.uint8)
        wholes = []
        for left, part in zip(lefts, parts, strict=True):
            whole = np.zeros_like(ink)
            whole[margin : margin + 20, left : left + part.shape[1]] = part
            wholes.append(whole > 127)
            ink = np.maximum(ink, whole)
        digit = show_stages(255 - ink).digit
        several.append(sum(float(digit[whole].mean()) > 0.8 for whole in wholes) >= 2)
    assert np.mean(several) >= 0.97


@pytest.mark.parametrize("side", ["left", "right", "both"])
@pytest.mark.parametrize("size", [40, 60, 90])
def test_pieces_of_cut_neighbours_go(side, size):
    """A tall 0 in the middle, of which the frame leaves no part out, and a third of the next one."""
    wide = size // 3
    picture = ring((size, size), (wide, size // 6, 2 * wide, 5 * size // 6))
    for name, centre in (("left", 0), ("right", size)):
        if side in (name, "both"):
            part = ring((size, size), (centre - wide // 3 * 2, size // 6, centre + wide // 3 * 2, 5 * size // 6))
            picture = np.minimum(picture, part)
    middle = np.zeros(picture.shape, bool)
    middle[:, wide - 1 : 2 * wide + 2] = True
    assert share(picture, middle) > 0.95
    assert not show_stages(picture).digit[:, : wide // 2].any()
    assert not show_stages(picture).digit[:, -wide // 2 :].any()


@pytest.mark.parametrize("side", [14, 16, 20, 28, 32, 36])
def test_no_part_of_a_digit_that_fills_a_bitmap_goes(side):
    """A 5 from edge to edge, its bar apart from its bow."""
    image = Image.new("L", (side, side), 255)
    draw, last, pen = ImageDraw.Draw(image), side - 1, max(2, side // 8)
    draw.line((side // 2, pen // 2, last, pen // 2), 0, pen)
    draw.arc((-side // 2, side // 3, last - 1, last), 270, 90, 0, pen)
    picture = np.asarray(image)
    assert share(picture, picture < 128) > 0.99


@pytest.mark.parametrize("height", [40, 60, 100])
def test_no_part_of_a_tight_crop_goes(height):
    """A 5 whose bow touches the frame below and at the left, and its bar at the top and the right."""
    picture = np.full((height, height * 3 // 4), 190, np.uint8)
    pen, width = height // 10, height * 3 // 4
    picture[:pen, width // 2 :] = 40
    picture[-pen:, : width * 3 // 4] = picture[height // 3 : height // 3 + pen, : width * 3 // 4] = 40
    picture[height // 3 :, width * 3 // 4 - pen : width * 3 // 4] = 40
    picture[height // 5 : height // 3 + pen, :pen] = 40
    noisy = picture + np.random.default_rng(0).integers(-6, 7, picture.shape).astype(np.uint8)
    assert share(noisy, picture < 100) > 0.95


def test_a_piece_near_the_middle_is_the_digits_own():
    """An open 4: its stem alone leaves the picture, below."""
    image = Image.new("L", (50, 70), 210)
    draw = ImageDraw.Draw(image)
    draw.line((16, 8, 8, 38, 24, 38), 50, 5, joint="curve")
    draw.line((31, 22, 30, 69), 50, 5)
    picture = np.asarray(image)
    assert share(picture, picture < 120) > 0.95


@pytest.mark.parametrize("sides", ["left", "right", "top", "bottom", "left right", "left top", "left top right bottom"])
@pytest.mark.parametrize("thick", [2, 4])
def test_a_border_around_nothing_is_blank_and_around_a_digit_no_part_of_it(sides, thick):
    ink = np.zeros((40, 40), np.float32)
    places = {"left": np.s_[:, :thick], "right": np.s_[:, -thick:], "top": np.s_[:thick], "bottom": np.s_[-thick:]}
    for side in sides.split():
        ink[places[side]] = 1
    assert not keep_digit(ink).any()
    ink[10:30, 18:22] = 1
    assert keep_digit(ink)[10:30, 18:22].all()
