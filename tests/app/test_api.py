"""The functions behind the page: what they answer, and what they refuse."""

import base64
import io
import json
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from digitrec import Recognizer
from digitrec.app.api import MAX_BYTES, Api, decode_picture, describe_number
from digitrec.calibration import format_confidence
from digitrec.handwriting.samples import SampleFolder
from digitrec.numbers.reader import Number
from digitrec.preprocessing.decoding import PictureError

DRAWINGS = Path(__file__).parents[2] / "data" / "samples"
SEVEN = DRAWINGS / "7_crossed.png"


def encode(picture):
    return base64.b64encode(picture if isinstance(picture, bytes) else picture.read_bytes()).decode()


@pytest.fixture
def api(recognizer, column_reader, tmp_path):
    return Api(recognizer, SampleFolder(tmp_path / "own"), numbers=column_reader)


@pytest.mark.parametrize("path", sorted(DRAWINGS.glob("*.*g")), ids=lambda path: path.stem)
def test_reads_what_the_recognizer_reads(api, recognizer, path):
    answer, expected = api.read(encode(path)), recognizer.predict(path)
    assert (answer["kind"], answer["digit"], answer["reason"]) == (expected.kind, expected.digit, expected.reason)
    assert np.allclose(answer["probabilities"], expected.probabilities, atol=1e-4)
    shares = [*(expected.probabilities * (1 - expected.none)), expected.none]
    assert np.allclose(answer["shares"], shares, atol=1e-4)
    assert sum(shares) == pytest.approx(1, abs=1e-6)
    assert answer["percent"] == [format_confidence(share) for share in shares]
    assert answer["image"] == expected.image.tolist()
    assert answer["heat"] is None
    assert json.loads(json.dumps(answer)) == answer


def test_no_network_is_entitled_to_certainty(recognizer):
    certain = Recognizer(recognizer._session, temperature=0.05, threshold=0)
    percent = Api(certain, SampleFolder("unused")).read(encode(SEVEN))["percent"]
    assert percent[7] == ">99.9 %"
    assert set(percent[:7]) == {"<0.1 %"}


