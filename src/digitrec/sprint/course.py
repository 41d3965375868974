"""One sprint as one compiled function of TensorFlow: raw pictures in, weights trained, logits of other pictures out."""

import functools
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec import backend
from digitrec.sprint.recipe import Recipe
from digitrec.sprint.weights import Weights, draw_weights, list_shapes

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


@dataclass(frozen=True)
class Run:
    """What came of one sprint.

    Attributes:
        accuracy: share of the pictures read right, 0-1.
        time_s: from raw pictures to that figure.
        logits: float32 (n, 10), of the pictures read.
    """

    accuracy: float
    time_s: float
    logits: NDArray[np.float32]


def measure_margins(pictures: Arrays) -> NDArray[np.float32]:
    """Measure how surely a linear reader, fitted to these very pictures, reads each; what sprints choose by.

    Args:
        pictures: images uint8 (n, side, side), of an even side, and labels int (n,).

    Returns:
        float32 (n,): the score of the label less the highest other, about 1 at most; negative where it misreads.

    >>> from digitrec import load_digits
    >>> margins = measure_margins(load_digits()[0])
    >>> margins.shape, bool((margins > 0).mean() > 0.9)
    ((1437,), True)
    """
    _ = backend.keras  # it sets what TensorFlow reads when it is imported
    import tensorflow as tf

    from digitrec.sprint import compiled

    images, labels = pictures
    return compiled.measure_margins(tf.constant(images), tf.constant(labels, tf.int32)).numpy()


class Course:
    """A recipe made ready to run: what compiling takes is over when it is built.

    Attributes:
        compile_s: seconds that tracing and a first run of one step took.

    >>> from digitrec import load_digits
    >>> training, test = load_digits()
    >>> course = Course(Recipe(pictures=512, batch_size=64, first=4, second=4, dense=16))
    >>> run = course.run(training, test, seed=0)
    >>> run.logits.shape, run.accuracy > 0.3
    ((360, 10), True)
    """

    def __init__(self, recipe: Recipe) -> None:
        _ = backend.keras  # it sets what TensorFlow reads when it is imported
        import tensorflow as tf

        from digitrec.sprint import compiled

        self.recipe = recipe

        def sprint(images: Any, labels: Any, order: Any, weights: Any, others: Any) -> Any:
            chosen = compiled.choose(images, labels, order, recipe)
            return compiled.read(others, compiled.train(images, labels, chosen, weights, recipe), recipe)

        start = time.perf_counter()
        spec = functools.partial(tf.TensorSpec, dtype=tf.int32)
        self._sprint = tf.function(sprint).get_concrete_function(
            tf.TensorSpec((None, recipe.side, recipe.side), tf.uint8),
            spec((None,)),
            spec((None,)),
            {name: tf.TensorSpec(shape, tf.float32) for name, shape in list_shapes(recipe).items()},
            tf.TensorSpec((None, 28, 28), tf.uint8),
        )
        # TensorFlow goes on compiling when a function first runs: here, on as many pictures of noise as a step takes.
        noise = np.random.default_rng(0).integers(0, 256, (recipe.batch_size, 28, 28), np.uint8)
        labels = np.zeros(len(noise), np.int64)
        self._compute((noise, labels), np.arange(len(noise)), draw_weights(recipe, noise, 0), noise)
        self.compile_s = time.perf_counter() - start

    def run(self, training: Arrays, other: Arrays, seed: int) -> Run:
        """Train on some pictures and read others, once.

        Args:
            training: images uint8 (n, 28, 28) and labels int (n,).
            other: the same, to be read; their labels are compared with what was read and used for nothing else.
            seed: of the weights and of which pictures come when.

        Raises:
            ValueError: fewer pictures than the recipe asks for.
        """
        recipe = self.recipe
        if len(training[1]) < recipe.pictures:
            raise ValueError(f"pictures: expected at most the {len(training[1])} there are, got {recipe.pictures}")
        start = time.perf_counter()
        order = np.random.default_rng((seed, 1)).permutation(len(training[1]))
        weights = draw_weights(recipe, _cut(training[0][order[:200]], recipe.margin), seed)
        logits = self._compute(training, order, weights, other[0])
        accuracy = float((logits.argmax(axis=1) == other[1]).mean())
        return Run(accuracy, time.perf_counter() - start, logits)

    def _compute(self, training: Arrays, order: NDArray, weights: Weights, images: NDArray) -> NDArray[np.float32]:
        import tensorflow as tf

        return self._sprint(
            tf.constant(_cut(training[0], self.recipe.margin)),
            tf.constant(training[1], tf.int32),
            tf.constant(order, tf.int32),
            {name: tf.constant(array) for name, array in weights.items()},
            tf.constant(images),
        ).numpy()


def _cut(images: NDArray[np.uint8], margin: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(images[:, margin : 28 - margin, margin : 28 - margin])
