"""Figures of numbers: their form, and what their titles claim."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from digitrec import plots
from digitrec.numbers.constraints import CHARACTERS

STRIP = np.zeros((32, 80), np.uint8)
STRIP[6:26, 10:14] = STRIP[6:26, 40:44] = 255
FRAMES = np.log(np.full((40, 15), 0.01) + 0.85 * np.eye(15)[[1] * 20 + [14] * 10 + [1] * 10])
READING = {"text": "11", "confidence": 0.97, "characters": [("1", (10, 6, 14, 26)), ("1", (40, 6, 44, 26))]}
CALLS = {
    "number_stages": (255 - STRIP, STRIP, FRAMES, CHARACTERS, READING),
    "method_bars": (["cells", "cheques"], {"ours": [0.9, 0.6], "cut": [0.3, 0.62]}, [400, 38]),
    "length_bars": ({1: (50, 49), 2: (120, 100), 5: (3, 1)},),
    "number_failures": ([STRIP, STRIP[:, :40]], ["11", "1"], ["17", ""], [0.98, 0.5], 600),
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
        ("number_stages", "Read as 11 with 97.0 % confidence"),
        ("method_bars", "ours reads most in 1 of 2 sets"),
        ("length_bars", "Of numbers of 2 digits 83.3 % are read exactly, of all 86.7 %"),
        ("number_failures", "2 of the surest misreadings among 600 numbers"),
    ],
)
def test_the_title_says_what_the_arrays_say(name, title):
    assert title in draw(name).get_suptitle().replace("\n", " ")


def test_wrong_lengths_are_refused():
    with pytest.raises(ValueError, match="counts: expected 2"):
        plots.method_bars(["a", "b"], {"ours": [1, 1]}, [3])
