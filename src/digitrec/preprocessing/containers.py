"""What people have besides plain pictures: an iPhone's HEIC, a PDF's pages, a TIFF's pages; and what is no picture.

What Pillow alone cannot read takes the extra `files`; without it an error says so, and nothing is passed over.
"""

import io
from collections.abc import Iterator
from typing import Any

from PIL import Image, TiffImagePlugin, features

from digitrec.preprocessing.inspection import PictureError, WatchedFile, check_file

MAX_PAGES = 10_000
_PAGE_SIDE = 2000  # pixels of a PDF's page, its longer side: A4 at 170 a inch
_HEIC = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_AVIF = (b"avif", b"avis")
_POINTER = b"version https://git-lfs.github.com/spec/"
_HINT = "pip install 'digitrec[files]' reads it"


def iterate_pages(data: bytes) -> Iterator[Any]:
    """Yield what `read_picture` takes for each page of a file: the bytes themselves where they are one picture.

    Args:
        data: of a file.

    Raises:
        PictureError: a file that is no picture but has a name of its own, one that needs the extra `files`, or damage.
    """
    if data[:5] == b"%PDF-":
        yield from _iterate_pdf(data)
    elif data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        yield from _iterate_tiff(data)
    else:
        yield open_container(data) or data


def open_container(data: bytes) -> Image.Image | None:
    """Open a file that Pillow alone does not: its first page as an image, not decoded yet where that can wait.

    Returns:
        None where the bytes are of no such kind.

    Raises:
        PictureError: as `iterate_pages`.
    """
    _refuse(data)
    if data[:5] == b"%PDF-":
        return next(_iterate_pdf(data))
    brand = data[8:12] if data[4:8] == b"ftyp" else b""
    if brand in _HEIC and not any(one in data[16:48] for one in _AVIF):
        return _open_heic(data)
    if brand and any(one in data[8:48] for one in _AVIF):
        if not features.check("avif"):
            raise PictureError("picture: an AVIF file, which this Pillow was built without: save it as PNG or JPEG")
        from PIL import AvifImagePlugin

        return AvifImagePlugin.AvifImageFile(WatchedFile(data))
    return None


def _refuse(data: bytes) -> None:
    """Name what is no picture."""
    if data.startswith(_POINTER):
        raise PictureError("picture: a Git LFS pointer, not the picture itself: run git lfs pull")
    head = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"<svg") or (head.startswith((b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in head):
        raise PictureError("picture: an SVG drawing, which has no pixels: save it as PNG")


def _open_heic(data: bytes) -> Image.Image:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise PictureError(f"picture: a HEIC file, as iPhones write: {_HINT}") from error
    try:
        return HeifImageFile(io.BytesIO(data))
    except Exception as error:  # of libheif, of several kinds
        raise PictureError(f"picture: a damaged HEIC file ({' '.join(str(error).split())})") from error


def _iterate_pdf(data: bytes) -> Iterator[Image.Image]:
    try:
        import pypdfium2
    except ImportError as error:
        raise PictureError(f"picture: a PDF file: {_HINT}") from error
    try:
        with pypdfium2.PdfDocument(data) as document:
            if not len(document):
                raise PictureError("picture: a PDF without a page")
            for number in range(min(len(document), MAX_PAGES)):
                page = document[number]
                scale = _PAGE_SIDE / max(*page.get_size(), 1)
                yield page.render(scale=scale, grayscale=True).to_pil().copy()
                page.close()
    except pypdfium2.PdfiumError as error:
        raise PictureError(f"picture: a PDF that cannot be opened ({' '.join(str(error).split())})") from error


def _iterate_tiff(data: bytes) -> Iterator[Any]:
    """Yield the bytes where they are one picture; else one image, set to each page in turn before it is yielded."""
    pages = _open_tiff(data)
    if pages is None:
        yield data
        return
    for number in range(MAX_PAGES):
        try:
            pages.seek(number)
        except EOFError:
            return
        except Exception as error:
            raise PictureError(f"picture: page {number + 1} is damaged ({' '.join(str(error).split())})") from error
        yield pages


def _open_tiff(data: bytes) -> TiffImagePlugin.TiffImageFile | None:
    """Open a TIFF of several pages; None where there is one, or damage that reading it will name."""
    try:
        check_file(data)
        TiffImagePlugin.TiffImageFile(WatchedFile(data)).seek(1)
        return TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    except PictureError:
        raise
    except Exception:
        return None
