import numpy as np
import pytest

from digitrec.preprocessing.form import box_ink
from digitrec.synthesis.glyphs import DIGITS
from digitrec.synthesis.hands import write_glyph


def test_drawn_digits_are_centred(drawn):
    images = drawn[0].astype(float)
    mass = images.sum(axis=(1, 2))
    rows = (images.sum(axis=2) @ np.arange(28)) / mass
    columns = (images.sum(axis=1) @ np.arange(28)) / mass
    assert np.abs(np.stack([rows, columns]) - 14).max() < 1


@pytest.mark.mnist
def test_every_way_to_write_a_digit_is_read_as_it(mnist, find_agreement):
    (images, labels), _ = mnist
    rng = np.random.default_rng(2)
    ways = [(label, way) for label, ways in enumerate(DIGITS) for way in ways.split(",")]
    written = np.stack([box_ink(write_glyph(way, rng)) for _, way in ways for _ in range(12)])
    wanted = np.repeat([label for label, _ in ways], 12)
    shares = find_agreement(written, wanted, images[:4000], labels[:4000]).reshape(-1, 12).mean(axis=1)
    # The rest are hands that MNIST's writers hardly have: a four of one zigzag, a nine that hooks like a g.
    assert np.mean(shares >= 0.5) > 0.9
