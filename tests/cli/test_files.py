import io
import os
import sys
import tracemalloc
from functools import partial

import pytest
from PIL import Image

from digitrec.cli import files
from digitrec.preprocessing.form import to_mnist
from digitrec.recognizer import Recognizer

needs_posix = pytest.mark.skipif(os.name != "posix", reason="file names and links of POSIX")


def test_folders_are_searched_in_natural_order(tmp_path):
    names = ["2.png", "10.PNG", "a1.jpeg", "sub/1.tif", "sub/9/1.gif", "sub/10/1.webp", "sub2/1.bmp"]
    for name in [*names, "notes.txt", ".hidden.png", ".git/1.png", "skipped/1.png"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = list(files.find_pictures([str(tmp_path)], skipped=str(tmp_path / "skipped")))
    assert [os.path.relpath(path, tmp_path).replace(os.sep, "/") for path in found] == names


@needs_posix
def test_links_in_a_folder_never_lead_round_in_circles(tmp_path):
    (tmp_path / "1.png").touch()
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "2.png").symlink_to(tmp_path / "gone")
    assert list(files.find_pictures([str(tmp_path)])) == [str(tmp_path / "1.png"), str(tmp_path / "2.png")]


def test_patterns_that_no_shell_expanded(predict, tmp_path, monkeypatch, copy_sample):
    for name in ("3.png", "20.png", "deep/er/1.png", "[7].png"):
        copy_sample(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    join = os.path.join
    assert list(files.find_pictures(["*0.png", "?.png"])) == ["20.png", "3.png"]
    assert list(files.find_pictures(["[0-9]*.png"])) == ["3.png", "20.png"]
    assert list(files.find_pictures(["**/1.png"])) == [join("deep", "er", "1.png")]
    assert list(files.find_pictures(["d*"])) == [join("deep", "er", "1.png")]
    assert list(files.find_pictures(["[7].png"])) == ["[7].png"]  # a file of that name comes before a pattern
    assert predict("[7].png", "?.png")[0] == 0


def test_bad_files_give_an_error_each_and_the_rest_goes_on(cnn, samples, bad_files):
    good = str(samples.folder / "7_crossed.png")
    readings = list(
        files.read_pictures(partial(files.read_digit, Recognizer.load(cnn)), [good, *map(str, bad_files), good])
    )
    assert [reading.answer.digit for reading in (readings[0], readings[-1])] == [7, 7]
    for reading, (path, message) in zip(readings[1:-1], bad_files.items(), strict=True):
        assert (reading.path, reading.answer, reading.picture) == (str(path), None, None)
        assert message in reading.error
        assert "\n" not in reading.error


@pytest.mark.parametrize("error", [ZeroDivisionError("a\nb"), MemoryError(), RecursionError("deep"), KeyError("x")])
def test_a_picture_that_the_reader_breaks_on_spoils_no_other(cnn, samples, monkeypatch, predict, error):
    good, bad = str(samples.folder / "7_crossed.png"), str(samples.folder / "4_marker.png")
    show = files.show_stages

    content = (samples.folder / "4_marker.png").read_bytes()

    def fail_at_one(page):
        if page == content:
            raise error
        return show(page)

    monkeypatch.setattr(files, "show_stages", fail_at_one)
    status, out, err = predict(good, bad, good)
    assert (status, out.count("\n"), err.count("\n")) == (1, 2, 1)
    assert f"cannot be read: {type(error).__name__}" in err


def test_ctrl_c_at_a_picture_ends_the_batch(samples, monkeypatch, predict):
    def interrupt(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "show_stages", interrupt)
    assert predict(samples.folder) == (130, "", "interrupted\n")


def test_closed_standard_input_is_an_error_line(monkeypatch, predict):
    monkeypatch.setattr(sys, "stdin", None)
    assert predict("-") == (2, "", "digitrec: -: standard input is closed\n")


@pytest.mark.slow
def test_thousands_stream_in_bounded_memory(tmp_path, cnn, samples):
    """Each answer comes before the next picture is looked for, and 2,000 leave no more behind than 100 do."""
    data = io.BytesIO()
    Image.fromarray(to_mnist(samples.folder / "7_crossed.png")).save(data, "PNG")
    for i in range(2000):
        (tmp_path / f"{i}.png").write_bytes(data.getvalue())
    asked = 0

    def count(paths):
        nonlocal asked
        for path in paths:
            asked += 1
            yield path

    readings = files.read_pictures(
        partial(files.read_digit, Recognizer.load(cnn)), count(files.find_pictures([str(tmp_path)]))
    )
    tracemalloc.start()
    try:
        for i in range(2000):
            reading = next(readings)
            assert reading.path == str(tmp_path / f"{i}.png")
            assert asked == i + 1
            if i == 100:
                before, _ = tracemalloc.get_traced_memory()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 500_000  # 1,900 images of 28x28 alone are 1,500,000
