"""The page without a browser: its functions, its server, its API, and what hostile clients get."""

import base64
import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from digitrec import Recognizer, app, load_folder, to_mnist
from digitrec.app.api import MAX_BYTES, Api, decode_picture
from digitrec.app.guard import Refusal, read_call
from digitrec.app.samples import SampleFolder
from digitrec.pictures import PictureError

ROOT = Path(__file__).parents[1]
DRAWINGS = ROOT / "data" / "samples"
SEVEN = DRAWINGS / "7_crossed.png"


def encode(picture: Path | bytes) -> str:
    return base64.b64encode(picture if isinstance(picture, bytes) else picture.read_bytes()).decode()


def draw_bomb() -> bytes:
    file = io.BytesIO()
    Image.new("1", (8000, 8000)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def recognizer():
    return Recognizer.load("cnn")


@pytest.fixture
def samples(tmp_path):
    return SampleFolder(tmp_path / "own")


@pytest.fixture
def api(recognizer, samples):
    return Api(recognizer, samples)


@pytest.fixture(scope="module")
def server(recognizer, tmp_path_factory):
    pytest.importorskip("gradio")
    with app.start(recognizer, tmp_path_factory.mktemp("own") / "digits", port=7900, report=lambda line: None) as page:
        yield page


# --- reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(DRAWINGS.glob("*.*g")), ids=lambda path: path.stem)
def test_reads_what_the_recognizer_reads(api, recognizer, path):
    answer, expected = api.read(encode(path)), recognizer.predict(path)
    assert (answer["digit"], answer["reason"]) == (expected.digit, expected.reason)
    assert np.allclose(answer["probabilities"], expected.probabilities, atol=1e-4)
    assert answer["image"] == expected.image.tolist()
    assert answer["heat"] is None
    assert json.loads(json.dumps(answer)) == answer


def test_a_data_url_and_an_explanation(api):
    answer = api.read(f"data:image/png;base64,{encode(SEVEN)}", True)
    heat, ink = np.array(answer["heat"]), np.array(answer["image"]) > 0
    assert heat.shape == (28, 28)
    assert heat[ink].max() > 1
    assert not heat[:2].any()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("7_crossed.png", "This is surely a 7."),
        ("8_tiny.png", "This is surely an 8."),
        ("blank.png", "Draw a digit, 0 to 9."),
        ("letter_k.png", "This is not a digit: it looks like none of the ten."),
    ],
)
def test_says_it_in_plain_words(api, name, says):
    assert api.read(encode(DRAWINGS / name))["says"] == says


