"""Records: a stopped measurement goes on, another setup starts anew, and the sums are those of the runs."""

import json

import pytest

from digitrec import standings

JOBS = [{"who": who, "seed": seed} for seed in range(2) for who in ("a", "b")]
LOG = "# Log\n\n| date | commit | what | result | where |\n| --- | --- | --- | --- | --- |\n| old |\n"


@pytest.fixture
def measure(tmp_path):
    """A function that runs jobs into one file; the jobs that ran, and the file."""
    ran = []

    def run(job):
        if job.get("stop"):
            raise KeyboardInterrupt
        ran.append(job)
        return {"accuracy": 0.9 + 0.02 * job["seed"], "time_s": 1.0 + job["seed"]}

    def keep(jobs, setup="one", command=("x.py", "a b")):
        return standings.keep_runs(
            tmp_path / "x.json", {"recipe": setup, "pair": (1, 2)}, jobs, run, command, report=lambda line: None
        )

    return keep, ran, tmp_path / "x.json"


def test_a_stopped_measurement_goes_on_where_it_was(measure):
    keep, ran, path = measure
    with pytest.raises(KeyboardInterrupt):
        keep([*JOBS[:2], {"stop": True}])
    assert len(json.loads(path.read_text())["runs"]) == 2
    result = keep(JOBS)
    assert ran == JOBS
    assert result == json.loads(path.read_text())
    assert [{key: one[key] for key in ("who", "seed")} for one in result["runs"]] == JOBS
    assert {"machine", "versions", "date", "commit", "wall_s"} <= set(result)
    assert result["command"] == "x.py 'a b'"


def test_who_goes_on_with_a_measurement_is_named_and_who_only_looks_at_it_is_not(measure, monkeypatch):
    keep, _, path = measure
    monkeypatch.setattr(standings.records, "describe_commit", lambda: "first")
    keep(JOBS[:1], command=["x.py", "--seeds", "1"])
    monkeypatch.setattr(standings.records, "describe_commit", lambda: "second")
    result = keep(JOBS, command=["x.py", "--seeds", "2"])
    assert (result["command"], result["commit"]) == ("x.py --seeds 2", "second")
    assert [one["commit"] for one in result["runs"]] == ["first", *["second"] * 3]
    monkeypatch.setattr(standings.records, "describe_commit", lambda: "third")
    assert keep(JOBS, command=["x.py"]) == result == json.loads(path.read_text())


def test_runs_that_are_done_in_any_order_are_kept_in_that_of_the_jobs(tmp_path):
    def backwards(work, jobs, shared=(), is_lost_told=False):
        yield from ((i, work(*job)) for i, job in reversed(list(enumerate(jobs))))

    result = standings.keep_runs(
        tmp_path / "x.json", {}, JOBS, dict, ["x.py"], spread=backwards, report=lambda line: None
    )
    assert [{key: one[key] for key in ("who", "seed")} for one in result["runs"]] == JOBS


def test_another_setup_starts_anew(measure):
    keep, ran, _ = measure
    keep(JOBS)
    assert len(keep(JOBS[:1], setup="other")["runs"]) == 1
    assert ran == [*JOBS, JOBS[0]]


def test_sums_are_those_of_the_runs(measure):
    keep, _, _ = measure
    summary = standings.summarise(keep(JOBS)["runs"], by="who")
    assert list(summary) == ["a", "b"]
    assert summary["a"] == {
        "n": 2,
        "mean": pytest.approx(0.91),
        "deviation": pytest.approx(0.02 / 2**0.5),
        "least": 0.9,
        "time_s": 1.5,
    }
    assert standings.summarise([{"who": "c", "accuracy": 1}], by="who")["c"]["deviation"] == 0


def test_the_newest_line_of_the_log_comes_first_and_only_once(tmp_path):
    path = tmp_path / "LOG.md"
    path.write_text(LOG)
    result = {"machine": {"cores": 2, "processor": "P"}, "command": "x.py", "wall_s": 90, "commit": "abc"}
    for _ in range(2):
        standings.log(path, result, "seconds", "1 s", "x.json")
    lines = path.read_text().splitlines()[4:]
    assert len(lines) == 2
    assert lines[0].endswith("| abc | seconds: `x.py`, 1.5 min on 2 cores, P | 1 s | [x.json](x.json) |")
    assert lines[1] == "| old |"


def test_what_was_not_measured_is_none(tmp_path):
    assert standings.read_result("nothing", tmp_path) is None
    assert standings.read_result("nothing", None) is None
