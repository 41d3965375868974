import numpy as np
import pytest

from digitrec.numbers.decoding import BLANK
from digitrec.numbers.targets import CLASSES, MOST, encode_targets, read_greedily

keras = pytest.importorskip("keras")
from digitrec.numbers.losses import accuracy, connectionist_loss, number_loss  # noqa: E402

ops = keras.ops
TEXTS = ["77,5", "", "1234567890123456", "88888", "-1", "12/5"]
FRAMES = [40, 12, 40, 30, 4, 33]


def make_batch(seed=0, strength=2.0, mix=1.0):
    logits = np.random.default_rng(seed).normal(0, strength, (len(TEXTS), 40, CLASSES)).astype(np.float32)
    targets = encode_targets(TEXTS, np.array(FRAMES) * 2, None, 80, mix)
    return logits, targets


def lose(logits, targets):
    parts = targets[:, -MOST - 3 : -3].astype("int32"), targets[:, -3].astype("int32"), targets[:, -2].astype("int32")
    return connectionist_loss(ops.log_softmax(logits), *parts), parts


@pytest.mark.parametrize("strength", [0.1, 2.0, 20.0])
def test_connectionist_loss_is_that_of_keras(strength):
    logits, targets = make_batch(1, strength)
    own, (text, length, valid) = lose(ops.convert_to_tensor(logits), targets)
    expected = ops.nn.ctc_loss(text, ops.convert_to_tensor(logits), length, valid, mask_index=BLANK)
    np.testing.assert_allclose(ops.convert_to_numpy(own), ops.convert_to_numpy(expected), rtol=1e-4, atol=1e-3)


def test_connectionist_loss_falls_as_its_gradient_says():
    """Against differences of the loss itself, whose value does not come from the surrogate that is differentiated."""
    tf = pytest.importorskip("tensorflow")
    logits, targets = make_batch(2)
    x = tf.Variable(logits)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(lose(x, targets)[0])
    gradient = tape.gradient(total, x).numpy()
    direction = np.random.default_rng(3).normal(size=logits.shape).astype(np.float32)
    step = 1e-2
    after, before = (float(tf.reduce_sum(lose(logits + sign * step * direction, targets)[0])) for sign in (1, -1))
    assert (after - before) / (2 * step) == pytest.approx(float((gradient * direction).sum()), rel=1e-2)


def test_a_text_without_room_teaches_nothing():
    logits = np.zeros((1, 4, CLASSES), np.float32)
    targets = encode_targets(["1111"], [8], None, 8, 1.0)  # seven frames are the least
    assert float(lose(ops.convert_to_tensor(logits), targets)[0][0]) == 0


def test_without_a_share_the_connectionist_loss_is_left_out():
    spans = np.full((1, MOST, 2), np.nan)
    spans[0, 0] = 4, 12
    logits = np.random.default_rng(0).normal(size=(1, 10, CLASSES)).astype(np.float32)
    targets = encode_targets(["5"], [20], spans, 20, 0.0)
    logs = logits[0] - np.log(np.exp(logits[0]).sum(axis=1, keepdims=True))
    frames = targets[0, :10].astype(int)
    weight = np.where(frames == -1, 0, np.where(frames == BLANK, 1, 2))
    expected = -(logs[np.arange(10), frames.clip(0)] * weight).sum() / weight.sum() * 4
    assert float(number_loss(ops.convert_to_tensor(targets), ops.convert_to_tensor(logits))[0]) == pytest.approx(
        expected, rel=1e-5
    )


def test_accuracy_is_the_share_that_greedy_reading_reads():
    rng = np.random.default_rng(4)
    frames = np.full((200, 12), BLANK)
    shown = rng.random(frames.shape) < 0.4
    frames[shown] = rng.integers(0, 3, int(shown.sum()))
    logits = np.eye(CLASSES, dtype=np.float32)[frames]
    widths = rng.integers(2, 25, 200)
    read = read_greedily(logits, widths)
    texts = [one if rng.random() < 0.5 else one[:-1] + "2" for one in read]
    targets = encode_targets(texts, widths, None, 24, 1.0)
    right = ops.convert_to_numpy(accuracy(ops.convert_to_tensor(targets), ops.convert_to_tensor(logits)))
    assert right.tolist() == [float(one == text) for one, text in zip(read, texts, strict=True)]
    assert 0 < right.mean() < 1
