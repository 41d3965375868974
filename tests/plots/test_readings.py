"""Readings are shown with what they are, how sure they were, and what else they might have been."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from digitrec import plots

IMAGES = np.kron(load_digits().images[:60] * 15.9, np.ones((1, 3, 3))).astype(np.uint8)
HEAT = IMAGES[0] / 255 * 4.0


def make_probabilities(readings, confidence) -> np.ndarray:
    p = np.repeat((1 - np.array(confidence, dtype=float))[:, None] / 9, 10, axis=1)
    p[np.arange(len(p)), readings] = confidence
    return p


def test_confident_errors_name_truth_reading_and_confidence():
    p = make_probabilities([9, 1, 2], [0.9996, 0.8, 0.7])
    figure = plots.confident_errors(IMAGES[:3], [4, 7, 2], p, [0, 1])
    assert [axes.get_title() for axes in figure.axes] == ["4 → 9  >99.9 %", "7 → 1  80.0 %"]
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), IMAGES[1])
    assert figure.get_suptitle() == "2 errors in 3, made with 80.0 % to >99.9 % confidence"


@pytest.mark.parametrize("n", [1, 2, 11, 33, 40])
def test_every_error_given_is_shown(n):
    p = make_probabilities(np.zeros(60, int), np.linspace(0.95, 0.5, 60))
    labels = np.where(np.arange(60) < n, 1, 0)
    figure = plots.confident_errors(IMAGES, labels, p, np.arange(n))
    assert sum(len(axes.images) for axes in figure.axes) == n
    assert figure.get_suptitle().replace("\n", " ").startswith(f"{n} error{'s' * (n > 1)} in 60, made with ")


def test_a_choice_of_errors_is_called_the_surest_only_where_it_is():
    p = make_probabilities(np.zeros(60, int), np.linspace(0.95, 0.5, 60))
    title = plots.confident_errors(IMAGES, np.ones(60, int), p, np.arange(40)).get_suptitle()
    assert title == "The 40 surest of 60 errors in 60: 65.3 % to 95.0 % confidence"
    assert plots.confident_errors(IMAGES, np.ones(60, int), p, [3, 8]).get_suptitle() == "2 of 60 errors in 60"
    assert plots.confident_errors(IMAGES, np.ones(60, int), p, []).get_suptitle() == "None of 60 errors in 60"


def test_confident_errors_without_errors():
    figure = plots.confident_errors(IMAGES, np.zeros(60, int), make_probabilities(np.zeros(60, int), [0.9] * 60), [])
    assert figure.get_suptitle() == "Not one error in 60"
    assert not figure.axes[0].images


def test_captions_stand_over_their_pictures():
    figure = plots.captioned_digits(IMAGES[:12], [str(i) for i in range(12)], "Twelve", "what is what")
    for i, axes in enumerate(figure.axes):
        assert axes.get_title() == str(i)
        np.testing.assert_array_equal(axes.images[0].get_array(), IMAGES[i])
    assert (figure.get_suptitle(), figure.get_supxlabel()) == ("Twelve", "what is what")


@pytest.mark.parametrize("n", [1, 2, 5, 6, 12])
def test_prediction_bars_are_the_probabilities(n):
    p = make_probabilities(np.arange(n) % 10, np.linspace(0.5, 0.97, n))
    figure = plots.prediction_bars(IMAGES[:n], p)
    pins = [axes for axes in figure.axes if axes.lines]
    np.testing.assert_allclose([axes.lines[0].get_ydata() for axes in pins], 100 * p)
    assert all(axes.get_yscale() == "log" for axes in pins)
    assert sum(len(axes.images) for axes in figure.axes) == n
    readings = ", ".join(map(str, np.arange(n) % 10))
    assert figure.get_suptitle().replace("\n", " ") == f"Read as {readings}; second choices get at most 5.6 %"


def test_what_is_nearly_impossible_stays_on_the_axis():
    axes = plots.prediction_bars(IMAGES[:1], np.eye(10)[[3]]).axes[1]
    assert axes.get_ylim()[0] <= axes.lines[0].get_ydata().min()
    assert axes.lines[1].get_xdata().tolist() == [3]


def test_prediction_bars_name_the_second_choice_and_what_was_wrong():
    p = np.full((2, 10), 0.001)
    p[[0, 1], [3, 5]], p[[0, 1], [8, 6]] = 0.882, 0.11
    figure = plots.prediction_bars(IMAGES[:2], p, [3, 6])
    assert figure.get_suptitle() == "1 of 2 read correctly; second choices get at most 11.0 %"
    titles = [axes.get_title() for axes in figure.axes if axes.images]
    assert titles == ["3: 88.2 %\nthen 8: 11.0 %", "5: 88.2 %, wrong: a 6\nthen 6: 11.0 %"]
    right, wrong = (axes.lines[1] for axes in figure.axes if axes.lines)
    assert right.get_marker() != wrong.get_marker()  # told apart without colour


def test_attention_shows_picture_and_heat_on_a_scale_with_white_in_the_middle():
    figure = plots.attention(IMAGES[0], HEAT, 0)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), IMAGES[0])
    heat = figure.axes[1].images[0]
    np.testing.assert_allclose(heat.get_array(), HEAT)
    assert heat.get_clim() == (-HEAT.max(), HEAT.max())
    assert heat.cmap(heat.norm(0))[:3] == pytest.approx((1, 1, 1), abs=0.01)


def test_what_speaks_against_is_dotted_so_that_it_shows_without_colour():
    def hatches(heat):
        drawn = plots.attention(IMAGES[0], heat, 0).axes[1].collections
        return [hatch for each in drawn for hatch in getattr(each, "hatches", []) if hatch]

    assert not hatches(HEAT)
    assert hatches(-HEAT)


@pytest.mark.parametrize(
    ("heat", "title"),
    [
        (HEAT / HEAT.max() * np.log(50), "For a 0: covering the darkest orange divides its odds by 50"),
        (-HEAT / HEAT.max() * np.log(2), "Against a 0: covering the darkest blue multiplies its odds by 2.0"),
        (HEAT / HEAT.max() * 30, "For a 0: covering the darkest orange divides its odds by a million and more"),
        (HEAT * 0, "Nothing to explain: nothing that is covered changes the reading"),
        (HEAT / HEAT.max() * 0.01, "Nothing to explain: nothing that is covered changes the reading"),
        (
            np.where(np.arange(24) < 12, np.log(3.01), -np.log(2.99)) * np.ones((24, 1)),
            "As much for a 0 as against it: covering the darkest patches changes its odds by 3.0",
        ),
    ],
)
def test_attention_says_what_covering_does_to_the_odds(heat, title):
    assert plots.attention(IMAGES[0], heat, 0).get_suptitle().replace("\n", " ") == title


def test_attention_of_a_blank_picture():
    blank = np.zeros((28, 28), np.uint8)
    assert plots.attention(blank, np.zeros((28, 28)), None).get_suptitle().startswith("Nothing to explain")
