"""What reading costs: `Recognizer` beside Keras's `model.predict` and `model(x)`, in one run on one machine.

Medians over repeats that take turns; whole processes first, while this one is small. Needs Linux or macOS.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from digitrec import model_folder, records

RESULTS = Path(__file__).with_suffix(".json")
SAMPLE = Path(__file__).parents[1] / "data" / "samples" / "7_crossed.png"
PICTURES = 10_000
COLUMNS = ("digitrec", "model(x)", "model.predict")
KERAS = """
import sys
from digitrec import load_model, prepare, to_mnist
print(load_model(sys.argv[1]).predict(prepare(to_mnist(sys.argv[2])), verbose=0).argmax())
"""
IMPORT = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def main() -> int:
    """Measure, print the table, write the figures; return 0, or 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="cnn", help="name or folder of the model")
    parser.add_argument("--repeats", type=int, default=15, help="of each measurement; short ones run 20 times as many")
    parser.add_argument("--no-keras", action="store_true", help="leave the other side out")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the figures go (default: %(default)s)")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    try:
        model = str(model_folder.find_model(options.model).resolve())
    except model_folder.ModelError as error:
        parser.error(str(error))
    with TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        with ProcessPoolExecutor(1) as another:  # this process has to stay small, see `run_process`
            another.submit(draw_photo, photo).result()
        rows = measure_processes(model, photo, options.repeats, not options.no_keras)
        rows += measure_calls(model, photo, options.repeats, not options.no_keras)
    results = records.describe_origin() | {
        "load_before": round(load, 2),
        "repeats": options.repeats,
        "rows": rows,
    }
    print(write_table(results))
    records.write_result(options.output, results)
    return int(any(row.get("met") is False for row in rows))


