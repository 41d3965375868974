"""Each figure shows the arrays it was given, says so in its title, and leaves no trace."""

import inspect
import io
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from sklearn.datasets import load_digits

from digitrec import evaluation, features, plots

DATA = load_digits()
IMAGES = np.kron(DATA.images[:300] * 15.9, np.ones((1, 3, 3))).astype(np.uint8)
LABELS = DATA.target[:300]
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(300, 10)) * 2
LOGITS[np.arange(300), LABELS] += 4
PROBABILITIES = evaluation.softmax(LOGITS)
MATRIX = evaluation.confusion_matrix(LABELS, PROBABILITIES.argmax(axis=1))
HISTORY = {
    "accuracy": [0.8, 0.95, 0.98, 0.985],
    "val_accuracy": [0.9, 0.97, 0.991, 0.99],
    "loss": [0.6, 0.2, 0.1, 0.08],
    "val_loss": [0.3, 0.1, 0.05, 0.06],
}
HEAT = IMAGES[0] / 255 * 4.0
SCORES = np.array([0.99, 0.98, 0.97, 0.5]), np.array([0.95, 0.1, 0.05, 0.0])
GRID = pd.DataFrame([[0.9, 0.8], [0.95, 0.99]], index=["pixels", "HOG"], columns=["nearest neighbours", "RBF SVM"])
TRIALS = pd.DataFrame({
    "learning_rate": [0.006, 0.001, 0.01, 0.003], "dropout": [0.2, 0.1, 0.4, 0.3],
    "value": [0.97, 0.95, 0.98, 0.975], "pruned": [False, True, False, False],
})  # fmt: skip
ABLATION = pd.DataFrame(
    {"mean": [98.5, 98.0, 98.6], "difference": [0, -0.5, 0.1], "low": [0, -0.7, -0.2], "high": [0, -0.3, 0.4]},
    index=["all in place", "no scale", "no blur"],
)
CALLS = {
    "sample_grid": (IMAGES, LABELS),
    "class_balance": (LABELS[:200], LABELS[200:250], LABELS[250:]),
    "mean_digits": (IMAGES, LABELS),
    "ink_histogram": (IMAGES,),
    "accuracy_curves": (HISTORY, 4),
    "loss_curves": (HISTORY, 4),
    "confusion_counts": (MATRIX,),
    "confusion_rates": (MATRIX,),
    "precision_recall_bars": (evaluation.per_class_report(MATRIX),),
    "reliability_diagram": (*evaluation.reliability_bins(PROBABILITIES, LABELS), 0.0123),
    "confident_errors": (IMAGES, LABELS, PROBABILITIES, [3, 5, 8]),
    "prediction_bars": (IMAGES[:4], PROBABILITIES[:4], LABELS[:4]),
    "augmentation_grid": (IMAGES[:3], np.repeat(IMAGES[:3, None], 5, axis=1)),
    "risk_coverage": ([0.25, 0.5, 0.75, 1.0], [0.0, 0.0, 0.02, 0.08]),
    "bars_per_set": (["MNIST test", "phone photos"], [0.99, 0.3], [0.992, 0.9]),
    "stages": ({"picture": np.zeros((40, 60), np.uint8), "ink": np.ones((40, 60)), "image": IMAGES[0]},),
    "attention": (IMAGES[0], HEAT, 0),
    "picture_rows": ({"first": IMAGES[:3], "second": IMAGES[3:12]},),
    "score_histograms": (*SCORES, 0.9),
    "feature_views": (features.view_features(IMAGES[0]),),
    "feature_grid": (GRID, 2000),
    "accuracy_against_time": (["slow and good", "fast", "slow and bad"], [0.997, 0.97, 0.96], [1e-3, 1e-5, 2e-3]),
    "learning_curves": ({"one": {100: 0.7, 1000: 0.9}, "two": {100: 0.5, 1000: 0.95}},),
    "real_against_test": (["one", "two"], [0.99, 0.98], [0.9, 0.7]),
    "search_history": (TRIALS,),
    "setting_importance": ({"learning_rate": 0.7, "dropout": 0.3},),
    "setting_slices": (TRIALS,),
    "ablation_bars": (ABLATION, "On MNIST"),
}


