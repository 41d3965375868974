import json
import subprocess
import sys

import numpy as np
import pytest

from digitrec.calibration import NOT_A_DIGIT, SEVERAL_DIGITS
from digitrec.config import TrainConfig
from digitrec.synthesis.sources import Job, make_job, make_jobs, make_pools, plan_jobs

SOME = TrainConfig(seed=0, drawn_digits=20, soiled_digits=20, non_digits=30, strings=10)


def test_pools_hold_what_was_asked_for_with_right_labels(digits):
    made = make_pools(SOME, digits)
    assert {name: len(labels) for name, (_, labels) in made.items()} == {
        "given": len(digits[1]), "soiled": 20, "others": 30, "strings": 10, "drawn": 20,
    }  # fmt: skip
    for name, (images, labels) in made.items():
        assert images.dtype == np.uint8
        assert images.shape == (len(labels), 28, 28)
        assert images.reshape(len(images), -1).any(axis=1).all()
        wanted = {"others": {NOT_A_DIGIT}, "strings": {SEVERAL_DIGITS}}.get(name, set(range(10)))
        assert set(labels.tolist()) <= wanted


def test_seed_decides_the_pictures(digits):
    first, again = (make_pools(SOME, digits) for _ in range(2))
    other = make_pools(TrainConfig(seed=1, drawn_digits=20, soiled_digits=0, strings=0, non_digits=0), digits)
    for name in first:
        np.testing.assert_array_equal(first[name][0], again[name][0])
    assert set(other) == {"given", "drawn"}
    assert not np.array_equal(first["drawn"][0], other["drawn"][0])


def test_a_job_makes_the_same_however_many_processes_there_are(digits):
    jobs = [Job(kind, 6, seed) for seed, kind in enumerate(("soiled", "strings", "drawn", "others"))]
    one, three = make_jobs(jobs, digits, processes=1), make_jobs(jobs, digits, processes=3)
    for job in jobs:
        for here, alone, among in zip(make_job(job, digits), one[job], three[job], strict=True):
            np.testing.assert_array_equal(here, alone)
            np.testing.assert_array_equal(here, among)


def test_jobs_have_seeds_of_their_own_and_sum_up_to_the_order():
    jobs = plan_jobs(TrainConfig(soiled_digits=2500, non_digits=0, drawn_digits=1))
    assert len({job.seed for job in jobs}) == len(jobs)
    assert sum(job.n for job in jobs if job.kind == "soiled") == 2500
    assert {job.kind for job in jobs} == {"soiled", "strings", "drawn"}


def test_what_goes_wrong_in_a_process_is_told(digits):
    with pytest.raises(RuntimeError, match=r"(?s)synthesis of pictures failed.*negative"):
        make_jobs([Job("drawn", -1, 0)], digits, processes=1)


def test_a_process_of_its_own_loads_nothing_that_it_does_not_need():
    code = "import json, sys, digitrec.synthesis.sources; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"keras", "tensorflow", "matplotlib", "sklearn", "onnxruntime"} & set(json.loads(done.stdout))
