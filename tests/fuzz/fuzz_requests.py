"""Fuzz the page with raw requests; a 5xx, a traceback on its standard error or no reply within seconds is a finding.

    python tests/fuzz/fuzz_requests.py --seconds 600

Requests are real ones, changed at random: their lines cut, repeated, swapped and filled with odd bytes, their bodies
garbled. After the run the page has to read a picture as before. The same --seed sends the same requests.
"""

import argparse
import base64
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

import numpy as np

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
SERVE = """
import sys, time, digitrec
page = digitrec.app.start(port=int(sys.argv[1]), samples=sys.argv[2], models=sys.argv[3])
print(page.url, flush=True)
sys.stdin.read()
"""
ODD = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"[",
    b"]",
    b"://",
    b"..",
    b"%00",
    b"\r",
    b"\n",
    b"a" * 5000,
    "é".encode(),
    b"{",
    b'"',
)
PATHS = (
    b"/", b"/config", b"/gradio_api/info", b"/gradio_api/run/read", b"/gradio_api/run/keep", b"/gradio_api/queue/join",
    b"/gradio_api/queue/data?session_hash=x", b"/gradio_api/upload", b"/assets/x.js", b"/static/img/logo.svg",
    b"/gradio_api/file=/etc/passwd", b"/gradio_api/run/samples", b"/gradio_api/startup-events",
    b"/gradio_api/run/read_number", b"/gradio_api/run/layers", b"/gradio_api/run/forget", b"/gradio_api/run/lesson",
    b"/gradio_api/run/teach", b"/gradio_api/run/stop_teaching",
)  # fmt: skip
VALUES = (None, True, -1, 1e308, "", "x", "data:,", [], {}, [[]], "\ud800", {"path": "http://a.invalid/x",
          "meta": {"_type": "gradio.FileData"}}, "data:image/png;base64,AAAA")  # fmt: skip


def make_request(picture: str, port: int, rng: np.random.Generator) -> bytes:
    """Return a request, whole or changed."""
    path = PATHS[rng.integers(len(PATHS))]
    body = b""
    if rng.random() < 0.6:
        data = [VALUES[i] for i in rng.integers(len(VALUES), size=rng.integers(4))]
        if rng.random() < 0.7:
            data = [picture, *data[1:]]
        body = json.dumps({"data": data, "fn_index": int(rng.integers(-1, 6)), "session_hash": "abc"}).encode()
    method = (b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"X")[rng.integers(6)] if rng.random() < 0.3 else (
        b"POST" if body else b"GET"
    )  # fmt: skip
    lines = [
        method + b" " + path + b" HTTP/1.1",
        b"Host: 127.0.0.1:%d" % port,
        b"Connection: close",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        b"Origin: http://127.0.0.1:%d" % port,
    ]
    for _ in range(rng.integers(4)):
        place = rng.integers(len(lines))
        line, odd = lines[place], ODD[rng.integers(len(ODD))]
        cut = rng.integers(len(line) + 1)
        lines[place] = (line[:cut] + odd + line[cut:], line[:cut], line + b"\r\n" + line, odd)[rng.integers(4)]
    if body and rng.random() < 0.3:
        cut = rng.integers(len(body) + 1)
        body = (body[:cut], body[:cut] + rng.bytes(5) + body[cut:], rng.bytes(300))[rng.integers(3)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def send(port: int, request: bytes) -> bytes:
    """Send bytes; return the first of the reply, nothing where the connection is closed, as one cut short deserves."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        try:
            return connection.recv(64)
        except ConnectionResetError:
            return b""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, default=17861)
    options = parser.parse_args()
    picture = base64.b64encode((SAMPLES / "7_crossed.png").read_bytes()).decode()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "stderr")
        command = [
            sys.executable,
            "-c",
            SERVE,
            str(options.port),
            str(Path(folder, "samples")),
            str(Path(folder, "models")),
        ]
        with (
            log.open("wb") as errors,
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as server,
        ):
            port = int(server.stdout.readline().decode().rstrip("/\n").rpartition(":")[2])
            found = fuzz(port, picture, log, options.seconds, options.seed)
            server.stdin.close()
    return found


def fuzz(port: int, picture: str, log: Path, seconds: float, seed: int) -> int:
    """Send requests for so long; return 1 at the first finding, 0 where there is none."""
    replies: Counter[str] = Counter()
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        request = make_request(picture, port, np.random.default_rng(seed))
        status = send(port, request)[9:12].decode("latin-1")
        replies[status[:1] or "closed"] += 1
        if status.startswith("5") or b"Traceback" in log.read_bytes():
            print(f"--seed {seed}: {status} to {request[:300]!r}")
            return 1
        seed += 1
    call = urllib.request.Request(
        f"http://127.0.0.1:{port}/gradio_api/run/read",
        json.dumps({"data": [picture]}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(call, timeout=30) as answer:
        assert json.load(answer)["data"][0]["digit"] == 7
    print(f"{replies.total():,} requests in {seconds:.0f} s, by the first digit of the status: {dict(replies)}")
    print(f"standard error of the page: {log.read_bytes()[:500]!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
