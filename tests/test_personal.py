from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from digitrec import datasets, personal, runs
from digitrec.config import TrainConfig
from digitrec.datasets import DataError
from digitrec.preprocessing import prepare, to_mnist

pytest.importorskip("keras")

# Without augmentation, so that the base network has never met a slant.
CONFIG = TrainConfig(
    epochs=10, batch_size=64, filters=((8,), (16,), (16,)), dense=32, learning_rate=0.01, precision="float32",
    rotation=0, shear=0, elastic=0, scale=0.1, plain_epochs=2, drawn_digits=0, soiled_digits=0, non_digits=0,
)  # fmt: skip
LESSON = {"learning_rate": 0.01, "epochs": 8}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A model folder of a network that reads upright digits."""
    from digitrec.training import train

    (images, labels), _ = datasets.load_digits()
    training, validation = datasets.split_validation(images, labels, validation=len(labels) // 12)
    model, history = train(CONFIG, training, validation, report=lambda line: None)
    metrics = {"dataset": "digits", "temperature": 0.7, "threshold": 0.4, "training": {"time_s": 1.0}}
    return runs.save_model(tmp_path_factory.mktemp("models") / "upright", model, CONFIG, history, metrics)


def slant(image, degrees=40):
    """A digit leaning back, far more than MNIST's do; dark on white, with room around it."""
    lean = np.tan(np.deg2rad(degrees))
    roomy = Image.fromarray(np.pad(image, 20))
    slanted = roomy.transform(
        roomy.size, Image.Transform.AFFINE, (1, -lean, 34 * lean, 0, 1, 0), Image.Resampling.BICUBIC
    )
    return Image.fromarray(255 - np.asarray(slanted))


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    """A folder of six samples a digit of a slanting hand; and 300 more of it, as images and labels."""
    _, (images, labels) = datasets.load_digits()
    folder, chosen = tmp_path_factory.mktemp("own"), np.zeros(len(labels), bool)
    for digit in range(10):
        (folder / str(digit)).mkdir()
        for index in np.flatnonzero(labels == digit)[:6]:
            slant(images[index]).save(folder / str(digit) / f"{index}.png")
            chosen[index] = True
    return folder, np.stack([to_mnist(slant(image)) for image in images[~chosen]]), labels[~chosen]


def count_right(folder, images, labels):
    logits = runs.load_model(folder).predict(prepare(images), verbose=0)
    return int((logits.argmax(axis=1) == labels).sum())


@pytest.mark.slow
def test_taught_network_reads_the_hand_and_forgets_nothing(base, person, tmp_path):
    own, images, labels = person
    lines = []
    metrics = personal.teach(own, tmp_path / "mine", base, report=lines.append, **LESSON)
    # Judged on pictures that the lesson never saw, beside its own account.
    before, after = (count_right(folder, images, labels) / len(labels) for folder in (base, tmp_path / "mine"))
    assert before < 0.5
    assert after > before + 0.2
    _, upright = datasets.load_digits()
    assert count_right(tmp_path / "mine", *upright) >= count_right(base, *upright) - 0.03 * 360
    account = metrics["own"]
    assert account["held_out_before"]["n"] == account["held_out_after"]["n"] == 20
    assert account["taught"] == 40
    assert account["held_out_after"]["errors"] < account["held_out_before"]["errors"]
    low, high = account["held_out_after"]["accuracy_interval"]
    assert low < after < high
    assert metrics["dataset"] == "digits + own"
    assert metrics["training"]["from"] == "upright"
    assert lines[-2].startswith("held-out samples: ")
    assert lines[-1].startswith("digits validation: ")
    assert {path.stem for path in (tmp_path / "mine" / "figures").iterdir()} == {"accuracy", "loss"}


def test_a_change_that_harms_is_not_kept(base):
    from digitrec.networks import build_cnn

    validation = datasets.load_digits()[1]
    network = runs.load_model(base)
    before = network.get_weights()
    logits = network.predict(prepare(validation[0]), verbose=0)
    stranger = build_cnn(replace(CONFIG, seed=1)).get_weights()
    kept, now = personal._keep_what_harms_not(network, before, stranger, validation, logits)
    assert kept < 1
    assert not personal._is_worse(now, logits, validation[1])
    moved = [old + np.float32(kept) * (new - old) for old, new in zip(before, stranger, strict=True)]
    for weights, expected in zip(network.get_weights(), moved, strict=True):
        np.testing.assert_allclose(weights, expected, atol=1e-6)
    assert personal._keep_what_harms_not(network, before, before, validation, logits)[0] == personal.CHANGES[0]


def test_worse_means_more_than_chance():
    labels = np.zeros(100, int)
    right, wrong = np.eye(10)[labels], np.eye(10)[labels + 1]

    def read(errors):
        return np.where(np.arange(100)[:, None] < errors, wrong, right)

    assert not personal._is_worse(read(4), read(0), labels)
    assert personal._is_worse(read(10), read(0), labels)
    assert not personal._is_worse(read(0), read(10), labels)


