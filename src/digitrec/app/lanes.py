"""The page's functions, put to work: a lane for small pictures, one for large, and one network behind both."""

import contextlib
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitrec.app.api import Api
from digitrec.app.calls import Calls, Lane
from digitrec.app.decoder import QUICK, THOROUGH, Decoders
from digitrec.app.defaults import MODEL, TAUGHT
from digitrec.app.layers import Layers
from digitrec.app.lessons import Lessons
from digitrec.handwriting.samples import SampleFolder
from digitrec.model_folder import read_verified
from digitrec.recognizer import Recognizer
from digitrec.records import PathLike

if TYPE_CHECKING:
    from digitrec.numbers.reader import NumberReader

THREADS = 4  # reading is work for the processor: more of them only wait for it, each with memory of its own
DECODERS = 2  # processes for small pictures; one more is for large ones


def open_lanes(
    recognizer: Recognizer,
    folder: Path | None,
    numbers: "NumberReader | None",
    samples: PathLike,
    models: PathLike,
    stop: contextlib.ExitStack,
) -> tuple[Calls, list[Callable]]:
    """Return what answers calls, small pictures past large ones, and the functions that can be called.

    Args:
        recognizer: reads the pictures.
        folder: of its network; None where that is not known.
        numbers: reads whole numbers; None where there is no network for them.
        samples: folder for samples.
        models: folder where a taught network goes.
        stop: is told how to end what is opened here.
    """
    own, lanes = SampleFolder(samples), []
    apis: list[Api] = []
    lessons = _plan_lessons(folder, own, models, apis, stop)
    layers = _load_layers(folder) if folder else None
    for limits, processes, threads in ((QUICK, DECODERS, THREADS), (THOROUGH, 1, 1)):
        decoders = Decoders(processes, limits)
        stop.callback(decoders.close)
        executor = ThreadPoolExecutor(threads)
        stop.callback(executor.shutdown, wait=False, cancel_futures=True)
        apis.append(api := Api(recognizer, own, decoders.decode, numbers, layers, lessons))
        functions: list[Callable] = [
            api.read, api.keep, api.forget, api.samples, api.read_number,
            api.layers, api.teach, api.stop_teaching, api.lesson,
        ]  # fmt: skip
        lanes.append(Lane({function.__name__: function for function in functions}, executor))
    return Calls(lanes), functions


def _load_layers(folder: Path) -> Callable[[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    """Return what shows the layers of a model folder's network, which is loaded when it is first asked."""

    @functools.cache
    def load() -> Layers:
        return Layers(read_verified(folder, "model.onnx"))

    return lambda image: load().compute(image)


def _plan_lessons(
    folder: Path | None, samples: SampleFolder, models: PathLike, apis: list[Api], stop: contextlib.ExitStack
) -> Lessons | None:
    """Return what teaches the network of a model folder, after which the functions read with the one taught."""
    if folder is None:
        return None

    def use(taught: Path) -> None:
        recognizer, layers = Recognizer.load(taught), _load_layers(taught)
        for api in apis:
            api.use(recognizer, layers)

    # A network is never taught into the folder that it starts from.
    lessons = Lessons(samples.folder, MODEL if folder.resolve().name == TAUGHT else folder, models, use)
    stop.callback(lessons.stop)
    return lessons
