from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitrec.numbers.config import NumberConfig
from digitrec.numbers.variation import vary

CONFIG = NumberConfig()
STILL = replace(CONFIG, stretch=0, scale=0, shift=0, shear=0, gamma=0, fade=0, noise=0, blur=0)
NOWHERE = np.full((8, 16, 2), np.nan, np.float32)


def draw_strips(seed=0):
    rng = np.random.default_rng(seed)
    widths = rng.integers(16, 96, 8)
    strips = rng.integers(0, 256, (8, 32, 96), np.uint8)
    strips[np.arange(96) >= widths[:, None, None].repeat(32, 1)] = 0
    return strips, widths


def test_nothing_varied_is_what_it_was():
    strips, widths = draw_strips()
    x, varied, _ = vary(strips, NOWHERE, widths, 100, STILL, np.random.default_rng(0))
    np.testing.assert_allclose(x[:, :, :96], strips / 255, atol=1e-5)
    assert (varied == widths).all()
    assert not x[:, :, 96:].any()


@given(st.integers(0, 2**32), st.integers(96, 130))
def test_a_varied_strip_stays_within_its_width_and_its_range(seed, columns):
    strips, widths = draw_strips(seed % 5)
    x, varied, _ = vary(strips, NOWHERE, widths, columns, CONFIG, np.random.default_rng(seed))
    assert x.shape == (8, 32, columns)
    assert x.dtype == np.float32
    assert 0 <= x.min() <= x.max() <= 1
    assert (varied <= columns).all()
    assert (abs(varied / widths - 1) <= CONFIG.stretch + 0.6 / widths).all()
    assert all(not one[:, width:].any() for one, width in zip(x, varied, strict=True))


def test_the_seed_decides():
    strips, widths = draw_strips()
    one, same, other = (vary(strips, NOWHERE, widths, 96, CONFIG, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


@pytest.mark.parametrize("seed", range(5))
def test_spans_move_with_what_they_span(seed):
    strips = np.zeros((8, 32, 96), np.uint8)
    strips[:, :, 60:70] = 255
    spans = NOWHERE.copy()
    spans[:, 0] = 60, 70
    config = replace(STILL, stretch=0.2, scale=0.1, shift=2)
    x, _, moved = vary(strips, spans, np.full(8, 80), 96, config, np.random.default_rng(seed))
    columns = np.arange(96) + 0.5
    middles = (x[:, 16] * columns).sum(axis=1) / x[:, 16].sum(axis=1)
    np.testing.assert_allclose(middles, moved[:, 0].mean(axis=1), atol=0.8)
    assert np.isnan(moved[:, 1:]).all()
