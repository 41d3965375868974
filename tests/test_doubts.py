"""Confident learning finds labels that were changed, and members are chosen for what they read together."""

import numpy as np
import pytest

from digitrec.doubts import choose_members, find_doubted


def make_probabilities(rng, labels, sure=4.0):
    logits = rng.standard_normal((len(labels), 10)) + sure * np.eye(10)[labels]
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_labels_that_were_changed_are_found_and_hardly_any_other():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 10, 2000)
    labels = truth.copy()
    changed = rng.choice(2000, 40, replace=False)
    labels[changed] = (labels[changed] + rng.integers(1, 10, 40)) % 10
    doubted = find_doubted(make_probabilities(rng, truth, sure=7.0), labels)
    assert len(set(doubted) & set(changed)) >= 30
    assert len(set(doubted) - set(changed)) <= 5
    assert set(doubted[:20]) <= set(changed)


def test_where_all_agrees_nothing_is_doubted_and_an_absent_class_is_never_meant():
    labels = np.arange(9).repeat(3)
    assert not len(find_doubted(np.eye(10)[labels], labels))
    p = np.full((2, 10), 0.04)
    p[[0, 1], [0, 1]], p[:, 9] = 0.14, 0.54
    assert not len(find_doubted(p, [0, 1]))


def test_members_make_up_for_one_another():
    labels = np.array([0, 1, 0, 1])
    good = np.array([[0.9, 0.1], [0.1, 0.9], [0.8, 0.2], [0.6, 0.4]])
    like_it = good.copy()
    other = np.array([[0.6, 0.4], [0.55, 0.45], [0.45, 0.55], [0.1, 0.9]])
    assert choose_members([other, good, like_it], labels, 2) == [1, 0]
    assert sorted(choose_members([other, good, like_it], labels, 3)) == [0, 1, 2]
    with pytest.raises(ValueError, match="expected 1 to 2 networks, got 3"):
        choose_members([good, other], labels, 3)