def test_lesson_that_spoils_the_hand_leaves_the_weights(base, tmp_path, monkeypatch):
    """Let the lesson end in weights that read nothing, and the guard of the validation pictures miss it."""
    monkeypatch.setattr(personal, "load_samples", lambda *_: datasets.load_digits()[1])

    def spoil(network, before, after, validation, logits_before):
        network.set_weights([np.zeros_like(weights) for weights in after])
        return 1.0, logits_before

    monkeypatch.setattr(personal, "_keep_what_harms_not", spoil)
    lines = []
    metrics = personal.teach("unused", tmp_path / "mine", base, report=lines.append, epochs=1)
    assert any("significantly worse" in line for line in lines)
    account = metrics["own"]
    assert account["change_kept"] == 0
    assert account["held_out_after"] == account["held_out_before"]
    assert account["held_out_after"]["n"] == 90
    old, new = (runs.load_model(folder).get_weights() for folder in (base, tmp_path / "mine"))
    for one, other in zip(old, new, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_mnist_synthesised_digits_are_rehearsed(base, person, tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITREC_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(personal, "REHEARSED", 200)
    config = personal.choose_config(CONFIG)
    images = person[1]
    rehearsal, validation, synthesised = personal._load_rehearsal("mnist", config, images)
    assert synthesised
    assert len(rehearsal[1]) == 200
    assert len(validation[1]) == 1000
    assert set(validation[1]) == set(range(10))
    assert not list(tmp_path.iterdir())  # nothing was fetched


@pytest.mark.mnist
def test_rehearsed_mnist_is_of_the_training_and_judged_on_the_validation_part(mnist):
    training, validation = datasets.split_validation(*mnist[0], validation=5000)
    rehearsal, judged, synthesised = personal._load_rehearsal("mnist", TrainConfig(), mnist[0][0][:1])
    assert not synthesised
    np.testing.assert_array_equal(judged[0], validation[0])
    known = {image.tobytes() for image in training[0]}
    assert len(rehearsal[1]) == personal.REHEARSED
    assert all(image.tobytes() in known for image in rehearsal[0])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_a_quarter_of_each_digit_is_held_out(labels, seed):
    labels = np.array(labels)
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), np.uint8)
    taught, held_out = personal.split_held_out(images, labels, seed)
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
    images, labels = personal.load_samples(tmp_path, lines.append)
    assert len(images) == len(labels) == 2
    assert "1 blank pictures and 1 copies" in lines[0]
    assert "no samples of 0, 2, 3, 4, 5, 6, 7, 8, 9" in lines[1]


def test_contradictory_and_blank_samples_are_refused(tmp_path):
    draw_stroke(tmp_path / "one", 1, "a.png", 3)
    draw_stroke(tmp_path / "one", 7, "a.png", 3)
    with pytest.raises(DataError, match="one picture is labelled 1 and 7"):
        personal.load_samples(tmp_path / "one")
    draw_stroke(tmp_path / "two", 1, "a.png", None)
    with pytest.raises(DataError, match="all 1 are blank"):
        personal.load_samples(tmp_path / "two")


def test_a_single_sample_proves_nothing_and_says_so():
    score = personal._score(np.zeros((0, 10)), np.zeros(0, int))
    assert score == {"n": 0, "errors": 0, "accuracy": None, "accuracy_interval": None}
    known = {"n": 100, "errors": 1, "accuracy": 0.99, "accuracy_interval": [0.94, 1.0]}
    own = {"held_out_before": score, "held_out_after": score, "rehearsal_before": known, "rehearsal_after": known}
    assert "nothing is proven" in personal.describe_lesson({**own, "rehearsal": "MNIST validation"})[0]


def test_wrong_use_is_refused_before_anything_is_written(base, person, tmp_path):
    own, models = person[0], base.parent
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    before = {path: path.stat().st_mtime_ns for path in base.rglob("*")}
    for data, folder, model, error, message in (
        (own, tmp_path / "mine", "absent", runs.ModelError, "no model 'absent'"),
        (own, base, base, runs.ModelError, "another name than 'upright'"),
        (own, tmp_path / "upright", base, runs.ModelError, "another name than 'upright'"),
        (own, tmp_path / "file", base, runs.ModelError, "expected a folder to write to"),
        (tmp_path / "empty", tmp_path / "mine", base, DataError, "found neither"),
        (tmp_path / "nowhere", tmp_path / "mine", base, DataError, "found nothing"),
    ):
        with pytest.raises(error, match=message):
            personal.teach(data, folder, model, report=lambda line: None)
    with pytest.raises(ValueError, match="dense: a network that is taught keeps its shape"):
        personal.teach(own, tmp_path / "mine", base, dense=64)
    (tmp_path / "other").symlink_to(models / "upright")
    with pytest.raises(runs.ModelError, match="another name"):
        personal.teach(own, tmp_path / "other", base)
    assert not (tmp_path / "mine").exists()
    assert {path: path.stat().st_mtime_ns for path in base.rglob("*")} == before


def test_a_network_that_was_trained_is_never_overwritten(base, person, tmp_path):
    trained = tmp_path / "trained"
    trained.mkdir()
    for name in ("model.onnx", "metrics.json"):
        (trained / name).write_bytes((base / name).read_bytes())
    with pytest.raises(runs.ModelError, match="not taught from samples; choose another name"):
        personal.teach(person[0], trained, base)
