"""Datasets: files of MNIST's form whole, damaged and swapped; fetching from a mirror on this machine; splits."""

import gzip
import hashlib
import io
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from digitrec import datasets
from digitrec.datasets import DataError, MissingDataError
from digitrec.preprocessing import to_mnist

KEYS = ("x_train", "y_train", "x_test", "y_test")
SHAPES = dict(zip(datasets.SHAPES, ((9, 28, 28), (9,), (8, 28, 28), (8,)), strict=True))
NAMES = [f"{name}.gz" for name in SHAPES]


def make_idx(array, kind=8):
    return bytes([0, 0, kind, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def write_npz(path, arrays):
    np.savez_compressed(path, **dict(zip(KEYS, arrays, strict=True)))


@pytest.fixture
def arrays(monkeypatch):
    """A small MNIST: nine training and eight test images, and a module that takes it for the real one."""
    generator = np.random.default_rng(0)
    made = [generator.integers(0, 256 if len(shape) == 3 else 10, shape, np.uint8) for shape in SHAPES.values()]
    content = b"".join(make_idx(array) for array in made)
    monkeypatch.setattr(datasets, "SHAPES", SHAPES)
    monkeypatch.setattr(datasets, "CONTENT_SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(datasets, "MIRRORS", ("https://mirror.invalid/mnist/",))
    monkeypatch.delenv("DIGITREC_DATA_DIR", raising=False)
    return made


@pytest.fixture
def folder(arrays, tmp_path):
    """The small MNIST as four packed files."""
    for name, array in zip(NAMES, arrays, strict=True):
        (tmp_path / name).write_bytes(gzip.compress(make_idx(array), mtime=0))
    return tmp_path


def assert_same(loaded, arrays):
    (train_images, train_labels), (test_images, test_labels) = loaded
    for came, made in zip((train_images, train_labels, test_images, test_labels), arrays, strict=True):
        np.testing.assert_array_equal(came, made)
        assert came.dtype == (np.uint8 if came.ndim == 3 else np.int64)
        assert came.flags.writeable


# --- MNIST's files -----------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("mark", ["-idx", ".idx"])
def test_reads_every_name_and_wrapping(arrays, tmp_path, suffix, mark):
    for name, array in zip(SHAPES, arrays, strict=True):
        data = make_idx(array)
        (tmp_path / (name.replace("-idx", mark) + suffix)).write_bytes(gzip.compress(data) if suffix else data)
    assert_same(datasets.load_mnist(tmp_path), arrays)
    assert_same(datasets.load_mnist(str(tmp_path)), arrays)


def test_wrapping_is_told_by_content_not_by_name(arrays, folder):
    (folder / NAMES[0]).write_bytes(make_idx(arrays[0]))
    (folder / NAMES[1].removesuffix(".gz")).write_bytes(gzip.compress(make_idx(arrays[1])))
    assert_same(datasets.load_mnist(folder), arrays)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_keras_npz(arrays, tmp_path, save):
    save(tmp_path / "mnist.npz", **dict(zip(KEYS, arrays, strict=True)))
    assert_same(datasets.load_mnist(tmp_path), arrays)


@pytest.mark.parametrize("number", range(4))
def test_file_cut_at_any_byte(folder, number):
    path = folder / NAMES[number]
    shape = SHAPES[NAMES[number].removesuffix(".gz")]
    packed = path.read_bytes()
    raw = gzip.decompress(packed)
    assert datasets._read_idx(path, shape).shape == shape
    for whole in (packed, raw):
        for length in sorted({*range(min(40, len(whole))), *range(0, len(whole), 61), len(whole) - 1}):
            path.write_bytes(whole[:length])
            with pytest.raises(DataError, match=path.name):
                datasets._read_idx(path, shape)
        path.write_bytes(whole[:-1])
        with pytest.raises(DataError, match="fetch it anew"):
            datasets.load_mnist(folder)


def test_npz_cut_at_any_byte(arrays, tmp_path):
    path = tmp_path / "mnist.npz"
    write_npz(path, [array[:, :4] if array.ndim == 3 else array for array in arrays])
    whole = path.read_bytes()
    assert datasets._read_npz(path, "x_test", (8, 4, 28)).shape == (8, 4, 28)
    for length in {*range(0, len(whole), 17), *range(len(whole) - 60, len(whole))}:
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=path.name):
            datasets._read_npz(path, "x_test", (8, 4, 28))


@settings(deadline=None)
@given(st.data())
def test_packed_files_with_one_byte_changed_never_give_other_content(tmp_path_factory, data):
    array = np.arange(3 * 28 * 28, dtype=np.uint16).astype(np.uint8).reshape(3, 28, 28)
    path = tmp_path_factory.getbasetemp() / "changed"
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=array)
    npz = data.draw(st.booleans())
    whole = bytearray(buffer.getvalue() if npz else gzip.compress(make_idx(array), mtime=0))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(whole)
    try:
        came = datasets._read_npz(path, "x", array.shape) if npz else datasets._read_idx(path, array.shape)
    except DataError:
        return
    np.testing.assert_array_equal(came, array)


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_any_bytes_are_a_clear_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "bytes"
    for start in (b"", b"\0\0\x08", b"\x1f\x8b", b"PK\x03\x04"):
        path.write_bytes(start + data)
        for read in (lambda: datasets._read_idx(path, (100,)), lambda: datasets._read_npz(path, "x", (100,))):
            with pytest.raises(DataError, match="bytes"):
                read()


@pytest.mark.parametrize(
    ("content", "came"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "<!DOCTYPE html"),
        (b"", "b''"),
        (make_idx(np.zeros((9, 28, 28), np.uint8), kind=0x0D), r"\\x00\\x00\\r"),
        (make_idx(np.zeros((9,), np.uint8)), r"IDX uint8 \(9,\)"),
        (make_idx(np.zeros((9, 28, 27), np.uint8)), r"IDX uint8 \(9, 28, 27\)"),
        (make_idx(np.zeros((8, 28, 28), np.uint8)), r"IDX uint8 \(8, 28, 28\)"),
        (make_idx(np.zeros((9, 28, 28), np.uint8)) + b"\0", "got more"),
        (bytes((0, 0, 8, 3, 9, 0, 0, 0, 28, 0, 0, 0, 28, 0, 0, 0)) + bytes(9 * 784), "150994944"),  # little-endian
    ],
)
def test_other_content_is_named(folder, content, came):
    for data in (content, gzip.compress(content)):
        (folder / NAMES[0]).write_bytes(data)
        with pytest.raises(DataError, match=came) as caught:
            datasets.load_mnist(folder)
        assert NAMES[0] in str(caught.value)
        assert "expected" in str(caught.value)


