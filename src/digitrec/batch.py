"""A batch: any number of pictures in, what was read in each out, one by one, in order and in bounded memory."""

import csv
import glob
import io
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from digitrec.pictures import PictureError
from digitrec.preprocessing import show_stages

if TYPE_CHECKING:
    from digitrec.recognizer import Answer, Recognizer

# Of the formats that `read_picture` takes.
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp")
_DIGITS = "0123456789"


@dataclass(frozen=True)
class Reading:
    """What became of one picture of a batch.

    Attributes:
        path: as given or as found; "-" is standard input.
        answer: None where the picture could not be read.
        error: why it could not be read, one line; None where it could.
        picture: uint8 (h, w) or (h, w, 3), upright and shrunk; None where it could not be read.
    """

    path: str
    answer: "Answer | None" = None
    error: str | None = None
    picture: np.ndarray | None = None


# --- arguments to pictures to readings ----------------------------------------------------------


def find_pictures(paths: Iterable[str], skipped: str | None = None) -> Iterator[str]:
    """Find the pictures that paths stand for, each path in turn, those of one path in natural order (2 before 10).

    Args:
        paths: files; folders, searched with the folders in them for names that end in one of `SUFFIXES`, hidden ones
            and links to folders passed over; patterns with * ? [ ] **; "-" for standard input.
        skipped: a folder that is not searched.

    Yields:
        A path per picture; and a path that stands for none as it is, so that reading it tells what is wrong with it.
    """
    for path in paths:
        is_pattern = glob.has_magic(path) and not os.path.lexists(path)
        matches = sorted(glob.iglob(path, recursive=True), key=_natural_order) if is_pattern else []
        for match in matches or [path]:
            if is_pattern and is_same_folder(match, skipped):
                continue
            if os.path.isdir(match):
                yield from _search_folder(match, skipped)
            else:
                yield match


def is_same_folder(path: str, folder: str | None) -> bool:
    """Tell whether both name one folder, links resolved."""
    return folder is not None and os.path.isdir(path) and os.path.realpath(path) == os.path.realpath(folder)


def read_pictures(recognizer: "Recognizer", paths: Iterable[str]) -> Iterator[Reading]:
    """Read pictures one after another; one that cannot be read gives its error, and the rest goes on.

    Not in batches: the network takes 0.05 ms a picture, bringing it into MNIST's form 1 to 6 ms.
    """
    for path in paths:
        try:
            stages = show_stages(_find_source(path))
        except PictureError as error:
            yield Reading(path, error=str(error).removeprefix("picture: "))
        except OSError as error:
            yield Reading(path, error=error.strerror or str(error))
        else:
            yield Reading(path, recognizer.read_images(stages.image[None])[0], picture=stages.picture)


def _search_folder(folder: str, skipped: str | None) -> Iterator[str]:
    unreadable: list[str] = []
    empty = True
    for place, folders, names in os.walk(folder, onerror=lambda error: unreadable.append(error.filename)):
        folders[:] = [name for name in folders if not is_same_folder(os.path.join(place, name), skipped)]
        folders[:] = sorted((name for name in folders if name[0] != "."), key=_natural_order)
        for name in sorted(names, key=_natural_order):
            if name[0] != "." and name.lower().endswith(SUFFIXES):
                empty = False
                yield os.path.join(place, name)
    yield from unreadable or ([folder] if empty else [])


