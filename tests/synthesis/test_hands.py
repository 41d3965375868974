import numpy as np
import pytest

from digitrec.preprocessing.box import box_ink
from digitrec.synthesis import hands
from digitrec.synthesis.digit_forms import DIGITS
from digitrec.synthesis.hands import Pen, choose_pen, flood, ink_strokes, write_glyph


def test_drawn_digits_are_centred(drawn):
    images = drawn[0].astype(float)
    mass = images.sum(axis=(1, 2))
    rows = (images.sum(axis=2) @ np.arange(28)) / mass
    columns = (images.sum(axis=1) @ np.arange(28)) / mass
    assert np.abs(np.stack([rows, columns]) - 14).max() < 1


@pytest.mark.slow
@pytest.mark.mnist
def test_every_way_to_write_a_digit_is_read_as_it(mnist, find_agreement):
    (images, labels), _ = mnist
    rng = np.random.default_rng(2)
    ways = [(label, way) for label, ways in enumerate(DIGITS) for way in ways.split(",")]
    written = np.stack([box_ink(write_glyph(way, rng)) for _, way in ways for _ in range(12)])
    wanted = np.repeat([label for label, _ in ways], 12)
    shares = find_agreement(written, wanted, images[:4000], labels[:4000]).reshape(-1, 12).mean(axis=1)
    # The rest are hands that MNIST's writers hardly have: a four of one zigzag, a six like a box, a two with a curl.
    assert np.mean(shares >= 0.5) > 0.75


def test_old_hands_lean_up_to_forty_degrees():
    rng = np.random.default_rng(4)
    leans = []
    for _ in range(300):
        down, across = np.nonzero(write_glyph("30 33 36 39", rng) > 0.5)
        leans.append(-np.polyfit(down, across, 1)[0])
    assert np.mean(np.array(leans) > np.tan(np.radians(30))) > 0.05
    assert np.mean(np.array(leans) > np.tan(np.radians(48))) < 0.02
    assert np.mean(np.array(leans) < 0) > 0.1


def test_pens_reach_from_a_single_pixel_of_a_small_picture_to_felt():
    rng = np.random.default_rng(5)
    widths = np.array([choose_pen(rng).width for _ in range(1000)]) * 20 / 60  # as in MNIST's box
    assert np.mean(widths < 0.7) > 0.03
    assert np.mean(widths > 3.2) > 0.03
    assert widths.max() < 5


def test_a_steel_nib_swells_going_down_and_draws_hairlines_elsewhere():
    pen = Pen(width=8, finest=1, nib=0, contrast=0.95, pointed=True, swell=0, phase=0)
    down, up, level = pen.press(np.array([np.pi / 2, -np.pi / 2, 0]))
    assert down == pytest.approx(8)
    assert up == level == 1


def test_joints_are_round_where_it_shows(monkeypatch):
    def write():
        return [write_glyph(DIGITS[seed % 10], np.random.default_rng(seed)) for seed in range(100)]

    written = write()
    monkeypatch.setattr(hands, "_find_joints", lambda angles, widths: np.ones(len(angles), bool))
    differences = [np.abs(one - other).sum() / other.sum() for one, other in zip(written, write(), strict=True)]
    assert np.median(differences) < 0.03
    assert np.max(differences) < 0.3


def test_dots_and_lifted_pens_are_drawn():
    points = [np.array([[0.0, 0.0]]), np.array([[0.0, 9.0], [0.0, 5.0]])]
    ink = ink_strokes(points, np.random.default_rng(6))
    rows = np.flatnonzero((ink > 0.5).any(axis=1))
    gaps = np.diff(rows)
    assert (gaps > 1).sum() == 1
    assert gaps.max() > 10


@pytest.mark.parametrize(("hole", "fills"), [(3, True), (5, True), (20, False)])
def test_ink_floods_small_loops_alone(hole, fills):
    ink = np.zeros((60, 60), np.float32)
    ink[10:50, 10:50] = 1
    low = 30 - hole // 2
    ink[low : low + hole, low : low + hole] = 0
    flooded = flood(ink, 6)
    assert (flooded >= ink).all()
    assert (flooded[30, 30] > 0.9) == fills
    assert not flooded[:4].any()
