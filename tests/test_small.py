"""Small networks are what their line says, and their int8 twins read alike."""

import numpy as np
import pytest

from digitrec.networks import export_onnx
from digitrec.preprocessing.form import prepare
from digitrec.small import build_small, quantise, run_onnx, time_onnx


def test_weights_are_those_counted_by_hand():
    # 25*8 + 3*8; 9*8 + 8*12 + 3*12; 9*12 + 12*12 + 3*12; 12*10 + 10
    assert build_small("5x8 pool s3x12 r3x12").count_params() == 224 + 204 + 288 + 130


@pytest.mark.parametrize("layers", ["5", "3x", "x8", "q3x8", "3x0", "pol"])
def test_another_form_is_refused(layers):
    with pytest.raises(ValueError, match="layers: expected pool, again, or a convolution"):
        build_small(layers)


@pytest.mark.parametrize("layers", ["again", "3x8 again", "s3x8 again", "3x8 r3x8 pool again", "r3x1 3x8 again"])
def test_only_what_is_added_to_its_input_comes_again(layers):
    with pytest.raises(ValueError, match="layers: expected again to follow a layer such as r3x16"):
        build_small(layers)


def test_a_layer_again_shares_its_weights():
    once, twice = build_small("5x4 pool r3x4"), build_small("5x4 pool r3x4 again")
    convolutions = [[layer.name for layer in model.layers if "conv" in layer.name] for model in (once, twice)]
    assert len(convolutions[0]) == len(convolutions[1]) == 3
    assert twice.count_params() - once.count_params() == 3 * 4


def test_int8_reads_alike_and_weighs_less(digits):
    x = prepare(digits[0][:200])
    model = build_small("5x16 pool 3x32 pool 3x32")
    network = export_onnx(model)
    small = quantise(network, x[:50])
    assert len(small) < 0.7 * len(network)
    np.testing.assert_allclose(run_onnx(network, x), model.predict(x, verbose=0), atol=1e-5)
    exact, rounded = run_onnx(network, x), run_onnx(small, x)
    assert np.abs(exact - rounded).max() < 0.2 * np.abs(exact).max()
    assert 0 < time_onnx(network, x, repeats=20) < 1e5
