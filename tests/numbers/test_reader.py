"""The instrument for whole numbers: what an answer promises, what is known, and every kind of input."""

import io
import json
import shutil
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from digitrec import Number, NumberReader, PictureError, split_validation
from digitrec.model_folder import ModelError
from digitrec.numbers.constraints import CHARACTERS, Constraint
from digitrec.numbers.lines import find_lines

NUMBERS = st.text(CHARACTERS, min_size=1, max_size=9).filter(lambda text: text.strip(".,") == text)


@pytest.fixture(scope="module")
def reader(number_model) -> NumberReader:
    return NumberReader.load(number_model)


def check_number(number: Number, size: tuple[int, int] | None = None) -> None:
    """Hold an answer to what `Number` promises; its boxes lie in a picture of that size."""
    assert type(number.confidence) is float
    assert 0 <= number.confidence <= 1
    assert number.text in (None, number.best)
    assert (number.text is None) == (number.kind != "number") == (number.reason is not None)
    assert number.best is None or number.best.strip(".,") == number.best != ""
    assert "".join(one.text for one in number.characters) == (number.best or "")
    assert all(0 <= one.confidence <= 1 for one in number.characters)
    shares = [number.confidence, *(share for _, share in number.alternatives)]
    if number.best:
        assert shares == sorted(shares, reverse=True)
        assert number.best not in dict(number.alternatives)
    assert sum(shares) <= 1 + 1e-6
    assert number.strip.dtype == np.uint8
    assert number.strip.shape[0] == 32
    width, height = size or (number.strip.shape[1], 32)
    for one in number.characters:
        left, top, right, bottom = one.box
        assert -1 <= left < right <= width + 1
        assert -1 <= top < bottom <= height + 1


def show(strip: np.ndarray) -> np.ndarray:
    """Return a strip as a picture: ink dark, on paper."""
    return 255 - strip


# --- what is read -------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(text=NUMBERS)
def test_strips_are_read_and_each_box_holds_its_bar(reader, number_strip, text):
    (number,) = reader.read_strips([number_strip(text)])
    check_number(number)
    assert (number.text, number.kind) == (text, "number")
    for i, one in enumerate(number.characters):
        left, _, right, _ = one.box
        assert left <= 5 + 8 * i <= right
        assert one.confidence > 0.9


@settings(max_examples=20, deadline=None)
@given(text=NUMBERS)
def test_pictures_are_read_whatever_they_come_as(reader, number_strip, text):
    picture = show(number_strip(text))
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG")
    forms = [picture, Image.fromarray(picture), data.getvalue(), io.BytesIO(data.getvalue()), picture / 255]
    numbers = list(reader.predict_many(forms))
    for number in numbers:
        check_number(number, (picture.shape[1], 32))
        assert (number.text, number.characters) == (numbers[0].text, numbers[0].characters)
    assert numbers[0].best == text


def test_lines_lie_in_the_given_picture_though_it_is_read_smaller(tmp_path):
    picture = Image.new("L", (300, 120), 255)
    ImageDraw.Draw(picture).text((60, 20), "4071", 0, ImageFont.load_default(80))
    picture.resize((3000, 1200)).save(tmp_path / "large.png")
    for one, other in zip(find_lines(picture), find_lines(tmp_path / "large.png"), strict=True):
        ends = [line.locate(0, 0, line.strip.shape[1], 32) for line in (one, other)]
        np.testing.assert_allclose(np.array(ends[1]) / 10, ends[0], atol=4)


def test_alternatives_are_other_readings_and_their_shares(reader, number_strip):
    strip = np.maximum(number_strip("473"), number_strip("479", 235))
    (number,) = reader.read_strips([strip])
    check_number(number)
    assert number.best == "473"
    assert number.alternatives[0][0] == "479"
    assert number.characters[2].confidence < number.characters[0].confidence


def test_a_doubtful_number_is_declined_and_says_between_what(reader, number_strip):
    strip = np.maximum(number_strip("473"), number_strip("479"))
    (number,) = reader.read_strips([strip])
    check_number(number)
    assert (number.text, number.kind) == (None, "unsure")
    assert number.best in ("473", "479")
    assert number.reason == f"unsure: {number.best} or {number.alternatives[0][0]}"
    assert {number.best, number.alternatives[0][0]} == {"473", "479"}


@pytest.mark.parametrize("picture", [np.zeros((32, 90)), np.full((60, 200), 0.8), np.full((300, 300, 3), 200)])
def test_paper_is_blank(reader, picture):
    number = reader.predict(picture)
    check_number(number)
    assert (number.kind, number.best, number.reason) == ("blank", None, "blank: no number found")


def test_a_rule_alone_is_blank(reader, number_strip):
    (number,) = reader.read_strips([number_strip("")])
    check_number(number)
    assert number.kind == "blank"
    assert number.confidence > 0.9


def test_a_notebook_shows_the_strip(reader, number_strip):
    (number,) = reader.read_strips([number_strip("47")])
    with Image.open(io.BytesIO(number._repr_png_())) as image:
        assert image.size == (3 * number.strip.shape[1], 96)


