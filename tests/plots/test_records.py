"""Figures of records claim what the arrays say; their form is tried with that of all others."""

import numpy as np
import pytest

from digitrec import plots

SEEDS = np.array([[0.985, 0.987], [0.99, 0.991], [0.9905, 0.9915]])


@pytest.fixture
def front():
    return plots.cost_front({"tiny": SEEDS[0], "small": SEEDS[2], "wide": SEEDS[1]}, [900, 2500, 8000])


def test_a_ladder_names_its_ends():
    figure = plots.ladder_steps(["start", "stride", "hardest"], [4.0, 2.0, 0.5], SEEDS)
    title = figure.get_suptitle().replace("\n", " ")
    assert "From 4.00 to 0.50 s in 2 changes, from 98.60 to 99.10 %" in title


def test_a_front_names_the_smallest_and_the_best(front):
    assert "98.60 % with 900 weights, 99.10 % with 2,500" in front.get_suptitle().replace("\n", " ")


def test_the_line_leaves_out_what_is_beaten_in_both(front):
    (axes,) = front.axes
    lines = [line.get_xdata().tolist() for line in axes.lines if line.get_linewidth() == 1]
    assert lines == [[900, 2500]]


def test_networks_together_are_named_with_what_one_reads_and_what_all_do():
    figure = plots.together_curve([0.97, 0.98, 0.99], [0.98, 0.985, 0.99], [0.99, 0.99, 0.99], unread=0.002)
    assert figure.get_suptitle().replace("\n", " ") == "One network reads 98.00 %, 3 together 99.00 %"
    (axes,) = figure.axes
    mean, bound = axes.lines
    assert mean.get_xydata().tolist() == [[1, 0.98], [2, 0.985], [3, 0.99]]
    assert bound.get_ydata()[0] == 0.998


def test_wrong_lengths_are_refused():
    with pytest.raises(ValueError, match="times_s: expected 3"):
        plots.ladder_steps(["a", "b", "c"], [1, 2], SEEDS)
    with pytest.raises(ValueError, match="costs: expected 1"):
        plots.cost_front({"a": [1.0]}, [1, 2])