def test_says_between_which_two_it_wavers(recognizer):
    doubtful = Recognizer(recognizer._session, recognizer.temperature, threshold=1.01)
    says = Api(doubtful, SampleFolder("unused")).read(encode(SEVEN))["says"]
    assert re.fullmatch(r"Hard to tell: it could be 7 or \d\.", says)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (None, "got NoneType"),
        ({"path": "/etc/passwd"}, "got dict"),
        ("/etc/passwd", "got other text"),
        ("../../secret.png", "got other text"),
        ("http://127.0.0.1/seven.png", "got other text"),
        ("", "got none"),
        ("data:image/png;base64,", "got none"),
        ("é" * 50, "got other text"),
        (encode(b"<svg onload=alert(1)>"), "expected one of PNG"),
        (encode(SEVEN.read_bytes()[:900]), "damaged or cut short"),
        (encode(draw_bomb()), "40000000 pixels"),
        ("A" * (MAX_BYTES * 4 // 3 + 100), "at most 20 MB"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(api, picture, message):
    for function in (api.read, api.forget, lambda picture: api.keep(picture, 3)):
        with pytest.raises(PictureError, match=re.escape(message)) as error:
            function(picture)
        assert "\n" not in str(error.value)


@given(st.text() | st.integers() | st.none() | st.lists(st.text()) | st.binary().map(lambda data: encode(data)))
def test_whatever_comes_is_bytes_or_refused(picture):
    with suppress(PictureError):
        assert isinstance(decode_picture(picture), bytes)


# --- samples of one's own --------------------------------------------------------------------------


def test_nothing_is_written_before_something_is_kept(api, samples):
    api.read(encode(SEVEN))
    assert api.samples() == {"folder": str(samples.folder), "counts": [0] * 10}
    api.forget(encode(SEVEN))
    assert not samples.folder.exists()


def test_kept_samples_are_what_training_reads(api, samples):
    paths = sorted(DRAWINGS.glob("[0-9]_*"))
    for path in paths:
        api.keep(encode(path), int(path.name[0]))
    assert api.samples()["counts"] == [1] * 10
    images, labels = load_folder(samples.folder)
    assert labels.tolist() == list(range(10))
    assert np.array_equal(images, np.stack([to_mnist(path) for path in paths]))
    for kept in samples.folder.rglob("*.png"):
        with Image.open(kept) as picture:
            assert not picture.getexif()
            assert max(picture.size) <= 400


def test_a_label_is_corrected_not_doubled(api):
    assert api.keep(encode(SEVEN), 1)["counts"][1] == 1
    assert api.keep(encode(SEVEN), 7)["counts"] == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert sum(api.keep(encode(SEVEN), 7)["counts"]) == 1
    assert sum(api.forget(encode(SEVEN))["counts"]) == 0


@pytest.mark.parametrize("digit", [-1, 10, "7", 7.0, None, True, "../7", [7]])
def test_what_is_no_digit_is_refused(api, samples, digit):
    with pytest.raises(ValueError, match="digit: expected 0 to 9"):
        api.keep(encode(SEVEN), digit)
    assert not samples.folder.exists()


def test_a_blank_picture_teaches_nothing(api):
    with pytest.raises(ValueError, match="expected ink"):
        api.keep(encode(DRAWINGS / "blank.png"), 3)


def test_a_folder_with_a_table_is_not_added_to(api, samples):
    samples.folder.mkdir()
    (samples.folder / "labels.csv").write_text("file,label\n")
    with pytest.raises(ValueError, match="choose another folder"):
        api.keep(encode(SEVEN), 7)


def test_a_full_disk_leaves_nothing_half_written(api, samples, monkeypatch):
    def fail(*paths):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        api.keep(encode(SEVEN), 7)
    assert not [path for path in samples.folder.rglob("*") if path.is_file()]


# --- the server ------------------------------------------------------------------------------------


def send(url: str, method: str, path: str, body: bytes | str | None = None, **headers: str) -> tuple[int, str]:
    """Send a request as it stands, without what a client library would put right; return status and body."""
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=60)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


def call(url: str, name: str, *data: object) -> tuple[int, dict]:
    status, body = send(url, "POST", f"/gradio_api/run/{name}", json.dumps({"data": data}))
    return status, json.loads(body)


def check_alive(url: str) -> None:
    status, reply = call(url, "read", encode(SEVEN), False)
    assert (status, reply["data"][0]["digit"]) == (200, 7)


def test_serves_the_page_on_this_machine_alone(server):
    status, page = send(server.url, "GET", "/")
    assert status == 200
    assert "Draw a digit" in page
    with socket.socket() as other:  # the same port on another address of this machine is not listened on
        assert other.connect_ex(("127.0.0.2", int(server.url.split(":")[-1].strip("/")))) != 0


def test_the_pages_parts_name_no_other_machine():
    for path in (ROOT / "src/digitrec/app").glob("page.*"):
        assert not re.search(r"https?:|//\w+\.\w|@import", path.read_text()), path


def test_one_network_in_memory_for_all(monkeypatch, tmp_path):
    pytest.importorskip("gradio")
    loaded = []
    load = Recognizer.load
    monkeypatch.setattr(Recognizer, "load", lambda model: loaded.append(model) or load(model))
    with app.start(samples=tmp_path, port=7950, report=lambda line: None) as page:
        for _ in range(5):
            check_alive(page.url)
    assert loaded == ["cnn"]


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../../../etc/passwd",
        "/gradio_api/file/etc/passwd",
        "/gradio_api/proxy=http://127.0.0.1:22/",
        "/static/../../../../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/assets//etc/passwd",
        "/gradio_api/stream/../../etc/passwd",
        "/gradio_api/runs",
        "/monitoring",
        "/pyproject.toml",
    ],
)
def test_no_file_of_this_machine_is_given_out(server, path):
    status, body = send(server.url, "GET", path)
    assert status in (403, 404), body
    assert "root:" not in body
    assert "Traceback" not in body
    check_alive(server.url)


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("run/read", "no JSON", 400, "expected JSON"),
        ("run/read", "[" * 100_000, 400, "expected JSON"),
        ("run/read", "[]", 400, "expected an object"),
        ("run/read", '{"data": "x"}', 400, "expected an object"),
        ("run/read", '{"data": []}', 400, "expected 2 arguments, got 0"),
        ("run/read", '{"data": ["a", false, 3]}', 400, "expected 2 arguments, got 3"),
        ("run/read", '{"data": [{"path": "/etc/passwd"}]}', 500, "got dict"),
        ("run/keep", '{"data": ["AAAA", "../7"]}', 500, "digit: expected 0 to 9"),
        ("run/absent", '{"data": []}', 404, "expected one of read, keep"),
        ("queue/join", '{"data": [], "fn_index": 99, "session_hash": "a"}', 404, "fn_index: expected 0 to 3"),
        ("queue/join", '{"data": [], "fn_index": 3, "session_hash": "../a"}', 400, "session_hash: expected"),
        ("upload", "", 404, "nothing here"),
        ("vibe-edit", "{}", 404, "nothing here"),
    ],
)
def test_a_malformed_call_is_refused_clearly_and_the_server_goes_on(server, capfd, path, body, status, message):
    answer = send(server.url, "POST", f"/gradio_api/{path}", body)
    assert answer[0] == status
    assert message in json.loads(answer[1])["error"]
    check_alive(server.url)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_other_sites_get_nothing(server):
    port = server.url.split(":")[-1].strip("/")
    body = json.dumps({"data": [encode(SEVEN), 7]})
    for headers in ({"Origin": "https://example.org"}, {"Host": f"example.org:{port}"}, {"Origin": "null"}):
        status, answer = send(server.url, "POST", "/gradio_api/run/keep", body, **headers)
        assert (status, list(json.loads(answer))) == (403, ["error"])
    assert call(server.url, "samples")[1]["data"][0]["counts"] == [0] * 10