def draw(name):
    figure = getattr(plots, name)(*CALLS[name])
    FigureCanvasAgg(figure).draw()
    return figure


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_every_public_function_is_tried_here():
    public = inspect.getmembers(plots, inspect.isfunction)
    own = {n for n, f in public if f.__module__.startswith(plots.__name__) and not n.startswith("_")}
    assert own == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_figure_has_title_and_labels_inside_its_edges_and_leaves_no_trace(name):
    before = dict(mpl.rcParams)
    figure = draw(name)
    assert isinstance(figure, Figure)
    assert not plt.get_fignums()
    assert dict(mpl.rcParams) == before
    assert figure.get_suptitle()
    labels = [axes.get_xlabel() + axes.get_ylabel() for axes in figure.axes]
    assert any(labels) or figure.get_supxlabel()
    width, height = figure.bbox.size
    shown = [figure._suptitle, *figure.legends, *(t for axes in figure.axes for t in axes.texts)]
    shown += [label for axes in figure.axes for label in (axes.xaxis.label, axes.yaxis.label)]
    for artist in shown:
        if isinstance(artist, Text) and not artist.get_text():
            continue
        box = artist.get_window_extent()
        assert box.x0 >= -1, artist
        assert box.y0 >= -1, artist
        assert box.x1 <= width + 1, artist
        assert box.y1 <= height + 1, artist


@pytest.mark.parametrize("name", ["sample_grid", "loss_curves", "confusion_counts", "bars_per_set"])
def test_callers_style_changes_nothing(name):
    buffers = []
    for style in ({}, {"axes.facecolor": "black", "font.size": 30, "image.cmap": "jet"}):
        with mpl.rc_context(style):
            figure = getattr(plots, name)(*CALLS[name])
        buffers.append(io.BytesIO())
        figure.savefig(buffers[-1], format="png")
    assert buffers[0].getvalue() == buffers[1].getvalue()


def test_a_notebook_displays_a_figure_by_itself():
    png = draw("ink_histogram")._repr_png_()
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size == (800, 380)


def test_sample_grid_has_a_row_for_each_digit():
    sheet = draw("sample_grid").axes[0].images[0].get_array()
    rows, columns = sheet.shape[0] // 10, sheet.shape[1] // 10
    first_seven = IMAGES[LABELS == 7][0]
    np.testing.assert_array_equal(sheet[7 * rows : 8 * rows, :columns][3:-3, 3:-3], first_seven)


def test_sample_grid_leaves_missing_pictures_blank():
    sheet = plots.sample_grid(IMAGES[:1], LABELS[:1], 2).axes[0].images[0].get_array()
    assert sheet.sum() == IMAGES[0].sum()


def test_class_balance_bars_are_the_shares():
    figure = draw("class_balance")
    heights = [[bar.get_height() for bar in bars] for bars in figure.axes[0].containers]
    sets = CALLS["class_balance"]
    expected = [100 * np.bincount(labels, minlength=10) / len(labels) for labels in sets]
    np.testing.assert_allclose(heights, expected)
    assert [t.get_text() for t in figure.legends[0].texts] == [
        "training (200)", "validation (50)", "test (50)"
    ]  # fmt: skip


def test_mean_digits_are_the_means_and_name_the_extremes():
    figure = draw("mean_digits")
    shown = figure.axes[3].images[0].get_array()
    np.testing.assert_allclose(shown, IMAGES[LABELS == 3].mean(axis=0), rtol=1e-4)
    flat = IMAGES.copy()
    flat[LABELS == 4] = IMAGES[LABELS == 4][0]
    assert "most on the 4" in plots.mean_digits(flat, LABELS).get_suptitle()


def test_ink_histogram_counts_every_picture():
    axes = draw("ink_histogram").axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == len(IMAGES)
    half = np.full((2, 4, 4), 51, np.uint8)
    assert texts(plots.ink_histogram(half).axes[0]) == [" median 20.0 %"]


