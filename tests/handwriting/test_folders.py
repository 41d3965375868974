"""Labelled folders are read as they are written, and what is wrong with one is said on one line."""

import csv
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from digitrec.handwriting import folders
from digitrec.idx import DataError
from digitrec.preprocessing.form import to_mnist


def draw(path, column):
    """Save a picture of a vertical stroke with a foot, dark on light, and return its MNIST form."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((60, 60), 230, np.uint8)
    pixels[10:50, 25:30] = 20
    pixels[45:50, 30 : 30 + column] = 20
    Image.fromarray(pixels).save(path)
    return to_mnist(path)


def test_subfolders_in_natural_order(tmp_path):
    expected = [draw(tmp_path / name, 3 * i) for i, name in enumerate(["1/2.png", "1/10.png", "7/a.png"])]
    (tmp_path / "1" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "0").mkdir()
    images, labels = folders.load_folder(tmp_path)
    np.testing.assert_array_equal(images, expected)
    assert labels.tolist() == [1, 1, 7]
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    assert not np.array_equal(images[0], images[1])


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_table_in_its_own_order(tmp_path, start):
    expected = [draw(tmp_path / name, 5 * i) for i, name in enumerate(["sub/z.png", "a, b.png"])]
    (tmp_path / "labels.csv").write_text(f'{start}file,label\nsub/z.png,4\n"a, b.png", 9\n', "utf-8")
    images, labels = folders.load_folder(str(tmp_path))
    np.testing.assert_array_equal(images, expected)
    assert labels.tolist() == [4, 9]


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ("file,label\nb.png,0", "row 2, b.png: picture: expected a file inside .*, found none"),
        ("file,label\n../outside.png,0", r"row 2, \.\./outside.png: picture: .*, found one outside"),
        ("file,label\n../nowhere.png,0", "row 2, .*found none"),
        ("file,label\nsub,0", "row 2, sub: picture: expected a file"),
        ("file,label\n" + "long/" * 20_000 + ",0", r"row 2, long/long/.*\.\.\.: picture: expected a file"),
        ("file,label\n,0", "row 2: expected a file and a label, got '' and '0'"),
        ("file,label\na.png,10", "row 2: expected a label 0 to 9 for 'a.png', got '10'"),
        ("file,label\na.png,-1", "got '-1'"),
        ("file,label\na.png,٣", "got '٣'"),
        ("file,label\na.png,", "row 2: expected a file and a label, got 'a.png' and ''"),
        ("file,label\n\n,,\na.png", "row 4: expected a file and a label, got 'a.png' and ''"),
        ("file,label\na.png,1\na.png,14,3", "row 3: expected 2 cells, got 3; quote"),
        ("file;label\na.png;0", "expected the header file,label, found file;label"),
        ("name,digit\na.png,0", "expected the header file,label, found name,digit"),
        ("a.png,0", "expected the header file,label, found a.png,0"),
        ("file,label,FILE\na.png,0,b.png", "expected the header file,label, found file,label,FILE"),
        ("file,label\n", "expected at least one picture"),
        ("", "expected the header file,label, found nothing"),
        ("\n,\n", "expected the header file,label, found nothing"),
        ("file,label\n\0,0", "row 2, .x00: picture: expected a file"),
        ('file,label\n"b\nc.png",0', "row 3, b.nc.png: picture: expected a file"),
        ("file,label\na.png,0\nbad.png,0", "bad.png: picture"),
        ("file,label\n" + "x" * 200_000, "field larger"),
        (b"file,label\n\xff,0", "UTF-8"),
        ("file,label\na.png,0".encode("utf-16"), "UTF-8"),
    ],
)
def test_tables_that_are_wrong(tmp_path, table, match):
    folder = tmp_path / "mine"
    draw(folder / "a.png", 3)
    draw(tmp_path / "outside.png", 3)
    (folder / "sub").mkdir()
    (folder / "bad.png").write_bytes((folder / "a.png").read_bytes()[:60])
    (folder / "labels.csv").write_bytes(table.encode() if isinstance(table, str) else table)
    with pytest.raises(DataError, match=match) as caught:
        folders.load_folder(folder)
    assert str(folder) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_absolute_paths_and_links_out_of_the_folder(tmp_path):
    draw(tmp_path / "outside.png", 3)
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    for name in ("link.png", tmp_path / "outside.png"):
        (folder / "labels.csv").write_text(f"file,label\n{name},1\n")
        with pytest.raises(DataError, match=r"expected a file inside .+ found one outside"):
            folders.load_folder(folder)


def test_folders_that_are_wrong(tmp_path):
    with pytest.raises(DataError, match="found nothing"):
        folders.load_folder(tmp_path / "absent")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="found a file"):
        folders.load_folder(tmp_path / "file")
    with pytest.raises(DataError, match="found neither"):
        folders.load_folder(tmp_path)
    (tmp_path / "3").mkdir()
    with pytest.raises(DataError, match="at least one picture"):
        folders.load_folder(tmp_path)
    (tmp_path / "3" / "x.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"x\.png: picture"):
        folders.load_folder(tmp_path)
    (tmp_path / "10").mkdir()
    with pytest.raises(DataError, match="got '10'"):
        folders.load_folder(tmp_path)


# --- labels.csv in any shape -------------------------------------------------------------------

ONE_PLACE = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = ("a.png", "b, c.png", "sub/ü.png")
PADDING = st.sampled_from(["", " ", "  ", "\t"])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder that holds the files NAMES, and one more beside it."""
    folder = tmp_path_factory.mktemp("labelled") / "mine"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder.parent / "outside.png").touch()
    return folder


