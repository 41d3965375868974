import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from digitrec import synthesis
from digitrec.preprocessing.box import box_ink
from digitrec.synthesis import snapshots
from digitrec.synthesis.lettering import HEIGHT, Number, draw_mark, write_number
from digitrec.synthesis.numbers import WIDTH, draw_numbers
from digitrec.synthesis.papers import Field, draw_page
from digitrec.synthesis.snapshots import take, turn
from digitrec.synthesis.sources import make_strips
from digitrec.synthesis.texts import CHARACTERS, choose_text
from digitrec.synthesis.writers import DrawnHand, GivenHand, TracedHand, gather


@pytest.fixture(scope="module")
def strips(digits):
    return draw_numbers(*digits, 300, np.random.default_rng(0))


def test_strips_have_the_form_that_the_network_reads(strips):
    assert strips.images.dtype == np.uint8
    assert strips.images.shape == (300, 32, WIDTH)
    assert len(strips.widths) == len(strips.texts) == len(strips.spans) == 300
    assert strips.widths.min() >= 16
    assert strips.widths.max() <= WIDTH
    beyond = np.arange(WIDTH) >= strips.widths[:, None]
    assert not strips.images.transpose(0, 2, 1)[beyond].any()


def test_every_character_has_a_span_from_left_to_right_inside_its_strip(strips):
    assert strips.spans.dtype == np.float32
    assert strips.spans.shape == (300, 16, 2)
    for text, spans, width in zip(strips.texts, strips.spans, strips.widths, strict=True):
        known = spans[: len(text)]
        assert np.isnan(spans[len(text) :]).all()
        assert (known[:, 0] < known[:, 1]).all()
        assert (np.diff(known[:, 0]) > 0).all()
        middles = known.mean(axis=1)
        assert ((middles > 0) & (middles < width)).all()


def test_digits_are_bright_where_their_spans_are(strips):
    """On most strips by far: some are faint, others stand beside dark borders or on a pattern."""
    brighter = []
    for image, width, text, spans in zip(*strips[:2], strips.texts, strips.spans, strict=True):
        if text:
            inside = np.zeros(width, bool)
            for left, right in spans[: len(text)]:
                inside[max(int(left), 0) : int(right) + 1] = True
            if 2 < inside.sum() < width - 2:
                columns = image[4:-4, :width].mean(axis=0)
                brighter.append(np.median(columns[inside]) > np.median(columns[~inside]))
    assert np.mean(brighter) > 0.9


@given(st.integers(0, 2**32))
@settings(max_examples=300)
def test_texts_are_numbers_that_neither_begin_nor_end_with_a_mark(seed):
    text = choose_text(np.random.default_rng(seed))
    assert re.fullmatch(r"(-?\d([\d.,/-]*\d)?)?", text)
    assert not re.search(r"[.,/-]{2}", text)
    assert sum(map(str.isdigit, text)) <= 10
    assert len(text) <= 16


def test_texts_of_every_length_with_every_character_occur():
    rng = np.random.default_rng(0)
    texts = [choose_text(rng) for _ in range(4000)]
    assert set("".join(texts)) == set(CHARACTERS)
    assert {sum(map(str.isdigit, text)) for text in texts} == set(range(11))
    assert 0.04 < np.mean([text == "" for text in texts]) < 0.12


@pytest.mark.parametrize("wanted", [DrawnHand, TracedHand, GivenHand])
def test_each_span_holds_its_digit_and_no_more(digits, find_agreement, wanted):
    """Cut at their spans, what hands wrote is recognised; were they one digit off, it could not be."""
    rng = np.random.default_rng(1)
    writers = [writer for writer in gather(*digits, 200, rng) if isinstance(writer, wanted)][:40]
    cut, labels = [], []
    for writer in writers:
        number = write_number("7309148265", writer, rng)
        bounds = np.round(number.spans).astype(int)
        for i, (left, right) in enumerate(bounds):
            if (i == 0 or bounds[i - 1, 1] <= left) and (i == 9 or bounds[i + 1, 0] >= right):
                cut.append(box_ink(number.ink[:, left:right]))
                labels.append(int(number.text[i]))
    drawn = synthesis.draw_digits(2000, np.random.default_rng(2))
    known = np.concatenate([drawn[0], digits[0]]), np.concatenate([drawn[1], digits[1]])
    assert len(cut) > 15
    assert np.mean(find_agreement(np.array(cut), np.array(labels), *known)) > 0.6


def test_a_hand_writes_a_digit_the_same_way_again(digits):
    rng = np.random.default_rng(3)
    writers = [writer for writer in gather(*digits, 60, rng) if isinstance(writer, DrawnHand)][:25]
    pairs = np.array([[box_ink(writer.write(4, rng)).ravel() for _ in range(2)] for writer in writers], float)
    pairs /= np.linalg.norm(pairs, axis=2, keepdims=True)
    own, others = (pairs[:, 0] * pairs[:, 1]).sum(axis=1), (pairs[:, 0] * np.roll(pairs[:, 1], 1, axis=0)).sum(axis=1)
    assert own.mean() > others.mean() + 0.15