@pytest.mark.parametrize(
    ("name", "quantity", "scale"),
    [("accuracy_curves", "accuracy", 100), ("loss_curves", "loss", 1)],
)
def test_curves_show_the_history_and_mark_the_chosen_epoch(name, quantity, scale):
    axes = draw(name).axes[0]
    training, validation, _, chosen = axes.lines
    assert "augmented" in training.get_label()
    np.testing.assert_allclose(training.get_ydata(), scale * np.array(HISTORY[quantity]))
    np.testing.assert_allclose(validation.get_ydata(), scale * np.array(HISTORY["val_" + quantity]))
    np.testing.assert_array_equal(validation.get_xdata(), [1, 2, 3, 4])
    assert (chosen.get_xdata()[0], chosen.get_ydata()[0]) == (
        4,
        pytest.approx(scale * HISTORY["val_" + quantity][3]),
    )


def test_curves_say_what_was_chosen_and_what_was_best():
    assert draw("accuracy_curves").get_suptitle() == (
        "Validation accuracy: 99.00 % at the chosen epoch 4 (highest: 99.10 %)"
    )
    assert draw("loss_curves").get_suptitle() == ("Validation loss is lowest, 0.050, at epoch 3; chosen: 4")
    assert plots.loss_curves(HISTORY, 3).get_suptitle().endswith("the chosen one")


def test_confusion_shows_errors_in_colour_and_the_diagonal_in_grey():
    matrix = np.diag([10] * 10)
    matrix[4, 9], matrix[7, 2] = 3, 1
    axes = plots.confusion_counts(matrix).axes[0]
    shown = axes.collections[0].get_array()
    errors = matrix - np.diag([10] * 10)
    np.testing.assert_array_equal(shown.filled(0), errors)
    np.testing.assert_array_equal(shown.mask, errors == 0)
    assert texts(axes) == ["3", "1"] + ["10"] * 10
    assert axes.texts[0].get_position() == (9.5, 4.5)
    assert plots.confusion_counts(matrix).get_suptitle() == ("4 errors in 104; 3 of them: 4 read as 9")


def test_confusion_rates_are_percents_of_the_row():
    matrix = np.diag([10] * 10)
    matrix[4, 4], matrix[4, 9], matrix[5] = 6, 2, 0
    figure = plots.confusion_rates(matrix)
    assert texts(figure.axes[0]) == ["25.0"] + ["100.0"] * 4 + ["75.0", "0.0"] + ["100.0"] * 4
    assert figure.get_suptitle() == "The 4 is missed most often: 25.0 % of its pictures"


def test_confusion_without_errors():
    assert plots.confusion_counts(np.eye(10, dtype=int)).get_suptitle() == "0 errors in 10"
    assert plots.confusion_rates(np.eye(10, dtype=int)).get_suptitle() == "No digit is ever missed"


def test_precision_recall_dots_are_the_values():
    report = {"precision": np.linspace(0.9, 0.99, 10), "recall": np.linspace(0.98, 0.89, 10)}
    figure = plots.precision_recall_bars(report)
    precision, recall = figure.axes[0].lines
    np.testing.assert_allclose(precision.get_ydata(), 100 * report["precision"])
    np.testing.assert_allclose(recall.get_ydata(), 100 * report["recall"])
    assert figure.get_suptitle() == "Weakest point: recall of the 9, 89.0 %"


def test_reliability_diagram_tells_full_bins_from_nearly_empty_ones():
    confidence, accuracy = [np.nan, 0.4, 0.9], [np.nan, 1.0, 0.8]
    figure = plots.reliability_diagram(confidence, accuracy, [0, 3, 500], 0.1)
    _, many, few = figure.axes[0].lines
    assert (many.get_xdata().tolist(), many.get_ydata().tolist()) == ([90], [80])
    assert (few.get_xdata().tolist(), few.get_ydata().tolist()) == ([40], [100])
    assert [bar.get_height() for bar in figure.axes[1].patches] == [0, 3, 500]
    assert "10.00 points" in figure.get_suptitle()


