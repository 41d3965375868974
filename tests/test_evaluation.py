"""Every number is held against scikit-learn, SciPy, a published value or a count by hand."""

import json
import math
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import binomtest
from sklearn import metrics

from digitrec import calibration, evaluation

LOGITS = hnp.arrays(np.float64, (12, 4), elements=st.floats(-30, 30))
# Few different values, so that ties are common.
SCORES = hnp.arrays(np.float64, st.integers(1, 30), elements=st.sampled_from([0, 0.2, 0.5, 0.9]))


def make_predictions(n=2000, seed=0):
    """Return the probabilities of a mediocre reader, and the labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n)
    logits = rng.normal(size=(n, 10)) * 2
    logits[np.arange(n), labels] += 4
    return calibration.softmax(logits), labels


def one_hot(classes, count=10):
    return np.eye(count)[classes]


def test_import_loads_neither_sklearn_nor_matplotlib():
    code = "import sys, digitrec.evaluation; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "numpy" in loaded.stdout.split()
    assert not {"sklearn", "scipy", "matplotlib", "keras"} & set(loaded.stdout.split())


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        (9950, 10_000, 0.9934, 0.9962),
        # Newcombe 1998, Statistics in Medicine 17, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_against_published_values(correct, n, low, high):
    assert evaluation.wilson_interval(correct, n) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(1, 500), st.data())
def test_wilson_interval_agrees_with_scipy(n, data):
    correct = data.draw(st.integers(0, n))
    expected = binomtest(correct, n).proportion_ci(method="wilson")
    assert evaluation.wilson_interval(correct, n) == pytest.approx(tuple(expected), abs=1e-9)


def test_evaluate_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 2])
    p = np.array([[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0, 1, 0], [0, 1, 0], [0.5, 0.3, 0.2]])
    result = evaluation.evaluate(p, labels)
    assert result["confusion_matrix"] == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]
    assert (result["n"], result["errors"], result["accuracy"]) == (6, 2, 4 / 6)
    assert result["per_class"]["precision"] == pytest.approx([2 / 3, 2 / 3, 0])
    assert result["per_class"]["recall"] == pytest.approx([2 / 3, 1, 0])
    assert result["per_class"]["f1"] == pytest.approx([2 / 3, 4 / 5, 0])
    assert result["per_class"]["support"] == [3, 2, 1]
    assert result["macro"]["recall"] == pytest.approx(5 / 9)
    expected = -(2 * math.log(0.8) + math.log(0.3) + math.log(0.2)) / 6
    assert result["negative_log_likelihood"] == pytest.approx(expected)
    # Bins of 1/15: 0.8 twice right; 0.6 wrong; 1.0 twice right; 0.5 wrong.
    expected = (2 * 0.2 + 0.6 + 0 + 0.5) / 6
    assert result["expected_calibration_error"] == pytest.approx(expected)


def test_evaluate_agrees_with_sklearn_and_is_json():
    p, labels = make_predictions()
    labels[labels == 7] = 8
    result = json.loads(json.dumps(evaluation.evaluate(p, labels)))
    guess = p.argmax(axis=1)
    assert 0.5 < result["accuracy"] == pytest.approx(metrics.accuracy_score(labels, guess))
    oracle = metrics.confusion_matrix(labels, guess, labels=range(10))
    np.testing.assert_array_equal(result["confusion_matrix"], oracle)
    per_class = metrics.precision_recall_fscore_support(labels, guess, labels=range(10), zero_division=0)
    for name, expected in zip(("precision", "recall", "f1", "support"), per_class, strict=True):
        np.testing.assert_allclose(result["per_class"][name], expected)
    macro = metrics.precision_recall_fscore_support(labels, guess, average="macro", zero_division=0)
    assert list(result["macro"].values()) == pytest.approx(macro[:3])
    log_loss = metrics.log_loss(labels, p, labels=range(10))
    assert result["negative_log_likelihood"] == pytest.approx(log_loss)
    low, high = result["accuracy_interval"]
    assert low < result["accuracy"] < high


def test_macro_leaves_out_digits_that_do_not_occur():
    result = evaluation.evaluate(one_hot([3, 3, 4, 4]), [3, 3, 4, 3])
    assert result["macro"]["precision"] == pytest.approx((1 + 0.5) / 2)


def test_a_probability_of_zero_for_the_truth_keeps_the_likelihood_finite():
    assert 80 < evaluation.evaluate(one_hot([1]), [2])["negative_log_likelihood"] < 90


def test_small_integer_labels_do_not_overflow():
    labels = np.full(3, 9, np.uint8)
    # In uint8, 29 * 30 would wrap round.
    assert evaluation.confusion_matrix(labels + 20, labels + 20, classes=30)[29, 29] == 3


def test_calibrated_confidence_has_no_error_and_overconfidence_its_size():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 200_000)
    p = np.stack([confidence, 1 - confidence], axis=1)
    labels = (rng.random(len(p)) > confidence).astype(int)
    assert evaluation.expected_calibration_error(p, labels) < 0.005
    always_sure = one_hot(np.zeros(len(p), int), 2)
    gap = evaluation.expected_calibration_error(always_sure, labels)
    assert gap == pytest.approx(labels.mean())


def test_reliability_bins_hold_every_picture_in_the_right_bin():
    p, labels = make_predictions()
    confidence, accuracy, count = evaluation.reliability_bins(p, labels, bins=10)
    edges = np.linspace(0, 1, 11)
    for i, (low, high) in enumerate(pairwise(edges)):
        inside = (p.max(axis=1) > low) & (p.max(axis=1) <= high)
        assert count[i] == inside.sum()
        if not count[i]:
            assert np.isnan(confidence[i])
            continue
        assert confidence[i] == pytest.approx(p.max(axis=1)[inside].mean())
        assert accuracy[i] == pytest.approx((p.argmax(axis=1) == labels)[inside].mean())
    assert count.sum() == len(labels)


def test_most_confident_errors_come_surest_first():
    p = np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8], [0.4, 0.6]])
    assert evaluation.most_confident_errors(p, [0, 0, 0, 0], 2).tolist() == [2, 1]
    assert evaluation.most_confident_errors(p, [0, 0, 0, 0], 9).tolist() == [2, 1, 3]
    assert evaluation.most_confident_errors(p, [0, 1, 1, 1], 9).tolist() == []


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 5))
def test_mcnemar_is_the_binomial_test_of_the_pictures_they_differ_on(only_a, only_b, both):
    a = np.repeat([True, False, True], [only_a, only_b, both])
    b = np.repeat([False, True, True], [only_a, only_b, both])
    n = only_a + only_b
    expected = binomtest(only_a, n).pvalue if n else 1.0
    assert evaluation.mcnemar(a, b) == pytest.approx(expected)


def test_mcnemar_with_thousands_of_differences_stays_finite():
    a = np.repeat([True, False], [2000, 2100])
    assert evaluation.mcnemar(a, ~a) == pytest.approx(binomtest(2000, 4100).pvalue)


@given(SCORES, st.data())
def test_risk_coverage_is_what_each_threshold_gives(confidence, data):
    correct = data.draw(hnp.arrays(bool, len(confidence)))
    coverage, risk = evaluation.risk_coverage(confidence, correct)
    thresholds = np.unique(confidence)[::-1]
    assert coverage == pytest.approx([(confidence >= t).mean() for t in thresholds])
    assert risk == pytest.approx([(~correct[confidence >= t]).mean() for t in thresholds])


@given(SCORES, SCORES)
def test_auroc_agrees_with_sklearn(positive, negative):
    truth = np.repeat([1, 0], [len(positive), len(negative)])
    expected = metrics.roc_auc_score(truth, np.concatenate([positive, negative]))
    assert evaluation.auroc(positive, negative) == pytest.approx(expected)


GOOD, LABELS = one_hot([0, 1]), np.array([0, 1])


@pytest.mark.parametrize(
    ("probabilities", "labels", "says"),
    [
        (GOOD * np.nan, LABELS, "finite"),
        (GOOD[0], LABELS, "classes"),
        (GOOD[:0], LABELS[:0], "n >= 1"),
        (GOOD * 5, LABELS, "softmax"),
        (GOOD - one_hot([2, 2]) + one_hot([3, 3]), LABELS, "softmax"),
        (GOOD, LABELS[:1], "one label a row"),
        (GOOD, LABELS + 9, "0 to 9"),
        (GOOD, LABELS - 1, "0 to 9"),
        (GOOD, LABELS.astype(float), "integers"),
        (GOOD, GOOD.astype(int), "integers"),
    ],
)
def test_wrong_probabilities_or_labels_are_refused(probabilities, labels, says):
    for function in (evaluation.evaluate, evaluation.expected_calibration_error):
        with pytest.raises(ValueError, match=says):
            function(probabilities, labels)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (calibration.softmax, ([0.0, math.inf],)),
        (calibration.softmax, (1.0,)),
        (evaluation.wilson_interval, (11, 10)),
        (evaluation.wilson_interval, (0, 0)),
        (evaluation.wilson_interval, (5, 10, 1.0)),
        (evaluation.confusion_matrix, ([1, 2], [1])),
        (evaluation.per_class_report, (np.ones((2, 3)),)),
        (evaluation.reliability_bins, (GOOD, LABELS, 0)),
        (evaluation.most_confident_errors, (GOOD, LABELS, -1)),
        (evaluation.mcnemar, ([1, 0], [1, 1])),
        (evaluation.mcnemar, ([True], [True, False])),
        (calibration.fit_temperature, ([[0.0, math.nan]], [0])),
        (evaluation.risk_coverage, ([0.5], [1])),
        (evaluation.risk_coverage, ([math.nan], [True])),
        (evaluation.auroc, ([], [0.5])),
        (calibration.choose_threshold, ([0.5], 1.0)),
    ],
)
def test_wrong_arguments_are_refused(function, arguments):
    with pytest.raises(ValueError, match="expected"):
        function(*arguments)
