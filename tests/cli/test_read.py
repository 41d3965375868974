import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from digitrec.numbers.number import Number


@pytest.fixture
def read(command, number_model):
    """A function that runs `digitrec read` in this process, with a network that reads bars."""
    return lambda *arguments: command("read", "--model", number_model, *arguments)


@pytest.fixture
def write(tmp_path, number_strip):
    """A function that writes a number into a picture; it returns the path."""

    def save(name, text, *doubts):
        strips = [number_strip(text), *(number_strip(doubt, 235) for doubt in doubts)]
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(255 - np.max(strips, axis=0)).save(path)
        return path

    return save


def test_a_line_for_people_holds_path_number_confidence_and_reason(read, write):
    paths = write("a.png", "473"), write("b.png", "1,50"), write("c.png", "473", "479", "472"), write("d.png", "")
    status, out, err = read(*paths)
    first, second, third, fourth = out.splitlines()
    assert (status, err) == (0, "")
    assert first.split()[:2] == [str(paths[0]), "473"]
    assert second.split()[:2] == [str(paths[1]), "1,50"]
    assert float(first.split()[2].removeprefix(">")) > 90
    assert third.split()[0] == str(paths[2])
    assert fourth.endswith("%  blank: no number found")
    assert fourth.split()[1] == "–"


def test_json_and_csv_say_the_same_of_every_picture(read, write, bad_files):
    paths = [write("1.png", "473"), write("2.png", ""), write("10.png", "12", "13"), *bad_files]
    status, lines, err = read("--json", *paths)
    _, table, _ = read("--csv", *paths)
    entries, rows = list(map(json.loads, lines.splitlines())), list(csv.DictReader(io.StringIO(table)))
    assert status == 1
    assert len(err.splitlines()) == len(bad_files)
    assert [entry["file"] for entry in entries] == [row["file"] for row in rows] == list(map(str, paths))
    for entry, row in zip(entries, rows, strict=True):
        assert set(entry) >= {"file", "text", "best", "confidence", "characters", "alternatives", "kind", "reason"}
        for key in ("text", "best", "kind", "reason", "error"):
            assert row[key] == (entry[key] or "")
        assert (entry["error"] is None) == (entry["kind"] is not None)
    number, blank, doubt = entries[:3]
    assert [number["text"], blank["text"], blank["best"], doubt["best"]] == ["473", None, None, "12"]
    assert "".join(one["text"] for one in number["characters"]) == "473"
    assert doubt["alternatives"][0]["text"] == "13"
    for one in number["characters"]:
        left, top, right, bottom = one["box"]
        assert 0 <= left < right <= number["size"][0]
        assert 0 <= top < bottom <= number["size"][1]
    for entry, message in zip(entries[3:], bad_files.values(), strict=True):
        assert message in entry["error"]


def test_folders_in_natural_order_and_standard_input(start, number_model, write, tmp_path):
    for name, text in (("n/10.png", "10"), ("n/2.png", "2"), ("n/x.png", "473")):
        write(name, text)
    done = start("read", "--model", number_model, "--json", tmp_path / "n", text=True)
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == ["2", "10", "473"]
    done = start("read", "--model", number_model, "--json", "-", input=(tmp_path / "n" / "x.png").read_bytes())
    entry = json.loads(done.stdout)
    assert (done.returncode, entry["file"], entry["text"]) == (0, "-", "473")
    done = start("read", "--model", number_model, "-", input=b"a number")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"digitrec: -: ")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--length", 3], "473"),
        (["--pattern", "dd9"], "479"),
        (["--characters", "479"], "479"),
        (["--values", "479,12"], "479"),
        (["--values", "FILE"], "479"),
        (["--range", "474:479"], "479"),
        (["--range", "474:479", "--check", "luhn"], None),
    ],
)
def test_what_is_known_is_used(read, write, tmp_path, arguments, text):
    (tmp_path / "values.txt").write_text("\ufeff12\n479\n\n", encoding="utf-8")
    arguments = [tmp_path / "values.txt" if word == "FILE" else word for word in arguments]
    status, out, _ = read("--json", *arguments, write("a.png", "473", "479"))
    assert status == 0
    assert json.loads(out)["text"] == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "PATH"),
        (["--model", "absent", "x.png"], "no model 'absent'"),
        (["--json", "--csv", "x.png"], "not allowed with"),
        (["--values", "1,2", "--range", "1:2", "x.png"], "not allowed with"),
        (["--pattern", "d?", "x.png"], "pattern: expected d for any digit"),
        (["--length", "2", "--pattern", "ddd", "x.png"], "length: expected 3"),
        (["--length", "many", "x.png"], "--length"),
        (["--range", "5:1", "x.png"], "--range: expected two whole numbers, the smaller first"),
        (["--range", "5", "x.png"], "--range"),
        (["--values", "absent.txt", "x.png"], "values: expected texts of"),
        (["--values", ",", "x.png"], "values: expected"),
        (["--check", "crc", "x.png"], "--check"),
    ],
)
def test_wrong_use_is_one_clear_line_and_status_2(command, number_model, arguments, message):
    model = [] if "--model" in arguments else ["--model", number_model]
    status, out, err = command("read", *model, *arguments)
    assert (status, out) == (2, "")
    assert message in err.splitlines()[-1]