def test_confident_errors_name_truth_reading_and_confidence():
    p = np.zeros((3, 10))
    p[[0, 1, 2], [9, 1, 2]] = 0.999, 0.8, 0.7
    figure = plots.confident_errors(IMAGES[:3], [4, 7, 2], p, [0, 1])
    assert [axes.get_title() for axes in figure.axes] == ["4 → 9  >99 %", "7 → 1  80 %"]
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), IMAGES[1])
    assert figure.get_suptitle() == "2 errors, made with 80 % to >99 % confidence"


def test_confident_errors_without_errors():
    figure = plots.confident_errors(IMAGES, LABELS, PROBABILITIES, [])
    assert figure.get_suptitle() == "Not one error"
    assert not figure.axes[0].images


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_prediction_bars_are_the_probabilities(n):
    figure = plots.prediction_bars(IMAGES[:n], PROBABILITIES[:n])
    bars = [axes for axes in figure.axes if axes.patches]
    widths = [[bar.get_width() for bar in axes.patches] for axes in bars]
    np.testing.assert_allclose(widths, 100 * PROBABILITIES[:n])
    readings = PROBABILITIES[:n].argmax(axis=1)
    assert figure.get_suptitle() == f"Read as {', '.join(map(str, readings))}"


def test_prediction_bars_say_what_was_wrong():
    p = np.eye(10)[[3, 5]]
    figure = plots.prediction_bars(IMAGES[:2], p, [3, 6])
    assert figure.get_suptitle() == "1 of 2 read correctly"
    assert [figure.axes[i].get_xlabel() for i in (0, 2)] == ["right", "wrong: a 6"]


def test_augmentation_grid_shows_originals_beside_variants():
    left, right = draw("augmentation_grid").axes
    padded = np.pad(IMAGES[:3], ((0, 0), (3, 3), (3, 3)))
    np.testing.assert_array_equal(left.images[0].get_array(), np.vstack(padded))
    expected = np.vstack([np.hstack([picture] * 5) for picture in padded])
    np.testing.assert_array_equal(right.images[0].get_array(), expected)


def test_risk_coverage_says_what_halves_the_errors():
    figure = draw("risk_coverage")
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), [0, 0, 2, 8])
    assert figure.get_suptitle() == "Declining the least sure 25.0 % cuts errors from 8.00 to 2.00 %"
    assert plots.risk_coverage([1.0], [0.0]).get_suptitle().startswith("Not one error")


def test_bars_per_set_are_the_accuracies():
    figure = draw("bars_per_set")
    widths = [[bar.get_width() for bar in bars] for bars in figure.axes[0].containers]
    np.testing.assert_allclose(widths, [[99, 30], [99.2, 90]])
    assert figure.get_suptitle() == ("Ours reads more in 2 of 2 sets; most gained: phone photos, 30 → 90 %")


def test_stages_come_in_order_with_their_size_and_polarity():
    figure = draw("stages")
    names = ["picture\n60 x 40", "ink\n60 x 40", "image\n24 x 24"]
    assert [axes.get_xlabel() for axes in figure.axes] == names
    assert figure.get_suptitle() == "From 60 x 40 pixels to 24 x 24"
    shown = [axes.images[0] for axes in figure.axes]
    # A black photo stays black, and full ink is black too.
    for image, value in zip(shown, (0, 1.0, 255), strict=True):
        assert image.cmap(image.norm(value))[:3] == (0, 0, 0)


def test_attention_shows_picture_and_heat_on_a_scale_with_white_in_the_middle():
    figure = draw("attention")
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), IMAGES[0])
    heat = figure.axes[1].images[0]
    np.testing.assert_allclose(heat.get_array(), HEAT)
    assert heat.get_clim() == (-HEAT.max(), HEAT.max())


