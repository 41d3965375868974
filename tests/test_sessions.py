"""What a network computes is finite, or said not to be: no reader answers from anything else."""

import numpy as np
import pytest

from digitrec.app.layers import Layers
from digitrec.model_folder import ModelError, find_model
from digitrec.numbers.reader import NumberReader
from digitrec.numbers.reader import open_session as open_numbers
from digitrec.recognizer import Recognizer, open_session
from digitrec.records import SAMPLES
from digitrec.sessions import run_session, start_session

onnx = pytest.importorskip("onnx")
READERS = {"cnn": (Recognizer, open_session), "numbers": (NumberReader, open_numbers)}


def fill_weights(model: str, value: float) -> bytes:
    """Return a shipped network with this value in the place of all its weights."""
    network = onnx.load(find_model(model) / "model.onnx")
    for one in network.graph.initializer:
        if one.data_type == onnx.TensorProto.FLOAT:
            one.CopyFrom(onnx.numpy_helper.from_array(np.full(tuple(one.dims), value, np.float32), one.name))
    return network.SerializeToString()


@pytest.mark.parametrize("model", READERS)
@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_readers_refuse_a_network_that_gives_no_numbers(model, value):
    kind, open_session = READERS[model]
    reader = kind(open_session(fill_weights(model, value)), 1.0, 0.5)
    with pytest.raises(ModelError, match="finite numbers"):
        reader.predict(SAMPLES / "4_marker.png")


def test_layers_that_are_no_numbers_are_not_shown():
    layers = Layers(fill_weights("cnn", 3e38))
    with pytest.raises(ModelError, match="finite numbers"):
        layers.compute(np.full((28, 28), 200, np.uint8))


def test_what_onnx_runtime_raises_is_told_in_one_line():
    session = start_session((find_model("cnn") / "model.onnx").read_bytes())
    with pytest.raises(ModelError, match="expected one that runs") as refused:
        run_session(session, np.zeros((1, 27, 28, 1), np.float32))
    assert "\n" not in str(refused.value)
