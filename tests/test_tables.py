"""Tables of digits: every form in which Kaggle's go round comes out the same; any other in a line."""

import gzip
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec import DataError, Recognizer, load_csv
from digitrec.preprocessing.form import prepare
from digitrec.tables import iterate_csv

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 28, 28), np.uint8)
LABELS = np.array([5, 0, 4, 1, 9, 2, 1])


def write(path, images=IMAGES, labels=LABELS, header="label", packed=False, last=False, end="\n"):
    rows = [",".join(map(str, image.ravel().tolist())) for image in images]
    names = ",".join(f"pixel{i}" for i in range(784))
    if labels is not None:
        rows = [f"{row},{label}" if last else f"{label},{row}" for row, label in zip(rows, labels, strict=True)]
        names = f"{names},{header}" if last else f"{header},{names}"
    text = end.join([names, *rows] if header else rows) + end
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("header", ["label", '"label"', "digit", None])
@pytest.mark.parametrize("labels", [LABELS, None])
def test_every_form_comes_out_the_same(tmp_path, packed, header, labels):
    images, found = load_csv(write(tmp_path / "digits.csv", labels=labels, header=header, packed=packed))
    np.testing.assert_array_equal(images, IMAGES)
    assert images.dtype == np.uint8
    assert (found is None) == (labels is None)
    assert found is None or found.tolist() == LABELS.tolist()


def test_a_label_is_found_by_its_name_and_line_ends_are_any(tmp_path):
    images, labels = load_csv(write(tmp_path / "digits.csv", last=True, end="\r\n"))
    np.testing.assert_array_equal(images, IMAGES)
    assert labels.tolist() == LABELS.tolist()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 2500))
def test_no_row_is_lost_between_parts(tmp_path_factory, n):
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    path.write_text("".join(f"{i % 10}," + ",".join([str(i % 256)] * 784) + "\n" for i in range(n)))
    images, labels = load_csv(path)
    assert images[:, 0, 0].tolist() == [i % 256 for i in range(n)]
    assert labels.tolist() == [i % 10 for i in range(n)]
    assert max(len(part) for part, _ in iterate_csv(path)) <= 1000


ZEROS = ",".join(["0"] * 784)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "found nothing"),
        (b"label," + ZEROS.encode().replace(b"0", b"p") + b"\n", "rows under the header, found none"),
        (b"1,2,3\n", "expected 784 columns, or a label and 784, found 3"),
        (f"3,{ZEROS}\n3,{ZEROS},1\n".encode(), "rows? [12]"),
        (f"3,{ZEROS}\n12,{ZEROS}\n".encode(), "row 2: expected whole numbers 0-255, and a label 0-9"),
        (f"3,{ZEROS[:-1]}256\n".encode(), "row 1: expected whole numbers"),
        (f"3,{ZEROS[:-1]}nan\n".encode(), "expected rows under the header|row 1"),
        (f"3,{ZEROS}\n3,{ZEROS[:-1]}x\n".encode(), "rows 1 to 2"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 30, "expected"),
        (b"1" * 200_000, "found one of 100000 characters"),
        (
            gzip.compress(np.random.default_rng(0).bytes(5000).hex().encode())[:4000],
            "expected a table of digits|found one",
        ),
    ],
)
def test_what_is_no_such_table_is_a_clear_line(tmp_path, content, said):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        load_csv(path)
    assert "\n" not in str(caught.value).strip()
    with pytest.raises(DataError, match="No such file"):
        load_csv(tmp_path / "absent.csv")


def predict(*arguments):
    asked = [sys.executable, "-m", "digitrec", "predict", *map(str, arguments)]
    return subprocess.run(asked, capture_output=True, text=True, check=False)


def test_a_submission_has_an_answer_for_each_row(tmp_path, mnist):
    images = mnist[0][0][:1500]
    done = predict(write(tmp_path / "test.csv", images, None), "--submission", tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    header, *rows = (tmp_path / "out.csv").read_text().splitlines()
    assert header == "ImageId,Label"
    assert [row.split(",")[0] for row in rows] == [str(i) for i in range(1, 1501)]
    expected = Recognizer.load("cnn").compute_logits(prepare(images))[:, :10].argmax(axis=1)
    assert [int(row.split(",")[1]) for row in rows] == expected.tolist()


def test_nothing_half_written_is_left(tmp_path):
    table = tmp_path / "test.csv"
    table.write_text(f"{ZEROS}\n" * 1200 + f"{ZEROS[:-1]}999\n")
    (tmp_path / "out.csv").write_text("kept")
    done = predict(table, "--submission", tmp_path / "out.csv")
    assert done.returncode == 2
    assert "row 1201" in done.stderr
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "out.csv").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "test.csv"]


def test_a_table_without_submission_says_what_reads_it(tmp_path):
    done = predict(write(tmp_path / "test.csv"))
    assert done.returncode == 2
    assert "--submission" in done.stderr
    assert predict(tmp_path / "test.csv", "--submission", tmp_path / "test.csv").returncode == 2
    assert load_csv(tmp_path / "test.csv")[1].tolist() == LABELS.tolist()
