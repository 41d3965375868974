"""What confidence is worth is shown with what chance alone would do, at the threshold in use."""

import numpy as np
import pytest

from digitrec import evaluation, plots


def test_reliability_diagram_shows_how_much_each_bin_is_worth():
    confidence, accuracy = [np.nan, 0.4, 0.9], [np.nan, 1.0, 0.8]
    figure = plots.reliability_diagram(confidence, accuracy, [0, 3, 500], 0.1)
    points, _, (whiskers,) = figure.axes[0].containers[0]
    assert points.get_xdata().tolist() == [40, 90]
    assert points.get_ydata().tolist() == [100, 80]
    for segment, (hits, n) in zip(whiskers.get_segments(), ((3, 3), (400, 500)), strict=True):
        assert segment[:, 1] == pytest.approx(100 * np.array(evaluation.wilson_interval(hits, n)))
    assert [bar.get_height() for bar in figure.axes[1].patches] == [0, 3, 500]


def test_reliability_diagram_tells_an_error_from_chance():
    confidence, count = np.array([np.nan, 0.6, 0.9]), np.array([0, 50, 500])
    title = plots.reliability_diagram(confidence, confidence, count, 0.01).get_suptitle()
    assert title == "Confidence is off by 1.00 points on average, within chance"
    assert "points on average, chance alone gives up to" in plots.reliability_diagram(
        confidence, confidence, count, 0.1
    ).get_suptitle().replace("\n", " ")


def test_risk_coverage_marks_the_threshold_in_use():
    figure = plots.risk_coverage([0.25, 0.5, 0.75, 1.0], [0.0, 0.0, 0.02, 0.08], 0.76)
    curve, threshold, everything = figure.axes[0].lines
    np.testing.assert_allclose(curve.get_ydata(), [0, 0, 2, 8])
    assert (threshold.get_xdata(), threshold.get_ydata()) == ([75], [2])
    assert (everything.get_xdata(), everything.get_ydata()) == ([100], [8])
    assert [text.get_text().strip() for text in figure.axes[0].texts] == [
        "at the threshold: 2.00 %", "all answered: 8.00 %"
    ]  # fmt: skip
    assert figure.get_suptitle() == "Answering the surest 75.0 % leaves 2.00 % errors instead of 8.00 %"
    assert figure.axes[0].get_ylabel() == "errors among the answered, %"


@pytest.mark.parametrize(
    ("coverage", "risk", "at", "title"),
    [
        ([1.0], [0.0], 1.0, "Not one error, even when every picture is answered"),
        ([0.5, 1.0], [0.2, 0.1], 0.5, "Answering the surest 50.0 % leaves as many errors as answering all: 20.00 %"),
        ([0.5, 1.0], [0.05, 0.1], 1.0, "The threshold declines nothing: 10.00 % errors"),
    ],
)
def test_risk_coverage_claims_no_more_than_it_saves(coverage, risk, at, title):
    assert plots.risk_coverage(coverage, risk, at).get_suptitle().replace("\n", " ") == title


@pytest.mark.parametrize("at", [0.0, 0.3, 0.9, 0.995, 1.0])
def test_threshold_and_end_lie_inside_the_axes(at):
    coverage = np.arange(1, 1001) / 1000
    axes = plots.risk_coverage(coverage, 0.05 * coverage**4, at).axes[0]
    for line in axes.lines[1:]:
        assert axes.get_xlim()[0] <= line.get_xdata()[0] <= axes.get_xlim()[1]
        assert axes.get_ylim()[0] <= line.get_ydata()[0] < axes.get_ylim()[1]


def test_score_histograms_hold_every_score_and_say_what_is_declined():
    scores = np.array([0.99, 0.98, 0.97, 0.5]), np.array([0.95, 0.1, 0.05, 0.0])
    figure = plots.score_histograms(*scores, 0.9)
    for axes in figure.axes:
        assert sum(bar.get_height() for bar in axes.patches) == 4
        assert axes.lines[0].get_xdata()[0] == 0.9
    assert figure.get_suptitle() == "Declined: 3 of 4 that are no digits, 1 of 4 digits; AUROC 0.938"
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "4 digits, 25.0 % declined (95 % interval 4.6 to 69.9)",
        "4 not digits, 75.0 % declined (95 % interval 30.1 to 95.4)",
    ]
