"""What each layer of the network makes of a picture: the network of a model folder once more, with more outputs."""

import numpy as np
from numpy.typing import NDArray

from digitrec.preprocessing.form import prepare
from digitrec.sessions import run_session, start_session

# What stands at the end of a layer in the ONNX file: what comes before, a convolution without its bounds, says less.
ACTIVATIONS = {"Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Gelu", "Sigmoid", "Tanh", "Softplus", "HardSwish"}


class Layers:
    """The layers of a network whose file is given.

    Args:
        network: the bytes of its model.onnx.

    Raises:
        ValueError: onnx is missing, or the network has no activation to show.
    """

    def __init__(self, network: bytes) -> None:
        try:
            import onnx
        except ImportError as error:
            raise ValueError("the layers need onnx: pip install 'digitrec[app]'") from error
        model = onnx.load_from_string(network)
        self._outputs = [node.output[0] for node in model.graph.node if node.op_type in ACTIVATIONS]
        if not self._outputs:
            raise ValueError(f"layers: expected activations such as {', '.join(sorted(ACTIVATIONS)[:3])}, found none")
        # Those of another name than the file's own alone: a graph has each output once.
        known = {output.name for output in model.graph.output}
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in self._outputs if name not in known)
        self._session = start_session(model.SerializeToString())

    def compute(self, image: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        """Return what each layer makes of an image in MNIST's form.

        Args:
            image: uint8 (28, 28).

        Returns:
            From the first layer to the last its maps, uint8 (channels, height, width), 255 where the layer answers
            most; of units that see all of the picture, each is 1 by 1.
        """
        return [_scale(output[0]) for output in run_session(self._session, prepare(image[None]), self._outputs)]


def _scale(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return values (channels, height, width) or (channels,) as grey levels, 0 to the greatest of them."""
    maps = values.reshape(len(values), *(values.shape[1:] or (1, 1)))
    most = max(float(maps.max()), 1e-9)
    return np.round(255 * np.clip(maps / most, 0, 1)).astype(np.uint8)
