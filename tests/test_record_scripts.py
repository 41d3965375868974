"""The scripts of the records run on a handful of pictures, and go on where they were stopped."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digitrec.datasets import load_digits, split_validation

ROOT = Path(__file__).parents[1]


def load_script(name):
    """The module records/NAME.py."""
    spec = importlib.util.spec_from_file_location(f"records_{name}", ROOT / "records" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def data():
    given, test = load_digits()
    return (*split_validation(*given), test)


def test_few_weights_are_trained_exported_and_read(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = load_script("weights")
    monkeypatch.setattr(script, "CONFIG", replace(script.CONFIG, batch_size=64, plain_epochs=0))
    found = script.measure("5x4 pool s3x8", 3, 0, data)
    assert found["weights"] == script.small.build_small("5x4 pool s3x8").count_params()
    assert found["accuracy"] > 0.2
    assert abs(found["accuracy"] - found["accuracy_int8"]) < 0.2
    assert found["bytes_int8"] > 0
    assert not list(tmp_path.rglob("*.npz"))


def test_the_champion_and_its_folds_keep_what_the_networks_say(data, tmp_path, monkeypatch):
    script = load_script("champion")
    monkeypatch.setattr(script, "OUTPUT", tmp_path)
    monkeypatch.setattr(script, "ENSEMBLES", (2,))
    monkeypatch.setattr(script, "FOLDS", 2)
    monkeypatch.setattr(sys, "argv", ["champion.py"])
    config = replace(script.CONFIG, epochs=1, batch_size=64, filters=((4,), (8,)), dense=8)
    result, name, found = script.measure_seeds(tmp_path, config, data, 2)
    assert json.loads((tmp_path / f"{name}.json").read_text()) == json.loads(json.dumps(result))
    assert sorted(result["ensembles"][0]["members"]) == [0, 1]
    assert found.startswith("single ")
    for one in result["wrong_by_all"]:
        assert data[2][1][one["place"]] == one["label"] not in one["read"]
    result, name, found = script.measure_folds(tmp_path, config, data, 0)
    assert name == "doubted"
    assert found.startswith(f"{len(result['doubted'])} of 1,318")
    said = [np.load(tmp_path / f"fold-{fold}.npz")["test"] for fold in range(2)]
    assert sum(map(len, said)) == 1318
    assert not list(tmp_path.glob("*checkpoint*"))


def test_seconds_asks_the_peer_a_line_at_a_time(data, tmp_path, monkeypatch):
    script = load_script("seconds")
    peer = tmp_path / "train_mnist_fast.py"
    peer.write_text(
        "import json, sys\nprint(json.dumps({'torch': 'none'}), flush=True)\n"
        "for line in sys.stdin:\n    print(json.dumps({'said': line.split()}), flush=True)\n"
    )
    monkeypatch.setattr(script, "HERE", tmp_path)
    with script.start_peer(sys.executable, data[0], data[2]) as ask:
        assert ask("") == {"torch": "none"}
        assert ask("3 channels_last") == {"said": ["3", "channels_last"]}
