"""The instrument: any picture in, a digit or "not a digit" out; numpy, Pillow and ONNX Runtime alone."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image

from digitrec import runs
from digitrec.evaluation import softmax
from digitrec.preprocessing import prepare, to_mnist

# Where two answers lie closer than this, the network looks again: at fewer than one in twenty of MNIST's digits.
_CLOSE = 3.0  # logits
_CENTRE = 13.5  # pixels
_BATCH = 256  # pictures read before the network runs once: bounded memory for any number of files


@dataclass(frozen=True)
class Answer:
    """What the network read in one picture.

    Attributes:
        digit: 0-9, or None when it declines.
        confidence: calibrated probability of the best digit, 0-1; also when it declines.
        probabilities: float32 (10,), summing to 1.
        reason: why it declined, None when it answers.
        image: uint8 (28, 28), the picture as the network saw it.
    """

    digit: int | None
    confidence: float
    probabilities: np.ndarray
    reason: str | None
    image: np.ndarray


def read_logits(logits: np.ndarray, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    """Turn logits into calibrated probabilities and scores of being a digit.

    Args:
        logits: float32 (n, 10).
        temperature: fitted on validation digits (Guo et al. 2017).

    Returns:
        Probabilities float32 (n, 10), the digits among themselves; and scores float32 (n,) in 0-1, the probability
        of the best digit when "not a digit", whose logit is zero, competes.
    """
    scores = np.asarray(logits, np.float64) / temperature
    competing = softmax(np.concatenate([scores, np.zeros((len(scores), 1))], axis=1))[:, :10]
    probabilities = competing / competing.sum(axis=1, keepdims=True)
    return probabilities.astype(np.float32), competing.max(axis=1).astype(np.float32)


class Recognizer:
    """Reads digits with the network of a model folder.

    >>> recognizer = Recognizer.load("cnn")
    >>> recognizer.predict("seven.jpg").digit
    7
    """

    def __init__(self, session: onnxruntime.InferenceSession, temperature: float, threshold: float) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        self.temperature = temperature
        self.threshold = threshold

    @classmethod
    def load(cls, model: str | os.PathLike[str] = "cnn") -> "Recognizer":
        """Load a model by the name or the path of its folder.

        Raises:
            ModelError: no such folder, or a file in it is damaged.
        """
        folder = runs.find_model(model)
        metrics = runs.read_metrics(folder)
        path = runs.check_hash(folder, "model.onnx")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return cls(session, metrics["temperature"], metrics["threshold"])

    def compute_logits(self, x: np.ndarray) -> np.ndarray:
        """Read prepared images, float32 (n, 28, 28, 1) in 0-1; return float32 logits (n, 10).

        Where two answers are close, the logits are the mean over the picture as it is, slanted and stretched a little.
        """
        logits = self.run_network(x)
        ordered = np.sort(np.concatenate([logits, np.zeros((len(logits), 1), np.float32)], axis=1), axis=1)
        close = np.flatnonzero(ordered[:, -1] - ordered[:, -2] < _CLOSE)
        if len(close):
            logits[close] = np.mean([self.run_network(view) for view in _vary(x[close])], axis=0)
        return logits

    def run_network(self, x: np.ndarray) -> np.ndarray:
        """Run the network once on prepared images, float32 (n, 28, 28, 1) in 0-1; return float32 logits (n, 10)."""
        # In parts, so that memory stays bounded; 17,400 images a second on two cores (benchmarks/inference.json).
        logits = [self._session.run(None, {self._input: part})[0] for part in _split(x, 100)]
        return logits[0] if len(logits) == 1 else np.concatenate(logits)

    def predict(self, picture: Any) -> Answer:
        """Read one picture.

        Args:
            picture: path, bytes, file object, PIL image or array of any size, polarity and depth.

        Returns:
            The answer; a blank picture is declined, not an error.

        Raises:
            PictureError: no picture, a damaged or an unreasonably large one.
        """
        return self.read_images(to_mnist(picture)[None])[0]

    def predict_many(self, pictures: Iterable[Any]) -> Iterator[Answer]:
        """Read pictures one after another in bounded memory; see `predict`."""
        pictures = iter(pictures)
        while images := [to_mnist(picture) for picture in islice(pictures, _BATCH)]:
            yield from self.read_images(np.stack(images))

    def read_images(self, images: np.ndarray) -> list[Answer]:
        """Read images that are in MNIST's form already, uint8 (n, 28, 28)."""
        logits = self.compute_logits(prepare(images))
        return [
            self._decide(*of_one) for of_one in zip(images, logits, *read_logits(logits, self.temperature), strict=True)
        ]

    def _decide(self, image: np.ndarray, logits: np.ndarray, probabilities: np.ndarray, score: float) -> Answer:
        second, digit = (int(i) for i in np.argsort(probabilities)[-2:])
        reason = None
        if not image.any():
            reason, probabilities = "blank: no ink found", np.full(10, 0.1, np.float32)
        elif score < self.threshold:
            # All logits below the zero of "not a digit": that is the likeliest answer.
            reason = "not like any digit" if logits.max() < 0 else f"unsure: {digit} or {second}"
        return Answer(None if reason else digit, float(probabilities[digit]), probabilities, reason, image)


def _vary(x: np.ndarray) -> Iterator[np.ndarray]:
    """Return images x (n, 28, 28, 1) in 0-1 as they are, slanted to both sides, and stretched and squeezed each way."""
    images = np.round(255 * x[..., 0]).astype(np.uint8)
    yield x
    for slant, width, height in (
        (0.15, 1, 1), (-0.15, 1, 1), (0, 0.9, 1), (0, 1.1, 1), (0, 1, 0.9), (0, 1, 1.1),
    ):  # fmt: skip
        # From a pixel of the result to one of the image, about the centre.
        left, top = _CENTRE * (1 - 1 / width - slant), _CENTRE * (1 - 1 / height)
        place = (1 / width, slant, left, 0, 1 / height, top)
        yield prepare(np.stack([_transform(image, place) for image in images]))


def _transform(image: np.ndarray, place: tuple[float, ...]) -> np.ndarray:
    picture = Image.fromarray(image)
    return np.asarray(picture.transform(picture.size, Image.Transform.AFFINE, place, Image.Resampling.BILINEAR))


def _split(x: np.ndarray, size: int) -> Iterator[np.ndarray]:
    return (x[i : i + size] for i in range(0, max(len(x), 1), size))
