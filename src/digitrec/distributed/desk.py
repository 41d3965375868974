"""Where the trials of a search ask how to go on: a process of the cluster's own, which loads no more than this."""

import asyncio


class Desk:
    """Where workers ask whether a trial is to go on, and wait for the answer; it lives in the cluster."""

    def __init__(self) -> None:
        self._asked: asyncio.Queue = asyncio.Queue()
        self._answers: dict[int, asyncio.Future] = {}

    async def ask(self, trial: int, epoch: int, accuracy: float) -> bool:
        """Return whether the trial is to be given up after this epoch."""
        self._answers[trial] = asyncio.get_running_loop().create_future()
        await self._asked.put((trial, epoch, accuracy))
        return await self._answers[trial]

    async def take(self) -> tuple[int, int, float] | None:
        """Return the next question; None when there will be no more."""
        return await self._asked.get()

    async def close(self) -> None:
        """End the waiting for a question."""
        await self._asked.put(None)

    async def answer(self, trial: int, is_given_up: bool) -> None:
        """Answer the last question of a trial, unless who asked is gone."""
        if not self._answers[trial].done():
            self._answers[trial].set_result(is_given_up)
