"""MNIST's files: found, or fetched and verified, and read."""

import hashlib
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec.idx import DataError, idx_header, read_idx, read_npz
from digitrec.records import DATA_FOLDER, PathLike

Pairs = tuple[NDArray[np.uint8], NDArray[np.int64]]

SHAPES = {
    "train-images-idx3-ubyte": (60_000, 28, 28),
    "train-labels-idx1-ubyte": (60_000,),
    "t10k-images-idx3-ubyte": (10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (10_000,),
}
# Of the four files unpacked, end to end in this order.
CONTENT_SHA256 = "b2d8f5bf39174ee5ffeefa97e42d673c35432b411bb5d1f74fbbeddae7f1690a"
# Of the published files.
SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    "mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
}
MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
)
TIMEOUT_S = 20.0  # without a byte, before the next mirror is tried
LEAST_RATE = 10_000  # bytes a second, on average from then on: MNIST in twenty minutes at most
_SCRATCH = ".fetching-"  # what the folders of downloads under way begin with


class MissingDataError(DataError):
    """MNIST is not at hand and could not be fetched.

    >>> issubclass(MissingDataError, DataError)
    True
    """


def load_mnist(folder: PathLike | None = None) -> tuple[Pairs, Pairs]:
    """Load MNIST: 60,000 training and 10,000 test images of handwritten digits.

    Source: Y. LeCun, C. Cortes, C. J. C. Burges, http://yann.lecun.com/exdb/mnist, CC BY-SA 3.0.

    Args:
        folder: where the four IDX files (packed or not) or Keras' mnist.npz lie; it is read as it is, nothing is
            fetched. None takes $DIGITREC_DATA_DIR, else data/ (of the checkout, or of the working folder), and
            fetches MNIST into it where it holds none.

    Returns:
        (train_images, train_labels), (test_images, test_labels): uint8 (n, 28, 28), 0-255, ink bright, and
        int64 (n,), 0-9; n is 60,000 and 10,000. Content other than MNIST's in MNIST's form gives a warning.

    Raises:
        MissingDataError: no MNIST in the folder, or none could be fetched.
        DataError: a file that is damaged, swapped or of another form.

    >>> (images, labels), (test_images, test_labels) = load_mnist()  # doctest: +SKIP
    >>> load_mnist("nowhere")
    Traceback (most recent call last):
    digitrec.mnist.MissingDataError: MNIST: expected in nowhere, which lacks ...
    """
    place = find_mnist(folder)
    if not _holds_mnist(place):
        if folder is not None:
            raise MissingDataError(_explain_missing(place))
        fetch_mnist(place)
    train_images, train_labels, test_images, test_labels = arrays = _read_mnist(place)
    if not is_published(arrays):
        # Fashion-MNIST comes in files of the same names and sizes.
        warnings.warn(f"{place}: MNIST's form, but not its content; results are not MNIST's", stacklevel=2)
    return (train_images, train_labels.astype(np.int64)), (test_images, test_labels.astype(np.int64))


def find_mnist(folder: PathLike | None = None) -> Path:
    """Return the folder that MNIST is read from: the given one, else $DIGITREC_DATA_DIR, else data/."""
    return Path(os.environ.get("DIGITREC_DATA_DIR") or DATA_FOLDER if folder is None else folder).expanduser()


