import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec.preprocessing.box import box_ink
from digitrec.synthesis.non_digits import letters_of
from digitrec.synthesis.printing import list_faces, load_face, print_character


def test_faces_have_every_character_they_are_asked_for():
    for file in list_faces():
        face = load_face(file)
        missing = bytes(face.getmask("\uffff"))
        for character in letters_of(file) + "0123456789":
            mask = face.getmask(character)
            assert mask.getbbox()
            assert bytes(mask) != missing, (file, character)


@given(st.sampled_from("0123456789MWЖ"), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_a_character_is_printed_whole_and_is_never_worn_away(character, seed):
    ink = print_character(character, np.random.default_rng(seed), list_faces()[0])
    assert 0 <= ink.min() <= ink.max() <= 1
    assert not max(ink[0].max(), ink[-1].max(), ink[:, 0].max(), ink[:, -1].max()) > 0.2  # nothing leaves the page
    assert box_ink(ink).any()


@pytest.mark.mnist
def test_printed_digits_are_read_as_what_they_are(mnist, find_agreement):
    (images, labels), _ = mnist
    rng, wanted = np.random.default_rng(3), np.arange(300) % 10
    printed = np.stack([box_ink(print_character(str(label), rng)) for label in wanted])
    assert find_agreement(printed, wanted, images[:4000], labels[:4000]).mean() > 0.6
