"""Sets of real handwriting are listed as their labels say, and counted right."""

import numpy as np
import pytest
from PIL import Image

from digitrec import datasets, handwriting
from digitrec.handwriting import Pictures, Readings
from digitrec.pictures import PictureError
from digitrec.recognizer import Recognizer

SAMPLES = datasets.DATA_FOLDER / "samples"


def write_set(folder, labels):
    folder.mkdir(parents=True)
    rows = [f'{number}.png,"{label}"' for number, label in enumerate(labels)]
    (folder / "labels.csv").write_text("\n".join(["file,label", *rows]), encoding="utf-8-sig")


def test_labels_are_digits_others_or_numbers(tmp_path):
    write_set(tmp_path / "b", ["7", "k", "blank", "0", "14,3"])
    write_set(tmp_path / "a", ["3"])
    write_set(tmp_path / "numbers", ["12", "4", "1.5", "2"])
    (tmp_path / "empty").mkdir()
    pictures = handwriting.list_pictures(tmp_path)
    assert pictures.sets.tolist() == ["a", "b", "b", "b", "b"]
    assert pictures.labels.tolist() == [3, 7, 10, 10, 0]
    assert pictures.paths[-1] == tmp_path / "b" / "3.png"
    assert len(pictures) == 5


def test_a_set_by_itself_is_a_folder_of_one_set(tmp_path, monkeypatch):
    write_set(tmp_path / "mine", ["3", "4"])
    monkeypatch.chdir(tmp_path / "mine")
    assert handwriting.list_pictures(".").sets.tolist() == ["mine", "mine"]


@pytest.mark.parametrize("text", ["", "file,label\n", "picture,digit\n1.png,1\n", "file,label\n1.png,\n"])
def test_wrong_tables_are_refused(tmp_path, text):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(datasets.DataError, match="expected"):
        handwriting.list_pictures(tmp_path)


def test_no_sets_are_refused(tmp_path):
    with pytest.raises(datasets.DataError, match="found none"):
        handwriting.list_pictures(tmp_path / "none")


def test_readings_are_what_the_recognizer_answers(tmp_path):
    recognizer = Recognizer.load("cnn")
    pictures = handwriting.list_pictures(SAMPLES)
    (tmp_path / "no_picture.png").write_bytes(b"none")
    readings = handwriting.read_pictures(recognizer, [*pictures.paths, tmp_path / "no_picture.png"])
    for i, answer in enumerate(recognizer.predict_many(pictures.paths)):
        np.testing.assert_array_equal(readings.images[i], answer.image)
        np.testing.assert_allclose(readings.probabilities[i], answer.probabilities, atol=1e-6)
        assert (readings.scores[i] < recognizer.threshold) == (answer.digit is None)
    blank = [path.name for path in pictures.paths].index("blank.png")
    assert readings.scores[[blank, -1]].tolist() == [0, 0]
    assert readings.predictions[[blank, -1]].tolist() == [-1, -1]


@pytest.fixture
def measured():
    """Two sets: digits read right, wrong, surely, unsurely and not at all; and two that are none."""
    read = np.array([0, 1, 7, 7, 7, 0, 3, 3])
    scores = np.array([0.9, 0.2, 0.9, 0.9, 0.2, 0.0, 0.9, 0.1], np.float32)
    labels = np.array([0, 1, 1, 1, 1, 0, 10, 10])
    pictures = Pictures(np.array(["a"] * 3 + ["b"] * 5), [SAMPLES] * 8, labels)
    return pictures, Readings(np.zeros((8, 28, 28), np.uint8), np.eye(10, dtype=np.float32)[read], scores)


def test_summary_counts_each_set(measured):
    summary = handwriting.summarise_sets(*measured, 0.5)
    assert list(summary) == ["a", "b"]
    assert summary["a"] == pytest.approx(
        {
            "digits": 3, "others": 0, "accuracy": 2 / 3, "declined": 1 / 3, "accuracy_answered": 1 / 2,
            "others_declined": np.nan,
        },
        nan_ok=True,
    )  # fmt: skip
    assert summary["b"] == pytest.approx(
        {"digits": 3, "others": 2, "accuracy": 0, "declined": 2 / 3, "accuracy_answered": 0, "others_declined": 0.5}
    )


def test_confusions_are_of_digits_and_in_order(measured):
    pictures, readings = measured
    assert handwriting.count_confusions(pictures, readings.predictions) == [
        ("b", 1, 7, 2), ("a", 1, 7, 1), ("b", 0, -1, 1)
    ]  # fmt: skip


def test_squeezing_keeps_place_and_inverts_what_is_mostly_light():
    page = np.full((56, 112), 250, np.uint8)
    page[:28, :56] = 10
    image = handwriting.squeeze_picture(page)
    assert (image.shape, image.dtype) == ((28, 28), np.uint8)
    assert image[5, 5] == 245
    assert image[20, 20] == 5
    np.testing.assert_array_equal(handwriting.squeeze_picture(~page), image)
    colour = Image.fromarray(page).convert("RGB")
    np.testing.assert_array_equal(handwriting.squeeze_picture(colour), image)
    with pytest.raises(PictureError):
        handwriting.squeeze_picture(b"none")
