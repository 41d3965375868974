"""What the page's tests share: one network, one server, and requests as they stand."""

import base64
import http.client
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from digitrec import Recognizer, app

SEVEN = Path(__file__).parents[2] / "data" / "samples" / "7_crossed.png"


def _encode(data):
    return base64.b64encode(data).decode()


def _send(url, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=60)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def _call(url, name, *data):
    status, body = _send(url, "POST", f"/gradio_api/run/{name}", json.dumps({"data": data}))
    return status, json.loads(body)


@pytest.fixture(scope="session")
def recognizer():
    return Recognizer.load("cnn")


@pytest.fixture(scope="session")
def server(recognizer, tmp_path_factory):
    """The running page, in a thread of this process."""
    pytest.importorskip("gradio")
    with app.start(recognizer, tmp_path_factory.mktemp("own") / "digits", port=7900, report=lambda line: None) as page:
        yield page


@pytest.fixture(scope="session")
def send():
    """send(url, method, path, body, **headers): a request as it stands; returns status and body."""
    return _send


@pytest.fixture(scope="session")
def call():
    """call(url, name, *arguments): a function of the page; returns status and reply."""
    return _call


@pytest.fixture(scope="session")
def seven():
    """A drawn seven's file in base64."""
    return _encode(SEVEN.read_bytes())


@pytest.fixture(scope="session")
def bomb():
    """A file of 8 KB that claims 64 megapixels, in base64."""
    file = io.BytesIO()
    Image.new("1", (8000, 8000)).save(file, "PNG")
    return _encode(file.getvalue())


@pytest.fixture(scope="session")
def check_alive(seven):
    """check_alive(url): the page still reads a seven."""

    def check(url):
        status, reply = _call(url, "read", seven, False)
        assert (status, reply["data"][0]["digit"]) == (200, 7)

    return check
