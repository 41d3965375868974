"""ONNX Runtime: a network's bytes to a session, and arrays through it; whatever it raises is told in a line."""

import os
from collections.abc import Callable

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from digitrec import model_folder
from digitrec.records import PathLike


def load_instrument(
    model: PathLike, open_session: Callable[[bytes], onnxruntime.InferenceSession]
) -> tuple[onnxruntime.InferenceSession, float, float]:
    """Return what a reader needs of a model folder: a session of its verified network, temperature and threshold.

    Raises:
        ModelError: no such folder, or a file in it is damaged or of another form.
    """
    folder = model_folder.find_model(model)
    temperature, threshold = model_folder.read_calibration(folder)
    try:
        session = open_session(model_folder.read_verified(folder, "model.onnx"))
    except ValueError as error:
        raise model_folder.ModelError(f"{folder / 'model.onnx'}: {error}") from error
    return session, temperature, threshold


def start_session(network: bytes, threads: int = 0) -> onnxruntime.InferenceSession:
    """Return a session that runs any network from an ONNX file's bytes, on the processor.

    Args:
        network: the bytes.
        threads: to compute with; 0 for OMP_NUM_THREADS of the environment, else as many as ONNX Runtime chooses.

    Raises:
        ValueError: it is no ONNX file.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # As other libraries have it, ONNX Runtime by itself does not: who shares a machine says how many threads are his.
    own = os.environ.get("OMP_NUM_THREADS", "")
    options.intra_op_num_threads = threads or (int(own) if own.isdecimal() else 0)
    try:
        # Without its fallback, which prints what is wrong and tries the same again.
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # ONNX Runtime's own, of a dozen kinds
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"expected an ONNX network ({reason})") from error


def run_session(
    session: onnxruntime.InferenceSession, x: NDArray[np.float32], outputs: list[str] | None = None
) -> list[NDArray[np.float32]]:
    """Run a network of one input on x, and return the outputs of these names, or all.

    Raises:
        ModelError: it cannot compute with x, or gives what is no finite number.
    """
    try:
        values = session.run(outputs, {session.get_inputs()[0].name: x})
    except Exception as error:  # ONNX Runtime's own, of a dozen kinds
        reason = " ".join(str(error).split())[:200]
        raise model_folder.ModelError(f"network: expected one that runs ({reason})") from error
    if not all(np.isfinite(value).all() for value in values):
        raise model_folder.ModelError(
            "network: expected finite numbers from it, got NaN or infinite ones: its weights are damaged, or its "
            "training diverged; train it anew"
        )
    return values
