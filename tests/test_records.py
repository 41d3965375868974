"""Files whole or not at all, whoever writes them; and what a result says of its origin."""

import errno
import json
import os
import re
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitrec import records


def test_a_file_is_written_and_nothing_beside_it_is_left(tmp_path):
    path = tmp_path / "new" / "result.json"
    records.write_json(path, {"digit": 7})
    assert json.loads(path.read_text()) == {"digit": 7}
    assert [entry.name for entry in path.parent.iterdir()] == ["result.json"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt(), ValueError("x")])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "result.txt"
    records.write_text(path, "old")

    def fail(beside):
        Path(beside).write_text("half")
        raise error

    with pytest.raises(type(error)) as caught:
        records.write_beside(path, fail)
    assert getattr(caught.value, "filename", str(path)) == str(path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.txt"]


def test_many_threads_may_write_one_file(tmp_path):
    path, errors = tmp_path / "one", []
    contents = [bytes([i]) * 100_000 for i in range(8)]

    def write(content):
        try:
            for _ in range(20):
                records.write_bytes(path, content)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert path.read_bytes() in contents
    assert os.listdir(tmp_path) == ["one"]


def test_a_result_names_its_origin(tmp_path):
    path = tmp_path / "result.json"
    records.write_result(path, {"accuracy": 0.99, "date": "given"})
    result = json.loads(path.read_text())
    assert list(result) == ["machine", "versions", "date", "commit", "accuracy"]
    assert result["date"] == "given"
    assert result["machine"]["cores"] == os.cpu_count()
    assert {"python", "numpy"} <= set(result["versions"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", records.describe_origin()["date"])


def test_the_commit_is_the_checkouts_and_none_without_one(monkeypatch):
    commit = records.describe_commit()
    assert commit is None or re.fullmatch(r"[0-9a-f]{12}( with changes)?", commit)
    monkeypatch.setattr(records, "CHECKOUT", None)
    assert records.describe_commit() is None
    monkeypatch.setattr(records, "CHECKOUT", Path("/"))
    assert records.describe_commit() is None


def test_results_go_to_the_checkout_for_who_works_in_it_and_else_where_one_is(tmp_path, monkeypatch):
    checkout = tmp_path / "checkout"
    (checkout / "notebooks").mkdir(parents=True)
    monkeypatch.setattr(records, "CHECKOUT", checkout)
    monkeypatch.chdir(checkout / "notebooks")
    assert records.find_output() == checkout / "output"
    assert records.find_output(".") == checkout
    assert records.find_output(tmp_path / "else") == tmp_path / "else"
    monkeypatch.chdir(tmp_path)
    assert records.find_output() == tmp_path / "output"
    monkeypatch.setattr(records, "CHECKOUT", None)
    assert records.find_output("there") == tmp_path / "there"


@given(st.lists(st.integers(0, 10**12)))
def test_natural_order_is_that_of_the_numbers(numbers):
    names = [f"page {number}.png" for number in numbers]
    assert sorted(names, key=records.natural_order) == [f"page {number}.png" for number in sorted(numbers)]


@given(st.lists(st.text()))
def test_natural_order_takes_any_names(names):
    assert sorted(sorted(names, key=records.natural_order), key=records.natural_order) == sorted(
        names, key=records.natural_order
    )
