"""Readings of numbers to text, JSON and CSV, and to annotated pictures."""

import json
from typing import TYPE_CHECKING, Any

from PIL import Image

from digitrec.calibration import format_confidence
from digitrec.cli.console import escape, write_row

if TYPE_CHECKING:
    from digitrec.cli.files import Reading

_KEYS = ("file", "text", "best", "confidence", "kind", "reason", "error")


def format_text(reading: "Reading") -> str:
    """Write a reading as a line for people: path, number or –, confidence, why it was declined."""
    number = reading.answer
    if number is None:
        return f"{escape(reading.path)}: {reading.error}"
    line = f"{escape(reading.path):<40}  {number.text or '–':<10}  {format_confidence(number.confidence):>7}"
    return line + (f"  {number.reason}" if number.reason else "")


def format_json(reading: "Reading") -> str:
    """Write a reading as a line of JSON; every line has the same keys, boxes are left, top, right, bottom in pixels."""
    return json.dumps(_tabulate(reading))


def format_csv(reading: "Reading | None") -> str:
    """Write a reading as a row of CSV, quoted where need be; None gives the header."""
    row = list(_KEYS) if reading is None else [_tabulate(reading)[key] for key in _KEYS]
    return write_row(row)


def draw_reading(reading: "Reading") -> Image.Image:
    """Draw the picture, a box around each character with what it is, and the answer below."""
    from PIL import ImageDraw, ImageFont

    number = reading.answer
    if number is None or reading.picture is None:
        raise ValueError(f"{reading.path}: expected a picture that could be read, got {reading.error}")
    picture = Image.fromarray(reading.picture).convert("RGB")
    times = max(1.0, 560 / max(picture.size))
    given = times * max(picture.size) / max(reading.size or picture.size)
    picture = picture.resize([max(1, round(side * times)) for side in picture.size], Image.Resampling.NEAREST)
    gap, below, width = 20, 80, max(picture.width, 360)
    sheet = Image.new("RGB", (width + 2 * gap, picture.height + 3 * gap + below), "white")
    sheet.paste(picture, (gap, 2 * gap))
    pen, small = ImageDraw.Draw(sheet), ImageFont.load_default(18)
    for one in number.characters:
        left, top, right, bottom = (side * given for side in one.box)
        box = (gap + left, 2 * gap + top, gap + max(right, left + 1), 2 * gap + max(bottom, top + 1))
        pen.rectangle(box, outline=(0, 114, 178), width=2)
        pen.text(((box[0] + box[2]) / 2, box[1] - 2), one.text, (0, 114, 178), small, anchor="mb")
    middle = picture.height + 2 * gap + below // 2
    answer = number.text or "-"  # Pillow's own font has no dash
    large = ImageFont.load_default(44)
    pen.text((gap, middle), answer, "black", large, anchor="lm")
    text = "  ".join(filter(None, (format_confidence(number.confidence), number.reason)))
    pen.text(
        (gap + pen.textlength(answer, large) + gap, middle), text, "black", ImageFont.load_default(20), anchor="lm"
    )
    return sheet


def _tabulate(reading: "Reading") -> dict[str, Any]:
    number = reading.answer
    return {
        "file": reading.path,
        "text": number and number.text,
        "best": number and number.best,
        "confidence": number and round(number.confidence, 6),
        "characters": number
        and [
            {"text": one.text, "confidence": round(one.confidence, 6), "box": [round(side, 1) for side in one.box]}
            for one in number.characters
        ],
        "alternatives": number and [{"text": text, "confidence": round(p, 6)} for text, p in number.alternatives],
        "kind": number and number.kind,
        "reason": number and number.reason,
        "size": reading.size and list(reading.size),
        "error": reading.error,
    }
