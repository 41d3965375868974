"""Where arrays come from: MNIST (found, or fetched and verified), bundled digits, a folder of pictures; and splits."""

import csv
import gzip
import hashlib
import io
import math
import os
import re
import sys
import warnings
import zipfile
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec.pictures import PictureError
from digitrec.preprocessing import box_ink, to_mnist

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

_CHECKOUT = Path(__file__).resolve().parents[2]
_IS_CHECKOUT = Path(__file__).resolve().parents[1].name == "src" and (_CHECKOUT / "pyproject.toml").is_file()
DATA_FOLDER = _CHECKOUT / "data" if _IS_CHECKOUT else Path("data")


class DataError(ValueError):
    """Data that is damaged or of another form than expected, said in one line."""


class MissingDataError(DataError):
    """MNIST is not at hand and could not be fetched."""


def load_dataset(name: str) -> tuple[Pairs, Pairs]:
    """Load "mnist" (`load_mnist`) or "digits" (`load_digits`, which needs no network) by name.

    Raises:
        DataError: another name.
    """
    loaders = {"mnist": load_mnist, "digits": load_digits}
    if name not in loaders:
        raise DataError(f"dataset: expected one of {', '.join(loaders)}, got {name!r}")
    return loaders[name]()


def load_mnist(folder: str | os.PathLike[str] | None = None) -> tuple[Pairs, Pairs]:
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
    """
    place = Path(os.environ.get("DIGITREC_DATA_DIR") or DATA_FOLDER if folder is None else folder).expanduser()
    if not _holds_mnist(place):
        if folder is not None:
            raise MissingDataError(_explain_missing(place))
        _fetch_mnist(place)
    train_images, train_labels, test_images, test_labels = _read_mnist(place)
    return (train_images, train_labels.astype(np.int64)), (test_images, test_labels.astype(np.int64))


def load_digits() -> tuple[Pairs, Pairs]:
    """Load scikit-learn's bundled 1,797 handwritten digits, brought from 8x8 into MNIST's form; needs no network.

    Source: E. Alpaydin, C. Kaynak 1998, Optical Recognition of Handwritten Digits, UCI, CC BY 4.0.

    Returns:
        (train_images, train_labels), (test_images, test_labels) as `load_mnist` has them; n is 1,437 and 360,
        stratified, the same at every call.
    """
    from sklearn import datasets as bundled

    digits = bundled.load_digits()
    images = np.stack([box_ink(_enlarge(image)) for image in digits.images])
    return split_validation(images, digits.target.astype(np.int64), validation=360, seed=0)


def load_folder(path: str | os.PathLike[str]) -> Pairs:
    """Load labelled pictures of one's own, each brought into MNIST's form by `preprocessing.to_mnist`.

    Args:
        path: a folder with a labels.csv (header `file,label`; files relative to the folder), or else with
            sub-folders 0 to 9 of pictures. Names that start with a dot are passed over.

    Returns:
        images, labels: uint8 (n, 28, 28) and int64 (n,), in the order of labels.csv, else by label and by name
        (2.png before 10.png).

    Raises:
        DataError: neither layout, no picture, a picture missing, damaged or outside the folder, a label not 0-9.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder of pictures, found {'a file' if folder.exists() else 'nothing'}")
    pairs = _list_table(folder) if (folder / "labels.csv").is_file() else _list_subfolders(folder)
    if not pairs:
        raise DataError(f"{folder}: expected at least one picture, found none")
    images = []
    for picture, _ in pairs:
        try:
            images.append(to_mnist(picture))
        except PictureError as error:
            raise DataError(f"{picture}: {error}") from error
    return np.stack(images), np.array([label for _, label in pairs], np.int64)


