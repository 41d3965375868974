"""The instrument: what an answer promises, every kind of input, what has to be declined, and what must not matter."""

import csv
import io
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw, ImageFont

from digitrec import Recognizer, datasets, prepare, split_validation, to_mnist
from digitrec import recognizer as recognizer_module
from digitrec.calibration import read_logits, softmax
from digitrec.preprocessing.decoding import PictureError
from digitrec.preprocessing.form import look_inside, show_stages
from digitrec.recognizer import Answer

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data" / "samples"
with (SAMPLES / "labels.csv").open(newline="") as _file:
    LABELS = {row["file"]: row["label"] for row in csv.DictReader(_file)}
SEVEN = SAMPLES / "7_crossed.png"


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load(ROOT / "models" / "cnn")


def check_answer(answer: Answer) -> None:
    """Hold an answer to what `Answer` promises."""
    assert answer.digit is None or (type(answer.digit) is int and 0 <= answer.digit <= 9)
    assert (answer.reason is None) == (answer.digit is not None)
    assert answer.probabilities.shape == (10,)
    assert answer.probabilities.dtype == np.float32
    assert answer.probabilities.min() >= 0
    assert answer.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert type(answer.confidence) is float
    assert answer.confidence == answer.probabilities.max()
    if answer.digit is not None:
        assert answer.probabilities.argmax() == answer.digit
    assert answer.image.dtype == np.uint8
    assert answer.image.shape == (28, 28)


def read(recognizer: Recognizer, picture: object) -> Answer | str:
    """Return an answer, checked, or the message of the error."""
    try:
        answer = recognizer.predict(picture)
    except PictureError as error:
        return str(error)
    check_answer(answer)
    return answer


def encode(image: Image.Image, kind: str, **options) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


# --- logits to answers --------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from((10, 11)).flatmap(
        lambda outputs: hnp.arrays(np.float32, (3, outputs), elements=st.floats(-30, 30, width=32))
    ),
    st.floats(0.25, 4),
)
def test_scores_are_those_of_all_classes_and_digits_share_the_rest(logits, temperature):
    probabilities, scores = read_logits(logits, temperature)
    classes = np.exp(np.pad(logits.astype(np.float64), ((0, 0), (0, 1))) / temperature)
    np.testing.assert_allclose(scores, classes[:, :10].max(axis=1) / classes.sum(axis=1), atol=1e-5)
    np.testing.assert_allclose(probabilities, softmax(logits[:, :10].astype(np.float64) / temperature), atol=1e-5)
    assert (scores <= probabilities.max(axis=1) + 1e-6).all()


class FixedNetwork:
    """Stands for a session: the same logits for every image."""

    def __init__(self, logits: list[float]) -> None:
        self.logits = np.array(logits, np.float32)

    def get_inputs(self) -> list:
        return [type("Input", (), {"name": "x"})]

    def run(self, _, feeds: dict) -> list:
        return [np.repeat(self.logits[None], len(feeds["x"]), axis=0)]


