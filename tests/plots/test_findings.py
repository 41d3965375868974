"""Titles claim no more than the arrays say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitrec.evaluation import wilson_interval
from digitrec.plots.findings import (
    compute_chance_error,
    compute_whiskers,
    counts_differ,
    differ,
    find_largest,
    find_largest_share,
    join,
)

SHARE = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_interval_of_a_difference_is_newcombes():
    # Newcombe 1998, table II, (a): 56/70 and 48/80, method 10: 0.0524 to 0.3339.
    assert differ(56, 70, 48, 80)
    low = 56 / 70 - wilson_interval(56, 70)[0], wilson_interval(48, 80)[1] - 48 / 80
    assert 56 / 70 - 48 / 80 - math.hypot(*low) == pytest.approx(0.0524, abs=1e-4)
    assert not differ(9, 10, 3, 10, confidence=0.999)


@given(SHARE, SHARE)
def test_difference_has_no_order_and_equals_never_differ(one, other):
    assert differ(*one, *other) == differ(*other, *one)
    assert not differ(*one, *one)


@given(SHARE, SHARE)
def test_intervals_apart_always_differ(one, other):
    (low, high), (other_low, other_high) = wilson_interval(*one), wilson_interval(*other)
    if low > other_high or other_low > high:
        assert differ(*one, *other)


@given(st.floats(0.05, 0.95), st.integers(0, 2**32 - 1))
def test_a_difference_is_seldom_found_where_there_is_none(share, seed):
    hits = np.random.default_rng(seed).binomial(200, share, (100, 2))
    assert sum(differ(a, 200, b, 200) for a, b in hits) <= 20  # 5 expected


@pytest.mark.parametrize(("a", "b", "expected"), [(0, 0, False), (4, 3, False), (3, 3, False), (10, 2, True)])
def test_counts_differ_where_halves_are_unlikely(a, b, expected):
    assert counts_differ(a, b) == counts_differ(b, a) == expected


def test_largest_are_all_that_look_alike():
    assert find_largest([1.04, 1.0, 0.96, 0.94, np.nan], 1) == [0, 1, 2]
    assert find_largest([1.04, 1.0, 0.96], 2) == [0]


def test_largest_share_knows_ties_chance_and_what_was_never_tried():
    assert find_largest_share([50, 0, 0], [100, 100, 0]) == ([0], [])
    assert find_largest_share([5, 4, 0], [1000, 1000, 100_000]) == ([0], [1])
    assert find_largest_share([5, 5, 5], [1000, 1000, 1000]) == ([0, 1, 2], [])


def test_chance_error_falls_with_the_pictures_and_is_exceeded_once_in_twenty():
    confidence = np.array([0.6, 0.8, 0.95, np.nan])
    few, many = (compute_chance_error(confidence, np.array([n, n, n, 0])) for n in (20, 2000))
    assert 0 < many < few / 5
    right = np.random.default_rng(7).binomial(20, confidence[:3], (4000, 3)) / 20
    exceeded = (np.abs(right - confidence[:3]).mean(axis=1) > few + 1e-9).mean()
    assert 0.02 < exceeded < 0.08


def test_whiskers_reach_to_wilsons_interval():
    below, above = compute_whiskers(np.array([9, 10]), np.array([10, 10]))
    low, high = wilson_interval(9, 10)
    assert (90 - below[0], 90 + above[0]) == pytest.approx((100 * low, 100 * high))
    assert above[1] == pytest.approx(0, abs=1e-9)
    assert compute_whiskers(np.array([]), np.array([])).shape == (2, 0)


@pytest.mark.parametrize(
    ("names", "text"),
    [(["a"], "a"), (["a", 2], "a and 2"), (["a", "b", "c"], "a, b and c"), (list("abcd"), "4 others")],
)
def test_lists_read_as_english(names, text):
    assert join(names) == text
