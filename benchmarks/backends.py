"""The same short training on TensorFlow and on JAX (`pip install jax`): accuracy, and the time of an epoch."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from digitrec import runs

RESULTS = Path(__file__).with_suffix(".json")
EPOCHS = 2


def main() -> None:
    measured: dict = {"epochs": EPOCHS, "machine": runs.describe_machine()}
    with tempfile.TemporaryDirectory() as models:
        for backend in ("tensorflow", "jax"):
            folder = Path(models) / backend
            command = [sys.executable, "-m", "digitrec.cli"]
            environment = {**os.environ, "KERAS_BACKEND": backend}
            train = [*command, "train", f"--models={models}", f"--name={backend}", f"--epochs={EPOCHS}"]
            subprocess.run(train, check=True, env=environment)
            subprocess.run([*command, "evaluate", str(folder)], check=True, env=environment)
            test, history = runs.read_metrics(folder)["test"], runs.read_history(folder)
            measured[backend] = {
                "version": metadata.version(backend),
                "accuracy": test["accuracy"],
                "errors": test["errors"],
                "onnx": test["onnx"],
                "median_epoch_s": round(statistics.median(history["time_s"]), 1),
            }
            runs.write_json(RESULTS, measured)
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
