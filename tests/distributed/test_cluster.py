"""A cluster of two workers: the same answers as on one machine, and nothing lost, whoever is killed."""

import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sklearn.neighbors import KNeighborsClassifier

from digitrec.bulk.parts import read_archive
from digitrec.bulk.readers import build_digit_reader, pack_model
from digitrec.config import TrainConfig
from digitrec.datasets import load_split, take
from digitrec.folds import run_folds
from digitrec.jobs import one_by_one
from digitrec.records import SAMPLES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: the extra distributed"),
    pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds processes where Linux lists them"),
]
SMALL = TrainConfig(
    epochs=2, batch_size=64, filters=((4,), (8,)), dense=16, drawn_digits=0, soiled_digits=0, strings=0, non_digits=0
)


def quiet(line):
    pass


@pytest.fixture(scope="module")
def training():
    return take(load_split("digits")[0], 300)


@pytest.fixture
def killer(kill_one):
    """A function that kills, from now on and once, a worker that does a task of a name; it is told if one was."""
    threads = []

    def begin(name="do_job", after_s=0.0):
        killed = []
        thread = threading.Thread(target=lambda: (time.sleep(after_s), killed.append(kill_one(name))))
        thread.start()
        threads.append(thread)
        return killed

    yield begin
    for thread in threads:
        thread.join()


def test_folds_have_the_same_weights_and_the_same_table_though_a_worker_is_killed(cluster, training, tmp_path, killer):
    here = run_folds(tmp_path / "here.json", 3, SMALL, training, report=quiet)
    killed = killer(after_s=1)
    there = run_folds(tmp_path / "there.json", 3, SMALL, training, cluster.spread, quiet)
    rows = [[{**row, "time_s": 0} for row in one["folds"]] for one in (here, there)]
    assert rows[0] == rows[1]
    assert len({row["weights"] for row in rows[0]}) == 3
    assert killed == [True]
    assert cluster.dashboard == ""


def test_seeds_write_the_same_network_to_the_bit(cluster, tmp_path, killer):
    from digitrec.seeds import run_seeds

    here = run_seeds(tmp_path / "here.json", 1, SMALL, "digits", report=quiet)
    killed = killer(after_s=0.5)
    there = run_seeds(tmp_path / "there.json", 2, SMALL, "digits", tmp_path / "kept", cluster.spread, quiet)
    assert killed == [True]
    assert [run["seed"] for run in there["runs"]] == [0, 1]
    assert {**there["runs"][0], "time_s": 0} == {**here["runs"][0], "time_s": 0}
    assert there["runs"][0]["sha256"] != there["runs"][1]["sha256"]
    assert (tmp_path / "kept" / "seed-1" / "model.onnx").is_file()


def test_the_study_has_the_same_table_and_files(cluster, tmp_path, killer):
    pytest.importorskip("skops")
    from digitrec.study.methods import Method
    from digitrec.study.protocol import load_data, run_study
    from digitrec.study.store import load_pipeline
    from digitrec.study.tables import tabulate

    data = load_data("digits", limit=300)
    methods = {f"{k} neighbours": Method(KNeighborsClassifier(k, n_jobs=-1)) for k in (1, 3, 5)}
    here = run_study(methods, data, tmp_path / "here", (100,), quiet)
    killed = killer()
    there = run_study(methods, data, tmp_path / "there", (100,), quiet, cluster.spread)
    assert killed == [True]
    tables = [tabulate(one, data.test[1]).drop(columns=["fit_time_s", "time_per_image_s"]) for one in (here, there)]
    assert tables[0].equals(tables[1])
    assert all(here[name]["predictions"] == there[name]["predictions"] for name in methods)
    files = [{path.name for path in (tmp_path / place).iterdir()} for place in ("here", "there")]
    assert files[0] == files[1]
    assert load_pipeline(tmp_path / "there", "3 neighbours").n_neighbors == 3
    assert run_study(methods, data, tmp_path / "there", (100,), quiet, never) == there


def never(work, jobs, shared=(), is_lost_told=False):
    assert not list(jobs)
    return iter(())