@pytest.mark.parametrize(
    ("logits", "digit", "reason"),
    [
        ([9, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0, None),
        ([-9, -9, 3.9, 4, -9, -9, -9, -9, -9, -9], None, "unsure: 3 or 2"),
        ([-9, -1, -9, -9, -9, -9, -9, -9, -9, -9], None, "not like any digit"),
        ([-9, -1, -9, -9, -9, -9, -9, -9, -9, -9, -2], None, "not like any digit"),
        ([-9, 1, -9, -9, -9, -9, -9, -9, -9, -9, 2], None, "several digits: try digitrec read"),
        ([-9, 3, -9, -9, -9, -9, -9, -9, -9, -9, 2], 1, None),
    ],
)
def test_threshold_decides_and_the_reason_tells_why(logits, digit, reason):
    answer = Recognizer(FixedNetwork(logits), temperature=1, threshold=0.6).predict(SEVEN)
    check_answer(answer)
    assert (answer.digit, answer.reason) == (digit, reason)


# --- every kind of input ------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "label"), LABELS.items())
def test_samples_are_read_right(recognizer, name, label):
    answer = recognizer.predict(SAMPLES / name)
    check_answer(answer)
    assert answer.digit == (int(label) if label.isdigit() else None)


def test_paths_bytes_and_files_give_the_same_answer(recognizer):
    data = SEVEN.read_bytes()
    expected = recognizer.predict(SEVEN)
    with SEVEN.open("rb") as file, Image.open(SEVEN) as image:
        for way in (str(SEVEN), data, bytearray(data), memoryview(data), file, io.BytesIO(data), image):
            answer = recognizer.predict(way)
            assert answer.probabilities.tobytes() == expected.probabilities.tobytes()
            assert (answer.image == expected.image).all()


def make_variants(image: np.ndarray) -> dict[str, Image.Image | np.ndarray]:
    """Give one picture, two-valued so that no mode loses anything, in every mode and type."""
    grey = Image.fromarray(image)
    modes = {mode: grey.convert(mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F")}
    return modes | {
        "I;16": Image.fromarray(image.astype(np.uint16) * 257),
        "bool": image > 127,
        "uint8": image,
        "uint16": image.astype(np.uint16) * 257,
        "int64": image.astype(np.int64),
        "float32": image / np.float32(255),
        "float64": image / 255,
        "one channel": image[:, :, None],
        "grey and alpha": np.dstack([image, np.full_like(image, 255)]),
        "three channels": np.dstack([image] * 3),
        "four channels": np.dstack([image] * 3 + [np.full_like(image, 255)]),
    }


INK = np.where(np.asarray(Image.open(SEVEN).convert("L")) > 140, 255, 0).astype(np.uint8)


@pytest.mark.parametrize(("kind", "variant"), make_variants(INK).items())
def test_modes_and_types_give_the_same_answer(recognizer, kind, variant):
    answer, expected = recognizer.predict(variant), recognizer.predict(INK)
    check_answer(answer)
    assert answer.digit == expected.digit == 7
    # Pillow takes CMYK and YCbCr through whole numbers that are a level or two off.
    tolerance = 0.01 if kind in ("CMYK", "YCbCr") else 1e-6
    np.testing.assert_allclose(answer.probabilities, expected.probabilities, atol=tolerance)


# --- what has to be declined --------------------------------------------------------------------


@pytest.mark.parametrize("shade", [0, 1, 100, 127, 128, 254, 255])
@pytest.mark.parametrize("shape", [(3, 3), (28, 28), (5, 90), (90, 5), (480, 640), (60, 60, 3), (60, 60, 4)])
def test_blank_pictures_of_any_shade_and_size_are_declined(recognizer, shade, shape):
    answer = recognizer.predict(np.full(shape, shade, np.uint8))
    check_answer(answer)
    assert answer.reason == "blank: no ink found"
    assert answer.confidence == pytest.approx(0.1)


@pytest.mark.parametrize("size", [28, 60, 200])
@pytest.mark.parametrize("kind", ["noise", "two-valued noise", "checkerboard", "ramp", "disc of light"])
def test_patterns_are_declined(recognizer, kind, size):
    generator = np.random.default_rng(size)
    down, across = np.mgrid[0:size, 0:size]
    picture = {
        "noise": generator.integers(0, 256, (size, size)),
        "two-valued noise": generator.integers(0, 2, (size, size)) * 255,
        "checkerboard": (down // 4 + across // 4) % 2 * 255,
        "ramp": (down + across) * 255 // (2 * size),
        "disc of light": 255 * np.exp(-((down - size / 2) ** 2 + (across - size / 2) ** 2) / size**2),
    }[kind].astype(np.uint8)
    for polarity in (picture, 255 - picture):
        answer = recognizer.predict(polarity)
        check_answer(answer)
        assert answer.digit is None


# --- hostile input ------------------------------------------------------------------------------

PHOTO = (SAMPLES / "9_photo.jpg").read_bytes()
HOSTILE = {
    "nothing": b"",
    "text": b"seven",
    "half a photo": PHOTO[: len(PHOTO) // 2],
    "archive": b"PK\x03\x04" + bytes(1000),
    "40 megapixels of one bit": encode(Image.new("1", (8000, 5000)), "PNG"),
    "a long thread": np.tile(np.array([255, 0, 255], np.uint8), (400, 1)),
    "a long thread across": np.tile(np.array([255, 0, 255], np.uint8), (400, 1)).T,
    "a narrow strip": np.random.default_rng(0).integers(0, 256, (300, 7), dtype=np.uint8),
    "a narrow sheet on a desk": np.pad(np.full((160, 4), 200, np.uint8), ((100, 0), (5, 4)), constant_values=60),
    "a short sheet on a desk": np.pad(np.full((6, 228), 200, np.uint8), ((2, 2), (3, 30)), constant_values=60),
    "subnormal numbers": np.full((28, 28), 5e-324) * np.eye(28),
    "wrong kind": object(),
    "NaN": np.full((28, 28), np.nan),
    "a folder": SAMPLES,
    "absent": "absent.png",
}


@pytest.mark.parametrize("picture", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_input_is_an_error_or_declined_within_a_second(recognizer, picture):
    start = time.process_time()
    outcome = read(recognizer, picture)
    assert time.process_time() - start < 1
    if isinstance(outcome, str):
        assert len(outcome.splitlines()) == 1
    else:
        assert outcome.digit is None or isinstance(picture, np.ndarray)  # a line may be read as a 1


@settings(max_examples=80, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.bool_, np.float32]),
        hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=120),
    )
)
def test_any_array_is_an_answer_or_a_picture_error(recognizer, array):
    outcome = read(recognizer, array)
    assert not isinstance(outcome, str) or outcome.startswith("picture: ")


# --- many pictures ------------------------------------------------------------------------------


def test_many_are_read_in_order_lazily_and_without_end(recognizer):
    forms = [to_mnist(SAMPLES / name) for name, label in LABELS.items() if label.isdigit()]
    taken = 0

    def supply():
        nonlocal taken
        for number in count():
            taken += 1
            yield forms[number % 10]

    answers = recognizer.predict_many(supply())
    assert taken == 0
    for number in range(600):
        assert next(answers).digit == number % 10
    assert taken < 600 + 300
    assert list(recognizer.predict_many([])) == []


def test_many_give_what_each_gives_alone(recognizer):
    pictures = [SAMPLES / name for name in LABELS]
    for alone, together in zip(map(recognizer.predict, pictures), recognizer.predict_many(pictures), strict=True):
        assert (alone.digit, alone.reason) == (together.digit, together.reason)
        np.testing.assert_allclose(alone.probabilities, together.probabilities, atol=1e-6)


def test_a_bad_picture_among_many_is_named_by_its_error(recognizer):
    with pytest.raises(PictureError, match=r"absent\.png"):
        list(recognizer.predict_many([SEVEN, "absent.png"]))


def test_no_images_and_wrong_images(recognizer):
    assert recognizer.read_images(np.zeros((0, 28, 28), np.uint8)) == []
    with pytest.raises(ValueError, match="expected uint8"):
        recognizer.read_images(np.zeros((1, 28, 28)))


# --- real MNIST ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def validation(mnist, recognizer) -> tuple[np.ndarray, list[int]]:
    """500 pictures the network was not trained on, from the training images, and the digit likeliest in each."""
    _, (images, _) = datasets.split_validation(*mnist[0])
    return images[:500], [answer.probabilities.argmax() for answer in recognizer.read_images(images[:500])]


def enlarge(image: np.ndarray, factor: int) -> np.ndarray:
    size = (28 * factor, 28 * factor)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def move(image: np.ndarray, down: int, across: int) -> np.ndarray:
    """Move within a frame of the same size, by no more than keeps all ink in it."""
    rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    down, across = np.clip(down, -rows[0], 27 - rows[-1]), np.clip(across, -columns[0], 27 - columns[-1])
    return np.roll(image, (down, across), (0, 1))


CHANGES = {
    "inverted": lambda image: 255 - image,
    "as floats": lambda image: image / np.float32(255),
    "padded by 1": lambda image: np.pad(image, 1),
    "padded by 14": lambda image: np.pad(image, 14),
    "padded to a corner": lambda image: np.pad(image, ((0, 40), (0, 40))),
    "moved by 2": lambda image: move(image, 2, -2),
    "moved by 4": lambda image: move(image, -4, 4),
    "x2": lambda image: enlarge(image, 2),
    "x3": lambda image: enlarge(image, 3),
    "x5": lambda image: enlarge(image, 5),
    "x10": lambda image: enlarge(image, 10),
    "PNG": lambda image: encode(Image.fromarray(image), "PNG"),
    "JPEG": lambda image: encode(Image.fromarray(image), "JPEG", quality=90),
    "x4, JPEG": lambda image: encode(Image.fromarray(255 - enlarge(image, 4)), "JPEG", quality=75),
}
LARGE = ("x2", "x3", "x4, JPEG", "x5", "x10")


@pytest.mark.mnist
@pytest.mark.parametrize(
    "change",
    [pytest.param(one, id=name, marks=[pytest.mark.slow] * (name in LARGE)) for name, one in CHANGES.items()],
)
def test_what_must_not_matter_changes_no_digit(recognizer, validation, change):
    """The likeliest digit becomes another one in at most one picture of 500."""
    images, before = validation
    after = [answer.probabilities.argmax() for answer in recognizer.predict_many(map(change, images))]
    assert np.not_equal(before, after).mean() <= 0.002


@pytest.mark.mnist
def test_door_costs_no_accuracy_on_mnist_and_few_are_declined(recognizer, mnist):
    _, (images, labels) = mnist
    answers = list(recognizer.predict_many(images))
    through = np.mean([answer.probabilities.argmax() for answer in answers] == labels)
    without = np.mean(recognizer.compute_logits(prepare(images)).argmax(axis=1) == labels)
    assert abs(through - without) <= 0.0002
    assert np.mean([answer.digit is None for answer in answers]) <= 0.01


@pytest.mark.mnist
def test_it_looks_again_only_where_answers_are_close(recognizer, mnist):
    """Only at few digits, and then at the mean of seven views."""
    images, _ = split_validation(*mnist[0])[1]
    x = prepare(images)
    once, twice = recognizer.run_network(x), recognizer.compute_logits(x)
    changed = np.flatnonzero((once != twice).any(axis=1))
    ordered = np.sort(np.pad(once, ((0, 0), (0, 1))), axis=1)
    np.testing.assert_array_equal(changed, np.flatnonzero(ordered[:, -1] - ordered[:, -2] < 3))
    assert 0.005 < len(changed) / len(x) < 0.05
    views = np.stack(list(recognizer_module._vary(x[changed[:1]])))[:, 0, ..., 0]
    assert len(views) == 7
    np.testing.assert_allclose(twice[changed[0]], recognizer.run_network(views[..., None]).mean(axis=0), atol=1e-4)


def write_between(image: np.ndarray, neighbour: np.ndarray, seen: int) -> np.ndarray:
    """Write a digit, dark on paper, so close between two neighbours that it touches what the frame leaves of them."""

    def cut_out(digit: np.ndarray) -> np.ndarray:
        rows, columns = (np.flatnonzero(digit.any(axis=axis)) for axis in (1, 0))
        digit = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return np.asarray(Image.fromarray(digit).resize((max(8, 3 * digit.shape[1]), 60), Image.Resampling.BICUBIC))

    digit, beside = cut_out(image), cut_out(neighbour)
    page = np.pad(digit, ((8, 8), (12, 12)))
    seen = min(seen, beside.shape[1])
    for cell, rest in ((page[8:68, -seen:], beside[:, :seen]), (page[8:68, :seen], beside[:, -seen:])):
        np.maximum(cell, rest, out=cell)
    return (230 - page * (170 / 255)).astype(np.uint8)


@pytest.mark.mnist
def test_what_is_declined_is_looked_at_without_the_edges(recognizer, mnist):
    """Of digits that touch their neighbours more are read so, and no answer of the first look changes."""
    images, labels = (part[:300] for part in split_validation(*mnist[0])[1])
    pages = [write_between(*pair, seen=15) for pair in zip(images, np.roll(images, 37, axis=0), strict=True)]
    first = recognizer.read_images(np.stack([to_mnist(page) for page in pages]))
    both = list(recognizer.predict_many(pages))
    for before, after in zip(first, both, strict=True):
        check_answer(after)
        assert before.digit in (None, after.digit)
    right = [(np.array([answer.probabilities.argmax() for answer in one]) == labels).sum() for one in (first, both)]
    answered = [sum(answer.digit is not None for answer in one) for one in (first, both)]
    assert right[1] > right[0]
    assert answered[1] > answered[0]


def test_two_looks_count_half_each(recognizer):
    def share(one, other, none):
        p = np.zeros(10, np.float32)
        p[[3, 5]] = one, other
        return Answer(None, max(one, other), p, "not a digit", "not like any digit", np.zeros((28, 28), np.uint8), none)

    sure = share(0.1, 0.9, 0.2)
    unsure = recognizer._weigh(share(0.75, 0.25, 0.9), sure)
    check_answer(unsure)
    assert (unsure.digit, unsure.kind, unsure.reason) == (None, "not a digit", "not like any digit")
    assert unsure.probabilities[5] * (1 - unsure.none) == pytest.approx((0.25 * 0.1 + 0.9 * 0.8) / 2)
    assert unsure.none == pytest.approx(0.55)
    answer = recognizer._weigh(share(0.1, 0.9, 0.05), share(0.0, 1.0, 0.05))
    check_answer(answer)
    assert answer.digit == 5


@pytest.mark.parametrize("name", [name for name, label in LABELS.items() if label.isdigit()])
def test_there_is_nothing_to_leave_out_where_the_edges_are_empty(name):
    stages = show_stages(SAMPLES / name)
    margin = stages.ink.shape[1] // 10
    inked = stages.ink[:, :margin].any() or stages.ink[:, -margin:].any()
    assert (look_inside(stages) is None) == (not inked)


def test_views_are_slanted_and_stretched_about_the_centre():
    bar = np.zeros((1, 28, 28, 1), np.float32)
    bar[0, 4:24, 13:15] = 1
    same, left, right, narrow, wide, low, high = (view[0, ..., 0] for view in recognizer_module._vary(bar))
    np.testing.assert_array_equal(same, bar[0, ..., 0])
    rows = np.arange(28)[:, None]

    def slope(view):
        centres = (view * np.arange(28)).sum(axis=1)[6:22] / view.sum(axis=1)[6:22]
        return np.polyfit(rows[6:22, 0], centres, 1)[0]

    assert slope(left) == pytest.approx(-0.15, abs=0.03)
    assert slope(right) == pytest.approx(0.15, abs=0.03)
    assert low.any(axis=1).sum() < same.any(axis=1).sum() < high.any(axis=1).sum()
    assert narrow.sum() < same.sum() < wide.sum()
    for view in (left, right, narrow, wide, low, high):
        assert (view * rows).sum() / view.sum() == pytest.approx(13.5, abs=0.1)


@pytest.mark.mnist
@pytest.mark.parametrize("margin", [0, 4])
@pytest.mark.parametrize("gap", [0, 2, 6])
def test_several_digits_are_called_so_and_one_is_not(recognizer, mnist, gap, margin):
    _, (images, _) = split_validation(*mnist[0])
    columns = [np.flatnonzero(image.any(axis=0)) for image in images[:300]]
    digits = [image[4:24, inked[0] : inked[-1] + 1] for image, inked in zip(images, columns, strict=False)]
    strings = [
        np.concatenate([np.pad(digit, ((0, 0), (0, gap))) for digit in digits[i : i + 2 + i % 5]], axis=1)[
            :, : -gap or None
        ]
        for i in range(0, 290, 3)
    ]
    kinds = [
        [answer.kind for answer in recognizer.predict_many(255 - np.pad(picture, margin) for picture in pictures)]
        for pictures in (strings, digits)
    ]
    assert kinds[0].count("several digits") >= 0.9 * len(strings)
    assert kinds[1].count("several digits") <= 0.003 * len(digits)


def test_a_printed_number_is_several_digits(recognizer):
    page = Image.new("L", (120, 60), 255)
    ImageDraw.Draw(page).text((30, 10), "47", 0, ImageFont.load_default(40))
    answer = recognizer.predict(page)
    assert (answer.digit, answer.kind, answer.reason) == (
        None, "several digits", "several digits: try digitrec read",
    )  # fmt: skip
