"""Scores of texts to probabilities, and the temperature and threshold that make them honest."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.numbers.calibration import calibrate, choose_threshold, fit_temperature, weigh
from digitrec.numbers.constraints import CHARACTERS
from digitrec.numbers.decoding import BLANK, NEW, Path

shares = st.lists(st.floats(1e-6, 1), min_size=1, max_size=6).map(
    lambda parts: sorted((part / (sum(parts) * 1.01) for part in parts), reverse=True)
)


def make_paths(parts: list[float]) -> list[Path]:
    """Return texts of one character, which costs them all the same."""
    return [Path(str(i), math.log(part * NEW)) for i, part in enumerate(parts)]


@given(shares)
def test_at_temperature_one_probabilities_are_the_network_s(parts):
    np.testing.assert_allclose(weigh(make_paths(parts), 1), parts, rtol=1e-6)


@given(shares, st.floats(0.3, 5), st.booleans())
def test_probabilities_keep_their_order_and_leave_room_for_the_rest(parts, temperature, is_known):
    weights = weigh(make_paths(parts), temperature, is_known)
    assert weights == sorted(weights, reverse=True)
    assert 0 <= sum(weights) <= 1 + 1e-9
    assert weigh(make_paths(parts), temperature, True)[0] >= weigh(make_paths(parts), temperature)[0] - 1e-12


def test_the_rest_is_many_unlikely_texts_not_one():
    """A beam of equals among a hundred: what temperature does to one it does to all."""
    parts = [0.01] * 4
    for temperature in (0.5, 1, 2):
        np.testing.assert_allclose(weigh(make_paths(parts), temperature), parts, rtol=1e-6)


def test_what_is_known_leaves_little_room_unless_it_is_most_unlikely():
    assert weigh([Path("12", math.log(1e-3 * NEW**2))], 1, is_known=True)[0] > 0.98
    assert weigh([Path("12", math.log(1e-9 * NEW**2))], 1, is_known=True)[0] < 0.001
    assert weigh([], 1) == []


@settings(max_examples=4, deadline=None)
@given(st.sampled_from([0.5, 1.0, 2.0, 4.0]), st.integers(0, 100))
def test_a_temperature_is_found_again(temperature, seed):
    """Of lines that are right as often as their confidence at that temperature says."""
    rng = np.random.default_rng(seed)
    decoded = [make_paths(sorted(rng.dirichlet([0.3] * 4) * 0.999 + 1e-9, reverse=True)) for _ in range(500)]
    right = rng.random(500) < [weigh(paths, temperature)[0] for paths in decoded]
    assert fit_temperature(decoded, right) == pytest.approx(temperature, rel=0.4)


def test_the_threshold_is_the_least_that_keeps_mistakes_few():
    confidence = np.linspace(0.99, 0, 100)
    right = np.arange(100) < 50
    right[30] = False  # one of fifty
    threshold = choose_threshold(confidence, right, 0.02)
    answered = confidence >= threshold
    assert right[answered].mean() >= 0.98
    assert answered.sum() == 50
    assert choose_threshold([0.9, 0.8], np.array([False, True]), 0.01) == 0.9


def test_calibration_reports_what_it_measured():
    def say(text: str, share: float) -> np.ndarray:
        frames = np.full((2 * len(text) + 3, 15), (1 - share) / 14)
        classes = [BLANK, *(c for one in text for c in (CHARACTERS.index(one), BLANK)), BLANK, BLANK]
        frames[np.arange(len(frames)), classes] = share
        return np.log(frames)

    found = calibrate([say("12", 0.999), say("", 0.99), say("3,5", 0.99), say("47", 0.6)], ["12", "", "3,5", "41"])
    assert set(found) == {"temperature", "threshold", "validation"}
    assert found["validation"]["exact_match"] == 0.75
    assert found["validation"]["character_error_rate"] == pytest.approx(1 / 7)
    assert found["validation"]["answered"] == pytest.approx(2 / 3)
    assert found["validation"]["wrong_of_answered"] == 0
    assert 0 < found["threshold"] <= 1
