"""Figures of search and ablation: what they show, and that their titles claim no more than chance allows."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.plots import ablation_bars, search_history, setting_importance, setting_slices
from digitrec.plots.search import TRIALS_A_SETTING

TRIALS = pd.DataFrame({
    "learning_rate": [0.006, 0.001, 0.01, 0.003], "dropout": [0.2, 0.1, 0.4, 0.3], "rotation": [10.0, 5.0, 3.0, 1.0],
    "value": [0.97, 0.95, 0.98, 0.975], "pruned": [False, True, False, False],
})  # fmt: skip
IMPORTANCE = {"learning_rate": 0.7, "dropout": 0.3}


def texts(axes):
    return [text.get_text() for text in axes.texts]


def title(figure):
    return figure.get_suptitle().replace("\n", " ")


def make_summary(*changes, whole=98.5):
    """Make a summary of changes given as difference, low and high, by the letters of the alphabet."""
    rows = [(0.0, 0.0, 0.0), *changes]
    table = pd.DataFrame(rows, columns=["difference", "low", "high"], index=["all in place", *"abcdef"[: len(changes)]])
    return table.assign(mean=whole + table.difference)


def test_search_history_counts_the_best_among_those_that_ended(check_form):
    figure = search_history(TRIALS, 5000)
    check_form(figure)
    assert title(figure) == "4 trials, 1 given up: best 98.00 %, +1.00 points on the first"
    assert figure.axes[0].lines[2].get_ydata() == pytest.approx([97, 97, 98, 98])


def test_a_gain_within_chance_is_called_so():
    said = title(search_history(TRIALS, 500))
    assert said == "4 trials, 1 given up: best 98.00 %, +1.00 points on the first, no more than chance"
    first_best = TRIALS.assign(value=[0.99, 0.95, 0.98, 0.975])
    assert title(search_history(first_best, 500)) == "4 trials, 1 given up: none better than the first, 99.00 %"


def test_the_more_trials_the_more_of_a_gain_is_chance():
    """The same gain, found among two trials and among two hundred."""
    few = pd.DataFrame({"value": [0.98, 0.986], "pruned": False})
    many = pd.DataFrame({"value": [0.98, *[0.979] * 198, 0.986], "pruned": False})
    assert title(search_history(few, 5000)).endswith("on the first")
    assert title(search_history(many, 5000)).endswith("no more than chance")


def test_a_search_whose_first_trial_was_given_up_has_a_history(check_form):
    figure = search_history(TRIALS.assign(pruned=[True, True, False, False]), 5000)
    check_form(figure)
    assert np.isnan(figure.axes[0].lines[2].get_ydata()[:2]).all()
    assert title(figure) == "4 trials, 2 given up: none better than the first, 98.00 %"


def test_setting_slices_mark_the_best_trial(check_form):
    figure = setting_slices(TRIALS)
    check_form(figure)
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert axes.lines[0].get_xdata().tolist() == [0.006, 0.01, 0.003]
    assert axes.lines[1].get_xdata() == [0.01]
    assert figure.axes[2].get_xlabel() == "rotation, degrees"
    assert title(figure).startswith("3 trials came to their end")


def test_setting_importance_is_in_percent(check_form):
    figure = setting_importance(IMPORTANCE, 20)
    check_form(figure)
    assert texts(figure.axes[0]) == ["30", "70"]
    assert title(figure) == "Learning rate explains most of the variance, 70 %"


@given(st.integers(2, 200), st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_too_few_trials_rank_nothing(trials, settings_searched):
    shares = np.arange(1, settings_searched + 1) / sum(range(settings_searched + 1))
    figure = setting_importance({f"setting_{i}": share for i, share in enumerate(shares)}, trials)
    enough = trials >= TRIALS_A_SETTING * settings_searched
    assert ("explains most" in title(figure)) == enough
    assert (f"{trials} finished trials are too few to rank" in title(figure)) != enough
    assert f"setting {settings_searched - 1}" in title(figure).lower()


def test_ablation_bars_are_the_differences_and_grey_where_they_may_be_chance(check_form):
    figure = ablation_bars(make_summary((-0.5, -0.7, -0.3), (0.1, -0.2, 0.4)), "On MNIST")
    check_form(figure)
    assert title(figure) == "On MNIST: “a” costs most, 0.50 points of 98.50 %"
    assert texts(figure.axes[0]) == ["−0.50", "+0.10"]
    sure, chance = figure.axes[0].collections[1].get_facecolors()
    assert not np.allclose(sure, chance)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([(-0.5, -0.7, -0.3), (-0.4, -0.6, -0.2)], "“a” costs 0.50 points of 98.50 %; “b” may cost as much"),
        ([(-0.5, -0.7, -0.3), (-0.4, -1.6, 0.8)], "“a” costs 0.50 points of 98.50 %; “b” may cost as much"),
        ([(-0.4, -1.6, 0.8), (-0.5, -0.7, -0.3)], "“b” costs 0.50 points of 98.50 %; “a” may cost as much"),
        ([(-0.9, -2.0, 0.2), (-0.5, -0.7, -0.3)], "“b” costs 0.50 points of 98.50 %; “a” may cost as much"),
        ([(-0.5, -1.1, 0.1), (0.5, 0.3, 0.7)], "nothing costs more than chance, of 98.50 %"),
        (
            [(-0.5, -0.7, -0.3)] + [(-0.4, -0.6, -0.2)] * 4,
            "“a” costs 0.50 points of 98.50 %; 4 others may cost as much",
        ),
    ],
)
def test_ablation_bars_name_a_cost_only_where_it_is_sure_and_what_ties_with_it(changes, expected):
    assert title(ablation_bars(make_summary(*changes), "On MNIST")) == f"On MNIST: {expected}"


def test_one_training_each_is_no_verdict(check_form):
    figure = ablation_bars(make_summary((-0.5, np.nan, np.nan), (0.1, np.nan, np.nan)), "On MNIST")
    check_form(figure)
    assert title(figure) == "On MNIST: one training each tells no cost from chance; lowest: “a”, -0.50 points"


@given(st.lists(st.tuples(st.integers(-200, 200), st.integers(1, 300), st.integers(1, 300)), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_what_is_said_to_cost_most_is_sure_and_the_largest(drawn):
    changes = [(middle / 100, (middle - down) / 100, (middle + up) / 100) for middle, down, up in drawn]
    summary = make_summary(*changes)
    said = title(ablation_bars(summary, "On MNIST"))
    sure = summary.iloc[1:][summary.iloc[1:].high < 0]
    assert ("nothing costs more than chance" in said) == sure.empty
    if not sure.empty:
        named = said.split("“")[1][0]
        assert named in sure.index
        assert sure.difference[named] == sure.difference.min()
    if "costs most" in said:
        assert summary.difference[named] == summary.difference.min()
        assert "as much" not in said
