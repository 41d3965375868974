"""Prefix beam search against a sum over all alignments, where there are few, and against its own promises."""

import math
from collections import defaultdict
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.numbers.constraints import CHARACTERS, Constraint
from digitrec.numbers.decoding import BLANK, NEW, align, decode, search, spell

CLASSES = [1, 2, 10, BLANK]  # "1", "2", ".", blank: what the frames below can show


@st.composite
def frames(draw, least: int = 1, most: int = 5) -> np.ndarray:
    """Draw probabilities of a few frames, of a few classes."""
    weights = draw(st.lists(st.lists(st.integers(0, 9), min_size=4, max_size=4), min_size=least, max_size=most))
    shares = np.zeros((len(weights), 15))
    for frame, row in zip(shares, weights, strict=True):
        frame[CLASSES] = np.array(row) + 0.01
    return shares / shares.sum(axis=1, keepdims=True)


def collapse(alignment: tuple[int, ...]) -> str:
    """Return what an alignment says: repeats joined, blanks dropped."""
    kept = [one for one, before in zip(alignment, (None, *alignment), strict=False) if one != before]
    return "".join(CHARACTERS[one] for one in kept if one != BLANK)


def sum_up(shares: np.ndarray) -> dict[str, float]:
    """Return the probability of each text, summed over all alignments, each character at its cost."""
    texts: dict[str, float] = defaultdict(float)
    for alignment in product(CLASSES, repeat=len(shares)):
        said = collapse(alignment)
        texts[said.strip(".,")] += math.prod(shares[range(len(shares)), alignment]) * NEW ** max(len(said), 1)
    return texts


@settings(max_examples=60, deadline=None)
@given(frames())
def test_a_wide_beam_finds_every_text_and_its_probability(shares):
    found = search(shares, None, 100_000, 0)
    expected = sum_up(shares)
    assert {path.text for path in found} == set(expected)
    for path in found:
        assert math.exp(path.log_probability) == pytest.approx(expected[path.text], rel=1e-6)
    assert [path.log_probability for path in found] == sorted((p.log_probability for p in found), reverse=True)


KNOWN = [
    {"length": 1}, {"length": 2}, {"length": 3}, {"pattern": "d.d"}, {"pattern": "1d"}, {"characters": "12"},
    {"characters": "1."}, {"values": ["1", "12", "2.1", "121"]}, {"values": range(12, 22)}, {"check": "luhn"},
    {"check": lambda text: text.count("1") == 2}, {"length": 2, "characters": "2"}, {"pattern": "dd", "values": ["21"]},
]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(frames(), st.sampled_from(KNOWN))
def test_a_wide_beam_finds_every_text_that_is_allowed(shares, known):
    constraint = Constraint(**known)
    expected = {text: share for text, share in sum_up(shares).items() if not text or constraint.accepts(text)}
    found = search(shares, constraint, 100_000, 0)
    assert {path.text for path in found} == set(expected)
    for path in found:
        assert math.exp(path.log_probability) == pytest.approx(expected[path.text], rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(frames(), st.sampled_from([None, *KNOWN]), st.integers(1, 16))
def test_a_narrow_beam_claims_no_more_than_there_is(shares, known, beams):
    constraint = Constraint(**known) if known else None
    texts = sum_up(shares)
    found = decode(np.log(np.maximum(shares, 1e-30)), constraint, beams)
    assert len(found) <= beams
    for path in found:
        assert constraint is None or not path.text or constraint.accepts(path.text)
        assert math.exp(path.log_probability) <= texts[path.text] * (1 + 1e-6)


@settings(max_examples=60, deadline=None)
@given(st.text(CHARACTERS, min_size=1, max_size=12), st.floats(0.5, 0.99))
def test_what_frames_say_clearly_is_read(text, share):
    shares = np.full((2 * len(text) + 1, 15), (1 - share) / 14)
    shares[np.arange(len(shares)), [BLANK, *(c for one in text for c in (CHARACTERS.index(one), BLANK))]] = share
    kept = text.strip(".,")
    assert spell(np.log(shares)) == kept
    if share > 0.9:
        assert decode(np.log(shares))[0].text == kept


def test_marks_at_the_ends_are_dropped_and_the_doubt_about_them_with_them():
    shares = np.full((5, 15), 1e-6)
    shares[0, [10, BLANK]] = shares[4, [11, BLANK]] = 0.5
    shares[[1, 2, 3], [6, BLANK, 7]] = 1
    best = decode(np.log(shares))[0]
    assert best.text == "67"
    # With a mark before, behind, both or neither: each half as likely, each mark at its cost.
    expected = NEW**2 * (1 + NEW) ** 2 / 4
    assert best.log_probability == pytest.approx(math.log(expected), abs=1e-3)


@pytest.mark.parametrize("known", [{"length": 4}, {"pattern": "dd.d"}, {"values": range(1000, 9999)}])
def test_something_that_is_allowed_is_found_though_the_frames_say_otherwise(known):
    """All the beams would be of two digits, did none of each length stay alive."""
    shares = np.full((30, 15), 1e-7)
    shares[:, BLANK] = 1
    shares[10, :10], shares[20, :10], shares[[10, 20], BLANK] = 0.05, 0.05, 1e-3
    shares[10, 4] = shares[20, 7] = 0.55
    assert decode(np.log(shares))[0].text == "47"
    best = decode(np.log(shares), Constraint(**known))
    allowed = next(path for path in best if path.text)
    assert Constraint(**known).accepts(allowed.text)
    assert "4" in allowed.text
    assert "7" in allowed.text


def test_known_digits_turn_a_doubt():
    """Two frames in doubt: what is known decides, though it is the less likely of each."""
    shares = np.full((7, 15), 1e-5)
    shares[::2, BLANK] = 1
    shares[1, [1, 7]], shares[3, [4, 9]], shares[5, 8] = (0.6, 0.4), (0.7, 0.3), 1
    logs = np.log(shares)
    assert decode(logs)[0].text == "148"
    assert decode(logs, Constraint(values=["798", "123"]))[0].text == "798"
    assert decode(logs, Constraint(check=lambda text: text.endswith("98")))[0].text == "198"


# --- alignment ----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(frames(least=3), st.sampled_from(["1", "2", "12", "11", "1.2", "121", "1.1"]))
def test_an_alignment_is_the_likeliest_of_all(shares, text):
    logs = np.log(np.maximum(shares, 1e-30))
    scores = [
        logs[range(len(logs)), alignment].sum()
        for alignment in product(CLASSES, repeat=len(logs))
        if collapse(alignment) == text
    ]
    if not scores:
        with pytest.raises(ValueError, match=r"text: expected one that \d frames can say"):
            align(logs, text)
        return
    classes = np.full(len(logs), BLANK)
    for (first, last), one in zip(align(logs, text), text, strict=True):
        assert (classes[first : last + 1] == BLANK).all()
        classes[first : last + 1] = CHARACTERS.index(one)
    assert collapse(tuple(classes)) == text
    assert logs[range(len(logs)), classes].sum() == pytest.approx(max(scores))


def test_nothing_is_aligned_to_nothing():
    assert align(np.log(np.full((3, 15), 1 / 15)), "") == []
