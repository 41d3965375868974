"""Pictures decoded in processes of their own: the same pixels, and an end to whatever takes too long."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitrec.app import decoder
from digitrec.app.decoder import QUICK, THOROUGH, Decoders, TooLarge
from digitrec.preprocessing.decoding import FINE_SIDE, PictureError, read_picture

DRAWINGS = sorted((Path(__file__).parents[2] / "data" / "samples").glob("*.*g"))
SEVEN = (Path(__file__).parents[2] / "data" / "samples" / "7_crossed.png").read_bytes()
POSIX = pytest.mark.skipif(os.name != "posix", reason="a process that limits itself needs POSIX")


def encode(pixels, form="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **({"compress_level": 0} if form == "PNG" else {}))
    return file.getvalue()


NOISE = encode(np.random.default_rng(0).integers(0, 256, (2000, 2000, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def quick():
    decoders = Decoders(1, QUICK)
    yield decoders
    decoders.close()


@pytest.fixture
def thorough():
    decoders = Decoders(1, THOROUGH)
    yield decoders
    decoders.close()


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_decodes_as_in_this_process(quick, path):
    decoded = quick.decode(path.read_bytes())
    assert np.array_equal(np.asarray(decoded), read_picture(path, FINE_SIDE))
    assert np.array_equal(read_picture(decoded), read_picture(path))


@pytest.mark.parametrize(
    ("width", "height", "shrunk"), [(28, 20, 1), (1000, 300, 1), (1200, 300, 1.2), (300, 2500, 2.5)]
)
def test_says_how_much_smaller_it_made_a_picture(quick, width, height, shrunk):
    picture = quick.decode(encode(np.full((height, width), 200, np.uint8), "GIF"))
    assert picture.info["shrunk"] == pytest.approx(shrunk)


def test_says_so_of_a_picture_that_it_turned(quick):
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (2000, 500), 255).save(file, "JPEG", exif=exif)
    picture = quick.decode(file.getvalue())
    assert (picture.size, picture.info["shrunk"]) == ((250, 1000), 2)


@pytest.mark.parametrize("pixels", [np.eye(28, dtype=np.uint8), np.zeros((5, 3, 3), np.uint8)], ids=["faint", "black"])
def test_numbers_mean_the_same_on_both_sides(quick, pixels):
    """A file whose levels are 0 and 1 is nearly black; as an array it would be booleans."""
    data = encode(pixels)
    assert np.array_equal(read_picture(quick.decode(data)), read_picture(data))


@pytest.mark.parametrize("data", [b"", b"no picture", SEVEN[:900], b"\x89PNG\r\n\x1a\n"])
def test_refuses_in_the_words_of_read_picture(quick, data):
    with pytest.raises(PictureError) as here:
        read_picture(data)
    with pytest.raises(PictureError) as there:
        quick.decode(data)
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize("data", [NOISE, encode(np.full((1100, 1000), 255, np.uint8), "GIF")], ids=["bytes", "pixels"])
def test_hands_on_what_is_no_quick_look(quick, thorough, data):
    with pytest.raises(TooLarge):
        quick.decode(data)
    assert np.array_equal(np.asarray(thorough.decode(data)), read_picture(data, FINE_SIDE))
    assert np.array_equal(np.asarray(quick.decode(SEVEN)), read_picture(SEVEN))


@POSIX
@pytest.mark.parametrize(("hand_on", "error"), [(True, TooLarge), (False, PictureError)])
def test_ends_what_takes_too_long_and_goes_on(hand_on, error):
    decoders = Decoders(1, THOROUGH._replace(seconds=0.001, hand_on=hand_on))
    try:
        for _ in range(2):
            with pytest.raises(error, match=r"^$|expected one that is decoded within 0\.001 s"):
                decoders.decode(NOISE)
    finally:
        decoders.close()


@POSIX
def test_a_process_that_hangs_is_ended_by_the_clock(thorough, monkeypatch):
    thorough.decode(SEVEN)
    monkeypatch.setattr(decoder, "PATIENCE", 0.2)
    os.kill(thorough._all[0]._process.pid, signal.SIGSTOP)
    begin = time.monotonic()
    with pytest.raises(PictureError, match="decoded within"):
        thorough.decode(SEVEN)
    assert time.monotonic() - begin < 5
    monkeypatch.undo()
    assert np.array_equal(np.asarray(thorough.decode(SEVEN)), read_picture(SEVEN))


def test_a_process_that_was_ended_by_others_is_replaced(thorough):
    for _ in range(2):
        thorough._all[0]._process.kill()
        thorough._all[0]._process.wait()
        assert np.array_equal(np.asarray(thorough.decode(SEVEN)), read_picture(SEVEN))


@POSIX
def test_memory_is_limited():
    code = "from digitrec.app import decoder; decoder._limit_memory(); bytearray(2 * decoder.MEMORY)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].startswith("MemoryError")


def test_processes_end_with_their_owner_and_say_nothing():
    code = (
        "from digitrec.app.decoder import *; decoders = Decoders(2, THOROUGH)\n"
        "print(*(one._process.pid for one in decoders._all))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    end = time.monotonic() + 10
    while any(Path(f"/proc/{process}/exe").exists() for process in done.stdout.split()):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_closing_ends_the_processes():
    decoders = Decoders(2, QUICK)
    decoders.close()
    assert all(one._process.returncode is not None for one in decoders._all)
