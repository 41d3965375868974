"""The loss of the network of numbers, and the share of texts that it reads exactly; both over packed targets."""

from typing import Any

from digitrec import backend
from digitrec.numbers.decoding import BLANK
from digitrec.numbers.targets import MOST

_CHARACTER, _FRAMES = 2.0, 4.0  # weights: of a character's frame against a blank's; of the frames' loss against CTC's
_NEVER = -1e9  # logarithm of what cannot be


def number_loss(y_true: Any, y_pred: Any) -> Any:
    """Return the loss of each strip: cross-entropy of its frames, and CTC in the share that its targets ask for."""
    ops = backend.keras.ops
    frames, text, length, valid, mix = _unpack(y_true, y_pred)
    logs = ops.log_softmax(y_pred)
    weight = ops.cast(frames >= 0, logs.dtype) * ops.where(frames == BLANK, 1.0, _CHARACTER)
    chosen = ops.take_along_axis(logs, ops.maximum(frames, 0)[..., None], axis=2)[..., 0]
    entropy = -ops.sum(chosen * weight, axis=1) / ops.maximum(ops.sum(weight, axis=1), 1.0)
    whole = ops.cond(
        ops.any(mix > 0), lambda: connectionist_loss(logs, text, length, valid), lambda: ops.zeros_like(entropy)
    )
    whole = whole / ops.cast(ops.maximum(length, 2), logs.dtype)
    return (1 - mix) * _FRAMES * entropy + mix * whole


def connectionist_loss(logs: Any, text: Any, length: Any, valid: Any) -> Any:
    """Return minus the log probability of each text, all alignments summed (connectionist temporal classification).

    Its gradient is that of cross-entropy against how probable each state is in each frame, given the text (Graves et
    al. 2006, equation 16). These probabilities are computed beside the gradient, forwards and backwards at once, which
    takes a fifth of the time of `keras.ops.ctc_loss` on TensorFlow, two fifths of a training step.

    Args:
        logs: log probabilities float (n, frames, CLASSES).
        text: classes int (n, MOST), anything beyond the length.
        length, valid: int (n,), characters of each text and frames of each strip.

    Returns:
        float (n,); 0 for a text that has no room in so few frames.
    """
    ops = backend.keras.ops
    n, frames = logs.shape[0] or ops.shape(logs)[0], ops.shape(logs)[1]
    place = ops.arange(2 * MOST + 1)[None]
    # Between the characters, before and after them stand blanks.
    states = ops.reshape(ops.stack([ops.full_like(text, BLANK), text], axis=2), (-1, 2 * MOST))
    states = ops.pad(states, ((0, 0), (0, 1)), constant_values=BLANK)
    skips = ops.logical_and(place % 2 == 1, states != ops.roll(states, 2, axis=1))  # over a blank between two others
    skips = ops.logical_and(skips, place > 1)
    scores = ops.take_along_axis(logs, ops.broadcast_to(states[:, None], (n, frames, 2 * MOST + 1)), axis=2)
    still = ops.stop_gradient(scores)
    inside = ops.arange(frames)[None] < valid[:, None]
    first = ops.broadcast_to(place == 0, ops.shape(states))
    both = _sum_paths(
        ops.concatenate([still, still[:, ::-1, ::-1]]),
        ops.concatenate([inside, inside[:, ::-1]]),
        ops.concatenate([first, (place == 2 * length[:, None])[:, ::-1]]),
        ops.concatenate([skips, ops.roll(skips[:, ::-1], 2, axis=1)]),
    )
    joint = both[:n] + both[n:, ::-1, ::-1] - still
    joint = ops.where((place <= 2 * length[:, None])[:, None], joint, _NEVER)
    total = ops.logsumexp(joint[:, 0], axis=1)
    posterior = ops.softmax(joint, axis=2) * ops.cast(inside, logs.dtype)[..., None]
    surrogate = -ops.sum(ops.stop_gradient(posterior) * scores, axis=(1, 2))
    return ops.where(total > _NEVER / 2, surrogate + ops.stop_gradient(-total - surrogate), 0.0)


def _sum_paths(scores: Any, inside: Any, first: Any, skips: Any) -> Any:
    """Return for each frame and state the log probability of all paths that have come so far.

    Args:
        scores: float (m, frames, states), of the states in each frame.
        inside: bool (m, frames), false where nothing happens.
        first: bool (m, states), where paths begin.
        skips: bool (m, states), states that may follow the one before the last.
    """
    ops = backend.keras.ops

    def step(before: Any, frame: Any) -> tuple[Any, Any]:
        one = ops.pad(before[:, :-1], ((0, 0), (1, 0)), constant_values=_NEVER)
        two = ops.where(skips, ops.pad(before[:, :-2], ((0, 0), (2, 0)), constant_values=_NEVER), _NEVER)
        most = ops.maximum(ops.maximum(before, one), two)
        summed = ops.log(ops.exp(before - most) + ops.exp(one - most) + ops.exp(two - most))
        after = ops.where(frame[:, -1:] > 0, most + summed + frame[:, :-1], before)
        return after, after

    # One sequence and not two: Keras cannot scan several on TensorFlow where their length is left open.
    frames = ops.concatenate([scores, ops.cast(inside, scores.dtype)[..., None]], axis=2)
    start = ops.cast(ops.where(first, 0.0, _NEVER), scores.dtype)
    _, paths = ops.scan(step, start, ops.transpose(frames, (1, 0, 2)))
    return ops.transpose(ops.reshape(paths, (-1, ops.shape(first)[0], 2 * MOST + 1)), (1, 0, 2))


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return per strip whether its text is read exactly, by the likeliest class of each frame."""
    ops = backend.keras.ops
    _, text, length, valid, _ = _unpack(y_true, y_pred)
    best = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
    before = ops.pad(best[:, :-1], ((0, 0), (1, 0)), constant_values=BLANK)
    inside = ops.arange(ops.shape(best)[1])[None] < valid[:, None]
    new = ops.logical_and(ops.logical_and(best != before, best != BLANK), inside)
    place = ops.cumsum(ops.cast(new, "int32"), axis=1)
    due = ops.take_along_axis(text, ops.clip(place - 1, 0, MOST - 1), axis=1)
    right = ops.logical_or(best == due, ops.logical_not(new))
    return ops.cast(ops.logical_and(ops.all(right, axis=1), place[:, -1] == length), "float32")


def _unpack(y_true: Any, y_pred: Any) -> tuple[Any, ...]:
    """Return what targets hold: the frames' classes, the text, its length, the frames that count (int32), the mix."""
    ops = backend.keras.ops
    whole = ops.cast(y_true, "int32")
    return whole[:, : -MOST - 3], whole[:, -MOST - 3 : -3], whole[:, -3], whole[:, -2], y_true[:, -1]
