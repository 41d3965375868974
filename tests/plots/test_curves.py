"""Curves show the whole history, legibly however short it is, and which epochs were plain."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from digitrec import plots

HISTORY = {
    "accuracy": [0.8, 0.95, 0.98, 0.985],
    "val_accuracy": [0.9, 0.97, 0.991, 0.99],
    "loss": [0.6, 0.2, 0.1, 0.08],
    "val_loss": [0.3, 0.1, 0.05, 0.06],
}
DRAW = [plots.accuracy_curves, plots.loss_curves]
SHARES = st.lists(st.tuples(st.floats(0.05, 1), st.floats(0.05, 1)), min_size=1, max_size=30)


def visible_ticks(axis, limits) -> list[float]:
    return [tick for tick in axis.get_majorticklocs() if min(limits) <= tick <= max(limits)]


def make_history(pairs) -> dict[str, list[float]]:
    training, validation = (list(values) for values in zip(*pairs, strict=True))
    losses = {"loss": [1.01 - a for a in training], "val_loss": [1.01 - a for a in validation]}
    return {"accuracy": training, "val_accuracy": validation, **losses}


def test_curves_show_the_history_and_mark_the_chosen_epoch():
    training, validation, chosen = plots.loss_curves(HISTORY, 4).axes[0].lines
    np.testing.assert_array_equal(training.get_ydata(), HISTORY["loss"])
    np.testing.assert_array_equal(validation.get_ydata(), HISTORY["val_loss"])
    np.testing.assert_array_equal(validation.get_xdata(), [1, 2, 3, 4])
    assert (chosen.get_xdata()[0], chosen.get_ydata()[0]) == (4, 0.06)
    training, validation, chosen = plots.accuracy_curves(HISTORY, 3).axes[0].lines
    np.testing.assert_allclose(training.get_ydata(), [20, 5, 2, 1.5])
    np.testing.assert_allclose(validation.get_ydata(), [10, 3, 0.9, 1])
    assert chosen.get_ydata()[0] == validation.get_ydata()[2]


def test_accuracy_is_labelled_as_accuracy_and_rises():
    figure = plots.accuracy_curves(HISTORY, 4)
    FigureCanvasAgg(figure).draw()
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    assert low > high  # the axis counts errors
    names = {tick: label.get_text() for tick, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)}
    assert names == {1: "99", 2: "98", 5: "95", 10: "90", 20: "80"}


@settings(max_examples=40, deadline=None)
@given(SHARES)
def test_every_value_lies_inside_the_axes_and_three_ticks_are_labelled(pairs):
    for draw in DRAW:
        axes = draw(make_history(pairs), 1).axes[0]
        values = np.concatenate([line.get_ydata() for line in axes.lines])
        assert min(axes.get_ylim()) < values.min()
        assert values.max() < max(axes.get_ylim())
        assert len(visible_ticks(axes.yaxis, axes.get_ylim())) >= 3


@pytest.mark.parametrize("draw", DRAW)
@pytest.mark.parametrize("epochs", [1, 2, 3, 16, 40])
def test_epochs_are_whole_numbers_and_every_point_is_seen(draw, epochs):
    axes = draw(make_history([(0.9, 0.95)] * epochs), epochs).axes[0]
    ticks = visible_ticks(axes.xaxis, axes.get_xlim())
    assert all(tick == int(tick) and 1 <= tick <= epochs for tick in ticks)
    assert len(ticks) >= min(epochs, 3)
    assert axes.get_xlim() == (0.5, epochs + 0.5)
    assert all(line.get_marker() not in ("", "None", None) for line in axes.lines)


@pytest.mark.parametrize("draw", DRAW)
@pytest.mark.parametrize(
    ("varied", "notes", "shaded"),
    [
        (None, [], []),
        (4, ["training pictures varied"], []),
        (3, ["training pictures varied", "as they are"], [(3.5, 4.5)]),
        (0, ["as they are"], [(0.5, 4.5)]),
    ],
)
def test_plain_epochs_are_shaded_and_named(draw, varied, notes, shaded):
    axes = draw(HISTORY, 4, varied).axes[0]
    assert [text.get_text() for text in axes.texts] == notes
    assert [(band.get_x(), band.get_x() + band.get_width()) for band in axes.patches] == shaded
    assert "varied" not in "".join(text.get_text() for text in axes.figure.legends[0].texts)


def test_curves_say_what_was_best_and_what_was_chosen():
    assert plots.accuracy_curves(HISTORY, 4).get_suptitle() == (
        "Validation accuracy peaks at 99.10 % in epoch 3; chosen: 4 with 99.00 %"
    )
    assert plots.loss_curves(HISTORY, 4).get_suptitle() == "Validation loss falls to 0.050 in epoch 3; chosen: 4"
    assert plots.loss_curves(HISTORY, 3).get_suptitle().endswith("in epoch 3, the chosen one")


def test_epochs_that_tie_after_rounding_are_all_named():
    history = make_history([(0.9, 0.95), (0.9, 0.99001), (0.9, 0.98999), (0.9, 0.95)])
    title = "Validation accuracy peaks at 99.00 % in epochs 2 and 3; chosen: 2"
    assert plots.accuracy_curves(history, 2).get_suptitle() == title
    assert " in 9 epochs; " in plots.accuracy_curves(make_history([(0.9, 0.95)] * 9), 9).get_suptitle()


class History:
    """What Keras' fit returns, as far as a figure looks at it."""

    def __init__(self, **history):
        self.history = history


@pytest.mark.parametrize(
    "names", [("accuracy", "val_accuracy"), ("sparse_categorical_accuracy",) * 2, ("acc", "val_acc")]
)
def test_what_keras_returned_is_drawn_as_it_is(names):
    own, judged = names[0], "val_" + names[0]
    history = History(**{own: [0.8, 0.9], judged: [0.85, 0.8], "loss": [1.0, 0.5], "val_loss": [0.9, 0.6]})
    title = plots.accuracy_curves(history).get_suptitle()
    assert title == "Validation accuracy peaks at 85.00 % in epoch 1; chosen: 2 with 80.00 %"
    assert plots.loss_curves(history).get_suptitle() == "Validation loss falls to 0.600 in epoch 2, the chosen one"


def test_without_validation_there_is_one_curve():
    figure = plots.loss_curves(History(loss=[1.0, 0.5, 0.6]))
    assert figure.get_suptitle().startswith("Training loss falls to 0.500 in epoch 2")
    assert len(figure.legends[0].get_texts()) == 1


def test_a_model_folder_has_its_curves():
    assert plots.accuracy_curves("cnn").get_suptitle().startswith("Validation accuracy peaks at 99.")


@pytest.mark.parametrize(
    ("wrong", "said"), [(3, "got int"), ({"x": [1]}, "expected 'accuracy'"), ("absent", "no model")]
)
def test_what_is_no_history_is_refused(wrong, said):
    with pytest.raises((TypeError, ValueError), match=said):
        plots.accuracy_curves(wrong)
