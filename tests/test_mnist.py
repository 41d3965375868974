"""MNIST: files of its form whole, damaged and swapped; and fetching from a mirror on this machine."""

import gzip
import hashlib
import io
import os
import re
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec import datasets, idx
from digitrec import mnist as mnist_files
from digitrec.idx import DataError
from digitrec.mnist import MissingDataError

KEYS = ("x_train", "y_train", "x_test", "y_test")
SHAPES = dict(zip(mnist_files.SHAPES, ((9, 28, 28), (9,), (8, 28, 28), (8,)), strict=True))
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
    monkeypatch.setattr(mnist_files, "SHAPES", SHAPES)
    monkeypatch.setattr(mnist_files, "CONTENT_SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(mnist_files, "MIRRORS", ("https://mirror.invalid/mnist/",))
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
    assert_same(mnist_files.load_mnist(tmp_path), arrays)
    assert_same(mnist_files.load_mnist(str(tmp_path)), arrays)


def test_wrapping_is_told_by_content_not_by_name(arrays, folder):
    (folder / NAMES[0]).write_bytes(make_idx(arrays[0]))
    (folder / NAMES[1].removesuffix(".gz")).write_bytes(gzip.compress(make_idx(arrays[1])))
    assert_same(mnist_files.load_mnist(folder), arrays)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_keras_npz(arrays, tmp_path, save):
    save(tmp_path / "mnist.npz", **dict(zip(KEYS, arrays, strict=True)))
    assert_same(mnist_files.load_mnist(tmp_path), arrays)


@pytest.mark.parametrize("number", range(4))
def test_file_cut_at_any_byte(folder, number):
    path = folder / NAMES[number]
    shape = SHAPES[NAMES[number].removesuffix(".gz")]
    packed = path.read_bytes()
    raw = gzip.decompress(packed)
    assert idx.read_idx(path, shape).shape == shape
    for whole in (packed, raw):
        for length in sorted({*range(min(40, len(whole))), *range(0, len(whole), 61), len(whole) - 1}):
            path.write_bytes(whole[:length])
            with pytest.raises(DataError, match=path.name):
                idx.read_idx(path, shape)
        path.write_bytes(whole[:-1])
        with pytest.raises(DataError, match="fetch it anew"):
            mnist_files.load_mnist(folder)


def test_npz_cut_at_any_byte(arrays, tmp_path):
    path = tmp_path / "mnist.npz"
    write_npz(path, [array[:, :4] if array.ndim == 3 else array for array in arrays])
    whole = path.read_bytes()
    assert idx.read_npz(path, "x_test", (8, 4, 28)).shape == (8, 4, 28)
    for length in {*range(0, len(whole), 17), *range(len(whole) - 60, len(whole))}:
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=path.name):
            idx.read_npz(path, "x_test", (8, 4, 28))


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
        came = idx.read_npz(path, "x", array.shape) if npz else idx.read_idx(path, array.shape)
    except DataError:
        return
    np.testing.assert_array_equal(came, array)


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_any_bytes_are_a_clear_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "bytes"
    for start in (b"", b"\0\0\x08", b"\x1f\x8b", b"PK\x03\x04"):
        path.write_bytes(start + data)
        for read in (lambda: idx.read_idx(path, (100,)), lambda: idx.read_npz(path, "x", (100,))):
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
            mnist_files.load_mnist(folder)
        assert NAMES[0] in str(caught.value)
        assert "expected" in str(caught.value)


@pytest.mark.parametrize(("one", "other"), [(0, 1), (2, 3), (0, 2), (1, 3)])
def test_swapped_files(folder, one, other):
    first, second = folder / NAMES[one], folder / NAMES[other]
    first.rename(folder / "x")
    second.rename(first)
    (folder / "x").rename(second)
    with pytest.raises(DataError, match=r"expected IDX uint8 .* got IDX uint8"):
        mnist_files.load_mnist(folder)


def test_labels_beyond_nine(arrays, folder):
    arrays[1][2] = 10
    (folder / NAMES[1]).write_bytes(make_idx(arrays[1]))
    with pytest.raises(DataError, match=r"train-labels.*expected labels 0 to 9, got 10"):
        mnist_files.load_mnist(folder)


def test_other_content_in_the_same_form_warns(arrays, folder):
    arrays[2][0, 0, 0] ^= 1
    (folder / NAMES[2]).write_bytes(make_idx(arrays[2]))
    with pytest.warns(UserWarning, match="not its content"):
        loaded = mnist_files.load_mnist(folder)
    assert_same(loaded, arrays)


def test_gzip_bomb_is_not_unpacked(folder, monkeypatch):
    asked = []
    read = gzip.GzipFile.read
    monkeypatch.setattr(gzip.GzipFile, "read", lambda self, size=-1: asked.append(size) or read(self, size))
    (folder / NAMES[0]).write_bytes(gzip.compress(make_idx(np.zeros((9, 28, 28), np.uint8)) + bytes(10**8), 1))
    with pytest.raises(DataError, match="got more"):
        mnist_files.load_mnist(folder)
    assert max(asked) == 16 + 9 * 784 + 1
    assert min(asked) >= 0


