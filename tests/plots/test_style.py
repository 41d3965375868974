"""What every figure owes: a title, nothing cut off, nothing left behind, and no array of the wrong kind taken."""

import inspect
import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image
from sklearn.datasets import load_digits

from digitrec import calibration, evaluation, plots
from digitrec.plots import style

DATA = load_digits()
IMAGES = np.kron(DATA.images[:300] * 15.9, np.ones((1, 3, 3))).astype(np.uint8)
LABELS = DATA.target[:300]
LOGITS = np.random.default_rng(0).normal(size=(300, 10)) * 2
LOGITS[np.arange(300), LABELS] += 4
PROBABILITIES = calibration.softmax(LOGITS)
ERRORS = evaluation.most_confident_errors(PROBABILITIES, LABELS, 40)
MATRIX = evaluation.confusion_matrix(LABELS, PROBABILITIES.argmax(axis=1))
HISTORY = {
    "accuracy": [0.8, 0.95, 0.98, 0.985],
    "val_accuracy": [0.9, 0.97, 0.991, 0.99],
    "loss": [0.6, 0.2, 0.1, 0.08],
    "val_loss": [0.3, 0.1, 0.05, 0.06],
}
HEAT = (IMAGES[0] / 255.0 - 0.3) * 4
SEEDS = np.array([[0.985, 0.987], [0.99, 0.991], [0.9905, 0.9915]])
CALLS = {
    "sample_grid": (IMAGES, LABELS),
    "class_balance": (LABELS[:200], LABELS[200:250], LABELS[250:]),
    "mean_digits": (IMAGES, LABELS),
    "ink_histogram": (IMAGES,),
    "accuracy_curves": (HISTORY, 4, 3),
    "loss_curves": (HISTORY, 4, 3),
    "confusion_counts": (MATRIX,),
    "confusion_rates": (MATRIX,),
    "precision_recall_bars": (MATRIX,),
    "reliability_diagram": (*evaluation.reliability_bins(PROBABILITIES, LABELS), 0.0123),
    "confident_errors": (IMAGES, LABELS, PROBABILITIES, ERRORS),
    "prediction_bars": (IMAGES[:12], PROBABILITIES[:12], (LABELS[:12] + 1) % 10),
    "augmentation_grid": (IMAGES[:3], np.repeat(IMAGES[:3, None], 5, axis=1)),
    "risk_coverage": ([0.25, 0.5, 0.75, 1.0], [0.0, 0.0, 0.02, 0.08], 0.75),
    "bars_per_set": (["MNIST test", "phone photos"], [0.99, 0.3], [0.992, 0.9], [10_000, 90]),
    "stages": ({"picture": np.zeros((40, 60), np.uint8), "ink": np.ones((40, 60)), "image": IMAGES[0]},),
    "attention": (IMAGES[0], HEAT, 0),
    "picture_rows": ({"first": IMAGES[:3], "second": IMAGES[3:12]}, "Nine of one kind are more than three of another"),
    "score_histograms": (PROBABILITIES.max(axis=1), PROBABILITIES.min(axis=1), 0.9),
    "ladder_steps": (["start", "stride", "hardest"], [4.0, 2.0, 0.5], SEEDS),
    "captioned_digits": (
        IMAGES[:14],
        [f"{label} → 7" for label in LABELS[:14]],
        "Fourteen of a kind",
        "truth → reading",
    ),
    "together_curve": ([0.985, 0.987, 0.99], [0.987, 0.989, 0.99], [0.989, 0.991, 0.99], 0.005),
    "cost_front": ({"tiny": SEEDS[0], "small": SEEDS[2], "wide": SEEDS[1]}, [900, 2500, 8000]),
}


# Modules with tests of their own.
ELSEWHERE = ("comparison", "features", "inside", "numbers", "pairs", "probes", "scaling", "search")


def draw(name):
    figure = getattr(plots, name)(*CALLS[name])
    FigureCanvasAgg(figure).draw()
    return figure


def test_every_public_function_is_tried_here():
    elsewhere = [f"digitrec.plots.{name}" for name in ELSEWHERE]
    public = {name: inspect.unwrap(getattr(plots, name)).__module__ for name in plots.__all__}
    assert {name for name, module in public.items() if module not in elsewhere} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_figure_has_its_form_and_leaves_no_trace(name, check_form):
    before = dict(mpl.rcParams)
    figure = draw(name)
    assert isinstance(figure, Figure)
    assert dict(mpl.rcParams) == before
    check_form(figure)
    for axes in figure.axes:
        box = axes.title.get_window_extent()
        assert not axes.get_title() or (box.x0 >= -1 and box.x1 <= figure.bbox.width + 1)
    # No legend lies over the data.
    assert all(axes.get_legend() is None for axes in figure.axes)
    for legend in figure.legends:
        box = legend.get_window_extent()
        assert not any(box.overlaps(axes.get_window_extent()) for axes in figure.axes)


