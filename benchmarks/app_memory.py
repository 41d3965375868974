"""What the page costs where it is not used as meant: idle, with large pictures, and by clients who vanish.

Thirty clients ask for minutes, a third of the questions without waiting for the answer, some with a large picture; the
memory of the server and of its processes is to stay flat. The server is a process of its own, as `digitrec app` starts
it. Needs Linux and Gradio.
"""

import argparse
import base64
import http.client
import io
import json
import os
import random
import re
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from app import serve  # the script beside this one
from PIL import Image

from digitrec import records

RESULTS = Path(__file__).with_suffix(".json")
IDLE = 0.5  # % of a core, at most
WAIT = 500  # ms that a small picture takes beside eight large ones, at most
GROWTH = 1.1  # of memory from the first quarter to the last, at most
LARGE = 0.02  # share of the questions that have a large picture


def main() -> int:
    """Measure, print, write the figures; return 0, or 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=600, help="of clients who vanish (default: %(default)g)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the figures go (default: %(default)s)")
    options = parser.parse_args()
    load = round(os.getloadavg()[0], 2)
    small, large = (write_question(picture) for picture in (read_small(), draw_large()))
    with serve() as (url, process):
        address = urlsplit(url).netloc
        ask(address, small)
        results = {
            "load_before": load,
            "idle": measure_idle(process, 20),
            "beside_large": measure_waiting(address, small, large),
            "vanishing": measure_vanishing(address, process, options.clients, options.seconds),
        }
    for name, figures in list(results.items())[1:]:
        print(name, json.dumps(figures))
    records.write_result(options.output, results)
    return int(not all(figures["met"] for figures in list(results.values())[1:]))


def read_small() -> bytes:
    """Return a small picture's file."""
    return (records.SAMPLES / "7_crossed.png").read_bytes()


def draw_large() -> bytes:
    """Return a picture's file of 19 MB, of which no format makes less."""
    pixels = np.random.default_rng(0).integers(0, 256, (2100, 3000, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "BMP")
    return file.getvalue()


def write_question(picture: bytes, **queue: Any) -> bytes:
    """Return the question what a picture shows as the page puts it, or as one for the queue."""
    return json.dumps({"data": [base64.b64encode(picture).decode()], **queue}).encode()


def ask(address: str, question: bytes) -> float:
    """Ask what a picture shows, and wait for the answer; return the time it took in ms."""
    start = time.perf_counter()
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("POST", "/gradio_api/run/read", question)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    if reply.status != 200:
        raise ValueError(body[:200])
    return (time.perf_counter() - start) * 1000


def measure_idle(process: int, seconds: float) -> dict[str, Any]:
    """Measure what share of a core the server and its processes take while nobody asks."""
    time.sleep(5)  # what the start began is done
    before = sum(read_time(one) for one in list_processes(process))
    time.sleep(seconds)
    share = 100 * (sum(read_time(one) for one in list_processes(process)) - before) / seconds
    return {"percent_of_a_core": round(share, 2), "at_most": IDLE, "met": share <= IDLE}


def measure_waiting(address: str, small: bytes, large: bytes) -> dict[str, Any]:
    """Ask for a small picture, again and again, while eight large ones are read."""
    of_large: list[float] = []
    threads = [threading.Thread(target=lambda: of_large.append(ask(address, large))) for _ in range(8)]
    for thread in threads:
        thread.start()
    times = []
    while any(thread.is_alive() for thread in threads):
        times.append(ask(address, small))
    return {
        "n": len(times),
        "median_ms": round(float(np.median(times)), 1),
        "longest_ms": round(max(times), 1),
        "eight_large_ms": round(max(of_large), 1),
        "at_most_ms": WAIT,
        "met": max(times) <= WAIT,
    }


def measure_vanishing(address: str, process: int, clients: int, seconds: float) -> dict[str, Any]:
    """Let clients ask, a third of the time without waiting, and watch the memory."""
    questions = [
        (write_question(picture), write_question(picture, fn_index=0, session_hash="$SESSION"))
        for picture in (read_small(), draw_large())
    ]
    asked: list[bool] = []
    end = time.perf_counter() + seconds
    threads = [
        threading.Thread(target=use_roughly, args=(address, questions, end, random.Random(i), asked))
        for i in range(clients)
    ]
    for thread in threads:
        thread.start()
    memory = []
    while time.perf_counter() < end:
        time.sleep(seconds / 40)
        memory.append(sum(read_memory(one) for one in list_processes(process)))
    for thread in threads:
        thread.join()
    first, last = (float(np.median(part)) for part in (memory[5:15], memory[-10:]))
    return {
        "clients": clients,
        "seconds": seconds,
        "questions": len(asked),
        "vanished": len(asked) - sum(asked),
        "memory_mb": [round(one) for one in memory],
        "growth": round(last / first, 3),
        "at_most": GROWTH,
        "met": last / first <= GROWTH,
    }


def use_roughly(
    address: str, questions: list[tuple[bytes, bytes]], end: float, chance: random.Random, asked: list[bool]
) -> None:
    """Ask until the end; a sixth joins the queue and never collects, a sixth leaves before the answer comes."""
    while time.perf_counter() < end:
        question, queued = questions[chance.random() < LARGE]
        way = chance.randrange(6)
        if way >= 2:
            ask(address, question)
        else:
            connection = http.client.HTTPConnection(address, timeout=60)
            with suppress(OSError):
                if way == 0:
                    session = f"{chance.randrange(2**60):x}".encode()
                    connection.request("POST", "/gradio_api/queue/join", queued.replace(b"$SESSION", session))
                    connection.getresponse().read()
                else:
                    connection.request("POST", "/gradio_api/run/read", question)
            connection.close()
        asked.append(way >= 2)


# --- what the system says --------------------------------------------------------------------------


def list_processes(process: int) -> list[int]:
    """Return a process and those that it started."""
    files = Path(f"/proc/{process}/task").glob("*/children")
    return [process, *(int(child) for file in files for child in file.read_text().split())]


def read_time(process: int) -> float:
    """Return the processor time that a process took, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def read_memory(process: int) -> float:
    """Return the resident memory of a process in MB; 0 where it has just ended."""
    try:
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[1]) * 1024 / 1e6
    except (OSError, TypeError):
        return 0.0


if __name__ == "__main__":
    sys.exit(main())
