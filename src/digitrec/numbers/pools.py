"""Strips to train on, drawn by a process of their own while the network trains on those before."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Self

import numpy as np

from digitrec.synthesis.numbers import Strips
from digitrec.synthesis.sources import Arrays, make_strips

_ORDER = 4000  # strips; who interrupts a training waits for no more than these


class Pools:
    """The strips of each epoch: new ones, and those that are kept from the epochs before.

    Which strips an epoch has is decided by the seed and its number alone, so that a training that was stopped goes on
    as if it had not been.
    """

    def __init__(self, training: Arrays, strips: int, kept_epochs: int, seed: int, last: int) -> None:
        """Plan the strips of epochs 0 to `last`, exclusive.

        Args:
            training: images uint8 (m, 28, 28) and labels int (m,) of digits.
            strips: how many are new in each epoch.
            kept_epochs: through how many each is kept.
            seed: of all.
        """
        self._training, self._strips, self._kept, self._seed, self._last = training, strips, kept_epochs, seed, last
        self._made: dict[int, list[Future[Strips]]] = {}
        self._thread = ThreadPoolExecutor(1)  # it waits for the process, which works beside the training

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def __getitem__(self, epoch: int) -> Strips:
        """Return the strips of an epoch, and have those of the next one drawn."""
        first = max(epoch - self._kept + 1, 0)
        for one in [one for one in self._made if one < first]:
            del self._made[one]
        for one in range(first, min(epoch + 2, self._last)):
            if one not in self._made:
                self._made[one] = [self._thread.submit(order) for order in self._plan(one)]
        return join([future.result() for one in range(first, epoch + 1) for future in self._made[one]])

    def _plan(self, epoch: int) -> list[Callable[[], Strips]]:
        sizes = [min(_ORDER, self._strips - start) for start in range(0, self._strips, _ORDER)]
        seeds = np.random.default_rng((self._seed, 1, epoch)).integers(2**63, size=len(sizes)).tolist()
        return [partial(make_strips, *self._training, n, own, 1) for n, own in zip(sizes, seeds, strict=True)]


def join(parts: list[Strips]) -> Strips:
    """Put strips one after another."""
    if len(parts) == 1:
        return parts[0]
    images, widths, spans = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "widths", "spans")
    )
    return Strips(images, widths, [text for part in parts for text in part.texts], spans)
