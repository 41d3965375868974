import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitrec import batch, cli
from digitrec.preprocessing import to_mnist
from digitrec.recognizer import Recognizer

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data" / "samples"
CNN = str(ROOT / "models" / "cnn")
COMMAND = [sys.executable, "-m", "digitrec.cli", "predict", "--model", CNN]
with (SAMPLES / "labels.csv").open(newline="") as table:
    LABELS = {row["file"]: row["label"] for row in csv.DictReader(table)}
DIGITS = {file: int(label) for file, label in LABELS.items() if label.isdigit()}
needs_posix = pytest.mark.skipif(os.name != "posix", reason="file names and signals of POSIX")


def predict(capsys, *arguments):
    """Run the command in this process; return its status and what it wrote."""
    status = cli.main(["predict", "--model", CNN, *map(str, arguments)])
    return status, *capsys.readouterr()


def run(*arguments, **options):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, timeout=60, **options)


def copy_sample(path, name="7_crossed.png"):
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SAMPLES / name, path)
    return path


@pytest.fixture
def bad_files(tmp_path):
    """One of each kind, by name, with a part of the message that it gives."""
    whole = (SAMPLES / "7_crossed.png").read_bytes()
    (tmp_path / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("a seven")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder").mkdir()
    return {
        tmp_path / "truncated.png": "damaged or cut short",
        tmp_path / "text.png": "expected one of PNG",
        tmp_path / "empty.png": "expected 1 to",
        tmp_path / "folder": "a folder without pictures",
        tmp_path / "missing.png": "No such file",
        tmp_path / "none-*.png": "No such file",
    }


def test_reads_every_sample_as_labelled_and_declines_the_others(capsys):
    status, out, err = predict(capsys, "--json", SAMPLES)
    entries = {os.path.basename(entry["path"]): entry for entry in map(json.loads, out.splitlines())}
    assert (status, err) == (0, "")
    assert list(entries) == sorted(LABELS)
    assert {file: entries[file]["digit"] for file in LABELS} == {file: DIGITS.get(file) for file in LABELS}
    for entry in entries.values():
        assert len(entry["probabilities"]) == 10
        assert sum(entry["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert entry["confidence"] == max(entry["probabilities"])
        assert (entry["reason"] is None) == (entry["digit"] is not None)
        assert entry["error"] is None


def test_a_line_for_people_holds_path_digit_confidence_and_reason(capsys):
    status, out, _ = predict(capsys, SAMPLES / "7_crossed.png", SAMPLES / "blank.png")
    seven, blank = out.splitlines()
    assert status == 0
    assert seven.split()[:3] == [str(SAMPLES / "7_crossed.png"), "7", "99.9"]
    assert blank.split()[1:] == ["–", "10.0", "%", "blank:", "no", "ink", "found"]


def test_bad_files_are_a_line_each_and_the_rest_goes_on(capsys, bad_files):
    good = SAMPLES / "7_crossed.png", SAMPLES / "4_marker.png"
    status, out, err = predict(capsys, good[0], *bad_files, good[1])
    assert status == 1
    assert [line.split()[0] for line in out.splitlines()] == list(map(str, good))
    assert len(err.splitlines()) == len(bad_files)
    for line, (path, message) in zip(err.splitlines(), bad_files.items(), strict=True):
        assert line.startswith(f"digitrec: {path}: ")
        assert message in line

    status, out, _ = predict(capsys, "--json", good[0], *bad_files)
    entries = [json.loads(line) for line in out.splitlines()]
    assert status == 1
    assert [entry["path"] for entry in entries] == [str(path) for path in (good[0], *bad_files)]
    assert [entry["error"] is None for entry in entries] == [True] + [False] * len(bad_files)
    assert predict(capsys, *bad_files)[0] == 2


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read everything")
def test_what_may_not_be_read_says_so(capsys, tmp_path):
    copy_sample(tmp_path / "a.png").chmod(0)
    copy_sample(tmp_path / "closed" / "b.png")
    (tmp_path / "closed").chmod(0)
    try:
        status, out, err = predict(capsys, tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert (status, out, len(err.splitlines())) == (2, "", 2)
    assert all("Permission denied" in line for line in err.splitlines())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "PATH"),
        (["--model", "absent", "x.png"], "no model 'absent'"),
        (["--json", "--csv", "x.png"], "not allowed with"),
        (["--top", "11", "x.png"], "--top"),
        (["--top", "0", "x.png"], "--top"),
    ],
)
def test_wrong_use_is_one_clear_line_and_status_2(arguments, message):
    done = run(*arguments, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_standard_input(tmp_path):
    data = (SAMPLES / "9_photo.jpg").read_bytes()
    done = run("--json", "-", input=data)
    entry = json.loads(done.stdout)
    assert (done.returncode, entry["path"], entry["digit"]) == (0, "-", 9)
    for bad in (b"", b"a nine", data[:2000]):
        done = run("-", input=bad)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith(b"digitrec: -: ")


# --- finding pictures ---------------------------------------------------------------------------


def test_folders_are_searched_in_natural_order(tmp_path):
    names = ["2.png", "10.PNG", "a1.jpeg", "sub/1.tif", "sub/9/1.gif", "sub/10/1.webp", "sub2/1.bmp"]
    for name in [*names, "notes.txt", ".hidden.png", ".git/1.png", "skipped/1.png"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = list(batch.find_pictures([str(tmp_path)], skipped=str(tmp_path / "skipped")))
    assert [os.path.relpath(path, tmp_path).replace(os.sep, "/") for path in found] == names


@needs_posix
def test_links_in_a_folder_never_lead_round_in_circles(tmp_path):
    (tmp_path / "1.png").touch()
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "2.png").symlink_to(tmp_path / "gone")
    assert list(batch.find_pictures([str(tmp_path)])) == [str(tmp_path / "1.png"), str(tmp_path / "2.png")]


def test_patterns_that_no_shell_expanded(capsys, tmp_path, monkeypatch):
    for name in ("3.png", "20.png", "deep/er/1.png", "[7].png"):
        copy_sample(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    join = os.path.join
    assert list(batch.find_pictures(["*0.png", "?.png"])) == ["20.png", "3.png"]
    assert list(batch.find_pictures(["[0-9]*.png"])) == ["3.png", "20.png"]
    assert list(batch.find_pictures(["**/1.png"])) == [join("deep", "er", "1.png")]
    assert list(batch.find_pictures(["d*"])) == [join("deep", "er", "1.png")]
    assert list(batch.find_pictures(["[7].png"])) == ["[7].png"]  # a file of that name comes before a pattern
    assert predict(capsys, "[7].png", "?.png")[0] == 0


@needs_posix
@pytest.mark.parametrize(
    "name", ["a b.png", "sieben-七.png", "new\nline.png", 'q"uo,te.png', "re\rturn.png", "\x1b[2J.png"]
)
def test_odd_names_come_back_whole_from_json_and_csv_and_harmless_in_text(capsys, tmp_path, name):
    path = str(copy_sample(tmp_path / name))
    assert json.loads(predict(capsys, "--json", path)[1])["path"] == path
    rows = list(csv.DictReader(io.StringIO(predict(capsys, "--csv", path)[1], newline="")))
    assert [(row["path"], row["digit"]) for row in rows] == [(path, "7")]
    text = predict(capsys, path)[1]
    assert text.count("\n") == 1
    assert text[:-1].isprintable()
    os.truncate(path, 100)
    err = predict(capsys, path)[2]
    assert err.count("\n") == 1
    assert err[:-1].isprintable()


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_a_name_that_is_no_text_comes_back_byte_for_byte(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff\xe9.png"
    shutil.copyfile(SAMPLES / "7_crossed.png", path)
    assert path in run("--csv", tmp_path).stdout
    assert os.fsencode(json.loads(run("--json", tmp_path).stdout)["path"]) == path
    assert b"\\udcff\\udce9.png" in run(tmp_path).stdout


# --- formats ------------------------------------------------------------------------------------


def test_csv_says_what_json_says(capsys, bad_files):
    paths = SAMPLES, *bad_files
    _, lines, _ = predict(capsys, "--json", "--top", 2, *paths)
    _, table, _ = predict(capsys, "--csv", "--top", 2, *paths)
    entries, rows = list(map(json.loads, lines.splitlines())), list(csv.DictReader(io.StringIO(table)))
    assert len(entries) == len(rows) == len(LABELS) + len(bad_files)
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


def test_top_digits_are_the_most_probable_in_order(capsys):
    entry = json.loads(predict(capsys, "--json", "--top", 10, SAMPLES / "letter_k.png")[1])
    assert sorted(ranked["digit"] for ranked in entry["top"]) == list(range(10))
    assert [ranked["probability"] for ranked in entry["top"]] == sorted(entry["probabilities"], reverse=True)
    assert all(entry["probabilities"][ranked["digit"]] == ranked["probability"] for ranked in entry["top"])
    first, second = entry["top"][:2]
    text = predict(capsys, "--top", 2, SAMPLES / "letter_k.png")[1]
    assert f"[{first['digit']} {100 * first['probability']:.1f} %, {second['digit']} " in text
    assert text.count(",") == 1


# --- annotated copies ---------------------------------------------------------------------------


def test_annotated_copies_are_pngs_of_unique_names_and_overwrite_nothing(capsys, tmp_path, monkeypatch, bad_files):
    for name in ("a/7.png", "b/7.jpg", "b/8.png"):
        copy_sample(tmp_path / name)
    folder = tmp_path / "b" / "out"
    folder.mkdir()
    (folder / "8.png").write_bytes(b"of the user")
    copied = {path: path.read_bytes() for path in tmp_path.rglob("*.*g")}
    arguments = "--annotate", folder, tmp_path / "a", tmp_path / "b", SAMPLES / "blank.png", *bad_files
    assert predict(capsys, *arguments)[0] == 1
    names = {"7.png", "7-2.png", "8.png", "8-2.png", "blank.png"}
    assert {path.name for path in folder.iterdir()} == names
    for name in names - {"8.png"}:
        with Image.open(folder / name) as image:
            image.load()
            assert (image.format, image.size) == ("PNG", (620, 400))
    assert predict(capsys, *arguments)[0] == 1  # again: its own copies are not read
    assert {path.name for path in folder.iterdir()} == names | {"7-3.png", "7-4.png", "8-3.png", "blank-2.png"}
    assert {path: path.read_bytes() for path in copied} == copied

    status, out, err = predict(capsys, "--annotate", tmp_path / "b", tmp_path / "b")
    assert (status, out) == (2, "")
    assert "expected another folder" in err
    monkeypatch.chdir(tmp_path)
    assert predict(capsys, "--annotate", "b", "a/7.png")[0] == 0
    assert (tmp_path / "b" / "7.png").exists()


def test_an_annotated_copy_shows_the_picture_what_was_seen_and_the_answer():
    recognizer = Recognizer.load(CNN)
    seven, blank = (
        next(batch.read_pictures(recognizer, [str(SAMPLES / name)])) for name in ("7_crossed.png", "blank.png")
    )
    sheet = np.asarray(batch.draw_reading(seven).convert("L"))
    seen = sheet[20:300, 320:600].reshape(28, 10, 28, 10)
    assert (seen[:, 0, :, 0] == seven.answer.image).all()
    assert len(np.unique(sheet[20:300, 20:300])) > 2
    below = sheet[310:390], np.asarray(batch.draw_reading(blank).convert("L"))[310:390]
    assert (below[0] != below[1]).any()


def test_an_annotation_folder_that_cannot_be_made_is_one_clear_line(capsys, tmp_path):
    (tmp_path / "file").touch()
    status, out, err = predict(capsys, "--annotate", tmp_path / "file", SAMPLES)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert str(tmp_path / "file") in err


# --- many pictures ------------------------------------------------------------------------------


def test_thousands_stream_in_bounded_memory(tmp_path):
    """Each answer comes before the next picture is looked for, and 2,000 leave no more behind than 100 do."""
    data = io.BytesIO()
    Image.fromarray(to_mnist(SAMPLES / "7_crossed.png")).save(data, "PNG")
    for i in range(2000):
        (tmp_path / f"{i}.png").write_bytes(data.getvalue())
    asked = 0

    def count(paths):
        nonlocal asked
        for path in paths:
            asked += 1
            yield path

    readings = batch.read_pictures(Recognizer.load(CNN), count(batch.find_pictures([str(tmp_path)])))
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


@needs_posix
def test_a_reader_that_leaves_early_and_a_stop_are_quiet(tmp_path):
    for i in range(50):
        copy_sample(tmp_path / f"{i}.png", "3_corner.png")
    arguments = [*COMMAND, *[str(tmp_path)] * 20]
    running = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert b"0.png" in running.stdout.readline()
    running.stdout.close()
    assert (running.stderr.read(), running.wait(60)) == (b"", 0)
    running.stderr.close()

    # A background job of a shell passes on that it ignores Ctrl-C; this one must not.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    running = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heed)
    running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (130, b"interrupted\n")


@needs_posix
def test_progress_is_rare_on_a_terminal_only_and_leaves_no_trace(tmp_path):
    import pty

    for i in range(300):
        copy_sample(tmp_path / f"{i}.png", "3_corner.png")
    (tmp_path / "301.png").touch()
    master, slave = pty.openpty()
    start = time.monotonic()
    with (tmp_path / "out.txt").open("wb") as out:
        running = subprocess.Popen([*COMMAND, str(tmp_path)], stdout=out, stderr=slave)
        os.close(slave)
        text = b""
        try:
            while part := os.read(master, 4096):
                text += part
        except OSError:  # Linux: the other end was closed
            pass
        os.close(master)
    assert running.wait(60) == 1
    counts, _, error = text.decode().partition("\r\033[K")
    assert counts.startswith("\r")
    assert " of 301 pictures, " in counts
    assert counts.count("\r") <= (time.monotonic() - start) / batch.Progress.interval_s
    assert error.startswith("digitrec: ")
    assert error.count("\n") == 1


def test_reading_a_picture_loads_nothing_of_the_workshop():
    code = (
        "import sys; from digitrec import cli; status = cli.main(sys.argv[1:]);"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        "& {'keras', 'tensorflow', 'sklearn', 'scipy', 'matplotlib', 'seaborn', 'pooch', 'pandas'}), status)"
    )
    arguments = ["predict", "--model", CNN, str(SAMPLES / "7_crossed.png")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[] 0"
