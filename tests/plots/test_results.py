"""What is right and wrong is counted right; a winner is named only where it is one."""

import numpy as np
import pytest

from digitrec import evaluation, plots


def make_matrix(errors, n=10) -> np.ndarray:
    """Return a confusion matrix with n pictures of each digit and these errors by (truth, reading)."""
    matrix = np.diag([n] * 10)
    for (truth, reading), count in errors.items():
        matrix[truth, reading] += count
        matrix[truth, truth] -= count
    return matrix


def texts(axes):
    return [text.get_text() for text in axes.texts]


def title(figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def test_confusion_shows_errors_in_colour_and_the_diagonal_in_grey():
    matrix = make_matrix({(4, 9): 3, (7, 2): 1})
    axes = plots.confusion_counts(matrix).axes[0]
    shown = axes.collections[0].get_array()
    errors = matrix - np.diag(matrix.diagonal())
    np.testing.assert_array_equal(shown.filled(0), errors)
    np.testing.assert_array_equal(shown.mask, errors == 0)
    assert texts(axes) == ["3", "1", *map(str, matrix.diagonal())]
    assert axes.texts[0].get_position() == (9.5, 4.5)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ({}, "0 errors in 1,000"),
        ({(4, 9): 1}, "1 error in 1,000; always 4 read as 9"),
        ({(4, 9): 12, (7, 2): 2}, "14 errors in 1,000; most often 4 read as 9, 12"),
        ({(4, 9): 4, (7, 2): 3}, "7 errors in 1,000; most often 4 read as 9, 4, within chance of the next, 3"),
        ({(4, 9): 9, (7, 2): 9, (1, 7): 1}, "19 errors in 1,000; most often 4 read as 9 and 7 read as 2, 9 each"),
        ({(4, i): 3 for i in (0, 1, 2, 3, 5)}, "15 errors in 1,000; 5 kinds tie for most, 3 each"),
    ],
)
def test_confusion_counts_name_the_commonest_kind_and_all_that_tie(errors, expected):
    assert title(plots.confusion_counts(make_matrix(errors, 100))) == expected


def test_confusion_rates_are_percents_of_the_row():
    matrix = make_matrix({(4, 9): 2}, 8)
    matrix[5] = 0
    assert texts(plots.confusion_rates(matrix).axes[0]) == ["25.0"] + ["100.0"] * 4 + ["75.0", "0.0"] + ["100.0"] * 4


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ({}, "No digit is ever missed"),
        ({(4, 9): 250}, "The 4 is missed most often, 25.0 %"),
        ({(4, 9): 250, (5, 3): 240}, "The 4 is missed most often, 25.0 %, within chance of the 5"),
        ({(4, 9): 250, (5, 3): 250}, "The 4 and the 5 are missed most often, 25.0 % each"),
        ({(4, 9): 1}, "The 4 is missed most often, 0.1 %, within chance of 9 others"),
        ({(i, (i + 1) % 10): 10 for i in range(10)}, "10 digits are missed most often, 1.0 % each"),
    ],
)
def test_confusion_rates_name_the_digit_missed_most_only_beyond_chance(errors, expected):
    assert title(plots.confusion_rates(make_matrix(errors, 1000))) == expected


def test_precision_and_recall_lie_where_they_are_with_their_intervals():
    matrix = make_matrix({(4, 9): 25, (7, 2): 10}, 100)
    report = evaluation.per_class_report(matrix)
    for container, name, totals in zip(
        plots.precision_recall_bars(matrix).axes[0].containers,
        ("precision", "recall"),
        (matrix.sum(axis=0), matrix.sum(axis=1)),
        strict=True,
    ):
        points, _, (whiskers,) = container
        np.testing.assert_allclose(points.get_ydata(), 100 * report[name])
        for segment, hits, n in zip(whiskers.get_segments(), matrix.diagonal(), totals, strict=True):
            assert segment[:, 1] == pytest.approx(100 * np.array(evaluation.wilson_interval(hits, n)))


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ({}, "Every digit is read right, and nothing else is taken for it"),
        ({(4, 9): 300}, "Weakest: recall of the 4, 70.0 %"),
        ({(4, 9): 50, (4, 8): 50, (4, 7): 50}, "Weakest: recall of the 4, 85.0 %"),
        ({(4, 9): 50, (9, 4): 50}, "Weakest: 4 values, 95.0 % each"),
        ({(4, 9): 2}, "Weakest: precision of the 9 and recall of the 4, 99.8 % each, within chance of 18 others"),
    ],
)
def test_weakest_point_is_named_with_what_ties_and_what_is_chance(errors, expected):
    assert title(plots.precision_recall_bars(make_matrix(errors, 1000))) == expected


def test_a_digit_that_never_comes_up_has_no_precision():
    matrix = make_matrix({(4, 9): 10})
    precision, recall = plots.precision_recall_bars(matrix).axes[0].containers
    assert len(precision[0].get_xdata()) == 9
    assert len(recall[0].get_xdata()) == 10


def test_bars_per_set_are_the_accuracies():
    figure = plots.bars_per_set(["MNIST test", "phone photos"], [0.99, 0.3], [0.992, 0.9], [10_000, 90])
    widths = [[bar.get_width() for bar in bars] for bars in figure.axes[0].containers]
    np.testing.assert_allclose(widths, [[99, 30], [99.2, 90]])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "MNIST test (10,000)",
        "phone photos (90)",
    ]


@pytest.mark.parametrize(
    ("usual", "ours", "counts", "expected"),
    [
        ([0.99, 0.3], [0.992, 0.9], [1000, 90], "more in 1 of 2 sets; on average 64.5 → 94.6 %"),
        ([0.9, 0.3], [0.7, 0.9], [900, 90], "more in 1 of 2 sets and less in 1; on average 60.0 → 80.0 %"),
        ([0.5, 0.5], [0.6, 0.5], [10, 90], "more in 0 of 2 sets; on average 50.0 → 55.0 %"),
    ],
)
def test_only_differences_beyond_chance_are_counted(usual, ours, counts, expected):
    assert title(plots.bars_per_set(["one", "two"], usual, ours, counts)) == f"Beyond chance, ours reads {expected}"