def is_published(arrays: Sequence[NDArray]) -> bool:
    """Tell whether training images and labels, test images and labels are those that were published, byte for byte."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(idx_header(array.shape))
        digest.update(np.ascontiguousarray(array, np.uint8).data)
    return digest.hexdigest() == CONTENT_SHA256


def list_files(folder: PathLike | None = None) -> list[Path]:
    """Return the files that `load_mnist` reads MNIST from, where it is at hand."""
    place = find_mnist(folder)
    return sorted({_find_file(place, name) or place / "mnist.npz" for name in SHAPES})


def _find_file(folder: Path, name: str) -> Path | None:
    """Return the path of an IDX file, packed or not, under either spelling of its name."""
    names = (name, name.replace("-idx", ".idx"))
    paths = (folder / (name + suffix) for name in names for suffix in ("", ".gz"))
    return next((path for path in paths if path.is_file()), None)


def _list_missing(folder: Path) -> list[str]:
    return [f"{name}.gz" for name in SHAPES if not _find_file(folder, name)]


def _holds_mnist(folder: Path) -> bool:
    return not _list_missing(folder) or (folder / "mnist.npz").is_file()


def _explain_missing(folder: Path, *reasons: str) -> str:
    return (
        f"MNIST: expected in {folder}, which lacks {', '.join(_list_missing(folder))} (or mnist.npz). "
        + (f"Fetching failed: {'; '.join(reasons)}. " if reasons else "")
        + f"Put the files there by hand, packed or not; they are at {', '.join(MIRRORS)}. "
        'Or do without: load_digits(), dataset "digits", needs no network.'
    )


def fetch_mnist(folder: PathLike | None = None, anew: bool = False) -> Path:
    """Fetch what a folder lacks of MNIST from the first mirror that has it; each comes whole and verified.

    Args:
        folder: where to; None takes the one that `load_mnist` reads.
        anew: fetch all four files, and put them in the place of those that are there.

    Returns:
        The folder.

    Raises:
        MissingDataError: no mirror had it; the reasons are in the message.
        OSError: the folder cannot be written.
    """
    place = find_mnist(folder)
    try:
        import pooch
    except ImportError as error:
        raise MissingDataError(_explain_missing(place, "it takes pooch: pip install pooch")) from error
    pooch.get_logger().setLevel("WARNING")  # its notes go to stderr, which would stay in a notebook
    place.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(place)
    reasons = []
    # Whatever ends the process, what it leaves lies in one folder that the next fetch removes.
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=place) as scratch:
        for mirror in MIRRORS:
            base, _, single = mirror.rpartition("/")
            try:
                for name in [single] if single else [f"{n}.gz" for n in SHAPES] if anew else _list_missing(place):
                    got = pooch.retrieve(f"{base}/{name}", SHA256[name], name, scratch, downloader=_download)
                    os.replace(got, place / name)
                    if anew:  # unpacked or under another spelling, an old file would be read before the new one
                        _remove_twins(place, name)
                return place
            except ValueError:
                reasons.append(f"{mirror} has other content than the published")
            except OSError as error:  # the network's errors are among these, and so is a full disk
                reasons.append(f"{mirror} {_name_reason(error)}")
    raise MissingDataError(_explain_missing(place, *reasons))


def _download(url: str, target: str, _: object) -> None:
    """Download a file for pooch; a mirror that is silent or drips is given up."""
    import requests
    from tqdm import tqdm
    from urllib3.exceptions import HTTPError

    shown = sys.stderr is not None and sys.stderr.isatty()
    start = time.monotonic()
    plain = {"Accept-Encoding": "identity"}  # the files are compressed as they are
    with requests.get(url, stream=True, timeout=TIMEOUT_S, headers=plain) as response, open(target, "wb") as file:
        response.raise_for_status()

        def read() -> bytes:
            try:
                return response.raw.read1(2**16)
            except HTTPError as error:
                raise TimeoutError("sends nothing any more") from error

        size = int(response.headers.get("Content-Length") or 0) or None
        with tqdm(total=size, unit="B", unit_scale=True, desc=Path(url).name, disable=not shown) as progress:
            # What has come, be it a byte: to wait for a whole block would be to wait for one that drips.
            while part := read():
                file.write(part)
                progress.update(len(part))
                waited = time.monotonic() - start
                if waited > TIMEOUT_S and file.tell() < LEAST_RATE * waited:
                    raise TimeoutError(f"sends {file.tell() / waited:,.0f} bytes a second, too few to wait for")


def _name_reason(error: OSError) -> str:
    """Say in a few words why a download failed: the status, what the system says, or the kind of error."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status:
        return f"answers with status {status}"
    return error.strerror or (str(error) if type(error) is TimeoutError else type(error).__name__)


def _remove_leftovers(folder: Path) -> None:
    """Remove what fetches left that were killed; one that is an hour old is no longer running."""
    for scratch in folder.glob(f"{_SCRATCH}*"):
        if time.time() - scratch.stat().st_mtime > 3600:
            shutil.rmtree(scratch, ignore_errors=True)


def _remove_twins(folder: Path, name: str) -> None:
    stem = name.removesuffix(".gz")
    for twin in (stem, stem.replace("-idx", ".idx"), stem.replace("-idx", ".idx") + ".gz"):
        if twin != name:
            (folder / twin).unlink(missing_ok=True)


def _read_mnist(folder: Path) -> list[NDArray[np.uint8]]:
    """Read the four arrays, in the order of SHAPES."""
    archive = folder / "mnist.npz"
    paths = [_find_file(folder, name) or archive for name in SHAPES]
    if archive in paths:
        keys = ("x_train", "y_train", "x_test", "y_test")
        arrays = [read_npz(archive, key, shape) for key, shape in zip(keys, SHAPES.values(), strict=True)]
    else:
        arrays = [read_idx(path, shape) for path, shape in zip(paths, SHAPES.values(), strict=True)]
    for path, array in zip(paths, arrays, strict=True):
        if array.ndim == 1 and array.max() > 9:
            raise DataError(f"{path}: expected labels 0 to 9, got {array.max()}")
    return arrays
