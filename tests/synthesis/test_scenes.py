import numpy as np
import pytest

from digitrec import synthesis
from digitrec.preprocessing.form import show_stages
from digitrec.synthesis import scenes
from digitrec.synthesis.cameras import draw_with_mouse, photograph, scan_bitmap
from digitrec.synthesis.canvas import as_ink


@pytest.fixture
def pictures(digits, monkeypatch):
    """The pictures that soiled digits are brought through the door as."""
    taken = []

    def keep(picture):
        taken.append(picture)
        return show_stages(picture)

    monkeypatch.setattr(scenes, "show_stages", keep)
    synthesis.soil(*digits, 300, np.random.default_rng(0))
    return taken


def test_pictures_are_of_every_kind(pictures):
    sides = np.array([max(picture.shape) for picture in pictures])
    two_tone = np.array([picture.ndim == 2 and len(np.unique(picture)) == 2 for picture in pictures])
    assert 0.15 < two_tone.mean() < 0.5
    assert np.mean(two_tone & (sides <= 34)) > 0.05
    assert 0.05 < np.mean([picture.ndim == 3 for picture in pictures]) < 0.4
    assert np.median(sides) < 60  # larger ones would only take longer
    assert sides.max() > 80


def test_few_are_taken_in_vain(pictures):
    assert len(pictures) < 1.2 * 300


def test_what_the_door_lost_is_not_found(digits):
    ink = as_ink(digits[0][0])
    nothing = np.zeros_like(ink)
    stages = show_stages(digits[0][0])
    assert scenes.is_found(stages, scenes.Scene(ink, nothing, nothing), 0.7)
    most = np.where(np.arange(28)[:, None] < 16, ink, 0).astype(np.float32)
    assert scenes.is_found(stages, scenes.Scene(most, nothing, ink - most), 0.7)
    assert not scenes.is_found(stages, scenes.Scene(most, ink - most, nothing), 0.7)
    assert not scenes.is_found(stages, scenes.Scene(ink - most, nothing, most), 0.7)
    assert not scenes.is_found(stages, scenes.Scene(np.roll(ink, 9, axis=1), nothing, nothing), 0.7)


@pytest.mark.parametrize("seed", range(5))
def test_a_crop_may_cut_the_digit_but_little(digits, seed):
    rng = np.random.default_rng(seed)
    for image in digits[0][:20]:
        ink = scenes.crop(as_ink(image))
        scene = scenes.lay_out(ink, [ink, None, ink, None], rng)
        assert scene.wanted.shape == scene.others.shape == scene.marks.shape
        assert 0.7 * ink.sum() < scene.wanted.sum() <= ink.sum() + 1e-3


def test_photographs_keep_the_size_and_use_any_tone(digits):
    rng, ink = np.random.default_rng(1), as_ink(digits[0][3])
    taken = [photograph(ink, np.zeros_like(ink), rng) for _ in range(60)]
    assert {picture.shape[:2] for picture in taken} == {(28, 28)}
    assert {picture.dtype.name for picture in taken} == {"uint8"}
    brightness = [picture.mean() for picture in taken]
    assert max(brightness) - min(brightness) > 120


@pytest.mark.parametrize("draw", [scan_bitmap, draw_with_mouse])
def test_pictures_of_few_pixels_are_small_and_hold_ink(digits, draw):
    rng = np.random.default_rng(2)
    for image in digits[0][:40]:
        small = draw(as_ink(image), rng)
        assert min(small.shape) >= 3
        assert max(small.shape) <= 42
        assert 0.02 < small.mean() < 0.9
