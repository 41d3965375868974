"""The same short training on TensorFlow and on JAX (`pip install jax`): accuracy, and the time of an epoch."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from digitrec import model_folder, records

RESULTS = Path(__file__).with_suffix(".json")
EPOCHS = 2


def main() -> None:
    measured: dict = {"epochs": EPOCHS}
    with tempfile.TemporaryDirectory() as models:
        for backend in ("tensorflow", "jax"):
            folder = Path(models) / backend
            command = [sys.executable, "-m", "digitrec"]
            environment = {**os.environ, "KERAS_BACKEND": backend}
            train = [*command, "train", f"--models={models}", f"--name={backend}", f"--epochs={EPOCHS}"]
            subprocess.run(train, check=True, env=environment)
            subprocess.run([*command, "evaluate", str(folder)], check=True, env=environment)
            test, history = model_folder.read_metrics(folder)["test"], model_folder.read_history(folder)
            measured[backend] = {
                "version": metadata.version(backend),
                "accuracy": test["accuracy"],
                "errors": test["errors"],
                "onnx": test["onnx"],
                "median_epoch_s": round(statistics.median(history["time_s"]), 1),
            }
            records.write_result(RESULTS, measured)
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
