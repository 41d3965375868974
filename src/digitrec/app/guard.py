"""What stands before Gradio: it lets through what the page is made of, from this machine alone, and nothing else."""

import json
import re
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = r"(127\.0\.0\.1|localhost)(:[0-9]{1,5})?"
# Gradio has some eighty routes more: uploads, files, proxies, histories. What is closed needs no watching.
PAGE = {
    "GET": r"/|/config|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/gradio_api/(info|theme\.css)"
    r"|/gradio_api/heartbeat/[\w-]{1,64}|/(assets|static)(/[\w@\[\]-][\w@\[\].-]{0,99}){1,6}",
    "HEAD": "/",
}
# Gradio's own queue looks for work a thousand times a second, and keeps pictures and answers that nobody collects.
CALLS = {
    "GET": "/gradio_api/(queue/data|startup-events)",
    "POST": r"/gradio_api/(run/\w{1,99}|queue/join)",
}
# The browser itself refuses to load from elsewhere. Gradio's templates are compiled in the page, hence eval.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'"
)
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class Reply(JSONResponse):
    """JSON in ASCII: half a character, which a request may hold and a reason may quote, has no other form."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()


class Refusal(Exception):
    """A request that goes no further: an HTTP status, and why in one line."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def reply(self) -> dict[str, str]:
        """What is answered: why, for programs as `error` and for people as `says`."""
        error = str(self)
        return {"error": error, "says": re.sub("^picture: ", "This picture cannot be read: ", error)}


class Guard:
    """ASGI middleware that refuses, with a line of JSON, what has no business here.

    Args:
        page: Gradio. It gets paths that the page is made of, and nothing else of a request.
        calls: what answers the calls of functions, in Gradio's place.
    """

    def __init__(self, page: ASGIApp, calls: ASGIApp) -> None:
        self._page = page
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._page(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close"})

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            host = check_origin(Headers(scope=scope))
            if _matches(CALLS, scope):
                await self._calls(scope, receive, send_guarded)
            elif _matches(PAGE, scope):
                bare = {**scope, "query_string": b"", "headers": [(b"host", host.encode())]}
                await self._page(bare, receive, send_guarded)
            else:
                raise Refusal(404, f"{scope['method'][:20]} {scope['path'][:200]!r}: nothing here")
        except Refusal as refusal:
            await Reply(refusal.reply, refusal.status)(scope, receive, send_guarded)


def check_origin(headers: Headers) -> str:
    """Return a request's host; refuse one that is not this machine's, or that another site's page asks.

    Raises:
        Refusal: the request may come from elsewhere.
    """
    host, origin = headers.get("host", ""), headers.get("origin")
    if not re.fullmatch(HOST, host, re.ASCII | re.IGNORECASE):  # another name that resolves to here: DNS rebinding
        raise Refusal(403, f"host: expected 127.0.0.1 or localhost, got {host[:200]!r}")
    if origin and origin.partition("://")[2] != host:  # a page from elsewhere, open in the same browser
        raise Refusal(403, f"origin: expected http://{host}, got {origin[:200]!r}")
    return host


def _matches(routes: dict[str, str], scope: Scope) -> bool:
    return bool(re.fullmatch(routes.get(scope["method"], "(?!)"), scope["path"], re.ASCII))