def test_pictures_that_are_too_much_are_refused_and_the_server_goes_on(server):
    status, answer = call(server.url, "read", encode(draw_bomb()), False)
    assert (status, answer["error"].split(",")[-1]) == (500, " got 8000x8000")
    status, answer = call(server.url, "read", "A" * 31_000_000, False)
    assert (status, answer["error"]) == (413, "body: expected at most 30 MB, got 31")
    check_alive(server.url)


def test_of_a_call_only_what_is_needed_goes_on():
    calls = {"read": [..., False]}
    given = {"data": ["x"], "fn_index": 0, "session_hash": "a-b", "trigger_id": 5, "event_data": {"path": "/"}}
    assert read_call("/gradio_api/run/read", json.dumps(given).encode(), calls) == {"data": ["x", False]}
    joined = read_call("/gradio_api/queue/join", json.dumps(given).encode(), calls)
    assert joined == {"data": ["x", False], "fn_index": 0, "session_hash": "a-b"}


VALUES = st.recursive(st.none() | st.text(), st.lists)


@given(st.binary() | VALUES.map(lambda value: json.dumps({"data": value}).encode()))
def test_whatever_body_comes_is_a_call_or_refused(body):
    with suppress(Refusal):
        assert len(read_call("/run/read", body, {"read": [..., False]})["data"]) == 2