def test_annotated_copies_show_a_box_around_each_character(read, write, tmp_path):
    paths = write("a.png", "473"), write("b.png", "")
    assert read("--annotate", tmp_path / "out", *paths)[0] == 0
    assert read("--annotate", tmp_path / "out", paths[0])[0] == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.png", "a-2.png", "b.png"}
    coloured = []
    for name in ("a.png", "b.png"):
        with Image.open(tmp_path / "out" / name) as image:
            pixels = np.asarray(image).astype(int)
        coloured.append(int((np.ptp(pixels, axis=2) > 100).sum()))
    assert coloured[0] > 300
    assert coloured[1] == 0


def test_a_picture_that_the_reader_breaks_on_spoils_no_other(read, write, monkeypatch):
    from digitrec.numbers import reader

    paths = write("a.png", "473"), write("b.png", "12")
    find, calls = reader.find_lines, []

    def fail_once(picture):
        calls.append(picture)
        if len(calls) == 1:
            raise MemoryError
        return find(picture)

    monkeypatch.setattr(reader, "find_lines", fail_once)
    status, out, err = read(*paths)
    assert (status, out.count("\n"), err.count("\n")) == (1, 1, 1)
    assert "cannot be read: MemoryError" in err


def test_names_come_back_whole_and_harmless(read, write):
    path = str(write('q"uo,\x1b[2J.png' if os.name == "posix" else "q,uo.png", "473"))
    assert json.loads(read("--json", path)[1])["file"] == path
    (row,) = csv.DictReader(io.StringIO(read("--csv", path)[1], newline=""))
    assert (row["file"], row["text"]) == (path, "473")
    assert read(path)[1][:-1].isprintable()


@pytest.mark.slow
def test_answers_stream_and_leave_nothing_behind(tmp_path, number_model, write):
    import tracemalloc
    from functools import partial

    from digitrec.cli import files
    from digitrec.numbers.reader import NumberReader

    path = str(write("a.png", "473"))
    read = partial(files.read_number, NumberReader.load(number_model), None, False)
    asked = 0

    def count():
        nonlocal asked
        for _ in range(400):
            asked += 1
            yield path

    readings = files.read_pictures(read, count())
    tracemalloc.start()
    try:
        for i in range(400):
            assert isinstance(next(readings).answer, Number)
            assert asked == i + 1
            if i == 50:
                before, _ = tracemalloc.get_traced_memory()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 300_000  # of each a strip alone is 900 bytes, a picture drawn 500,000


def test_reading_a_number_loads_nothing_of_the_workshop(number_model, write):
    code = (
        "import sys; from digitrec import cli; status = cli.main(sys.argv[1:]);"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        "& {'keras', 'tensorflow', 'sklearn', 'scipy', 'matplotlib', 'seaborn', 'pooch', 'pandas', 'onnx'}), status)"
    )
    arguments = ["read", "--model", str(number_model), str(write("a.png", "473"))]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[] 0"


def test_several_digits_are_sent_to_read(predict, tmp_path):
    from PIL import ImageDraw, ImageFont

    page = Image.new("L", (120, 60), 255)
    ImageDraw.Draw(page).text((30, 10), "47", 0, ImageFont.load_default(40))
    page.save(tmp_path / "47.png")
    status, out, _ = predict(tmp_path / "47.png")
    assert status == 0
    assert out.rstrip().endswith("several digits: try digitrec read")
    entry = json.loads(predict("--json", tmp_path / "47.png")[1])
    assert (entry["digit"], entry["reason"]) == (None, "several digits: try digitrec read")
