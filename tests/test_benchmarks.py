"""The scripts that measure: their figures against figures counted by hand, and what they make of odd folders."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data" / "samples"
CNN = ROOT / "models" / "cnn"


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "benchmarks" / script, "--model", CNN, *arguments]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300)


def make_set(folder: Path, labels: str) -> Path:
    """Make a set of the samples and of a file that is no picture, under the given labels."""
    shutil.copytree(SAMPLES, folder)
    (folder / "text.png").write_text("seven")
    (folder / "labels.csv").write_text(labels, encoding="utf-8")
    return folder


@pytest.fixture
def draw_photo() -> Callable[..., Image.Image]:
    """A function: a digit and the grain of its paper to a picture of 200 by 200 pixels."""

    def draw(digit: int, grain: float) -> Image.Image:
        ink = Image.open(next(SAMPLES.glob(f"{digit}_*.png"))).convert("L").resize((200, 200))
        noise = np.random.default_rng(0).normal(0, grain, (200, 200))
        return Image.fromarray(np.clip(np.asarray(ink) * 0.6 + 60 + noise, 0, 255).astype(np.uint8))

    return draw


def test_figures_are_those_counted_by_hand(tmp_path):
    # Three are right; a blank, a wrong label and a text are not; the blank and the text are not answered.
    digits = "file,label\n0_canvas.png,0\n3_corner.png,3\n9_photo.jpg,9\nblank.png,0\n4_marker.png,5\ntext.png,7\n"
    make_set(tmp_path / "a", digits)
    make_set(tmp_path / "b", "file,label\nletter_k.png,k\nscribble.png,K\n8_tiny.png,x\n7_crossed.png,7\n")
    make_set(tmp_path / "c", 'file,label\n0_canvas.png,"14,3"\n3_corner.png,-31\n4_marker.png,7\n')
    (tmp_path / "README.md").touch()
    done = run("real_handwriting.py", tmp_path, "--json", tmp_path / "out.json")
    assert done.returncode == 0
    results = json.loads((tmp_path / "out.json").read_text())
    assert {"machine", "versions", "date", "commit"} <= set(results)
    assert set(results["sets"]) == {"a", "b", "c"}
    first, second, third = (results["sets"][name] for name in "abc")
    assert (first["pictures"], first["unreadable"], first["skipped"]) == (6, 1, 0)
    assert first["digits"]["accuracy"] == pytest.approx(3 / 6)
    assert first["digits"]["coverage"] == pytest.approx(4 / 6)
    assert first["digits"]["accuracy_answered"] == pytest.approx(3 / 4)
    assert second["digits"]["pictures"] == 1
    assert second["others"] == {"pictures": 3, "declined": pytest.approx(2 / 3)}
    assert third == {"pictures": 3, "skipped": 3, "unreadable": 0}
    assert results["mean_accuracy"] == pytest.approx((1 / 2 + 1) / 2)
    assert results["mean_declined"] == pytest.approx(2 / 3)
    # Five are sure and one of those is wrong; the blank is wrong at a confidence of a tenth.
    assert results["expected_calibration_error"] == pytest.approx((1 + 0.1) / 6, abs=0.01)
    assert [line.split(" | ")[0] for line in done.stdout.splitlines()[2:5]] == ["| a", "| b", "| c"]
    assert "3 numbers skipped" in done.stdout
    assert done.stderr.count("\n") == 1
    assert "text.png: picture: expected one of PNG" in done.stderr


def test_one_set_and_json_to_stdout():
    done = run("real_handwriting.py", SAMPLES, "--json", "-")
    figures = json.loads(done.stdout)["sets"]["samples"]
    assert (done.returncode, figures["digits"]["accuracy"], figures["others"]["declined"]) == (0, 1, 1)
    assert "| samples | 13 | 100.00%" in done.stderr


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "labels.csv: No such file"),
        ("", "found nothing"),
        ("name,digit\n0_canvas.png,0\n", "expected the header file,label, found name,digit"),
        ("file,label\n", "lists no picture"),
        ("file,label\ngone.png,3\n", "gone.png: picture: expected a file"),
        ("file,label\n\0,3\n", "picture: "),
    ],
)
def test_what_is_missing_is_one_clear_line_and_status_2_and_the_rest_is_measured(tmp_path, labels, message):
    make_set(tmp_path / "good", '\ufefflabel,File,note\n7, 7_crossed.png ,"crossed, 1"\n\nk,letter_k.png\n')
    folder = make_set(tmp_path / "odd", labels or "")
    if labels is None:
        (folder / "labels.csv").unlink()
    done = run("real_handwriting.py", tmp_path, "--json", "-")
    assert done.returncode == 2
    assert json.loads(done.stdout)["sets"]["good"]["digits"]["accuracy"] == 1
    complaints = [line for line in done.stderr.splitlines() if line.startswith("real_handwriting: ")]
    assert len(complaints) == 1
    assert message in complaints[0]
    assert "Traceback" not in done.stderr


def test_nothing_to_measure_is_one_clear_line_and_status_2(tmp_path):
    (tmp_path / "empty").mkdir()
    for arguments in ([tmp_path / "absent"], [tmp_path / "empty"], [tmp_path], [SAMPLES, "--model", "absent"]):
        done = run("real_handwriting.py", *arguments)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.slow
def test_inference_measures_and_names_the_machine(tmp_path):
    output = tmp_path / "inference.json"
    done = run("inference.py", "--repeats", 1, "--no-keras", "--output", output)
    assert done.returncode in (0, 1)  # 1: a target is missed, as on a busy machine
    assert "Traceback" not in done.stderr
    results = json.loads(output.read_text())
    assert results["machine"]["processor"] in done.stdout
    rows = {row["what"]: row for row in results["rows"]}
    assert all(row["digitrec"] > 0 for row in results["rows"])
    assert rows["one 28×28 array"]["digitrec"] < rows["photo of 12 megapixels"]["digitrec"]
    missed = [row for row in results["rows"] if row.get("met") is False]
    assert done.stdout.count("**missed**") == len(missed)
    assert done.returncode == bool(missed)


@pytest.mark.slow
def test_damage_is_the_same_at_every_run_and_only_photos_of_paper_are_taken(tmp_path, draw_photo):
    folder = tmp_path / "photos"
    folder.mkdir()
    draw_photo(7, grain=3).save(folder / "seven.png")
    draw_photo(7, grain=0).save(folder / "drawing.png")
    (folder / "labels.csv").write_text("file,label\nseven.png,7\ndrawing.png,7\n")
    arguments = (folder, "--variants", "1", "--json", tmp_path / "out.json")
    first, results = run("damage.py", *arguments), json.loads((tmp_path / "out.json").read_text())
    assert (first.returncode, results["photos"]) == (0, 1)
    assert len(results["damages"]) == 12
    assert results["damages"]["undamaged"] == {"pictures": 1, "right": 1, "answered": 1, "surely_wrong": 0}
    assert run("damage.py", *arguments).stdout == first.stdout
    (folder / "labels.csv").write_text("file,label\ndrawing.png,7\n")
    done = run("damage.py", *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "expected photos of paper, found none" in done.stderr


@pytest.mark.slow
@pytest.mark.mnist
def test_damaged_numbers_are_the_same_at_every_run_and_read_for_the_most_part(tmp_path, mnist):
    arguments = ("--model", ROOT / "models" / "numbers", "--numbers", 12, "--json", tmp_path / "out.json")
    first = run("number_damage.py", *arguments)
    assert first.returncode == 0, first.stderr
    damages = json.loads((tmp_path / "out.json").read_text())["damages"]
    assert first.stdout.count("\n| ") == 1 + len(damages)
    assert damages["undamaged"]["right"] >= 10 / 12
    assert damages["a form's field, thick"]["right"] >= 9 / 12
    assert damages["turned by 30 degrees"]["right"] >= 9 / 12
    assert run("number_damage.py", *arguments).stdout == first.stdout


@pytest.mark.slow
@pytest.mark.mnist
def test_several_digits_are_called_so_and_one_is_not(tmp_path, mnist):
    done = run("strings.py", "--pictures", 50, "--output", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "out.json").read_text())
    assert {name: one["pictures"] for name, one in results["strings"].items()} == {
        "touching": 50, "apart": 50, "far apart": 50,
    }  # fmt: skip
    assert [one["pictures"] for one in results["single"].values()] == [500, 500]
    assert results["share_called_several"]["strings"] > 0.9
    assert results["share_called_several"]["single"] < 0.01


def test_a_trainings_time_is_that_before_its_first_epoch_and_all_its_epochs():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from training import summarise
    finally:
        sys.path.pop(0)
    runs = [
        {"first_s": 30.0, "others_s": [10.0, 12.0], "epochs": 8},
        {"first_s": 34.0, "others_s": [11.0, 30.0], "epochs": 8},
    ]
    assert summarise(runs) == {"training_s": 112.5, "before_first_epoch_s": 20.5, "epoch_s": 11.5, "epochs": 8}
