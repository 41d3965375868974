"""Figures of how methods compare: what they show, and that their titles claim no more than chance allows."""

from itertools import combinations

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from digitrec.plots import accuracy_against_time, learning_curves, real_against_test
from digitrec.plots.findings import differ
from digitrec.study.methods import METHODS

TIMES = ["slow and good", "fast", "slow and bad"], [0.997, 0.97, 0.96], [1e-3, 1e-5, 2e-3]
CURVES = {"one": {100: 0.7, 1000: 0.9}, "two": {100: 0.5, 1000: 0.95}}
SHARES = st.integers(0, 1000).map(lambda hits: hits / 1000)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def title(figure):
    return figure.get_suptitle().replace("\n", " ")


@pytest.fixture
def named_curves():
    """Curves of every method of the study, close to each other at the end."""
    return {name: {100: 0.5 + i / 100, 55_000: 0.99 + i / 5000} for i, name in enumerate(METHODS)}


def test_accuracy_against_time_tells_who_is_outdone(check_form):
    figure = accuracy_against_time(*TIMES, [1, 0.001, 0.001])
    check_form(figure)
    axes = figure.axes[0]
    kept, outdone = (line.get_xdata().tolist() for line in axes.lines)
    assert kept == pytest.approx([1, 0.01])
    assert outdone == pytest.approx([2])
    assert texts(axes) == TIMES[0]


@pytest.mark.parametrize(
    ("p_best", "expected"),
    [
        ([1, 0.001, 0.001], "slow and good: 0.30 % errors in 1 ms an image, the fewest of all"),
        ([1, 0.3, 0.001], "fast: 3.00 % errors in 0.01 ms an image; the lead of slow and good, 0.30 %, may be chance"),
        (
            [1, 0.001, 0.05],
            "slow and good: 0.30 % errors in 1 ms an image; behind by no more than chance: slow and bad",
        ),
    ],
)
def test_accuracy_against_time_names_the_fastest_of_equals(p_best, expected):
    assert title(accuracy_against_time(*TIMES, p_best)) == expected


def test_no_name_lies_over_an_axis():
    """Of two close points at the left the upper had its name written over the axis."""
    names = ["logistic regression", "linear SVM", "decision tree"]
    figure = accuracy_against_time(names, [0.925, 0.917, 0.88], [6.5e-7, 1.5e-6, 4e-7], [1, 1, 1])
    figure.draw_without_rendering()
    (axes,) = figure.axes
    inside = axes.get_window_extent()
    assert all(text.get_window_extent().x0 >= inside.x0 - 1 for text in axes.texts)


def test_names_of_close_methods_cover_neither_each_other_nor_a_point():
    names = [f"method number {i}" for i in range(6)]
    time_s = [1e-4, 1.3e-4, 1.6e-4, 2e-4, 1.5e-6, 1e-3]
    figure = accuracy_against_time(names, [0.98, 0.981, 0.98, 0.9805, 0.9, 0.97], time_s, [1] * 6)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    points = [axes.transData.transform(point) for line in axes.lines for point in line.get_xydata()]
    assert len(points) == 6
    assert not any(box.contains(*point) for box in boxes for point in points)
    assert all(axes.get_window_extent().contains(*corner) for box in boxes for corner in box.corners())


def test_learning_curves_hold_the_errors_and_the_leaders_are_in_colour(check_form):
    figure = learning_curves(CURVES, 5000)
    check_form(figure)
    one, two = figure.axes[0].lines
    assert one.get_ydata() == pytest.approx([30, 10])
    assert two.get_ydata() == pytest.approx([50, 5])
    assert {one.get_marker(), two.get_marker()} == {"o", "s"}


def test_learning_curves_show_the_best_of_each_family_in_colour(named_curves):
    figure = learning_curves(named_curves, 5000, {name: method.family for name, method in METHODS.items()})
    coloured = {
        name for name, line in zip(named_curves, figure.axes[0].lines, strict=True) if line.get_marker() != "None"
    }
    ends = {name: curve[55_000] for name, curve in named_curves.items()}
    families = {method.family for method in METHODS.values()}
    best = {max((n for n in METHODS if METHODS[n].family == family), key=ends.__getitem__) for family in families}
    assert coloured == best
    bold = {text.get_text() for text in figure.axes[0].texts if text.get_fontweight() == "bold"}
    assert bold == best


def test_every_curve_is_named_at_its_end_and_no_name_covers_another(named_curves, check_form):
    figure = learning_curves(named_curves, 5000)
    check_form(figure)
    boxes = [Text.get_window_extent(text) for text in figure.axes[0].texts]  # without the line to the curve
    assert texts(figure.axes[0]) == list(named_curves)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_the_longest_names_stay_inside_the_edges(check_form):
    one, two, three, four = sorted(METHODS, key=len)[-4:]
    few, many = {one: 0.9, two: 0.9, three: 0.5, four: 0.5}, {one: 0.5, two: 0.5, three: 0.9, four: 0.9}
    figure = learning_curves({name: {100: few[name], 55_000: many[name]} for name in few}, 5000)
    check_form(figure)
    assert title(figure).count("about equal") == 2
    check_form(accuracy_against_time([one, two], [0.99, 0.989], [1e-3, 1e-4], [1, 0.2]))


