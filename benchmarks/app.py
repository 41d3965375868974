"""What the page costs: from the pen's lifting to the answer in Chromium, and thirty clients drawing at once.

Digits are drawn, and numbers where there is a network for them. Drawing done, Chromium takes the picture of the page
that the README shows, and one more of a number.

The server is a process of its own, as `digitrec app` starts it. Needs Linux, Gradio, Playwright and Chromium.
"""

import argparse
import base64
import http.client
import io
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from digitrec import records

RESULTS = Path(__file__).with_suffix(".json")
HANDS = json.loads((Path(__file__).parents[1] / "tests" / "app" / "strokes.json").read_text())["hands"]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NUMBERS = ("473", "58", "2016", "1907", "64")
MOST = 150  # ms, for 95 of 100 answers
WARM_UP = 20  # seconds of load before it counts, in which the memory of every thread settles
SIDE = 280  # pixels of the picture that the page sends
EXPLAINED = 20  # every so many-th question of a client is also where the network looked
# From the event of the pen's lifting to the frame that shows the final answer.
WATCH = """
window.latencies = [];
addEventListener("pointerup", (event) => {
    if (!event.target.matches("[data-canvas]")) return;
    const spoken = document.querySelector("[data-spoken]");
    const observer = new MutationObserver(() => {
        if (!spoken.textContent) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => latencies.push(performance.now() - event.timeStamp)));
    });
    observer.observe(spoken, {childList: true, characterData: true, subtree: true});
}, true);
"""


def main() -> int:
    """Measure, print, write the figures; return 0, or 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60, help="of load")
    parser.add_argument("--rounds", type=int, default=1, help="times that all hands' digits are drawn in Chromium")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the figures go (default: %(default)s)")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with serve() as (url, process):
        latency = measure_latency(url, options.rounds, options.output.with_suffix(".png"))
        measure_load(url, process, options.clients, WARM_UP)
        clients = measure_load(url, process, options.clients, options.seconds)
    results = {"load_before": round(load, 2), **latency, "clients": clients}
    print(describe_results(results))
    records.write_result(options.output, results)
    return int(not all(part["met"] for part in results.values() if isinstance(part, dict)))


@contextmanager
def serve() -> Iterator[tuple[str, int]]:
    """Run the page as a process; yield its address and its id."""
    command = [sys.executable, "-u", "-m", "digitrec", "app", "--no-browser", "--port", "7860"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        address = None
        while address is None:  # a line on a taken port comes first
            address = re.search(r"http://\S+?:\d+/", process.stdout.readline())
        yield address[0], process.pid
    finally:
        process.terminate()
        process.wait()


# --- from the pen to the answer --------------------------------------------------------------------


def measure_latency(url: str, rounds: int, picture: Path) -> dict[str, dict[str, Any]]:
    """Draw every digit of every hand, and numbers in every hand, in Chromium, at the pace of a quick hand."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=shutil.which("chromium"), headless=True, args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 770})
        page.add_init_script(WATCH)
        page.goto(url)
        page.wait_for_selector("[data-bars] li")
        hands = [*HANDS.values()] * rounds
        results = {"latency": measure_drawings(page, list(itertools.product(hands, "0123456789")))}
        take_picture(page, HANDS["slanted and thin"], "7", picture)
        if page.locator(".page[data-numbers]").count():
            results["numbers"] = measure_drawings(page, list(itertools.product(hands, NUMBERS)))
            take_picture(page, HANDS["slanted and thin"], "473", picture.with_stem(f"{picture.stem}_number"))
        browser.close()
    return results


def measure_drawings(page: Any, drawings: Sequence[tuple[dict, str]]) -> dict[str, Any]:
    """Draw texts, each in a hand and on an empty sheet; return what each answer took, and how many were wrong."""
    page.evaluate("latencies.length = 0")
    wrong = 0
    for hand, text in drawings:
        draw_strokes(page, spread(text, hand), hand["width"] / len(text) ** 0.5)
        wrong += page.locator("[data-digit]").inner_text() != text
        page.get_by_role("button", name="Clear").click()
    figures = summarise(page.evaluate("latencies"))
    return figures | {
        "drawn": len(drawings), "misread": wrong, "at_most_ms": MOST, "met": figures["p95_ms"] <= MOST
    }  # fmt: skip


def spread(text: str, hand: dict) -> list[list[list[float]]]:
    """Return the strokes of a text's digits side by side; of one digit, those of the digit."""
    count = len(text)
    return [
        [[(i + x) / count, 0.5 + (y - 0.5) / count**0.7] for x, y in points]
        for i, digit in enumerate(text)
        for points in hand["digits"][digit]
    ]


def take_picture(page: Any, hand: dict, text: str, file: Path) -> None:
    """Draw a text with a thin pen, photograph the page and clear it."""
    draw_strokes(page, spread(text, hand), width=14)
    page.mouse.move(0, 0)
    page.wait_for_timeout(2000)  # where it looked comes a little later
    page.screenshot(path=file)
    page.get_by_role("button", name="Clear").click()


