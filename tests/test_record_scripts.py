"""The scripts of the records run on a handful of pictures, and go on where they were stopped."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digitrec import sprint
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


@pytest.mark.slow
def test_few_weights_are_trained_exported_and_read(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = load_script("weights")
    monkeypatch.setattr(script.small, "CONFIG", replace(script.small.CONFIG, plain_epochs=0))
    found = script.measure("5x4 pool s3x8", 3, 0, data)
    assert found["weights"] == script.small.build_small("5x4 pool s3x8").count_params()
    assert found["accuracy"] > 0.2
    assert abs(found["accuracy"] - found["accuracy_int8"]) < 0.2
    assert found["bytes_int8"] > 0
    assert not list(tmp_path.rglob("*.npz"))


def test_runs_of_a_network_that_has_changed_are_dropped_and_those_of_others_kept(tmp_path):
    script, path = load_script("weights"), tmp_path / "weights.json"
    layers, epochs = script.small.FAMILY["tiny"]
    kept = {"network": "tiny", "layers": layers, "epochs": epochs, "seed": 0}
    former = ({"epochs": epochs + 1}, {"layers": "3x8"}, {"network": "renamed"})
    path.write_text(json.dumps({"wall_s": 1.0, "runs": [kept, *(kept | change for change in former)]}))
    script.drop_former(path)
    assert json.loads(path.read_text()) == {"wall_s": 1.0, "runs": [kept]}


@pytest.mark.slow
def test_the_champion_and_its_folds_keep_what_the_networks_say(data, tmp_path, monkeypatch):
    script = load_script("champion")
    monkeypatch.setattr(script, "OUTPUT", tmp_path)
    monkeypatch.setattr(script, "ENSEMBLES", (2,))
    monkeypatch.setattr(script, "FOLDS", 2)
    monkeypatch.setattr(script, "load_split", lambda name, limit: data)
    monkeypatch.setattr(sys, "argv", ["champion.py"])
    config = replace(script.CONFIG, epochs=1, batch_size=64)
    plan = script.Plan("cpu", "5x4 pool 3x8", config, "tensorflow", script.find_device()[1], place=tmp_path)
    result = script.train_seeds(plan, 2)
    assert script.find_ensembles(plan, result).startswith("2 single ")
    stored = json.loads(plan.path("champion").read_text())
    assert stored == json.loads(json.dumps(result))
    assert replace(script.Plan.of("cpu", stored), place=tmp_path) == plan
    assert sorted(result["ensembles"][0]["members"]) == [0, 1]
    one, two = result["together"]
    assert one["mean"] == pytest.approx(np.mean([run["accuracy"] for run in result["runs"]]))
    assert two["least"] == two["most"] == result["ensembles"][0]["accuracy"]
    for one in result["wrong_by_all"]:
        assert data[2][1][one["place"]] == one["label"] not in one["read"]
    folds = script.train_folds(plan)
    (tmp_path / "cleanlab.py").write_text(f"#!{sys.executable}\nprint('{CLEANLAB}')")
    (tmp_path / "cleanlab.py").chmod(0o755)
    found = script.find_doubts(plan, folds, str(tmp_path / "cleanlab.py"))
    assert found.startswith(f"{len(folds['doubted'])} of 1,318")
    assert found.endswith("among cleanlab's 2")
    said = [np.load(path)["test"] for path in tmp_path.rglob("fold-*.npz")]
    assert sum(map(len, said)) == 1318
    assert not list(tmp_path.rglob("*checkpoint*"))
    # What is kept is not trained again; what is lost, is, also where the results are known, but nowhere else.
    monkeypatch.setattr(script, "train", None)
    script.find_ensembles(plan, again := script.train_seeds(plan, 2))
    assert json.loads(json.dumps(again)) == stored
    next(tmp_path.rglob("seed-1.npz")).unlink()
    with pytest.raises(TypeError):
        script.find_ensembles(plan, result)
    with pytest.raises(ValueError, match="expected the answers of seed-0 from a GPU; this is tensorflow on cpu"):
        script.find_ensembles(replace(plan, device="a GPU"), result)


def test_what_a_network_trained_on_smoothed_labels_says_is_made_as_sure_as_it_is_right():
    script, labels = load_script("champion"), np.arange(1000) % 10
    p = np.full((1000, 10), 0.005)
    p[np.arange(1000), labels] = 0.955
    p[:10] = np.roll(p[:10], 1, axis=1)  # one in a hundred is misread
    calibrated = script.calibrate({"validation": p, "test": p}, labels)
    assert calibrated.max(axis=1) == pytest.approx(0.99, abs=1e-3)


def test_a_picture_is_looked_at_in_its_place_and_a_pixel_from_it():
    script, x = load_script("champion"), np.zeros((1, 28, 28, 1), np.float32)
    x[0, 27, 5] = 1
    places = [np.argwhere(one[0, :, :, 0]).tolist() for one in script.look(x)]
    assert places == [[[27, 5]], [[27, 6]], [[27, 4]], [], [[26, 5]]]


CLEANLAB = json.dumps({"version": "2.9.0", "places": [3, 5]})
PEER = """
import json, sys
print(json.dumps({"torch": "none", "threads": 1}), flush=True)
for line in sys.stdin:
    seed, layout = line.split()
    time_s = {"as_it_stands": 50, "channels_last": 20}[layout]
    print(json.dumps({"accuracy": 0.9, "time_s": time_s}), flush=True)
