"""What a person gets who installs the package instead of cloning the repository."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_wheel_carries_the_network_and_reads_from_any_directory(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert {"digitrec/models/cnn/model.onnx", "digitrec/models/numbers/model.onnx"} <= set(names)
    assert {"digitrec/app/page.js", "digitrec/samples/7_crossed.png"} <= set(names)
    assert not [name for name in names if name.startswith(("tests", "notebooks", "data"))]
    code = (
        "import digitrec; from digitrec.records import SAMPLES; picture = SAMPLES / '7_crossed.png';"
        "print(digitrec.__file__, digitrec.Recognizer.load('cnn').predict(picture).digit,"
        "digitrec.NumberReader.load().predict(picture).best)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.startswith(str(tmp_path / "site")), done.stderr
    assert done.stdout.split()[-2:] == ["7", "7"]
