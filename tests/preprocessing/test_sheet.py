"""Which level is paper and where it lies: fat ink, frames, desks, shadows and light."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from digitrec.preprocessing.form import to_mnist
from digitrec.preprocessing.sheet import crop_sheet, orient_contrast

SIDES = [slice(None), slice(None, None, -1)]


@pytest.fixture(scope="module")
def digits_of_validation(mnist):
    """Some of the 5,000 last of MNIST's training images, four times as large, ink bright."""
    images = mnist[0][0][-5000::40]
    return [Image.fromarray(np.pad(image, 4)).resize((144, 144), Image.Resampling.BICUBIC) for image in images]


def _cut_closely(ink: np.ndarray) -> np.ndarray:
    rows, columns = (np.flatnonzero((ink > 127).any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _count_inverted(pictures: list[np.ndarray]) -> float:
    """The share of pictures, ink dark, that are inverted as they are, or left alone as their own inverse."""
    return float(np.mean([not np.array_equal(orient_contrast(p), a) for a in pictures for p in (a, ~a)]))


@pytest.mark.slow
@pytest.mark.mnist
def test_fat_ink_that_fills_the_frame_stays_ink(digits_of_validation):
    pictures = []
    for digit in digits_of_validation:
        for width in (1, 9, 13, 17):
            ink = Image.fromarray(_cut_closely(np.asarray(digit.filter(ImageFilter.MaxFilter(width)))))
            pictures.append(~np.asarray(ink))
            bitmap = np.asarray(ink.resize((16, 16), Image.Resampling.BOX)) > 127
            pictures.append(np.where(_cut_closely(bitmap * np.uint8(255)) > 0, np.uint8(0), np.uint8(255)))
    # Where more is ink, as of a fat 1, it is hard to tell for anybody.
    pictures = [picture for picture in pictures if (picture < 128).mean() < 0.6 and min(picture.shape) > 4]
    assert len(pictures) > 500
    assert _count_inverted(pictures) <= 0.005


@pytest.mark.mnist
def test_a_frame_or_a_binding_leaves_paper_paper(digits_of_validation):
    generator = np.random.default_rng(0)
    pictures = []
    for i, digit in enumerate(digits_of_validation):
        paper, ink, dark = generator.uniform(150, 250), generator.uniform(20, 90), generator.uniform(10, 100)
        side = int(generator.integers(40, 300))
        small = digit.resize((round(side * 0.6),) * 2, Image.Resampling.BOX)
        picture = np.full((side, side), paper)
        at = slice(round(0.2 * side), round(0.2 * side) + small.width)
        picture[at, at] += np.asarray(small) / 255 * (ink - paper)
        for j in range(1 + i % 4):  # on one side to four
            width = max(1, round(generator.uniform(0.02, 0.15) * side))
            (picture if j % 2 else picture.T)[SIDES[j // 2]][:width] = dark
        picture += generator.normal(0, 3, picture.shape)
        soft = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(side / 300))
        pictures.append(np.asarray(soft))
    assert _count_inverted(pictures) <= 0.005


@pytest.mark.parametrize("soft", [0.002, 0.02, 0.08])
@pytest.mark.parametrize("darkness", [0.2, 0.4, 0.55])
def test_no_shadow_cuts_or_hides_the_digit(draw_seven, overlap, darkness, soft):
    """A shadow's straight edge, at every angle and place, across the digit and beside it."""
    seven, alike = np.asarray(draw_seven(300, 14, 40, 210), float), []
    plain = to_mnist(seven)
    generator = np.random.default_rng(0)
    down, across = np.mgrid[:300, :300] / 300 - 0.5
    for angle in np.radians(np.arange(5, 365, 30)):
        for place in (-0.2, 0.05, 0.3):
            beyond = down * np.sin(angle) + across * np.cos(angle) - place
            light = 1 - darkness * np.clip(beyond / soft + 0.5, 0, 1)
            picture = np.clip(seven * light + generator.normal(0, 1.5, seven.shape), 0, 255).astype(np.uint8)
            alike.append(overlap(to_mnist(picture), plain))
            assert crop_sheet(picture).shape == picture.shape or alike[-1] > 0.9
    # Of a sharp and deep one a hair may remain, beside the digit or through it.
    assert np.median(alike) > 0.95
    assert np.mean(np.array(alike) > 0.8) >= (0.75 if darkness > 0.5 and soft < 0.01 else 0.95)


def test_a_flash_beside_the_digit_is_no_ink(draw_seven, overlap):
    seven = np.asarray(draw_seven(300, 14, 40, 150), float)
    plain, (down, across) = to_mnist(seven), np.mgrid[:300, :300]
    for angle in np.radians(np.arange(0, 360, 30)):
        far = np.hypot(down - 150 - 150 * np.sin(angle), across - 150 - 150 * np.cos(angle))
        picture = np.clip(seven + 200 * np.exp(-((far / 50) ** 2)), 0, 255).astype(np.uint8)
        assert overlap(to_mnist(picture), plain) > 0.8


def test_the_sheet_is_found_on_the_desk(draw_seven, overlap):
    generator = np.random.default_rng(0)
    desk = Image.fromarray(generator.integers(30, 90, (300, 240), dtype=np.uint8))
    desk.paste(draw_seven(150, 4, 120, 215), (40, 60))
    assert crop_sheet(np.asarray(desk)).shape < (150, 150)
    assert overlap(to_mnist(desk), to_mnist(draw_seven(150, 4))) > 0.95


def test_ink_that_leaves_the_sheet_is_not_cut():
    """Nor is a sheet without a digit taken for the picture."""
    generator = np.random.default_rng(0)
    desk = generator.integers(30, 90, (300, 240), dtype=np.uint8)
    desk[60:210, 40:190] = 215
    empty = desk.copy()
    desk[100:140, 90:240] = 20
    assert crop_sheet(desk).shape == crop_sheet(empty).shape == desk.shape