def draw_strokes(page: Any, strokes: list[list[list[float]]], width: float) -> None:
    """Draw strokes, their points 0-1, with the mouse, and wait for the answer to each."""
    page.locator("[data-width]").fill(str(round(width)))
    box = page.locator("[data-canvas]").bounding_box()
    for points in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
            time.sleep(0.012)
        count = page.evaluate("latencies.length")
        page.mouse.up()
        page.wait_for_function(f"latencies.length > {count}")


# --- thirty clients --------------------------------------------------------------------------------


def measure_load(url: str, process: int, clients: int, seconds: float) -> dict[str, Any]:
    """Let clients ask one question after another, as the page does while a stroke grows."""
    bodies = [json.dumps({"data": [picture, i % EXPLAINED == 0]}) for i, picture in enumerate(draw_pictures())]
    times: list[float] = []
    failures: list[str] = []
    start = time.perf_counter()
    threads = []
    for i in range(clients):
        questions = itertools.cycle(bodies[i:] + bodies[:i])
        threads.append(threading.Thread(target=ask, args=(url, questions, start + seconds, times, failures)))
        threads[-1].start()
    memory = []
    while time.perf_counter() < start + seconds:
        time.sleep(min(5, seconds / 4))
        memory.append(read_memory(process))
    for thread in threads:
        thread.join()
    return summarise([time_s * 1000 for time_s in times]) | {
        "clients": clients,
        "seconds": seconds,
        "per_second": round(len(times) / seconds, 1),
        "failures": len(failures),
        "first_failure": failures[0] if failures else None,
        "memory_mb": memory,
        "met": not failures,
    }


def ask(url: str, bodies: Iterator[str], end: float, times: list[float], failures: list[str]) -> None:
    """Ask, wait for the answer, ask again, until the end, over one connection as a browser does."""
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=60)
    while time.perf_counter() < end:
        start = time.perf_counter()
        try:
            connection.request("POST", "/gradio_api/run/read", next(bodies))
            reply = connection.getresponse()
            answer = json.loads(reply.read())
            if reply.status != 200 or answer["data"][0]["digit"] is None:
                failures.append(str(answer)[:200])
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            failures.append(repr(error))
        times.append(time.perf_counter() - start)


def draw_pictures() -> list[str]:
    """Return every digit of every hand as the grey levels, in base64, that the page would send."""
    pictures = []
    for hand in HANDS.values():
        for strokes in hand["digits"].values():
            sheet = Image.new("L", (SIDE, SIDE), 255)
            for points in strokes:
                line = [(x * SIDE, y * SIDE) for x, y in points]
                ImageDraw.Draw(sheet).line(line, 0, hand["width"], joint="curve")
            file = io.BytesIO()
            sheet.save(file, "PPM")
            pictures.append(base64.b64encode(file.getvalue()).decode())
    return pictures


def read_memory(process: int) -> float:
    """Return the resident memory of a process, and of those that it started, in MB."""
    children = (file.read_text().split() for file in Path(f"/proc/{process}/task").glob("*/children"))
    processes = [str(process), *itertools.chain.from_iterable(children)]
    kilobytes = [re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{one}/status").read_text())[1] for one in processes]
    return round(sum(map(int, kilobytes)) * 1024 / 1e6, 1)


def summarise(times: Sequence[float]) -> dict[str, Any]:
    """Return how many, the median and the 95th percentile of times in ms."""
    median, p95 = (round(float(np.percentile(times, share)), 1) for share in (50, 95))
    return {"n": len(times), "median_ms": median, "p95_ms": p95}


def describe_results(results: dict[str, Any]) -> str:
    """Return the results as a table in Markdown, the machine in its first line."""
    machine, load = records.describe_machine(), results["clients"]
    rows = [
        f"| from the pen's lifting to the answer in Chromium, {what} | {part['n']} | {part['median_ms']} "
        f"| {part['p95_ms']} | {part['misread']} of {part['drawn']} misread; target ≤ {MOST} ms"
        f"{'' if part['met'] else ' **missed**'} |"
        for what, part in (("digits", results["latency"]), ("numbers", results.get("numbers")))
        if part
    ]
    return "\n".join(
        [
            f"{machine['processor']}, {machine['cores']} cores, {machine['system']}; load {results['load_before']}",
            "",
            "| | n | median ms | 95 % within ms | |",
            "| --- | ---: | ---: | ---: | --- |",
            *rows,
            f"| {load['clients']} clients asking for {load['seconds']:g} s | {load['n']} | {load['median_ms']} "
            f"| {load['p95_ms']} | {load['per_second']} a second, {load['failures']} failures, "
            f"memory {load['memory_mb'][0]} MB in the first seconds, {load['memory_mb'][-1]} MB at the end |",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
