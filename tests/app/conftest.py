"""What the page's tests share: one network, one server, and requests as they stand."""

import base64
import http.client
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitrec import Recognizer, app
from digitrec.numbers.boxes import Character
from digitrec.numbers.reader import Number
from digitrec.preprocessing.decoding import FINE_SIDE, read_picture

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


class ColumnReader:
    """Stands in for the reader of numbers: what is parted by blank columns it reads with the network of digits.

    A digit that it is not sure of makes all of it unsure; what is small is a point. It sees black on white alone.
    """

    def __init__(self, recognizer):
        self._recognizer = recognizer
        self.asked = []

    def predict(self, picture, **known):
        self.asked.append(known)
        if known["length"] == 99:
            raise ValueError("length: expected 1 to 60 characters, got 99")
        grey = np.asarray(Image.fromarray(read_picture(picture, FINE_SIDE)).convert("L"))
        strip = np.zeros((32, 64), np.uint8)
        columns = np.flatnonzero((grey < 128).any(axis=0))
        if not len(columns) or np.median(grey) < 250:
            return Number(None, 0.99, (), None, (), "blank", "blank: no number found", strip)
        characters = []
        for run in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
            left, right = int(run[0]), int(run[-1]) + 1
            rows = np.flatnonzero((grey[:, left:right] < 128).any(axis=1))
            top, bottom = int(rows[0]), int(rows[-1]) + 1
            answer = self._recognizer.predict(np.pad(grey[top:bottom, left:right], 20, constant_values=255))
            best = "." if bottom - top < 0.15 * len(grey) else str(answer.probabilities.argmax())
            characters.append(Character(best, 0.98 if answer.digit is not None else 0.4, (left, top, right, bottom)))
        text, confidence = "".join(one.text for one in characters), min(one.confidence for one in characters)
        others = (text[:-1] + "1", 0.75 * (1 - confidence)), (text + "0", 0.25 * (1 - confidence))
        strip[8:24, 8:56] = 255
        if confidence < 0.6:
            reason = f"unsure: {text} or {others[0][0]}"
            return Number(None, confidence, tuple(characters), text, others, "unsure", reason, strip)
        return Number(text, confidence, tuple(characters), text, others, "number", None, strip)


@pytest.fixture(scope="session")
def column_reader(recognizer):
    return ColumnReader(recognizer)


@pytest.fixture(scope="session")
def server(recognizer, column_reader, tmp_path_factory):
    """The running page, in a thread of this process."""
    pytest.importorskip("gradio")
    options = {"port": 7900, "report": lambda line: None, "numbers": column_reader}
    with app.start(recognizer, tmp_path_factory.mktemp("own") / "digits", **options) as page:
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


@pytest.fixture(scope="session")
def number_47():
    """A picture of 47, 300 by 300 pixels: a file in base64."""
    page = Image.new("L", (300, 300), 255)
    for i, name in enumerate(["4_marker.png", "7_crossed.png"]):
        with Image.open(SEVEN.with_name(name)) as digit:
            page.paste(digit.convert("L").resize((110, 150)), (30 + 130 * i, 60))
    file = io.BytesIO()
    page.save(file, "PNG")
    return _encode(file.getvalue())
