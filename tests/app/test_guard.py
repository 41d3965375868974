"""What reaches Gradio, and what is refused: whatever comes, a status and a line of JSON, never a traceback."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.app.guard import HEADERS, Guard

HOST = [(b"host", b"127.0.0.1:7860")]
JUNK = st.binary(max_size=40)


def ask(method="GET", path="/", headers=HOST, query=b"", kind="http"):
    """Send a request to a guard; return status, headers and body of the reply, and what Gradio got."""
    got, sent = [], []

    async def reply(scope, receive, send):
        got.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"reply"})

    async def calls(scope, receive, send):
        await reply({**scope, "call": True}, receive, send)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "method": method, "path": path, "query_string": query, "headers": headers}
    asyncio.run(Guard(reply, calls)(scope, receive, send))
    return sent, got


def check(sent):
    """Return the status of a reply that is whole and guarded; a refusal is a line of JSON."""
    start, *parts = sent
    for name, value in HEADERS.items():
        assert (name.lower().encode(), value.encode()) in start["headers"]
    body = b"".join(part["body"] for part in parts)
    if start["status"] != 200:
        assert 400 <= start["status"] < 500
        assert set(json.loads(body)) == {"error", "says"}
        assert b"\n" not in body
    return start["status"]


PATHS = st.one_of(
    st.text(max_size=60).map(lambda text: "/" + text),
    st.lists(st.sampled_from(["..", ".", "", "a.js", "A-1_x@[b].css", "\0", "é", "%2e", "a" * 101]), max_size=8).map(
        lambda parts: "/static/" + "/".join(parts)
    ),
    st.sampled_from(["/", "/config", "/static/a.js", "/gradio_api/info", "/gradio_api/run/read", "/assets/a\n"]),
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "G\xe9T", ""]),
    PATHS,
    st.lists(st.tuples(st.sampled_from([b"host", b"origin", b"range", b"x-forwarded-host"]), JUNK), max_size=4),
    st.sampled_from([[], HOST]),
    JUNK,
)
def test_whatever_is_asked_is_let_through_bare_or_refused(method, path, headers, host, query):
    sent, got = ask(method, path, host + headers, query)
    assert (check(sent) == 200) == bool(got)
    for scope in got:
        assert "call" in scope or (scope["headers"], scope["query_string"]) == (HOST, b"")
        assert not {"..", "."} & set(path.split("/"))
        assert len(path) < 800


@given(JUNK | st.sampled_from([b"[", b"]", b"localhost:", b"localhost:x", b"localhost@evil", b"[::1", b"localhost\n"]))
def test_another_host_is_refused(host):
    sent, got = ask(headers=[(b"host", host)])
    assert (check(sent), got) == (403, [])


@given(st.text(st.characters(codec="latin-1"), max_size=30) | st.sampled_from(["http://[", "null", "http://", "["]))
def test_another_origin_is_refused(origin):
    sent, got = ask(headers=[*HOST, (b"origin", origin.encode("latin-1"))])
    assert (check(sent) == 403) == bool(origin)
    assert bool(got) != bool(origin)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:65535"])
def test_this_machine_is_let_in(host):
    sent, got = ask(headers=[(b"host", host.encode()), (b"origin", f"http://{host}".encode())])
    assert (check(sent), len(got)) == (200, 1)


@pytest.mark.parametrize("path", ["/static/" + "a" * 5000, "/" + "a" * 5000, "/assets" + "/a" * 5000, "/static/" * 900])
def test_a_path_without_end_is_refused(path):
    sent, got = ask(path=path)
    assert (check(sent), got) == (404, [])


def test_calls_never_reach_gradio():
    for method, path in (("POST", "/gradio_api/run/read"), ("POST", "/gradio_api/queue/join")):
        ((scope,),) = (ask(method, path)[1],)
        assert scope["call"]
        assert ask("GET", path)[1] == []


def test_a_websocket_is_closed():
    sent, got = ask(kind="websocket")
    assert (sent, got) == ([{"type": "websocket.close"}], [])