@pytest.mark.parametrize("name", ["sample_grid", "loss_curves", "confusion_counts", "bars_per_set"])
def test_callers_style_changes_nothing(name):
    buffers = []
    for settings in ({}, {"axes.facecolor": "black", "font.size": 30, "image.cmap": "jet"}):
        with mpl.rc_context(settings):
            figure = getattr(plots, name)(*CALLS[name])
        buffers.append(io.BytesIO())
        figure.savefig(buffers[-1], format="png")
    assert buffers[0].getvalue() == buffers[1].getvalue()


@pytest.mark.parametrize("name", CALLS)
def test_given_axes_are_drawn_onto_and_nothing_else(name):
    """Half of a figure of somebody's own: the other half stays as it was, and the message stands over the axes."""
    own, (left, right) = plt.subplots(1, 2, figsize=(14, 6))
    try:
        assert getattr(plots, name)(*CALLS[name], ax=left) is own
        FigureCanvasAgg(own).draw()
        assert left.get_title(loc="left")
        assert not own.get_suptitle()
        assert not own.legends
        assert not right.has_data()
        within = left.get_subplotspec().get_position(own)
        others = [axes for axes in own.axes if axes not in (left, right) and axes.get_label() != "<colorbar>"]
        assert all(axes.get_position().x1 <= within.x1 + 0.01 for axes in others)
        assert left.has_data() or others
    finally:
        plt.close(own)


def test_what_is_no_axes_is_refused():
    with pytest.raises(TypeError, match="expected matplotlib's Axes, got list"):
        plots.loss_curves(HISTORY, ax=[1])
    assert "ax" in inspect.signature(plots.loss_curves).parameters


def test_a_notebook_displays_a_figure_by_itself():
    png = draw("ink_histogram")._repr_png_()
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size == (800, 380)


@pytest.mark.parametrize("words", ["Wide words want more", "iii lll 12.3 % of it", "WWW MMM 4 % of WWWW"])
@pytest.mark.parametrize("times", [1, 2, 3, 4, 8])
def test_a_title_takes_the_lines_it_needs_and_keeps_per_cent_together(words, times):
    title = " ".join([words] * times)
    figure, _ = style.start_figure(title, 6, 4)
    FigureCanvasAgg(figure).draw()
    assert figure.get_suptitle().replace("\n", " ") == title
    assert "\n%" not in figure.get_suptitle()
    assert figure._suptitle.get_window_extent().x1 <= figure.bbox.width


def test_for_is_orange_against_is_blue_and_nothing_is_white():
    against, nothing, speaks_for = style.FOR_AND_AGAINST([0.0, 0.5, 1.0])[:, :3]
    np.testing.assert_allclose(against, to_rgb(style.BLUE))
    np.testing.assert_allclose(speaks_for, to_rgb(style.ORANGE))
    assert nothing.min() > 0.99


def test_ink_is_dark_on_white():
    image = draw("attention").axes[0].images[0]
    paper, ink = image.cmap(image.norm([0, 255]))
    assert paper[:3].tolist() == [1, 1, 1]
    assert ink[:3].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("factor", "text"), [(1.04, "1.0"), (2, "2.0"), (56, "60"), (4321, "4,000"), (1e9, "a million and more")]
)
def test_factors_have_the_digits_that_mean_something(factor, text):
    assert style.format_factor(np.log(factor)) == text


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
        ("accuracy_curves", ({"loss": [1.0]}, 1)),
        ("accuracy_curves", (HISTORY, 0)),
        ("loss_curves", (HISTORY, 5)),
        ("loss_curves", ({"loss": [1.0], "val_loss": [1.0, 2.0]}, 1)),
        ("confusion_counts", (MATRIX[:5],)),
        ("confusion_rates", (-MATRIX,)),
        ("precision_recall_bars", (MATRIX[:5],)),
        ("precision_recall_bars", (MATRIX[:9, :9],)),
        ("reliability_diagram", ([0.5], [0.5, 0.6], [1, 2], 0.1)),
        ("confident_errors", (IMAGES, LABELS, PROBABILITIES[:9], [0])),
        ("confident_errors", (IMAGES, LABELS, np.eye(10)[LABELS], [0])),
        ("prediction_bars", (IMAGES[:13], PROBABILITIES[:13])),
        ("prediction_bars", (IMAGES[:2], PROBABILITIES[:2, :9])),
        ("augmentation_grid", (IMAGES[:3], IMAGES[:3])),
        ("augmentation_grid", (IMAGES[:3], np.repeat(IMAGES[:2, None], 5, axis=1))),
        ("risk_coverage", ([0.5, 1.0], [0.1], 1.0)),
        ("risk_coverage", ([0.5, 1.0], [0.1, 0.2], 99.5)),
        ("bars_per_set", (["one"], [0.5, 0.6], [0.5], [10])),
        ("bars_per_set", (["one"], [0.5], [0.5], [10, 10])),
        ("stages", ({},)),
        ("stages", ({"ink": IMAGES[0] > 99},)),
        ("attention", (IMAGES[0], HEAT[:5], 0)),
        ("attention", (IMAGES[0], HEAT * np.nan, 0)),
        ("captioned_digits", (IMAGES[:3], ["a", "b"], "Three")),
        ("together_curve", ([0.9], [0.9, 0.91], [0.91, 0.91])),
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
