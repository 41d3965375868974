"""A network of one's own goes wherever the shipped one goes, and nothing that it brings along is run."""

import json

import numpy as np
import pytest

from digitrec import (
    DataError,
    ModelError,
    Recognizer,
    TrainConfig,
    backend,
    load_split,
    model_folder,
    save_model,
    train,
)
from digitrec.architectures import adapt, describe, rebuild, to_logits
from digitrec.preprocessing.form import prepare
from digitrec.study.classifier import Network
from digitrec.workflow import evaluate_model

CONFIG = TrainConfig(epochs=1, batch_size=64, drawn_digits=50, soiled_digits=20, strings=20, non_digits=50)


def quiet(line: str) -> None:
    pass


def build(shape=(28, 28, 1), outputs=10, ends_in="softmax", functional=False):
    """A small network as students write it."""
    keras, layers = backend.keras, backend.keras.layers
    ends = {"layer": layers.Softmax, "activation": lambda: layers.Activation("softmax")}
    own = [layers.Flatten(), layers.Dense(24, "relu")]
    if ends_in in ends:
        own += [layers.Dense(outputs), ends[ends_in]()]
    else:
        own += [layers.Dense(outputs, activation=ends_in)]
    if not functional:
        return keras.Sequential([keras.Input(shape), *own])
    x = h = keras.Input(shape)
    for layer in own:
        h = layer(h)
    return keras.Model(x, h)


@pytest.fixture(scope="module")
def data():
    return load_split("digits")


@pytest.fixture(scope="module")
def fitted(data):
    """A network that Keras trained, and its history."""
    (images, labels), (x, y), _ = data
    backend.keras.utils.set_random_seed(0)
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(prepare(images), labels, epochs=3, validation_data=(prepare(x), y), verbose=0)
    return model, history


@pytest.mark.parametrize("ends_in", ["softmax", "sigmoid", "layer", "activation", None])
@pytest.mark.parametrize("functional", [False, True])
def test_what_ends_in_probabilities_is_taken_before_them(ends_in, functional):
    model = build(ends_in=ends_in, functional=functional)
    x = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)
    logits, given = (backend.keras.ops.convert_to_numpy(one(x)) for one in (to_logits(model), model))
    assert np.abs(logits.sum(axis=1) - 1).max() > 0.01
    if ends_in == "sigmoid":
        expected = 1 / (1 + np.exp(-logits))
    else:
        expected = logits if ends_in is None else np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(given, expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 28), (784,)])
def test_pixels_are_given_in_the_shape_that_the_network_wants(shape):
    assert adapt(build(shape)).input_shape == (None, 28, 28, 1)


def test_ten_outputs_decline_by_their_own_doubt_alone():
    """Trained on digits alone, a network cannot say that something is none: its best digit always beats that."""
    logits = np.asarray(adapt(build())(np.random.default_rng(0).random((50, 28, 28, 1), np.float32)))
    assert logits.max(axis=1).min() > 10


def test_the_eleventh_of_eleven_outputs_is_no_digit():
    model = build(outputs=11)
    x = np.random.default_rng(0).random((20, 28, 28, 1), np.float32)
    probabilities, logits = np.asarray(model(x)), np.asarray(adapt(model)(x))
    beside_zero = np.exp(np.concatenate([logits, np.zeros((20, 1))], axis=1))
    np.testing.assert_allclose(probabilities, beside_zero / beside_zero.sum(axis=1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: "cnn", "expected a Keras model, got str"),
        (lambda: build((32, 32, 3)), r"input of \(28, 28, 1\) pixels, got \(None, 32, 32, 3\)"),
        (lambda: build(outputs=5), r"outputs of \(n, 10\) or \(n, 11\), got \(None, 5\)"),
        (lambda: type("Own", (backend.keras.Model,), {"call": lambda self, x: x})(), "Sequential or functional"),
    ],
)
def test_another_form_is_refused_in_a_line(wrong, said):
    with pytest.raises(ValueError, match=said) as caught:
        adapt(wrong())
    assert "\n" not in str(caught.value)


def test_a_network_that_keras_trained_reads_any_picture(data, fitted):
    model, _ = fitted
    _, validation, _ = data
    reader = Recognizer.from_keras(model, validation)
    as_floats = Recognizer.from_keras(model, (prepare(validation[0]), validation[1].tolist()))
    assert (as_floats.temperature, as_floats.threshold) == (reader.temperature, reader.threshold)
    right = [answer.probabilities.argmax() for answer in reader.read_images(validation[0])] == validation[1]
    own = np.asarray(model(prepare(validation[0]))).argmax(axis=1) == validation[1]
    assert abs(right.mean() - own.mean()) < 0.05  # close ones are looked at again
    assert reader.predict(np.zeros((90, 60), np.uint8)).kind == "blank"
    assert 0 < reader.threshold < 1


def test_a_network_that_wants_bytes_is_told_so(data, fitted):
    """The same network behind a division by 255: what a student has who trained on pixels as they are."""
    layers = backend.keras.layers
    in_bytes = backend.keras.Sequential([backend.keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), fitted[0]])
    with pytest.raises(ValueError, match="Rescaling"):
        Recognizer.from_keras(in_bytes, data[1])


@pytest.mark.slow
def test_a_saved_one_is_evaluated_and_drawn_like_any_other(data, fitted, tmp_path):
    model, history = fitted
    folder = save_model(tmp_path / "own", model, history=history, validation=data[1])
    metrics, figures = evaluate_model(folder, "digits")
    assert metrics["test"]["onnx"]["labels_flipped"] == 0
    assert metrics["training"] == {"epochs": 3}
    assert "confusion_counts" in figures
    assert model_folder.read_history(folder)["loss"] == pytest.approx(history.history["loss"], rel=1e-5)
    x = prepare(data[1][0])
    np.testing.assert_allclose(model_folder.load_model(folder)(x), adapt(model)(x), atol=1e-4)
    save_model(folder, model, validation=data[1])  # its own place
    with pytest.raises(ValueError, match="to calibrate by"):
        save_model(tmp_path / "more", model)


