import numpy as np
import pytest

from digitrec import synthesis
from digitrec.preprocessing.pieces import find_pieces
from digitrec.synthesis import strings
from digitrec.synthesis.strings import draw_strings


def test_most_are_wider_than_high_and_fill_the_box(written, bounding_sides):
    height, width = bounding_sides(written).T
    assert np.mean(width > height) > 0.85
    assert np.maximum(height, width).max() <= 20


def test_some_digits_touch_and_some_stand_apart(written):
    pieces = np.array([find_pieces(image > 60)[2].max() + 1 for image in written])
    assert 0.1 < np.mean(pieces == 1) < 0.5
    assert np.mean(pieces > 2) > 0.2


def test_strings_of_the_door_hold_more_than_one_digit(digits, monkeypatch):
    """Of what the door makes of a string nothing is kept that is one of its digits alone."""
    singles = []

    def write(chosen, rng):
        string, spans = original(chosen, rng)
        singles.append([strings.box_ink(string[:, left:right]) for left, right in spans])
        return string, spans

    original = strings._write_string
    monkeypatch.setattr(strings, "_write_string", write)
    made = draw_strings(digits[0], 150, np.random.default_rng(4))
    likeness = [max(strings.compare(image, one) for one in own) for image, own in zip(made, singles, strict=True)]
    assert np.mean(np.array(likeness) > 0.9) < 0.02


@pytest.mark.parametrize("length", range(2, 7))
def test_any_number_of_digits_from_two_to_six_is_written_from_left_to_right(digits, length):
    rng = np.random.default_rng(length)
    for _ in range(10):
        chosen = [image / np.float32(255) for image in digits[0][rng.integers(len(digits[0]), size=length)]]
        string, spans = strings._write_string(chosen, rng)
        assert len(spans) == length
        assert [left for left, _ in spans] == sorted({left for left, _ in spans})
        assert max(right for _, right in spans) <= string.shape[1]
        assert 0 <= string.min() <= string.max() <= 1


def test_face_hands_them_on():
    assert synthesis.draw_strings is draw_strings