def split_validation(
    images: NDArray[np.uint8], labels: NDArray[np.int64], validation: int = 5000, seed: int = 0
) -> tuple[Pairs, Pairs]:
    """Split off a stratified part at random; the order within each part stays that of the whole.

    Each class gives its share, rounded by largest remainder, so that the total is exact.

    Args:
        images: (n, ...).
        labels: int (n,).
        validation: how many go into the second part, 1 to n - 1.
        seed: the same seed gives the same split.

    Returns:
        (train_images, train_labels), (validation_images, validation_labels).

    Raises:
        DataError: images and labels of different length, or a number out of range.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if labels.shape != images.shape[:1]:
        raise DataError(f"labels: expected one for each of {len(images)} images, got shape {labels.shape}")
    if not 0 < validation < len(labels):
        raise DataError(f"validation: expected 1 to {len(labels) - 1} of {len(labels)} images, got {validation}")
    classes, counts = np.unique(labels, return_counts=True)
    shares, remainders = np.divmod(counts * validation, len(labels))
    shares[np.argsort(-remainders, kind="stable")[: validation - shares.sum()]] += 1
    generator = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), bool)
    for label, share in zip(classes, shares, strict=True):
        chosen[generator.choice(np.flatnonzero(labels == label), share, replace=False)] = True
    return (images[~chosen], labels[~chosen]), (images[chosen], labels[chosen])


# --- finding and fetching MNIST ----------------------------------------------------------------


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


def _fetch_mnist(folder: Path) -> None:
    """Fetch what is missing from the first mirror that has it; a file appears whole and verified, or not at all."""
    try:
        import pooch
    except ImportError as error:
        raise MissingDataError(_explain_missing(folder, "it takes pooch: pip install pooch")) from error
    shows_progress = sys.stderr is not None and sys.stderr.isatty() and find_spec("tqdm") is not None
    downloader = pooch.HTTPDownloader(progressbar=shows_progress, chunk_size=2**16, timeout=TIMEOUT_S)
    pooch.get_logger().setLevel("WARNING")  # its notes go to stderr, which would stay in a notebook
    reasons = []
    for mirror in MIRRORS:
        base, _, single = mirror.rpartition("/")
        try:
            for name in [single] if single else _list_missing(folder):
                pooch.retrieve(f"{base}/{name}", SHA256[name], name, folder, downloader=downloader)
            return
        except ValueError:
            reasons.append(f"{mirror} has other content than the published")
        except OSError as error:  # the network's errors are among these, and so is a full disk
            reasons.append(f"{mirror} {error.strerror or type(error).__name__}")
    raise MissingDataError(_explain_missing(folder, *reasons))


# --- reading MNIST -----------------------------------------------------------------------------


def _read_mnist(folder: Path) -> list[NDArray[np.uint8]]:
    """Read the four arrays, in the order of SHAPES."""
    archive = folder / "mnist.npz"
    paths = [_find_file(folder, name) or archive for name in SHAPES]
    if archive in paths:
        keys = ("x_train", "y_train", "x_test", "y_test")
        arrays = [_read_npz(archive, key, shape) for key, shape in zip(keys, SHAPES.values(), strict=True)]
    else:
        arrays = [_read_idx(path, shape) for path, shape in zip(paths, SHAPES.values(), strict=True)]
    digest = hashlib.sha256()
    for path, array in zip(paths, arrays, strict=True):
        if array.ndim == 1 and array.max() > 9:
            raise DataError(f"{path}: expected labels 0 to 9, got {array.max()}")
        digest.update(_idx_header(array.shape))
        digest.update(array.data)
    if digest.hexdigest() != CONTENT_SHA256:
        # Fashion-MNIST comes in files of the same names and sizes.
        warnings.warn(f"{folder}: MNIST's form, but not its content; results are not MNIST's", stacklevel=3)
    return arrays


def _idx_header(shape: tuple[int, ...]) -> bytes:
    """The first bytes of an IDX file: two zeros, type 8 (uint8), number of axes, their lengths big-endian."""
    return bytes((0, 0, 8, len(shape))) + np.array(shape, ">u4").tobytes()


def _read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read an IDX file of uint8, packed or not, that must have this shape; never more than it needs."""
    header = _idx_header(shape)
    size = len(header) + math.prod(shape)
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"  # not by name: some browsers unpack a file and leave its name
            file.seek(0)
            data = (gzip.GzipFile(fileobj=file) if packed else file).read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cut short or damaged ({error}); fetch it anew") from error
    if not data.startswith(header):
        raise DataError(f"{path}: expected IDX uint8 {shape}, got {_describe(data)}; fetch it anew")
    if len(data) != size:
        came = len(data) if len(data) < size else "more"
        raise DataError(f"{path}: expected {size} bytes (unpacked), got {came}; fetch it anew")
    return np.frombuffer(data, np.uint8, offset=len(header)).reshape(shape).copy()