def test_no_error_at_all_is_drawn_as_half_a_picture(check_form):
    figure = learning_curves({"one": {100: 0.9, 300: 1.0}, "two": {100: 0.8, 300: 0.9}}, 200)
    check_form(figure)
    assert figure.axes[0].lines[0].get_ydata() == pytest.approx([10, 0.25])
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["100", "300"]


def test_a_method_without_an_error_stands_above_all_others(check_form):
    figure = accuracy_against_time(["one", "two"], [1.0, 0.9], [1e-3, 1e-4], [1, 0.001])
    check_form(figure)
    assert sorted(y for line in figure.axes[0].lines for y in line.get_ydata()) == pytest.approx([5, 10])
    assert title(figure) == "one: 0.00 % errors in 1 ms an image, the fewest of all"


def test_sizes_may_be_text_as_json_has_them():
    as_text = {name: {str(n): share for n, share in curve.items()} for name, curve in CURVES.items()}
    assert title(learning_curves(as_text, 5000)) == title(learning_curves(CURVES, 5000))


@pytest.mark.parametrize(
    ("curves", "expected"),
    [
        (CURVES, "At the top with 100 images: one; with 1,000: two"),
        (
            {"one": {100: 0.7, 1000: 0.9}, "two": {100: 0.5, 1000: 0.8}},
            "one leads at every size from 100 to 1,000 images",
        ),
        (
            {"one": {100: 0.7, 1000: 0.901}, "two": {100: 0.5, 1000: 0.9}},
            "None is ahead of one by more than chance at every size from 100 to 1,000 images",
        ),
        (
            {"one": {100: 0.7, 1000: 0.9}, "two": {100: 0.5, 1000: 0.95}, "three": {100: 0.702, 1000: 0.7}},
            "At the top with 100 images: three and one, about equal; with 1,000: two",
        ),
        (
            {name: {100: 0.7} for name in "abcd"},
            "None is ahead of a and 3 others by more than chance with 100 images",
        ),
        ({"one": {100: 0.7}, "two": {300: 0.7}}, "2 methods, measured with different numbers of images"),
    ],
)
def test_learning_curves_name_who_leads_and_who_ties(curves, expected):
    assert title(learning_curves(curves, 5000)) == expected


@pytest.mark.slow
@given(shares=st.lists(st.tuples(SHARES, SHARES), min_size=2, max_size=5), validation=st.sampled_from([100, 5000]))
@example(shares=[(0.9, 0.99), (0.88, 0.989)], validation=5000)
@settings(max_examples=25, deadline=None)
def test_a_curve_leads_only_where_every_other_is_behind_by_more_than_chance(shares, validation):
    names = ["A1", "B2", "C3", "D4", "E5"][: len(shares)]
    curves = {name: {100: few, 1000: many} for name, (few, many) in zip(names, shares, strict=True)}
    said = title(learning_curves(curves, validation))
    at = {n: {name: round(curve[n] * validation) for name, curve in curves.items()} for n in (100, 1000)}
    ahead = {
        n: [a for a in names if all(hits[a] > hits[b] and differ(hits[a], validation, hits[b], validation)
                                    for b in names if b != a)]
        for n, hits in at.items()
    }  # fmt: skip
    if said.endswith("leads at every size from 100 to 1,000 images"):
        assert ahead[100] == ahead[1000] == [said[:2]]
    elif said.startswith("At the top") and "about equal" not in said:
        assert said == f"At the top with 100 images: {ahead[100][0]}; with 1,000: {ahead[1000][0]}"
    else:
        assert not (ahead[100] and ahead[1000])


def test_real_against_test_names_both_spreads(check_form):
    figure = real_against_test(["one", "two"], [0.99, 0.98], [0.9, 0.7])
    check_form(figure)
    assert title(figure).endswith("1.0 points on the test set, 20.0 on real handwriting")
    assert texts(figure.axes[0]) == ["90.0", "70.0"]


def test_a_method_better_on_real_handwriting_has_its_number_on_that_side(check_form):
    figure = real_against_test(["one", "two"], [0.6, 0.98], [0.9, 0.7])
    check_form(figure)
    assert [text.get_ha() for text in figure.axes[0].texts] == ["left", "right"]
    low, _ = figure.axes[0].get_xlim()
    assert low < 60


@pytest.mark.parametrize(
    ("draw", "arguments"),
    [
        (accuracy_against_time, (*TIMES, [1])),
        (accuracy_against_time, (TIMES[0], [0.9], TIMES[2], [1, 1, 1])),
        (real_against_test, (["one"], [0.9, 0.8], [0.9])),
    ],
)
def test_wrong_arrays_are_refused(draw, arguments):
    with pytest.raises(ValueError, match="expected"):
        draw(*arguments)


def test_a_table_column_may_name_the_families():
    families = pd.Series({"one": "first", "two": "second"})
    assert len(learning_curves(CURVES, 5000, families).axes[0].lines) == 2
