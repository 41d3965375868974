"""What readings of numbers are worth: by hand, and by properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitrec.numbers.evaluation import (
    compare,
    count_confusions,
    count_edits,
    expected_calibration_error,
    summarise,
    tabulate_lengths,
)
from digitrec.numbers.sets import list_sets

TEXTS = st.text("0123456789.,-/", max_size=8)


@given(TEXTS, TEXTS, TEXTS)
def test_edits_are_a_distance(a, b, c):
    assert count_edits(a, a) == 0
    assert count_edits(a, b) == count_edits(b, a)
    assert abs(len(a) - len(b)) <= count_edits(a, b) <= max(len(a), len(b))
    assert count_edits(a, c) <= count_edits(a, b) + count_edits(b, c)


def test_marks_count_only_where_labels_have_them():
    assert compare(["12,5", "7"], ["12.5", "7"]) == [False, True]
    assert compare(["12,5", "7", None], ["125", "7", ""]) == [True, True, True]


def test_a_summary_by_hand():
    figures = summarise(["12", "34", "5", None, "9"], [0.9, 0.4, 0.8, 0.9, 0.7], ["12", "35", "5", "", ""], 0.5)
    assert (figures["n"], figures["right"], figures["answered"]) == (3, pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert figures["right_of_answered"] == 1
    assert figures["character_error_rate"] == pytest.approx(1 / 5)
    assert (figures["blanks"], figures["blanks_declined"]) == (2, 0.5)
    assert figures["calibration_error"] == pytest.approx((0.1 + 0.4 + 0.2) / 3)
    assert math.isnan(summarise([], [], [], 0.5)["right"])


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_calibration_error_is_between_the_overall_gap_and_one(pairs):
    sure, right = (np.array(side, float) for side in zip(*pairs, strict=True))
    error = expected_calibration_error(sure, right)
    assert abs(sure.mean() - right.mean()) - 1e-9 <= error <= 1


def test_lengths_and_confusions():
    read, labels = ["12", "345", None, "78"], ["12", "34", "5", "79"]
    assert tabulate_lengths(read, labels) == {1: (1, 0), 2: (3, 1)}
    assert count_confusions(read, labels) == {("9", "8"): 1}


def test_sets_of_numbers_are_told_from_others(tmp_path):
    for name, rows in {
        "numbers": "1.png,12\n2.png,7",
        "cells": "1.png,7\n2.png,blank",
        "digits": "1.png,7\n2.png,3",
        "letters": "1.png,a\n2.png,12",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "labels.csv").write_text(f"file,label\n{rows}\n")
    found = list_sets(tmp_path)
    assert sorted(found) == ["cells", "numbers"]
    assert found["cells"] == [(tmp_path / "cells" / "1.png", "7"), (tmp_path / "cells" / "2.png", "")]
    (tmp_path / "numbers" / "labels.csv").write_text("name,text\n1.png,12\n")
    with pytest.raises(ValueError, match="expected a table with the header file,label"):
        list_sets(tmp_path)
