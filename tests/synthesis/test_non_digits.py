import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from digitrec.synthesis.hands import draw_digits
from digitrec.synthesis.non_digits import _font_files, _letters, _load_font


def test_non_digits_lie_further_from_digits_than_digits_do(drawn, non_digits, pairs):
    images, _ = draw_digits(1000, np.random.default_rng(5))
    nearest = KNeighborsClassifier(1, metric="cosine").fit(images.reshape(1000, -1) / 255, np.zeros(1000))

    def distance(others):
        return np.median(nearest.kneighbors(others.reshape(len(others), -1) / 255)[0])

    assert distance(non_digits) > 1.5 * distance(drawn[0])
    assert distance(pairs) > 1.5 * distance(drawn[0])


def test_pairs_hold_more_than_one_digit(pairs, bounding_sides):
    height, width = bounding_sides(pairs).T
    assert np.mean(width > height) > 0.8


def test_fonts_have_every_letter_they_are_asked_for():
    for file in _font_files():
        font = _load_font(file)
        missing = bytes(font.getmask("\uffff"))
        for letter in _letters(file):
            mask = font.getmask(letter)
            assert mask.getbbox()
            assert bytes(mask) != missing, (file, letter)
