"""Fuzz the door with Atheris: bytes in; all but an answer or a `PictureError`, soon and in little memory, is a finding.

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
    from digitrec.pictures import PictureError
    from digitrec.recognizer import Answer, Recognizer

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
MAX_SECONDS = 1.0  # of processor time, which a busy machine does not stretch
MAX_MIB = 300  # that reading one input may take on top


class Finding(Exception):
    """An input that the door handled badly, though it raised nothing."""


def write_seeds(folder: Path) -> list[bytes]:
    """Write the samples, and a small digit in every format and mode, as the corpus to start from; return them."""
    small = Image.open(SAMPLES / "0_canvas.png").convert("RGB").resize((32, 32))
    grey, words = small.convert("L"), small.convert("I").convert("I;16")
    variants: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (small, "PNG", {}), (small.convert("1"), "PNG", {}), (small.convert("P"), "PNG", {"transparency": 0}),
        (small.convert("RGBA"), "PNG", {"interlace": 1}), (grey.convert("LA"), "PNG", {}), (words, "PNG", {}),
        (small, "JPEG", {"progressive": True}), (small.convert("CMYK"), "JPEG", {}),
        (small, "JPEG", {"exif": _rotated()}), (small, "MPO", {"save_all": True, "append_images": [small]}),
        (small, "BMP", {}), (small.convert("P"), "BMP", {}), (small.convert("P"), "GIF", {"transparency": 1}),
        (small, "GIF", {"save_all": True, "append_images": [grey]}), (small, "TIFF", {}),
        (small, "TIFF", {"compression": "tiff_lzw"}), (small, "TIFF", {"compression": "jpeg"}), (words, "TIFF", {}),
        (grey.convert("F"), "TIFF", {}), (small, "WEBP", {}), (small.convert("RGBA"), "WEBP", {"lossless": True}),
        (small, "PPM", {}), (small.convert("1"), "PPM", {}),
    ]  # fmt: skip
    seeds = [path.read_bytes() for path in sorted(SAMPLES.iterdir()) if path.suffix in (".png", ".jpg")]
    for image, form, options in variants:
        file = io.BytesIO()
        image.save(file, form, **options)
        seeds.append(file.getvalue())
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number:02}").write_bytes(seed)
    return seeds


def _rotated() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _read_memory(name: str) -> int:
    """Return VmRSS or VmHWM (its peak) of this process in MiB; Linux only."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) // 1024


def main() -> None:
    recognizer = Recognizer.load("cnn")

    def read(data: bytes) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before, start = _read_memory("VmRSS"), time.process_time()
        try:
            answer = recognizer.predict(data)
        except PictureError as error:
            if "\n" in str(error):
                raise Finding(f"a message of more than one line: {error}") from error
        else:
            if not isinstance(answer, Answer) or not 0 <= answer.confidence <= 1:
                raise Finding(f"no answer: {answer}")
        if (taken := time.process_time() - start) > MAX_SECONDS:
            raise Finding(f"took {taken:.1f} s")
        if (growth := _read_memory("VmHWM") - before) > MAX_MIB:
            raise Finding(f"took {growth} MiB")

    with tempfile.TemporaryDirectory() as folder:
        arguments = list(sys.argv)
        for seed in write_seeds(Path(folder)):
            read(seed)  # what a decoder loads once is not this input's
        if not any(Path(argument).exists() for argument in arguments[1:]):
            # Atheris itself grows by some 25 KB a run; what reading takes is measured above.
            arguments += ["-max_len=65536", "-rss_limit_mb=12000", folder]
        atheris.Setup(arguments, read)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
