"""Calls over HTTP without a server: read, answered or refused, small ones past large ones, and nothing stays."""

import asyncio
import gc
import inspect
import json
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.app import calls as module
from digitrec.app.calls import MAX_BODY, SMALL, Calls, Lane, read_call
from digitrec.app.decoder import TooLarge
from digitrec.app.guard import Guard, Refusal

RUN, JOIN, DATA = "/gradio_api/run/read", "/gradio_api/queue/join", "/gradio_api/queue/data"


def read(picture: str, explain: bool = False) -> str:
    """Answer what was asked, or raise what the picture names."""
    if picture == "wrong":
        raise ValueError("picture: expected\nsomething else")
    if picture == "disk":
        raise OSError(28, "No space left on device")
    if picture == "defect":
        raise KeyError("defect")
    return f"{picture[:20]} {explain}"


def keep(picture: str, digit: int) -> int:
    """Answer with the digit."""
    return digit


SIGNATURES = {function.__name__: inspect.signature(function) for function in (read, keep)}


@pytest.fixture
def threads():
    with ThreadPoolExecutor(4) as quick, ThreadPoolExecutor(1) as slow:
        yield quick, slow


@pytest.fixture
def calls(threads):
    return Calls([Lane({"read": read, "keep": keep}, executor) for executor in threads], seconds=0.5)


async def ask(calls, path, body=b"", method="POST", parts=None, length=None, query=b""):
    """Send a request through the guard, in parts, and never disconnect; return status and body."""
    parts = [body] if parts is None else list(parts)
    length = str(sum(map(len, parts))).encode() if length is None else length
    headers = [(b"host", b"localhost"), (b"content-length", length)]
    sent = []

    async def receive():
        if not parts:
            await asyncio.sleep(60)
        part = parts.pop(0)
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "query_string": query, "headers": headers, "root_path": "",
    }  # fmt: skip
    await Guard(None, calls.routes)(scope, receive, send)
    return sent[0]["status"], b"".join(message["body"] for message in sent[1:])


def pack(*data, **more):
    return json.dumps({"data": data, **more}).encode()


async def join(calls, session, *data, number=0):
    status, body = await ask(calls, JOIN, pack(*data, fn_index=number, session_hash=session))
    assert status == 200, body
    return json.loads(body)["event_id"]


async def collect(calls, session):
    status, body = await ask(calls, DATA, method="GET", query=f"session_hash={session}".encode())
    assert status == 200
    return [json.loads(event.removeprefix("data: ")) for event in body.decode().split("\n\n") if event]


# --- one call --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (pack("a"), "a False"),
        (pack("a", True), "a True"),
        (pack("a", fn_index=9, session_hash="?", event_data={"path": "/"}), "a False"),
    ],
)
def test_answers(calls, body, answer):
    status, reply = asyncio.run(ask(calls, RUN, body))
    assert (status, json.loads(reply)) == (200, {"data": [answer]})


@pytest.mark.parametrize(
    ("picture", "status", "error", "says"),
    [
        ("wrong", 400, "picture: expected something else", "This picture cannot be read: expected something else"),
        ("disk", 500, "[Errno 28] No space left on device", "[Errno 28] No space left on device"),
    ],
)
def test_what_a_function_refuses_is_said_in_one_line(calls, picture, status, error, says):
    got, reply = asyncio.run(ask(calls, RUN, pack(picture)))
    assert (got, json.loads(reply)) == (status, {"error": error, "says": says})


