"""The simulated schedule, against times counted by hand and what must hold whatever the jobs are."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitrec.distributed.schedule import Costs, describe_time, draw_jobs, find_break_even, simulate


def test_times_are_those_counted_by_hand():
    assert simulate([3, 3, 2, 2, 2], 2).time_s == 7
    assert simulate([3, 3, 2, 2, 2], 1).time_s == 12
    assert simulate([5], 8).busy == pytest.approx(1 / 8)
    costs = Costs(start_s=10, load_s=4, hand_out_s=1)
    assert simulate([6, 6], 2, costs).time_s == 10 + 4 + 1 + 6  # the second waits a second for the head
    assert simulate([6, 6], 1, costs).time_s == 10 + 4 + 12


def test_shared_data_are_passed_on():
    costs = Costs(send_s=8)
    times = [simulate(np.full(workers, 100), workers, costs, cores=1).time_s for workers in (1, 3, 7)]
    assert times == [108, 116, 124]  # one, two and three rounds
    assert simulate(np.full(8, 100), 8, costs, cores=8).time_s == 108


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=60), st.integers(1, 70))
def test_no_schedule_beats_its_bounds(jobs, workers):
    schedule = simulate(jobs, workers)
    least = max(max(jobs), sum(jobs) / workers)
    assert least - 1e-6 <= schedule.time_s <= sum(jobs) / workers + max(jobs) + 1e-6
    assert 0 < schedule.busy <= 1 + 1e-9
    assert schedule.failures == 0


def test_failures_cost_time_and_the_same_seed_gives_the_same():
    jobs = np.full(200, 60.0)
    failing = Costs(failures_per_hour=5)
    with_them = simulate(jobs, 8, failing, seed=1)
    assert with_them == simulate(jobs, 8, failing, seed=1)
    assert with_them.failures > 0
    assert with_them.time_s > simulate(jobs, 8).time_s


@pytest.mark.parametrize(("jobs", "workers"), [([1], 0), ([], 1), ([0], 1), ([[1]], 1)])
def test_what_is_no_work_is_refused(jobs, workers):
    with pytest.raises(ValueError, match="expected"):
        simulate(jobs, workers)


def test_where_a_cluster_begins_to_pay():
    assert find_break_even(10, 2) == 20
    assert find_break_even(10, 2, efficiency=0.5) == np.inf
    for work in (19, 21):
        cluster = simulate([work / 2] * 2, 2, Costs(start_s=10)).time_s
        assert (cluster < work) == (work > 20)


def test_times_read_as_people_say_them():
    assert describe_time(0.4) == "0 s"
    assert describe_time(3599) == "60.0 min"
    assert set(draw_jobs([1.0, 2.0], 50)) == {1.0, 2.0}


def test_neither_schedule_nor_commands_need_ray(tmp_path):
    code = (
        "import sys; sys.modules['ray'] = None; import digitrec.distributed as d; d.simulate([1], 1); d.connect;"
        "import digitrec.bulk, digitrec.seeds, digitrec.folds; from digitrec.cli import main;"
        "sys.exit(main(sys.argv[1:]))"
    )
    words = ["seeds", "--dataset", "digits", "--cluster"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (
        2, "", "digitrec: seeds needs ray: pip install 'digitrec[distributed]'\n",
    )  # fmt: skip


def test_an_address_of_rays_client_is_refused_in_a_line(monkeypatch):
    from digitrec.distributed import ClusterError, connect

    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    with pytest.raises(ClusterError, match="RAY_ADDRESS=ray://head:10001: expected host:6379"), connect():
        pass
