"""The instrument: any picture in, a digit or "not a digit" out; numpy, Pillow and ONNX Runtime alone."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import onnxruntime
from PIL import Image

from digitrec.calibration import rate_none, read_logits
from digitrec.preprocessing.arrays import each_picture
from digitrec.preprocessing.form import Stages, look_inside, prepare, show_stages
from digitrec.records import PathLike
from digitrec.sessions import load_instrument, run_session, start_session

# Where two answers lie closer than this, the network looks again: at fewer than one in twenty of MNIST's digits.
_CLOSE = 3.0  # logits
# So little less likely than "not a digit", several digits are still said: to 98 of 100 strings of MNIST's validation
# digits instead of 96 (benchmarks/strings.py), and no single digit more is declined.
_SEVERAL = -2.0  # logit
_CENTRE = 13.5  # pixels


Kind = Literal["digit", "blank", "unsure", "several digits", "not a digit"]


@dataclass(frozen=True)
class Answer:
    """What the network read in one picture; a notebook shows it as the picture that the network saw.

    Attributes:
        digit: 0-9, or None when it declines.
        confidence: calibrated probability of the best digit, 0-1; also when it declines.
        probabilities: float32 (10,), summing to 1.
        kind: "digit"; or, where it declines, "blank", "unsure" (between digits), "several digits" or "not a digit".
        reason: why it declined, in a line; None when it answers.
        image: uint8 (28, 28), the picture as the network saw it.
        none: calibrated probability, 0-1, that it is no single digit: "not a digit" or "several digits".

    >>> from digitrec.records import SAMPLES
    >>> Recognizer.load("cnn").predict(SAMPLES / "blank.png")
    Answer(digit=None, confidence=0.10000000149011612, kind='blank', reason='blank: no ink found')
    """

    digit: int | None
    confidence: float
    probabilities: np.ndarray = field(repr=False)
    kind: Kind
    reason: str | None
    image: np.ndarray = field(repr=False)
    none: float = field(default=0.0, repr=False)

    @property
    def shares(self) -> np.ndarray:
        """float64 (10,), the digits' probabilities where no single digit competes: with `none` they sum to 1."""
        return self.probabilities.astype(np.float64) * (1 - self.none)

    def _repr_png_(self) -> bytes:
        """Draw the picture dark on white and four times as large."""
        file = io.BytesIO()
        Image.fromarray(~self.image).resize((112, 112), Image.Resampling.NEAREST).save(file, "PNG")
        return file.getvalue()


