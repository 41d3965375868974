import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from digitrec.cli.console import Progress
from digitrec.preprocessing.decoding import SUFFIXES

needs_posix = pytest.mark.skipif(os.name != "posix", reason="file names and signals of POSIX")


def test_reads_every_sample_as_labelled_and_declines_the_others(predict, samples):
    status, out, err = predict("--json", samples.folder)
    entries = {os.path.basename(entry["path"]): entry for entry in map(json.loads, out.splitlines())}
    assert (status, err) == (0, "")
    assert list(entries) == sorted(samples.labels)
    for file, label in samples.labels.items():
        assert entries[file]["digit"] == (int(label) if label.isdigit() else None)
    for entry in entries.values():
        assert len(entry["probabilities"]) == 10
        assert sum(entry["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert entry["confidence"] == max(entry["probabilities"])
        assert (entry["reason"] is None) == (entry["digit"] is not None)
        assert entry["error"] is None


def test_a_line_for_people_holds_path_digit_confidence_and_reason(predict, samples):
    status, out, _ = predict(samples.folder / "7_crossed.png", samples.folder / "blank.png")
    seven, blank = out.splitlines()
    assert status == 0
    path, digit, confidence, per_cent = seven.split()
    assert (path, digit, per_cent) == (str(samples.folder / "7_crossed.png"), "7", "%")
    assert float(confidence.removeprefix(">")) >= 99.9
    assert blank.split()[1:] == ["–", "10.0", "%", "blank:", "no", "ink", "found"]


def test_bad_files_are_a_line_each_and_the_rest_goes_on(predict, samples, bad_files):
    good = samples.folder / "7_crossed.png", samples.folder / "4_marker.png"
    status, out, err = predict(good[0], *bad_files, good[1])
    assert status == 1
    assert [line.split()[0] for line in out.splitlines()] == list(map(str, good))
    assert len(err.splitlines()) == len(bad_files)
    for line, (path, message) in zip(err.splitlines(), bad_files.items(), strict=True):
        assert line.startswith(f"digitrec: {path}: ")
        assert message in line

    status, out, _ = predict("--json", good[0], *bad_files)
    entries = [json.loads(line) for line in out.splitlines()]
    assert status == 1
    assert [entry["path"] for entry in entries] == [str(path) for path in (good[0], *bad_files)]
    assert [entry["error"] is None for entry in entries] == [True] + [False] * len(bad_files)
    assert predict(*bad_files)[0] == 2


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read everything")
def test_what_may_not_be_read_says_so(predict, tmp_path, copy_sample):
    copy_sample(tmp_path / "a.png").chmod(0)
    copy_sample(tmp_path / "closed" / "b.png")
    (tmp_path / "closed").chmod(0)
    try:
        status, out, err = predict(tmp_path)
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
def test_wrong_use_is_one_clear_line_and_status_2(command, arguments, message):
    status, out, err = command("predict", *arguments)
    assert (status, out) == (2, "")
    assert message in err.splitlines()[-1]


def test_help_lists_the_formats_that_folders_are_searched_for(command):
    status, out, _ = command("predict", "--help")
    assert status == 0
    assert set(SUFFIXES) <= set(out.replace(". Exit", " Exit").split())


def test_standard_input(start, cnn, samples):
    data = (samples.folder / "9_photo.jpg").read_bytes()
    done = start("predict", "--model", cnn, "--json", "-", input=data)
    entry = json.loads(done.stdout)
    assert (done.returncode, entry["path"], entry["digit"]) == (0, "-", 9)
    for bad in (b"", b"a nine", data[:2000]):
        done = start("predict", "--model", cnn, "-", input=bad)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith(b"digitrec: -: ")


# --- names --------------------------------------------------------------------------------------


@needs_posix
@pytest.mark.parametrize(
    "name", ["a b.png", "sieben-七.png", "new\nline.png", 'q"uo,te.png', "re\rturn.png", "\x1b[2J.png"]
)
def test_odd_names_come_back_whole_from_json_and_csv_and_harmless_in_text(predict, tmp_path, copy_sample, name):
    path = str(copy_sample(tmp_path / name))
    assert json.loads(predict("--json", path)[1])["path"] == path
    rows = list(csv.DictReader(io.StringIO(predict("--csv", path)[1], newline="")))
    assert [(row["path"], row["digit"]) for row in rows] == [(path, "7")]
    text = predict(path)[1]
    assert text.count("\n") == 1
    assert text[:-1].isprintable()
    os.truncate(path, 100)
    err = predict(path)[2]
    assert err.count("\n") == 1
    assert err[:-1].isprintable()


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_a_name_that_is_no_text_comes_back_byte_for_byte(tmp_path, start, cnn, samples):
    path = os.fsencode(tmp_path) + b"/\xff\xe9.png"
    shutil.copyfile(samples.folder / "7_crossed.png", path)
    run = partial(start, "predict", "--model", cnn)
    assert path in run("--csv", tmp_path).stdout
    assert os.fsencode(json.loads(run("--json", tmp_path).stdout)["path"]) == path
    assert b"\\udcff\\udce9.png" in run(tmp_path).stdout


# --- many pictures ------------------------------------------------------------------------------


@needs_posix
def test_a_reader_that_leaves_early_and_a_stop_are_quiet(tmp_path, cnn, copy_sample):
    for i in range(50):
        copy_sample(tmp_path / f"{i}.png", "3_corner.png")
    arguments = [sys.executable, "-m", "digitrec", "predict", "--model", cnn, *[str(tmp_path)] * 20]
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
@pytest.mark.slow
def test_progress_is_rare_on_a_terminal_only_and_leaves_no_trace(tmp_path, cnn, copy_sample):
    import pty

    for i in range(300):
        copy_sample(tmp_path / f"{i}.png", "3_corner.png")
    (tmp_path / "301.png").touch()
    master, slave = pty.openpty()
    begin = time.monotonic()
    with (tmp_path / "out.txt").open("wb") as out:
        arguments = [sys.executable, "-m", "digitrec", "predict", "--model", cnn, str(tmp_path)]
        running = subprocess.Popen(arguments, stdout=out, stderr=slave)
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
    assert counts.count("\r") <= (time.monotonic() - begin) / Progress.interval_s
    assert error.startswith("digitrec: ")
    assert error.count("\n") == 1


def test_reading_a_picture_loads_nothing_of_the_workshop(cnn, samples):
    code = (
        "import sys; from digitrec import cli; status = cli.main(sys.argv[1:]);"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        "& {'keras', 'tensorflow', 'sklearn', 'scipy', 'matplotlib', 'seaborn', 'pooch', 'pandas'}), status)"
    )
    arguments = ["predict", "--model", cnn, str(samples.folder / "7_crossed.png")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[] 0"
