"""What an explanation shows is what covering does, and it needs nothing but the committed network."""

import numpy as np
import pytest

from digitrec import explanation
from digitrec.calibration import softmax
from digitrec.preprocessing.decoding import PictureError
from digitrec.preprocessing.form import prepare
from digitrec.recognizer import Recognizer
from digitrec.records import SAMPLES


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer.load("cnn")


class Stub(Recognizer):
    """Sees a 3 by the ink in one corner of the middle, and a little against it by the ink elsewhere."""

    def __init__(self):
        self.temperature, self.threshold = 0.5, 0.9

    def run_network(self, x):
        logits = np.full((len(x), 10), -4, np.float32)
        logits[:, 3] = x[:, 10:12, 10:12].sum(axis=(1, 2, 3)) - 0.25 * x[:, 20:, 20:].sum(axis=(1, 2, 3))
        return logits


@pytest.fixture
def image():
    """In MNIST's form, so that the door leaves it alone; two spots and a frame of ink."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 4:24] = 1
    image[10:12, 10:12] = 255
    image[16:18, 16:18] = 255
    image[22:24, 22:24] = 51
    image[4:6, 4:6] = 51
    return image


def test_heat_lies_where_the_network_looks(image):
    explained = explanation.explain(Stub(), image)
    np.testing.assert_array_equal(explained.image, image)
    assert explained.digit == 3
    hottest = np.unravel_index(explained.heat.argmax(), (28, 28))
    coldest = np.unravel_index(explained.heat.argmin(), (28, 28))
    assert max(abs(np.array(hottest) - 10.5)) <= 2
    assert min(coldest) >= 20
    # The other spot is as dark, and the stub is blind to it.
    assert explained.heat[16:18, 4:6].max() == 0


def test_heat_is_the_fall_of_the_log_odds(image, monkeypatch):
    """An oracle: one patch over the whole picture, and the probabilities by softmax over eleven."""
    monkeypatch.setattr(explanation, "PATCH", 28)
    monkeypatch.setattr(explanation, "STRIDE", 28)
    stub = Stub()
    x = prepare(np.stack([image, np.zeros_like(image)])).astype(float)
    logits = np.pad(stub.run_network(x), ((0, 0), (0, 1)))
    p = softmax(logits.astype(float) / stub.temperature)[:, 3]
    odds = np.log(p / (1 - p))
    np.testing.assert_allclose(explanation.explain(stub, image).heat, odds[0] - odds[1], rtol=1e-5)


def test_real_network_looks_at_the_ink_and_never_at_paper(recognizer):
    explained = explanation.explain(recognizer, SAMPLES / "7_crossed.png")
    assert explained.digit == explained.answer.digit == 7
    assert explained.heat.dtype == np.float32
    assert explained.heat.shape == (28, 28)
    assert explained.heat.max() > 1
    rows, columns = np.nonzero(explained.image)
    distance = np.abs(np.stack(np.indices((28, 28)), -1)[:, :, None] - np.stack([rows, columns], -1)).max(-1).min(-1)
    assert not explained.heat[distance >= explanation.PATCH].any()
    assert distance[np.unravel_index(explained.heat.argmax(), (28, 28))] <= 2


def test_same_picture_gives_same_heat(recognizer):
    first, second = (explanation.explain(recognizer, SAMPLES / "3_corner.png") for _ in range(2))
    np.testing.assert_array_equal(first.heat, second.heat)
    assert first.heat.any()


def test_covering_what_speaks_for_a_digit_costs_more_than_covering_what_does_not(recognizer):
    explained = explanation.explain(recognizer, SAMPLES / "8_tiny.png")
    ink = explained.image > 0
    ranked = np.argsort(np.where(ink, explained.heat, np.nan).ravel())[: ink.sum()]
    covered = np.stack([explained.image] * 2).reshape(2, -1)
    covered[0, ranked[-20:]] = 0
    covered[1, ranked[:20]] = 0
    for_it, against_it = recognizer.run_network(prepare(covered.reshape(2, 28, 28)))[:, 8]
    assert for_it < against_it


def test_a_declined_picture_is_explained_by_its_best_digit(recognizer):
    explained = explanation.explain(recognizer, SAMPLES / "letter_k.png")
    assert explained.answer.digit is None
    assert explained.digit == explained.answer.probabilities.argmax()
    assert np.isfinite(explained.heat).all()
    assert explained.heat.any()


def test_a_blank_picture_has_nothing_to_explain(recognizer):
    explained = explanation.explain(recognizer, np.full((40, 60), 200, np.uint8))
    assert explained.digit is None
    assert explained.answer.reason.startswith("blank")
    assert not explained.heat.any()
    assert explained.heat.shape == (28, 28)


def test_no_picture_is_an_error(recognizer):
    with pytest.raises(PictureError):
        explanation.explain(recognizer, b"none")
