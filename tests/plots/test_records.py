"""Figures of records: their form, and what their titles claim."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from digitrec import plots

SEEDS = np.array([[0.985, 0.987], [0.99, 0.991], [0.9905, 0.9915]])
CALLS = {
    "ladder_steps": (["start", "stride", "hardest"], [4.0, 2.0, 0.5], SEEDS),
    "cost_front": ({"tiny": SEEDS[0], "small": SEEDS[2], "wide": SEEDS[1]}, [900, 2500, 8000]),
}


def draw(name):
    figure = getattr(plots, name)(*CALLS[name])
    FigureCanvasAgg(figure).draw()
    return figure


@pytest.mark.parametrize("name", CALLS)
def test_figure_has_its_form(name, check_form):
    check_form(draw(name))


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("ladder_steps", "From 4.00 to 0.50 s in 2 changes, from 98.60 to 99.10 %"),
        ("cost_front", "98.60 % with 900 weights, 99.10 % with 2,500"),
    ],
)
def test_the_title_says_what_the_arrays_say(name, title):
    assert title in draw(name).get_suptitle().replace("\n", " ")


def test_the_line_leaves_out_what_is_beaten_in_both():
    (axes,) = draw("cost_front").axes
    lines = [line.get_xdata().tolist() for line in axes.lines if line.get_linewidth() == 1]
    assert lines == [[900, 2500]]


def test_wrong_lengths_are_refused():
    with pytest.raises(ValueError, match="times_s: expected 3"):
        plots.ladder_steps(["a", "b", "c"], [1, 2], SEEDS)
    with pytest.raises(ValueError, match="costs: expected 1"):
        plots.cost_front({"a": [1.0]}, [1, 2])
