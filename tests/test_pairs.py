"""Two models on the same pictures: counts that add up, and a difference only where there is one."""

import numpy as np
import pytest
from PIL import Image

from digitrec import Recognizer, compare_models
from digitrec.pairs import Comparison
from digitrec.plots import paired_bars


class Blind(Recognizer):
    """A reader that takes every picture for a 1."""

    def __init__(self):
        pass

    def compute_logits(self, x):
        return np.tile(np.eye(11, dtype=np.float32)[1], (len(x), 1))


def test_one_that_guesses_loses_by_what_it_misses():
    (one,), figure = compare_models("cnn", Blind(), dataset="digits")
    assert one.n == 119
    assert one.both + one.only_first > 100
    assert one.only_second <= 1
    assert one.p < 1e-10
    assert "reads" in figure.get_suptitle()
    assert "more of validation of digits" in figure.get_suptitle()


def test_own_pictures_stand_beside_validation(tmp_path):
    folder = tmp_path / "1"
    folder.mkdir()
    picture = np.full((60, 60), 255, np.uint8)
    picture[10:50, 28:33] = 0
    Image.fromarray(picture).save(folder / "one.png")
    results, figure = compare_models("cnn", "cnn", data=tmp_path, dataset="digits")
    assert [one.n for one in results] == [119, 1]
    assert results[1] == Comparison("your own pictures", 1, 1, 0, 0, 1.0)
    assert figure.get_suptitle().endswith("no difference beyond chance")


def test_the_figure_names_both():
    rows = [
        Comparison("validation of mnist", 5000, 4900, 40, 12, 0.0001),
        Comparison("your own pictures", 30, 25, 2, 3, 1),
    ]
    figure = paired_bars(rows, "cnn", "mine")
    assert figure.get_suptitle() == "cnn reads 28 more of validation of mnist"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["only cnn", "only mine"]
    with pytest.raises(ValueError, match="at least one"):
        paired_bars([], "a", "b")