def test_npz_bomb_is_not_unpacked(arrays, tmp_path, monkeypatch):
    arrays[0] = np.zeros((10**5, 28, 28), np.uint8)
    write_npz(tmp_path / "mnist.npz", arrays)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(DataError, match=r"x_train.*78400128 bytes"):
        mnist_files.load_mnist(tmp_path)


def test_npz_with_pickles_wrong_types_or_no_arrays(arrays, tmp_path):
    path = tmp_path / "mnist.npz"
    for wrong, came in [(np.array([{}] * 9), "allow_pickle"), (arrays[1].astype(np.int64), r"int64 \(9,\)")]:
        write_npz(path, [arrays[0], wrong, *arrays[2:]])
        with pytest.raises(DataError, match=rf"y_train.*{came}"):
            mnist_files.load_mnist(tmp_path)
    np.savez(path, x_train=arrays[0])
    with pytest.raises(DataError, match="y_train"):
        mnist_files.load_mnist(tmp_path)


# --- where it looks ----------------------------------------------------------------------------


def test_argument_is_taken_strictly(folder, tmp_path_factory, monkeypatch):
    empty = tmp_path_factory.mktemp("empty")
    monkeypatch.setenv("DIGITREC_DATA_DIR", str(folder))
    monkeypatch.setattr(mnist_files, "fetch_mnist", lambda _: pytest.fail("fetched"))
    for place in (empty, empty / "absent", folder / NAMES[0]):
        with pytest.raises(MissingDataError) as caught:
            mnist_files.load_mnist(place)
        message = str(caught.value)
        assert str(place) in message
        assert all(name in message for name in [*NAMES, "mnist.npz", "load_digits()"])


def test_environment_comes_before_the_data_folder(arrays, folder, tmp_path_factory, monkeypatch):
    other = tmp_path_factory.mktemp("other")
    write_npz(other / "mnist.npz", [array[::-1] for array in arrays])
    monkeypatch.setattr(mnist_files, "DATA_FOLDER", other)
    with pytest.warns(UserWarning, match="content"):
        assert_same(mnist_files.load_mnist(), [array[::-1] for array in arrays])
    monkeypatch.setenv("DIGITREC_DATA_DIR", str(folder))
    assert_same(mnist_files.load_mnist(), arrays)
    assert_same(datasets.load_dataset("mnist"), arrays)


def test_partial_set_names_what_lacks(folder):
    (folder / NAMES[3]).unlink()
    with pytest.raises(MissingDataError, match=f"lacks {NAMES[3]} "):
        mnist_files.load_mnist(folder)


# --- fetching ----------------------------------------------------------------------------------


