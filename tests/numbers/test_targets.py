import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitrec.numbers.constraints import CHARACTERS
from digitrec.numbers.decoding import BLANK
from digitrec.numbers.targets import CLASSES, MOST, encode_targets, encode_texts, read_greedily
from digitrec.synthesis.numbers import draw_numbers


def one_hot(frames):
    """Logits of a network that says just what it was told; where it was told nothing, blank."""
    return np.eye(CLASSES)[np.where(frames < 0, BLANK, frames).astype(int)]


@given(st.text(CHARACTERS, max_size=MOST), st.lists(st.floats(5, 16), min_size=MOST, max_size=MOST), st.integers(0, 9))
def test_a_network_that_says_what_it_was_told_reads_the_text(text, widths, start):
    ends = start + np.cumsum([0.0, *widths])
    spans = np.full((1, MOST, 2), np.nan)
    spans[0, : len(text)] = np.stack([ends[:-1], ends[1:]], axis=1)[: len(text)]
    width = int(ends[len(text)]) + 4
    packed = encode_targets([text], [width], spans, width + width % 2 + 8, 0.3)
    assert read_greedily(one_hot(packed[:, : -MOST - 3]), [width]) == [text]
    assert packed[0, -3:].tolist() == pytest.approx([len(text), width // 2, 0.3])


def test_drawn_strips_can_be_read_from_their_targets(digits):
    strips = draw_numbers(*digits, 900, np.random.default_rng(0))
    packed = encode_targets(strips.texts, strips.widths, strips.spans, 256, 0.0)
    read = read_greedily(one_hot(packed[:, : -MOST - 3]), strips.widths)
    assert np.mean([one == text for one, text in zip(read, strips.texts, strict=True)]) > 0.97


def test_nothing_is_said_of_padding_nor_of_frames_without_spans():
    packed = encode_targets(["12", "3"], [20, 31], None, 40, 0.3)
    assert (packed[:, :20] == -1).all()
    assert (packed[:, -1] == 1).all()  # then the text has to teach all
    spans = np.full((1, MOST, 2), np.nan)
    packed = encode_targets([""], [20], spans, 40, 0.3)
    assert (packed[0, :10] == BLANK).all()
    assert (packed[0, 10:20] == -1).all()


@pytest.mark.parametrize("text", ["1" * 17, "a", "1 2"])
def test_texts_that_are_none_are_named(text):
    with pytest.raises(ValueError, match=f"expected at most 16 of .*, got '{text}'"):
        encode_texts([text])


def test_greedy_reading_drops_repeats_blanks_and_padding():
    frames = np.array([[1, 1, BLANK, 1, 2, 2, BLANK, 7, 7]])
    assert read_greedily(one_hot(frames), [14]) == ["112"]
    assert read_greedily(one_hot(frames), [18]) == ["1127"]
