"""Networks of one's own: brought into the form that digitrec reads with, written as JSON, rebuilt without running code.

The form: float32 (n, 28, 28, 1) in 0-1 to ten logits, or eleven with that of "several digits", beside a fixed zero for
"not a digit" (see `digitrec.calibration`).
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from digitrec import backend
from digitrec.calibration import calibrate
from digitrec.networks import LOGITS
from digitrec.preprocessing.form import prepare

if TYPE_CHECKING:
    import keras

OWN = "own"  # the name of a network that no configuration describes
_SIDES = (28, 28, 1)
# A network that was never shown what is no digit says nothing about it: its best digit lies so far above zero that "not
# a digit" wins only below a probability of one in 500 million.
_LEVEL = 20.0
_MUCH = 0.1  # so much more of validation, read on another scale of the pixels, is no chance
# Families of Keras' layers that compute and nothing else; others read files, or run code that a file brings along.
_FAMILIES = frozenset({
    "activations", "attention", "convolutional", "core", "merging", "normalization", "pooling", "regularization",
    "reshaping", "rnn",
})  # fmt: skip
_PREPARING = frozenset({"rescaling", "normalization", "image_preprocessing"})  # of the family "preprocessing"
_REFUSED = frozenset({"Lambda"})
_HELPERS = ("initializers", "regularizers", "constraints", "dtype_policies")


def to_logits(model: "keras.Model") -> "keras.Model":
    """Return a network from (n, 28, 28, 1) to logits that shares its layers with a given one.

    Args:
        model: Sequential or functional, from 784 pixels in 0-1, in whatever shape, to ten or eleven logits or
            probabilities; what ends in softmax or sigmoid is taken as it stands before.

    Raises:
        ValueError: another kind of model, or other inputs or outputs.
    """
    keras = backend.keras
    if not isinstance(model, keras.Model):
        raise ValueError(f"model: expected a Keras model, got {type(model).__name__}")
    _build(model)
    try:
        shapes = model.input_shape, model.output_shape
        last = model.layers[-1]
        outputs = _before_softmax(last)
    except (AttributeError, ValueError, IndexError) as error:
        raise ValueError(
            "model: expected a Sequential or functional model of Keras with one input and one output; write what a "
            f"subclass calls as keras.Model(inputs, outputs) ({' '.join(str(error).split())[:100]})"
        ) from error
    inner, outer = shapes
    if any(not isinstance(shape, tuple) for shape in shapes) or int(np.prod(inner[1:], dtype=object) or 0) != 784:
        raise ValueError(f"model: expected an input of (28, 28, 1) pixels, got {inner}")
    if len(outer) != 2 or outer[1] not in (10, 11):
        raise ValueError(f"model: expected outputs of (n, 10) or (n, 11), got {outer}")
    trunk = keras.Model(model.inputs[0], outputs, name=OWN)
    if inner[1:] == _SIDES:
        return trunk
    x = keras.Input(_SIDES, name="x")
    return keras.Model(x, trunk(keras.layers.Reshape(inner[1:])(x)), name=OWN)


def to_taught(model: "keras.Model") -> "keras.Model":
    """Return a copy of a network, ready to be taught what is no digit: its logits stand beside the fixed zero."""
    keras = backend.keras
    is_whole = is_adapted(model)
    # Without what it was compiled with, which a copy would bring along.
    copy = keras.models.clone_model(keras.Model(model.inputs[0], model.outputs[0]) if is_whole else to_logits(model))
    copy.set_weights(model.get_weights())
    outputs = copy.output if is_whole else keras.layers.Identity(name=LOGITS)(copy.output)
    return keras.Model(copy.input, outputs, name=OWN)


def adapt(model: "keras.Model") -> "keras.Model":
    """Bring a trained network into digitrec's form; one that has it comes back as it is.

    Ten outputs, trained on digits alone, say nothing of what is no digit: there "not a digit" plays no part. Of eleven,
    the last counts as "not a digit", label 10.

    Raises:
        ValueError: as `to_logits`.

    >>> from digitrec.backend import keras
    >>> own = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    >>> adapt(own).output_shape
    (None, 10)
    """
    if is_adapted(model):
        return model
    network, layers = to_logits(model), backend.keras.layers
    if network.output_shape[1] == 10:
        h = layers.Activation("log_softmax")(network.output)
        outputs = layers.Rescaling(1.0, _LEVEL, name=LOGITS)(h)
    else:  # softmax stays the same when the eleventh logit is subtracted from all
        beside = layers.Dense(10, use_bias=False, trainable=False, name=LOGITS)
        outputs = beside(network.output)
        beside.set_weights([np.concatenate([np.eye(10), -np.ones((1, 10))]).astype(np.float32)])
    return backend.keras.Model(network.input, outputs, name=OWN)


def is_adapted(model: "keras.Model") -> bool:
    """Tell whether a network was made or taught here, so that its logits stand beside the fixed zero."""
    return bool(getattr(model, "layers", None)) and model.layers[-1].name == LOGITS


def calibrate_network(network: "keras.Model", validation: tuple[np.ndarray, np.ndarray]) -> dict[str, Any]:
    """Fit temperature and threshold of a network in digitrec's form; see `calibration.calibrate`.

    Args:
        network: as `adapt` returns it.
        validation: images uint8 (n, 28, 28), or x float (n, 28, 28, 1) in 0-1 or of that size, and labels int (n,);
            never trained on.

    Raises:
        ValueError: images of another form, or a network that reads them only where they are scaled otherwise.
    """
    images, labels = (np.asarray(part) for part in validation)
    is_prepared = (
        images.dtype.kind == "f" and images.size == 784 * len(images) and 0 <= images.min() <= images.max() <= 1
    )
    x = images.reshape(-1, *_SIDES).astype(np.float32) if is_prepared else prepare(images)
    logits = network.predict(x, batch_size=1000, verbose=0)
    _check_scale(network, x, labels, logits)
    return calibrate(logits, labels)


def _check_scale(network: "keras.Model", x: np.ndarray, labels: np.ndarray, logits: np.ndarray) -> None:
    """Refuse a network that reads pixels in 0-255 better than in 0-1; one that reads these well is not asked again."""

    def measure(logits: np.ndarray) -> float:
        return float((logits[:, :10].argmax(axis=1) == labels).mean())

    right = measure(logits)
    if right >= 1 - _MUCH:
        return
    in_bytes = measure(network.predict(255 * x, batch_size=1000, verbose=0))
    if in_bytes > right + _MUCH:
        raise ValueError(
            f"model: expected one that takes pixels in 0-1, where it reads {right:.0%} of validation, and in 0-255 "
            f"{in_bytes:.0%}: put keras.layers.Rescaling(255) before its first layer"
        )


def _build(model: "keras.Model") -> None:
    """Give a Sequential model that was not called yet its shapes."""
    if isinstance(model, backend.keras.Sequential) and not model.built:
        model.build((None, *_SIDES))


def _before_softmax(last: Any) -> Any:
    """Return the tensor that the last layer turns into probabilities; what it puts out, where it does not."""
    keras = backend.keras
    squashes = (keras.activations.softmax, keras.activations.sigmoid)
    if isinstance(last, keras.layers.Softmax):
        return last.input
    if getattr(last, "activation", None) not in squashes:
        return last.output
    if isinstance(last, keras.layers.Activation):
        return last.input
    linear = type(last).from_config({**last.get_config(), "activation": "linear", "name": f"{last.name}_logits"})
    outputs = linear(last.input)
    linear.set_weights(last.get_weights())
    return outputs


# --- as JSON ---------------------------------------------------------------------------------------


def describe(model: "keras.Model") -> dict[str, Any]:
    """Return the architecture of a network in JSON's types, without weights.

    Raises:
        ValueError: it holds a layer that is none of Keras' own, or one that runs code.
    """
    architecture = backend.keras.saving.serialize_keras_object(model)
    architecture.pop("compile_config", None)
    _check(architecture)
    return architecture


def rebuild(architecture: dict[str, Any]) -> "keras.Model":
    """Return a network of the architecture that `describe` gave; nothing in it can run code.

    Raises:
        ValueError: it holds more than Keras' own layers, or is no network.
    """
    _check(architecture)
    try:
        model = backend.keras.saving.deserialize_keras_object(architecture, safe_mode=True)
    except Exception as error:  # of Keras, a dozen kinds
        raise ValueError(f"expected the architecture of a network ({' '.join(str(error).split())[:200]})") from error
    if not isinstance(model, backend.keras.Model):
        raise ValueError(f"expected the architecture of a network, got a {type(model).__name__}")
    return model


def _check(part: Any) -> None:
    """Refuse whatever names something else than Keras' own layers and their helpers."""
    if isinstance(part, dict):
        if "class_name" in part:
            _check_class(part)
        part = list(part.values())
    if isinstance(part, list | tuple):
        for one in part:
            _check(one)


def _check_class(part: dict[str, Any]) -> None:
    name, module = str(part["class_name"]), part.get("module")
    if name in ("__keras_tensor__", "__tuple__") or (name == "__numpy__" and module is None):
        return
    if not isinstance(module, str) or module.partition(".")[0] != "keras" or not _is_known(name):
        raise ValueError(
            f"{name}: expected layers of Keras that only compute; one that runs code of its own cannot be kept in a "
            "model folder: write it with Keras' layers"
        )


def _is_known(name: str) -> bool:
    """Tell whether a class of Keras is a model, a layer that only computes, or a helper of these."""
    keras = backend.keras
    if name in ("Functional", "Sequential", "Model"):
        return True
    if any(isinstance(getattr(getattr(keras, part), name, None), type) for part in _HELPERS):
        return True
    layer = getattr(keras.layers, name, None)
    if not isinstance(layer, type) or name in _REFUSED:
        return False
    place = layer.__module__.split(".")  # keras.src.layers.core.dense
    if place[:3] != ["keras", "src", "layers"] or len(place) < 5:
        return False
    return place[3] in _FAMILIES or (place[3] == "preprocessing" and place[4] in _PREPARING)