@pytest.mark.parametrize(
    ("heat", "title"),
    [
        (HEAT / HEAT.max() * np.log(50), "Why a 0: covering the darkest orange divides its odds by 50"),
        (-HEAT / HEAT.max() * np.log(2), "Why hardly a 0: covering the darkest violet multiplies its odds by 2.0"),
        (HEAT / HEAT.max() * 30, "Why a 0: covering the darkest orange divides its odds by a million and more"),
        (HEAT * 0, "Nothing to explain: nothing that is covered changes the reading"),
    ],
)
def test_attention_says_what_covering_does_to_the_odds(heat, title):
    assert plots.attention(IMAGES[0], heat, 0).get_suptitle() == title


def test_attention_of_a_blank_picture():
    blank = np.zeros((28, 28), np.uint8)
    assert plots.attention(blank, np.zeros((28, 28)), None).get_suptitle().startswith("Nothing to explain")


def test_picture_rows_lie_over_their_names_and_short_ones_end_in_paper():
    figure = draw("picture_rows")
    assert [axes.get_xlabel() for axes in figure.axes] == ["first", "second"]
    assert figure.get_suptitle() == "12 pictures of 2 kinds"
    first, second = (axes.images[0].get_array() for axes in figure.axes)
    np.testing.assert_array_equal(first, np.pad(np.hstack(np.pad(IMAGES[:3], 3)[3:-3]), ((0, 0), (0, 180))))
    assert first.shape == second.shape


def test_score_histograms_hold_every_score_and_say_what_is_declined():
    figure = draw("score_histograms")
    for axes in figure.axes:
        assert sum(bar.get_height() for bar in axes.patches) == 4
        assert axes.lines[0].get_xdata()[0] == 0.9
    assert figure.get_suptitle() == "Declined: 75.0 % of what is no digit, 25.0 % of the digits; AUROC 0.938"
    names = [axes.get_title(loc="left") for axes in figure.axes]
    assert names == ["4 digits, 25.0 % declined", "4 not digits, 75.0 % declined"]


def test_feature_grid_marks_the_best_pair():
    figure = plots.feature_grid(GRID, 2000)
    assert figure.get_suptitle().startswith("HOG with RBF SVM reads most after 2,000 images: 99.0 %")
    assert texts(figure.axes[0]) == ["90.0", "80.0", "95.0", "99.0"]
    assert figure.axes[0].patches[-1].get_xy() == (1, 1)


def test_accuracy_against_time_tells_who_is_outdone():
    axes = draw("accuracy_against_time").axes[0]
    kept, outdone = (line.get_xdata().tolist() for line in axes.lines)
    assert kept == pytest.approx([1, 0.01])
    assert outdone == pytest.approx([2])
    assert texts(axes) == ["slow and good", "fast", "slow and bad"]


def test_names_of_close_methods_cover_neither_each_other_nor_a_point():
    names = [f"method number {i}" for i in range(6)]
    time_s = [1e-4, 1.3e-4, 1.6e-4, 2e-4, 1.5e-6, 1e-3]
    figure = plots.accuracy_against_time(names, [0.98, 0.981, 0.98, 0.9805, 0.9, 0.97], time_s)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    points = [axes.transData.transform(point) for line in axes.lines for point in line.get_xydata()]
    assert len(points) == 6
    assert not any(box.contains(*point) for box in boxes for point in points)
    assert all(axes.get_window_extent().contains(*corner) for box in boxes for corner in box.corners())


def test_learning_curves_hold_the_errors_and_name_who_leads():
    figure = draw("learning_curves")
    assert figure.get_suptitle() == "one leads with 100 images, two with 1,000"
    assert figure.axes[0].lines[0].get_ydata() == pytest.approx([30, 10])
    same = plots.learning_curves({"one": {100: 0.7, 1000: 0.9}, "two": {100: 0.5, 1000: 0.8}})
    assert same.get_suptitle() == "one leads with 100 images as with 1,000"


def test_real_against_test_names_both_spreads():
    figure = plots.real_against_test(["one", "two"], [0.99, 0.98], [0.9, 0.7])
    assert figure.get_suptitle().endswith("1 points on the test set, 20 on real handwriting")
    assert texts(figure.axes[0]) == ["90.0 ", "70.0 "]


