import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digitrec.config import TrainConfig

keras = pytest.importorskip("keras")
from digitrec import training  # noqa: E402
from digitrec.fitting import DivergedError  # noqa: E402
from digitrec.model_folder import ModelError  # noqa: E402
from digitrec.networks import build_cnn, build_network, export_onnx  # noqa: E402
from digitrec.records import hash_arrays  # noqa: E402

SMALL = TrainConfig(
    epochs=3, batch_size=64, filters=((8,), (8,), (16,)), dense=32, learning_rate=0.01, precision="float32",
    drawn_digits=0, soiled_digits=0, strings=0, non_digits=0,
)  # fmt: skip


def run(digits, config=SMALL, **options):
    images, labels = digits
    data = (images[:600], labels[:600]), (images[600:800], labels[600:800])
    return training.train(config, *data, **{"report": lambda line: None, **options})


@pytest.fixture(scope="module")
def ended(digits, tmp_path_factory):
    """The checkpoint of a run of one epoch, to be left as it is."""
    path = tmp_path_factory.mktemp("run") / "checkpoint.npz"
    run(digits, replace(SMALL, epochs=1), checkpoint=path)
    return path


@pytest.fixture
def checkpoint(ended, tmp_path):
    """The same, to be written over."""
    return Path(shutil.copy(ended, tmp_path))


@pytest.fixture(scope="module")
def trained(digits):
    return run(digits)


def test_network_gives_eleven_logits_and_has_the_promised_parts():
    model = build_cnn(TrainConfig())
    logits = model(np.zeros((2, 28, 28, 1), np.float32))
    assert logits.shape == (2, 11)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("Conv2D") == sum(map(len, TrainConfig().filters))
    assert {"MaxPooling2D", "Dropout"} <= set(kinds)
    assert kinds.count("Dense") == 2
    assert not hasattr(model, "optimizer")


@pytest.mark.slow
def test_recurrent_network_reads_row_by_row(digits):
    config = replace(SMALL, network="rnn", optimizer="adamw", recurrent_units=16, epochs=4, plain_epochs=4)
    model, history = run(digits, config)
    assert {"Reshape", "Bidirectional"} <= {type(layer).__name__ for layer in model.layers}
    assert model(np.zeros((2, 28, 28, 1), np.float32)).shape == (2, 11)
    assert history["val_accuracy"][-1] > 0.3


def test_without_batch_normalisation_convolutions_have_biases():
    plain = build_cnn(replace(SMALL, batch_normalisation=False))
    kinds = {type(layer).__name__ for layer in plain.layers}
    assert "BatchNormalization" not in kinds
    assert all(layer.use_bias for layer in plain.layers if type(layer).__name__ == "Conv2D")


@pytest.mark.slow
def test_constant_schedule_keeps_the_rate_and_others_are_refused(digits):
    _, history = run(digits, replace(SMALL, schedule="constant"))
    assert history["learning_rate"] == pytest.approx([SMALL.learning_rate] * 3)
    with pytest.raises(ValueError, match="schedule: expected one of one-cycle, constant, got 'cosine'"):
        run(digits, replace(SMALL, schedule="cosine"))
    with pytest.raises(ValueError, match="network: expected one of cnn, rnn, got 'mlp'"):
        build_network(replace(SMALL, network="mlp"))


