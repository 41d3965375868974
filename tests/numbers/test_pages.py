"""Which part of a picture is the paper, and which of its tones is ink, in whatever light and at whatever size."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from digitrec.numbers.pages import find_page


def draw(text, size, at, height, stroke=0):
    """Return where there is ink, float32 (h, w), 0-1."""
    image = Image.new("L", size, 0)
    ImageDraw.Draw(image).text(at, text, 255, ImageFont.load_default(height), stroke_width=stroke)
    return np.asarray(image, np.float32) / 255


def shows(page, ink):
    """Tell whether of a page as large as the picture the ink is what is dark."""
    return page.shape == ink.shape and page[ink > 0.9].mean() + 20 < page[ink < 0.1].mean()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([12, 25, 50, 90]), st.floats(0, 0.6), st.floats(0.2, 0.7), st.booleans(), st.integers(0, 2**32 - 1)
)
@example(12, 0.5, 0.25, False, 272)  # the light fades to the right, and ends nowhere as other paper does
def test_ink_is_found_at_any_size_in_uneven_light_be_it_a_pen_or_chalk(height, fall, contrast, is_chalk, seed):
    rng = np.random.default_rng(seed)
    ink = draw("4730", (480, 160), (int(rng.integers(20, 200)), int(rng.integers(10, 60))), height)
    tone = 0.2 + contrast * ink if is_chalk else 1 - contrast * ink
    light = 1 - fall * np.linspace(0, 1, 480, dtype=np.float32)
    pixels = 230 * tone * light + rng.normal(0, 2, ink.shape)
    page, top, left = find_page(pixels.clip(0, 255).astype(np.uint8))
    assert (top, left) == (0, 0)
    assert shows(page, ink)


@pytest.mark.parametrize("side", [28, 56, 84, 140, 280])
@pytest.mark.parametrize("stroke", [0, 1, 2])
def test_what_is_drawn_with_a_broad_brush_on_a_black_canvas_is_ink(side, stroke):
    ink = draw("10", (side, side), (side // 10, 0), side * 2 // 3, stroke * side // 28)
    page, top, left = find_page((ink * 255).astype(np.uint8))
    assert (top, left) == (0, 0)
    assert shows(page, ink)


def test_a_shadow_over_half_of_the_paper_is_taken_away():
    ink = draw("4730", (480, 160), (120, 40), 70)
    light = np.where(np.arange(480) < 230, 1, 0.5)
    page, _, _ = find_page((230 * light * (1 - 0.7 * ink)).astype(np.uint8))
    bare = ink < 0.01
    assert abs(page[:, :220][bare[:, :220]].mean() - page[:, 240:][bare[:, 240:]].mean()) < 10
    assert shows(page, ink)


@pytest.mark.parametrize("turns", range(4))
def test_the_dark_beside_the_paper_is_cut_off(turns):
    ink = draw("27", (200, 200), (80, 70), 50)
    picture = (230 - 180 * ink).astype(np.uint8)
    picture[:, :50] = 12
    page, top, left = find_page(np.rot90(picture, turns))
    assert (top, left) == ((0, 50), (0, 0), (0, 0), (50, 0))[turns] or page.size < 0.8 * picture.size
    assert (page < 30).mean() < 0.02