def test_search_history_counts_the_best_among_those_that_ended():
    figure = draw("search_history")
    assert figure.get_suptitle() == "4 trials, 1 given up early: 98.00 %, +1.00 points on the first"
    assert figure.axes[0].lines[2].get_ydata() == pytest.approx([97, 97, 98, 98])


def test_setting_slices_mark_the_best_trial():
    axes = draw("setting_slices").axes[0]
    assert axes.get_xscale() == "log"
    assert axes.lines[0].get_xdata().tolist() == [0.006, 0.01, 0.003]
    assert axes.lines[1].get_xdata() == [0.01]


def test_setting_importance_is_in_percent():
    assert texts(draw("setting_importance").axes[0]) == ["30", "70"]


def test_ablation_bars_name_what_costs_most_and_what_may_be_chance():
    figure = draw("ablation_bars")
    assert figure.get_suptitle() == "On MNIST: “no scale” costs most, 0.50 points of 98.50 %"
    assert texts(figure.axes[0]) == ["-0.50 ", "+0.10 "]
    sure, chance = figure.axes[0].collections[1].get_facecolors()
    assert not np.allclose(sure, chance)


def test_ink_is_dark_on_white():
    image = plots.attention(IMAGES[0], HEAT, 0).axes[0].images[0]
    paper, ink = image.cmap(image.norm([0, 255]))
    assert paper[:3].tolist() == [1, 1, 1]
    assert ink[:3].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("sample_grid", (IMAGES / 255, LABELS)),
        ("sample_grid", (IMAGES, LABELS[:5])),
        ("class_balance", (LABELS, LABELS, [])),
        ("class_balance", (LABELS, LABELS, [10])),
        ("mean_digits", (IMAGES[:3], LABELS[:3])),
        ("ink_histogram", (IMAGES[0],)),
        ("ink_histogram", (IMAGES[:0],)),
        ("accuracy_curves", ({"accuracy": [1.0]}, 1)),
        ("accuracy_curves", (HISTORY, 0)),
        ("loss_curves", (HISTORY, 5)),
        ("loss_curves", ({"loss": [1.0], "val_loss": [1.0, 2.0]}, 1)),
        ("confusion_counts", (MATRIX[:5],)),
        ("confusion_rates", (-MATRIX,)),
        ("precision_recall_bars", ({"precision": [1.0] * 10},)),
        ("precision_recall_bars", ({"precision": [1.0] * 9, "recall": [1.0] * 10},)),
        ("reliability_diagram", ([0.5], [0.5, 0.6], [1, 2], 0.1)),
        ("confident_errors", (IMAGES, LABELS, PROBABILITIES[:9], [0])),
        ("prediction_bars", (IMAGES[:13], PROBABILITIES[:13])),
        ("prediction_bars", (IMAGES[:2], PROBABILITIES[:2, :9])),
        ("augmentation_grid", (IMAGES[:3], IMAGES[:3])),
        ("augmentation_grid", (IMAGES[:3], np.repeat(IMAGES[:2, None], 5, axis=1))),
        ("risk_coverage", ([0.5, 1.0], [0.1])),
        ("bars_per_set", (["one"], [0.5, 0.6], [0.5])),
        ("stages", ({},)),
        ("stages", ({"ink": IMAGES[0] > 99},)),
        ("attention", (IMAGES[0], HEAT[:5], 0)),
        ("attention", (IMAGES[0], HEAT * np.nan, 0)),
        ("picture_rows", ({},)),
        ("picture_rows", ({"one": IMAGES[0]},)),
        ("score_histograms", ([], [0.5], 0.5)),
        ("score_histograms", ([0.5], [np.nan], 0.5)),
    ],
)
def test_wrong_arrays_are_refused(name, arguments):
    with pytest.raises(ValueError, match="expected"):
        getattr(plots, name)(*arguments)
    assert not plt.get_fignums()
