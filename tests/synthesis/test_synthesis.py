"""What holds of all that the wing's face hands on."""

import subprocess
import sys

import numpy as np
import pytest

from digitrec import synthesis


def make_everything(digits, seed: int, n: int = 12) -> list[np.ndarray]:
    """All arrays that the four public functions return, each from its own generator."""
    makers = (
        lambda rng: synthesis.draw_digits(n, rng),
        lambda rng: [synthesis.draw_non_digits(n, rng)],
        lambda rng: [synthesis.draw_strings(digits[0], n, rng)],
        lambda rng: synthesis.soil(*digits, n, rng),
    )
    return [array for maker in makers for array in maker(np.random.default_rng(seed))]


def test_images_have_the_form_of_mnist(drawn, non_digits, written, soiled, bounding_sides):
    for images in (drawn[0], non_digits, written, soiled[0]):
        assert images.dtype == np.uint8
        assert images.shape == (len(images), 28, 28)
        assert (images.max(axis=(1, 2)) > 200).all()
        sides = bounding_sides(images)
        assert sides.max() <= 20
        assert sides.max(axis=1).min() >= 18


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


def test_labels_agree_with_real_digits(drawn, soiled, digits, find_agreement):
    # Half of the forms drawn are there because those who wrote these digits, or MNIST's, hardly have them.
    assert find_agreement(*drawn, *digits).mean() > 0.4
    assert find_agreement(*soiled, *digits).mean() > 0.55


@pytest.mark.mnist
def test_labels_agree_with_mnist(drawn, mnist, find_agreement):
    (images, labels), _ = mnist
    known, rest = slice(0, 6000), slice(50_000, None)
    assert find_agreement(*drawn, images[known], labels[known]).mean() > 0.65
    soiled = synthesis.soil(images[rest], labels[rest], 200, np.random.default_rng(1))
    assert find_agreement(*soiled, images[known], labels[known]).mean() > 0.75


def test_nothing_asked_nothing_made(digits):
    for array in make_everything(digits, 0, n=0):
        assert len(array) == 0


def test_other_forms_are_refused(digits):
    images, labels = digits
    rng = np.random.default_rng(0)
    for wrong in (images / 255, images[:0], images[0]):
        with pytest.raises(ValueError, match=r"images: expected uint8 \(m, 28, 28\)"):
            synthesis.draw_strings(wrong, 3, rng)
        with pytest.raises(ValueError, match=r"images: expected uint8 \(m, 28, 28\)"):
            synthesis.soil(wrong, labels, 3, rng)
    with pytest.raises(ValueError, match="labels: expected"):
        synthesis.soil(images, labels[1:], 3, rng)


@pytest.mark.parametrize("heavy", ["matplotlib", "digitrec.synthesis.sources"])
def test_heavy_modules_load_when_they_are_used(heavy):
    code = f"import sys, digitrec.synthesis; digitrec.synthesis.draw_digits; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