@pytest.mark.parametrize(("one", "other"), [(0, 1), (2, 3), (0, 2), (1, 3)])
def test_swapped_files(folder, one, other):
    first, second = folder / NAMES[one], folder / NAMES[other]
    first.rename(folder / "x")
    second.rename(first)
    (folder / "x").rename(second)
    with pytest.raises(DataError, match=r"expected IDX uint8 .* got IDX uint8"):
        datasets.load_mnist(folder)


def test_labels_beyond_nine(arrays, folder):
    arrays[1][2] = 10
    (folder / NAMES[1]).write_bytes(make_idx(arrays[1]))
    with pytest.raises(DataError, match=r"train-labels.*expected labels 0 to 9, got 10"):
        datasets.load_mnist(folder)


def test_other_content_in_the_same_form_warns(arrays, folder):
    arrays[2][0, 0, 0] ^= 1
    (folder / NAMES[2]).write_bytes(make_idx(arrays[2]))
    with pytest.warns(UserWarning, match="not its content"):
        loaded = datasets.load_mnist(folder)
    assert_same(loaded, arrays)


def test_gzip_bomb_is_not_unpacked(folder, monkeypatch):
    asked = []
    read = gzip.GzipFile.read
    monkeypatch.setattr(gzip.GzipFile, "read", lambda self, size=-1: asked.append(size) or read(self, size))
    (folder / NAMES[0]).write_bytes(gzip.compress(make_idx(np.zeros((9, 28, 28), np.uint8)) + bytes(10**8), 1))
    with pytest.raises(DataError, match="got more"):
        datasets.load_mnist(folder)
    assert max(asked) == 16 + 9 * 784 + 1
    assert min(asked) >= 0


