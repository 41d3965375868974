"""Pictures decoded in processes of their own: whatever a file does there ends there, in bounded time and memory.

`python -m digitrec.app.decoder` is such a process: it reads files and writes their pixels until its input ends.
"""

import io
import math
import os
import queue
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import IO, Any, NamedTuple

import numpy as np
from PIL import Image

from digitrec.preprocessing.decoding import FINE_SIDE, FORMATS, PictureError, open_picture, read_picture

MEMORY = 1_000_000_000  # bytes of a process's address space; 36 megapixels in colour take 300 MB
PATIENCE = 10  # seconds by the clock, also where a process cannot count its own
_PICTURE, _REFUSED, _LARGE = b"P", b"R", b"L"
# What it is; the longer side given; of pixels height, width and channels, of a refusal its length.
_REPLY = struct.Struct(">cIIII")


class Limits(NamedTuple):
    """How much a picture may be, how long the processor may work on it, and if what is more is handed on or refused."""

    bytes: int
    pixels: int
    seconds: float
    hand_on: bool


QUICK = Limits(200_000, 1_000_000, 0.25, hand_on=True)  # a drawing has 80 KB, a wide one 196, and takes no millisecond
THOROUGH = Limits(2**32 - 1, 2**32, 1.0, hand_on=False)  # `read_picture` has bounds of its own


class TooLarge(Exception):
    """A picture that exceeds the limits, and that others may decode."""


class Decoders:
    """Processes that decode pictures, one picture each at a time.

    Args:
        count: of processes; each takes some 40 MB.
        limits: of each picture.
    """

    def __init__(self, count: int, limits: Limits) -> None:
        self._limits = limits
        self._all = [_Decoder(limits) for _ in range(count)]
        self._free: queue.SimpleQueue[_Decoder] = queue.SimpleQueue()
        for decoder in self._all:
            self._free.put(decoder)

    def decode(self, data: bytes) -> Image.Image:
        """Return the pixels of a picture's file, as `read_picture` reads it: upright, without alpha, not large.

        How many times smaller than the file's they are stands in the picture's `info`, as "shrunk".

        Raises:
            TooLarge: it exceeds the limits, and is handed on.
            PictureError: it is no picture, damaged, or too much to decode.
        """
        if len(data) > self._limits.bytes:
            raise TooLarge
        decoder = self._free.get()
        try:
            kind, side, content = decoder.ask(data)
        except _Ended as ended:
            if self._limits.hand_on:
                raise TooLarge from ended
            raise PictureError(
                f"picture: expected one that is decoded within {self._limits.seconds:g} s and "
                f"{MEMORY // 1_000_000} MB of memory; save it smaller"
            ) from ended
        finally:
            self._free.put(decoder)
        if kind == _LARGE:
            raise TooLarge
        if kind == _REFUSED:
            raise PictureError(bytes(content).decode())
        image = Image.fromarray(content)
        image.info["shrunk"] = max(side / max(image.size), 1.0)
        return image

    def close(self) -> None:
        """End the processes."""
        for decoder in self._all:
            decoder.end()


class _Ended(Exception):
    """A process that ended while it decoded a picture."""


class _Decoder:
    """One process; where it ends, another takes its place."""

    def __init__(self, limits: Limits) -> None:
        self._command = [sys.executable, "-P", "-m", "digitrec.app.decoder", str(limits.pixels), str(limits.seconds)]
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the server, whose end closes the input
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each thread of it would reserve memory
        )

    def ask(self, data: bytes) -> tuple[bytes, int, np.ndarray]:
        """Return what the process makes of a file: the kind of its reply, the longer side given, and what it holds."""
        if self._process.poll() is not None:
            self.end()
            self._start()
        source, sink = self._process.stdout, self._process.stdin
        assert source is not None
        assert sink is not None
        clock = threading.Timer(PATIENCE, self._process.kill)
        clock.start()
        try:
            _write(sink, [len(data).to_bytes(4, "big"), data])
            kind, side, *shape = _REPLY.unpack(_read(source, _REPLY.size))
            shape = [side for side in shape if side]
            size = math.prod(shape) if shape else 0
            return kind, side, np.frombuffer(_read(source, size), np.uint8).reshape(shape or 0)
        except (OSError, EOFError) as error:
            self.end()
            self._start()
            raise _Ended from error
        finally:
            clock.cancel()

    def end(self) -> None:
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what it was sent and did not read
                assert stream is not None
                stream.close()
        self._process.wait()


def _read(source: IO[bytes], size: int) -> bytes:
    content = source.read(size)
    if len(content) < size:
        raise EOFError
    return content


def _write(sink: IO[bytes], parts: Iterable[bytes]) -> None:
    for part in parts:
        sink.write(part)
    sink.flush()


def serve(pixels: int, seconds: float, source: IO[bytes], sink: IO[bytes]) -> None:
    """Decode one picture after another until the input ends; one that takes longer than `seconds` ends the process."""
    _limit_memory()
    while size := source.read(4):
        data = _read(source, int.from_bytes(size, "big"))
        _limit_time(seconds)
        reply = _reply(data, pixels)
        _limit_time(0)
        _write(sink, reply)


def _reply(data: bytes, most_pixels: int) -> list[bytes]:
    try:
        picture = open_picture(data)
        given = _measure_sides(picture)
        if math.prod(given) > most_pixels:
            return [_REPLY.pack(_LARGE, 0, 0, 0, 0)]
        pixels = read_picture(picture, FINE_SIDE)
    except PictureError as error:
        text = str(error).encode()
        return [_REPLY.pack(_REFUSED, 0, len(text), 0, 0), text]
    height, width, *channels = pixels.shape
    return [_REPLY.pack(_PICTURE, max(given), height, width, *channels or [0]), pixels.tobytes()]


def _measure_sides(picture: Any) -> tuple[int, int]:
    """Return the sides that a picture says it has; 0 where it says nothing that can be understood."""
    if isinstance(picture, Image.Image):
        return picture.size
    try:
        with Image.open(io.BytesIO(picture), formats=FORMATS) as image:
            return image.size
    except Exception:  # Pillow's plugins raise of all kinds; `read_picture` says it in words
        return 0, 0


def _limit_memory() -> None:
    with suppress(ImportError):  # Windows has no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _limit_time(seconds: float) -> None:
    """Let the process end once it has worked so long; 0 lifts the limit. The signal ends it inside of Pillow, too."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]), sys.stdin.buffer, sys.stdout.buffer)
