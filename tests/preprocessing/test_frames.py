"""Printed boxes around a number, and between its cells, go; what is written in them stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from digitrec.preprocessing.form import to_mnist
from digitrec.preprocessing.frames import erase_frames

PAPER, PRINT = 220, 50


def write(text="473", size=(420, 160), at=(150, 50), height=60, ink=40):
    """Return a picture of printed digits on bare paper, and the box that their ink fills: left, top, right, bottom."""
    image = Image.new("L", size, PAPER)
    ImageDraw.Draw(image).text(at, text, ink, ImageFont.load_default(height))
    rows, columns = (np.flatnonzero((np.asarray(image) < 200).any(axis=axis)) for axis in (1, 0))
    return image, (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def lean(x, y, slope):
    return x - slope * (y - 80), y + slope * (x - 200)


def draw_box(image, box, line, slope=0.0, dividers=()):
    """Print a box, and lines across it, onto a copy."""
    image = image.copy()
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = box
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    draw.line([lean(*corner, slope) for corner in corners], PRINT, line, "curve")
    for x in dividers:
        draw.line([lean(x, top, slope), lean(x, bottom, slope)], PRINT, line)
    return image


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 9), st.tuples(*[st.integers(12, 40)] * 4), st.floats(-0.03, 0.03), st.sampled_from([40, 120, 170])
)
def test_a_box_of_any_width_and_lean_goes_and_the_number_stays(line, near, slope, ink):
    bare, box = write(ink=ink)
    framed = draw_box(bare, np.array(box) + np.array(near) * (-1, -1, 1, 1), line, slope)
    difference = np.abs(erase_frames(np.asarray(framed)).astype(int) - np.asarray(bare))
    assert np.quantile(difference, 0.999) < 40
    left, top, right, bottom = box
    assert difference[top:bottom, left:right].mean() < 2


@pytest.mark.parametrize("slope", [-0.02, 0.0, 0.02])
@pytest.mark.parametrize("line", [1, 3])
def test_the_lines_between_cells_go_and_ones_beside_them_stay(line, slope):
    bare = Image.new("L", (420, 160), PAPER)
    draw = ImageDraw.Draw(bare)
    for x in (80, 160, 240, 320):
        draw.line([(x, 60), (x, 105)], 60, 5)
    framed = draw_box(bare, (40, 40, 360, 125), line, slope, dividers=(120, 200, 280))
    difference = np.abs(erase_frames(np.asarray(framed)).astype(int) - np.asarray(bare))
    assert np.quantile(difference, 0.998) < 40


@pytest.mark.parametrize("text", ["0", "8", "80", "0.8", "70077"])
def test_what_is_no_box_stays_as_it_is(text):
    page = np.asarray(write(text)[0])
    assert erase_frames(page) is page


def test_an_empty_box_may_be_an_angular_nought():
    page = np.asarray(draw_box(Image.new("L", (200, 160), PAPER), (70, 40, 120, 120), 7))
    assert erase_frames(page) is page


def test_a_small_picture_stays_as_it_is():
    page = np.asarray(draw_box(write("7", (60, 40), (24, 8), 20)[0], (5, 4, 55, 36), 1))
    assert erase_frames(page) is page


@pytest.mark.parametrize("line", [6, 10, 14])
@pytest.mark.parametrize("slope", [0.0, 0.02])
@pytest.mark.parametrize("inset", [30, 60])
def test_a_pencil_in_a_printed_box_is_read_as_without(draw_seven, overlap, line, slope, inset):
    plain = draw_seven(400, 25, 190, PAPER)
    page = Image.new("L", (800, 800), PAPER)
    page.paste(plain, (200, 200))
    draw = ImageDraw.Draw(page)
    corners = [(inset, inset), (800 - inset, inset), (800 - inset, 800 - inset), (inset, 800 - inset), (inset, inset)]
    draw.line([(x - slope * (y - 400), y + slope * (x - 400)) for x, y in corners], PRINT, line, "curve")
    assert overlap(to_mnist(page), to_mnist(plain)) > 0.9
