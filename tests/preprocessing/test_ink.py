"""Pixels to ink: colours, light, paper and rules, which must not matter."""

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from digitrec.preprocessing.form import show_stages, to_mnist
from digitrec.preprocessing.ink import reduce_colours


@pytest.mark.parametrize("paper", [(255, 200, 90), (150, 160, 120), (30, 60, 40), (255, 255, 255)])
@pytest.mark.parametrize("ink", [(40, 40, 150), (200, 20, 20), (240, 240, 230)])
def test_colours_of_paper_and_ink(draw_seven, overlap, plain_seven, paper, ink):
    mask = np.asarray(draw_seven(ink=255, paper=0))[..., None] / 255
    picture = (mask * ink + (1 - mask) * paper).astype(np.uint8)
    if np.abs(np.subtract(paper, ink)).max() > 60:
        assert overlap(to_mnist(picture), plain_seven) > 0.99


def test_colours_of_the_same_brightness_are_told_apart(draw_seven, overlap, plain_seven):
    mask = np.asarray(draw_seven(ink=255, paper=0))[..., None] / 255
    picture = (mask * (200, 40, 60) + (1 - mask) * (60, 112, 55)).astype(np.uint8)
    assert np.ptp(np.asarray(Image.fromarray(picture).convert("L"), int)) < 10
    assert np.ptp(reduce_colours(picture).astype(int)) > 80
    assert overlap(to_mnist(picture), plain_seven) > 0.99


def test_gradients_and_shadows_are_evened(draw_seven, overlap, plain_seven):
    seven = np.asarray(draw_seven(200, 12), float)
    for light in (
        np.linspace(0.4, 1, 200)[:, None],
        np.linspace(1, 0.5, 200),
        np.interp(np.arange(200), [40, 80], [0.55, 1]),
    ):
        stages = show_stages((30 + seven * 0.8) * light)
        assert overlap(stages.image, plain_seven) > 0.9
        assert stages.ink[5:30, 5:30].max() < 0.2


def test_noise_stays_out(draw_seven, overlap, plain_seven):
    generator = np.random.default_rng(0)
    noisy = np.asarray(draw_seven(120, 9, 60, 200)) + generator.normal(0, 12, (120, 120))
    assert overlap(to_mnist(np.clip(noisy, 0, 255)), plain_seven) > 0.97


def test_rules_borders_neighbours_and_full_stops_go(draw_seven, overlap, plain_seven):
    picture = draw_seven(120, 9)
    draw = ImageDraw.Draw(picture)
    draw.line((0, 104, 119, 106), 0, 2)
    draw.line((20, 0, 22, 119), 0, 2)
    draw.ellipse((78, 88, 86, 96), 0)
    draw.arc((100, 30, 160, 90), 90, 270, 0, 8)
    assert overlap(to_mnist(picture), plain_seven) > 0.97


def test_a_blank_sheet_in_uneven_light_is_all_zero():
    generator = np.random.default_rng(0)
    sheet = 200 - np.linspace(0, 60, 200) + generator.normal(0, 1.5, (150, 200))
    assert not to_mnist(sheet).any()


@given(
    side=st.integers(28, 1200),
    width=st.integers(1, 9),
    angle=st.one_of(st.sampled_from([0, 45, 90, 135]), st.floats(0, 180)),
    place=st.floats(-0.1, 0.1),
    invert=st.booleans(),
)
@example(side=28, width=1, angle=90, place=0, invert=False)
@example(side=400, width=1, angle=0, place=0, invert=True)
@example(side=1000, width=2, angle=90, place=0.06, invert=False)
@settings(max_examples=150, deadline=None)
def test_a_stroke_of_any_width_and_angle_is_ink(side, width, angle, place, invert):
    """It is never blank, and the form shows a straight stroke from end to end of its box."""
    assume(width < side / 8)
    direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    middle = side * (0.5 + place * direction[::-1])
    ends = np.rint([middle - 0.3 * side * direction, middle + 0.3 * side * direction]).astype(int)
    picture = Image.new("L", (side, side), 255)
    ImageDraw.Draw(picture).line([tuple(map(int, end)) for end in ends], 0, width)
    image = to_mnist(~np.asarray(picture) if invert else picture)
    assert image.any()
    rows, columns = np.nonzero(image > 64)
    across = (ends[1] - ends[0])[::-1] / np.hypot(*(ends[1] - ends[0]))
    along = (rows - rows.mean()) * across[0] + (columns - columns.mean()) * across[1]
    beside = (rows - rows.mean()) * across[1] - (columns - columns.mean()) * across[0]
    assert np.ptp(along) > 16  # of 19 in the box
    assert np.abs(beside).max() < 2 + 20 * width / side / 0.6
