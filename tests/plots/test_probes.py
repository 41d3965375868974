"""Figures of changed pictures: who is named, where a reading turns, what is declined."""

import numpy as np
import pytest

from digitrec import plots

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 28, 28)).astype(np.uint8)
KINDS = {
    "digits": ["digit"] * 12,
    "letters": ["not a digit"] * 9 + ["unsure"] * 3,
    "noise": ["digit"] * 6 + ["unsure"] * 6,
}
SHARES = {"right": [1, 0.5, 0.2], "wrong": [0, 0.1, 0.05], "not a digit": [0, 0.4, 0.75]}


def title(figure):
    return figure.get_suptitle().replace("\n", " ")


def fade(n=11):
    """Shares that pass from the first of three answers to the second."""
    way = np.linspace(0, 1, n)
    return np.stack([1 - way, way, 0 * way], axis=1)


FIGURES = {
    "blend_curves": lambda: plots.blend_curves(IMAGES[:11], fade(), ["a 4", "a 9", "not a digit"]),
    "heat_maps": lambda: plots.heat_maps(IMAGES[0], {"one": IMAGES[1] - 99.0, "two": IMAGES[1] - 90.0}, 4),
    "attack_bands": lambda: plots.attack_bands(IMAGES[:3], ["4", "9", "unsure"], [0, 0.1, 0.2], SHARES),
    "kind_bars": lambda: plots.kind_bars({name: IMAGES for name in KINDS}, KINDS, {name: 0.5 for name in KINDS}),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_has_its_form(name, check_form):
    check_form(FIGURES[name]())


def test_a_blend_tells_where_the_reading_turns_and_draws_no_answer_that_plays_no_part():
    figure = FIGURES["blend_curves"]()
    assert title(figure) == (
        "From a 4 to a 9 the reading turns at 55 % of the way; on 64 % of it the network is less than 90 % sure"
    )
    assert [line.get_label() for line in figure.axes[1].lines] == ["a 4", "a 9"]


def test_a_blend_that_never_turns_says_so():
    figure = plots.blend_curves(IMAGES[:3], [[0.9, 0.1], [0.8, 0.2], [0.95, 0.05]], ["a 4", "a 9"])
    assert title(figure) == "a 4 all the way, at least 80 % sure"


@pytest.mark.parametrize(("factor", "agreement"), [(2.0, "1.00"), (-1.0, "-1.00")])
def test_explanations_are_compared_over_the_ink_alone(factor, agreement):
    image = np.zeros((28, 28), np.uint8)
    image[5:9, 5:9] = 255
    one = RNG.normal(size=(28, 28))
    other = np.where(image, factor * one, -factor * one)
    figure = plots.heat_maps(image, {"one": one, "other": other}, 7)
    assert title(figure) == f"Two explanations of a 7: over its ink they correlate by {agreement}"


def test_explanations_that_say_nothing_are_not_compared():
    figure = plots.heat_maps(IMAGES[0], {"one": np.zeros((28, 28)), "two": np.ones((28, 28))}, 7)
    assert title(figure) == "What speaks for a 7 and what against it"


def test_an_attack_is_told_by_its_worst_step():
    figure = FIGURES["attack_bands"]()
    assert title(figure) == "At most 10.0 % are answered wrongly, at a step of 0.1"
    heights = [[bar.get_height() for bar in bars] for bars in figure.axes[1].containers]
    np.testing.assert_allclose(heights, 100 * np.array(list(SHARES.values())))
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["4", "9", "unsure"]


def test_groups_that_are_answered_are_named():
    figure = FIGURES["kind_bars"]()
    assert title(figure) == "1 of 2 kinds of what is no digit are declined 19 times in 20; of noise 50 % get a digit"
    widths = [[bar.get_width() for bar in bars] for bars in figure.axes[1].containers]
    np.testing.assert_allclose(widths, [[100, 0, 50], [0, 25, 50], [0, 0, 0], [0, 75, 0]])


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.blend_curves(IMAGES[:3], np.ones((3, 2)), ["one"]),
        lambda: plots.blend_curves(IMAGES[:1], np.ones((1, 1)), ["one"]),
        lambda: plots.heat_maps(IMAGES[0], {}, 3),
        lambda: plots.heat_maps(IMAGES[0], {"one": np.full((28, 28), np.nan)}, 3),
        lambda: plots.attack_bands(IMAGES[:3], ["4"], [0, 0.1, 0.2], SHARES),
        lambda: plots.attack_bands(IMAGES[:3], ["4"] * 3, [0, 0.1, 0.2], {"right": [1, 1, 1]}),
        lambda: plots.kind_bars({}, {}, {}),
        lambda: plots.kind_bars({"digits": IMAGES}, KINDS, {"digits": 1}),
    ],
)
def test_wrong_arrays_are_refused(draw):
    with pytest.raises(ValueError, match="expected"):
        draw()
