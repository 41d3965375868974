"""Calls of functions over HTTP: JSON in, JSON out, small ones past large ones, whatever comes.

Two ways lead in, as Gradio's clients know them: POST `run/NAME`, which is answered at once and which the page takes;
and POST `queue/join` with GET `queue/data`, where a question and its answer are two requests.
"""

import asyncio
import contextlib
import inspect
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router

from digitrec.app.api import MAX_BYTES
from digitrec.app.decoder import QUICK, TooLarge
from digitrec.app.guard import Refusal, Reply
from digitrec.app.mailbox import Mailbox

MAX_BODY = MAX_BYTES * 3 // 2  # base64 is a third longer than what it holds
SMALL = QUICK.bytes * 3 // 2
MOST = 100  # calls in hand; a page has one or two
MOST_LARGE = 2  # bodies of up to 30 MB in memory: one is read while the other is answered
SECONDS = 20.0  # for a body to come in


class Lane(NamedTuple):
    """Functions by name, and the threads they run in.

    A function raises TooLarge where its call belongs in the next lane.
    """

    functions: Mapping[str, Callable]
    threads: Executor


class Call(NamedTuple):
    """A function's name, its arguments, and the session that asks through the queue."""

    name: str
    arguments: list[Any]
    session: str = ""


class Calls:
    """What answers calls.

    Args:
        lanes: the same functions, for small and for large pictures; each takes str, int and bool, as its annotations
            say.
        seconds: for a body to come in.
    """

    def __init__(self, lanes: Sequence[Lane], seconds: float = SECONDS) -> None:
        self._lanes = lanes
        self._signatures = {name: inspect.signature(function) for name, function in lanes[0].functions.items()}
        self._seconds = seconds
        self._in_hand = 0
        self._large = asyncio.Semaphore(MOST_LARGE)
        self._mailbox = Mailbox()
        self._tasks: set[asyncio.Task] = set()
        self.routes = Router(
            [
                Route("/gradio_api/run/{name}", self._run, methods=["POST"]),
                Route("/gradio_api/queue/join", self._join, methods=["POST"]),
                Route("/gradio_api/queue/data", self._collect),
                Route("/gradio_api/startup-events", self._start),
            ]
        )

    async def _run(self, request: Request) -> Response:
        """Answer a call."""
        async with self._admit(request) as (call, large):
            return Reply({"data": [await self._answer(call, large)]})

    async def _join(self, request: Request) -> Response:
        """Take a call, and name it; its answer is put into the mailbox."""
        async with contextlib.AsyncExitStack() as room:
            call, large = await room.enter_async_context(self._admit(request))
            question = self._mailbox.expect(call.session)
            task = asyncio.create_task(self._deliver(question, call, large, room.pop_all()))
            self._tasks.add(task)  # else nothing refers to it, and it may be collected before it is done
            task.add_done_callback(self._tasks.discard)
        return Reply({"event_id": question})

    async def _deliver(self, question: str, call: Call, large: bool, room: contextlib.AsyncExitStack) -> None:
        async with room:
            output: dict[str, Any] = {"error": "Something went wrong here. The terminal may say more."}
            try:
                output = {"data": [await self._answer(call, large)]}
            except Refusal as refusal:
                output = {"error": str(refusal)}
            finally:  # whoever collects would wait for ever
                message = {"msg": "process_completed", "output": output, "success": "data" in output}
                self._mailbox.put(question, _format_event({"event_id": question, **message}))

    async def _collect(self, request: Request) -> Response:
        """Stream the answers to a session's questions, until none is open."""
        session = _check_session(request.query_params.get("session_hash"))

        async def stream() -> AsyncIterator[bytes]:
            async for message in self._mailbox.collect(session):
                yield message
            yield _format_event({"msg": "close_stream", "event_id": None})

        return StreamingResponse(stream(), media_type="text/event-stream")

    async def _start(self, request: Request) -> Response:
        """Let Gradio, and the page, believe that its queue was started."""
        return Reply(True)

    @contextlib.asynccontextmanager
    async def _admit(self, request: Request) -> AsyncIterator[tuple[Call, bool]]:
        """Read a call, a large one only where few are in memory; say if it is large."""
        length = request.headers.get("content-length", "")
        if not re.fullmatch("[0-9]{1,12}", length):
            raise Refusal(411, "body: expected one whose length the header Content-Length names")
        if self._in_hand >= MOST:
            raise Refusal(503, f"busy: {MOST} calls are in hand; ask again in a second")
        self._in_hand += 1
        try:
            large = int(length) > SMALL
            async with self._large if large else contextlib.nullcontext():
                body = await self._read_body(request, int(length))
                call = read_call(request.path_params.get("name"), body, self._signatures)
                del body  # as large as the call
                yield call, large
        finally:
            self._in_hand -= 1

    async def _read_body(self, request: Request, length: int) -> bytes:
        """Read a body; one too large is read past, or its sender would never see the reason."""
        parts, size = [], 0
        try:
            async with asyncio.timeout(self._seconds):
                async for part in request.stream():
                    size += len(part)
                    if size <= min(length, MAX_BODY):
                        parts.append(part)
        except ClientDisconnect:
            raise Refusal(400, "body: cut short") from None
        except TimeoutError:
            raise Refusal(408, f"body: expected all of it within {self._seconds:g} s") from None
        if size > MAX_BODY:
            raise Refusal(413, f"body: expected at most {MAX_BODY // 1_000_000} MB, got {size // 1_000_000}")
        if size != length:
            raise Refusal(400, f"body: expected the {length} bytes of its Content-Length, got {size}")
        return b"".join(parts)

    async def _answer(self, call: Call, large: bool) -> Any:
        """Run a function in the first lane that takes the call."""
        for lane in self._lanes[large:]:
            try:
                run = asyncio.get_running_loop().run_in_executor
                return await run(lane.threads, lane.functions[call.name], *call.arguments)
            except TooLarge:
                continue
            except (ValueError, OSError) as error:
                raise Refusal(400 if isinstance(error, ValueError) else 500, " ".join(str(error).split())) from error
        raise AssertionError("the last lane takes every call")


