"""Counts are counted right, and differences between sets are told from chance."""

import numpy as np
import pytest

from digitrec import plots


def test_class_balance_bars_are_the_shares():
    sets = np.arange(200) % 10, np.arange(45) % 9, np.arange(50) % 10
    figure = plots.class_balance(*sets)
    heights = [[bar.get_height() for bar in bars] for bars in figure.axes[0].containers]
    np.testing.assert_allclose(heights, [100 * np.bincount(labels, minlength=10) / len(labels) for labels in sets])
    names = [text.get_text() for text in figure.legends[0].texts]
    assert names == ["training (200)", "validation (45)", "test (50)"]


@pytest.mark.parametrize(("n", "verdict"), [(60, "within chance"), (20_000, "more than chance")])
def test_class_balance_tells_chance_by_the_size_of_the_sets(n, verdict):
    even, uneven = np.arange(n) % 10, np.where(np.arange(n) % 20, np.arange(n) % 10, 9)
    assert plots.class_balance(even, even, uneven).get_suptitle().replace("\n", " ") == (
        f"Digits: 5.0 to 15.0 % of a set; sets differ by up to 5.0 points, {verdict}"
    )


def test_sets_drawn_alike_seldom_seem_to_differ():
    drawn = [np.random.default_rng(seed).integers(0, 10, 3000) for seed in range(20)]
    titles = [plots.class_balance(one[:2000], one[2000:2500], one[2500:]).get_suptitle() for one in drawn]
    assert sum("more than chance" in title for title in titles) <= 2  # 1 expected


def test_ink_histogram_counts_every_picture():
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8), np.uint8)
    assert sum(bar.get_height() for bar in plots.ink_histogram(images).axes[0].patches) == 30
    axes = plots.ink_histogram(np.full((2, 4, 4), 51, np.uint8)).axes[0]
    assert [text.get_text() for text in axes.texts] == [" median 20.0 %"]
