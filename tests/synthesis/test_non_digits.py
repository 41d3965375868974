import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from digitrec.synthesis.hands import draw_digits
from digitrec.synthesis.non_digits import letters_of


def test_non_digits_lie_further_from_digits_than_digits_do(drawn, non_digits, written):
    images, _ = draw_digits(1000, np.random.default_rng(5))
    nearest = KNeighborsClassifier(1, metric="cosine").fit(images.reshape(1000, -1) / 255, np.zeros(1000))

    def distance(others):
        return np.median(nearest.kneighbors(others.reshape(len(others), -1) / 255)[0])

    assert distance(non_digits) > 1.2 * distance(drawn[0])
    assert distance(written) > 1.2 * distance(drawn[0])


def test_letters_are_drawn_from_every_alphabet_and_none_is_as_good_as_a_digit():
    assert not set("0123456789OoIlSsZzBbgqО") & set(letters_of("DejaVuSans.ttf") + letters_of("cmr10.ttf"))
    assert set("cjyCΣλЖ") <= set(letters_of("DejaVuSans.ttf"))
