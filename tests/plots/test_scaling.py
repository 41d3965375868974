"""The figures of work shared among machines say what their numbers say."""

import numpy as np
import pytest

from digitrec import plots


def read_title(figure):
    return figure.get_suptitle().replace("\n", " ")


def test_speedups_name_the_most_and_the_least():
    figure = plots.speedup_curves([1, 8, 64], {"trials": [1, 7.5, 50], "five seeds": [1, 4, 4.2]})
    assert read_title(figure) == "On 64 workers: trials done 50 times sooner, five seeds 4.2 times"
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].get_lines()}
    assert list(lines["five seeds"]) == [1, 4, 4.2]


def test_break_even_is_where_the_first_other_is_sooner():
    work = np.array([1.0, 10, 100, 1000])
    figure = plots.break_even_curves(work, {"one process": work, "a cluster": 10 + work / 2})
    assert read_title(figure) == "A cluster is done before one process from about 100 s of work on"
    never = plots.break_even_curves(work, {"one process": work, "a cluster": 10 + work})
    assert read_title(never) == "A cluster is done before one process never, of what is shown"


@pytest.mark.parametrize("draw", ["speedup_curves", "break_even_curves"])
def test_curves_of_another_length_are_refused(draw):
    with pytest.raises(ValueError, match="expected 3 of them"):
        getattr(plots, draw)([1, 2, 3], {"one": [1, 2]})
