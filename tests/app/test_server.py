"""The running page, without a browser: what it serves, how it starts and stops, and what hostile clients get."""

import base64
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitrec import ModelError, Recognizer, app
from digitrec.app import server as server_module
from digitrec.app.server import find_port

ROOT = Path(__file__).parents[2]
SPEAKS_OF_NUMBERS = r'class=\\*"page\\*" data-numbers'


def test_serves_the_page_on_this_machine_alone(server, send):
    status, page = send(server.url, "GET", "/")
    assert status == 200
    assert "Draw a digit" in page
    with socket.socket() as other:  # the same port on another address of this machine is not listened on
        assert other.connect_ex(("127.0.0.2", int(server.url.split(":")[-1].strip("/")))) != 0


def test_the_pages_parts_name_no_other_machine():
    for path in (ROOT / "src/digitrec/app").glob("page.*"):
        assert not re.search(r"https?:|//\w+\.\w|@import", path.read_text()), path


def test_one_network_in_memory_for_all(monkeypatch, check_alive, tmp_path):
    pytest.importorskip("gradio")
    loaded = []
    load = Recognizer.load
    monkeypatch.setattr(Recognizer, "load", lambda model: loaded.append(model) or load(model))
    with app.start(samples=tmp_path, port=7950, report=lambda line: None) as page:
        for _ in range(5):
            check_alive(page.url)
    assert loaded == ["cnn"]


# --- requests --------------------------------------------------------------------------------------


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
        "/assets/absent.js",
        "/static/img",
        "/static/" + "a" * 5000,
        "/static/" + "/".join(["a" * 99] * 6),
        "/static/%00",
        "/assets/%ff%fe",
        "/gradio_api/stream/../../etc/passwd",
        "/gradio_api/runs",
        "/monitoring",
        "/pyproject.toml",
    ],
)
def test_no_file_of_this_machine_is_given_out(server, send, check_alive, capfd, path):
    status, body = send(server.url, "GET", path)
    assert status in (403, 404), body
    assert "root:" not in body
    assert json.loads(body)
    check_alive(server.url)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("run/read", "no JSON", 400, "expected JSON"),
        ("run/read", "[" * 100_000, 400, "expected JSON"),
        ("run/read", "[]", 400, "expected an object"),
        ("run/read", '{"data": "x"}', 400, "expected an object"),
        ("run/read", '{"data": []}', 400, "expected 3 arguments, got 0"),
        ("run/read", '{"data": ["a", false, false, 3]}', 400, "expected 3 arguments, got 4"),
        ("run/read", '{"data": [{"path": "/etc/passwd"}]}', 400, "got dict"),
        ("run/read", '{"data": ["no picture"]}', 400, "got other text"),
        ("run/read", '{"data": ["AAAA"]}', 400, "expected one of PNG"),
        ("run/keep", '{"data": ["AAAA", "../7"]}', 400, "digit: expected int"),
        ("run/keep", '{"data": ["AAAA", 11]}', 400, "expected one of PNG"),
        ("run/read_number", '{"data": ["AAAA", "4"]}', 400, "length: expected int"),
        ("run/read_number", '{"data": ["AAAA"]}', 400, "expected one of PNG"),
        ("run/absent", '{"data": []}', 404, "expected one of read, keep"),
        ("queue/join", '{"data": [], "fn_index": 99, "session_hash": "a"}', 404, "fn_index: expected 0 to 8"),
        ("queue/join", '{"data": [], "fn_index": 3, "session_hash": "../a"}', 400, "session_hash: expected"),
        ("upload", "", 404, "nothing here"),
        ("vibe-edit", "{}", 404, "nothing here"),
    ],
)
def test_a_malformed_call_is_refused_clearly_and_the_server_goes_on(
    server, send, check_alive, capfd, path, body, status, message
):
    answer = send(server.url, "POST", f"/gradio_api/{path}", body)
    assert answer[0] == status
    assert message in json.loads(answer[1])["error"]
    check_alive(server.url)
    assert capfd.readouterr() == ("", "")


RAW = [
    b"GET / HTTP/1.1\r\nHost: [\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://[\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: example.org\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET http://example.org/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /static/%zz%00%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /static/\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"a" * 5000),
    b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"a" * 100_000),
    b"GET /gradio_api/queue/data?session_hash=%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"CONNECT example.org:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /gradio_api/run/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    b"POST /gradio_api/run/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    b"POST /gradio_api/run/read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /gradio_api/run/read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    b"Content-Length: 2\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
    b"GET /queue/join HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\r\n\r\n\r\nno HTTP at all\r\n\r\n",
    b"POST /gradio_api/run/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{",
]