def test_npz_bomb_is_not_unpacked(arrays, tmp_path, monkeypatch):
    arrays[0] = np.zeros((10**5, 28, 28), np.uint8)
    write_npz(tmp_path / "mnist.npz", arrays)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(DataError, match=r"x_train.*78400128 bytes"):
        datasets.load_mnist(tmp_path)


def test_npz_with_pickles_wrong_types_or_no_arrays(arrays, tmp_path):
    path = tmp_path / "mnist.npz"
    for wrong, came in [(np.array([{}] * 9), "allow_pickle"), (arrays[1].astype(np.int64), r"int64 \(9,\)")]:
        write_npz(path, [arrays[0], wrong, *arrays[2:]])
        with pytest.raises(DataError, match=rf"y_train.*{came}"):
            datasets.load_mnist(tmp_path)
    np.savez(path, x_train=arrays[0])
    with pytest.raises(DataError, match="y_train"):
        datasets.load_mnist(tmp_path)


# --- where it looks ----------------------------------------------------------------------------


def test_argument_is_taken_strictly(folder, tmp_path_factory, monkeypatch):
    empty = tmp_path_factory.mktemp("empty")
    monkeypatch.setenv("DIGITREC_DATA_DIR", str(folder))
    monkeypatch.setattr(datasets, "_fetch_mnist", lambda _: pytest.fail("fetched"))
    for place in (empty, empty / "absent", folder / NAMES[0]):
        with pytest.raises(MissingDataError) as caught:
            datasets.load_mnist(place)
        message = str(caught.value)
        assert str(place) in message
        assert all(name in message for name in [*NAMES, "mnist.npz", "load_digits()"])


def test_environment_comes_before_the_data_folder(arrays, folder, tmp_path_factory, monkeypatch):
    other = tmp_path_factory.mktemp("other")
    write_npz(other / "mnist.npz", [array[::-1] for array in arrays])
    monkeypatch.setattr(datasets, "DATA_FOLDER", other)
    with pytest.warns(UserWarning, match="content"):
        assert_same(datasets.load_mnist(), [array[::-1] for array in arrays])
    monkeypatch.setenv("DIGITREC_DATA_DIR", str(folder))
    assert_same(datasets.load_mnist(), arrays)
    assert_same(datasets.load_dataset("mnist"), arrays)


def test_partial_set_names_what_lacks(folder):
    (folder / NAMES[3]).unlink()
    with pytest.raises(MissingDataError, match=f"lacks {NAMES[3]} "):
        datasets.load_mnist(folder)


# --- fetching ----------------------------------------------------------------------------------


class Mirror(ThreadingHTTPServer):
    """A server on this machine; `files` maps names to bytes, to None (hang) or to a length short of its promise."""

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked, self.closing = files, [], threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.lstrip("/")
        self.server.asked.append(name)
        if name not in self.server.files:
            return self.send_error(404)
        content = self.server.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content or b"") + 1000 * (content is None)))
        self.end_headers()
        self.wfile.write(content or b"beginning")
        if content is None:
            self.wfile.flush()
            self.server.closing.wait(10)
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    """Start mirrors by what they hold, and make them the module's."""
    mirrors = []

    def start(*holdings, names=()):
        mirrors.extend(Mirror(files) for files in holdings)
        urls = [mirror.url + name for mirror, name in zip(mirrors, names or [""] * len(mirrors), strict=True)]
        monkeypatch.setattr(datasets, "MIRRORS", tuple(urls))
        return mirrors

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield start
    for mirror in mirrors:
        mirror.closing.set()
        mirror.shutdown()
        mirror.server_close()


