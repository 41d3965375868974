"""What the page and its clients can ask for: JSON values in, JSON values out, whatever comes."""

import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from digitrec.app.sentences import describe_answer, describe_number
from digitrec.calibration import format_confidence
from digitrec.explanation import explain as explain_answer
from digitrec.handwriting.samples import SampleFolder
from digitrec.preprocessing.decoding import PictureError
from digitrec.preprocessing.form import to_mnist
from digitrec.recognizer import Recognizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitrec.app.lessons import Lessons
    from digitrec.numbers.reader import NumberReader

MAX_BYTES = 20_000_000  # of a picture's file: a phone's photo has 2 to 12 MB


class Api:
    """The functions behind the page; each raises ValueError, in one line, where it was asked for what cannot be.

    Args:
        recognizer: reads the pictures.
        samples: where they are kept.
        decode: turns the bytes of a file into what `read_picture` takes; left out, they are decoded where they are
            read.
        numbers: reads whole numbers; None where there is no network for them.
        layers: shows what the network's layers make of a picture; None where its file is not known.
        lessons: teaches a network the samples; None where it is not known which.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        samples: SampleFolder,
        decode: Callable[[bytes], Any] = lambda data: data,
        numbers: "NumberReader | None" = None,
        layers: "Callable[[NDArray[np.uint8]], list[NDArray[np.uint8]]] | None" = None,
        lessons: "Lessons | None" = None,
    ) -> None:
        self._recognizer = recognizer
        self._samples = samples
        self._decode = decode
        self._numbers = numbers
        self._layers = layers
        self._lessons = lessons

    def use(self, recognizer: Recognizer, layers: "Callable[[NDArray[np.uint8]], list[NDArray[np.uint8]]]") -> None:
        """Read with another network from now on."""
        self._recognizer, self._layers = recognizer, layers

    def read(self, picture: str, explain: bool = False, layers: bool = False) -> dict[str, Any]:
        """Read the digit in a picture.

        Args:
            picture: the file's bytes (PNG, JPEG, BMP, GIF, TIFF, WEBP or PPM, at most 20 MB) in base64, or as a
                data: URL.
            explain: also say where the network looked; takes about ten times as long.
            layers: also say what each layer makes of it.

        Returns:
            kind ("digit", or why there is none: "blank", "unsure", "several digits", "not a digit"), digit (0-9, None
            where it declines), confidence (0-1), probabilities (ten: the digits among themselves), shares (eleven:
            those of the digits, and that of no single digit), percent (the shares as texts), reason (None where it
            answers), says (answer or reason in plain words), image (28 rows of 28 numbers 0-255: what the network
            saw), heat (28 rows of 28 numbers, positive where ink speaks for the digit; None unless asked for) and
            layers (as `layers` gives them; None unless asked for).
        """
        seen = self._open(picture)
        if explain:
            explanation = explain_answer(self._recognizer, seen)
            answer, heat = explanation.answer, explanation.heat.round(2).tolist()
        else:
            answer, heat = self._recognizer.predict(seen), None
        shares = [*answer.shares.tolist(), answer.none]
        return {
            "kind": answer.kind,
            "digit": answer.digit,
            "confidence": round(answer.confidence, 4),
            "probabilities": [round(float(probability), 4) for probability in answer.probabilities],
            "shares": [round(share, 4) for share in shares],
            "percent": [format_confidence(share) for share in shares],
            "reason": answer.reason,
            "says": describe_answer(answer),
            "image": answer.image.tolist(),
            "heat": heat,
            "layers": self._look(answer.image) if layers else None,
        }

    def read_number(self, picture: str, length: int = 0, pattern: str = "", characters: str = "") -> dict[str, Any]:
        """Read the whole number in a picture.

        Args:
            picture: as `read` takes it.
            length: how many characters the number has; 0 where that is not known.
            pattern: how it is written, such as "dd.d": a digit for every d, the rest as it stands; empty for any.
            characters: those that it may have, such as "0123456789"; empty for all that can be read.

        Returns:
            kind ("number", or why there is none: "blank", "unsure", "not a number"), text (None where it declines),
            best (the likeliest reading all the same, None for a blank), confidence (0-1), percent (the same as text),
            characters (of the best reading, from the left: each with text, confidence, percent and box, its left,
            top, right and bottom in the picture's pixels), alternatives (the readings after the best: text,
            confidence, percent), reason (None where it answers), says (answer or reason in plain words) and image
            (32 rows of numbers 0-255: what the network saw).
        """
        if self._numbers is None:
            raise ValueError("read_number: expected a network of numbers in models/numbers, found none; ask read")
        seen = self._open(picture)
        number = self._numbers.predict(
            seen, length=length or None, pattern=pattern or None, characters=characters or None
        )
        scale = getattr(seen, "info", {}).get("shrunk", 1)  # by whoever decoded it
        return {
            "kind": number.kind,
            "text": number.text,
            "best": number.best,
            **_rate(number.confidence),
            "characters": [
                {"text": one.text, **_rate(one.confidence), "box": [round(scale * side, 1) for side in one.box]}
                for one in number.characters
            ],
            "alternatives": [{"text": text, **_rate(confidence)} for text, confidence in number.alternatives],
            "reason": number.reason,
            "says": describe_number(number),
            "image": number.strip.tolist(),
        }

    def layers(self, picture: str) -> list[dict[str, Any]]:
        """Say what each layer of the network makes of a picture.

        Args:
            picture: as `read` takes it.

        Returns:
            Of each layer from the first on, channels, height and width of its maps, and the maps themselves: their
            bytes in that order, 255 where the layer answers most, in base64.
        """
        return self._look(to_mnist(self._open(picture)))

    def keep(self, picture: str, digit: int) -> dict[str, Any]:
        """Keep a picture as a labelled sample; a label given before is replaced.

        Args:
            picture: as `read` takes it.
            digit: what it shows, 0-9.

        Returns:
            As `samples`.
        """
        self._samples.keep(self._open(picture), digit)
        return self.samples()

    def forget(self, picture: str) -> dict[str, Any]:
        """Remove a picture from the samples.

        Args:
            picture: as it was kept.

        Returns:
            As `samples`.
        """
        self._samples.forget(self._open(picture))
        return self.samples()

    def samples(self) -> dict[str, Any]:
        """Say where the samples lie (folder) and how many there are of each digit (counts)."""
        return {"folder": str(self._samples.folder), "counts": self._samples.count()}

    def teach(self) -> dict[str, Any]:
        """Begin to teach the network the samples, in a process of its own; the page reads with it once it is done.

        Returns:
            As `lesson`.
        """
        return self._change(lambda lessons: lessons.start())

    def stop_teaching(self) -> dict[str, Any]:
        """Stop a lesson that is under way: nothing has changed then.

        Returns:
            As `lesson`.
        """
        return self._change(lambda lessons: lessons.stop())

    def lesson(self) -> dict[str, Any]:
        """Say whether a lesson is running, how much of it is done (share, 0-1), what it says, and if it failed."""
        return self._change(lambda lessons: None)

    def _look(self, image: "NDArray[np.uint8]") -> list[dict[str, Any]]:
        if self._layers is None:
            raise ValueError("layers: expected a network that was given as a model folder, got one without its file")
        return [
            {
                **dict(zip(("channels", "height", "width"), maps.shape, strict=True)),
                "maps": base64.b64encode(maps.tobytes()).decode(),
            }
            for maps in self._layers(image)
        ]

    def _change(self, change: "Callable[[Lessons], None]") -> dict[str, Any]:
        if self._lessons is None:
            raise ValueError("teach: expected a network that was given as a model folder, got one without its file")
        change(self._lessons)
        return self._lessons.describe()

    def _open(self, picture: str) -> Any:
        return self._decode(decode_picture(picture))


def _rate(confidence: float) -> dict[str, Any]:
    return {"confidence": round(float(confidence), 4), "percent": format_confidence(confidence)}


def decode_picture(picture: Any) -> bytes:
    """Return the bytes of a picture that came as base64 or as a data: URL.

    Raises:
        PictureError: it is neither, or too large.
    """
    if not isinstance(picture, str):
        raise PictureError(f"picture: expected a file's bytes in base64 or a data: URL, got {type(picture).__name__}")
    text = picture.partition(",")[2] if picture.startswith("data:") else picture
    if len(text) > MAX_BYTES * 4 / 3 + 4:
        raise PictureError(f"picture: expected at most {MAX_BYTES // 1_000_000} MB, got {len(text) * 3 // 4_000_000}")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError("picture: expected a file's bytes in base64 or a data: URL, got other text") from error
