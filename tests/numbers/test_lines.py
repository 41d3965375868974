"""Where a number stands in a picture, and the strip that is made of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from digitrec.numbers.lines import HEIGHT, find_lines, to_strip
from digitrec.preprocessing.decoding import PictureError


def write(text="473", size=(120, 60), at=(30, 15), height=30, ink=40, paper=220):
    """Return a picture of printed digits, uint8 (h, w), and the box that their ink fills."""
    image = Image.new("L", size, paper)
    ImageDraw.Draw(image).text(at, text, ink, ImageFont.load_default(height))
    pixels = np.asarray(image)
    down, across = (np.flatnonzero((pixels < (ink + paper) / 2).any(axis=axis)) for axis in (1, 0))
    return pixels, (across[0], down[0], across[-1] + 1, down[-1] + 1)


def covers(line, box):
    """Tell whether a line's strip holds a box of the picture, but for a pixel."""
    left, top, right, bottom = line.locate(0, 0, line.strip.shape[1], HEIGHT)
    return left <= box[0] + 1 and top <= box[1] + 1 and right >= box[2] - 1 and bottom >= box[3] - 1


@given(st.integers(1, 260), st.integers(1, 400), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_any_crop_becomes_a_strip(height, width, seed):
    strip = to_strip(np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8))
    assert strip.dtype == np.uint8
    assert strip.shape[0] == HEIGHT
    assert 16 <= strip.shape[1] <= 1024


@pytest.mark.parametrize("level", [0, 128, 255])
def test_of_nothing_nothing_stands_out(level):
    assert not to_strip(np.full((40, 90), level, np.uint8)).any()
    assert find_lines(np.full((40, 90), level, np.uint8)) == []


@pytest.mark.parametrize(("ink", "paper"), [(20, 250), (180, 200), (60, 90)])
def test_a_strip_has_full_contrast_however_faint_the_pen(ink, paper):
    strip = to_strip(write(ink=ink, paper=paper)[0])
    assert strip.max() == 255
    assert np.median(strip) < 30


def test_a_strip_hardly_depends_on_the_light():
    even = write()[0]
    shaded = (even * np.linspace(1, 0.75, even.shape[1])).astype(np.uint8)
    difference = np.abs(to_strip(even).astype(int) - to_strip(shaded))
    assert difference.mean() < 15


@pytest.mark.parametrize("ink", [30, 230])
def test_a_cell_is_taken_whole_first(ink):
    picture, box = write(ink=ink, paper=250 - ink)
    lines = find_lines(picture)
    assert 1 <= len(lines) <= 4
    assert lines[0].strip.shape[1] == round(picture.shape[1] * HEIGHT / picture.shape[0])
    assert covers(lines[0], box)
    assert lines[0].strip[0].mean() < 60  # paper is dark in a strip, whichever it was


@pytest.mark.parametrize("binding", [0, 50])
def test_a_small_number_on_a_tall_page_is_found_beside_a_binding(binding):
    picture, box = write("27", (140, 360), (80, 120), 26)
    picture = picture.copy()
    picture[:, :binding] = 15
    lines = find_lines(picture)
    assert any(covers(line, box) for line in lines)
    tall = next(line for line in lines if covers(line, box))
    assert (box[3] - box[1]) * tall.scale > 0.4 * HEIGHT


def test_a_faint_number_is_found_between_the_grey_edges_of_a_binding_and_a_rule():
    picture, box = write("30", (118, 211), (80, 75), 14, ink=110, paper=253)
    picture = picture.copy()
    picture[:, :34], picture[:, 34:39], picture[:, -2:] = 4, 170, 150
    assert any(covers(line, box) for line in find_lines(picture))


@pytest.mark.parametrize("place", ["above", "below", "left", "right"])
def test_paler_paper_along_an_edge_does_not_turn_paper_into_ink(place):
    """It differs from the paper written on by more than that does from the pen."""
    number = write("64433", (153, 60), (20, 18), 32, ink=110, paper=150)[0]
    axis = 0 if place in ("above", "below") else 1
    band = np.full((18, 153) if axis == 0 else (60, 18), 215, np.uint8)
    picture = np.concatenate([band, number] if place in ("above", "left") else [number, band], axis=axis)
    strip = find_lines(picture)[0].strip
    ink = np.asarray(Image.fromarray(picture).resize(strip.shape[::-1], Image.Resampling.BOX)) < 125
    assert strip[ink].mean() > 150


@pytest.mark.parametrize("share", [0.08, 0.2, 0.5])
@pytest.mark.parametrize("place", [(0.1, 0.1), (0.6, 0.7)])
def test_a_number_anywhere_in_a_large_photo_is_one_line_and_no_more(share, place):
    height = int(share * 300)
    room = 900 - 2 * height, 300 - height
    picture, box = write("4730", (900, 300), [int(p * r) for p, r in zip(place, room, strict=True)], height)
    (line,) = find_lines(picture)
    assert covers(line, box)
    assert (box[3] - box[1]) * line.scale > 0.5 * HEIGHT


