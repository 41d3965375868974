"""What a sprint computes, in TensorFlow's operations: choosing pictures, training on them, reading others."""

from typing import Any

import tensorflow as tf

from digitrec.sprint.recipe import Recipe

Tensors = dict[str, Any]

_BETAS = 0.7, 0.9  # of Adam, as train_mnist_fast has them
_MOMENTUM = 0.85  # of Muon
_NEWTON_SCHULZ = 3.4445, -4.7750, 2.0315  # Jordan 2024
_AT_ONCE = 500  # pictures read at once: their maps stay in the cache
_RIDGE = 10.0  # of the linear reader


def forward(x: Any, weights: Tensors, recipe: Recipe) -> Any:
    """Read pictures: x float32 (n, side, side, 1) in 0-1 to logits (n, 10)."""
    strided = recipe.halving == "stride"
    h = tf.nn.conv2d(x, weights["first"], 2 if strided else 1, "VALID")
    h = tf.nn.relu((h if strided else tf.nn.max_pool2d(h, 2, 2, "VALID")) + weights["first_bias"])
    h = tf.nn.max_pool2d(tf.nn.conv2d(h, weights["second"], 1, "VALID"), 2, 2, "VALID")
    h = tf.reshape(tf.nn.relu(h + weights["second_bias"]), (-1, weights["dense"].shape[0]))
    h = tf.nn.relu(h @ weights["dense"] + weights["dense_bias"])
    return h @ weights["logits"] + weights["logits_bias"]


