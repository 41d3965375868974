"""The ladder's rungs differ by their change alone, and the counts are those of the network."""

from dataclasses import asdict

import numpy as np
import pytest

from digitrec.datasets import load_digits
from digitrec.sprint import (
    LADDER,
    Recipe,
    build_rungs,
    count_multiplications,
    count_weights,
    draw_weights,
    find_patterns,
)
from digitrec.sprint.weights import list_shapes


def test_each_rung_is_the_one_before_it_with_its_change():
    rungs = build_rungs()
    assert list(rungs) == [name for name, _, _ in LADDER]
    before = asdict(Recipe())
    for name, text, changes in LADDER:
        assert text
        assert asdict(rungs[name]) == before | dict(changes)
        before |= dict(changes)


def test_the_start_is_the_network_of_the_peer():
    start = build_rungs()["start"]
    # 5x5x24 on 24x24, 3x3x24x32 on 10x10, 800x256, 256x10
    assert count_multiplications(start) == 25 * 24 * 576 + 216 * 32 * 100 + 800 * 256 + 2560
    assert count_weights(start) == 624 + 6944 + 205056 + 2570


@pytest.mark.parametrize("margin", [0, 1, 2, 3])
def test_shapes_fit_the_maps(margin):
    recipe = Recipe(margin=margin, halving="stride")
    half = (28 - 2 * margin - 5) // 2 + 1
    assert list_shapes(recipe)["dense"][0] == ((half - 2) // 2) ** 2 * recipe.second


def test_patterns_answer_with_half_a_unit_and_do_not_repeat_one_another():
    images = load_digits()[0][0]
    patterns = find_patterns(images, 16)
    windows = np.lib.stride_tricks.sliding_window_view(images[:200] / 255, (5, 5), axis=(1, 2)).reshape(-1, 25)
    answers = windows[windows.max(axis=1) > 0] @ patterns.reshape(25, 16)
    np.testing.assert_allclose((answers**2).mean(axis=0), 0.25, rtol=1e-3)
    first = answers[:, :8]
    np.testing.assert_allclose(first.T @ first / len(first), 0.25 * np.eye(8), atol=1e-3)


@pytest.mark.parametrize("filters", [7, 52])
def test_patterns_come_in_pairs_up_to_fifty(filters):
    with pytest.raises(ValueError, match=f"expected an even number up to 50, got {filters}"):
        find_patterns(np.ones((3, 28, 28), np.uint8), filters)


def test_drawn_weights_follow_the_seed_and_fixed_ones_the_pictures():
    images = load_digits()[0][0]
    recipe = Recipe(first=4, second=8, dense=16, fixed=True)
    one, again, other = (draw_weights(recipe, images, seed) for seed in (0, 0, 1))
    for name, shape in list_shapes(recipe).items():
        assert one[name].shape == shape
        assert one[name].dtype == np.float32
        np.testing.assert_array_equal(one[name], again[name])
    assert not np.array_equal(one["dense"], other["dense"])
    np.testing.assert_array_equal(one["first"], find_patterns(images, 4))
    assert not one["logits_bias"].any()