@ONE_PLACE
@given(st.data())
def test_a_table_says_the_same_however_it_is_written(place, data):
    """Order and case of the header, more columns, blanks, quotes, empty rows, line ends, a byte-order mark."""
    label = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=5)
    expected = data.draw(st.lists(st.tuples(st.sampled_from(NAMES), label), min_size=1, max_size=5))
    header = data.draw(st.permutations(["file", "label", *data.draw(st.sampled_from([[], ["note"], ["", "by"]]))]))
    pad = lambda cell: data.draw(PADDING) + cell + data.draw(PADDING)  # noqa: E731
    rows = [[pad("".join(data.draw(st.sampled_from([c, c.upper()])) for c in name)) for name in header]]
    for name, label in expected:
        values = {"file": pad(name), "label": pad(label)}
        row = [values.get(column, "x") for column in header]
        rows += [
            row + [""] * data.draw(st.integers(0, 2)),
            *[[""] * data.draw(st.integers(0, 3))] * data.draw(st.booleans()),
        ]
    text = io.StringIO(newline="")
    quoting = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    csv.writer(text, quoting=quoting, lineterminator=data.draw(st.sampled_from(["\n", "\r\n", "\r"]))).writerows(rows)
    (place / "labels.csv").write_text(text.getvalue(), data.draw(st.sampled_from(["utf-8", "utf-8-sig"])), newline="")
    table = folders.read_table(place)
    assert [(row.picture, row.label) for row in table] == [(place / name, label) for name, label in expected]


def check_table(place, content):
    """A table holds rows of files inside the folder, each with a label; or else one line says what is wrong with it."""
    (place / "labels.csv").write_bytes(content)
    table, complaint = [], None
    try:
        table = folders.read_table(place)
    except DataError as error:
        complaint = str(error)
    assert bool(table) == (complaint is None)
    for picture, label, _ in table:
        assert picture.is_file()
        assert picture.resolve().is_relative_to(place.resolve())
        assert label
        assert label == label.strip()
    if complaint is not None:
        assert complaint.startswith(str(place / "labels.csv"))
        assert "expected" in complaint
        assert len(complaint.splitlines()) == 1
        assert len(complaint) < 1000


@ONE_PLACE
@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_an_error_of_one_line(place, content):
    check_table(place, content)
    check_table(place, b"file,label\n" + content)


@ONE_PLACE
@given(
    st.lists(
        st.sampled_from([*NAMES, "../outside.png", "gone.png", "", "7", "k", ",", ",", "\n", "\n", '"', "\0", "\r"])
    )
)
def test_any_cells_are_a_table_or_an_error_of_one_line(place, parts):
    check_table(place, f"file,label\n{''.join(parts)}".encode())


def test_a_table_that_cannot_be_opened_is_an_error_of_one_line(tmp_path):
    with pytest.raises(DataError, match=r"labels\.csv: No such file or directory; expected a table"):
        folders.read_table(tmp_path)
    (tmp_path / "labels.csv").mkdir()
    with pytest.raises(DataError, match=r"labels\.csv: Is a directory; expected a table"):
        folders.read_table(tmp_path)


def test_what_an_archive_brings_along_is_passed_over(tmp_path):
    draw(tmp_path / "3" / "a.png", 3)
    draw(tmp_path / "__MACOSX" / "3" / "a.png", 3)
    assert folders.load_folder(tmp_path)[1].tolist() == [3]


def test_names_of_one_number_are_in_one_order(tmp_path):
    for name in ("01.png", "1.png", "001.png", "1a.png", "10.png", "9.png"):
        draw(tmp_path / "3" / name, 3)
    listed = [path.name for path, _ in folders._list_subfolders(tmp_path)]
    assert listed == ["001.png", "01.png", "1.png", "1a.png", "9.png", "10.png"]
    assert [path.name for path in folders._order(map(tmp_path.joinpath, reversed(listed)))] == listed
