"""Jobs one after another, and who is told what of them; folds and seeds on one machine."""

import doctest
import importlib
import json

import numpy as np
import pytest

from digitrec.datasets import load_split
from digitrec.folds import assign_folds, run_folds
from digitrec.jobs import in_processes, one_by_one
from digitrec.seeds import run_seeds


def quiet(line):
    pass


def test_jobs_come_in_their_order_and_each_is_taken_when_the_last_is_done():
    log = []

    def jobs():
        for i in range(3):
            log.append(f"taken {i}")
            yield (i,)

    results = one_by_one(lambda i, n: log.append(f"done {i}") or i * n, jobs(), (10,))
    assert list(results) == [(0, 0), (1, 10), (2, 20)]
    assert log == ["taken 0", "done 0", "taken 1", "done 1", "taken 2", "done 2"]


def fail_at_two(i):
    if i == 2:
        raise ValueError("two")
    return i


def test_jobs_in_processes_are_all_done_and_one_that_fails_says_so():
    assert sorted(in_processes(2)(fail_at_two, [(0,), (1,)])) == [(0, 0), (1, 1)]
    with pytest.raises(ValueError, match="two"):
        list(in_processes(1)(fail_at_two, [(i,) for i in range(4)]))


def test_folds_share_out_each_digit_and_all_pictures():
    labels = load_split("digits")[0][1]
    fold_of = assign_folds(labels, 5)
    counts = np.array([np.bincount(labels[fold_of == fold], minlength=10) for fold in range(5)])
    assert (np.ptp(counts, axis=0) <= 1).all()
    assert np.ptp(counts.sum(axis=1)) <= 1
    np.testing.assert_array_equal(fold_of, assign_folds(labels, 5))
    assert (fold_of != assign_folds(labels, 5, seed=1)).any()


@pytest.mark.parametrize("folds", [1, 0, 4])
def test_folds_that_cannot_be_are_refused(folds):
    with pytest.raises(ValueError, match="folds: expected 2 to 3"):
        assign_folds(np.array([1, 1, 1, 2, 2, 2, 2]), folds)


def pretend_fold(fold, config, images, labels, fold_of):
    n = int((fold_of == fold).sum())
    return {"fold": fold, "n": n, "errors": fold, "validation_accuracy": 1.0, "epochs": 1, "time_s": 1, "weights": "0"}


def test_folds_that_are_done_are_not_done_again(tmp_path, monkeypatch):
    from digitrec.config import TrainConfig

    monkeypatch.setattr("digitrec.folds.measure_fold", pretend_fold)
    pictures, path = load_split("digits")[0], tmp_path / "mine" / "folds.json"
    asked = []

    def stop_after_two(work, jobs, shared=(), is_lost_told=False):
        asked.append([job[0] for job in jobs])
        for i in (2, 0):  # not in their order
            yield i, work(*jobs[i], *shared)
        raise KeyboardInterrupt

    def all_of_them(work, jobs, shared=(), is_lost_told=False):
        asked.append([job[0] for job in jobs])
        yield from one_by_one(work, jobs, shared)

    config = TrainConfig()
    with pytest.raises(KeyboardInterrupt):
        run_folds(path, 4, config, pictures, stop_after_two, quiet)
    results = run_folds(path, 4, config, pictures, all_of_them, quiet)
    assert asked == [[0, 1, 2, 3], [1, 3]]
    assert [row["fold"] for row in results["folds"]] == [0, 1, 2, 3]
    assert results["errors"] == 6
    assert results["accuracy"] == pytest.approx(1 - 6 / len(pictures[1]))
    assert json.loads(path.read_text()) == results
    run_folds(path, 4, TrainConfig(seed=1), pictures, all_of_them, quiet)
    run_folds(path, 3, TrainConfig(seed=1), pictures, all_of_them, quiet)
    assert asked[2:] == [[0, 1, 2, 3], [0, 1, 2]]  # another recipe, other folds


def pretend_seed(config, dataset, is_kept):
    files = {"figures/a.png": b"a"} if is_kept else {}
    run = {
        "seed": config.seed,
        "accuracy": 0.9 + config.seed / 100,
        "errors": 1,
        "validation_accuracy": 1,
        "time_s": 60,
    }
    return run, files


def test_seeds_that_are_done_are_not_done_again_and_more_may_be_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("digitrec.seeds.measure_seed", pretend_seed)
    path, lines = tmp_path / "seeds.json", []
    run_seeds(path, 2, report=lines.append)
    results = run_seeds(path, 3, keep=tmp_path / "kept", report=lines.append)
    assert [line.split(":")[0] for line in lines] == ["seed 0", "seed 1", "2 seeds", "seed 2", "3 seeds"]
    assert results["mean"] == pytest.approx(0.91)
    assert results["deviation"] == pytest.approx(0.01)
    assert (tmp_path / "kept" / "seed-2" / "figures" / "a.png").read_bytes() == b"a"
    with pytest.raises(ValueError, match="seeds: expected 1 or more"):
        run_seeds(path, 0)
    path.write_text('{"config": 7')
    assert len(run_seeds(path, 1, report=quiet)["runs"]) == 1


@pytest.mark.parametrize(
    "name", ["jobs.one_by_one", "jobs.in_processes", "folds.assign_folds", "bulk.shards.Shard",
             "bulk.shards.find_shards", "bulk.parts.read_archive", "distributed.schedule.Costs",
             "distributed.schedule.Schedule", "distributed.schedule.simulate", "distributed.schedule.find_break_even",
             "distributed.schedule.draw_jobs", "distributed.schedule.describe_time",
             "distributed.cluster.ClusterError"],
)  # fmt: skip
def test_example_shows_what_happens(name, tmp_path):
    module = importlib.import_module("digitrec." + name.rpartition(".")[0])
    thing = getattr(module, name.rpartition(".")[2])
    names = {**vars(module), "scratch": tmp_path}
    (test,) = doctest.DocTestFinder(recurse=False).find(thing, name, module, globs=names)
    assert test.examples
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False)
    runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