def test_of_digits_that_lack_others_are_drawn(digits):
    ones = digits[1] == 1
    strips = draw_numbers(digits[0][ones], digits[1][ones], 20, np.random.default_rng(0))
    assert len(set("".join(strips.texts)) & set("0123456789")) > 5


@given(st.sampled_from(".,-/=x+~"), st.integers(1, 9), st.floats(-0.3, 0.8), st.integers(0, 999))
@settings(max_examples=100, deadline=None)
def test_marks_stand_where_people_set_them(mark, pen, slant, seed):
    ink, top = draw_mark(mark, pen, slant, np.random.default_rng(seed))
    assert 0 <= ink.min() <= ink.max() <= 1
    assert ink[[0, -1]].any(axis=1).all()
    middle = top + len(ink) / 2
    low, high = {".": (0.3, 1.3), ",": (0.5, 1.4), "/": (0.2, 0.8)}.get(mark, (0.2, 0.95))
    assert low * HEIGHT < middle < high * HEIGHT
    if mark == "/":
        rows, columns = np.nonzero(ink > 0.5)
        assert np.corrcoef(rows, columns)[0, 1] < -0.5  # upwards to the right


@given(st.floats(-45, 45), st.integers(2, 20))
@settings(max_examples=100, deadline=None)
def test_the_spans_of_a_turned_number_stay_on_its_digits(degrees, gap):
    """Two blocks, the left one darker, so that it is known again."""
    ink = np.zeros((HEIGHT, 40 + gap), np.float32)
    ink[:, :20], ink[:, -20:] = 1, 0.5
    turned = turn(Number("10", ink, np.array([[0, 20], [20 + gap, 40 + gap]], np.float32), HEIGHT), degrees)
    assert turned.ink[[0, -1]].any(axis=1).all()
    assert (turned.spans[:, 0] < turned.spans[:, 1]).all()
    rows = []
    for span, block in zip(turned.spans, (turned.ink > 0.75, (turned.ink > 0.3) & (turned.ink < 0.6)), strict=True):
        down, across = np.nonzero(block)
        assert span.mean() == pytest.approx(across.mean() + 0.5, abs=2)
        rows.append(down.mean())
    assert abs(degrees) < 2 or (rows[1] < rows[0]) == (degrees > 0)


def test_a_thin_pen_draws_what_a_broad_one_did_in_one_or_two_pixels(digits):
    rng = np.random.default_rng(0)
    for writer in gather(*digits, 40, rng):
        ink = write_number("4079", writer, rng).ink
        line = snapshots._thin(ink, rng)
        assert line.shape == ink.shape
        assert set(np.unique(line)) == {0, 1}
        blocks = np.lib.stride_tricks.sliding_window_view(line, (3, 3)).min(axis=(2, 3))
        assert blocks.sum() <= 0.03 * line.sum()  # where strokes meet
        near = np.asarray(Image.fromarray(line.astype(np.uint8)).filter(ImageFilter.MaxFilter(17))) > 0
        assert near[ink > 0.25].mean() > 0.97


def test_pages_are_ruled_or_squared():
    rng, squared = np.random.default_rng(0), []
    for _ in range(100):
        field = Field((60, 90), (10, 20, 50, 70), 40.0, np.zeros((40, 50), np.float32), [])
        marks = draw_page(field, rng)
        assert marks.shape == (60, 90)
        assert 0 < marks.max() <= 1
        level, upright = (np.median(marks, axis=axis).max() for axis in (1, 0))
        assert max(level, upright) > 0.03
        squared.append(upright > 0.03)
    assert 0.4 < np.mean(squared) < 0.75


def test_a_blank_has_neither_ink_nor_spans(digits):
    rng = np.random.default_rng(0)
    writer = gather(*digits, 1, rng)[0]
    for _ in range(20):
        number = write_number("", writer, rng)
        picture, spans = take(number, rng)
        assert not number.ink.any()
        assert spans.shape == (0, 2)
        assert picture.dtype == np.uint8
        assert picture.ndim == 2


def test_seed_decides_the_strips_however_many_processes_there_are(digits):
    one, two = (make_strips(*digits, 12, seed=5, processes=n) for n in (1, 2))
    other = make_strips(*digits, 12, seed=6, processes=1)
    for here, there in zip(one, two, strict=True):
        np.testing.assert_array_equal(here, there)
    assert one.texts != other.texts
    assert isinstance(one, synthesis.Strips)
    assert make_strips(*digits, 0, seed=0).images.shape == (0, 32, WIDTH)


@pytest.mark.parametrize(
    ("images", "labels", "match"),
    [
        (np.zeros((2, 28, 27), np.uint8), [1, 2], "images: expected"),
        (np.zeros((2, 28, 28), np.float32), [1, 2], "images: expected"),
        (np.zeros((2, 28, 28), np.uint8), [1], "labels: expected 2"),
    ],
)
def test_images_of_another_form_are_refused(images, labels, match):
    with pytest.raises(ValueError, match=match):
        draw_numbers(images, np.array(labels), 1, np.random.default_rng(0))