def choose(images: Any, labels: Any, order: Any, recipe: Recipe) -> Any:
    """Choose which pictures to train on: `order`, or its easy ones left out, down to `recipe.pictures`.

    The hardest are those that a linear reader is least sure of or wrong about (`measure_margins`).
    """
    hardest = round(recipe.hardest * recipe.pictures)
    if not hardest:
        return order[: recipe.pictures]
    ranks = tf.argsort(tf.gather(measure_margins(images, labels), order))
    # Of those that are left, as many from every part of the order: its first alone would make an easy beginning.
    rest = tf.sort(ranks[hardest:])
    wanted = tf.minimum(recipe.pictures - hardest, tf.size(rest))
    rest = tf.gather(rest, tf.range(wanted) * tf.size(rest) // tf.maximum(wanted, 1))
    # Sorted, the places are in the order's random sequence again.
    return tf.gather(order, tf.sort(tf.concat([ranks[:hardest], rest], axis=0)))


def measure_margins(images: Any, labels: Any) -> Any:
    """Measure how surely a linear reader of halved pictures reads each: by ridge regression, in closed form.

    Args:
        images: uint8 (n, side, side), of an even side.
        labels: int32 (n,).

    Returns:
        float32 (n,): the score of the label less the highest other; negative where it misreads.
    """
    small = tf.nn.avg_pool2d(tf.cast(images, tf.float32)[..., None] / 255, 2, 2, "VALID")
    small = tf.reshape(small, (-1, small.shape[1] * small.shape[2]))
    small = tf.concat([small, tf.ones_like(small[:, :1])], axis=1)
    target = tf.one_hot(labels, 10)
    squares = tf.matmul(small, small, transpose_a=True) + _RIDGE * tf.eye(small.shape[1])
    scores = small @ tf.linalg.solve(squares, tf.matmul(small, target, transpose_a=True))
    # Scores lie about 0 and 1: less 9, the label's own is never the highest of the others.
    return tf.reduce_sum(scores * target, axis=1) - tf.reduce_max(scores - 9 * target, axis=1)


def train(images: Any, labels: Any, order: Any, weights: Tensors, recipe: Recipe) -> Tensors:
    """Train once through the pictures that `order` names; return the weights.

    Args:
        images: uint8 (n, side, side).
        labels: int32 (n,).
        order: int32, places in images.
        weights: to start from.
        recipe: batch size, pieces, rates and optimizer.
    """
    learned = [name for name in weights if not (recipe.fixed and name.startswith("first"))]
    moments = {name: tf.zeros_like(weights[name]) for name in learned}
    squares = {name: tf.zeros_like(weights[name]) for name in learned}
    steps = tf.size(order) // recipe.batch_size
    for step in tf.range(steps):
        chosen = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
        x = tf.cast(tf.gather(images, chosen), tf.float32)[..., None] / 255
        gradients = _differentiate(x, tf.gather(labels, chosen), weights, learned, recipe)
        done = tf.cast(step, tf.float32)
        share = done / tf.cast(steps, tf.float32)
        rate = tf.minimum(0.05 + 0.95 * share / recipe.rise, (1 - share) / (1 - recipe.rise))
        for name in learned:
            gradient, moment, square = gradients[name], moments[name], squares[name]
            if name in {"none": (), "convolution": ("second",), "inner": ("second", "dense")}[recipe.muon]:
                moment = _MOMENTUM * moment + gradient
                change = recipe.muon_rate * orthogonalise(gradient + _MOMENTUM * moment)
            else:
                moment = _BETAS[0] * moment + (1 - _BETAS[0]) * gradient
                square = _BETAS[1] * square + (1 - _BETAS[1]) * gradient**2
                root = tf.sqrt(square / (1 - _BETAS[1] ** (done + 1)))
                change = recipe.rate * moment / ((1 - _BETAS[0] ** (done + 1)) * (root + 1e-8))
            moments = {**moments, name: moment}
            squares = {**squares, name: square}
            weights = {**weights, name: weights[name] - rate * change}
    return weights


def _differentiate(x: Any, labels: Any, weights: Tensors, learned: list[str], recipe: Recipe) -> Tensors:
    target = tf.one_hot(labels, 10) * (1 - recipe.smoothing) + recipe.smoothing / 10
    followed = {name: weights[name] for name in learned}
    pieces = zip(tf.split(x, recipe.pieces), tf.split(target, recipe.pieces), strict=True)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(followed)
        # What pieces do not share TensorFlow computes side by side, which keeps cores busier than one operation on all.
        losses = [tf.nn.softmax_cross_entropy_with_logits(y, forward(few, weights, recipe)) for few, y in pieces]
        loss = tf.add_n([tf.reduce_mean(one) for one in losses]) / recipe.pieces
    return tape.gradient(loss, followed)


def orthogonalise(gradient: Any) -> Any:
    """Return the step nearest to a matrix of orthogonal columns, one a filter, by three steps of Newton and Schulz."""
    matrix = tf.reshape(gradient, (-1, gradient.shape[-1]))
    rows, columns = matrix.shape
    matrix /= tf.norm(matrix) + 1e-7
    a, b, c = _NEWTON_SCHULZ
    one = tf.eye(columns)
    for _ in range(3):
        square = tf.matmul(matrix, matrix, transpose_a=True)
        matrix @= a * one + square @ (b * one + c * square)
    return tf.reshape(matrix, gradient.shape) * max(1.0, rows / columns) ** 0.5


def read(images: Any, weights: Tensors, recipe: Recipe) -> Any:
    """Read uint8 (n, 28, 28); the least sure `second_look` of them again, shifted by a pixel four ways.

    Returns:
        Logits float32 (n, 10); where it looked twice, the sum of the log probabilities of all readings, the first
        counted twice.
    """
    pictures = tf.size(images) // 784
    logits = tf.zeros((0, 10))
    for start in tf.range(0, pictures, _AT_ONCE):
        tf.autograph.experimental.set_loop_options(shape_invariants=[(logits, tf.TensorShape((None, 10)))])
        few = see(images[start : start + _AT_ONCE], 0, 0, recipe.margin)
        logits = tf.concat([logits, forward(few, weights, recipe)], axis=0)
    if not recipe.second_look:
        return logits
    doubtful = tf.cast(recipe.second_look * tf.cast(pictures, tf.float32), tf.int32)
    best = tf.math.top_k(logits, 2).values
    again = tf.math.top_k(best[:, 1] - best[:, 0], doubtful, sorted=False).indices
    sums = 2 * tf.nn.log_softmax(tf.gather(logits, again))
    few = tf.gather(images, again)
    for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        sums += tf.nn.log_softmax(forward(see(few, down, right, recipe.margin), weights, recipe))
    return tf.tensor_scatter_nd_update(logits, again[:, None], sums)


def see(images: Any, down: int, right: int, margin: int) -> Any:
    """Give uint8 (n, 28, 28) as the network sees them, from so many pixels further down and right."""
    side = 28 - 2 * margin
    top, left = margin + down, margin + right
    if margin == 0:
        images = tf.pad(images, ((0, 0), (1, 1), (1, 1)))
        top, left = top + 1, left + 1
    return tf.cast(images[:, top : top + side, left : left + side], tf.float32)[..., None] / 255
