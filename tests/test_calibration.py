"""From logits to an answer: against SciPy's softmax, counts by hand and properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from digitrec import calibration, evaluation

LOGITS = hnp.arrays(np.float64, (12, 4), elements=st.floats(-30, 30))
# Few different values, so that ties are common.
SCORES = hnp.arrays(np.float64, st.integers(1, 30), elements=st.sampled_from([0, 0.2, 0.5, 0.9]))


def one_hot(classes, count=10):
    return np.eye(count)[classes]


@given(LOGITS, st.floats(-1e3, 1e3))
def test_softmax_sums_to_one_keeps_order_and_ignores_a_shift(logits, shift):
    p = calibration.softmax(logits)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(calibration.softmax(logits + shift), p, atol=1e-9)
    assert (np.take_along_axis(p, logits.argmax(1)[:, None], 1)[:, 0] == p.max(1)).all()


def test_softmax_by_hand_and_without_overflow():
    np.testing.assert_allclose(calibration.softmax([0, math.log(3)]), [0.25, 0.75])
    np.testing.assert_array_equal(calibration.softmax([1e4, 0.0]), [1, 0])
    assert calibration.softmax(np.zeros((2, 10), np.float32)).dtype == np.float32


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_fit_temperature_recovers_a_known_one(temperature):
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(40_000, 10)) * 2
    chance = calibration.softmax(logits).cumsum(axis=1)
    labels = (chance < rng.random((len(logits), 1))).sum(axis=1).clip(max=9)
    assert calibration.fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.03)


@given(LOGITS, hnp.arrays(np.int64, 12, elements=st.integers(0, 3)))
def test_no_other_temperature_is_more_likely(logits, labels):
    def loss(temperature):
        p = calibration.softmax(logits / temperature)[np.arange(12), labels]
        return -np.log(np.maximum(p, 1e-300)).mean()

    best = loss(calibration.fit_temperature(logits, labels))
    assert all(best <= loss(other) + 1e-6 for other in np.geomspace(0.1, 100, 25))


@given(SCORES, st.floats(0, 0.99))
def test_choose_threshold_declines_no_more_and_a_higher_one_would(scores, share):
    threshold = calibration.choose_threshold(scores, share)
    assert (scores < threshold).mean() <= share + 1e-9
    assert (scores < np.nextafter(threshold, 2)).mean() > share - 1e-9


def test_choose_threshold_uses_the_whole_share():
    scores = np.arange(100) / 100
    for percent in range(100):
        assert (scores < calibration.choose_threshold(scores, percent / 100)).sum() == percent


@given(hnp.arrays(np.float32, (6, 10), elements=st.floats(-20, 20, width=32)), st.floats(0.1, 5))
def test_reading_logits_lets_not_a_digit_compete(logits, temperature):
    probabilities, scores = calibration.read_logits(logits, temperature)
    assert (probabilities.dtype, scores.dtype) == (np.float32, np.float32)
    eleven = calibration.softmax(np.pad(logits.astype(float), ((0, 0), (0, 1))) / temperature)
    np.testing.assert_allclose(scores, eleven[:, :10].max(axis=1), atol=1e-6)
    np.testing.assert_allclose(calibration.rate_none(logits, temperature), eleven[:, 10], atol=1e-6)
    np.testing.assert_allclose(probabilities, calibration.softmax(logits.astype(float) / temperature), atol=1e-6)


def test_several_digits_are_no_single_digit():
    logits = np.log([[6.0] + [1e-9] * 9 + [3.0], [1e-9] * 10 + [1.0]])  # of odds, beside 1 of "not a digit"
    np.testing.assert_allclose(calibration.rate_none(logits, 1.0), [0.4, 1.0], atol=1e-6)


def test_calibrating_declines_at_most_the_stated_share_and_evaluates_with_the_temperature():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 2000)
    logits = rng.normal(size=(2000, 10)) + 4 * one_hot(labels) - 2
    fitted = calibration.calibrate(logits, labels)
    probabilities, scores = calibration.read_logits(logits, fitted["temperature"])
    assert (scores < fitted["threshold"]).mean() == pytest.approx(calibration.DECLINE_AT_MOST, abs=1e-3)
    assert fitted["validation"] == evaluation.evaluate(probabilities, labels)


@given(st.floats(0, 1))
def test_no_confidence_is_written_as_certainty(probability):
    text = calibration.format_confidence(probability)
    assert text not in ("100.0 %", "0.0 %")
    number = float(text.strip("<>% "))
    assert abs(number - 100 * probability) <= 0.1 + 1e-9
    assert (text[0] == ">") == (probability > 0.9995) or abs(probability - 0.9995) < 1e-6


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0, "<0.1 %"), (0.0004, "<0.1 %"), (0.34312, "34.3 %"), (0.9994, "99.9 %"), (0.99951, ">99.9 %"), (1, ">99.9 %")],
)
def test_confidence_as_text(probability, text):
    assert calibration.format_confidence(probability) == text