@pytest.mark.parametrize(
    ("request_", "status", "error"),
    [
        ({"body": b"no JSON"}, 400, "body: expected JSON"),
        ({"body": pack("a"), "length": b""}, 411, "body: expected one whose length"),
        ({"body": pack("a"), "length": b"-1"}, 411, "body: expected one whose length"),
        ({"body": pack("a"), "length": b"9" * 99}, 411, "body: expected one whose length"),
        ({"body": pack("a"), "length": b"3"}, 400, "body: expected the 3 bytes"),
        ({"parts": [b"{", None], "length": b"9"}, 400, "body: cut short"),
        ({"parts": [], "length": b"9"}, 408, "body: expected all of it within 0.5 s"),
        ({"parts": [b"a" * 10_000_000] * 4}, 413, "body: expected at most 30 MB, got 40"),
    ],
)
def test_a_body_that_is_none_is_refused(calls, request_, status, error):
    got, reply = asyncio.run(ask(calls, RUN, **request_))
    assert (got, json.loads(reply)["error"][: len(error)]) == (status, error)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=9), values, max_size=3),
)
BODIES = st.one_of(
    st.binary(max_size=50),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {}, optional={"data": VALUES, "fn_index": VALUES | st.just(0), "session_hash": VALUES | st.just("a")}
    ).map(lambda value: json.dumps(value).encode()),
    st.lists(VALUES, max_size=3).map(lambda data: pack(*data, fn_index=0, session_hash="a-b")),
    st.sampled_from([b"[" * 100_000, b'{"data": ["\\ud800"]}', b'{"data": [' + b"1" * 5000 + b"]}", b"\xff\xfe"]),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["read", "keep", "absent", "__class__", None]), BODIES)
def test_whatever_body_comes_is_a_call_or_refused(name, body):
    with suppress(Refusal):
        call = read_call(name, body, SIGNATURES)
        types = [parameter.annotation for parameter in SIGNATURES[call.name].parameters.values()]
        assert [type(value) for value in call.arguments] == types[: len(call.arguments)]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([RUN, JOIN, "/gradio_api/run/absent", DATA]), BODIES, st.none() | st.binary(max_size=9),
    st.binary(max_size=20),
)  # fmt: skip
def test_whatever_comes_gets_a_reply(path, body, length, query):
    with ThreadPoolExecutor(1) as threads:
        calls = Calls([Lane({"read": read, "keep": keep}, threads)], seconds=0.5)
        method = "GET" if path == DATA else "POST"
        status, reply = asyncio.run(ask(calls, path, body, method, length=length, query=query))
    assert status == 200 or (400 <= status < 500 and set(json.loads(reply)) == {"error", "says"})


FILE = {"path": "http://example.org/a.png", "meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("read", [FILE], "picture: expected str, got dict"),
        ("read", [[FILE]], "picture: expected str, got list"),
        ("read", ["a", FILE], "explain: expected bool, got dict"),
        ("read", ["a", 1], "explain: expected bool, got int"),
        ("keep", ["a", True], "digit: expected int, got bool"),
        ("keep", ["a", 7.0], "digit: expected int, got float"),
        ("keep", ["a"], "keep: expected 2 arguments, got 1"),
        ("read", [], "read: expected 2 arguments, got 0"),
        ("read", ["a", True, 3], "read: expected 2 arguments, got 3"),
    ],
)
def test_only_the_types_that_a_function_names_are_let_in(name, data, error):
    with pytest.raises(Refusal, match=f"^{error}$"):
        read_call(name, pack(*data), SIGNATURES)


# --- through the queue -----------------------------------------------------------------------------


def test_a_question_and_its_answer(calls):
    async def run():
        right, wrong = await join(calls, "a", "x"), await join(calls, "a", "wrong")
        other = await join(calls, "b", "y", 3, number=1)
        *answers, end = await collect(calls, "a")
        assert end == {"msg": "close_stream", "event_id": None}
        assert {answer["event_id"]: answer["output"] for answer in answers} == {
            right: {"data": ["x False"]},
            wrong: {"error": "picture: expected something else"},
        }
        assert {answer["event_id"]: answer["success"] for answer in answers} == {right: True, wrong: False}
        assert await collect(calls, "a") == [end]
        (answer, _) = await collect(calls, "b")
        assert (answer["event_id"], answer["output"], answer["msg"]) == (other, {"data": [3]}, "process_completed")

    asyncio.run(run())


