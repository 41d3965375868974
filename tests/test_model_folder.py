import hashlib
import json
import shutil

import numpy as np
import pytest

from digitrec import model_folder, saving
from digitrec.config import TrainConfig
from digitrec.recognizer import Recognizer

CONFIG = TrainConfig(filters=((4,), (4,)), dense=8)
HISTORY = {"accuracy": [0.5, 0.75], "loss": [1.5, 0.7]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("keras")
    from digitrec.networks import build_cnn

    metrics = {"dataset": "digits", "training": {"time_s": 60.0}, "temperature": 1.0, "threshold": 0.5}
    return saving.save_model(tmp_path_factory.mktemp("models") / "tiny", build_cnn(CONFIG), CONFIG, HISTORY, metrics)


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "tiny")


def test_what_was_saved_is_read_back(folder):
    assert model_folder.read_config(folder) == CONFIG
    assert model_folder.read_history(folder) == HISTORY
    metrics = model_folder.read_metrics(folder)
    assert metrics["name"] == "tiny"
    assert metrics["parameters"] == model_folder.load_model(folder).count_params()
    assert not [path for path in folder.rglob("*") if "part" in path.name]


def test_keras_and_onnx_agree(folder):
    x = np.random.default_rng(0).random((50, 28, 28, 1), np.float32)
    through_keras = model_folder.load_model(folder).predict(x, verbose=0)
    np.testing.assert_allclose(Recognizer.load(folder).run_network(x), through_keras, atol=1e-5)


@pytest.mark.parametrize("name", ["model.keras", "model.onnx"])
def test_changed_network_file_is_refused(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    load = model_folder.load_model if name == "model.keras" else Recognizer.load
    with pytest.raises(model_folder.ModelError, match=rf"{name} is damaged or foreign"):
        load(copy)


def test_missing_and_damaged_metrics_are_named(copy):
    (copy / "metrics.json").write_text("<html>")
    with pytest.raises(model_folder.ModelError, match=r"metrics\.json is no JSON"):
        Recognizer.load(copy)
    (copy / "metrics.json").unlink()
    with pytest.raises(model_folder.ModelError, match=r"metrics\.json is missing"):
        Recognizer.load(copy)


def test_model_is_found_by_path_and_by_name(copy, monkeypatch, tmp_path):
    assert model_folder.find_model(copy) == copy
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    shutil.move(copy, tmp_path / "models" / "moved")
    assert model_folder.find_model("moved").samefile(tmp_path / "models" / "moved")
    with pytest.raises(model_folder.ModelError, match="no model 'absent'"):
        model_folder.find_model("absent")


def test_failed_write_leaves_the_old_file(copy, monkeypatch):
    before = (copy / "metrics.json").read_bytes()

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_folder.Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space"):
        saving.write_metrics(copy, {"note": "lost"})
    assert (copy / "metrics.json").read_bytes() == before
    assert not list(copy.glob(".part*"))


def test_metrics_are_plain_json(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    assert set(metrics["sha256"]) == {"model.keras", "model.onnx", "config.json", "calibration"}
    assert {"machine", "versions", "date", "commit"} <= set(metrics)
    assert metrics["versions"]["keras"]


def change_metrics(folder, **changes):
    metrics = json.loads((folder / "metrics.json").read_text()) | changes
    (folder / "metrics.json").write_text(json.dumps({key: value for key, value in metrics.items() if value is not ...}))


def change_file(folder, name, content):
    """Put other content into a file, as one who also states its hash would."""
    (folder / name).write_bytes(content)
    hashes = json.loads((folder / "metrics.json").read_text())["sha256"]
    change_metrics(folder, sha256={**hashes, name: hashlib.sha256(content).hexdigest()})


def assert_refused(folder, loads=(Recognizer.load, model_folder.load_model)):
    """Every way to load it raises a ModelError of one line, or reads what was not tampered with; one raises."""
    messages = []
    for load in loads:
        try:
            load(folder)
        except model_folder.ModelError as error:
            messages.append(str(error))
    assert messages
    assert not any("\n" in message for message in messages)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "3", '"x"', "{", "{}", "[" * 100_000, "\x00", '{"sha256": []}', "é"]
)
@pytest.mark.parametrize("name", ["metrics.json", "config.json"])
def test_json_that_is_something_else_is_refused(copy, name, text):
    (copy / name).write_text(text, encoding="latin-1")
    assert_refused(copy)


@pytest.mark.parametrize(
    "text", ["[]", "null", "3", '"x"', '{"epochs": 0}', '{"epoch": 3}', '{"filters": 8}', "[" * 100_000]
)
def test_settings_that_are_none_are_refused_though_their_hash_is_stated(copy, text):
    change_file(copy, "config.json", text.encode())
    assert_refused(copy, [model_folder.load_model])


