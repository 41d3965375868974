"""Measure the reading of whole numbers on labelled pictures, beside other programs where they are asked for.

A set is a folder with pictures and labels.csv (`file,label`) whose labels are numbers; "blank" is the label of a cell
without one. Where no label of a set holds a mark, digits alone are compared. Nothing is declined but where it says so.

Methods: ctc, the network of numbers as it ships; lattice, cuts and the single digits' network; cut, connected pieces
and the same. RapidOCR needs `pip install rapidocr onnxruntime` in an environment of its own, whose Python is named;
Tesseract the program `tesseract`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from digitrec import NumberReader, Recognizer, records
from digitrec.numbers.constraints import CHARACTERS
from digitrec.numbers.evaluation import count_confusions, summarise, tabulate_lengths
from digitrec.numbers.segmentation import read_cut, read_lattice
from digitrec.numbers.sets import list_sets

# Recognition alone, on the whole picture as it is given, brought to 48 pixels, with paper at both sides.
RAPIDOCR = """
import json, sys
from importlib.metadata import version
from rapidocr import RapidOCR
engine = RapidOCR()
print(json.dumps({"version": version("rapidocr")}), flush=True)
for line in sys.stdin:
    result = engine(line.strip(), use_det=False, use_cls=False, use_rec=True)
    print(json.dumps((result.txts or [""])[0]), flush=True)
"""


class Read(NamedTuple):
    """What was read in a picture: the likeliest text, its confidence, and the seconds that took."""

    text: str | None
    confidence: float
    seconds: float


def main() -> None:
    """Measure every set; print a table, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder of sets")
    parser.add_argument("--model", default="numbers", help="name or folder of the model (default: %(default)s)")
    parser.add_argument("--methods", default="ctc", help="of ctc, lattice, cut, with commas (default: %(default)s)")
    parser.add_argument("--rapidocr", metavar="PYTHON", help="the Python of an environment that has RapidOCR")
    parser.add_argument("--tesseract", action="store_true", help="measure Tesseract as well")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    options = parser.parse_args()
    readers, versions = {}, {}
    for method in options.methods.split(","):
        readers[method] = choose_method(method, options.model)
    if options.rapidocr:
        readers["rapidocr"], versions["rapidocr"] = start_rapidocr(options.rapidocr)
    if options.tesseract:
        readers["tesseract"] = read_with_tesseract
        versions["tesseract"] = run("tesseract", "--version").split()[1]
    threshold = NumberReader.load(options.model).threshold
    sets = list_sets(options.folder)
    if not sets:
        raise SystemExit(f"{options.folder}: expected folders with a labels.csv of numbers, found none")
    results: dict = {name: {} for name in readers}
    for name, pictures in sets.items():
        for method, read in readers.items():
            results[method][name] = measure(read, pictures, threshold)
            print(describe(method, name, results[method][name]), flush=True)
    if options.json:
        values = {"model": options.model, "threshold": threshold, "others": versions, "methods": results}
        records.write_result(options.json, values)


def measure(
    read: Callable[[Path], tuple[str | None, float]], pictures: list[tuple[Path, str]], threshold: float
) -> dict:
    """Read the pictures of a set; return the figures."""
    readings = []
    for path, _ in pictures:
        start = time.perf_counter()
        readings.append(Read(*read(path), time.perf_counter() - start))
    texts, labels = [one.text for one in readings], [label for _, label in pictures]
    figures = summarise(texts, [one.confidence for one in readings], labels, threshold)
    figures["lengths"] = {str(length): counts for length, counts in tabulate_lengths(texts, labels).items()}
    figures["confusions"] = [[*pair, n] for pair, n in count_confusions(texts, labels).most_common(10)]
    if not any(one.confidence < 1 for one in readings):  # a program that says nothing of its doubts
        figures |= dict.fromkeys(("answered", "right_of_answered", "calibration_error"))
    figures["ms"] = 1000 * statistics.median(one.seconds for one in readings)
    return {key: None if value != value else value for key, value in figures.items()}


def describe(method: str, name: str, figures: dict) -> str:
    """Write the figures of a set as a line."""
    line = f"{method:10s} {name:16s} {figures['n']:5d}  right {figures['right']:6.1%}"
    if figures["right_digits_only"] is not None:
        line += f" (of digits alone {figures['right_digits_only']:6.1%})"
    line += f" [{figures['low']:.1%}, {figures['high']:.1%}]"
    if figures["calibration_error"] is None:
        return line + f"  CER {figures['character_error_rate']:5.1%}  {figures['ms']:5.1f} ms"
    line += f"  answered {figures['answered']:6.1%}"
    if figures["right_of_answered"] is not None:
        line += f", right of these {figures['right_of_answered']:6.1%}"
    line += f"  ECE {figures['calibration_error']:5.1%}  CER {figures['character_error_rate']:5.1%}"
    line += f"  {figures['ms']:5.1f} ms"
    return line + (f"  blanks declined {figures['blanks_declined']:.1%}" if figures["blanks"] else "")


def choose_method(method: str, model: str) -> Callable[[Path], tuple[str | None, float]]:
    """Return what reads a picture by one of our methods."""
    if method == "ctc":
        reader = NumberReader.load(model)

        def read(path: Path) -> tuple[str | None, float]:
            number = reader.predict(path)
            return number.best, number.confidence

        return read
    recognizer, segment = Recognizer.load("cnn"), {"cut": read_cut, "lattice": read_lattice}[method]
    return lambda path: segment(recognizer, path)


def start_rapidocr(python: str) -> tuple[Callable[[Path], tuple[str | None, float]], str]:
    """Start RapidOCR in its own environment; return what reads a picture with it, and its version."""
    process = subprocess.Popen(
        [python, "-c", RAPIDOCR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    sink, source = process.stdin, process.stdout

    def read_json() -> object:
        for line in source:
            if line[:1] in '"{':
                return json.loads(line)
        raise SystemExit("RapidOCR ended")

    version = read_json()
    assert isinstance(version, dict)
    beside = Path(tempfile.mkdtemp()) / "picture.png"

    def read(path: Path) -> tuple[str | None, float]:
        bring_to_48(path).save(beside)
        print(beside, file=sink, flush=True)
        return tidy(str(read_json())), 1.0

    return read, str(version["version"])


def bring_to_48(path: Path) -> Image.Image:
    """Lay a picture on white, scale it to 48 pixels of height and leave paper at its sides."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    grey = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("L")
    scaled = grey.resize((max(round(grey.width * 48 / grey.height), 8), 48), Image.Resampling.BICUBIC)
    return ImageOps.expand(scaled, (16, 0), int(np.median(np.asarray(scaled)))).convert("RGB")


def read_with_tesseract(path: Path) -> tuple[str | None, float]:
    """Read a picture with Tesseract, a single line of digits and marks."""
    enlarged = run("tesseract", str(path), "-", "--psm", "7", "-c", f"tessedit_char_whitelist={CHARACTERS}")
    return tidy(enlarged), 1.0


def tidy(text: str) -> str:
    """Keep of a text what a number is written in, without leading and trailing marks."""
    return "".join(one for one in text if one in CHARACTERS).strip(".,")


def run(*command: str) -> str:
    """Return what a program writes."""
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout or done.stderr


if __name__ == "__main__":
    sys.exit(main())