def test_the_layers_as_they_are(recognizer):
    def look(image):
        return [np.stack([image, image // 2]), np.arange(3, dtype=np.uint8).reshape(3, 1, 1)]

    api = Api(recognizer, SampleFolder("unused"), layers=look)
    assert api.read(encode(SEVEN))["layers"] is None
    assert api.read(encode(SEVEN), False, True)["layers"] == api.layers(encode(SEVEN))
    first, second = api.layers(encode(SEVEN))
    maps = np.frombuffer(base64.b64decode(first.pop("maps")), np.uint8).reshape(2, 28, 28)
    assert first == {"channels": 2, "height": 28, "width": 28}
    assert np.array_equal(maps[0], recognizer.predict(SEVEN).image)
    assert second == {"channels": 3, "height": 1, "width": 1, "maps": base64.b64encode(b"\0\1\2").decode()}


@pytest.mark.parametrize("ask", [lambda api: api.layers(encode(SEVEN)), Api.teach, Api.stop_teaching, Api.lesson])
def test_what_needs_the_networks_folder_says_so(api, ask):
    with pytest.raises(ValueError, match="expected a network that was given as a model folder"):
        ask(api)


def test_a_data_url_and_an_explanation(api):
    answer = api.read(f"data:image/png;base64,{encode(SEVEN)}", True)
    heat, ink = np.array(answer["heat"]), np.array(answer["image"]) > 0
    assert heat.shape == (28, 28)
    assert heat[ink].max() > 1
    assert not heat[:2].any()


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("7_crossed.png", "digit", "This is surely a 7."),
        ("8_tiny.png", "digit", "This is surely an 8."),
        ("blank.png", "blank", "Draw a digit, 0 to 9."),
        ("letter_k.png", "not a digit", "This is not a digit: it looks like none of the ten."),
    ],
)
def test_says_it_in_plain_words(api, name, kind, says):
    answer = api.read(encode(DRAWINGS / name))
    assert (answer["kind"], answer["says"]) == (kind, says)


def test_says_that_there_are_several(api):
    page = Image.new("L", (120, 60), 255)
    ImageDraw.Draw(page).text((30, 10), "47", 0, ImageFont.load_default(40))
    file = io.BytesIO()
    page.save(file, "PNG")
    answer = api.read(encode(file.getvalue()))
    assert (answer["kind"], answer["says"]) == ("several digits", "These are several digits: give one at a time.")


def test_says_between_which_two_it_wavers(recognizer):
    doubtful = Recognizer(recognizer._session, recognizer.temperature, threshold=1.01)
    answer = Api(doubtful, SampleFolder("unused")).read(encode(SEVEN))
    assert answer["kind"] == "unsure"
    assert re.fullmatch(r"Hard to tell: it could be 7 or \d\.", answer["says"])


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (None, "got NoneType"),
        ({"path": "/etc/passwd"}, "got dict"),
        ("/etc/passwd", "got other text"),
        ("../../secret.png", "got other text"),
        ("http://127.0.0.1/seven.png", "got other text"),
        ("", "got none"),
        ("data:image/png;base64,", "got none"),
        ("é" * 50, "got other text"),
        (encode(b"<svg onload=alert(1)>"), "an SVG drawing"),
        (encode(SEVEN.read_bytes()[:900]), "damaged or cut short"),
        ("A" * (MAX_BYTES * 4 // 3 + 100), "at most 20 MB"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(api, picture, message):
    for function in (api.read, api.read_number, api.forget, lambda picture: api.keep(picture, 3)):
        with pytest.raises(PictureError, match=re.escape(message)) as error:
            function(picture)
        assert "\n" not in str(error.value)


@given(st.text() | st.integers() | st.none() | st.lists(st.text()) | st.binary().map(lambda data: encode(data)))
def test_whatever_comes_is_bytes_or_refused(picture):
    with suppress(PictureError):
        assert isinstance(decode_picture(picture), bytes)


def test_keeps_and_forgets_what_it_was_shown(api):
    assert api.samples()["counts"] == [0] * 10
    assert api.keep(encode(SEVEN), 7)["counts"] == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert sum(api.forget(f"data:image/png;base64,{encode(SEVEN)}")["counts"]) == 0


def test_pictures_go_through_the_decoder_it_is_given(recognizer, tmp_path):
    given = []
    api = Api(recognizer, SampleFolder(tmp_path), lambda data: given.append(data) or data)
    api.read(encode(SEVEN), True)
    api.keep(encode(SEVEN), 7)
    api.forget(encode(SEVEN))
    assert given == [SEVEN.read_bytes()] * 3


# --- numbers ---------------------------------------------------------------------------------------


def test_reads_what_the_reader_of_numbers_reads(api, column_reader, number_47):
    answer, expected = api.read_number(number_47), column_reader.predict(base64.b64decode(number_47), length=None)
    assert (answer["kind"], answer["text"], answer["best"], answer["reason"]) == ("number", "47", "47", None)
    assert (answer["confidence"], answer["percent"]) == (0.98, "98.0 %")
    assert [tuple(one["box"]) for one in answer["characters"]] == [one.box for one in expected.characters]
    assert [one["percent"] for one in answer["characters"]] == ["98.0 %"] * 2
    assert [one["text"] for one in answer["alternatives"]] == ["41", "470"]
    assert answer["image"] == expected.strip.tolist()
    assert json.loads(json.dumps(answer)) == answer


def test_hands_on_what_is_known_of_a_number(api, column_reader, number_47):
    column_reader.asked.clear()
    api.read_number(number_47)
    api.read_number(number_47, 2, "dd", "0123456789")
    assert column_reader.asked == [
        {"length": None, "pattern": None, "characters": None},
        {"length": 2, "pattern": "dd", "characters": "0123456789"},
    ]
    with pytest.raises(ValueError, match="length: expected 1 to 60 characters, got 99"):
        api.read_number(number_47, 99)


def test_boxes_are_in_the_pixels_of_the_file_where_its_decoder_shrank_it(recognizer, column_reader, number_47):
    def halve(data):
        picture = Image.open(io.BytesIO(data)).resize((150, 150))
        picture.info["shrunk"] = 2.0
        return picture

    whole = Api(recognizer, SampleFolder("unused"), numbers=column_reader).read_number(number_47)
    halved = Api(recognizer, SampleFolder("unused"), halve, column_reader).read_number(number_47)
    boxes = [[one["box"] for one in answer["characters"]] for answer in (whole, halved)]
    assert np.allclose(*boxes, atol=4)


def test_without_a_reader_of_numbers_it_says_so(recognizer):
    with pytest.raises(ValueError, match="expected a network of numbers in models/numbers, found none"):
        Api(recognizer, SampleFolder("unused")).read_number(encode(SEVEN))


@pytest.mark.parametrize(
    ("kind", "confidence", "others", "says"),
    [
        ("number", 0.984, (("478", 0.01),), "This reads 473, 98 % sure."),
        ("number", 0.9999, (), "This reads 473, 99 % sure."),  # no network is entitled to 100
        ("unsure", 0.4, (("478", 0.3), ("418", 0.1)), "Hard to tell: it could be 473 or 478."),
        ("unsure", 0.4, (("", 0.3),), "Hard to tell: it could be 473."),
        ("not a number", 0.01, (), "This is not a number."),
        ("blank", 0.99, (), "Write a number."),
    ],
)
def test_says_a_number_in_plain_words(kind, confidence, others, says):
    text = "473" if kind == "number" else None
    number = Number(text, confidence, (), "473", others, kind, None, np.zeros((32, 32), np.uint8))
    assert describe_number(number) == says