def _describe(data: bytes) -> str:
    """Say what the first bytes of a file show it to be."""
    if len(data) < 16 or data[:3] != b"\0\0\x08":
        return f"{data[:16]!r} at its start"
    return f"IDX uint8 {tuple(np.frombuffer(data, '>u4', min(data[3], 3), 4).tolist())}"


def _read_npz(path: Path, key: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read one array of Keras' mnist.npz, that must be uint8 of this shape; never more than it needs."""
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(f"{key}.npy")
            if member.file_size > math.prod(shape) + 1024:  # read whole, so that its checksum is verified
                raise ValueError(f"{member.file_size} bytes")
            array = np.lib.format.read_array(io.BytesIO(archive.read(member)), allow_pickle=False)
        if array.dtype != np.uint8 or array.shape != shape:
            raise ValueError(f"{array.dtype} {array.shape}")
    except Exception as error:  # on damage, zipfile and numpy raise a dozen kinds, MemoryError among them
        raise DataError(f"{path}: expected {key}, uint8 {shape}, got {error}; fetch it anew") from error
    return np.ascontiguousarray(array)


# --- other digits ------------------------------------------------------------------------------


def _enlarge(image: NDArray[np.float64]) -> NDArray[np.float32]:
    """Enlarge an 8x8 digit, 0-16, smoothly into ink, 0-1, with a margin so that its edges fade as a stroke's do."""
    ink = Image.fromarray(np.pad(image / 16, 1).astype(np.float32))
    return np.clip(np.asarray(ink.resize((80, 80), Image.Resampling.BICUBIC)), 0, 1)


def _list_table(folder: Path) -> list[tuple[Path, int]]:
    """List the pictures and labels of labels.csv."""
    table, pairs = folder / "labels.csv", []
    try:
        rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8-sig"), newline="")))
    except (ValueError, csv.Error) as error:
        raise DataError(f"{table}: expected comma-separated UTF-8 text ({error})") from error
    for number, row in enumerate(rows, 1):
        name, label = row.get("file"), row.get("label")
        if name is None or label is None:
            raise DataError(f"{table}: expected columns file,label, got {dict(row)} in row {number}")
        picture = folder / name
        if not re.fullmatch("[0-9]", label.strip()):
            raise DataError(f"{table}: expected a label 0 to 9 for {name!r}, got {label!r}")
        if not picture.is_file() or not picture.resolve().is_relative_to(folder.resolve()):
            raise DataError(f"{table}: expected files inside {folder}, {name!r} is none")
        pairs.append((picture, int(label)))
    return pairs


def _list_subfolders(folder: Path) -> list[tuple[Path, int]]:
    """List the pictures of the sub-folders 0 to 9."""
    subfolders = sorted(entry for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != ".")
    for subfolder in subfolders:
        if not re.fullmatch("[0-9]", subfolder.name):
            raise DataError(f"{folder}: expected sub-folders 0 to 9 only, got {subfolder.name!r}")
    if not subfolders:
        raise DataError(f"{folder}: expected labels.csv (header file,label) or sub-folders 0 to 9, found neither")
    return [
        (picture, int(subfolder.name))
        for subfolder in subfolders
        for picture in sorted(subfolder.iterdir(), key=_natural_order)
        if picture.name[0] != "."
    ]


def _natural_order(path: Path) -> list[str | int]:
    """Sort key that puts 2.png before 10.png."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split("([0-9]+)", path.name))]