def test_an_epoch_is_the_same_at_every_call_and_another_each_time(digits):
    images, labels = digits
    pools = {"given": (images[:200], labels[:200])}
    first, again, second = (training._Epoch(pools, SMALL, epoch) for epoch in (0, 0, 1))
    assert len(first) == 200 // SMALL.batch_size
    for one, other in zip(first[2], again[2], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(first[2][0], first[2][0])
    assert not np.array_equal(first[2][1], second[2][1])
    seen = np.concatenate([first.order[: len(first) * SMALL.batch_size]])
    assert len(set(seen)) == len(seen)


def test_fewer_pictures_than_a_batch_are_refused(digits):
    images, labels = digits
    with pytest.raises(ValueError, match="batch_size: expected at most the 20 pictures, got 21"):
        training.train(
            replace(SMALL, batch_size=21), (images[:20], labels[:20]), (images, labels), report=lambda line: None
        )


@pytest.mark.slow
def test_after_epoch_may_end_the_training(digits):
    seen = []

    def watch(epoch, accuracy):
        seen.append((epoch, accuracy))
        if epoch == 2:
            raise StopIteration

    with pytest.raises(StopIteration):
        run(digits, after_epoch=watch)
    assert [epoch for epoch, _ in seen] == [1, 2]
    assert all(0 <= accuracy <= 1 for _, accuracy in seen)


def test_training_learns(digits):
    _, history = run(digits, replace(SMALL, epochs=10, plain_epochs=10))
    assert set(history) == {"accuracy", "loss", "val_accuracy", "val_loss", "learning_rate", "time_s"}
    assert all(len(values) == 10 for values in history.values())
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert history["val_accuracy"][-1] > 0.5  # guessing reads a tenth


@pytest.mark.slow
def test_same_seed_gives_same_weights(digits, trained):
    again, history = run(digits)
    assert history["loss"] == trained[1]["loss"]
    for one, other in zip(trained[0].get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    other_seed, _ = run(digits, replace(SMALL, seed=1, epochs=1))
    assert not np.array_equal(trained[0].get_weights()[0], other_seed.get_weights()[0])


@pytest.mark.slow
def test_resumed_run_is_the_uninterrupted_one(digits, trained, tmp_path):
    path = tmp_path / "checkpoint.npz"

    class Stop(Exception):
        pass

    def stop_after_second(line):
        if line.startswith("epoch  2"):
            raise Stop

    images, labels = digits
    data = (images[:600], labels[:600]), (images[600:800], labels[600:800])
    with pytest.raises(Stop):
        training.train(SMALL, *data, checkpoint=path, report=stop_after_second)
    lines = []
    model, history = training.train(SMALL, *data, checkpoint=path, resume=True, report=lines.append)
    assert lines[0] == "resumed after epoch 2 of 3"
    assert history["loss"] == trained[1]["loss"]
    for one, other in zip(trained[0].get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_checkpoint_of_another_configuration_or_damaged_is_refused(digits, checkpoint):
    with pytest.raises(ModelError, match="written under other configuration; use the same"):
        run(digits, replace(SMALL, learning_rate=0.001), checkpoint=checkpoint, resume=True)
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ModelError, match="no checkpoint"):
        run(digits, replace(SMALL, epochs=1), checkpoint=checkpoint, resume=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: kept.clear(),
        lambda kept: kept.update(notes=np.array("[]")),
        lambda kept: kept.update(notes=np.array("null")),
        lambda kept: kept.update(notes=np.array('{"notes": 3, "history": {"val_accuracy": [0.5]}}')),
        lambda kept: kept.update(notes=np.array('{"notes": {}, "history": {}}')),
        lambda kept: kept.update(notes=np.array('{"notes": {}, "history": {"a": [1], "b": []}}')),
        lambda kept: kept.update(notes=np.array('{"notes": {}, "history": {"a": ["x"]}}')),
        lambda kept: kept.update(variable_0=np.zeros(3)),
        lambda kept: kept.update(best_0=np.zeros((1, 2))),
        lambda kept: kept.pop("best_1"),
        lambda kept: kept.update(variable_1=np.array([None])),
    ],
)
def test_a_garbled_checkpoint_is_one_clear_line(digits, checkpoint, change):
    kept = dict(np.load(checkpoint))
    change(kept)
    np.savez(checkpoint, **kept)
    with pytest.raises(ModelError, match=r"checkpoint\.npz is no checkpoint of this network .*; delete it") as caught:
        run(digits, replace(SMALL, epochs=2), checkpoint=checkpoint, resume=True)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_checkpoint_of_other_data_is_refused_and_one_of_an_older_run_goes(digits, checkpoint):
    images, labels = digits
    other = (images[:600], np.roll(labels[:600], 1)), (images[600:800], labels[600:800])
    with pytest.raises(ModelError, match="written under other data; use the same, or delete it"):
        training.train(replace(SMALL, epochs=1), *other, checkpoint=checkpoint, resume=True, report=lambda line: None)

    def stop(*_):
        raise KeyboardInterrupt

    assert checkpoint.exists()
    with pytest.raises(KeyboardInterrupt):
        training.train(SMALL, *other, checkpoint=checkpoint, report=stop)
    kept = json.loads(str(np.load(checkpoint)["notes"]))
    assert kept["notes"]["data"] == hash_arrays(*other[0], *other[1])
    assert len(kept["history"]["loss"]) == 1


@pytest.mark.slow
def test_a_run_that_ended_goes_on_for_more_epochs(digits, checkpoint):
    short = json.loads(str(np.load(checkpoint)["notes"]))["history"]
    said = []
    _, longer = run(digits, replace(SMALL, epochs=3), checkpoint=checkpoint, resume=True, report=said.append)
    assert said[0] == "resumed after epoch 1 of 3"
    assert len(longer["loss"]) == 3
    assert longer["loss"][0] == short["loss"][0]
    assert longer["learning_rate"][1] > short["learning_rate"][0]  # under the schedule of three


@pytest.mark.slow
def test_early_stopping_keeps_the_best_epoch(digits):
    """At a learning rate of next to nothing the first epoch stays best, up to ties."""
    images, labels = digits
    scrambled = np.random.default_rng(0).permutation(labels)
    data = (images[:600], scrambled[:600]), (images[600:800], labels[600:800])
    model, history = training.train(replace(SMALL, epochs=30, patience=1), *data, report=lambda line: None)
    accuracy = history["val_accuracy"]
    assert len(accuracy) < 30
    logits = model.predict(images[600:800, ..., None].astype(np.float32) / 255, verbose=0)
    assert (logits.argmax(axis=1) == labels[600:800]).mean() == pytest.approx(max(accuracy), abs=1e-6)


@pytest.mark.slow
def test_nan_loss_stops_with_a_clear_error(digits):
    with pytest.raises(DivergedError, match="try a lower learning rate"):
        run(digits, replace(SMALL, learning_rate=1e30))


@pytest.mark.parametrize("outputs", [10, 11])
def test_loss_is_cross_entropy_with_the_fixed_zero_logit(outputs):
    logits = np.random.default_rng(0).normal(size=(6, outputs)).astype(np.float32)
    labels = np.array([0, 3, 9, 10, 10, 11])
    full = np.insert(logits, 10, 0, axis=1)
    log_p = full - np.log(np.exp(full).sum(axis=1, keepdims=True))
    expected = -log_p[np.arange(6), np.minimum(labels, outputs)].mean()  # ten logits know no "several digits"
    assert float(np.mean(training.digit_loss(0.0)(labels, logits))) == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_an_epoch_by_keras_own_loop_is_the_same_as_step_by_step(digits, monkeypatch):
    config = replace(SMALL, dropout=0.0)
    step_by_step = run(digits, config)[1]
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")  # whose choice of the loop is all that changes
    history = run(digits, config)[1]
    for name in ("loss", "accuracy", "val_loss"):
        np.testing.assert_allclose(history[name], step_by_step[name], atol=5e-3)  # XLA rounds otherwise


def test_accuracy_counts_digits_among_the_ten_and_all_else_by_what_is_likeliest():
    logits = np.full((7, 11), -1.0, np.float32)
    logits[0, 3], logits[1, 3], logits[2, 3] = -0.5, 2, 2
    logits[4, 10], logits[6, [3, 10]] = 2, (1, 2)
    labels = np.array([3, 4, 10, 10, 11, 11, 3])
    np.testing.assert_array_equal(np.asarray(training.digit_accuracy(labels, logits)), [1, 0, 0, 1, 1, 0, 1])
    of_ten = training.digit_accuracy(labels, logits[:, :10])
    np.testing.assert_array_equal(np.asarray(of_ten), [1, 0, 0, 1, 1, 1, 1])


def test_schedule_rises_and_falls():
    schedule = training.choose_rate(TrainConfig(learning_rate=0.1), 1000)
    rate = np.array([float(schedule(step)) for step in range(1000)])
    assert rate.max() == pytest.approx(0.1, rel=0.01)
    assert rate.argmax() == pytest.approx(200, abs=2)
    assert rate[0] < 0.01
    assert rate[-1] < 0.001
    assert (np.diff(rate[200:]) <= 1e-7).all()


def test_a_short_schedule_has_a_rise_and_a_fall():
    for steps in (1, 2, 5):
        schedule = training.choose_rate(TrainConfig(learning_rate=0.1), steps)
        assert all(0 < float(schedule(step)) <= 0.1 + 1e-6 for step in range(steps))


def test_plain_epochs_are_the_last_and_the_others_are_varied(digits):
    images, labels = digits
    pools = {"given": (images[:200], labels[:200])}
    config = replace(SMALL, epochs=8, plain_epochs=2)
    plain = []
    for number in range(8):
        epoch = training._Epoch(pools, config, number)
        x, _ = epoch[0]
        given = training.prepare(images[:200][epoch.order[: config.batch_size]])
        plain.append(bool(np.array_equal(x, given)))
    assert plain == [False] * 6 + [True] * 2


def test_the_same_weights_export_to_the_same_bytes():
    config = replace(SMALL, seed=3)
    keras.utils.set_random_seed(3)
    model = build_cnn(config)
    first = export_onnx(model)
    twin = build_cnn(config)
    twin.set_weights(model.get_weights())
    assert export_onnx(twin) == first == export_onnx(model)


SCRIPT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores Ctrl-C
from digitrec import TrainConfig, datasets, train
(images, labels), _ = datasets.load_digits()
unmixed = {"drawn_digits": 0, "soiled_digits": 0, "strings": 0, "non_digits": 0}
train(TrainConfig(epochs=500, patience=500, batch_size=64, filters=((8,), (8,)), **unmixed),
      (images[:256], labels[:256]), (images[256:300], labels[256:300]), checkpoint="checkpoint.npz",
      resume=True, report=lambda line: print(line, flush=True))
"""


@pytest.mark.slow
def test_interrupted_and_killed_runs_leave_a_whole_checkpoint(tmp_path):
    """Ctrl-C after the first epochs, resume, kill -9: each time the file is whole and no other is left."""
    for first_line, kill in (("epoch  1", signal.SIGINT), ("resumed after epoch", signal.SIGKILL)):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert process.stdout.readline().startswith(first_line)
        process.stdout.readline()
        process.send_signal(kill)
        process.communicate(timeout=60)
        assert process.returncode != 0
        with np.load(tmp_path / "checkpoint.npz", allow_pickle=False) as saved:
            assert len(json.loads(str(saved["notes"]))["history"]["loss"]) >= 1