@pytest.mark.parametrize("width", [1000, 2000, 4000])
@pytest.mark.parametrize("text", ["4079", "38.65"])
def test_small_writing_on_a_page_keeps_its_strokes(width, text):
    """A strip of the page is as good as one of the number cut out of it, digits a fortieth of the page high."""
    picture, box = write(text, (width, width * 3 // 4), (width // 3, width // 2), width // 40)
    (line,) = (line for line in find_lines(picture) if covers(line, box))
    left, top, right, bottom = map(round, line.locate(0, 0, line.strip.shape[1], HEIGHT))
    alone = Image.fromarray(to_strip(picture[top:bottom, left:right])).resize(line.strip.shape[::-1])
    assert np.corrcoef(line.strip.ravel(), np.asarray(alone).ravel())[0, 1] > 0.93


@pytest.mark.parametrize("degrees", [-45, -30, -12, -7, 7, 12, 30, 45])
def test_a_number_that_climbs_is_levelled_and_found_again_in_the_picture(degrees):
    height = 300 if abs(degrees) < 20 else 600  # as much as the number needs
    picture = write("473068", (600, height), (160, height // 2 - 30), 60)[0]
    turned = Image.fromarray(picture).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=220)
    line = find_lines(turned)[0]
    ink = line.strip > 128
    upper = [int(np.argmax(part.any(axis=1))) for part in np.array_split(ink, 3, axis=1)]
    assert max(upper) - min(upper) <= 4
    assert (ink.any(axis=1)).sum() < 28
    # What is ink in the strip is ink where the line says that it stands in the picture, and what is paper is paper.
    middles = np.empty((*ink.shape, 2))
    for y, x in np.ndindex(ink.shape):
        left, top, right, bottom = line.locate(x, y, x + 1, y + 1)
        middles[y, x] = (top + bottom) / 2, (left + right) / 2
    seen = np.asarray(turned)[tuple(middles.astype(int).transpose(2, 0, 1))] < 130
    assert (seen == ink).mean() > 0.95
    assert seen[ink].mean() > 0.87


@pytest.mark.parametrize("degrees", [-40, 40])
@pytest.mark.parametrize("text", ["10", "25", "13"])
def test_a_number_that_climbs_steeply_on_a_small_canvas_is_levelled(degrees, text):
    picture = write(text, (28, 28), (5, 5), 15, ink=255, paper=0)[0]
    turned = Image.fromarray(picture).rotate(degrees, Image.Resampling.BICUBIC)
    assert any(np.degrees(line.angle) == pytest.approx(-degrees, abs=12) for line in find_lines(turned))


@pytest.mark.parametrize("strokes", [
    [(85, 50, 55, 105), (55, 105, 95, 110), (130, 45, 90, 150)],  # a 4 in two pieces
    [(70, 40, 115, 40), (70, 40, 65, 90), (65, 90, 110, 110), (110, 110, 60, 150)],  # a 5
    [(95, 40, 95, 150)],  # a 1
    [(60, 40, 120, 40), (120, 40, 80, 150)],  # a 7
])  # fmt: skip
def test_the_slanted_strokes_of_one_digit_are_no_line_that_takes_its_place(strokes):
    image = Image.new("L", (180, 180), 220)
    for stroke in strokes:
        ImageDraw.Draw(image).line(stroke, 40, 6)
    lines = find_lines(image)
    assert len(lines) <= 4
    assert any(line.angle == 0 for line in lines)


def test_what_lies_askew_beside_a_digit_in_a_cell_is_its_border():
    picture = Image.fromarray(write("6", (78, 78), (30, 20), 36)[0])
    ImageDraw.Draw(picture).line((60, 60, 76, 8), 40, 2)
    assert all(line.angle == 0 for line in find_lines(picture))


@pytest.mark.parametrize("shape", [(5, 4000), (4000, 5)])
def test_a_thread_is_refused(shape):
    with pytest.raises(PictureError, match="expected sides of"):
        find_lines(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(3, 3), (28, 28), (200, 200), (40, 1500), (1000, 1400)])
def test_noise_of_any_shape_ends_in_few_lines(shape):
    lines = find_lines(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    assert len(lines) <= 4
    assert all(16 <= line.strip.shape[1] <= 1024 for line in lines)


def test_a_page_of_text_ends_in_few_lines():
    image = Image.new("L", (900, 1200), 255)
    draw = ImageDraw.Draw(image)
    for y in range(20, 1180, 30):
        draw.text((20, y), "the quick brown fox 12 jumps over 345 lazy dogs " * 2, 0, ImageFont.load_default(20))
    assert 0 < len(find_lines(image)) <= 4
