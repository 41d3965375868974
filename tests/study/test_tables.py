import numpy as np
import pytest

from digitrec.study.tables import format_table, tabulate


def test_table_names_the_best_and_whether_others_differ(data, measured):
    _, results = measured
    table = tabulate(results, data.test[1])
    assert table.accuracy.is_monotonic_decreasing
    assert table.p_best.iloc[0] == 1
    assert table.loc["one answer", "p_best"] < 1e-6
    assert table.index[-1] == "one answer"
    assert table.loc["tree", "family"] == "trees"
    assert table.loc["neighbours", "tuned"] == "k"
    assert table[["processor", "date", "commit"]].notna().all(axis=None)
    assert (table.low < table.accuracy).all()
    assert (table.accuracy < table.high).all()


def test_cells_for_people_hold_the_numbers_with_their_units(data, measured):
    _, results = measured
    table = tabulate(results, data.test[1])
    written = format_table(table)
    first = table.iloc[0]
    assert written.iloc[0, 0] == f"{first.accuracy:.2%} ({first.low:.2%}–{first.high:.2%})"
    assert written["p against the best"].iloc[-1] == "< 0.001"
    assert float(written["an image, ms"].iloc[0]) == pytest.approx(1000 * first.time_per_image_s, rel=0.01)
    assert written["real handwriting"].iloc[-1] == "10.0%"


def test_without_real_handwriting_its_column_is_empty(data, measured):
    results = {name: {**result, "sets": {}} for name, result in measured[1].items()}
    table = tabulate(results, data.test[1])
    assert np.isnan(table.real).all()
    assert (format_table(table)["real handwriting"] == "").all()
