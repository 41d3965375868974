"""A taught network reads the hand, forgets nothing, and replaces nothing that it should not."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from digitrec import datasets, model_folder, saving
from digitrec.config import TrainConfig
from digitrec.handwriting import lesson, teaching
from digitrec.idx import DataError
from digitrec.preprocessing.form import prepare, to_mnist

pytest.importorskip("keras")

# Without augmentation, so that the base network has never met a slant.
CONFIG = TrainConfig(
    epochs=10, batch_size=64, filters=((8,), (16,), (16,)), dense=32, learning_rate=0.01, precision="float32",
    rotation=0, shear=0, elastic=0, scale=0.1, plain_epochs=2, drawn_digits=0, soiled_digits=0, strings=0, non_digits=0,
)  # fmt: skip
LESSON = {"learning_rate": 0.01, "epochs": 8}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A model folder of a network that reads upright digits."""
    from digitrec.training import train

    training, validation, _ = datasets.load_split("digits")
    model, history = train(CONFIG, training, validation, report=lambda line: None)
    metrics = {"dataset": "digits", "temperature": 0.7, "threshold": 0.4, "training": {"time_s": 1.0}}
    return saving.save_model(tmp_path_factory.mktemp("models") / "upright", model, CONFIG, history, metrics)


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
    logits = model_folder.load_model(folder).predict(prepare(images), verbose=0)
    return int((logits.argmax(axis=1) == labels).sum())


@pytest.mark.slow
def test_taught_network_reads_the_hand_and_forgets_nothing(base, person, tmp_path):
    own, images, labels = person
    lines = []
    metrics = teaching.teach(own, tmp_path / "mine", base, report=lines.append, **LESSON)
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


@pytest.mark.slow
def test_a_change_that_harms_is_not_kept(base):
    from digitrec.networks import build_cnn

    validation = datasets.load_digits()[1]
    network = model_folder.load_model(base)
    before = network.get_weights()
    logits = network.predict(prepare(validation[0]), verbose=0)
    stranger = build_cnn(replace(CONFIG, seed=1)).get_weights()
    kept, now = teaching._keep_what_harms_not(network, before, stranger, validation, logits)
    assert kept < 1
    assert not teaching._is_worse(now, logits, validation[1])
    moved = [old + np.float32(kept) * (new - old) for old, new in zip(before, stranger, strict=True)]
    for weights, expected in zip(network.get_weights(), moved, strict=True):
        np.testing.assert_allclose(weights, expected, atol=1e-6)
    assert teaching._keep_what_harms_not(network, before, before, validation, logits)[0] == teaching.CHANGES[0]


def test_worse_means_more_than_chance():
    labels = np.zeros(100, int)
    right, wrong = np.eye(10)[labels], np.eye(10)[labels + 1]

    def read(errors):
        return np.where(np.arange(100)[:, None] < errors, wrong, right)

    assert not teaching._is_worse(read(4), read(0), labels)
    assert teaching._is_worse(read(10), read(0), labels)
    assert not teaching._is_worse(read(0), read(10), labels)


@pytest.mark.slow
def test_lesson_that_spoils_the_hand_leaves_the_weights(base, tmp_path, monkeypatch):
    """Let the lesson end in weights that read nothing, and the guard of the validation pictures miss it."""
    monkeypatch.setattr(lesson, "load_samples", lambda *_: datasets.load_digits()[1])

    def spoil(network, before, after, validation, logits_before):
        network.set_weights([np.zeros_like(weights) for weights in after])
        return 1.0, logits_before

    monkeypatch.setattr(teaching, "_keep_what_harms_not", spoil)
    lines = []
    metrics = teaching.teach("unused", tmp_path / "mine", base, report=lines.append, epochs=1)
    assert any("significantly worse" in line for line in lines)
    account = metrics["own"]
    assert account["change_kept"] == 0
    assert account["held_out_after"] == account["held_out_before"]
    assert account["held_out_after"]["n"] == 90
    old, new = (model_folder.load_model(folder).get_weights() for folder in (base, tmp_path / "mine"))
    for one, other in zip(old, new, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network", "rnn"), ("filters", ((8,),)), ("batch_normalisation", False), ("recurrent_units", 8), ("dense", 8),
    ],
)  # fmt: skip
def test_a_lesson_keeps_the_shape_of_the_network_and_nothing_else(key, value):
    base = TrainConfig(seed=3, dropout=0.1, drawn_digits=10)
    with pytest.raises(ValueError, match=f"{key}: a network that is taught keeps its shape, expected .*, got "):
        teaching.choose_config(base, **{key: value})
    assert teaching.choose_config(base, **{key: getattr(base, key)}) == teaching.choose_config(base)
    chosen = teaching.choose_config(base, dropout=0.3, epochs=5)
    assert (chosen.seed, chosen.dropout, chosen.epochs, chosen.drawn_digits) == (3, 0.3, 5, 10)
    assert chosen.varied_epochs >= 3


