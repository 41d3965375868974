"""Answers on their way to those who asked: few, small, and for a short time, for some never come to collect them."""

import asyncio
import secrets
from collections.abc import AsyncIterator

MOST = 200  # answers that wait; each has some 10 KB
SECONDS = 30.0  # that one waits


class Mailbox:
    """Keeps what was answered until it is collected, or too old, or too much else has come.

    Args:
        most: answers that are kept; the oldest give way.
        seconds: that each is kept.
    """

    def __init__(self, most: int = MOST, seconds: float = SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        self._asked: dict[str, str] = {}  # of each question that is being answered, the session
        self._answered: dict[str, tuple[str, bytes]] = {}  # session and answer, the oldest first
        self._news = asyncio.Event()

    def __len__(self) -> int:
        """Return how many answers wait."""
        return len(self._answered)

    def expect(self, session: str) -> str:
        """Return a name for a question; who collects for the session waits for its answer."""
        question = secrets.token_hex(16)
        self._asked[question] = session
        return question

    def put(self, question: str, answer: bytes) -> None:
        """Keep the answer to a question that was expected."""
        self._answered[question] = self._asked.pop(question), answer
        while len(self._answered) > self._most:
            del self._answered[next(iter(self._answered))]
        asyncio.get_running_loop().call_later(self._seconds, self._answered.pop, question, None)
        self._news.set()
        self._news = asyncio.Event()

    async def collect(self, session: str) -> AsyncIterator[bytes]:
        """Give out, and forget, a session's answers until it waits for none."""
        while True:
            for question in [question for question, (owner, _) in self._answered.items() if owner == session]:
                if kept := self._answered.pop(question, None):  # unless another collected it in the meantime
                    yield kept[1]
            if session not in self._asked.values():
                return
            await self._news.wait()
