"""Rules, columns, boxes and squares, which must go, and straight strokes, which must stay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from digitrec.preprocessing.form import show_stages, to_mnist
from digitrec.preprocessing.rules import drop_rules

SIDE = 160


def print_line(picture: Image.Image, level: bool, at: float, lean: float, width: int, ink: int, ends=(0, 1)) -> None:
    """Print a line: where it is half-way, by how much of its length it leans, from where to where."""
    side = picture.size[0]
    points = [(side * (at + lean * (end - 0.5)), side * end) for end in ends]
    ImageDraw.Draw(picture).line([point[::-1] if level else point for point in points], ink, width)


def print_box(picture: Image.Image, inset: float, width: int, ink: int = 0) -> None:
    for level in (False, True):
        for at in (inset, 1 - inset):
            print_line(picture, level, at, 0, width, ink, (inset, 1 - inset))


@settings(max_examples=40, deadline=None)
@given(
    level=st.booleans(),
    at=st.one_of(st.floats(0.05, 0.14), st.floats(0.9, 0.95)),
    lean=st.floats(-0.07, 0.07),
    width=st.integers(1, 9),
    ink=st.integers(0, 150),
)
def test_a_rule_beside_the_digit_goes(draw_seven, overlap, plain_seven, level, at, lean, width, ink):
    picture = draw_seven(SIDE, 10)
    print_line(picture, level, at, lean, width, ink)
    assert overlap(to_mnist(picture), plain_seven) > 0.9


@settings(max_examples=40, deadline=None)
@given(
    level=st.booleans(),
    at=st.floats(0.45, 0.6),
    lean=st.floats(-0.07, 0.07),
    width=st.integers(1, 5),
    ink=st.integers(0, 150),
)
def test_a_rule_through_the_digit_goes(draw_seven, overlap, plain_seven, level, at, lean, width, ink):
    picture = draw_seven(SIDE, 10)
    print_line(picture, level, at, lean, width, ink)
    stages = show_stages(picture)
    assert overlap(stages.image, plain_seven) > 0.8
    frame = np.concatenate([stages.ink[:15].ravel(), stages.ink[-15:].ravel(), stages.ink[:, :15].ravel()])
    assert frame.mean() < 0.002


@pytest.mark.parametrize("inset", [0.03, 0.06, 0.1])
@pytest.mark.parametrize("width", [1, 3, 5])
@pytest.mark.parametrize("side", [80, 160, 400])
def test_a_printed_box_goes(draw_seven, overlap, plain_seven, inset, width, side):
    picture = draw_seven(side, max(4, side // 16))
    print_box(picture, inset, max(1, width * side // 160))
    assert overlap(to_mnist(picture), plain_seven) > 0.9


@pytest.mark.parametrize("inset", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("width", [1, 3, 5])
def test_an_empty_box_is_blank(inset, width):
    picture = Image.new("L", (SIDE, SIDE), 220)
    print_box(picture, inset, width)
    assert not to_mnist(picture).any()


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("lean", [-0.05, 0, 0.05])
def test_ruled_and_squared_paper_go(draw_seven, overlap, plain_seven, squared, width, lean):
    picture = draw_seven(240, 16)
    for at in np.arange(0.07, 1, 0.16):
        print_line(picture, True, at, lean, width, 0)
        if squared:
            print_line(picture, False, at, -lean, width, 0)
    assert overlap(to_mnist(picture), plain_seven) > 0.85


def test_a_pale_pen_in_a_black_box_is_full_ink(draw_seven, overlap, plain_seven):
    picture = draw_seven(SIDE, 12, 140, 220)
    print_box(picture, 0.04, 4)
    stages = show_stages(picture)
    assert overlap(stages.image, plain_seven) > 0.9
    assert stages.ink[40:120, 40:120].max() == 1


@settings(max_examples=60, deadline=None)
@given(
    strokes=st.sampled_from(
        [
            [(0.5, 0, 0.5, 1)],  # 1
            [(0.52, 0, 0.48, 1)],
            [(0, 0.02, 1, 0.02), (0.98, 0, 0.4, 1)],  # 7
            [(0.75, 0, 0.75, 1), (0.1, 0, 0, 0.65), (0, 0.65, 1, 0.65)],  # 4
            [(0, 0.97, 1, 0.97), (1, 0.97, 0.0, 0.97), (0, 0.97, 0.9, 0.3), (0.9, 0.3, 0.1, 0.0)],  # 2
        ]
    ),
    side=st.integers(40, 300),
    width=st.floats(0.06, 0.16),
    margin=st.sampled_from([0, 0.03, 0.1, 0.3]),
    narrow=st.floats(0.6, 1),
)
def test_straight_strokes_stay(strokes, side, width, margin, narrow):
    inner, pad = (round(side * narrow), side), round(margin * side)
    picture = Image.new("L", inner, 0)
    for left, top, right, bottom in strokes:
        points = (left * inner[0], top * side, right * inner[0], bottom * side)
        ImageDraw.Draw(picture).line(points, 255, max(2, round(width * side)))
    ink = np.pad(np.asarray(picture), pad).astype(np.float32) / 255
    assert drop_rules(ink) is ink


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 90), st.integers(3, 90), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_any_ink_comes_through(height, width, seed, share):
    generator = np.random.default_rng(seed)
    ink = (generator.random((height, width)) < share).astype(np.float32)
    ink[:, generator.random(width) < 0.1] = 1
    ink[generator.random(height) < 0.1] = generator.random()
    clean = drop_rules(ink)
    assert clean.shape == ink.shape
    assert clean.dtype == np.float32
    assert 0 <= clean.min() <= clean.max() <= 1


@pytest.mark.mnist
@pytest.mark.parametrize("side", [40, 100, 300])
@pytest.mark.parametrize("margin", [0.02, 0.1, 0.4])
def test_digits_without_rules_are_left_alone(mnist, side, margin):
    for image in mnist[0][0][::400]:
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        crop = Image.fromarray(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
        scale = side * (1 - 2 * margin) / max(crop.size)
        size = [max(1, round(length * scale)) for length in crop.size]
        ink = np.zeros((side, side), np.float32)
        top, left = (side - size[1]) // 2, (side - size[0]) // 2
        ink[top : top + size[1], left : left + size[0]] = np.asarray(crop.resize(size, Image.Resampling.BICUBIC)) / 255
        assert drop_rules(ink) is ink


def test_a_texture_is_not_searched_for_rules_line_by_line():
    ink = np.random.default_rng(0).random((400, 400), dtype=np.float32)
    assert drop_rules(ink) is ink