@pytest.mark.parametrize("value", [..., None, "1", "x", [], {}, True, float("nan"), float("inf"), -1.0, 0, 5])
@pytest.mark.parametrize("key", ["temperature", "threshold"])
def test_garbled_calibration_is_refused(copy, key, value):
    change_metrics(copy, **{key: value})
    assert_refused(copy, [Recognizer.load])


@pytest.mark.parametrize("value", [..., None, "x", [], {}, {"model.onnx": 3}, {"model.onnx": None}])
def test_garbled_hashes_are_refused(copy, value):
    change_metrics(copy, sha256=value)
    assert_refused(copy)


@pytest.mark.parametrize("key", ["temperature", "threshold"])
def test_calibration_is_covered_by_the_hash(copy, key):
    change_metrics(copy, **{key: 0.6})
    with pytest.raises(model_folder.ModelError, match="temperature or threshold were changed"):
        Recognizer.load(copy)


def test_settings_are_covered_by_the_hash(copy):
    settings = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(settings | {"dropout": 0.3}))
    with pytest.raises(model_folder.ModelError, match=r"config\.json is damaged or foreign"):
        model_folder.load_model(copy)


def test_another_network_s_weights_are_refused_in_one_line_and_no_more(folder, recwarn):
    network = model_folder.load_model(folder)
    with pytest.raises(model_folder.ModelError, match="expected the weights of this network") as refused:
        model_folder.load_weights(network, model_folder.find_model("numbers"))
    assert "\n" not in str(refused.value)
    assert not [warning for warning in recwarn if issubclass(warning.category, UserWarning)]


@pytest.mark.parametrize("name", ["model.onnx", "model.keras"])
def test_network_files_cut_anywhere_are_refused_though_their_hash_is_stated(copy, name, capfd):
    whole = (copy / name).read_bytes()
    load = Recognizer.load if name == "model.onnx" else model_folder.load_model
    for share in (0, 0.01, 0.3, 0.7, 0.99):
        change_file(copy, name, whole[: int(share * len(whole))])
        capfd.readouterr()
        assert_refused(copy, [load])
        assert capfd.readouterr() == ("", "")


def test_onnx_networks_of_another_form_are_refused(copy):
    from onnx import TensorProto, helper

    def make(inputs, outputs):
        x = [helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, shape) for i, shape in enumerate(inputs)]
        y = [helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, shape) for i, shape in enumerate(outputs)]
        nodes = (
            [helper.make_node("Identity", [x[0].name], [one.name]) for one in y]
            if x
            else [helper.make_node("Constant", [], [one.name], value_float=1.0) for one in y]
        )
        graph = helper.make_graph(nodes, "g", x, y)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8).SerializeToString()

    for inputs, outputs in (
        ([], [[]]), ([["n", 10]], [["n", 10]]), ([["n", 28, 28, 1]], [["n", 28, 28, 1]]),
        ([["n", 28, 28, 1], ["n", 10]], [["n", 28, 28, 1]]), ([["n", 1, 28, 28]], [["n", 1, 28, 28]]),
    ):  # fmt: skip
        change_file(copy, "model.onnx", make(inputs, outputs))
        with pytest.raises(model_folder.ModelError, match=r"model\.onnx: expected a network from float"):
            Recognizer.load(copy)


@pytest.mark.parametrize("text", ["", "epoch", "epoch,loss\n1,x\n", "epoch,loss\n1\n", "\x00", "epoch,loss\n"])
def test_history_that_is_none_is_refused(copy, text):
    (copy / "history.csv").write_text(text)
    with pytest.raises(model_folder.ModelError, match=r"history\.csv"):
        model_folder.read_history(copy)
    (copy / "history.csv").unlink()
    with pytest.raises(model_folder.ModelError, match=r"history\.csv is missing"):
        model_folder.read_history(copy)


def test_a_model_is_replaced_only_by_what_made_it_unless_told(copy):
    saving.check_target(copy.with_name("new"), "a")
    with pytest.raises(model_folder.ModelError, match="was not made here: choose another name"):
        saving.check_target(copy, "a")
    change_metrics(copy, maker="a")
    saving.check_target(copy, "a")
    with pytest.raises(model_folder.ModelError, match="was made by a: choose another name"):
        saving.check_target(copy, "b")
    saving.check_target(copy, "b", replace=True)
    (copy / "metrics.json").write_text("[]")
    with pytest.raises(model_folder.ModelError, match="choose another name"):
        saving.check_target(copy, "a")
    with pytest.raises(model_folder.ModelError, match="found a file"):
        saving.check_target(copy / "config.json", "a")


def test_a_shipped_model_is_never_replaced_unless_told():
    shipped = model_folder.find_model("cnn")
    assert model_folder.is_shipped(shipped)
    with pytest.raises(model_folder.ModelError, match="comes with digitrec: choose another name"):
        saving.check_target(shipped, model_folder.read_metrics(shipped).get("maker", "digitrec train"))