@pytest.fixture
def published(folder, tmp_path_factory, monkeypatch):
    """The small MNIST's files as a mirror holds them, and an empty folder that they are to be fetched into."""
    write_npz(folder / "mnist.npz", datasets._read_mnist(folder))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(datasets, "SHA256", {name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    target = tmp_path_factory.mktemp("target") / "new" / "data"
    monkeypatch.setenv("DIGITREC_DATA_DIR", str(target))
    return files, target


def list_names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_fetches_once_and_says_nothing(arrays, published, serve, capfd):
    files, target = published
    (mirror,) = serve(files)
    assert_same(datasets.load_mnist(), arrays)
    assert_same(datasets.load_mnist(), arrays)
    assert mirror.asked == NAMES
    assert list_names(target) == sorted(NAMES)
    assert capfd.readouterr() == ("", "")


def test_goes_on_to_the_next_mirror_and_keeps_what_it_has(arrays, published, serve):
    files, target = published
    html = dict.fromkeys(files, b"<html>")
    half, broken, whole = serve({NAMES[0]: files[NAMES[0]]}, html, files)
    assert_same(datasets.load_mnist(), arrays)
    assert half.asked == NAMES[:2]
    assert broken.asked == NAMES[1:2]
    assert whole.asked == NAMES[1:]
    assert list_names(target) == sorted(NAMES)


def test_keras_file_is_the_last_resort(arrays, published, serve):
    files, target = published
    serve({}, files, names=("", "mnist.npz"))
    assert_same(datasets.load_mnist(), arrays)
    assert list_names(target) == ["mnist.npz"]


def test_dead_and_hanging_mirrors_time_out(arrays, published, serve, monkeypatch):
    files, _ = published
    monkeypatch.setattr(datasets, "TIMEOUT_S", 0.3)
    dead, _, _ = serve({}, dict.fromkeys(files), files)
    dead.shutdown()
    dead.server_close()
    start = time.perf_counter()
    assert_same(datasets.load_mnist(), arrays)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("content", [b"<html>", b"", None], ids=["html", "empty", "hanging"])
def test_failure_leaves_nothing_and_says_what_to_do(published, serve, monkeypatch, content):
    files, target = published
    monkeypatch.setattr(datasets, "TIMEOUT_S", 0.3)
    (mirror,) = serve(dict.fromkeys(files, content))
    with pytest.raises(MissingDataError) as caught:
        datasets.load_mnist()
    assert list_names(target) == []
    message = str(caught.value)
    assert all(part in message for part in [*NAMES, "mnist.npz", str(target), mirror.url, "load_digits()"])


def test_no_network(published, monkeypatch):
    def refuse(*_, **__):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    with pytest.raises(MissingDataError, match=r"mirror.invalid/mnist/ \w*ConnectionError"):
        datasets.load_mnist()


def test_without_pooch(published, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingDataError, match="pip install pooch"):
        datasets.load_mnist()


def test_fetching_never_replaces_a_file_that_is_there(published, serve):
    files, target = published
    target.mkdir(parents=True)
    (target / NAMES[0]).write_bytes(b"mine")
    serve(files)
    with pytest.raises(DataError, match=NAMES[0]):
        datasets.load_mnist()
    assert (target / NAMES[0]).read_bytes() == b"mine"


# --- scikit-learn's digits ---------------------------------------------------------------------


def test_digits_are_scikit_learns_in_mnist_form():
    from sklearn.datasets import load_digits

    bundled = load_digits()
    (train_images, train_labels), (test_images, test_labels) = datasets.load_digits()
    assert (len(train_labels), len(test_labels)) == (1437, 360)
    labels = np.concatenate([train_labels, test_labels])
    np.testing.assert_array_equal(np.bincount(labels), np.bincount(bundled.target))
    images = np.concatenate([train_images, test_images])
    assert images.shape == (1797, 28, 28)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    assert (images.max(axis=(1, 2)) == 255).all()
    rows, columns = images.any(axis=2).sum(axis=1), images.any(axis=1).sum(axis=1)
    assert (np.maximum(rows, columns) <= 20).all()
    assert (np.maximum(rows, columns) >= 18).all()
    mass = images.sum(axis=(1, 2))
    steps = np.arange(28)
    assert (np.abs(images.sum(axis=2) @ steps / mass - 14) < 1).all()
    assert (np.abs(images.sum(axis=1) @ steps / mass - 14) < 1).all()


def test_digits_keep_their_pictures():
    """Squeezed back into 8x8, the digit that looks most like each original is, nearly always, itself."""
    from sklearn.datasets import load_digits

    bundled = load_digits()
    (images, labels), _ = datasets.load_digits()
    boxes = [image[np.ix_(image.any(axis=1), image.any(axis=0))] for image in images[:200]]
    small = np.stack([Image.fromarray(box).resize((8, 8), Image.Resampling.BOX) for box in boxes]).reshape(200, -1)
    ink = bundled.images > 1.6
    crops = [
        Image.fromarray((digit[np.ix_(seen.any(axis=1), seen.any(axis=0))] * 15.9).astype(np.uint8))
        for digit, seen in zip(bundled.images, ink, strict=True)
    ]
    originals = np.stack([crop.resize((8, 8), Image.Resampling.BILINEAR) for crop in crops]).reshape(1797, -1)
    small, originals = (x - x.mean(axis=1, keepdims=True, dtype=float) for x in (small, originals))
    small, originals = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (small, originals))
    nearest = (small @ originals.T).argmax(axis=1)
    assert (bundled.target[nearest] == labels[:200]).mean() > 0.98


def test_digits_are_the_same_every_time(digits):
    images, labels = datasets.load_dataset("digits")[0]
    np.testing.assert_array_equal(images, digits[0])
    np.testing.assert_array_equal(labels, digits[1])


def test_unknown_dataset():
    with pytest.raises(DataError, match="mnist, digits, got 'letters'"):
        datasets.load_dataset("letters")


# --- a folder of pictures ----------------------------------------------------------------------


def draw(path, column):
    """Save a picture of a vertical stroke with a foot, dark on light, and return its MNIST form."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((60, 60), 230, np.uint8)
    pixels[10:50, 25:30] = 20
    pixels[45:50, 30 : 30 + column] = 20
    Image.fromarray(pixels).save(path)
    return to_mnist(path)


def test_subfolders_in_natural_order(tmp_path):
    expected = [draw(tmp_path / name, 3 * i) for i, name in enumerate(["1/2.png", "1/10.png", "7/a.png"])]
    (tmp_path / "1" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "0").mkdir()
    images, labels = datasets.load_folder(tmp_path)
    np.testing.assert_array_equal(images, expected)
    assert labels.tolist() == [1, 1, 7]
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    assert not np.array_equal(images[0], images[1])


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_table_in_its_own_order(tmp_path, start):
    expected = [draw(tmp_path / name, 5 * i) for i, name in enumerate(["sub/z.png", "a, b.png"])]
    (tmp_path / "labels.csv").write_text(f'{start}file,label\nsub/z.png,4\n"a, b.png", 9\n', "utf-8")
    images, labels = datasets.load_folder(str(tmp_path))
    np.testing.assert_array_equal(images, expected)
    assert labels.tolist() == [4, 9]


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ("file,label\nb.png,0", "'b.png' is none"),
        ("file,label\n../outside.png,0", "'../outside.png' is none"),
        ("file,label\n,0", "'' is none"),
        ("file,label\na.png,10", "expected a label 0 to 9 for 'a.png', got '10'"),
        ("file,label\na.png,-1", "got '-1'"),
        ("file,label\na.png,٣", "got '٣'"),
        ("file,label\na.png,", "got ''"),
        ("file,label\na.png", "row 1"),
        ("file;label\na.png;0", "expected columns file,label"),
        ("file,label\n", "expected at least one picture"),
        ("", "expected at least one picture"),
        ("file,label\n\0,0", "is none"),
        ("file,label\na.png,0\nbad.png,0", "bad.png: picture"),
        ("file,label\n" + "x" * 200_000, "field larger"),
        (b"file,label\n\xff,0", "UTF-8"),
    ],
)
def test_tables_that_are_wrong(tmp_path, table, match):
    folder = tmp_path / "mine"
    draw(folder / "a.png", 3)
    draw(tmp_path / "outside.png", 3)
    (folder / "bad.png").write_bytes((folder / "a.png").read_bytes()[:60])
    (folder / "labels.csv").write_bytes(table.encode() if isinstance(table, str) else table)
    with pytest.raises(DataError, match=match) as caught:
        datasets.load_folder(folder)
    assert str(folder) in str(caught.value)


def test_absolute_paths_and_links_out_of_the_folder(tmp_path):
    draw(tmp_path / "outside.png", 3)
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    for name in ("link.png", tmp_path / "outside.png"):
        (folder / "labels.csv").write_text(f"file,label\n{name},1\n")
        with pytest.raises(DataError, match="expected files inside"):
            datasets.load_folder(folder)


def test_folders_that_are_wrong(tmp_path):
    with pytest.raises(DataError, match="found nothing"):
        datasets.load_folder(tmp_path / "absent")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="found a file"):
        datasets.load_folder(tmp_path / "file")
    with pytest.raises(DataError, match="found neither"):
        datasets.load_folder(tmp_path)
    (tmp_path / "3").mkdir()
    with pytest.raises(DataError, match="at least one picture"):
        datasets.load_folder(tmp_path)
    (tmp_path / "3" / "x.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"x\.png: picture"):
        datasets.load_folder(tmp_path)
    (tmp_path / "10").mkdir()
    with pytest.raises(DataError, match="got '10'"):
        datasets.load_folder(tmp_path)


# --- splits ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=120), st.data(), st.integers(0, 5))
def test_split_is_exact_stratified_disjoint_and_in_order(labels, data, seed):
    labels = np.array(labels)
    numbers = np.arange(len(labels))
    validation = data.draw(st.integers(1, len(labels) - 1))
    (train, train_labels), (held, held_labels) = datasets.split_validation(numbers, labels, validation, seed)
    assert len(held) == validation
    np.testing.assert_array_equal(np.sort(np.concatenate([train, held])), numbers)
    for part, part_labels in ((train, train_labels), (held, held_labels)):
        np.testing.assert_array_equal(labels[part], part_labels)
        assert (np.diff(part) > 0).all()
    quota = np.bincount(labels, minlength=10) * validation / len(labels)
    assert (np.abs(np.bincount(held_labels, minlength=10) - quota) < 1).all()


def test_split_follows_largest_remainders():
    labels = np.repeat([0, 1, 2], [10, 5, 5])  # quotas 3.5, 1.75, 1.75
    _, (_, held) = datasets.split_validation(labels, labels, 7)
    assert np.bincount(held).tolist() == [3, 2, 2]


def test_split_follows_the_seed():
    labels = np.arange(200) % 10
    first, again, other = (datasets.split_validation(np.arange(200), labels, 50, seed)[1][0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("validation", [-1, 0, 10, 11])
def test_split_out_of_range(validation):
    with pytest.raises(DataError, match=f"expected 1 to 9 of 10 images, got {validation}"):
        datasets.split_validation(np.zeros((10, 28, 28), np.uint8), np.zeros(10, int), validation)


def test_split_of_arrays_that_do_not_match():
    with pytest.raises(DataError, match=r"expected one for each of 10 images, got shape \(9,\)"):
        datasets.split_validation(np.zeros((10, 28, 28), np.uint8), np.zeros(9, int), 5)


# --- the real MNIST ----------------------------------------------------------------------------


@pytest.mark.mnist
def test_real_mnist_is_the_published_one(mnist):
    published = [
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ]
    (train_images, train_labels), (test_images, test_labels) = mnist
    arrays = [train_images, train_labels.astype(np.uint8), test_images, test_labels.astype(np.uint8)]
    assert [hashlib.sha256(make_idx(array)).hexdigest() for array in arrays] == published
    whole = hashlib.sha256(b"".join(make_idx(array) for array in arrays))
    assert whole.hexdigest() == datasets.CONTENT_SHA256
    assert [array.shape for array in arrays] == list(datasets.SHAPES.values())
    assert train_labels[:5].tolist() == [5, 0, 4, 1, 9]


@pytest.mark.mnist
def test_real_mnist_splits_in_proportion(mnist):
    images, labels = mnist[0]
    (train, train_labels), (held, held_labels) = datasets.split_validation(images, labels)
    assert (len(train), len(held)) == (55_000, 5_000)
    assert np.abs(np.bincount(held_labels) - np.bincount(labels) / 12).max() < 1
    np.testing.assert_array_equal(np.bincount(train_labels) + np.bincount(held_labels), np.bincount(labels))
