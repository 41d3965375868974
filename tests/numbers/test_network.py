from dataclasses import replace

import numpy as np
import pytest

from digitrec.numbers.config import NumberConfig

keras = pytest.importorskip("keras")
from digitrec.networks import export_onnx  # noqa: E402
from digitrec.numbers.network import build_network  # noqa: E402
from digitrec.numbers.targets import CLASSES  # noqa: E402

SMALL = NumberConfig(filters=((4,), (4,), (8,), (8,), (8, 8)), context=1)


@pytest.fixture(scope="module")
def small():
    keras.utils.set_random_seed(0)
    return build_network(SMALL)


@pytest.fixture(scope="module")
def session(small):
    onnxruntime = pytest.importorskip("onnxruntime")
    return onnxruntime.InferenceSession(export_onnx(small), providers=["CPUExecutionProvider"])


def draw(n, width):
    return np.random.default_rng(width).random((n, 32, width, 1), np.float32)


@pytest.mark.parametrize("width", [16, 44, 100, 1024])
def test_a_frame_for_every_second_column(small, width):
    assert small(draw(2, width)).shape == (2, width // 2, CLASSES)


def test_the_network_is_small_enough_to_ship():
    network = build_network(NumberConfig())
    assert network.count_params() <= 700_000
    assert len(export_onnx(network)) <= 3 * 2**20


@pytest.mark.parametrize(("n", "width"), [(1, 16), (3, 60), (2, 1024)])
def test_onnx_agrees_with_keras_at_any_number_and_width(small, session, n, width):
    x = draw(n, width)
    (logits,) = session.run(None, {"x": x})
    np.testing.assert_allclose(logits, keras.ops.convert_to_numpy(small(x)), atol=1e-4)


def test_the_same_weights_give_the_same_file(small):
    twin = build_network(SMALL)
    twin.set_weights(small.get_weights())
    assert export_onnx(twin) == export_onnx(small)


def test_what_moves_along_the_line_is_read_the_same(small):
    """No frame depends on what stands far away: there is no recurrence, and nothing but convolutions."""
    x = np.zeros((2, 32, 200, 1), np.float32)
    x[0, :, 80:110], x[1, :, 84:114] = draw(1, 30)[0], draw(1, 30)[0]
    here, moved = keras.ops.convert_to_numpy(small(x))
    np.testing.assert_allclose(here[30:70], moved[32:72], atol=1e-4)
    assert abs(here[30:70] - here[20:60]).max() > 1e-2


def test_too_many_blocks_are_one_clear_line():
    with pytest.raises(ValueError, match="filters: expected at most 6 blocks, got 7"):
        build_network(replace(SMALL, filters=((4,),) * 7))
