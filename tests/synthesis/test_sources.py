import numpy as np

from digitrec.calibration import NOT_A_DIGIT
from digitrec.config import TrainConfig
from digitrec.synthesis.sources import make_pools

SOME = TrainConfig(drawn_digits=20, soiled_digits=20, non_digits=40)


def test_pools_hold_what_was_asked_for_with_right_labels(digits):
    made = make_pools(SOME, digits)
    assert {name: len(labels) for name, (_, labels) in made.items()} == {
        "given": len(digits[1]), "drawn": 20, "soiled": 20, "pairs": 10, "others": 30,
    }  # fmt: skip
    for name, (images, labels) in made.items():
        assert images.dtype == np.uint8
        assert images.shape == (len(labels), 28, 28)
        assert images.reshape(len(images), -1).any(axis=1).all()
        assert (labels == NOT_A_DIGIT).all() == (name in ("pairs", "others"))


def test_seed_decides_the_pictures(digits):
    first, again = (make_pools(SOME, digits) for _ in range(2))
    other = make_pools(TrainConfig(seed=1, drawn_digits=20, soiled_digits=0, non_digits=0), digits)
    for name in first:
        np.testing.assert_array_equal(first[name][0], again[name][0])
    assert set(other) == {"given", "drawn"}
    assert not np.array_equal(first["drawn"][0], other["drawn"][0])
