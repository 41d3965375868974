"""The sprint learns, repeats itself, and chooses, trains and reads as it says."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from digitrec.datasets import load_digits
from digitrec.sprint import Course, Recipe, Runners, compiled, draw_weights, measure_margins

TINY = Recipe(
    pictures=1024, hardest=0.5, batch_size=16, margin=2, halving="stride", first=4, fixed=True, second=8, dense=16,
    rate=0.02, muon="inner", smoothing=0.05, second_look=0.1,
)  # fmt: skip


@pytest.fixture(scope="module")
def bundled():
    return load_digits()


@pytest.fixture(scope="module")
def course():
    return Course(TINY)


def test_it_learns_and_the_same_seed_gives_the_same_logits(course, bundled):
    one, again, other = (course.run(*bundled, seed=seed) for seed in (0, 0, 1))
    assert one.accuracy > 0.8
    assert one.accuracy == (one.logits.argmax(axis=1) == bundled[1][1]).mean()
    np.testing.assert_array_equal(one.logits, again.logits)
    assert not np.allclose(one.logits, other.logits)
    assert 0 < one.time_s < 60
    assert course.compile_s > 0


def test_labels_of_what_is_read_change_nothing_but_the_accuracy(course, bundled):
    training, (images, labels) = bundled
    right, wrong = (course.run(training, (images, given), seed=0) for given in (labels, (labels + 1) % 10))
    np.testing.assert_array_equal(right.logits, wrong.logits)
    assert wrong.accuracy < 0.2


def test_fewer_pictures_than_asked_for_are_refused(course, bundled):
    (images, labels), test = bundled
    with pytest.raises(ValueError, match="pictures: expected at most the 100 there are, got 1024"):
        course.run((images[:100], labels[:100]), test, seed=0)


def test_every_way_of_learning_learns(bundled):
    recipe = Recipe(pictures=1024, batch_size=16, first=4, second=8, dense=16, muon="convolution", second_look=0.5)
    assert Course(recipe).run(*bundled, seed=0).accuracy > 0.6


def test_a_step_in_pieces_goes_where_a_whole_one_goes(bundled):
    (images, labels), _ = bundled
    images, labels = images[:64, 2:26, 2:26], tf.constant(labels[:64], tf.int32)
    drawn = draw_weights(TINY, images, seed=0)
    weights = {name: tf.constant(values) for name, values in drawn.items()}
    recipe = replace(TINY, batch_size=64, pictures=64)
    # The first step of a rate that rises moves a weight by a twentieth of the peak at most.
    whole, pieces = (
        compiled.train(tf.constant(images), labels, tf.range(64), weights, replace(recipe, pieces=n)) for n in (1, 4)
    )
    for name, drawn_values in drawn.items():
        np.testing.assert_allclose(whole[name], pieces[name], atol=1e-5)
        assert np.array_equal(whole[name], drawn_values) == (name in ("first", "first_bias"))


def test_the_rates_rise_over_the_share_of_the_steps_that_is_theirs(bundled):
    (images, labels), _ = bundled
    images, labels = tf.constant(images[:32]), tf.constant(labels[:32], tf.int32)
    drawn = draw_weights(Recipe(), images.numpy(), seed=0)
    weights = {name: tf.constant(values) for name, values in drawn.items()}

    def move(steps, rise):
        recipe = Recipe(batch_size=16, rise=rise)
        return compiled.train(images, labels, tf.range(16 * steps), weights, recipe)["logits_bias"].numpy()

    # Adam's first step is its rate, a twentieth of the peak; of two steps the second is half way down the fall.
    one, soon, late = move(1, 0.1), move(2, 0.1), move(2, 0.3)
    assert np.abs(one).max() == pytest.approx(0.05 * 0.01, rel=1e-3)
    np.testing.assert_allclose((late - one) / (soon - one), 0.9 / 0.7, rtol=1e-3)


@pytest.mark.slow
def test_runners_keep_processes_apart_by_their_threads(bundled):
    tiny = replace(TINY, pictures=256, pieces=2)
    alone = replace(tiny, threads=1)
    with Runners(*bundled) as runners:
        assert runners.compile(alone) > 0
        runs = [runners.run(recipe, seed) for recipe, seed in ((alone, 0), (alone, 1), (tiny, 0))]
        threads = [runners._ask(ask_threads, recipe) for recipe in (alone, tiny)]
    assert threads == [1, 0]
    here = Course(tiny).run(*bundled, seed=0)
    for run in (runs[0], runs[2]):
        np.testing.assert_allclose(run.logits, here.logits, atol=0.05)
    assert not np.allclose(runs[1].logits, here.logits, atol=0.05)


def ask_threads(recipe):
    return tf.config.threading.get_intra_op_parallelism_threads()


def choose(images, labels, order, recipe):
    return compiled.choose(tf.constant(images), tf.constant(labels, tf.int32), tf.constant(order), recipe).numpy()


def test_the_hardest_are_chosen_and_the_rest_comes_from_everywhere(bundled):
    (images, labels), _ = bundled
    images = images[:, 2:26, 2:26]
    order = np.random.default_rng(0).permutation(len(labels)).astype(np.int32)
    recipe = Recipe(pictures=400, hardest=0.25, margin=2)
    chosen = choose(images, labels, order, recipe)
    assert len(set(chosen)) == 400
    # The same reader in numpy.
    small = images.reshape(-1, 12, 2, 12, 2).mean(axis=(2, 4)).reshape(len(images), -1) / 255
    small = np.append(small, np.ones((len(small), 1)), axis=1)
    target = np.eye(10)[labels]
    scores = small @ np.linalg.solve(small.T @ small + 10 * np.eye(small.shape[1]), small.T @ target)
    margin = (scores * target).sum(axis=1) - np.where(target, -np.inf, scores).max(axis=1)
    hard = set(np.argsort(margin)[:100])
    assert len(hard & set(chosen)) >= 98  # rounding may swap two at the edge
    halves = [len(set(half) & set(chosen) - hard) for half in np.array_split(order, 2)]
    assert sum(halves) >= 298
    assert min(halves) > 120  # from everywhere in the order, so that no part of a training is easier than another
    place = np.argsort(order)  # what is chosen keeps its random order
    assert (np.diff(place[chosen]) > 0).all()


def test_without_a_choice_the_order_is_what_it_was():
    order = np.arange(9, dtype=np.int32)
    assert choose(np.zeros((9, 28, 28), np.uint8), np.zeros(9), order, Recipe(pictures=5)).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (3, 3, 16, 32), (64, 16), (8, 32)])
def test_steps_of_muon_are_nearly_orthogonal(shape):
    gradient = tf.constant(np.random.default_rng(0).standard_normal(shape), tf.float32)
    step = compiled.orthogonalise(gradient).numpy().reshape(-1, shape[-1])
    scale = max(1.0, step.shape[0] / step.shape[1]) ** 0.5
    values = np.linalg.svd(step, compute_uv=False) / scale
    assert (values > 0.2).all()
    assert (values < 1.4).all()


def test_the_second_look_changes_only_the_least_sure(bundled):
    images = bundled[1][0]
    drawn = draw_weights(TINY, images[:, 2:26, 2:26], seed=0)
    weights = {name: tf.constant(values) for name, values in drawn.items()}
    once = compiled.read(tf.constant(images), weights, replace(TINY, second_look=0.0)).numpy()
    twice = compiled.read(tf.constant(images), weights, TINY).numpy()
    changed = (once != twice).any(axis=1)
    assert changed.sum() == 36
    margin = np.diff(np.sort(once, axis=1)[:, -2:], axis=1)[:, 0]
    assert margin[changed].max() <= margin[~changed].min()


@pytest.mark.parametrize("margin", [0, 2])
def test_a_shifted_look_sees_what_lies_a_pixel_further(margin):
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28), np.uint8)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1))) / np.float32(255)
    seen = compiled.see(tf.constant(images), 1, -1, margin).numpy()[..., 0]
    side = 28 - 2 * margin
    expected = padded[:, margin + 2 : margin + 2 + side, margin : margin + side]
    np.testing.assert_allclose(seen, expected, rtol=1e-6)


def test_margins_are_negative_where_the_reader_errs_and_need_the_right_labels(bundled):
    (images, labels), _ = bundled
    right, wrong = (measure_margins((images, given)) for given in (labels, np.roll(labels, 1)))
    assert right.dtype == np.float32
    assert (right > 0).mean() > 0.9 > (wrong > 0).mean()