def draw_photo(path: Path) -> None:
    """Write a photo of 12 megapixels: a pencilled 7 on grainy paper in uneven light."""
    from PIL import Image, ImageChops, ImageDraw

    size = (4000, 3000)
    light = Image.linear_gradient("L").resize(size).point(lambda level: 130 + level // 3)
    sheet = ImageChops.add(light, Image.effect_noise(size, 24), offset=-128)
    ImageDraw.Draw(sheet).line([(1500, 900), (2450, 880), (1850, 2200)], 60, 40, joint="curve")
    tint = [sheet.point(lambda level, part=part: level * part // 100) for part in (100, 97, 88)]
    Image.merge("RGB", tint).save(path, quality=92)


# --- whole processes ----------------------------------------------------------------------------


def measure_processes(model: str, photo: Path, repeats: int, keras: bool) -> list[dict[str, Any]]:
    """Measure processes from their start to their end, their peak memory, and what imports cost in them."""
    predict = ["-m", "digitrec", "predict", "--model", model]
    one, large = (measure_process([*predict, str(path)], repeats) for path in (SAMPLE, photo))
    other = measure_process(["-c", KERAS, model, str(SAMPLE)], min(repeats, 3)) if keras else (None, None)
    bare, _ = measure_process(["-c", "pass"], repeats)
    return [
        make_row("whole process, one picture", "s", one[0], predict=other[0], at_most=0.5),
        make_row("peak memory of it", "MB", one[1], predict=other[1], at_most=200),
        make_row("whole process, photo of 12 megapixels", "s", large[0]),
        make_row("peak memory of it", "MB", large[1], at_most=200),
        make_row("Python that does nothing", "s", bare),
        make_row("import digitrec", "ms", measure_import("import digitrec", repeats), at_most=200),
        make_row("from digitrec import Recognizer", "ms", measure_import("from digitrec import Recognizer", repeats)),
    ]


def measure_process(arguments: list[str], repeats: int) -> tuple[float, float]:
    """Return the median time in s and the highest peak memory in MB of a Python process; the first is not counted."""
    measured = [run_process(arguments) for _ in range(repeats + 1)][1:]
    return statistics.median(time_s for time_s, _ in measured), max(memory for _, memory in measured)


def run_process(arguments: list[str]) -> tuple[float, float]:
    """Return time in s and peak memory in MB of one Python process.

    The system starts counting a child's peak at its parent's: this process must be the smaller one.
    """
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    time_s = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"expected status 0 from {' '.join(arguments)}, got {child.returncode}")
    return time_s, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def measure_import(statement: str, repeats: int) -> float:
    """Return the median time in ms that an import takes in a fresh process."""
    command = [sys.executable, "-c", IMPORT.format(statement)]
    taken = [float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(repeats + 1)]
    return statistics.median(taken[1:]) * 1000


# --- calls in this process ----------------------------------------------------------------------


def measure_calls(model: str, photo: Path, repeats: int, keras: bool) -> list[dict[str, Any]]:
    """Measure calls of a loaded recognizer and of a loaded Keras model."""
    import numpy as np

    from digitrec import Recognizer, load_model, prepare, to_mnist

    recognizer = Recognizer.load(model)
    image, data = to_mnist(SAMPLE), photo.read_bytes()
    moved = np.pad(image, 4)[:28, :28]  # no longer in MNIST's form
    images = np.repeat(image[None], PICTURES, axis=0)
    one, x = prepare(image), prepare(images)
    single: dict[str, Callable] = {"digitrec": lambda: recognizer.predict(image)}
    many: dict[str, Callable] = {"digitrec": lambda: recognizer.compute_logits(x)}
    if keras:
        network, size = load_model(model), 500
        parts = [x[i : i + size] for i in range(0, PICTURES, size)]
        single |= {"model(x)": lambda: network(one), "model.predict": lambda: network.predict(one, verbose=0)}
        many |= {
            "model(x)": lambda: [network(part) for part in parts],
            "model.predict": lambda: network.predict(x, batch_size=size, verbose=0),
        }
    own = measure_turns(
        {"moved": lambda: recognizer.predict(moved), "photo": lambda: recognizer.predict(data)}, repeats
    )
    whole = measure_turns({"read": lambda: recognizer.read_images(images)}, min(repeats, 5))
    short, long = measure_turns(single, repeats, calls=20), measure_turns(many, min(repeats, 5))
    return [
        make_row("one 28×28 array", "ms", *(_scale(short.get(name), 1000) for name in COLUMNS), at_most=0.2),
        make_row("one 28×28 array not in MNIST's form", "ms", own["moved"] * 1000),
        make_row("photo of 12 megapixels", "ms", own["photo"] * 1000, at_most=150),
        make_row(f"{PICTURES:,} prepared", "per s", *(_rate(long.get(name)) for name in COLUMNS), at_least=12_000),
        make_row(f"{PICTURES:,} images to answers", "per s", _rate(whole["read"])),
    ]


def measure_turns(functions: dict[str, Callable], repeats: int, calls: int = 1) -> dict[str, float]:
    """Return the median time in s of a call of each function: `calls` in a row, then the next function's turn."""
    taken: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            for _ in range(calls):
                start = time.perf_counter()
                function()
                if turn:  # the first turn warms up
                    taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in taken.items()}


def _scale(time_s: float | None, factor: float) -> float | None:
    return None if time_s is None else time_s * factor


def _rate(time_s: float | None) -> float | None:
    return None if time_s is None else PICTURES / time_s


# --- results ------------------------------------------------------------------------------------


def make_row(
    what: str,
    unit: str,
    ours: float,
    call: float | None = None,
    predict: float | None = None,
    at_most: float | None = None,
    at_least: float | None = None,
) -> dict[str, Any]:
    """Return a row of results: the three figures, and whether ours meets its target."""
    values = {name: value for name, value in zip(COLUMNS, (ours, call, predict), strict=True) if value is not None}
    row: dict[str, Any] = {"what": what, "unit": unit} | {name: float(f"{value:.4g}") for name, value in values.items()}
    if at_most is not None:
        row |= {"at_most": at_most, "met": ours <= at_most}
    if at_least is not None:
        row |= {"at_least": at_least, "met": ours >= at_least}
    return row


def write_table(results: dict[str, Any]) -> str:
    """Return the results as a table in Markdown, the machine in its first line."""
    machine = results["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}; load {results['load_before']}; "
        f"medians of {results['repeats']} repeats",
        "",
        f"| | unit | {' | '.join(COLUMNS)} | target |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for row in results["rows"]:
        figures = (write_figure(row[name]) if name in row else "" for name in COLUMNS)
        target = f"≤ {row['at_most']:g}" if "at_most" in row else f"≥ {row['at_least']:g}" if "at_least" in row else ""
        missed = " **missed**" if row.get("met") is False else ""
        lines.append(f"| {row['what']} | {row['unit']} | {' | '.join(figures)} | {target}{missed} |")
    return "\n".join(lines)


def write_figure(value: float) -> str:
    """Return a number to four digits, without an exponent."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


if __name__ == "__main__":
    sys.exit(main())