def test_a_search_has_each_trial_once_and_alone_the_same_as_here(cluster, training, tmp_path, killer):
    pytest.importorskip("optuna")
    from digitrec.distributed.searching import hold_on
    from digitrec.study import search

    base = replace(search.TRIAL, epochs=2, plain_epochs=0, batch_size=64)
    parts = (training, take(training, 100))
    here = search.tune(tmp_path / "here", *parts, 1, base, quiet)
    killed = killer("try_remotely", after_s=0.5)
    lines = []
    journal = str(tmp_path / "shared.journal")
    there = search.tune(tmp_path / "there", *parts, 3, base, lines.append, journal, partial(hold_on, cluster))
    assert killed == [True]
    assert len(lines) == len(there.get_trials(states=search.FINISHED)) == 3
    assert sorted(trial.number for trial in there.trials) == [0, 1, 2]
    assert there.trials[0].params == here.trials[0].params
    assert there.trials[0].intermediate_values == here.trials[0].intermediate_values
    assert json.loads((tmp_path / "there" / "best.json").read_text())["validation_accuracy"] == there.best_value


def read_table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_an_archive_is_read_as_here_and_a_picture_that_kills_its_reader_is_a_row(cluster, tmp_path, killer):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(40):
        (folder / f"{i}.png").write_bytes((SAMPLES / "7_crossed.png").read_bytes())
    (folder / "7.png").write_bytes(b"no picture")
    (folder / "deadly.png").write_bytes(b"deadly")

    def build(files):
        """Nested, so that it travels as it is: the workers do not know the tests."""
        read = build_digit_reader(files)

        def read_or_die(page):
            if page == b"deadly":
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(0.05)
            return read(page)

        return read_or_die

    killed = killer(after_s=0.5)
    arguments = (pack_model("cnn"),)
    assert read_archive([str(folder)], tmp_path / "there.csv", build, arguments, True, cluster.spread) == (41, 2)
    assert killed == [True]
    rows = read_table(tmp_path / "there.csv")
    assert [row["file"] for row in rows] == [str(folder / f"{i}.png") for i in range(40)] + [str(folder / "deadly.png")]
    assert rows[-1]["error"] == "cannot be read: it ended the process 4 times"
    assert rows[7]["error"].startswith("expected one of PNG")
    (folder / "deadly.png").unlink()
    read_archive([str(folder)], tmp_path / "here.csv", build_digit_reader, arguments, True, one_by_one)
    assert read_table(tmp_path / "here.csv") == rows[:-1]
    assert not (tmp_path / "there.csv.parts").exists()


def test_what_a_job_raises_is_raised_here(cluster):
    """Though others are done at that moment: to cancel one of them then made Ray end this process, now and then."""
    for _ in range(1000):
        with pytest.raises(ValueError, match="invalid literal"):
            list(cluster.spread(int, [("1",), ("one",), ("2",), ("3",)]))


@pytest.mark.mnist
def test_code_and_data_travel_to_machines_that_have_neither(cluster, mnist):
    def look():
        import digitrec

        return digitrec.load_mnist()[1][1][:5].tolist(), digitrec.__file__

    ((_, (labels, file)),) = cluster.spread(look, [()])
    assert labels == mnist[1][1][:5].tolist()
    assert "py_modules" in file


# --- the command, killed and given again ---------------------------------------------------------


def begin(head, *words):
    command = [sys.executable, "-m", "digitrec", *map(str, words), "--cluster", head]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    for i in range(2500):
        (folder / f"{i}.png").symlink_to(SAMPLES / "7_crossed.png")
    return folder


def wait_for_parts(folder, count):
    until = time.monotonic() + 60
    while len(list(folder.glob("*.jsonl"))) < count:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_command_goes_on_where_it_was_though_it_is_killed_interrupted_or_left_without_a_head(
    token, start_head, pictures, tmp_path, monkeypatch
):
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "5")
    output, parts = tmp_path / "answers.csv", tmp_path / "answers.csv.parts"
    kept = 0
    with start_head() as (address, head):
        for stop, status in (("driver", -signal.SIGKILL), ("keys", 130), ("head", 1)):
            with begin(address, "predict", pictures, "--output", output) as command:
                wait_for_parts(parts, kept + 1)
                if stop == "head":
                    os.killpg(head.pid, signal.SIGKILL)
                else:
                    command.send_signal(signal.SIGKILL if stop == "driver" else signal.SIGINT)
                _, err = command.communicate(timeout=60)
            assert command.returncode == status, err
            assert status != 130 or err.splitlines()[-1] == "interrupted"
            assert not output.exists()
            kept = len(list(parts.glob("*.jsonl")))
    with start_head() as (address, _), begin(address, "predict", pictures, "--output", output) as last:
        out, err = last.communicate(timeout=120)
    assert (last.returncode, out) == (0, f"{output}: 2,500 pictures, 0 of them could not be read\n"), err
    assert [row["file"] for row in read_table(output)] == [str(pictures / f"{i}.png") for i in range(2500)]
    assert 3 <= kept < 10
    assert not parts.exists()
