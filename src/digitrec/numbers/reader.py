"""The instrument for whole numbers: any picture in, a number or a reason why not out; no more than the reader takes."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from digitrec.calibration import softmax
from digitrec.numbers.boxes import STRIDE, locate
from digitrec.numbers.calibration import weigh
from digitrec.numbers.checks import Check
from digitrec.numbers.constraints import Constraint
from digitrec.numbers.decoding import BEAMS, BLANK, Path, decode, spell
from digitrec.numbers.lines import HEIGHT, Line, find_lines
from digitrec.numbers.number import Kind, Number
from digitrec.preprocessing.arrays import each_picture
from digitrec.records import PathLike
from digitrec.sessions import load_instrument, run_session, start_session

_CHECKED = 8 * BEAMS  # texts that are followed where a check digit decides
_HOPELESS = 0.05  # what is less likely to be right is no number
_OTHERS = 5  # alternatives
# The score of a line is the logarithm of its best text's probability; it gains by each character, else a piece of a
# number would be surer than all of it, and loses where it is not the first line, or says nothing.
_PER_CHARACTER, _MOST_CHARACTERS, _LATER, _EMPTY = 1.8, 12, 0.75, 4.0


@dataclass(frozen=True)
class _Reading:
    """What a line may say: its frames, and the texts in them."""

    line: Line
    frames: NDArray[np.float32]
    paths: list[Path]

    @property
    def score(self) -> float:
        if not self.paths:
            return -math.inf
        best = self.paths[0]
        gain = _PER_CHARACTER * min(len(best.text), _MOST_CHARACTERS) if best.text else -_EMPTY
        return best.log_probability + gain


class NumberReader:
    """Reads whole numbers with the network of a model folder.

    >>> from digitrec.records import SAMPLES
    >>> reader = NumberReader.load()
    >>> reader.predict(SAMPLES / "4_marker.png").best, reader.predict(SAMPLES / "blank.png").kind
    ('4', 'blank')
    """

    def __init__(self, session: onnxruntime.InferenceSession, temperature: float, threshold: float) -> None:
        self._session = session
        self.temperature = temperature
        self.threshold = threshold

    @classmethod
    def load(cls, model: PathLike = "numbers") -> "NumberReader":
        """Load a model by the name or the path of its folder.

        Raises:
            ModelError: no such folder, or a file in it is damaged or of another form.
        """
        return cls(*load_instrument(model, open_session))

    def predict(
        self,
        picture: Any,
        *,
        length: int | None = None,
        pattern: str | None = None,
        characters: str | None = None,
        values: Iterable[object] | None = None,
        check: Check | None = None,
    ) -> Number:
        """Read the number in one picture.

        Args:
            picture: path, bytes, file object, PIL image or array of any size, polarity and depth.
            length: how many characters the number has, marks included.
            pattern: d stands for any digit, each other character for itself: "dd.d".
            characters: those that may occur.
            values: all that it can be: texts or numbers, or a range.
            check: "luhn", "ean", "isbn13", "isbn10", or a function that tells whether a text can be right.

        Returns:
            The answer; a blank picture is declined, not an error.

        Raises:
            PictureError: no picture, a damaged or an unreasonably large one.
            ValueError: nothing can be all that is said to be known.
        """
        known = _gather(length=length, pattern=pattern, characters=characters, values=values, check=check)
        return self.read(picture, known)

    def read(self, picture: Any, constraint: Constraint | None = None) -> Number:
        """Read the number in one picture as `predict` does, with what is known gathered once for many."""
        return self._read(find_lines(picture), constraint)

    def predict_many(self, pictures: Iterable[Any], **known: Any) -> Iterator[Number]:
        """Read pictures one after another in bounded memory; what is `known` holds for all of them, see `predict`."""
        constraint = _gather(**known)
        return (self.read(picture, constraint) for picture in each_picture(pictures))

    def read_strips(self, strips: Iterable[NDArray[np.uint8]], **known: Any) -> list[Number]:
        """Read strips as `numbers.to_strip` makes them, uint8 (32, w); see `predict`."""
        constraint = _gather(**known)
        return [self._read([Line(strip, 0.0, 0.0, 1.0)] if strip.any() else [], constraint) for strip in strips]

    def run_network(self, strip: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network on a strip, uint8 (32, w), ink bright; return log probabilities float32 (w // 2, 15)."""
        width = strip.shape[1]
        x = np.zeros((1, HEIGHT, -(-width // 4) * 4, 1), np.float32)
        x[0, :, :width, 0] = strip / np.float32(255)
        logits = run_session(self._session, x)[0][0, : max(width // STRIDE, 1)]
        logits = logits - logits.max(axis=1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    def _read(self, lines: list[Line], constraint: Constraint | None) -> Number:
        readings = []
        for line in lines:
            frames = self.run_network(line.strip)
            paths = decode(frames, constraint, _CHECKED if constraint and constraint.check else BEAMS)
            readings.append(_Reading(line, frames, paths))
        ranked = self._rank(readings, constraint is not None)
        if ranked and ranked[0][0]:
            return self._answer(ranked, constraint)
        strip = readings[0].line.strip if readings else np.zeros((HEIGHT, HEIGHT), np.uint8)
        looks = next(filter(None, (spell(one.frames) for one in readings)), None)
        if constraint and looks:
            reason = f"not a number that can be: it looks like {looks}"
            return Number(None, 0.0, (), None, (), "not a number", reason, strip)
        others = tuple((text, share) for text, share, _ in ranked[1 : _OTHERS + 1])
        confidence = ranked[0][1] if ranked else 1.0
        return Number(None, confidence, (), None, others, "blank", "blank: no number found", strip)

    def _rank(self, readings: list[_Reading], is_known: bool) -> list[tuple[str, float, _Reading]]:
        """Return texts, the likeliest first, with their probabilities, and the line in which each is likeliest."""
        scores = np.array([one.score - _LATER * (i > 0) for i, one in enumerate(readings)])
        if not np.isfinite(scores).any():
            return []
        weights = softmax(np.maximum(scores, -1e6))
        texts: dict[str, list[tuple[float, int]]] = {}
        for i, (reading, weight) in enumerate(zip(readings, weights.tolist(), strict=True)):
            for path, share in zip(reading.paths, weigh(reading.paths, self.temperature, is_known), strict=True):
                texts.setdefault(path.text, []).append((weight * share, i))
        summed = [
            (text, min(sum(part for part, _ in of_one), 1.0), readings[max(of_one)[1]])
            for text, of_one in texts.items()
        ]
        return sorted(summed, key=lambda one: -one[1])

    def _answer(self, ranked: list[tuple[str, float, _Reading]], constraint: Constraint | None) -> Number:
        best, confidence, reading = ranked[0]
        others = tuple((text, share) for text, share, _ in ranked[1 : _OTHERS + 1])
        kind: Kind = "number"
        reason = None
        if confidence < self.threshold:
            kind = "unsure" if confidence >= _HOPELESS else "not a number"
            looks = spell(reading.frames)
            if constraint and not constraint.accepts(looks):
                reason = f"{kind}: {best}, though it looks like {looks or 'a blank'}"
            elif kind == "unsure":
                reason = f"unsure: {best}" + "".join(f" or {text or 'a blank'}" for text, _ in others[:1])
            else:
                reason = "not like any number"
        characters = tuple(locate(reading.line, reading.frames, best, self.temperature))
        return Number(None if reason else best, confidence, characters, best, others, kind, reason, reading.line.strip)


def _gather(**known: Any) -> Constraint | None:
    """Return what is known as a constraint; None where nothing is."""
    return Constraint(**known) if any(one is not None for one in known.values()) else None


def open_session(network: bytes) -> onnxruntime.InferenceSession:
    """Return a session that runs a network of numbers from an ONNX file's bytes, on the processor.

    Raises:
        ValueError: it is no ONNX file, or not of a network from x (n, 32, w, 1) to frames of fifteen logits.
    """
    session = start_session(network)
    ends = [[(end.type, end.shape) for end in side] for side in (session.get_inputs(), session.get_outputs())]
    forms = [side[0][1] for side in ends if len(side) == 1 and side[0][0] == "tensor(float)"]
    if [len(form) for form in forms] != [4, 3] or forms[0][1::2] != [HEIGHT, 1] or forms[1][2] != BLANK + 1:
        raise ValueError(f"expected a network from float (n, 32, w, 1) to float (n, w / 2, 15), got {str(ends)[:200]}")
    return session