class Mirror(ThreadingHTTPServer):
    """A server on this machine; `files` maps names to bytes, None (it hangs) or a range (it drips so much)."""

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
        if isinstance(content, range):
            return self.drip(content)
        self.send_header("Content-Length", str(len(content or b"") + 1000 * (content is None)))
        self.end_headers()
        self.wfile.write(content or b"beginning")
        if content is None:
            self.wfile.flush()
            self.server.closing.wait(10)
        return None

    def drip(self, steps):
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        for _ in steps:
            try:
                self.wfile.write(b"x")
                self.wfile.flush()
            except OSError:
                return
            if self.server.closing.wait(0.02):
                return

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    """Start mirrors by what they hold, and make them the module's."""
    mirrors = []

    def start(*holdings, names=()):
        mirrors.extend(Mirror(files) for files in holdings)
        urls = [mirror.url + name for mirror, name in zip(mirrors, names or [""] * len(mirrors), strict=True)]
        monkeypatch.setattr(mnist_files, "MIRRORS", tuple(urls))
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
    write_npz(folder / "mnist.npz", mnist_files._read_mnist(folder))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(mnist_files, "SHA256", {name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    target = tmp_path_factory.mktemp("target") / "new" / "data"
    monkeypatch.setenv("DIGITREC_DATA_DIR", str(target))
    return files, target


def list_names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_fetches_once_and_says_nothing(arrays, published, serve, capfd):
    files, target = published
    (mirror,) = serve(files)
    assert_same(mnist_files.load_mnist(), arrays)
    assert_same(mnist_files.load_mnist(), arrays)
    assert mirror.asked == NAMES
    assert list_names(target) == sorted(NAMES)
    assert capfd.readouterr() == ("", "")


def test_goes_on_to_the_next_mirror_and_keeps_what_it_has(arrays, published, serve):
    files, target = published
    html = dict.fromkeys(files, b"<html>")
    half, broken, whole = serve({NAMES[0]: files[NAMES[0]]}, html, files)
    assert_same(mnist_files.load_mnist(), arrays)
    assert half.asked == NAMES[:2]
    assert broken.asked == NAMES[1:2]
    assert whole.asked == NAMES[1:]
    assert list_names(target) == sorted(NAMES)


def test_keras_file_is_the_last_resort(arrays, published, serve):
    files, target = published
    serve({}, files, names=("", "mnist.npz"))
    assert_same(mnist_files.load_mnist(), arrays)
    assert list_names(target) == ["mnist.npz"]


def test_dead_and_hanging_mirrors_time_out(arrays, published, serve, monkeypatch):
    files, _ = published
    monkeypatch.setattr(mnist_files, "TIMEOUT_S", 0.3)
    dead, _, _ = serve({}, dict.fromkeys(files), files)
    dead.shutdown()
    dead.server_close()
    start = time.perf_counter()
    assert_same(mnist_files.load_mnist(), arrays)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("content", [b"<html>", b"", None], ids=["html", "empty", "hanging"])
def test_failure_leaves_nothing_and_says_what_to_do(published, serve, monkeypatch, content):
    files, target = published
    monkeypatch.setattr(mnist_files, "TIMEOUT_S", 0.3)
    (mirror,) = serve(dict.fromkeys(files, content))
    with pytest.raises(MissingDataError) as caught:
        mnist_files.load_mnist()
    assert list_names(target) == []
    message = str(caught.value)
    assert all(part in message for part in [*NAMES, "mnist.npz", str(target), mirror.url, "load_digits()"])


def test_no_network(published, monkeypatch):
    def refuse(*_, **__):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    with pytest.raises(MissingDataError, match=r"mirror.invalid/mnist/ \w*ConnectionError"):
        mnist_files.load_mnist()


def test_without_pooch(published, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingDataError, match="pip install pooch"):
        mnist_files.load_mnist()


def test_fetching_never_replaces_a_file_that_is_there(published, serve):
    files, target = published
    target.mkdir(parents=True)
    (target / NAMES[0]).write_bytes(b"mine")
    serve(files)
    with pytest.raises(DataError, match=NAMES[0]):
        mnist_files.load_mnist()
    assert (target / NAMES[0]).read_bytes() == b"mine"


def test_a_mirror_that_drips_is_given_up(arrays, published, serve, monkeypatch):
    files, target = published
    monkeypatch.setattr(mnist_files, "TIMEOUT_S", 0.3)
    drip, _ = serve(dict.fromkeys(files, range(100)), files)
    start = time.perf_counter()
    assert_same(mnist_files.load_mnist(), arrays)
    assert time.perf_counter() - start < 5
    assert drip.asked == NAMES[:1]
    assert list_names(target) == sorted(NAMES)


def test_reasons_name_status_and_rate(published, serve, monkeypatch):
    files, _ = published
    monkeypatch.setattr(mnist_files, "TIMEOUT_S", 0.3)
    lacking, drip = serve({}, dict.fromkeys(files, range(100)))
    with pytest.raises(MissingDataError) as caught:
        mnist_files.load_mnist()
    assert f"{lacking.url} answers with status 404" in str(caught.value)
    assert re.search(rf"{drip.url} sends \d+ bytes a second", str(caught.value))


def test_what_a_killed_fetch_left_is_removed_by_the_next_one_and_a_running_one_is_not(arrays, published, serve):
    files, target = published
    old, running = target / ".fetching-old", target / ".fetching-running"
    for scratch in (old, running):
        scratch.mkdir(parents=True)
        (scratch / "half").write_bytes(b"half")
    os.utime(old, (time.time() - 4000,) * 2)
    serve(files)
    assert_same(mnist_files.load_mnist(), arrays)
    assert list_names(target) == sorted([".fetching-running", *NAMES])


@pytest.mark.parametrize("mark", ["-idx", ".idx"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_fetching_anew_puts_published_files_in_the_place_of_others(arrays, published, serve, mark, suffix):
    files, target = published
    target.mkdir(parents=True)
    for name, array in zip(SHAPES, arrays, strict=True):
        data = make_idx(array[::-1])
        (target / (name.replace("-idx", mark) + suffix)).write_bytes(gzip.compress(data) if suffix else data)
    serve(files)
    with pytest.warns(UserWarning, match="content"):
        assert_same(mnist_files.load_mnist(), [array[::-1] for array in arrays])
    assert mnist_files.fetch_mnist(anew=True) == target
    assert_same(mnist_files.load_mnist(), arrays)
    assert list_names(target) == sorted(NAMES)


def test_one_changed_label_is_not_the_published_set(arrays):
    assert mnist_files.is_published(arrays)
    assert mnist_files.is_published([array.astype(int) if array.ndim == 1 else array for array in arrays])
    arrays[1][0] += 1
    assert not mnist_files.is_published(arrays)


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
    assert whole.hexdigest() == mnist_files.CONTENT_SHA256
    assert [array.shape for array in arrays] == list(mnist_files.SHAPES.values())
    assert train_labels[:5].tolist() == [5, 0, 4, 1, 9]
