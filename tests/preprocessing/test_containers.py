"""Files as people have them: HEIC, AVIF, PDF and TIFF page by page; what is no picture is named, never passed over."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, features

from digitrec import NumberReader, PictureError, Recognizer, to_mnist
from digitrec.preprocessing.containers import iterate_pages, open_container
from digitrec.preprocessing.decoding import SUFFIXES, read_picture

heif = pytest.importorskip("pillow_heif")
pytest.importorskip("pypdfium2")


def draw(digit: int) -> Image.Image:
    """A seven or a one in a broad pen on paper, wider than high so that a turn shows."""
    page = np.full((120, 160), 235, np.uint8)
    if digit == 7:
        page[25:35, 60:100] = 30
        for row in range(70):
            page[30 + row, 92 - row // 3 : 102 - row // 3] = 30
    else:
        page[25:100, 74:84] = 30
    return Image.fromarray(page).convert("RGB")


def save(image: Image.Image, form: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def save_heic(image: Image.Image, **options) -> bytes:
    file = io.BytesIO()
    heif.from_pillow(image).save(file, quality=90, **options)
    return file.getvalue()


PAGES = [draw(7), draw(1), draw(7)]
TIFF = save(PAGES[0], "TIFF", save_all=True, append_images=PAGES[1:])
PDF = save(PAGES[0], "PDF", save_all=True, append_images=PAGES[1:])
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
SVG = b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'


@pytest.mark.parametrize("data", [save_heic(PAGES[0]), PDF, TIFF], ids=["heic", "pdf", "tiff"])
def test_the_first_page_is_read_like_any_picture(data):
    assert Recognizer.load("cnn").predict(data).digit == 7
    assert NumberReader.load().predict(data).best == "7"
    assert Recognizer.load("cnn").predict(io.BytesIO(data)).digit == 7


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif_is_read_where_pillow_can():
    assert Recognizer.load("cnn").predict(save(PAGES[0], "AVIF")).digit == 7


def test_a_turned_heic_is_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = PAGES[0].transpose(Image.Transpose.ROTATE_90)
    assert read_picture(save_heic(turned, exif=exif.tobytes())).shape[:2] == (120, 160)


@pytest.mark.parametrize("data", [PDF, TIFF], ids=["pdf", "tiff"])
def test_every_page_is_read_in_its_order(data):
    recognizer = Recognizer.load("cnn")
    assert [recognizer.predict(page).digit for page in iterate_pages(data)] == [7, 1, 7]


def test_a_plain_picture_is_its_own_only_page():
    data = save(PAGES[0], "PNG")
    assert list(iterate_pages(data)) == [data]
    assert list(iterate_pages(save(PAGES[0], "TIFF"))) == [save(PAGES[0], "TIFF")]
    assert open_container(data) is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (POINTER, "a Git LFS pointer, not the picture itself: run git lfs pull"),
        (SVG, "an SVG drawing, which has no pixels: save it as PNG"),
        (b"\xef\xbb\xbf  <SVG></SVG>", "an SVG drawing"),
        (b"%PDF-1.7\nnothing more", "a PDF that cannot be opened"),
        (PDF[: len(PDF) // 3], "PDF"),
        (save_heic(PAGES[0])[:200], "HEIC|damaged"),
        (save_heic(PAGES[0])[:-300], "damaged"),
    ],
)
def test_what_is_no_picture_or_damaged_is_named_in_a_line(data, said):
    with pytest.raises(PictureError, match=said) as caught:
        to_mnist(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("module", "data", "kind"), [("pillow_heif", save_heic(PAGES[0]), "HEIC"), ("pypdfium2", PDF, "PDF")]
)
def test_without_the_extra_an_error_names_it(monkeypatch, module, data, kind):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(PictureError, match=rf"{kind} file.*pip install 'digitrec\[files\]'"):
        to_mnist(data)


def test_an_address_is_to_be_downloaded_first():
    with pytest.raises(PictureError, match="download the picture first"):
        to_mnist("https://example.org/7.png")


def test_nothing_in_a_folder_is_passed_over(tmp_path):
    """Fifteen kinds of files: each page of each that shows a picture is answered, each other has its error."""
    plain = {"bmp": "BMP", "gif": "GIF", "jpg": "JPEG", "png": "PNG", "ppm": "PPM", "webp": "WEBP"}
    for ending, form in plain.items():
        (tmp_path / f"plain.{ending}").write_bytes(save(PAGES[0], form))
    (tmp_path / "phone.HEIC").write_bytes(save_heic(PAGES[0]))
    (tmp_path / "scans.tif").write_bytes(TIFF)
    (tmp_path / "scans.pdf").write_bytes(PDF)
    (tmp_path / "drawn.svg").write_bytes(SVG)
    (tmp_path / "pointer.png").write_bytes(POINTER)
    (tmp_path / "text.png").write_text("seven")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no picture, and not looked at")
    asked = [sys.executable, "-m", "digitrec", "predict", "--json", str(tmp_path)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    rows = {row["path"].rpartition("/")[2]: row for row in map(json.loads, done.stdout.splitlines())}
    read = {name: row["digit"] for name, row in rows.items() if row["error"] is None}
    pages = {
        f"scans.{ending}{page}": digit for ending in ("pdf", "tif") for page, digit in (("", 7), ("#2", 1), ("#3", 7))
    }
    assert read == {f"plain.{ending}": 7 for ending in plain} | {"phone.HEIC": 7} | pages
    assert set(rows) - set(read) == {"drawn.svg", "pointer.png", "text.png", "empty.jpg"}
    assert {".heic", ".pdf", ".svg", ".avif"} <= set(SUFFIXES)
