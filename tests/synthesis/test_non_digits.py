import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from digitrec.synthesis.hands import draw_digits
from digitrec.synthesis.non_digits import KINDS, draw_non_digits, letters_of


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


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind_alone_is_drawn_where_it_is_asked_for(kind):
    first, again = (draw_non_digits(6, np.random.default_rng(1), kind) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (6, 28, 28)
    assert first.any(axis=(1, 2)).all()


def test_textures_fill_the_frame_and_letters_do_not():
    textures, letters = (draw_non_digits(20, np.random.default_rng(2), kind) for kind in ("textures", "letters"))
    assert (textures > 0).mean() > 2 * (letters > 0).mean()


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"kind: expected one of letters, .*, got 'cats'"):
        draw_non_digits(1, np.random.default_rng(0), "cats")
