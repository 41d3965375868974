"""Where the characters of a number stand."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import log_softmax

from digitrec.datasets import split_validation
from digitrec.numbers.boxes import locate
from digitrec.numbers.constraints import MARKS
from digitrec.numbers.lines import HEIGHT, Line
from digitrec.numbers.reader import NumberReader
from digitrec.synthesis.sources import make_strips


@given(
    st.integers(0, 2**32 - 1),
    st.text("0123456789.,-/", min_size=1, max_size=6),
    st.integers(0, 60),
    st.sampled_from([0, 0.01, 0.1, 0.9]),
)
@example(seed=0, text="7", room=20, inked=0)
def test_a_box_has_sides_and_lies_in_the_strip_whatever_the_network_says(seed, text, room, inked):
    rng = np.random.default_rng(seed)
    frames = log_softmax(rng.normal(0, 4, (2 * len(text) + 1 + room, 15)), axis=1).astype(np.float32)
    width = 2 * len(frames)
    strip = np.where(rng.random((HEIGHT, width)) < inked, 255, 0).astype(np.uint8)
    found = list(locate(Line(strip, 0.0, 0.0, 1.0), frames, text, 1.0))
    assert [one.text for one in found] == list(text)
    for one in found:
        left, top, right, bottom = one.box
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= HEIGHT


@pytest.mark.slow
@pytest.mark.mnist
def test_the_middle_of_a_box_lies_on_its_character(mnist):
    """In 99 of 100 strings that are read right, of validation digits set side by side, that of each box does."""
    reader = NumberReader.load()
    strips = make_strips(*split_validation(*mnist[0])[1], 3000, seed=17)
    right = []
    for image, width, text, spans in zip(strips.images, strips.widths, strips.texts, strips.spans, strict=True):
        number, shown = reader.read_strips([image[:, :width]])[0], text.strip(MARKS)
        if number.best == shown:
            first = len(text) - len(text.lstrip(MARKS))
            middles = [(one.box[0] + one.box[2]) / 2 for one in number.characters]
            right.append(
                all(start <= middle <= end for middle, (start, end) in zip(middles, spans[first:], strict=False))
            )
    assert len(right) > 2000
    assert np.mean(right) >= 0.99
