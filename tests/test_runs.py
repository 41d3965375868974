import json
import shutil

import numpy as np
import pytest

from digitrec import runs
from digitrec.config import TrainConfig
from digitrec.recognizer import Recognizer

CONFIG = TrainConfig(filters=((4,), (4,)), dense=8)
HISTORY = {"accuracy": [0.5, 0.75], "loss": [1.5, 0.7]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("keras")
    from digitrec.networks import build_cnn

    metrics = {"dataset": "digits", "training": {"time_s": 60.0}, "temperature": 1.0, "threshold": 0.5}
    return runs.save_model(tmp_path_factory.mktemp("models") / "tiny", build_cnn(CONFIG), CONFIG, HISTORY, metrics)


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "tiny")


def test_what_was_saved_is_read_back(folder):
    assert runs.read_config(folder) == CONFIG
    assert runs.read_history(folder) == HISTORY
    metrics = runs.read_metrics(folder)
    assert metrics["name"] == "tiny"
    assert metrics["parameters"] == runs.load_model(folder).count_params()
    assert not [path for path in folder.rglob("*") if "part" in path.name]


def test_keras_and_onnx_agree(folder):
    x = np.random.default_rng(0).random((50, 28, 28, 1), np.float32)
    through_keras = runs.load_model(folder).predict(x, verbose=0)
    np.testing.assert_allclose(Recognizer.load(folder).run_network(x), through_keras, atol=1e-5)


@pytest.mark.parametrize("name", ["model.keras", "model.onnx"])
def test_changed_network_file_is_refused(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    load = runs.load_model if name == "model.keras" else Recognizer.load
    with pytest.raises(runs.ModelError, match=rf"{name} is damaged or foreign"):
        load(copy)


def test_missing_and_damaged_metrics_are_named(copy):
    (copy / "metrics.json").write_text("<html>")
    with pytest.raises(runs.ModelError, match=r"metrics\.json is no JSON"):
        Recognizer.load(copy)
    (copy / "metrics.json").unlink()
    with pytest.raises(runs.ModelError, match=r"metrics\.json is missing"):
        Recognizer.load(copy)


def test_model_is_found_by_path_and_by_name(copy, monkeypatch, tmp_path):
    assert runs.find_model(copy) == copy
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    shutil.move(copy, tmp_path / "models" / "moved")
    assert runs.find_model("moved").samefile(tmp_path / "models" / "moved")
    with pytest.raises(runs.ModelError, match="no model 'absent'"):
        runs.find_model("absent")


def test_failed_write_leaves_the_old_file(copy, monkeypatch):
    before = (copy / "metrics.json").read_bytes()

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runs.Path, "write_text", full_disk)
    with pytest.raises(OSError, match="No space"):
        runs.update_metrics(copy, note="lost")
    assert (copy / "metrics.json").read_bytes() == before
    assert not list(copy.glob(".part*"))


def test_table_lists_every_model(copy):
    runs.update_metrics(copy, test={"accuracy": 0.99, "accuracy_interval": [0.98, 0.995], "errors": 4, "n": 400})
    text = runs.write_models_table(copy.parent)
    assert (copy.parent / "README.md").read_text() == text
    assert "| [tiny](tiny/) | digits | 99.00% (98.00%–99.50%) | 4 of 400 |" in text


def test_metrics_are_plain_json(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    assert set(metrics["sha256"]) == {"model.keras", "model.onnx"}
    assert metrics["versions"]["keras"]
