import csv
import errno
import io
import json
import os
from functools import partial

import numpy as np
import pytest
from PIL import Image

from digitrec.calibration import format_confidence
from digitrec.cli import answers, files
from digitrec.recognizer import Recognizer


@pytest.fixture
def seven(cnn, samples):
    """What was read in a picture of a seven."""
    return next(
        files.read_pictures(partial(files.read_digit, Recognizer.load(cnn)), [str(samples.folder / "7_crossed.png")])
    )


def test_csv_says_what_json_says(predict, samples, bad_files):
    paths = samples.folder, *bad_files
    _, lines, _ = predict("--json", "--top", 2, *paths)
    _, table, _ = predict("--csv", "--top", 2, *paths)
    entries, rows = list(map(json.loads, lines.splitlines())), list(csv.DictReader(io.StringIO(table)))
    assert len(entries) == len(rows) == len(samples.labels) + len(bad_files)
    for entry, row in zip(entries, rows, strict=True):
        assert None not in row
        for key in ("path", "reason", "error"):
            assert row[key] == (entry[key] or "")
        assert row["digit"] == ("" if entry["digit"] is None else str(entry["digit"]))
        if entry["error"] is None:
            assert float(row["confidence"]) == entry["confidence"]
            assert [float(row[f"p{digit}"]) for digit in range(10)] == entry["probabilities"]
            top = [{"digit": int(row[f"digit_{i}"]), "probability": float(row[f"probability_{i}"])} for i in (1, 2)]
            assert top == entry["top"]


def test_top_digits_are_the_most_probable_in_order(predict, samples):
    entry = json.loads(predict("--json", "--top", 10, samples.folder / "letter_k.png")[1])
    assert sorted(ranked["digit"] for ranked in entry["top"]) == list(range(10))
    assert [ranked["probability"] for ranked in entry["top"]] == sorted(entry["probabilities"], reverse=True)
    assert all(entry["probabilities"][ranked["digit"]] == ranked["probability"] for ranked in entry["top"])
    first, second = entry["top"][:2]
    text = predict("--top", 2, samples.folder / "letter_k.png")[1]
    assert f"[{first['digit']} {format_confidence(first['probability'])}, {second['digit']} " in text
    assert text.count(",") == 1


# --- annotated copies ---------------------------------------------------------------------------


def test_annotated_copies_are_pngs_of_unique_names_and_overwrite_nothing(
    predict, tmp_path, monkeypatch, samples, bad_files, copy_sample
):
    for name in ("a/7.png", "b/7.jpg", "b/8.png"):
        copy_sample(tmp_path / name)
    folder = tmp_path / "b" / "out"
    folder.mkdir()
    (folder / "8.png").write_bytes(b"of the user")
    copied = {path: path.read_bytes() for path in tmp_path.rglob("*.*g")}
    arguments = "--annotate", folder, tmp_path / "a", tmp_path / "b", samples.folder / "blank.png", *bad_files
    assert predict(*arguments)[0] == 1
    names = {"7.png", "7-2.png", "8.png", "8-2.png", "blank.png"}
    assert {path.name for path in folder.iterdir()} == names
    for name in names - {"8.png"}:
        with Image.open(folder / name) as image:
            image.load()
            assert (image.format, image.size) == ("PNG", (620, 400))
    assert predict(*arguments)[0] == 1  # again: its own copies are not read
    assert {path.name for path in folder.iterdir()} == names | {"7-3.png", "7-4.png", "8-3.png", "blank-2.png"}
    assert {path: path.read_bytes() for path in copied} == copied

    status, out, err = predict("--annotate", tmp_path / "b", tmp_path / "b")
    assert (status, out) == (2, "")
    assert "expected another folder" in err
    monkeypatch.chdir(tmp_path)
    assert predict("--annotate", "b", "a/7.png")[0] == 0
    assert (tmp_path / "b" / "7.png").exists()


def test_an_annotated_copy_shows_the_picture_what_was_seen_and_the_answer(cnn, samples, seven):
    blank = next(
        files.read_pictures(partial(files.read_digit, Recognizer.load(cnn)), [str(samples.folder / "blank.png")])
    )
    sheet = np.asarray(answers.draw_reading(seven).convert("L"))
    seen = sheet[20:300, 320:600].reshape(28, 10, 28, 10)
    assert (seen[:, 0, :, 0] == seven.answer.image).all()
    assert len(np.unique(sheet[20:300, 20:300])) > 2
    below = sheet[310:390], np.asarray(answers.draw_reading(blank).convert("L"))[310:390]
    assert (below[0] != below[1]).any()


def test_an_annotation_folder_that_cannot_be_made_is_one_clear_line(predict, tmp_path, samples):
    (tmp_path / "file").touch()
    status, out, err = predict("--annotate", tmp_path / "file", samples.folder)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert str(tmp_path / "file") in err


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
@pytest.mark.parametrize("most_bytes", [0, 1, 1000])
def test_a_disk_that_fills_up_leaves_no_part_of_a_copy_and_is_named(tmp_path, start, samples, cnn, most_bytes):
    import resource

    folder = tmp_path / "out"
    done = start(
        "predict", "--model", cnn, "--annotate", folder, samples.folder / "7_crossed.png", text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes)),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"digitrec: {folder}: {os.strerror(errno.EFBIG)}\n"
    assert not list(folder.iterdir())


@pytest.mark.parametrize("taken", [False, True])
def test_copies_are_whole_and_overwrite_nothing_where_there_are_no_links(tmp_path, monkeypatch, seven, taken):
    def refuse(*paths):
        raise PermissionError(errno.EPERM, "Operation not permitted", *paths)

    monkeypatch.setattr(os, "link", refuse)
    if taken:
        (tmp_path / "7_crossed.png").write_bytes(b"of the user")
    path = answers.Annotator(str(tmp_path), answers.draw_reading).save(seven)
    assert path.name == ("7_crossed-2.png" if taken else "7_crossed.png")
    with Image.open(path) as image:
        image.load()
    assert {other.name for other in tmp_path.iterdir()} == {"7_crossed.png", path.name}
    assert not taken or (tmp_path / "7_crossed.png").read_bytes() == b"of the user"
