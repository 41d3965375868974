"""Readings to text, JSON and CSV, and to annotated pictures."""

import io
import json
import os
import secrets
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from digitrec.calibration import format_confidence
from digitrec.cli.console import escape, write_row

if TYPE_CHECKING:
    from digitrec.cli.files import Reading
    from digitrec.recognizer import Answer


def format_text(reading: "Reading", top: int = 0) -> str:
    """Write a reading as a line for people: path, digit or –, confidence, why it was declined, the `top` digits."""
    answer = reading.answer
    if answer is None:
        return f"{escape(reading.path)}: {reading.error}"
    line = f"{escape(reading.path):<40}  {_name_digit(answer)}  {format_confidence(answer.confidence):>7}"
    if answer.reason:
        line += f"  {_explain(answer)}"
    if top:
        ranked = (f"{entry['digit']} {format_confidence(entry['probability'])}" for entry in _rank(answer, top))
        line += f"  [{', '.join(ranked)}]"
    return line


def format_json(reading: "Reading", top: int = 0) -> str:
    """Write a reading as a line of JSON; every line has the same keys, probabilities are rounded to 6 digits."""
    return json.dumps(_tabulate(reading, top))


def format_csv(reading: "Reading | None", top: int = 0) -> str:
    """Write a reading as a row of CSV, quoted where need be; None gives the header."""
    if reading is None:
        row = ["path", "digit", "confidence", "reason", "error", *(f"p{digit}" for digit in range(10))]
        row += [name for rank in range(1, top + 1) for name in (f"digit_{rank}", f"probability_{rank}")]
    else:
        entry = _tabulate(reading, top)
        row = [entry[key] for key in ("path", "digit", "confidence", "reason", "error")]
        row += entry["probabilities"] or [None] * 10
        row += [value for ranked in entry.get("top") or [{}] * top for value in (ranked.values() or [None, None])]
    return write_row(row)


class Annotator:
    """Writes a PNG for each reading into a folder; an existing file is never overwritten, names are numbered on."""

    def __init__(self, folder: str, draw: "Callable[[Reading], Image.Image]") -> None:
        self.folder = Path(folder)
        self._draw = draw
        self.folder.mkdir(parents=True, exist_ok=True)
        self._seen: Counter[str] = Counter()

    def save(self, reading: "Reading") -> Path:
        """Write the drawing of a reading; return the path.

        Raises:
            OSError: the folder cannot be written; no part of the picture is left.
        """
        content = io.BytesIO()
        self._draw(reading).save(content, "PNG")
        beside = self.folder / f".part-{secrets.token_hex(6)}.png"
        try:
            beside.write_bytes(content.getvalue())
            while True:
                try:
                    return _put_in_place(beside, self._choose_path(reading))
                except FileExistsError:
                    continue
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.folder)) from error
        finally:
            beside.unlink(missing_ok=True)

    def _choose_path(self, reading: "Reading") -> Path:
        # 60 characters of at most 4 bytes: with a number, any file system takes that.
        stem = "stdin" if reading.path == "-" else Path(reading.path).stem[:60]
        self._seen[stem] += 1
        number = self._seen[stem]
        return self.folder / (f"{stem}.png" if number == 1 else f"{stem}-{number}.png")


def draw_reading(reading: "Reading") -> Image.Image:
    """Draw the picture beside the 28x28 that the network saw of it, and the answer below."""
    from PIL import ImageDraw, ImageFont, ImageOps

    if reading.answer is None or reading.picture is None:
        raise ValueError(f"{reading.path}: expected a picture that could be read, got {reading.error}")
    side, gap = 280, 20
    picture = ImageOps.contain(Image.fromarray(reading.picture).convert("RGB"), (side, side))
    seen = Image.fromarray(reading.answer.image).resize((side, side), Image.Resampling.NEAREST)
    sheet = Image.new("RGB", (2 * side + 3 * gap, side + 2 * gap + 80), "white")
    sheet.paste(picture, (gap + (side - picture.width) // 2, gap + (side - picture.height) // 2))
    sheet.paste(seen, (2 * gap + side, gap))
    pen = ImageDraw.Draw(sheet)
    middle = side + gap + 50
    digit = _name_digit(reading.answer).replace("–", "-")  # Pillow's own font has no dash
    pen.text((gap, middle), digit, "black", ImageFont.load_default(64), anchor="lm")
    text = "  ".join(filter(None, (format_confidence(reading.answer.confidence), _explain(reading.answer))))
    pen.text((gap + 70, middle), text, "black", ImageFont.load_default(24), anchor="lm")
    return sheet


def _put_in_place(beside: Path, path: Path) -> Path:
    """Give a whole file its name, unless there is a file of that name; return it."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: the name is taken first, and then filled in one step
        path.touch(exist_ok=False)
        os.replace(beside, path)
    return path


def _tabulate(reading: "Reading", top: int) -> dict[str, Any]:
    answer = reading.answer
    entry: dict[str, Any] = {
        "path": reading.path,
        "digit": answer and answer.digit,
        "confidence": answer and round(answer.confidence, 6),
        "probabilities": answer and [round(p, 6) for p in answer.probabilities.tolist()],
        "reason": answer and _explain(answer),
        "error": reading.error,
    }
    return entry | ({"top": answer and _rank(answer, top)} if top else {})


def _name_digit(answer: "Answer") -> str:
    return "–" if answer.digit is None else str(answer.digit)


def _explain(answer: "Answer") -> str | None:
    """Say why it was declined, and at the command line what reads it."""
    return "several digits: try digitrec read" if answer.kind == "several digits" else answer.reason


def _rank(answer: "Answer", top: int) -> list[dict[str, Any]]:
    order = np.argsort(-answer.probabilities, kind="stable")[:top]
    return [{"digit": int(i), "probability": round(float(answer.probabilities[i]), 6)} for i in order]
