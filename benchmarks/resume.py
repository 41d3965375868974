"""A run that is killed and resumed beside one that is not: both histories, and whether the weights are the same."""

import hashlib
import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from digitrec import model_folder, records

RESULTS = Path(__file__).with_suffix(".json")
COMMAND = [sys.executable, "-m", "digitrec", "train", "--dataset=digits", "--epochs=8"]


def main() -> None:
    with tempfile.TemporaryDirectory() as models:
        command = [*COMMAND, f"--models={models}"]
        subprocess.run([*command, "--name=whole"], check=True)
        print("now the same again, killed after three epochs")
        with subprocess.Popen([*command, "--name=killed"], stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                print(line, end="")
                if line.startswith("epoch  3"):
                    process.send_signal(signal.SIGKILL)
        subprocess.run([*command, "--name=killed", "--resume"], check=True)
        histories = {name: model_folder.read_history(Path(models) / name) for name in ("whole", "killed")}
        measured = {
            "validation_accuracy": {name: history["val_accuracy"] for name, history in histories.items()},
            "loss": {name: history["loss"] for name, history in histories.items()},
            "same_weights": len({digest_weights(Path(models) / name) for name in histories}) == 1,
        }
    records.write_result(RESULTS, measured)
    print(json.dumps(measured, indent=2))


def digest_weights(folder: Path) -> str:
    """Return a hash over all weights of a model folder."""
    digest = hashlib.sha256()
    for values in model_folder.load_model(folder).get_weights():
        digest.update(values.tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
