"""What a network is taught with: samples divided, and pictures that it knows beside them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from digitrec import datasets
from digitrec.config import TrainConfig
from digitrec.handwriting import lesson
from digitrec.idx import DataError

CONFIG = TrainConfig(drawn_digits=0, soiled_digits=0, strings=0, non_digits=0)


def test_without_mnist_synthesised_digits_are_rehearsed(digits, tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITREC_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(lesson, "REHEARSED", 200)
    rehearsal, validation, synthesised = lesson._load_rehearsal("mnist", CONFIG, digits[0])
    assert synthesised
    assert len(rehearsal[1]) == 200
    assert len(validation[1]) == 1000
    assert set(validation[1]) == set(range(10))
    assert not list(tmp_path.iterdir())  # nothing was fetched


@pytest.mark.mnist
def test_rehearsed_mnist_is_of_the_training_and_judged_on_the_validation_part(mnist):
    training, validation = datasets.split_validation(*mnist[0], validation=5000)
    rehearsal, judged, synthesised = lesson._load_rehearsal("mnist", TrainConfig(), mnist[0][0][:1])
    assert not synthesised
    np.testing.assert_array_equal(judged[0], validation[0])
    known = {image.tobytes() for image in training[0]}
    assert len(rehearsal[1]) == lesson.REHEARSED
    assert all(image.tobytes() in known for image in rehearsal[0])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_a_quarter_of_each_digit_is_held_out(labels, seed):
    labels = np.array(labels)
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), np.uint8)
    taught, held_out = lesson.split_held_out(images, labels, seed)
    names = [*taught[0][:, 0, 0], *held_out[0][:, 0, 0]]
    assert sorted(names) == list(range(len(labels)))
    for part in (taught, held_out):
        np.testing.assert_array_equal(labels[part[0][:, 0, 0]], part[1])
    for digit in range(10):
        n = int((labels == digit).sum())
        expected = 0 if n < 2 else max(1, round(n / 4))
        assert (held_out[1] == digit).sum() == expected


def draw_stroke(folder, label, name, x):
    """Save a picture of one upright stroke; nothing without x."""
    picture = np.full((40, 40), 255, np.uint8)
    if x is not None:
        picture[8:32, 18 : 18 + x] = 0
    (folder / str(label)).mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(folder / str(label) / name)


def test_blank_pictures_and_copies_are_left_out_and_named(tmp_path):
    for name, x in (("a.png", 3), ("b.png", 3), ("c.png", 5), ("blank.png", None)):
        draw_stroke(tmp_path, 1, name, x)
    lines = []
    images, labels = lesson.load_samples(tmp_path, lines.append)
    assert len(images) == len(labels) == 2
    assert "1 blank pictures and 1 copies" in lines[0]
    assert "no samples of 0, 2, 3, 4, 5, 6, 7, 8, 9" in lines[1]


def test_contradictory_and_blank_samples_are_refused(tmp_path):
    draw_stroke(tmp_path / "one", 1, "a.png", 3)
    draw_stroke(tmp_path / "one", 7, "a.png", 3)
    with pytest.raises(DataError, match="one picture is labelled 1 and 7"):
        lesson.load_samples(tmp_path / "one")
    draw_stroke(tmp_path / "two", 1, "a.png", None)
    with pytest.raises(DataError, match="all 1 are blank"):
        lesson.load_samples(tmp_path / "two")


def test_a_lesson_is_rehearsal_and_samples_repeated(digits):
    known = digits[0][:200], digits[1][:200]
    own = digits[0][200:210], digits[1][200:210]
    plan = lesson.Lesson(own, own, known, known, "digits", False)
    for part, share in ((plan.training, lesson.OWN_SHARE), (plan.judged, 1)):
        np.testing.assert_array_equal(part[0][:200], known[0])
        np.testing.assert_array_equal(part[0][200:], np.tile(own[0], (round(20 * share), 1, 1)))
        np.testing.assert_array_equal(part[1], [*known[1], *np.tile(own[1], round(20 * share))])
    few = own[0][:1], own[1][:1]
    assert len(lesson.Lesson(few, few, known, known, "digits", False).judged[1]) == 200 + lesson.MOST_REPEATS
    many = lesson.Lesson(known, known, own, own, "digits", False)
    assert len(many.training[1]) == 10 + 200  # each sample at least once


def test_damaged_mnist_is_an_error_and_not_taken_for_none(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITREC_DATA_DIR", str(tmp_path))
    (tmp_path / "mnist.npz").write_bytes(b"none")
    with pytest.raises(DataError, match=r"mnist\.npz"):
        lesson._load_rehearsal("mnist", CONFIG, np.zeros((1, 28, 28), np.uint8))
