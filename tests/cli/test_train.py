import errno
import json
import os
import shutil

import numpy as np
import pytest

SMALL = [
    "--dataset=digits", "--epochs=2", "--filters=4/8/8", "--dense=16", "--drawn-digits=32", "--soiled-digits=32",
    "--non-digits=32", "--learning-rate=0.01",
]  # fmt: skip


@pytest.mark.slow
def test_train_then_evaluate(command, tmp_path):
    status, out, _ = command("train", "--name", "tiny", "--models", tmp_path, *SMALL)
    assert status == 0
    assert "epoch  2/2" in out
    folder = tmp_path / "tiny"
    status, out, _ = command("evaluate", folder)
    assert status == 0
    assert "digits" in out
    assert f"{folder}: metrics.json" in out
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["test"]["n"] == 360
    assert metrics["test"]["onnx"]["labels_flipped"] == 0
    assert metrics["training"]["epochs"] == 2
    assert {path.stem for path in (folder / "figures").glob("*.png")} >= {"accuracy", "loss", "confusion_counts"}
    status, out, _ = command("train", "--name", "tiny", "--models", tmp_path, *SMALL, "--epochs", "3", "--resume")
    assert status == 0
    assert "resumed after epoch 2 of 3" in out
    assert json.loads((folder / "metrics.json").read_text())["training"]["epochs"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "cnn"], "expected --data FOLDER"),
        (["--data", "absent", "--resume"], "cannot go with --resume"),
        (["--data", "absent", "--dataset", "digits"], "cannot go with --dataset"),
        (["--data", "absent", "--name", "x"], "absent: expected a folder"),
    ],
)
def test_wrong_use_is_one_clear_line_and_status_2(command, arguments, message):
    status, out, err = command("train", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_missing_data_is_one_clear_line(start, tmp_path):
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (tmp_path / f"{name}-ubyte").write_bytes(b"<html>")
    environment = {**os.environ, "DIGITREC_DATA_DIR": str(tmp_path)}
    done = start("train", "--models", tmp_path, text=True, env=environment)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "train-images-idx3-ubyte" in done.stderr


def test_own_pictures_reach_the_teacher_with_what_was_given_alone(tmp_path, monkeypatch, command):
    given = {}

    def teach(data, folder, model, replace, report, **settings):
        given.update(locals())
        report("held-out samples: 3 of 5 right before, 5 of 5 after")

    monkeypatch.setattr("digitrec.handwriting.teaching.teach", teach)
    arguments = ["--data", "own", "--from", "base", "--name", "me", "--models", tmp_path, "--epochs", "8", "--no-flip"]
    status, out, _ = command("train", *arguments)
    assert status == 0
    assert "5 of 5 after" in out
    assert (given["data"], given["folder"], given["model"]) == ("own", tmp_path / "me", "base")
    assert given["settings"] == {"epochs": 8, "flip": False}
    assert given["replace"] is False
    assert command("train", *arguments, "--replace")[0] == 0
    assert given["replace"] is True


# --- what is there already ----------------------------------------------------------------------


@pytest.fixture
def loader(monkeypatch):
    """Loading data, as far as a training gets here."""

    def load(*_):
        raise ValueError("data is loaded")

    monkeypatch.setattr("digitrec.workflow.load_split", load)


@pytest.mark.parametrize("teaching", [False, True])
def test_a_model_that_was_made_otherwise_is_replaced_only_when_told(
    command, tmp_path, monkeypatch, loader, cnn, teaching
):
    shutil.copytree(cnn, tmp_path / "mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    arguments = ["--models", tmp_path, *(["--data", tmp_path / "none", "--from", cnn] if teaching else [])]
    status, out, err = command("train", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "mine" in err
    assert "--replace" in err
    reached = "none: expected a folder" if teaching else "data is loaded"
    assert reached in command("train", *arguments, "--replace")[2]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_the_shipped_model_is_replaced_only_when_told(command, loader, pytestconfig):
    models = pytestconfig.rootpath / "models"
    err = command("train", "--name", "cnn", "--models", models)[2]
    assert "cnn comes with digitrec" in err
    assert "--replace" in err
    assert "data is loaded" in command("train", "--name", "cnn", "--models", models, "--replace")[2]


# --- a stop -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "start_of_line"),
    [
        (KeyboardInterrupt(), 130, "interrupted; "),
        (OSError(errno.ENOSPC, "No space left on device", "x.npz"), 2, "digitrec: x.npz: No space left on device; "),
        (MemoryError("too little"), 2, "digitrec: too little; "),
        (ModuleNotFoundError("none", name="tf2onnx"), 2, "digitrec: train needs tf2onnx: "),
    ],
)
@pytest.mark.parametrize("has_checkpoint", [False, True])
def test_a_training_that_stops_says_how_to_go_on(
    command, tmp_path, monkeypatch, error, status, start_of_line, has_checkpoint
):
    def train_model(folder, *_, **__):
        folder.mkdir()
        if has_checkpoint:
            np.savez(folder / "checkpoint.npz", epoch=1)
        raise error

    monkeypatch.setattr("digitrec.workflow.train_model", train_model)
    came, _, err = command("train", "--models", tmp_path)
    assert (came, err.count("\n")) == (status, 1)
    assert err.startswith(start_of_line.rstrip("; "))
    assert (f"saved in {tmp_path / 'mine'}: go on with --resume" in err) == has_checkpoint
    assert not has_checkpoint or err.startswith(start_of_line)
