"""What is shown of a network's inside is what it computes, by hand-made networks and by sums that must hold."""

import numpy as np
import pytest

from digitrec import inside, load_model, prepare
from digitrec.backend import keras
from digitrec.calibration import softmax


@pytest.fixture(scope="module")
def model():
    return load_model("cnn")


@pytest.fixture(scope="module")
def x(digits):
    return prepare(digits[0][:60])


def build_chain():
    """Convolutions with a stride, padding and pooling: windows that can be worked out by hand."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(2, 5, strides=2),
            keras.layers.ReLU(),
            keras.layers.Conv2D(2, 3, padding="same"),
            keras.layers.AveragePooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(11),
        ]
    )


def test_outputs_are_those_of_the_layers_asked_for(model, x):
    first, logits = inside.layer_outputs(model, x, (1, -1))
    kernel = model.layers[1].get_weights()[0]
    np.testing.assert_allclose(logits, model.predict(x, verbose=0), atol=1e-5)
    patch = x[3, 4:9, 10:15]
    np.testing.assert_allclose(first[3, 4, 10], np.einsum("ijc,ijcf->f", patch, kernel), atol=1e-5)
    (alone,) = inside.layer_outputs(model, x, [-1])
    np.testing.assert_array_equal(alone, logits)


@pytest.mark.parametrize("place", range(4))
def test_a_field_is_all_that_changes_an_output_and_nothing_else_does(place):
    """An oracle: which pixels have a gradient at one place, away from the edges."""
    chain = build_chain()
    size, step, start = inside.find_field(chain, place)
    chain.set_weights([np.full(weights.shape, 0.1) for weights in chain.get_weights()])
    bare, where = np.full((1, 28, 28, 1), 0.5, np.float32), 3
    (before,) = inside.layer_outputs(chain, bare, [place])
    changed = np.repeat(bare, 56, axis=0)
    for i in range(28):
        changed[i, i], changed[28 + i, :, i] = 0.9, 0.9
    (after,) = inside.layer_outputs(chain, changed, [place])
    touched = np.abs(after - before)[:, where, where].max(axis=-1) > 1e-6
    expected = np.isin(np.arange(28), np.arange(start + step * where, start + step * where + size))
    np.testing.assert_array_equal(touched[:28], expected)
    np.testing.assert_array_equal(touched[28:], expected)


def test_what_sees_everything_has_no_field(model):
    with pytest.raises(ValueError, match="expected a layer with height and width, got digitrec_logits"):
        inside.find_field(model, -1)


def test_strongest_are_found_where_they_lie():
    maps = np.zeros((5, 4, 3, 2), np.float32)
    maps[2, 3, 1, 0], maps[4, 0, 2, 0], maps[1, 1, 1, 1] = 9, 7, 5
    found = inside.find_strongest(maps, 2)
    assert found.pictures.tolist() == [[2, 4], [1, 0]]
    assert (found.rows[0].tolist(), found.columns[0].tolist()) == ([3, 0], [1, 2])
    assert found.values.tolist() == [[9, 7], [5, 0]]


@pytest.mark.parametrize(("shape", "count"), [((5, 4, 2), 1), ((5, 4, 3, 2), 6), ((5, 4, 3, 2), 0)])
def test_strongest_refuses_what_it_cannot_rank(shape, count):
    with pytest.raises(ValueError, match="expected"):
        inside.find_strongest(np.zeros(shape, np.float32), count)


def test_a_blend_keeps_its_ends_and_meets_in_the_middle():
    first, second = np.zeros((28, 28), np.uint8), np.full((28, 28), 200, np.uint8)
    blended = inside.blend(first, second, 5)
    assert blended.dtype == np.uint8
    assert blended[:, 0, 0].tolist() == [0, 50, 100, 150, 200]


def test_the_nearest_pair_is_the_nearest(digits):
    first, second = digits[0][:40], digits[0][40:90]
    distances = ((first[:, None].astype(int) - second[None].astype(int)) ** 2).sum(axis=(2, 3))
    assert distances[inside.find_nearest_pair(first, second)] == distances.min()


@pytest.mark.parametrize("classes", [10, 11])
def test_log_odds_are_those_of_softmax_beside_the_fixed_zero(classes):
    logits = np.random.default_rng(0).normal(size=(6, classes)).astype(np.float32) * 3
    labels = np.array([0, 3, 9, 5, 5, 1])
    p = softmax(np.pad(logits, ((0, 0), (0, 1))))[np.arange(6), labels]
    np.testing.assert_allclose(inside.log_odds(logits, labels), np.log(p / (1 - p)), atol=1e-4)


def test_integrated_gradients_add_up_to_what_the_ink_adds(model, digits):
    """The axiom of completeness, which no other sum of these gradients has."""
    image, digit = digits[0][7], int(digits[1][7])
    heat = inside.integrate_gradients(model, image, digit, temperature=0.5)
    logits = model.predict(prepare(np.stack([image, np.zeros_like(image)])), verbose=0)
    inked, blank = np.asarray(inside.log_odds(logits, np.array([digit, digit]))) / 0.5
    assert heat.shape == (28, 28)
    assert heat.sum() == pytest.approx(inked - blank, rel=0.03)
    assert not heat[image == 0].any()


def test_a_step_lowers_the_odds_of_nearly_every_digit_and_no_pixel_goes_further(model, x, digits):
    labels = digits[1][:60]
    attacked = inside.attack(model, x, labels, 0.05)
    assert attacked.dtype == np.float32
    assert np.abs(attacked - x).max() <= 0.05 + 1e-6
    assert (attacked.min(), attacked.max()) >= (0, 0)
    assert attacked.max() <= 1
    before, after = (np.asarray(inside.log_odds(model.predict(one, verbose=0), labels)) for one in (x, attacked))
    assert (after < before).mean() > 0.95
    np.testing.assert_array_equal(inside.attack(model, x, labels, 0), x)


def test_pictures_are_attacked_alike_alone_and_among_others(model, x, digits, monkeypatch):
    labels = digits[1][:60]
    together = inside.attack(model, x, labels, 0.1)
    monkeypatch.setattr(inside, "_BATCH", 7)
    np.testing.assert_allclose(inside.attack(model, x, labels, 0.1), together, atol=1e-6)


def test_gradients_on_another_backend_are_refused_with_the_way_out(model, x, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="expected Keras on TensorFlow, got jax; set KERAS_BACKEND=tensorflow"):
        inside.attack(model, x[:1], np.array([0]), 0.1)
