from dataclasses import replace

import numpy as np
import pytest

from digitrec import model_folder
from digitrec.numbers.config import NumberConfig
from digitrec.numbers.constraints import MARKS
from digitrec.synthesis.numbers import draw_numbers

keras = pytest.importorskip("keras")
from digitrec.model_folder import ModelError  # noqa: E402
from digitrec.numbers import saving, training  # noqa: E402
from digitrec.numbers.network import build_network  # noqa: E402
from digitrec.numbers.pools import Pools, join  # noqa: E402
from digitrec.numbers.targets import MOST  # noqa: E402

SMALL = NumberConfig(
    epochs=3, strips=48, kept_epochs=2, batch_size=16, filters=((4,), (8,), (8,), (8,), (16, 16)), precision="float32"
)


@pytest.fixture(scope="module")
def judges(digits):
    images, labels = digits
    return draw_numbers(images[1000:], labels[1000:], 40, np.random.default_rng(1))


def run(digits, judges, config=SMALL, **options):
    images, labels = digits
    return training.train(config, (images[:1000], labels[:1000]), judges, report=lambda line: None, **options)


@pytest.fixture(scope="module")
def trained(digits, judges):
    return run(digits, judges)


@pytest.mark.slow
def test_the_loss_falls_and_the_network_is_in_float32(trained):
    model, history = trained
    assert history["loss"][-1] < history["loss"][0]
    assert {len(row) for row in history.values()} == {3}
    assert {weight.dtype for weight in model.weights} == {"float32"}


@pytest.fixture(scope="module")
def stopped(digits, judges, tmp_path_factory):
    """The checkpoint of a run that was stopped after its second epoch."""
    path = tmp_path_factory.mktemp("run") / "checkpoint.npz"

    def stop(line):
        if line.startswith("epoch  2"):
            raise KeyboardInterrupt

    images, labels = digits
    with pytest.raises(KeyboardInterrupt):
        training.train(SMALL, (images[:1000], labels[:1000]), judges, checkpoint=path, report=stop)
    return path


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(digits, judges, trained, stopped, tmp_path):
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(stopped.read_bytes())
    model, history = run(digits, judges, checkpoint=path, resume=True)
    assert history["loss"] == pytest.approx(trained[1]["loss"], rel=1e-4)
    for own, expected in zip(model.get_weights(), trained[0].get_weights(), strict=True):
        np.testing.assert_allclose(own, expected, atol=1e-5)


@pytest.mark.slow
def test_a_checkpoint_of_other_settings_is_refused(digits, judges, stopped):
    with pytest.raises(ModelError, match="was written under other configuration"):
        run(digits, judges, replace(SMALL, noise=0.5), checkpoint=stopped, resume=True)


@pytest.mark.slow
def test_a_checkpoint_of_another_start_is_refused(digits, judges, trained, stopped):
    with pytest.raises(ModelError, match="was written under"):
        run(digits, judges, checkpoint=stopped, resume=True, initial_weights=trained[0].get_weights())


def test_fewer_strips_than_a_batch_are_one_clear_line(digits, judges):
    with pytest.raises(ValueError, match="batch_size: expected at most the 8 strips, got 16"):
        run(digits, judges, replace(SMALL, strips=8))


def test_an_epoch_has_new_strips_and_those_it_keeps(digits):
    with Pools(digits, 6, 2, 0, 4) as pools:
        first, second, third = (pools[epoch] for epoch in range(3))
    assert [len(one.texts) for one in (first, second, third)] == [6, 12, 12]
    assert second.texts[:6] == first.texts
    assert third.texts[:6] == second.texts[6:]
    assert third.texts[6:] != third.texts[:6]
    with Pools(digits, 6, 2, 0, 4) as pools:  # as a run that goes on has it
        again = pools[2]
    assert again.texts == third.texts
    assert (again.images == third.images).all()
    assert join([again]) is again