def test_the_readmes_client(server, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    (code,) = [
        block for block in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        if "gradio_client" in block
    ]  # fmt: skip
    assert "http://127.0.0.1:7860/" in code
    exec(code.replace("http://127.0.0.1:7860/", server.url), {})
    assert capsys.readouterr().out.splitlines()[-1].startswith("7 ")


def test_a_client_learns_why(server):
    gradio_client = pytest.importorskip("gradio_client")
    client = gradio_client.Client(server.url, verbose=False)
    with pytest.raises(Exception, match="expected one of PNG"):
        client.predict(encode(b"no picture"), api_name="/read")


# --- starting and stopping -------------------------------------------------------------------------


def test_a_taken_port_is_said_and_the_next_one_used(server, recognizer, tmp_path):
    port, said = int(server.url.split(":")[-1].strip("/")), []
    with app.start(recognizer, tmp_path, port, said.append) as page:
        assert said == [f"port {port} is taken: using {page.url.split(':')[-1].strip('/')}"]
        check_alive(page.url)
    check_alive(server.url)


def test_starts_behind_a_proxy_that_does_not_answer(recognizer, tmp_path, monkeypatch):
    pytest.importorskip("gradio")
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with app.start(recognizer, tmp_path, 7990, report=lambda line: None) as page:
        check_alive(page.url)
    assert os.environ["no_proxy"] == ""
    assert "NO_PROXY" not in os.environ


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_no_port_is_refused(port):
    with pytest.raises(ValueError, match="port: expected 1 to 65535"):
        app.find_port(port)


def test_in_a_notebook_it_shows_itself_and_returns(recognizer, tmp_path, monkeypatch):
    pytest.importorskip("gradio")
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    for _ in range(2):
        assert app.launch(inline=True, model=recognizer, samples=tmp_path, port=7970, report=lambda line: None) is None
    first, second = (re.search(r'<iframe src="(.*?)"', html.data)[1] for html in shown)
    check_alive(second)
    if first != second:  # the port of the first may be free again already
        with pytest.raises(ConnectionError):
            send(first, "GET", "/")
    app._shown.close()


# Whatever in this process reaches for another machine is written to its standard error.
WATCHED = """
import sys
def watch(event, arguments):
    if event == "socket.connect" and arguments[1][0] not in ("127.0.0.1", "localhost"):
        print("connects to", arguments[1], file=sys.stderr)
    if event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", "localhost", None):
        print("asks for", arguments[0], file=sys.stderr)
sys.addaudithook(watch)
from digitrec.cli import main
sys.exit(main(["app", "--no-browser", "--port", "7980"]))
"""


@pytest.mark.slow
def test_ctrl_c_ends_it_cleanly_and_it_asked_no_other_machine(tmp_path):
    pytest.importorskip("gradio")
    command = [sys.executable, "-u", "-c", WATCHED]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        while "taken" in line:
            line = process.stdout.readline()
        check_alive(re.search(r"http://127\.0\.0\.1:\d+/", line)[0])
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, output.strip(), errors) == (0, "stopped", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "absent"], "no model 'absent'"),
        (["--port", "70000"], "port: expected 1 to 65535, got 70000"),
        (["--port", "many"], "invalid int value: 'many'"),
    ],
)
def test_wrong_use_is_one_clear_line(arguments, message):
    done = subprocess.run([sys.executable, "-m", "digitrec.cli", "app", *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_without_gradio_it_says_what_to_install():
    code = "import sys; sys.modules['gradio'] = None; from digitrec.cli import main; sys.exit(main(['app']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "digitrec: the page needs Gradio: pip install 'digitrec[app]'\n"