@pytest.mark.parametrize("request_", RAW, ids=range(len(RAW)))
def test_whatever_arrives_is_refused_without_a_traceback(server, check_alive, capfd, request_):
    with socket.create_connection(("127.0.0.1", int(server.url.split(":")[-1].strip("/"))), timeout=10) as connection:
        reply = b""
        with suppress(ConnectionResetError):  # refused before all of it was read
            connection.sendall(request_)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                reply += part
    assert re.match(rb"HTTP/1\.1 4\d\d |$", reply), reply
    check_alive(server.url)
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_value_that_looks_like_a_file_fetches_nothing(server, send, monkeypatch):
    asked = []
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more, **options: asked.append(host) or look_up(host, *more)
    )
    file = {"path": "http://digits.example/a.png", "url": "http://digits.example/a.png"}
    for value in (file, file | {"meta": {"_type": "gradio.FileData"}}, [file], file["path"]):
        for path, data in (("run/read", [value]), ("run/read", ["AAAA", value]), ("queue/join", [value, False])):
            body = json.dumps({"data": data, "fn_index": 0, "session_hash": "a"})
            status, reply = send(server.url, "POST", f"/gradio_api/{path}", body)
            assert status == 400 or (path == "queue/join" and value == file["path"]), reply
    assert set(asked) <= {"127.0.0.1"}


def test_other_sites_get_nothing(server, send, call, seven):
    port = server.url.split(":")[-1].strip("/")
    body = json.dumps({"data": [seven, 7]})
    for headers in ({"Origin": "https://example.org"}, {"Host": f"example.org:{port}"}, {"Origin": "null"}):
        status, answer = send(server.url, "POST", "/gradio_api/run/keep", body, **headers)
        assert (status, set(json.loads(answer))) == (403, {"error", "says"})
    assert call(server.url, "samples")[1]["data"][0]["counts"] == [0] * 10


def test_pictures_that_are_too_much_are_refused_and_the_server_goes_on(server, call, check_alive, bomb):
    status, answer = call(server.url, "read", bomb, False)
    assert (status, answer["error"].split(",")[-1]) == (400, " got 8000x8000")
    assert answer["says"].startswith("This picture cannot be read: expected")
    status, answer = call(server.url, "read", "A" * 31_000_000, False)
    assert (status, answer["error"]) == (413, "body: expected at most 30 MB, got 31")
    check_alive(server.url)


def test_a_large_picture_is_read(server, call, seven):
    with Image.open(io.BytesIO(base64.b64decode(seven))) as picture:
        large = picture.convert("RGB").resize((3000, 2200))
    file = io.BytesIO()
    large.save(file, "BMP")
    status, answer = call(server.url, "read", base64.b64encode(file.getvalue()[:19_900_000]).decode(), False)
    assert (status, answer["data"][0]["digit"]) == (200, 7)


