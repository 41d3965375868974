"""What the tests share: small real data, and real MNIST where it is at hand."""

import gc
import json
import signal

import numpy as np
import pytest

from digitrec import datasets, model_folder
from digitrec.mnist import MissingDataError, find_mnist, load_mnist

# A job in the background ignores Ctrl-C, and so would the processes to which the tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is loaded while tests are collected stays: the garbage collector need not walk through it ever again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's bundled digits in MNIST's form: training images and labels."""
    return datasets.load_digits()[0]


@pytest.fixture(scope="session")
def mnist() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """MNIST as load_mnist returns it; skips where it is not at hand, and never downloads."""
    try:
        return load_mnist(find_mnist())
    except MissingDataError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def number_strip():
    """A function that writes a text as `number_model` reads it: uint8 (32, w), ink bright."""

    def write(text: str, strength: int = 255) -> np.ndarray:
        """Write each character as a bar in its rows, over one at the foot that makes it count."""
        strip = np.zeros((32, 4 + 8 * max(len(text), 3)), np.uint8)
        strip[30:, 4::8] = strip[30:, 5::8] = 255
        for i, character in enumerate(text):
            row = 2 * "0123456789.,-/".index(character)
            strip[row : row + 2, 4 + 8 * i : 6 + 8 * i] = strength
        return strip

    return write


@pytest.fixture(scope="session")
def number_model(tmp_path_factory):
    """The folder of a network that reads what `number_strip` writes."""
    onnx = pytest.importorskip("onnx")
    weights = np.zeros((15, 1, 32, 2), np.float32)  # two rows a character, and the last two for all
    for character in range(14):
        weights[character, 0, 2 * character : 2 * character + 2] = weights[character, 0, 30:] = 5
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("x", ["n", 32, "w", 1]), ("y", ["n", "frames", 15]))
    ]
    bias = np.array([-30.0] * 14 + [0.0], np.float32)
    values = {"weights": weights, "bias": bias, "height": np.array([2])}
    nodes = [
        onnx.helper.make_node("Transpose", ["x"], ["image"], perm=[0, 3, 1, 2]),
        onnx.helper.make_node("Conv", ["image", "weights", "bias"], ["scores"], strides=[1, 2]),
        onnx.helper.make_node("Squeeze", ["scores", "height"], ["flat"]),
        onnx.helper.make_node("Transpose", ["flat"], ["y"], perm=[0, 2, 1]),
    ]
    stored = [onnx.numpy_helper.from_array(value, name) for name, value in values.items()]
    graph = onnx.helper.make_graph(nodes, "bars", ends[:1], ends[1:], stored)
    network = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 15)], ir_version=8)
    folder = tmp_path_factory.mktemp("models") / "bars"
    folder.mkdir()
    content = network.SerializeToString()
    (folder / "model.onnx").write_bytes(content)
    metrics = {"dataset": "bars", "temperature": 1.0, "threshold": 0.6}
    hashes = {"model.onnx": model_folder.hash_content(content), "calibration": model_folder.hash_calibration(metrics)}
    (folder / "metrics.json").write_text(json.dumps(metrics | {"sha256": hashes}))
    return folder
