import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from digitrec import synthesis


@pytest.fixture(scope="module")
def drawn():
    return synthesis.draw_digits(600, np.random.default_rng(0))


@pytest.fixture(scope="module")
def non_digits():
    return synthesis.draw_non_digits(300, np.random.default_rng(0))


@pytest.fixture(scope="module")
def pairs(digits):
    return synthesis.pair_digits(digits[0], 200, np.random.default_rng(0))


@pytest.fixture(scope="module")
def soiled(digits):
    return synthesis.soil(*digits, 200, np.random.default_rng(0))


def make_everything(digits, seed: int, n: int = 12) -> list[np.ndarray]:
    """All arrays that the four public functions return, each from its own generator."""
    makers = (
        lambda rng: synthesis.draw_digits(n, rng),
        lambda rng: [synthesis.draw_non_digits(n, rng)],
        lambda rng: [synthesis.pair_digits(digits[0], n, rng)],
        lambda rng: synthesis.soil(*digits, n, rng),
    )
    return [array for maker in makers for array in maker(np.random.default_rng(seed))]


def bounding_sides(images: np.ndarray) -> np.ndarray:
    """Height and width (n, 2) of what is brighter than a tenth."""
    seen = images > 25
    return np.array([[np.ptp(np.flatnonzero(one.any(axis=axis))) + 1 for axis in (1, 0)] for one in seen])


def find_agreement(images, labels, known_images, known_labels) -> np.ndarray:
    """Whether three nearest neighbours among known images confirm each label."""
    neighbours = KNeighborsClassifier(3, metric="cosine")
    neighbours.fit(known_images.reshape(len(known_images), -1) / 255, known_labels)
    return neighbours.predict(images.reshape(len(images), -1) / 255) == labels


def test_images_have_the_form_of_mnist(drawn, non_digits, pairs, soiled):
    for images in (drawn[0], non_digits, pairs, soiled[0]):
        assert images.dtype == np.uint8
        assert images.shape == (len(images), 28, 28)
        assert (images.max(axis=(1, 2)) > 200).all()
        sides = bounding_sides(images)
        assert sides.max() <= 20
        assert sides.max(axis=1).min() >= 18


def test_drawn_digits_are_centred(drawn):
    images = drawn[0].astype(float)
    mass = images.sum(axis=(1, 2))
    rows = (images.sum(axis=2) @ np.arange(28)) / mass
    columns = (images.sum(axis=1) @ np.arange(28)) / mass
    assert np.abs(np.stack([rows, columns]) - 14).max() < 1


def test_labels_are_even_and_complete(drawn, soiled):
    assert drawn[1].dtype == soiled[1].dtype == np.int64
    np.testing.assert_array_equal(np.bincount(drawn[1]), np.full(10, 60))
    assert set(soiled[1]) == set(range(10))


def test_a_seed_repeats_and_another_differs(digits):
    first, again, other = (make_everything(digits, seed) for seed in (3, 3, 4))
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()


def test_no_two_are_alike(drawn, non_digits):
    for images in (drawn[0], non_digits):
        assert len(np.unique(images.reshape(len(images), -1), axis=0)) > 0.98 * len(images)


def test_labels_agree_with_real_digits(drawn, soiled, digits):
    assert find_agreement(*drawn, *digits).mean() > 0.55
    assert find_agreement(*soiled, *digits).mean() > 0.55


@pytest.mark.mnist
def test_labels_agree_with_mnist(drawn, mnist):
    (images, labels), _ = mnist
    known, rest = slice(0, 6000), slice(50_000, None)
    assert find_agreement(*drawn, images[known], labels[known]).mean() > 0.85
    soiled = synthesis.soil(images[rest], labels[rest], 200, np.random.default_rng(1))
    assert find_agreement(*soiled, images[known], labels[known]).mean() > 0.75


@pytest.mark.mnist
def test_every_way_to_write_a_digit_is_read_as_it(mnist):
    (images, labels), _ = mnist
    rng = np.random.default_rng(2)
    ways = [(label, way) for label, ways in enumerate(synthesis.DIGITS) for way in ways.split(",")]
    written = np.stack([synthesis.box_ink(synthesis._write(way, rng)) for _, way in ways for _ in range(12)])
    wanted = np.repeat([label for label, _ in ways], 12)
    shares = find_agreement(written, wanted, images[:4000], labels[:4000]).reshape(-1, 12).mean(axis=1)
    # The rest are hands that MNIST's writers hardly have: a four of one zigzag, a nine that hooks like a g.
    assert np.mean(shares >= 0.5) > 0.9


def test_non_digits_lie_further_from_digits_than_digits_do(drawn, non_digits, pairs):
    images, _ = synthesis.draw_digits(1000, np.random.default_rng(5))
    nearest = KNeighborsClassifier(1, metric="cosine").fit(images.reshape(1000, -1) / 255, np.zeros(1000))

    def distance(others):
        return np.median(nearest.kneighbors(others.reshape(len(others), -1) / 255)[0])

    assert distance(non_digits) > 1.5 * distance(drawn[0])
    assert distance(pairs) > 1.5 * distance(drawn[0])


def test_pairs_hold_more_than_one_digit(pairs):
    height, width = bounding_sides(pairs).T
    assert np.mean(width > height) > 0.8


@given(st.lists(st.booleans(), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_a_stroke_passes_through_its_points_and_keeps_its_corners(corners):
    matrix = synthesis._spline(corners)
    np.testing.assert_allclose(matrix[:: synthesis._STEPS], np.eye(len(corners)), atol=1e-6)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-6)  # moves with its points
    for i in range(len(corners) - 1):
        if corners[i] and corners[i + 1]:  # straight: no other point has a say
            assert set(np.flatnonzero(matrix[i * synthesis._STEPS : (i + 1) * synthesis._STEPS].any(axis=0))) <= {
                i,
                i + 1,
            }


def test_slant_moves_the_top_to_the_right():
    ink = np.zeros((28, 28), np.float32)
    ink[4:24, 13:15] = 1
    upright = synthesis._transform(ink, 28, 0, 1)
    np.testing.assert_allclose(upright, ink, atol=1e-6)
    slanted = synthesis._transform(ink, 56, 0.5, 1)
    across = np.arange(slanted.shape[1])
    top, bottom = (slanted[y] @ across / slanted[y].sum() for y in (12, 44))
    assert top - bottom == pytest.approx(0.5 * 32, abs=1)


def test_nothing_asked_nothing_made(digits):
    for array in make_everything(digits, 0, n=0):
        assert len(array) == 0


def test_other_forms_are_refused(digits):
    images, labels = digits
    rng = np.random.default_rng(0)
    for wrong in (images / 255, images[:0], images[0]):
        with pytest.raises(ValueError, match=r"images: expected uint8 \(m, 28, 28\)"):
            synthesis.pair_digits(wrong, 3, rng)
        with pytest.raises(ValueError, match=r"images: expected uint8 \(m, 28, 28\)"):
            synthesis.soil(wrong, labels, 3, rng)
    with pytest.raises(ValueError, match="labels: expected"):
        synthesis.soil(images, labels[1:], 3, rng)


def test_fonts_have_every_letter_they_are_asked_for():
    for file in synthesis._font_files():
        font = synthesis._load_font(file)
        missing = bytes(font.getmask("\uffff"))
        for letter in synthesis._letters(file):
            mask = font.getmask(letter)
            assert mask.getbbox()
            assert bytes(mask) != missing, (file, letter)


def test_matplotlib_is_loaded_only_when_letters_are_printed():
    code = "import sys, digitrec.synthesis; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