class Recognizer:
    """Reads digits with the network of a model folder.

    >>> from digitrec.records import SAMPLES
    >>> recognizer = Recognizer.load("cnn")
    >>> answer = recognizer.predict(SAMPLES / "7_crossed.png")
    >>> answer.digit, answer.confidence > 0.99
    (7, True)
    """

    def __init__(self, session: onnxruntime.InferenceSession, temperature: float, threshold: float) -> None:
        self._session = session
        self.temperature = temperature
        self.threshold = threshold

    @classmethod
    def load(cls, model: PathLike = "cnn") -> "Recognizer":
        """Load a model by the name or the path of its folder.

        Raises:
            ModelError: no such folder, or a file in it is damaged or of another form.
        """
        return cls(*load_instrument(model, open_session))

    @classmethod
    def from_keras(cls, model: Any, validation: tuple[np.ndarray, np.ndarray]) -> "Recognizer":
        """Read with a trained Keras network of your own, calibrated on pictures it was not trained on.

        Args:
            model: Sequential or functional, from (n, 28, 28, 1) in 0-1 to ten logits or probabilities; or to eleven,
                of which the last says "not a digit". What `train` returned is taken as well.
            validation: images uint8 (n, 28, 28), or x as Keras was given it, float (n, 28, 28, 1) in 0-1, and labels
                int (n,).

        Raises:
            ValueError: a model or pictures of another form.
        """
        from digitrec.architectures import adapt, calibrate_network
        from digitrec.networks import export_onnx

        network = adapt(model)
        fitted = calibrate_network(network, validation)
        return cls(open_session(export_onnx(network)), fitted["temperature"], fitted["threshold"])

    def compute_logits(self, x: np.ndarray) -> np.ndarray:
        """Read prepared images, float32 (n, 28, 28, 1) in 0-1; return float32 logits (n, 10 or 11).

        Where two answers are close, the logits are the mean over the picture as it is, slanted and stretched a little.
        """
        logits = self.run_network(x)
        ordered = np.sort(np.concatenate([logits, np.zeros((len(logits), 1), np.float32)], axis=1), axis=1)
        close = np.flatnonzero(ordered[:, -1] - ordered[:, -2] < _CLOSE)
        if len(close):
            logits[close] = np.mean([self.run_network(view) for view in _vary(x[close])], axis=0)
        return logits

    def run_network(self, x: np.ndarray) -> np.ndarray:
        """Run the network once on prepared images, float32 (n, 28, 28, 1) in 0-1; return its logits, float32."""
        # In parts, so that memory stays bounded.
        logits = [run_session(self._session, part)[0] for part in _split(x, 100)]
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
        return self.read(show_stages(picture))

    def predict_many(self, pictures: Iterable[Any]) -> Iterator[Answer]:
        """Read pictures one after another in bounded memory; see `predict`."""
        return map(self.predict, each_picture(pictures))

    def read(self, stages: Stages) -> Answer:
        """Read one picture as `predict` does, once it is in its form.

        Where that is declined, it is looked at again without its left and right edge, where the columns of a table and
        neighbours stand; where that look is sure of a digit, either counts half.
        """
        answer = self.read_images(stages.image[None])[0]
        if answer.digit is not None or answer.kind == "blank":
            return answer
        inner = look_inside(stages)
        closer = self.read_images(inner[None])[0] if inner is not None else answer
        return answer if closer.digit is None else self._weigh(answer, closer)

    def read_images(self, images: np.ndarray) -> list[Answer]:
        """Read images that are in MNIST's form already, uint8 (n, 28, 28)."""
        logits = self.compute_logits(prepare(images))
        return [
            self._decide(*of_one) for of_one in zip(images, logits, *read_logits(logits, self.temperature), strict=True)
        ]

    def _decide(self, image: np.ndarray, logits: np.ndarray, probabilities: np.ndarray, score: float) -> Answer:
        if not image.any():
            return _decline("blank", np.full(10, 0.1, np.float32), image, 1.0)
        none = float(rate_none(logits, self.temperature))
        if score >= self.threshold:
            return _answer(probabilities, image, none)
        if logits.argmax() == 10 and logits[10] > _SEVERAL:
            return _decline("several digits", probabilities, image, none)
        # All logits below the zero of "not a digit": that is the likeliest answer.
        return _decline("not a digit" if logits.max() < 0 else "unsure", probabilities, image, none)

    def _weigh(self, declined: Answer, closer: Answer) -> Answer:
        """Let two looks at a picture count half each."""
        shares, none = (declined.shares + closer.shares) / 2, (declined.none + closer.none) / 2
        probabilities = (shares / shares.sum()).astype(np.float32)
        if shares.max() >= self.threshold:
            return _answer(probabilities, closer.image, none)
        return _decline(declined.kind, probabilities, closer.image, none)


def _answer(probabilities: np.ndarray, image: np.ndarray, none: float) -> Answer:
    digit = int(probabilities.argmax())
    return Answer(digit, float(probabilities[digit]), probabilities, "digit", None, image, none)


def _decline(kind: Kind, probabilities: np.ndarray, image: np.ndarray, none: float) -> Answer:
    second, digit = np.argsort(probabilities)[-2:].tolist()
    reasons = {
        "blank": "blank: no ink found",
        "several digits": "several digits: try digitrec read",
        "not a digit": "not like any digit",
        "unsure": f"unsure: {digit} or {second}",
    }
    return Answer(None, float(probabilities[digit]), probabilities, kind, reasons[kind], image, none)


def open_session(network: bytes) -> onnxruntime.InferenceSession:
    """Return a session that runs a network from an ONNX file's bytes, on the processor.

    Raises:
        ValueError: it is no ONNX file, or not of a network from x (n, 28, 28, 1) to ten or eleven logits.
    """
    session = start_session(network)
    ends = [[(end.type, end.shape[1:]) for end in side] for side in (session.get_inputs(), session.get_outputs())]
    if ends not in [[[("tensor(float)", [28, 28, 1])], [("tensor(float)", [logits])]] for logits in (10, 11)]:
        raise ValueError(f"expected a network from float (n, 28, 28, 1) to float (n, 10 or 11), got {str(ends)[:200]}")
    return session


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