def read_call(name: str | None, body: bytes, signatures: Mapping[str, inspect.Signature]) -> Call:
    """Read the call of a function.

    Args:
        name: the function's, or None where the body has its number as `fn_index`, and the `session_hash` that asks.
        body: JSON with the arguments as the list `data`.
        signatures: of the functions that can be called, by name and in order.

    Raises:
        Refusal: no such function, or not its arguments.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, 'body: expected JSON such as {"data": [...]}, got something else') from None
    if not isinstance(given, dict) or not isinstance(given.get("data"), list):
        raise Refusal(400, 'body: expected an object with the arguments as the list "data"')
    session = ""
    if name is None:
        number, session = given.get("fn_index"), _check_session(given.get("session_hash"))
        if type(number) is not int or not 0 <= number < len(signatures):
            raise Refusal(404, f"fn_index: expected 0 to {len(signatures) - 1}, got {str(number)[:50]!r}")
        name = list(signatures)[number]
    if name not in signatures:
        raise Refusal(404, f"function: expected one of {', '.join(signatures)}, got {name[:50]!r}")
    check_arguments(name, given["data"], signatures[name])
    return Call(name, given["data"], session)


def check_arguments(name: str, data: list[Any], signature: inspect.Signature) -> None:
    """Refuse arguments that are too few, too many, or not of the very types that a function's annotations name."""
    parameters = signature.parameters.values()
    needed = sum(parameter.default is parameter.empty for parameter in parameters)
    if not needed <= len(data) <= len(parameters):
        raise Refusal(400, f"{name}: expected {len(parameters)} arguments, got {len(data)}")
    for value, parameter in zip(data, parameters, strict=False):
        if type(value) is not parameter.annotation:
            expected, got = parameter.annotation.__name__, type(value).__name__
            raise Refusal(400, f"{parameter.name}: expected {expected}, got {got}")


def _check_session(session: Any) -> str:
    if not isinstance(session, str) or not re.fullmatch(r"[\w-]{1,64}", session, re.ASCII):
        raise Refusal(400, "session_hash: expected up to 64 letters, digits and dashes")
    return session


def _format_event(message: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(message).encode() + b"\n\n"
