"""Fuzz the door with Atheris: bytes in; all but an answer or a `PictureError`, soon and in little memory, is a finding.

Each input is read as a digit and as a number.

    pip install atheris
    python tests/fuzz/fuzz_door.py -max_total_time=600

Flags are libFuzzer's. It stops at the first finding and leaves the bytes that made it in ./crash-…; give that file as
the argument to run it again.
"""

import io
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["digitrec", "PIL"]):
    from PIL import Image

    Image.init()  # loads every decoder, so that all of them are instrumented
    from digitrec.numbers.reader import NumberReader
    from digitrec.preprocessing.decoding import SUFFIXES, PictureError
    from digitrec.recognizer import Recognizer

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
MAX_SECONDS = 1.0  # of processor time, which a busy machine does not stretch
MAX_MIB = 300  # that reading one input may take on top


class Finding(Exception):
    """An input that the door handled badly, though it raised nothing."""


def write_seeds(folder: Path) -> list[bytes]:
    """Write the samples, as they are and small in every format and mode, as the corpus to start from; return them."""
    paths = [path for path in sorted(SAMPLES.iterdir()) if path.suffix in SUFFIXES]
    seeds = [path.read_bytes() for path in paths]
    for path in paths:
        seeds += _encode_everyhow(Image.open(path).convert("RGB").resize((48, 48)))
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number:03}").write_bytes(seed)
    return seeds


def _encode_everyhow(small: Image.Image) -> list[bytes]:
    grey, words, flat = small.convert("L"), small.convert("I").convert("I;16"), small.convert("P")
    variants: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (small, "PNG", {}), (small.convert("1"), "PNG", {}), (flat, "PNG", {"transparency": 0}),
        (small.convert("RGBA"), "PNG", {}), (grey.convert("LA"), "PNG", {}), (words, "PNG", {}),
        (small, "PNG", {"exif": _rotated()}), (small, "PNG", {"save_all": True, "append_images": [small]}),
        (small, "JPEG", {"progressive": True}), (small.convert("CMYK"), "JPEG", {}), (grey, "JPEG", {}),
        (small, "JPEG", {"exif": _rotated()}), (small, "MPO", {"save_all": True, "append_images": [small]}),
        (small, "BMP", {}), (flat, "BMP", {}), (flat, "GIF", {"transparency": 1}),
        (small, "GIF", {"save_all": True, "append_images": [grey]}), (small, "TIFF", {}), (words, "TIFF", {}),
        (grey.convert("F"), "TIFF", {}), (grey, "TIFF", {"big_tiff": True}), (small, "TIFF", {"exif": _rotated()}),
        *[(small, "TIFF", {"compression": kind}) for kind in ("tiff_lzw", "tiff_adobe_deflate", "packbits")],
        *[(small, "TIFF", {"compression": kind}) for kind in ("jpeg", "lzma", "zstd")],
        *[(small.convert("1"), "TIFF", {"compression": kind}) for kind in ("group3", "group4")],
        (small, "WEBP", {}), (small.convert("RGBA"), "WEBP", {"lossless": True}), (small, "WEBP", {"exif": _rotated()}),
        (small, "PPM", {}), (grey, "PPM", {}), (words, "PPM", {}), (small.convert("1"), "PPM", {}),
    ]  # fmt: skip
    files = [_encode(image, form, **options) for image, form, options in variants]
    # What Pillow reads and does not write: numbers as text, and runs.
    text = f"P2\n# by hand\n{grey.width} {grey.height} 255\n{' '.join(map(str, grey.tobytes()))}\n"
    head = _encode(flat, "BMP")[:1078]
    runs = b"".join(bytes([1, value]) for value in flat.tobytes()) + b"\0\1"
    return [*files, text.encode(), head[:30] + b"\1" + head[31:] + runs]


def _encode(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def _rotated() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _read_memory(name: str) -> int:
    """Return VmRSS or VmHWM (its peak) of this process in MiB; Linux only."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) // 1024


def read(reader: Recognizer | NumberReader, data: bytes) -> None:
    """Read one input; raise what is found."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, start = _read_memory("VmRSS"), time.process_time()
    try:
        answer = reader.predict(data)
    except PictureError as error:
        if "\n" in str(error):
            raise Finding(f"a message of more than one line: {error}") from error
    else:
        if not 0 <= answer.confidence <= 1:
            raise Finding(f"no answer: {answer}")
    if (taken := time.process_time() - start) > MAX_SECONDS:
        raise Finding(f"took {taken:.1f} s")
    if (growth := _read_memory("VmHWM") - before) > MAX_MIB:
        raise Finding(f"took {growth} MiB")


def main() -> None:
    readers = Recognizer.load("cnn"), NumberReader.load("numbers")

    def read_both(data: bytes) -> None:
        for reader in readers:
            read(reader, data)

    with tempfile.TemporaryDirectory() as folder:
        arguments = list(sys.argv)
        for seed in write_seeds(Path(folder)):
            read_both(seed)  # what a decoder loads once is not this input's
        if not any(Path(argument).exists() for argument in arguments[1:]):
            # Atheris itself grows by some 25 KB a run; what reading takes is measured above.
            arguments += ["-max_len=65536", "-rss_limit_mb=12000", folder]
        atheris.Setup(arguments, read_both)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
