"""Arrays as tutorials make them: each is the same digit, or refused in a line that names the call to use."""

import numpy as np
import pytest
from PIL import Image

from digitrec import NumberReader, PictureError, Recognizer, load_digits, to_mnist
from digitrec.preprocessing.decoding import read_picture

(IMAGES, LABELS), _ = load_digits()
ONE = IMAGES[3]


class Tensor:
    """What PyTorch and TensorFlow hand over, as far as numpy sees it."""

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def __array__(self, dtype=None, copy=None):
        return self.values


@pytest.mark.parametrize(
    "shape", [(784,), (1, 784), (28, 28), (28, 28, 1), (1, 28, 28), (1, 28, 28, 1), (1, 1, 28, 28)]
)
@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, "share", list, Tensor])
def test_one_digit_is_the_same_in_every_shape(shape, kind):
    values = ONE.reshape(shape)
    if kind == "share":
        values = values.astype(np.float32) / 255
    else:
        values = values.tolist() if kind is list else Tensor(values) if kind is Tensor else values.astype(kind)
    np.testing.assert_array_equal(to_mnist(values), ONE)


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (1, 1, 28, 28)])
def test_what_was_normalised_is_undone_and_said(shape):
    normalised = ((ONE / np.float32(255) - np.float32(0.1307)) / np.float32(0.3081)).reshape(shape)
    with pytest.warns(UserWarning, match=r"normalised by mean 0\.1307 and deviation 0\.3081"):
        np.testing.assert_array_equal(to_mnist(normalised), ONE)


@pytest.mark.parametrize("shape", [(-1, 784), (-1, 28, 28), (-1, 28, 28, 1), (-1, 1, 28, 28)])
def test_several_are_refused_by_the_call_for_one_and_read_by_that_for_many(shape):
    batch = IMAGES[:6].reshape(shape)
    recognizer = Recognizer.load("cnn")
    with pytest.raises(PictureError, match=r"got 6 of them .*predict_many\(array\)"):
        recognizer.predict(batch)
    read = [answer.probabilities.argmax() for answer in recognizer.predict_many(batch)]
    assert read == LABELS[:6].tolist()


@pytest.mark.parametrize(
    "one",
    [ONE, ONE.reshape(784), ONE.tolist(), ONE.ravel().tolist(), Image.fromarray(ONE), "7.png", np.array(5)],
)
@pytest.mark.parametrize("reader", [Recognizer, NumberReader])
def test_one_picture_is_refused_by_the_call_for_several(reader, one):
    with pytest.raises(PictureError, match=r"expected several, got one: predict\(picture\)"):
        list(reader.load().predict_many(one))


def test_a_wide_picture_is_no_table_of_digits():
    page = np.full((40, 784), 230, np.uint8)
    page[5:35, 380:386] = 20
    assert read_picture(page).shape[0] < read_picture(page).shape[1]


@pytest.mark.parametrize("stroke", [np.s_[5:35, 404:406], np.s_[19:21, 8:776], np.s_[10:30, 300:317]])
@pytest.mark.parametrize("paper", [0, 255])
def test_a_stroke_across_a_wide_picture_is_no_table_of_digits(paper, stroke):
    page = np.full((40, 784), paper, np.uint8)
    page[stroke] = 255 - paper
    assert read_picture(page).shape[0] < read_picture(page).shape[1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([[1, 2], [3]], "expected an array of numbers"),
        (["a", "b"], "expected numbers"),
        ([], "expected"),
        (np.zeros((2, 2, 2, 2)), "expected numbers"),
        (np.linspace(-1, 1, 784, dtype=np.float32).reshape(28, 28), "expected numbers 0-1, 0-255 or 0-65535, got -1.0"),
        (np.full((28, 28), np.nan), "expected numbers 0-1"),
        (np.zeros((0, 28, 28)), "expected"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_line(wrong, said):
    with pytest.raises(PictureError, match=said) as caught:
        to_mnist(wrong)
    assert "\n" not in str(caught.value)
