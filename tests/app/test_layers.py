"""What the layers make of a picture, against the first of them by hand, and against the network as it is."""

import numpy as np
import onnx
import pytest
from scipy.signal import correlate2d

from digitrec.app.layers import Layers
from digitrec.model_folder import find_model, read_verified
from digitrec.preprocessing.form import prepare, to_mnist
from digitrec.records import SAMPLES


@pytest.fixture(scope="module")
def network():
    return read_verified(find_model("cnn"), "model.onnx")


@pytest.fixture(scope="module")
def image():
    return to_mnist(SAMPLES / "7_crossed.png")


def test_every_layer_in_its_shape(network, image):
    maps = Layers(network).compute(image)
    shapes = [(16, 12, 12), (32, 12, 12), (48, 5, 5), (64, 5, 5), (128, 5, 5), (128, 1, 1)]
    assert [layer.shape for layer in maps] == shapes
    assert {layer.dtype for layer in maps} == {np.dtype(np.uint8)}
    assert [layer.max() for layer in maps] == [255] * 6


def test_the_first_layer_by_hand(network, image):
    graph = onnx.load_from_string(network).graph
    weights = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    kernels = weights["Conv_1_input_1"][:, 0]
    x = prepare(image[None])[0, ..., 0]
    convolved = np.stack([correlate2d(x, kernel, "valid") for kernel in kernels])
    pooled = convolved.reshape(16, 12, 2, 12, 2).max(axis=(2, 4))
    scale, shift = (weights[name].reshape(16, 1, 1) for name in ("Mul_3_input_1", "Add_4_input_1"))
    expected = np.maximum(pooled * scale + shift, 0)
    np.testing.assert_allclose(Layers(network).compute(image)[0], 255 * expected / expected.max(), atol=0.51)


def test_an_empty_picture_divides_by_nothing(network):
    for layer in Layers(network).compute(np.zeros((28, 28), np.uint8)):
        assert np.isfinite(layer.astype(float)).all()


def test_a_network_without_activations_is_refused():
    x = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, 2])
    y = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None, 2])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "none", [x], [y])
    with pytest.raises(ValueError, match="expected activations such as Celu"):
        Layers(onnx.helper.make_model(graph).SerializeToString())
