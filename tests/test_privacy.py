"""Nothing leaves this machine: what is started in an empty home looks nothing up, asks no server and leaves no file."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: no look-up would be seen"),
]
# ONNX Runtime would look its makers' server up every 5.5 s; where CI is set it would not, so these runs do without.
STAYS_S = 7
READER = f"""
import time, numpy
from digitrec import Recognizer
Recognizer.load("cnn").predict(numpy.eye(28))
time.sleep({STAYS_S})
"""
PAGE = f"""
import base64, json, time, urllib.request
import digitrec
from digitrec.records import SAMPLES
with digitrec.app.start(port=17860, samples="samples") as page:
    picture = base64.b64encode((SAMPLES / "7_crossed.png").read_bytes()).decode()
    body = json.dumps({{"data": [picture, True]}}).encode()
    call = urllib.request.Request(page.url + "gradio_api/run/read", body, {{"Content-Type": "application/json"}})
    with urllib.request.urlopen(call) as answer:
        assert json.load(answer)["data"][0]["digit"] == 7
    time.sleep({STAYS_S})
"""
WORKSHOP = f"""
import time
import keras, matplotlib, optuna, pillow_heif, pypdfium2, seaborn, sklearn, skimage, skops  # all that is loaded here
import digitrec
from digitrec.networks import build_cnn, export_onnx
export_onnx(build_cnn(digitrec.TrainConfig(filters=((4,), (4,)))))
digitrec.plots.sample_grid(*digitrec.load_digits()[0])
optuna.create_study()
pypdfium2.PdfDocument.new()
time.sleep({STAYS_S})
"""


def watch(command: list[str], home: Path, folder: Path) -> list[str]:
    """Run a command in an empty home, without CI; return what it connected or sent to outside this machine."""
    trace = folder / "trace"
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "MPLCONFIGDIR", "XDG_CACHE_HOME")}
    traced = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(trace), *command]
    done = subprocess.run(
        traced, cwd=folder, env={**kept, "HOME": str(home)}, capture_output=True, text=True, timeout=300
    )
    if "ptrace" in done.stderr:
        pytest.skip(f"strace is refused: {done.stderr}")
    assert done.returncode == 0, done.stderr
    here = r'inet_addr\("127\.|inet_pton\(AF_INET6, "::1"|inet_pton\(AF_INET6, "::ffff:127\.'
    return [line for line in trace.read_text().splitlines() if "AF_INET" in line and not re.search(here, line)]


def list_files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("code", [READER, PAGE], ids=["reader", "page"])
def test_reader_and_page_ask_no_one_and_leave_nothing(code, tmp_path_factory):
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work")
    assert watch([sys.executable, "-c", code], home, folder) == []
    assert list_files(home) == []
    assert list_files(folder) == ["trace"]


def test_workshop_asks_no_one_and_leaves_what_the_readme_names(tmp_path_factory):
    """Keras writes down its settings, matplotlib the fonts it found: local both, and nobody's business."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work")
    assert watch([sys.executable, "-c", WORKSHOP], home, folder) == []
    left = list_files(home)
    assert len(left) <= 2
    assert all(re.fullmatch(r"\.keras/keras\.json|\.cache/matplotlib/fontlist-v\S+\.json", name) for name in left)


def test_a_notebook_asks_no_one(tmp_path_factory):
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work")
    cells = [{"cell_type": "code", "source": READER, "metadata": {}, "outputs": [], "execution_count": None}]
    book = folder / "book.ipynb"
    book.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "notebook", "--execute", "--inplace", str(book)]
    assert watch(command, home, folder) == []
    # IPython's and Jupyter's own: history, settings, and no more.
    assert all(name.split("/")[0] in (".ipython", ".local", ".jupyter") for name in list_files(home))


def test_whoever_loads_onnx_runtime_through_digitrec_has_told_it_not_to_report():
    code = "import os, digitrec; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]:
        text = path.read_text()
        first = re.search(r"^\s*(?:import|from) (digitrec|onnxruntime)\b", text, re.MULTILINE)
        if "onnxruntime" in text and path.parent == ROOT / "benchmarks" and first:
            assert first.group(1) == "digitrec", f"{path} loads ONNX Runtime before digitrec"
