import json
import os
import subprocess
import sys

import pytest

from digitrec import cli

SMALL = [
    "--dataset=digits", "--epochs=2", "--filters=4/8/8", "--dense=16", "--drawn-digits=32", "--soiled-digits=32",
    "--non-digits=32", "--learning-rate=0.01",
]  # fmt: skip


@pytest.mark.slow
def test_train_then_evaluate(tmp_path, capsys):
    assert cli.main(["train", "--name", "tiny", "--models", str(tmp_path), *SMALL]) == 0
    assert "epoch  2/2" in capsys.readouterr().out
    folder = tmp_path / "tiny"
    assert cli.main(["evaluate", str(folder)]) == 0
    assert "digits" in capsys.readouterr().out
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["test"]["n"] == 360
    assert metrics["test"]["onnx"]["labels_flipped"] == 0
    assert metrics["training"]["epochs"] == 2
    assert {path.stem for path in (folder / "figures").glob("*.png")} >= {"accuracy", "loss", "confusion_counts"}
    assert not (folder / "checkpoint.npz").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "absent"], "no model 'absent'"),
        (["train", "--epochs", "many"], "invalid int value: 'many'"),
        (["train", "--filters", "8;8"], "expected numbers such as"),
        (["train", "--from", "cnn"], "expected --data FOLDER"),
        (["train", "--data", "absent", "--resume"], "cannot go with --resume"),
        (["train", "--data", "absent", "--name", "x"], "absent: expected a folder"),
        (["teach"], "invalid choice: 'teach'"),
    ],
)
def test_wrong_use_is_one_clear_line_and_status_2(arguments, message):
    done = subprocess.run([sys.executable, "-m", "digitrec.cli", *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_missing_data_is_one_clear_line(tmp_path):
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (tmp_path / f"{name}-ubyte").write_bytes(b"<html>")
    environment = {**os.environ, "DIGITREC_DATA_DIR": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-m", "digitrec.cli", "train", "--models", str(tmp_path)],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert done.returncode == 2
    assert "train-images-idx3-ubyte" in done.stderr
    assert "Traceback" not in done.stderr


def test_own_pictures_reach_the_teacher_with_what_was_given_alone(tmp_path, monkeypatch, capsys):
    given = {}

    def teach(data, folder, model, report, **settings):
        given.update(locals())
        report("held-out samples: 3 of 5 right before, 5 of 5 after")

    monkeypatch.setattr("digitrec.personal.teach", teach)
    arguments = ["--data", "own", "--from", "base", "--name", "me", "--models", str(tmp_path), "--epochs", "8"]
    assert cli.main(["train", *arguments, "--no-flip"]) == 0
    assert "5 of 5 after" in capsys.readouterr().out
    assert (given["data"], given["folder"], given["model"]) == ("own", tmp_path / "me", "base")
    assert given["settings"] == {"epochs": 8, "flip": False}


def test_help_names_every_setting(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "--learning-rate" in text
    assert "--no-flip" in text