# --- what is known ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ({"values": [479, 12]}, "479"),
        ({"values": range(474, 480)}, "479"),
        ({"check": lambda text: int(text) % 10 == 9}, "479"),
        ({"pattern": "dd9"}, "479"),
        ({"characters": "479"}, "479"),
        ({"length": 3}, "473"),
    ],
)
def test_what_is_known_decides_a_doubt(reader, number_strip, known, text):
    strip = np.maximum(number_strip("473"), number_strip("479", 235))
    (number,) = reader.read_strips([strip], **known)
    check_number(number)
    assert number.text == text
    assert all(Constraint(**known).accepts(other) for other, _ in number.alternatives if other)


def test_values_that_can_be_gone_through_once_hold_for_all_pictures(reader, number_strip):
    numbers = reader.predict_many([show(number_strip("12"))] * 3, values=iter(["12", "13"]))
    assert [number.text for number in numbers] == ["12"] * 3


def test_a_number_that_cannot_be_is_declined_and_what_it_looks_like_is_said(reader, number_strip):
    (number,) = reader.read_strips([number_strip("473")], length=2)
    check_number(number)
    assert number.text is None
    assert number.reason.endswith("it looks like 473")
    (blank,) = reader.read_strips([number_strip("")], length=2)
    assert blank.kind == "blank"


def test_what_nothing_can_be_is_an_error_before_any_picture(reader):
    with pytest.raises(ValueError, match=r"^pattern: expected"):
        reader.predict("absent.png", pattern="d?")
    with pytest.raises(ValueError, match=r"^length: expected"):
        reader.predict_many([], length=0)
    with pytest.raises(TypeError, match="lenght"):
        reader.predict_many([], lenght=4)


# --- bad input ----------------------------------------------------------------------------------


def hostile() -> dict[str, np.ndarray]:
    """Return pictures that are no number, by what they are."""
    rng = np.random.default_rng(0)
    page = np.full((1600, 1200), 255, np.uint8)
    for top in range(60, 1540, 40):
        page[top : top + 24, 80:1120] = rng.choice([0, 255], (24, 1040), p=[0.3, 0.7])
    digits = np.full((40, 2400), 255, np.uint8)
    digits[8:32, 8::16], digits[8:32, 12::40] = 0, 0
    return {
        "thread": np.full((5, 4000), 128, np.uint8) ^ (np.arange(4000) % 7 < 2).astype(np.uint8) * 127,
        "noise": rng.integers(0, 256, (1000, 1400), np.uint8),
        "page": page,
        "many": digits,
        "tiny": np.array([[0, 255, 0], [255, 0, 255], [0, 255, 0]], np.uint8),
        "column": np.full((900, 4), 90, np.uint8),
    }


@pytest.mark.parametrize("name", hostile())
def test_what_is_no_number_is_answered_in_a_second(reader, name):
    begin, refused = time.thread_time(), ""
    try:
        check_number(reader.predict(hostile()[name]), hostile()[name].shape[::-1])
    except PictureError as error:
        refused = str(error)
    assert "\n" not in refused
    assert time.thread_time() - begin < 1


@pytest.mark.parametrize("picture", [b"", b"a number", "absent.png", np.zeros((2, 2)), None, np.full((9, 9), np.nan)])
def test_what_is_no_picture_is_an_error_of_one_line(reader, picture):
    with pytest.raises(PictureError) as raised:
        reader.predict(picture)
    assert "\n" not in str(raised.value)


def test_a_network_of_another_form_is_refused(number_model, tmp_path):
    from digitrec.model_folder import find_model, hash_content

    copy = shutil.copytree(number_model, tmp_path / "copy")
    for content, message in (
        ((find_model("cnn") / "model.onnx").read_bytes(), r"expected a network from float \(n, 32, w, 1\)"),
        (b"none", r"expected an ONNX network"),
    ):
        (copy / "model.onnx").write_bytes(content)
        metrics = json.loads((copy / "metrics.json").read_text())
        metrics["sha256"]["model.onnx"] = hash_content(content)
        (copy / "metrics.json").write_text(json.dumps(metrics))
        with pytest.raises(ModelError, match=message):
            NumberReader.load(copy)
    (copy / "model.onnx").write_bytes(b"changed")
    with pytest.raises(ModelError, match="damaged or foreign"):
        NumberReader.load(copy)


def test_a_lone_upright_bar_is_a_one():
    """As a 1 is drawn with a ruler, or on a page; the network of digits reads every one of these."""
    reader, read = NumberReader.load(), []
    for side in (60, 100, 200):
        for width in (2, 3, 5, 8):
            picture = np.full((side, side), 255, np.uint8)
            left = side // 2 - width * side // 120
            picture[side // 8 : -side // 8, left : left + width * side // 60] = 0
            read.append(reader.predict(picture).best)
    assert read == ["1"] * len(read)


@pytest.mark.mnist
@pytest.mark.parametrize("degrees", [-40, -25, 25, 40])
def test_a_number_on_paper_that_is_turned_is_read_as_if_it_were_not(mnist, degrees):
    """Numbers of three digits: of twenty at most three become other ones, or nothing."""
    reader, (images, _) = NumberReader.load(), split_validation(*mnist[0])[1]
    same = []
    for few in images[:60].reshape(20, 3, 28, 28):
        ink = np.pad(np.concatenate(few[:, :, 3:25], axis=1), ((60, 60), (40, 40)))
        level = Image.fromarray(230 - (0.7 * ink).astype(np.uint8)).resize((438, 444), Image.Resampling.BICUBIC)
        turned = level.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=230)
        same.append(reader.predict(turned).best == reader.predict(level).best)
    assert sum(same) >= 17