def test_a_defect_is_answered_too(calls):
    async def run():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        await join(calls, "a", "defect")
        answer, _ = await collect(calls, "a")
        assert (answer["success"], list(answer["output"])) == (False, ["error"])

    asyncio.run(run())


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"fn_index": 0}, "session_hash: expected"),
        ({"fn_index": 0, "session_hash": "../a"}, "session_hash: expected"),
        ({"fn_index": 2, "session_hash": "a"}, "fn_index: expected 0 to 1, got '2'"),
        ({"fn_index": True, "session_hash": "a"}, "fn_index: expected 0 to 1, got 'True'"),
    ],
)
def test_a_question_of_nobody_is_refused(calls, more, error):
    status, reply = asyncio.run(ask(calls, JOIN, pack("a", **more)))
    assert status in (400, 404)
    assert json.loads(reply)["error"].startswith(error)


def test_answers_that_nobody_collects_leave_memory_flat(calls):
    picture = "x" * 100_000

    async def run(count):
        for i in range(count):
            await join(calls, f"vanished-{i}", picture)
            if i % 3 == 0:
                await collect(calls, f"vanished-{i}")
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before, after = asyncio.run(run(30)), asyncio.run(run(300))
    finally:
        tracemalloc.stop()
    assert after - before < 2_000_000  # of 30 MB that were sent
    assert len(calls._mailbox) <= 200


# --- many at once ----------------------------------------------------------------------------------


def test_small_calls_pass_large_ones(threads):
    """Large by its bytes, or only by what the quick lane finds in it."""
    release, done = threading.Event(), []

    def quick(picture: str) -> str:
        if picture.startswith("bomb"):
            raise TooLarge
        return "quick"

    def slow(picture: str) -> str:
        assert release.wait(30)
        return "slow"

    calls = Calls(
        [Lane({"read": function}, executor) for function, executor in zip((quick, slow), threads, strict=True)]
    )

    async def one(picture):
        _, reply = await ask(calls, RUN, pack(picture))
        done.append(json.loads(reply)["data"][0])

    async def run():
        large = [asyncio.create_task(one(picture)) for picture in ["x" * (SMALL + 1), "bomb"] * 8]
        await asyncio.sleep(0.05)
        for _ in range(20):
            await asyncio.wait_for(one("small"), 10)
        assert done == ["quick"] * 20
        release.set()
        await asyncio.gather(*large)

    asyncio.run(run())
    assert done[20:] == ["slow"] * 16


def test_few_large_bodies_are_in_memory_at_once(threads, monkeypatch):
    monkeypatch.setattr(module, "MOST_LARGE", 2)
    reading = []

    def slow(picture: str) -> int:
        time.sleep(0.02)
        return len(reading)

    calls = Calls([Lane({"read": slow}, executor) for executor in threads])
    body = pack("x" * (SMALL + 1))

    class Parts(list):
        def pop(self, index):
            reading.append(1)
            return super().pop(index)

    async def one():
        parts = Parts([body[:9], body[9:]])
        status, _ = await ask(calls, RUN, parts=parts, length=str(len(body)).encode())
        assert status == 200

    async def run():
        tasks = [asyncio.create_task(one()) for _ in range(6)]
        await asyncio.sleep(0.01)
        assert len(reading) <= 4
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_more_calls_than_can_be_in_hand_are_refused(calls, monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)

    async def run():
        waiting = [asyncio.create_task(ask(calls, RUN, parts=[], length=b"9")) for _ in range(3)]
        await asyncio.sleep(0.05)
        status, reply = await ask(calls, RUN, pack("a"))
        assert (status, json.loads(reply)["error"][:4]) == (503, "busy")
        assert [status for status, _ in await asyncio.gather(*waiting)] == [408] * 3
        assert (await ask(calls, RUN, pack("a")))[0] == 200

    asyncio.run(run())


def test_the_limits_fit_a_picture():
    assert MAX_BODY > 20_000_000 * 4 / 3 > SMALL
