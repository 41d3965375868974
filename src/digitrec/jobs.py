"""Independent jobs: one function over many arguments, here one after the other, or by whoever spreads them further."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import NamedTuple, Protocol, TypeVar

Result = TypeVar("Result")


class Lost(NamedTuple):
    """What stands for the result of a job that ended its process again and again: of how many attempts."""

    attempts: int


class Spread(Protocol):
    """Calls a function for each of many jobs, anywhere and in any order."""

    def __call__(
        self, work: Callable[..., Result], jobs: Iterable[tuple], shared: tuple = (), is_lost_told: bool = False
    ) -> Iterator[tuple[int, Result]]:
        """Yield the number of each job, from 0, and what `work(*job, *shared)` returned, as they are done.

        Args:
            work: a function of a module; what it returns depends on nothing but its arguments.
            jobs: the arguments of each, small; taken from the iterator when there is somebody to do them.
            shared: further arguments, the same for all, may be large; `work` leaves them as they are.
            is_lost_told: yield `Lost` for a job that ends its process, as no exception does, instead of raising.
        """
        ...


def one_by_one(
    work: Callable[..., Result], jobs: Iterable[tuple], shared: tuple = (), is_lost_told: bool = False
) -> Iterator[tuple[int, Result]]:
    """Do the jobs in this process, in their order; see `Spread`.

    >>> list(one_by_one(pow, [(2,), (3,)], shared=(5,)))
    [(0, 32), (1, 243)]
    """
    for i, job in enumerate(jobs):
        yield i, work(*job, *shared)


def in_processes(count: int) -> Spread:
    """Return who does so many jobs at once on this machine, each in a process of its own; see `Spread`.

    Work, jobs and results have to be picklable, and the jobs are all taken at once. One that raises ends those that
    have not begun; one that ends its process raises `concurrent.futures.process.BrokenProcessPool`, whether or not
    `is_lost_told`.

    >>> sorted(in_processes(2)(pow, [(2,), (3,)], shared=(5,)))
    [(0, 32), (1, 243)]
    """

    def spread(
        work: Callable[..., Result], jobs: Iterable[tuple], shared: tuple = (), is_lost_told: bool = False
    ) -> Iterator[tuple[int, Result]]:
        # Spawned: a fork would share the threads and the accelerator of a framework that is loaded.
        pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"))
        try:
            places = {pool.submit(work, *job, *shared): i for i, job in enumerate(jobs)}
            for done in as_completed(places):
                yield places[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)

    return spread