def test_a_folder_of_another_maker_is_left_alone(data, fitted, tmp_path):
    folder = save_model(tmp_path / "theirs", fitted[0], metrics=None, validation=data[1])
    metrics = model_folder.read_metrics(folder)
    (folder / "metrics.json").write_text(json.dumps({**metrics, "maker": "digitrec train"}))
    with pytest.raises(ModelError, match="was made by digitrec train"):
        save_model(folder, fitted[0], validation=data[1])


@pytest.mark.slow
def test_our_training_takes_it_and_leaves_it_trained(data, tmp_path):
    training, validation, _ = data
    model = build(ends_in="softmax")
    trained, history = train(CONFIG, training, validation, model=model, report=quiet)
    assert len(history["loss"]) == 1
    x = prepare(validation[0])
    np.testing.assert_array_equal(np.asarray(trained(x)).argmax(axis=1), np.asarray(model(x)).argmax(axis=1))
    folder = save_model(tmp_path / "own", trained, CONFIG, history, validation=validation)
    assert model_folder.read_config(folder) == CONFIG
    again = model_folder.load_model(folder)
    np.testing.assert_allclose(again(x), trained(x), atol=1e-4)
    train(CONFIG, training, validation, model=again, report=quiet)  # what was read back can be trained on


@pytest.mark.slow
def test_our_training_goes_on_from_what_keras_trained(data, fitted):
    training, validation, _ = data
    copy = backend.keras.models.clone_model(fitted[0])
    copy.set_weights(fitted[0].get_weights())
    still = TrainConfig.from_json({**CONFIG.to_json(), "learning_rate": 1e-9, "optimizer": "adamw"})
    train(still, training, validation, model=copy, report=quiet)
    for one, other in zip(copy.get_weights(), fitted[0].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.slow
def test_the_study_trains_it_anew(data):
    (images, labels), (x, y), _ = data
    network = Network.like(build(), CONFIG)
    network.fit(prepare(images).reshape(len(images), -1), labels)
    assert (network.predict(prepare(x).reshape(len(x), -1)) == y).mean() > 0.3


# --- what a file may hold --------------------------------------------------------------------------


def test_an_architecture_comes_back_the_same():
    layers = backend.keras.layers
    model = backend.keras.Sequential([
        backend.keras.Input((28, 28, 1)), layers.RandomRotation(0.05), layers.Rescaling(2.0, -1),
        layers.Conv2D(4, 3, kernel_regularizer="l2", kernel_constraint=backend.keras.constraints.MaxNorm(3)),
        layers.BatchNormalization(), layers.ReLU(), layers.SpatialDropout2D(0.1), layers.GlobalMaxPooling2D(),
        layers.Dense(10),
    ])  # fmt: skip
    copy = rebuild(json.loads(json.dumps(describe(model))))
    copy.set_weights(model.get_weights())
    x = np.random.default_rng(0).random((3, 28, 28, 1), np.float32)
    np.testing.assert_array_equal(copy(x, training=False), model(x, training=False))


def find_classes(part):
    """Every place in an architecture that names a class."""
    if isinstance(part, dict):
        if "class_name" in part:
            yield part
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from find_classes(one)


@pytest.mark.parametrize(
    "swapped",
    [
        {"class_name": "Lambda", "module": "keras.layers"},
        {"class_name": "TFSMLayer", "module": "keras.layers"},
        {"class_name": "TorchModuleWrapper", "module": "keras.layers"},
        {"class_name": "StringLookup", "module": "keras.layers"},
        {"class_name": "system", "module": "os"},
        {"class_name": "run", "module": "subprocess"},
        {"class_name": "function", "module": "builtins"},
        {"class_name": "__lambda__"},
        {"class_name": "get_file", "module": "keras.utils"},
        {"class_name": "deserialize", "module": "keras.initializers"},
        {"class_name": "Dense", "module": "kerasx.layers"},
    ],
)
def test_no_place_of_an_architecture_can_name_what_runs_code(swapped):
    whole = json.dumps(describe(adapt(build())))
    for place in range(sum(1 for _ in find_classes(json.loads(whole)))):
        changed = json.loads(whole)
        part = list(find_classes(changed))[place]
        if swapped["class_name"] == part["class_name"] and "module" in swapped and part["class_name"] != "Dense":
            continue
        part.pop("module", None)
        part.update(swapped)
        with pytest.raises(ValueError, match="expected layers of Keras that only compute"):
            rebuild(changed)


def test_a_changed_architecture_is_refused_for_its_hash(data, fitted, tmp_path):
    folder = save_model(tmp_path / "own", fitted[0], validation=data[1])
    path = folder / model_folder.ARCHITECTURE
    path.write_text(path.read_text().replace("relu", "gelu"))
    with pytest.raises(ModelError, match="damaged or foreign"):
        model_folder.load_model(folder)


@pytest.mark.parametrize("content", ["[]", "{}", '{"class_name": 1}', "null", '"x"'])
def test_what_is_no_network_is_refused(content):
    with pytest.raises(ValueError, match="expected"):
        rebuild(json.loads(content))


def test_pictures_of_another_form_are_refused(fitted):
    with pytest.raises((ValueError, DataError), match="expected uint8"):
        Recognizer.from_keras(fitted[0], (np.full((3, 28, 28, 1), 2.0), np.zeros(3, int)))
