"""The steps in one call each, on the bundled digits: what they write, where, and what they refuse."""

import json
from dataclasses import replace

import pytest

from digitrec import model_folder, records, saving, workflow
from digitrec.config import TrainConfig

pytest.importorskip("keras")
SMALL = TrainConfig(
    epochs=2, batch_size=64, filters=((4,), (8,)), dense=16, learning_rate=0.01, precision="float32",
    drawn_digits=0, soiled_digits=0, strings=0, non_digits=0,
)  # fmt: skip


def quiet(line):
    pass


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "small"
    workflow.train_model(folder, SMALL, "digits", report=quiet)
    return folder


@pytest.mark.slow
def test_a_training_writes_a_model_folder_that_says_what_it_is(trained):
    metrics = model_folder.read_metrics(trained)
    assert (metrics["name"], metrics["dataset"], metrics["published"]) == ("small", "digits", True)
    assert metrics["maker"] == workflow.MAKER
    assert metrics["training"]["images"] == 1318
    assert metrics["validation"]["n"] == 119
    assert {"machine", "versions", "date", "commit", "sha256"} <= set(metrics)
    assert model_folder.read_config(trained) == SMALL
    assert sorted(path.name for path in (trained / "figures").iterdir()) == ["accuracy.png", "loss.png"]
    assert (trained / "checkpoint.npz").exists()  # from which it can go on for more epochs


@pytest.mark.slow
def test_an_evaluation_adds_the_test_set_and_draws(trained, tmp_path):
    metrics, figures = workflow.evaluate_model(trained, results=tmp_path)
    assert metrics["test"]["n"] == 360
    assert metrics["test"]["onnx"]["labels_flipped"] == 0
    assert metrics["test"]["onnx"]["largest_difference"] < 1e-5
    assert 0 <= metrics["test"]["declined"] < 1
    assert json.loads((tmp_path / "metrics.json").read_text())["test"] == metrics["test"]
    assert {f"{name}.png" for name in figures} == {path.name for path in (tmp_path / "figures").iterdir()}
    assert "test" not in model_folder.read_metrics(trained)


@pytest.mark.slow
def test_only_what_a_training_made_is_replaced_by_one(trained, tmp_path):
    workflow.train_model(trained, replace(SMALL, epochs=1), "digits", report=quiet)
    assert model_folder.read_metrics(trained)["training"]["epochs"] == 1
    metrics = model_folder.read_metrics(trained)
    saving.write_metrics(trained, {**metrics, "maker": "digitrec train --data"})
    with pytest.raises(model_folder.ModelError, match="was made by digitrec train --data: choose another name"):
        workflow.train_model(trained, SMALL, "digits", report=quiet)
    workflow.train_model(trained, replace(SMALL, epochs=1), "digits", replace=True, report=quiet)


def test_a_shipped_model_is_not_trained_over():
    with pytest.raises(model_folder.ModelError, match="comes with digitrec"):
        workflow.train_model(model_folder.find_model("cnn"), SMALL, "digits", report=quiet)


@pytest.mark.slow
def test_a_notebook_reads_what_was_trained_here_and_else_the_shipped_model_and_says_which(
    trained, tmp_path, monkeypatch
):
    monkeypatch.setattr(records, "CHECKOUT", None)
    monkeypatch.chdir(tmp_path)
    lines = []
    shipped = model_folder.find_model("cnn")
    (tmp_path / "models" / "cnn").mkdir(parents=True)
    (tmp_path / "models" / "cnn" / "model.onnx").touch()  # somebody else's, of the same name
    assert workflow.choose_model("cnn", report=lines.append).samefile(shipped)
    own = workflow.find_results("cnn")
    assert own == tmp_path / "output" / "models" / "cnn"
    own.mkdir(parents=True)
    (own / "model.onnx").touch()
    assert workflow.choose_model("cnn", report=lines.append) == own
    assert [line.split(":")[0] for line in lines] == [
        "the model is cnn, as it comes with digitrec",
        f"the model is cnn, as trained into {own.parent}",
    ]
    with pytest.raises(model_folder.ModelError, match=r"no model .*absent"):
        workflow.choose_model("absent", report=lines.append)


@pytest.mark.slow
def test_proofs_of_a_shipped_model_stay_as_they_are(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "CHECKOUT", None)
    monkeypatch.chdir(tmp_path)
    assert workflow.choose_results(trained) == trained
    assert workflow.choose_results(model_folder.find_model("cnn")) == tmp_path / "output" / "models" / "cnn"


def test_the_table_lists_every_model_and_says_what_is_not_as_published(tmp_path):
    shipped = model_folder.read_metrics(model_folder.find_model("cnn"))
    metrics = {name: value for name, value in shipped.items() if name != "test"} | {"dataset": "digits"}
    test = {"accuracy": 0.99, "accuracy_interval": [0.98, 0.995], "errors": 4, "n": 400}
    for name, more in (("a", {"test": test}), ("b", {"published": False}), ("c", {"base": "of another network"})):
        (tmp_path / name).mkdir()
        saving.write_metrics(tmp_path / name, {**metrics, "name": name, **more})
    text = workflow.write_models_table(tmp_path)
    assert (tmp_path / "README.md").read_text() == text
    assert "| [a](a/) | digits | 99.00% (98.00%–99.50%) | 4 of 400 |" in text
    assert "| [b](b/) | digits, not as published | not evaluated |  |" in text
    assert [line.endswith(" min, the last lesson |") for line in text.splitlines()[-3:]] == [False, False, True]


@pytest.mark.parametrize("metrics", [{}, {"dataset": "x", "test": 3}, {"dataset": "x", "parameters": "many"}])
def test_metrics_that_lack_something_are_one_clear_line(metrics):
    with pytest.raises(model_folder.ModelError, match="expected what a training and an evaluation write"):
        workflow.describe_result(metrics)
