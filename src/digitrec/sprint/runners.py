"""Sprints in processes of their own: how many threads an operation takes, a process decides once and for all."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache
from multiprocessing import get_context
from typing import Any, Self

from digitrec.sprint.course import Arrays, Course, Run
from digitrec.sprint.recipe import Recipe


class Runners:
    """Runs recipes on the same pictures, each in a process whose operations take as many threads as it says.

    A context manager: its processes end with it.
    """

    def __init__(self, training: Arrays, other: Arrays) -> None:
        """Take what each recipe is to train on and to read, as `Course.run` has them."""
        self._stack = ExitStack()
        self._start = cache(lambda threads: self._stack.enter_context(_start_process(threads, training, other)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, recipe: Recipe, seed: int) -> Run:
        """Run a recipe, see `Course.run`; where it is the first time, compile it before."""
        return self._ask(_run, recipe, seed)

    def compile(self, recipe: Recipe) -> float:
        """Compile a recipe and return the seconds that took."""
        return self._ask(_compile, recipe)

    def _ask(self, work: Callable[..., Any], recipe: Recipe, *more: object) -> Any:
        return self._start(recipe.threads).submit(work, recipe, *more).result()


_pictures: list[Arrays] = []  # of a process that runs: to train on, to read


def _start_process(threads: int, training: Arrays, other: Arrays) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"), _prepare, (threads, training, other))


def _prepare(threads: int, training: Arrays, other: Arrays) -> None:
    from digitrec import backend

    _ = backend.keras  # it sets what TensorFlow reads when it is imported
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    _pictures[:] = training, other


@cache
def _prepare_course(recipe: Recipe) -> Course:
    return Course(recipe)


def _compile(recipe: Recipe) -> float:
    return _prepare_course(recipe).compile_s


def _run(recipe: Recipe, seed: int) -> Run:
    training, other = _pictures
    return _prepare_course(recipe).run(training, other, seed)