def _natural_order(name: str) -> list[str | int]:
    """Sort key that puts 2.png before 10.png."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split("([0-9]+)", name))]


def _find_source(path: str) -> str | BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    if os.path.isdir(path):
        os.listdir(path)  # raises where the folder may not be read
        raise PictureError(f"a folder without pictures (expected {' '.join(SUFFIXES)})")
    os.stat(path)  # raises with the system's own reason
    return path


# --- readings to text ---------------------------------------------------------------------------


def format_text(reading: Reading, top: int = 0) -> str:
    """Write a reading as a line for people: path, digit or –, confidence, why it was declined, the `top` digits."""
    answer = reading.answer
    if answer is None:
        return f"{escape(reading.path)}: {reading.error}"
    line = f"{escape(reading.path):<40}  {_name_digit(answer)}  {_format_percent(answer.confidence):>6}"
    if answer.reason:
        line += f"  {answer.reason}"
    if top:
        ranked = (f"{entry['digit']} {_format_percent(entry['probability'])}" for entry in _rank(answer, top))
        line += f"  [{', '.join(ranked)}]"
    return line


def format_json(reading: Reading, top: int = 0) -> str:
    """Write a reading as a line of JSON; every line has the same keys, probabilities are rounded to 6 digits."""
    answer = reading.answer
    entry: dict[str, Any] = {
        "path": reading.path,
        "digit": answer and answer.digit,
        "confidence": answer and round(answer.confidence, 6),
        "probabilities": answer and [round(p, 6) for p in answer.probabilities.tolist()],
        "reason": answer and answer.reason,
        "error": reading.error,
    }
    if top:
        entry["top"] = answer and _rank(answer, top)
    return json.dumps(entry)


def format_csv(reading: Reading | None, top: int = 0) -> str:
    """Write a reading as a row of CSV, quoted where need be; None gives the header."""
    if reading is None:
        ranks = range(1, top + 1)
        row = ["path", "digit", "confidence", "reason", "error", *(f"p{digit}" for digit in _DIGITS)]
        row += [name for rank in ranks for name in (f"digit_{rank}", f"probability_{rank}")]
    else:
        entry = json.loads(format_json(reading, top))
        row = [entry[key] for key in ("path", "digit", "confidence", "reason", "error")]
        row += entry["probabilities"] or [None] * 10
        row += [value for ranked in entry.get("top") or [{}] * top for value in (ranked.values() or [None, None])]
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(row)  # a return in a name is quoted only where it ends lines
    return text.getvalue()[:-2]


def escape(path: str) -> str:
    """Write a path on one line that no terminal takes for a command: what is not printable as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)


def _name_digit(answer: "Answer") -> str:
    return "–" if answer.digit is None else str(answer.digit)


def _format_percent(probability: float) -> str:
    """Write 0-1 as per cent; no network is entitled to 100."""
    return f"{min(100 * probability, 99.9):.1f} %"


def _rank(answer: "Answer", top: int) -> list[dict[str, Any]]:
    order = np.argsort(-answer.probabilities, kind="stable")[:top]
    return [{"digit": int(i), "probability": round(float(answer.probabilities[i]), 6)} for i in order]


# --- readings to pictures -----------------------------------------------------------------------


class Annotator:
    """Writes a PNG for each reading into a folder; an existing file is never overwritten, names are numbered on."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._seen: Counter[str] = Counter()

    def save(self, reading: Reading) -> Path:
        """Write the picture, the 28x28 that the network saw of it, and the answer; return the path."""
        data = io.BytesIO()
        draw_reading(reading).save(data, "PNG")
        # 60 characters of at most 4 bytes: with a number, any file system takes that.
        stem = "stdin" if reading.path == "-" else Path(reading.path).stem[:60]
        while True:
            self._seen[stem] += 1
            number = self._seen[stem]
            path = self.folder / (f"{stem}.png" if number == 1 else f"{stem}-{number}.png")
            try:
                with path.open("xb") as file:
                    file.write(data.getvalue())
                return path
            except FileExistsError:
                continue


def draw_reading(reading: Reading) -> Image.Image:
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
    text = "  ".join(filter(None, (_format_percent(reading.answer.confidence), reading.answer.reason)))
    pen.text((gap + 70, middle), text, "black", ImageFont.load_default(24), anchor="lm")
    return sheet


# --- progress -----------------------------------------------------------------------------------


class Progress:
    """A count on standard error, where that is a terminal and the results go elsewhere; it leaves no trace."""

    interval_s = 0.3

    def __init__(self, paths: Iterable[str]) -> None:
        self._active = sys.stderr.isatty() and not sys.stdout.isatty()
        self._total = sum(1 for _ in paths) if self._active else 0
        self._start = self._last = time.monotonic()
        self._shown = False

    def show(self, done: int) -> None:
        """Write the count, unless it was written less than `interval_s` ago."""
        now = time.monotonic()
        if self._active and now - self._last >= self.interval_s:
            self._last, self._shown = now, True
            rate = done / (now - self._start)
            print(f"\r{done:,} of {self._total:,} pictures, {rate:,.0f} a second ", end="", file=sys.stderr, flush=True)

    def erase(self) -> None:
        """Take the count off the terminal."""
        if self._shown:
            self._shown = False
            print("\r\033[K", end="", file=sys.stderr, flush=True)
