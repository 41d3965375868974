"""Lessons given from the page: real processes, stopped, failing, and one that ends well."""

import time

import pytest

from digitrec import Recognizer
from digitrec.app.lessons import Lessons
from digitrec.handwriting.samples import SampleFolder
from digitrec.model_folder import ModelError, find_model
from digitrec.records import SAMPLES


@pytest.fixture
def samples(tmp_path):
    folder = SampleFolder(tmp_path / "digits")
    for path in SAMPLES.glob("[0-9]_*"):
        folder.keep(path, int(path.name[0]))
    return folder.folder


@pytest.fixture
def taught():
    return []


@pytest.fixture
def lessons(samples, tmp_path, taught):
    lessons = Lessons(samples, find_model("cnn"), tmp_path / "models", taught.append)
    yield lessons
    lessons.stop()


def wait(lessons, seconds=120):
    end = time.monotonic() + seconds
    while (state := lessons.describe())["running"]:
        assert time.monotonic() < end
        time.sleep(0.05)
    return state


def test_one_lesson_at_a_time_and_a_stopped_one_leaves_nothing(lessons, tmp_path, taught):
    assert not lessons.describe()["running"]
    lessons.start()
    assert lessons.describe()["running"]
    with pytest.raises(ValueError, match="there is one; wait for it, or stop it"):
        lessons.start()
    lessons.stop()
    assert wait(lessons, 10) == {
        "running": False,
        "share": 0.0,
        "says": "Stopped; nothing has changed.",
        "failed": False,
    }
    assert list((tmp_path / "models").iterdir()) == []
    assert taught == []


def test_says_why_it_failed_and_can_begin_anew(lessons, samples, tmp_path, taught):
    (samples / "3" / "broken.png").write_bytes(b"nothing")
    for _ in range(2):
        lessons.start()
        state = wait(lessons)
        assert state["failed"]
        assert state["says"].startswith("It was not taught: ")
        assert "broken.png" in state["says"]
    assert list((tmp_path / "models").iterdir()) == []
    assert taught == []


def test_a_model_of_another_maker_stays(lessons, tmp_path):
    place = tmp_path / "models" / "mine"
    place.mkdir(parents=True)
    (place / "model.onnx").write_bytes(b"mine")
    with pytest.raises(ModelError, match="choose another name"):
        lessons.start()
    assert not lessons.describe()["running"]
    assert (place / "model.onnx").read_bytes() == b"mine"


@pytest.mark.slow
def test_a_lesson_that_ends_well_takes_the_place_of_the_one_before(lessons, tmp_path, taught):
    shares = set()
    place = tmp_path / "models" / "mine"
    for times in (1, 2):
        lessons.start()
        while lessons.describe()["running"]:
            shares.add(lessons.describe()["share"])
            time.sleep(0.05)
        state = wait(lessons)
        assert (state["share"], state["failed"]) == (1.0, False)
        assert "% before, " in state["says"]
        assert taught == [place] * times
        assert list(place.parent.iterdir()) == [place]
        assert Recognizer.load(place).predict(SAMPLES / "7_crossed.png").digit == 7
    assert {0.0, 0.1, 0.4, 0.6} <= shares