def test_batches_are_about_equally_wide_and_the_same_at_every_call(judges):
    epoch = training.Epoch(join([judges] * 4), replace(SMALL, batch_size=32), 1)
    assert len(epoch) == 5
    for batch in range(len(epoch)):
        (x, y), (again, _) = epoch[batch], epoch[batch]
        assert (x == again).all()
        assert x.shape[1] == 32
        assert x.shape[2] % 4 == 0
        assert y.shape == (32, x.shape[2] // 2 + MOST + 3)
        chosen = judges.widths[epoch.batches[batch] % 40]
        assert x.shape[2] >= min(chosen.max(), 256)


def test_the_loss_turns_connectionist_after_the_frames_were_learned(judges):
    config = replace(SMALL, epochs=4, frame_epochs=0.5, batch_size=8, connectionist=0.4)
    shares = [training.Epoch(judges, config, epoch)[0][1][:, -1] for epoch in range(4)]
    assert [share.max() for share in shares] == pytest.approx([0, 0, 0.4, 0.4])


@pytest.mark.parametrize(
    ("right", "kept"), [((1, 2, 3), 0.5), ((1, 3, 2), 0.75), ((3, 2, 1), 1), ((2, 2, 2), 1)]
)  # of all of a change, of three quarters and of half
def test_of_a_change_is_kept_what_reads_most(right, kept, monkeypatch):
    network, other = build_network(SMALL), build_network(SMALL)
    before, after = other.get_weights(), network.get_weights()
    strips = draw_numbers(*saving.load_split("digits")[1], 4, np.random.default_rng(0))
    read = iter([strips.texts[:n] + [None] * (4 - n) for n in right])
    monkeypatch.setattr(saving, "read_frames", lambda frames: next(read))
    monkeypatch.setattr(saving, "compare", lambda found, texts: np.equal(found, texts))
    assert saving.keep_what_reads_best(network, before, strips) == kept
    for now, old, new in zip(network.get_weights(), before, after, strict=True):
        np.testing.assert_allclose(now, old + kept * (new - old), atol=1e-6)


@pytest.mark.slow
def test_a_model_folder_holds_all_that_reading_and_going_on_take(tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "JUDGED", 30)
    monkeypatch.setattr(saving, "PROVED", 50)
    lines = []
    metrics = saving.train_numbers(tmp_path / "mine", replace(SMALL, epochs=1), "digits", report=lines.append)
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {
        "config.json", "history.csv", "metrics.json", "model.keras", "model.onnx"
    }  # fmt: skip
    assert metrics["training"]["presentations"] == 48
    assert metrics["validation"]["n"] == 50
    assert 0 <= metrics["threshold"] <= 1
    assert model_folder.read_calibration(tmp_path / "mine") == (metrics["temperature"], metrics["threshold"])
    model = saving.load_numbers(tmp_path / "mine")
    strips = draw_numbers(*saving.load_split("digits")[1], 3, np.random.default_rng(0))
    frames = saving.compute_frames(model, strips)
    assert [len(one) for one in frames] == [max(width // 2, 1) for width in strips.widths]
    np.testing.assert_allclose([np.exp(one).sum(axis=1).max() for one in frames], 1, atol=1e-4)
    assert any(line.startswith("epoch  1/1") for line in lines)
    assert not any(text.startswith(tuple(MARKS)) for text in strips.texts)

    # At a learning rate of next to nothing the next one is where this one was.
    still = replace(SMALL, epochs=1, learning_rate=1e-8, frame_epochs=0.0)
    theirs = saving.train_numbers(tmp_path / "next", still, "digits", report=lines.append, base=tmp_path / "mine")
    assert theirs["base"] == metrics["sha256"]["model.keras"]
    assert theirs["kept"] in saving.PARTS
    for one, other in zip(model.get_weights(), saving.load_numbers(tmp_path / "next").get_weights(), strict=True):
        if one.ndim > 1:  # the statistics of batches move on
            np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_model_made_otherwise_is_never_overwritten(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"precious")
    with pytest.raises(ModelError, match="was not made here: choose another name, or --replace it"):
        saving.train_numbers(tmp_path, SMALL, "digits")
    assert (tmp_path / "model.onnx").read_bytes() == b"precious"