@pytest.mark.slow
def test_a_small_picture_does_not_wait_for_eight_large_ones(server, call, check_alive):
    noise = np.random.default_rng(0).integers(0, 256, (2200, 3000, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "BMP")
    large = base64.b64encode(file.getvalue()).decode()
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(call(server.url, "read", large)[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    times = []
    while any(thread.is_alive() for thread in threads):
        begin = time.perf_counter()
        check_alive(server.url)
        times.append(time.perf_counter() - begin)
    assert replies == [200] * 8
    assert np.median(times) < 0.5


def test_the_readmes_client(server, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    (code,) = [
        block for block in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        if "gradio_client" in block
    ]  # fmt: skip
    assert "http://127.0.0.1:7860/" in code
    exec(code.replace("http://127.0.0.1:7860/", server.url), {})
    assert capsys.readouterr().out.splitlines()[-1].startswith("7 ")


def test_a_client_learns_why_and_asks_many_things_at_once(server, seven):
    gradio_client = pytest.importorskip("gradio_client")
    client = gradio_client.Client(server.url, verbose=False)
    with pytest.raises(Exception, match="expected one of PNG"):
        client.predict("AAAA", api_name="/read")
    jobs = [client.submit(seven, explain, api_name="/read") for explain in [False, True] * 10]
    answers = [job.result(timeout=60) for job in jobs]
    assert {answer["digit"] for answer in answers} == {7}
    assert [answer["heat"] is not None for answer in answers] == [False, True] * 10


def test_a_client_reads_a_number_and_says_what_is_known(server, column_reader, number_47):
    gradio_client = pytest.importorskip("gradio_client")
    client = gradio_client.Client(server.url, verbose=False)
    column_reader.asked.clear()
    answer = client.predict(number_47, 2, "dd", api_name="/read_number")
    assert (answer["text"], [one["text"] for one in answer["characters"]]) == ("47", ["4", "7"])
    assert column_reader.asked == [{"length": 2, "pattern": "dd", "characters": None}]
    assert client.predict(number_47, api_name="/read_number") == answer
    with pytest.raises(Exception, match="length: expected 1 to 60 characters, got 99"):
        client.predict(number_47, 99, api_name="/read_number")


def test_a_large_pictures_boxes_are_in_its_own_pixels(server, call, number_47):
    with Image.open(io.BytesIO(base64.b64decode(number_47))) as picture:
        small, large = picture.copy(), picture.resize((2400, 2400))
    file = io.BytesIO()
    large.save(file, "PNG")
    status, reply = call(server.url, "read_number", base64.b64encode(file.getvalue()).decode())
    assert status == 200
    boxes = [one["box"] for one in reply["data"][0]["characters"]]
    expected = [one["box"] for one in call(server.url, "read_number", number_47)[1]["data"][0]["characters"]]
    assert np.allclose(boxes, np.array(expected) * 2400 / small.width, atol=2400 / 100)


def test_without_a_network_of_numbers_digits_are_read_all_the_same(
    recognizer, send, call, seven, check_alive, tmp_path
):
    pytest.importorskip("gradio")
    said = []
    with app.start(recognizer, tmp_path, 7960, said.append, tmp_path / "absent") as page:
        assert said[-1] == f"no network of numbers ({tmp_path / 'absent'}): digits alone are read"
        assert not re.search(SPEAKS_OF_NUMBERS, send(page.url, "GET", "/")[1])
        check_alive(page.url)
        status, reply = call(page.url, "read_number", seven)
        assert (status, reply["error"]) == (
            400, "read_number: expected a network of numbers in models/numbers, found none; ask read"
        )  # fmt: skip


def test_a_damaged_network_of_numbers_is_no_missing_one(recognizer, tmp_path):
    pytest.importorskip("gradio")
    (tmp_path / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelError):
        app.start(recognizer, tmp_path / "own", 7960, numbers=tmp_path)


def test_the_page_speaks_of_numbers_where_they_are_read(server, send):
    assert re.search(SPEAKS_OF_NUMBERS, send(server.url, "GET", "/")[1])


def test_closing_leaves_no_process(recognizer, tmp_path):
    pytest.importorskip("gradio")
    psutil = pytest.importorskip("psutil")
    before = set(psutil.Process().children())
    page = app.start(recognizer, tmp_path, 7940, lambda line: None)
    assert len(set(psutil.Process().children()) - before) == 3
    page.close()
    page.close()
    assert set(psutil.Process().children()) - before == set()


@pytest.mark.slow
def test_an_idle_page_takes_no_processor(server, check_alive):
    check_alive(server.url)
    time.sleep(2)  # what the check began is done
    before = time.process_time()
    time.sleep(10)
    assert (time.process_time() - before) / 10 < 0.005


# --- starting and stopping -------------------------------------------------------------------------


def test_a_taken_port_is_said_and_the_next_one_used(server, recognizer, column_reader, check_alive, tmp_path):
    port, said = int(server.url.split(":")[-1].strip("/")), []
    with app.start(recognizer, tmp_path, port, said.append, column_reader) as page:
        assert said == [f"port {port} is taken: using {page.url.split(':')[-1].strip('/')}"]
        check_alive(page.url)
    check_alive(server.url)


def test_starts_behind_a_proxy_that_does_not_answer(recognizer, check_alive, tmp_path, monkeypatch):
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
        find_port(port)


def test_in_a_notebook_it_shows_itself_and_returns(recognizer, send, check_alive, tmp_path, monkeypatch):
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
    server_module._shown.close()


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
def test_ctrl_c_ends_it_cleanly_and_it_asked_no_other_machine(check_alive, tmp_path):
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
    done = subprocess.run([sys.executable, "-m", "digitrec", "app", *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_without_gradio_it_says_what_to_install():
    code = "import sys; sys.modules['gradio'] = None; from digitrec.cli import main; sys.exit(main(['app']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "digitrec: the page needs Gradio: pip install 'digitrec[app]'\n"
