"""What stands before Gradio: it lets through what the page and its clients need, from this machine alone."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio has some eighty routes more: uploads, files, proxies, histories. What is closed needs no watching.
OPEN = {
    "GET": r"/|/config|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/(assets|static)/.+"
    r"|/gradio_api/(info|theme\.css|startup-events|heartbeat/[\w-]+|queue/data)",
    "HEAD": "/",
    "POST": r"/gradio_api/(run/\w+|queue/join)",
}
HOSTS = ("127.0.0.1", "localhost")
# The browser itself refuses to load from elsewhere. Gradio's templates are compiled in the page, hence eval.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'"
)
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class Refusal(Exception):
    """A request that goes no further: an HTTP status and a message of one line."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Guard:
    """ASGI middleware that refuses, with a line of JSON, what has no business here.

    Args:
        app: what is guarded.
        calls: the names of the functions that can be called, in order, and for each the defaults of its arguments;
            an argument whose default is `...` has to be given.
        max_bytes: of a request's body.
    """

    def __init__(self, app: ASGIApp, calls: Mapping[str, list[Any]], max_bytes: int) -> None:
        self._app = app
        self._calls = calls
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # a websocket that is not accepted is refused
        try:
            check_request(scope)
            if scope["method"] == "POST":
                body = await self._read_body(scope, receive)
                call = read_call(scope["path"], body, self._calls)
                scope, receive = _replace_body(scope, json.dumps(call).encode(), receive)
        except Refusal as refusal:
            await JSONResponse({"error": str(refusal)}, refusal.status, HEADERS)(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_guarded)

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes:
        """Read a request's body; one too large is read past, or its sender would never see the reason."""
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            if size <= self._max_bytes:
                parts.append(part)
        if size > self._max_bytes:
            raise Refusal(413, f"body: expected at most {self._max_bytes // 1_000_000} MB, got {size // 1_000_000}")
        return b"".join(parts)


def check_request(scope: Scope) -> None:
    """Refuse a request by its headers and its path."""
    headers = Headers(scope=scope)
    host, origin = headers.get("host", ""), headers.get("origin")
    if urlsplit(f"//{host}").hostname not in HOSTS:  # another name that resolves to here: DNS rebinding
        raise Refusal(403, f"host: expected one of {', '.join(HOSTS)}, got {host!r}")
    if origin and urlsplit(origin).netloc != host:  # a page from elsewhere, open in the same browser
        raise Refusal(403, f"origin: expected http://{host}, got {origin!r}")
    if not re.fullmatch(OPEN.get(scope["method"], "(?!)"), scope["path"]):
        raise Refusal(404, f"{scope['method']} {scope['path']!r}: nothing here")


def read_call(path: str, body: bytes, calls: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Read the call of a function, and keep of it what Gradio has to know.

    Args:
        path: ending in the function's name, or of the queue, whose calls give its number as `fn_index`.
        body: JSON with the arguments as the list `data`.
        calls: as `Guard` takes it.

    Raises:
        Refusal: no such function, or not its arguments.
    """
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, 'body: expected JSON such as {"data": [...]}, got something else') from None
    if not isinstance(given, dict) or not isinstance(given.get("data"), list):
        raise Refusal(400, 'body: expected an object with the arguments as the list "data"')
    call: dict[str, Any] = {}
    name = path.rpartition("/")[2]
    if name == "join":
        number, session = given.get("fn_index"), given.get("session_hash")
        if type(number) is not int or not 0 <= number < len(calls):
            raise Refusal(404, f"fn_index: expected 0 to {len(calls) - 1}, got {str(number)[:50]!r}")
        if not isinstance(session, str) or not re.fullmatch(r"[\w-]{1,64}", session):
            raise Refusal(400, "session_hash: expected up to 64 letters, digits and dashes")
        name = list(calls)[number]
        call = {"fn_index": number, "session_hash": session}
    if name not in calls:
        raise Refusal(404, f"function: expected one of {', '.join(calls)}, got {name[:50]!r}")
    defaults, data = calls[name], given["data"]
    if not defaults.count(...) <= len(data) <= len(defaults):
        raise Refusal(400, f"{name}: expected {len(defaults)} arguments, got {len(data)}")
    return call | {"data": data + defaults[len(data) :]}


def _replace_body(scope: Scope, body: bytes, receive: Receive) -> tuple[Scope, Receive]:
    """Return the request with another body; what is received after it (a disconnection) stays."""
    headers = [(key, value) for key, value in scope["headers"] if key not in (b"content-length", b"content-type")]
    headers += [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_replaced() -> Message:
        return messages.pop() if messages else await receive()

    return {**scope, "headers": headers}, receive_replaced