"""


@pytest.fixture
def seconds(data, tmp_path, monkeypatch):
    """The module records/seconds.py, with a peer that answers at once, a small sprint, and a folder of its own."""
    script = load_script("seconds")
    tiny = sprint.Recipe(pictures=512, hardest=0.5, batch_size=32, first=4, second=4, dense=8)
    (tmp_path / "train_mnist_fast.py").write_text(PEER)
    (tmp_path / "LOG.md").write_text((ROOT / "records" / "LOG.md").read_text())
    monkeypatch.setattr(script, "HERE", tmp_path)
    monkeypatch.setattr(script, "load_split", lambda name: data)
    monkeypatch.setattr(script, "load_mnist", load_digits)
    monkeypatch.setattr(script, "time_import", lambda: 1.0)
    monkeypatch.setattr(script.record_page, "write_page", lambda: None)
    monkeypatch.setattr(script.sprint, "build_rungs", lambda: {"first": tiny, "last": tiny})
    monkeypatch.setattr(script.sprint, "build_trials", lambda: {"tried": tiny})
    monkeypatch.setattr(sys, "argv", ["seconds.py"])
    return script


@pytest.mark.slow
def test_the_record_is_measured_in_turns_written_and_logged(seconds, tmp_path):
    seconds.measure_record(sys.executable, 2, avx2=False)
    result = json.loads((tmp_path / "seconds.json").read_text())
    assert [(one["seed"], one["who"]) for one in result["runs"]] == [
        (seed, who) for seed in range(2) for who in ("sprint", *seconds.PEER)
    ]
    assert result["setup"]["peer"] == {"torch": "none", "threads": 1}
    assert (result["import_s"], result["setup"]["rung"]) == (1.0, "last")
    assert "of train_mnist_fast's 50.00 s, 90.00%" in (tmp_path / "LOG.md").read_text()


@pytest.mark.slow
def test_the_ladder_runs_every_recipe_on_validation_and_one_rung_writes_nothing(seconds, data, tmp_path, capsys):
    seconds.measure_ladder(["last"], 1)
    assert not (tmp_path / "ladder.json").exists()
    assert capsys.readouterr().out.splitlines()[-1].startswith("last ")
    seconds.measure_ladder(None, 1)
    result = json.loads((tmp_path / "ladder.json").read_text())
    assert [one["rung"] for one in result["runs"]] == ["first", "last", "tried"]
    n = len(data[1][1])
    assert all(round(one["accuracy"] * n) == pytest.approx(one["accuracy"] * n) for one in result["runs"])
