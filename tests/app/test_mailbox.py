"""Answers that wait to be collected: few, and not for long."""

import asyncio

import pytest

from digitrec.app.mailbox import Mailbox


async def collect(mailbox, session):
    return [answer async for answer in mailbox.collect(session)]


def test_each_session_gets_its_own_answers_once_and_in_order():
    async def run():
        mailbox = Mailbox()
        for i in range(6):
            mailbox.put(mailbox.expect("ab"[i % 2]), b"%d" % i)
        assert await collect(mailbox, "a") == [b"0", b"2", b"4"]
        assert await collect(mailbox, "a") == []
        assert await collect(mailbox, "b") == [b"1", b"3", b"5"]
        assert len(mailbox) == 0

    asyncio.run(run())


def test_who_collects_waits_for_what_is_being_answered():
    async def run():
        mailbox = Mailbox()
        first, second, other = mailbox.expect("a"), mailbox.expect("a"), mailbox.expect("b")
        collecting = asyncio.create_task(collect(mailbox, "a"))
        for question, answer in ((second, b"2"), (other, b"3"), (first, b"1")):
            await asyncio.sleep(0)
            assert not collecting.done()
            mailbox.put(question, answer)
        assert await collecting == [b"2", b"1"]

    asyncio.run(run())


def test_two_that_collect_at_once_share_the_answers():
    async def run():
        mailbox = Mailbox()
        questions = [mailbox.expect("a") for _ in range(9)]
        collecting = [asyncio.create_task(collect(mailbox, "a")) for _ in range(2)]
        for question in questions:
            await asyncio.sleep(0)
            mailbox.put(question, question.encode())
        first, second = await asyncio.gather(*collecting)
        assert sorted(first + second) == sorted(question.encode() for question in questions)

    asyncio.run(run())


def test_the_oldest_give_way():
    async def run():
        mailbox = Mailbox(most=3)
        for i in range(1000):
            mailbox.put(mailbox.expect(f"session {i}"), b"%d" % i)
            assert len(mailbox) <= 3
        assert await collect(mailbox, "session 996") == []
        assert await collect(mailbox, "session 997") == [b"997"]

    asyncio.run(run())


@pytest.mark.parametrize("collected", [True, False])
def test_what_is_not_collected_goes(collected):
    async def run():
        mailbox = Mailbox(seconds=0.05)
        mailbox.put(mailbox.expect("a"), b"1")
        if collected:
            assert await collect(mailbox, "a") == [b"1"]
        await asyncio.sleep(0.1)
        assert len(mailbox) == 0

    asyncio.run(run())
