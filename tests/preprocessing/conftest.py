"""A seven in any size and colour, how to make a file of it, and how to compare what becomes of it."""

import io
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from digitrec.preprocessing.form import to_mnist


def _draw_seven(size: int = 120, width: int = 9, ink: int = 0, paper: int = 255) -> Image.Image:
    """A 7: one stroke in two lines, ends well inside the frame."""
    image = Image.new("L", (size, size), paper)
    points = [(0.3 * size, 0.25 * size), (0.7 * size, 0.25 * size), (0.42 * size, 0.8 * size)]
    ImageDraw.Draw(image).line(points, ink, width, joint="curve")
    return image


def _encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of two images, shifted by up to one pixel: 1 where they are the same up to brightness.

    The centre of mass is rounded to a pixel, so the slightest change may move an image by one.
    """
    y = b.ravel().astype(float)
    shifted = (np.roll(a, (i, j), (0, 1)).ravel().astype(float) for i in (0, 1, -1) for j in (0, 1, -1))
    return max(float(x @ y / np.sqrt((x @ x) * (y @ y) or 1)) for x in shifted)


@pytest.fixture(scope="session")
def draw_seven() -> Callable[..., Image.Image]:
    """A function: size, width of the stroke, ink and paper to a picture."""
    return _draw_seven


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """A function: picture, format and its options to the bytes of a file."""
    return _encode


@pytest.fixture(scope="session")
def overlap() -> Callable[[np.ndarray, np.ndarray], float]:
    """A function: two images to their likeness."""
    return _overlap


@pytest.fixture(scope="session")
def plain_seven() -> np.ndarray:
    """The plainest seven in MNIST's form."""
    return to_mnist(_draw_seven())


@contextmanager
def _watch(seconds: float = 1) -> Iterator[None]:
    """Fail where what is done meanwhile takes that much processor time, or 300 MB (measured on Linux)."""
    status, start, before = Path("/proc/self/status"), time.process_time(), 0

    def read(name: str) -> int:
        return int(status.read_text().split(f"{name}:")[1].split()[0]) * 1024

    if status.exists():
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before = read("VmRSS")
    yield
    assert time.process_time() - start < seconds
    assert not status.exists() or read("VmHWM") - before < 300e6


@pytest.fixture(scope="session")
def watch() -> Callable[..., AbstractContextManager[None]]:
    """A context that fails where what is done in it takes too long or too much memory."""
    return _watch
