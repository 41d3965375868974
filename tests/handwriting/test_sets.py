"""Sets of real handwriting are listed as their labels say, and counted right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from digitrec.evaluation import expected_calibration_error
from digitrec.handwriting import sets as handwriting
from digitrec.handwriting.folders import Row
from digitrec.handwriting.sets import Pictures, Readings
from digitrec.idx import DataError
from digitrec.preprocessing.decoding import PictureError
from digitrec.recognizer import Recognizer
from digitrec.records import SAMPLES


def write_set(folder, labels):
    folder.mkdir(parents=True)
    rows = [f'{number}.png,"{label}"' for number, label in enumerate(labels)]
    for number in range(len(labels)):
        (folder / f"{number}.png").touch()
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
    assert pictures.skipped == {"a": 0, "b": 1, "numbers": 4}


def test_a_set_by_itself_is_a_folder_of_one_set(tmp_path, monkeypatch):
    write_set(tmp_path / "mine", ["3", "4"])
    monkeypatch.chdir(tmp_path / "mine")
    assert handwriting.list_pictures(".").sets.tolist() == ["mine", "mine"]


def test_sets_are_in_natural_order(tmp_path):
    for name in ("set 10", "set 9", "Set 1", "__MACOSX", ".hidden"):
        write_set(tmp_path / name, ["3"])
    assert list(handwriting.list_pictures(tmp_path).skipped) == ["Set 1", "set 9", "set 10"]


@given(st.lists(st.text(st.sampled_from("059.,k- ٣"), min_size=1, max_size=3), min_size=1, max_size=8))
@settings(deadline=None)
def test_numbers_are_dropped_and_sets_of_numbers_whole(labels):
    rows = [Row(SAMPLES, label, "") for label in labels]
    numbers = [label for label in labels if len(label) > 1 and set(label) & set("0123456789")]
    kept = [label for label in labels if label not in numbers] if len(numbers) < len(labels) / 2 else []
    assert [row.label for row in handwriting._drop_numbers(rows)] == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "file,label\n",
        "picture,digit\n1.png,1\n",
        "file,label\n1.png,\n",
        "file,label\ngone.png,1\n",
        "file,label\n../outside.png,1\n",
        "file,label\n1.png,14,3\n",
        b"file,label\n\xff,1\n",
    ],
)
def test_a_wrong_table_is_an_error_or_is_reported_and_the_other_sets_are_listed(tmp_path, text):
    write_set(tmp_path / "good", ["3"])
    write_set(tmp_path / "odd", ["3", "4"])
    (tmp_path / "outside.png").touch()
    (tmp_path / "odd" / "labels.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    for place in (tmp_path, tmp_path / "odd"):
        with pytest.raises(DataError, match=r"odd.labels\.csv.*expected"):
            handwriting.list_pictures(place)
    lines = []
    assert list(handwriting.list_pictures(tmp_path, lines.append).skipped) == ["good"]
    assert len(handwriting.list_pictures(tmp_path / "odd", lines.append)) == 0
    assert len(lines) == 2
    assert all("expected" in line and len(line.splitlines()) == 1 for line in lines)


def test_a_folder_without_a_table_is_no_set_and_is_reported(tmp_path):
    write_set(tmp_path / "good", ["3"])
    (tmp_path / "notes").mkdir()
    assert len(handwriting.list_pictures(tmp_path)) == 1
    lines = []
    assert len(handwriting.list_pictures(tmp_path, lines.append)) == 1
    assert len(lines) == 1
    assert "labels.csv: No such file" in lines[0]


def test_no_sets_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for place in (tmp_path / "none", tmp_path / "empty", tmp_path / "file", tmp_path):
        with pytest.raises(DataError, match=r"expected a folder of sets, .* found none"):
            handwriting.list_pictures(place)


def test_a_set_of_numbers_alone_is_listed_and_measured_as_nothing(tmp_path):
    write_set(tmp_path / "numbers", ["12", "34"])
    pictures = handwriting.list_pictures(tmp_path)
    assert (len(pictures), pictures.skipped) == (0, {"numbers": 2})
    readings = handwriting.read_pictures(Recognizer.load("cnn"), pictures.paths)
    assert len(readings.predictions) == 0
    summary = handwriting.summarise_sets(pictures, readings, 0.5)["numbers"]
    assert (summary["pictures"], summary["skipped"], summary["digits"], summary["others"]) == (2, 2, 0, 0)
    assert np.isnan(list(handwriting.pool_sets(pictures, readings, 0.5).values())).all()


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
    assert list(readings.errors) == [len(pictures)]
    assert readings.errors[len(pictures)].startswith(f"{tmp_path / 'no_picture.png'}: picture: expected one of PNG")
    assert readings.readable.tolist() == [True] * len(pictures) + [False]


DAMAGES = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[: len(content) // 2],
    "text": lambda content: b"seven",
    "turned over": lambda content: content[::-1],
    "overwritten": lambda content: content[:40] + bytes(len(content) - 40),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["0_canvas.png", "9_photo.jpg", "letter_k.png"])
def test_a_damaged_picture_counts_as_wrong_and_declined_and_ends_nothing(tmp_path, damage, name):
    recognizer = Recognizer.load("cnn")
    (tmp_path / "labels.csv").write_bytes((SAMPLES / "labels.csv").read_bytes())
    for path in handwriting.list_pictures(SAMPLES).paths:
        content = path.read_bytes()
        (tmp_path / path.name).write_bytes(DAMAGES[damage](content) if path.name == name else content)
    pictures = handwriting.list_pictures(tmp_path)
    readings = handwriting.read_pictures(recognizer, pictures.paths)
    assert [pictures.paths[i].name for i in readings.errors] == [name]
    (figures,) = handwriting.summarise_sets(pictures, readings, recognizer.threshold).values()
    lost = 0 if name.startswith("letter") else 1
    assert (figures["pictures"], figures["unreadable"], figures["digits"]) == (13, 1, 10)
    assert figures["accuracy"] == figures["coverage"] == pytest.approx((10 - lost) / 10)
    assert figures["declined"] == pytest.approx(lost / 10)
    assert (figures["accuracy_answered"], figures["others_declined"]) == (1, 1)
    assert figures["mean_confidence"] > 0.9  # of the others, as if the damaged one were not there


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
    # The made-up probabilities are all 1: each wrong reading is an error of calibration by 1.
    assert summary["a"] == pytest.approx(
        {
            "pictures": 3, "skipped": 0, "unreadable": 0, "digits": 3, "others": 0, "accuracy": 2 / 3,
            "declined": 1 / 3, "coverage": 2 / 3, "accuracy_answered": 1 / 2, "mean_confidence": 1,
            "expected_calibration_error": 1 / 3, "others_declined": np.nan,
        },
        nan_ok=True,
    )  # fmt: skip
    assert summary["b"] == pytest.approx(
        {
            "pictures": 5, "skipped": 0, "unreadable": 0, "digits": 3, "others": 2, "accuracy": 0,
            "declined": 2 / 3, "coverage": 1 / 3, "accuracy_answered": 0, "mean_confidence": 1,
            "expected_calibration_error": 1, "others_declined": 0.5,
        }
    )  # fmt: skip


def test_sets_are_pooled_as_equals_and_calibration_by_picture(measured):
    assert handwriting.pool_sets(*measured, 0.5) == pytest.approx(
        {
            "mean_accuracy": (2 / 3 + 0) / 2, "mean_coverage": (2 / 3 + 1 / 3) / 2, "mean_declined": 0.5,
            "expected_calibration_error": 4 / 6,
        }
    )  # fmt: skip


@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.floats(0, 1, width=32))
@settings(deadline=None)
def test_figures_are_those_of_one_picture_after_another(seed, n, threshold):
    """An oracle: each picture by itself, in plain Python."""
    rng = np.random.default_rng(seed)
    pictures = Pictures(rng.choice(["a", "b"], n).astype(str), [SAMPLES] * n, rng.integers(0, 11, n), {"b": 2, "c": 3})
    probabilities = rng.dirichlet(np.full(10, 0.3), n).astype(np.float32).reshape(n, 10)
    kinds = rng.integers(0, 4, n)  # 0: unreadable, 1: blank, else: read
    probabilities[kinds < 2] = 0.1
    scores = np.where(kinds < 2, 0, rng.uniform(0.1, 1, n)).astype(np.float32)
    errors = {int(i): "" for i in np.flatnonzero(kinds == 0)}
    readings = Readings(np.zeros((n, 28, 28), np.uint8), probabilities, scores, errors)
    summary = handwriting.summarise_sets(pictures, readings, threshold)
    assert set(summary) == {"b", "c", *pictures.sets.tolist()}
    assert summary["c"]["pictures"] == summary["c"]["skipped"] == 3
    for name, figures in summary.items():
        own = [i for i in range(n) if pictures.sets[i] == name]
        digits = [i for i in own if pictures.labels[i] < 10]
        others = [i for i in own if pictures.labels[i] == 10]
        answered = [i for i in own if kinds[i] > 1 and scores[i] >= threshold]
        right = [i for i in digits if kinds[i] > 1 and probabilities[i].argmax() == pictures.labels[i]]
        known = [i for i in digits if kinds[i] > 0]
        assert figures["pictures"] == len(own) + {"b": 2, "c": 3}.get(name, 0)
        assert figures["unreadable"] == sum(kinds[i] == 0 for i in own)
        assert (figures["digits"], figures["others"]) == (len(digits), len(others))
        if digits:
            assert figures["accuracy"] == pytest.approx(len(right) / len(digits))
            assert figures["coverage"] == pytest.approx(len(set(answered) & set(digits)) / len(digits))
            assert figures["declined"] == pytest.approx(1 - figures["coverage"])
        if others:
            assert figures["others_declined"] == pytest.approx(len(set(others) - set(answered)) / len(others))
        if asked := set(answered) & set(digits):
            assert figures["accuracy_answered"] == pytest.approx(len(asked & set(right)) / len(asked))
        if known:
            assert figures["mean_confidence"] == pytest.approx(np.mean([probabilities[i].max() for i in known]))
            labels = [pictures.labels[i] if kinds[i] > 1 else 9 for i in known]
            error = expected_calibration_error(probabilities[known], labels)
            assert figures["expected_calibration_error"] == pytest.approx(error)


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