def test_a_single_sample_proves_nothing_and_says_so():
    score = teaching._score(np.zeros((0, 10)), np.zeros(0, int))
    assert score == {"n": 0, "errors": 0, "accuracy": None, "accuracy_interval": None}
    known = {"n": 100, "errors": 1, "accuracy": 0.99, "accuracy_interval": [0.94, 1.0]}
    own = {"held_out_before": score, "held_out_after": score, "rehearsal_before": known, "rehearsal_after": known}
    assert "nothing is proven" in teaching.describe_lesson({**own, "rehearsal": "MNIST validation"})[0]


@pytest.mark.slow
def test_wrong_use_is_refused_before_anything_is_written(base, person, tmp_path):
    own, models = person[0], base.parent
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    before = {path: path.stat().st_mtime_ns for path in base.rglob("*")}
    for data, folder, model, error, message in (
        (own, tmp_path / "mine", "absent", model_folder.ModelError, "no model 'absent'"),
        (own, base, base, model_folder.ModelError, "another name than 'upright'"),
        (own, tmp_path / "upright", base, model_folder.ModelError, "another name than 'upright'"),
        (own, tmp_path / "file", base, model_folder.ModelError, "expected a folder to write to"),
        (tmp_path / "empty", tmp_path / "mine", base, DataError, "found neither"),
        (tmp_path / "nowhere", tmp_path / "mine", base, DataError, "found nothing"),
    ):
        with pytest.raises(error, match=message):
            teaching.teach(data, folder, model, report=lambda line: None)
    with pytest.raises(ValueError, match="dense: a network that is taught keeps its shape"):
        teaching.teach(own, tmp_path / "mine", base, dense=64)
    (tmp_path / "other").symlink_to(models / "upright")
    with pytest.raises(model_folder.ModelError, match="another name"):
        teaching.teach(own, tmp_path / "other", base)
    assert not (tmp_path / "mine").exists()
    assert {path: path.stat().st_mtime_ns for path in base.rglob("*")} == before


@pytest.mark.slow
def test_a_network_that_was_trained_is_never_overwritten(base, person, tmp_path):
    trained = tmp_path / "trained"
    trained.mkdir()
    for name in ("model.onnx", "metrics.json"):
        (trained / name).write_bytes((base / name).read_bytes())
    with pytest.raises(model_folder.ModelError, match="was not made here: choose another name"):
        teaching.teach(person[0], trained, base)
    for maker in ("digitrec train", "digitrec study"):
        metrics = json.loads((base / "metrics.json").read_text()) | {"maker": maker}
        (trained / "metrics.json").write_text(json.dumps(metrics))
        with pytest.raises(model_folder.ModelError, match=f"was made by {maker}: choose another name"):
            teaching.teach(person[0], trained, base)


@pytest.mark.slow
def test_what_is_replaced(base, tmp_path):
    """One that was taught by another; one that was not, only when told to; the one it starts from, never."""
    taught, shipped = tmp_path / "taught", model_folder.find_model("cnn")
    taught.mkdir()
    (taught / "model.onnx").touch()
    entries = {"dataset": "digits + own", "sha256": {}, "maker": teaching.MAKER}
    (taught / "metrics.json").write_text(json.dumps(entries))
    teaching._check_target(taught, base, replace=False)
    (taught / "metrics.json").write_text(json.dumps(entries | {"maker": "digitrec train"}))
    with pytest.raises(model_folder.ModelError, match="was made by digitrec train"):
        teaching._check_target(taught, base, replace=False)
    teaching._check_target(taught, base, replace=True)
    with pytest.raises(model_folder.ModelError, match="comes with digitrec"):
        teaching._check_target(shipped, base, replace=False)
    for told in (False, True):
        with pytest.raises(model_folder.ModelError, match="expected another name than 'upright', which it starts from"):
            teaching._check_target(base, base, told)
