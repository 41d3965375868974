"""Teaching from the page: `digitrec train --data` in a process of its own, which can be stopped and harms nothing."""

import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from digitrec.app.defaults import TAUGHT
from digitrec.handwriting.samples import MAKER
from digitrec.records import PathLike

# Shares of the work: an epoch is a fifth of it, what is loaded before and proven after the rest.
READ, TRAINED = 0.2, 0.8
PATIENCE = 5  # seconds that a process which was told to stop may take


class Lessons:
    """Teaches a network the samples, one lesson at a time.

    A lesson is written beside the model that it is to replace, and put in its place when it is whole: what is stopped
    or fails leaves everything as it was.

    Args:
        samples: folder to learn from.
        base: model folder to start from.
        models: folder where the taught network goes, under the name "mine".
        done: called, from another thread, with the folder of a network that was taught.
    """

    def __init__(self, samples: PathLike, base: PathLike, models: PathLike, done: Callable[[Path], None]) -> None:
        self._samples, self._base, self._models = Path(samples), Path(base), Path(models)
        self._done = done
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._share, self._lines, self._failed, self._stopped = 0.0, [""], False, False

    def start(self) -> None:
        """Begin a lesson.

        Raises:
            ValueError: one is under way, or a model of that name was not made here.
            OSError: the folder of models cannot be written.
        """
        from digitrec.saving import check_target

        with self._lock:
            if self._process is not None:
                raise ValueError("teaching: expected no lesson under way, there is one; wait for it, or stop it")
            check_target(self._models / TAUGHT, MAKER)
            self._models.mkdir(parents=True, exist_ok=True)
            beside = Path(tempfile.mkdtemp(prefix=".lesson-", dir=self._models))
            self._share, self._lines, self._failed, self._stopped = 0.0, ["Reading the samples …"], False, False
            command = [
                sys.executable, "-P", "-u", "-m", "digitrec", "train", "--data", str(self._samples),
                "--from", str(self._base), "--name", TAUGHT, "--models", str(beside),
            ]  # fmt: skip
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C is for the server, which stops it
            )
            threading.Thread(target=self._follow, args=(self._process, beside), daemon=True).start()

    def stop(self) -> None:
        """Stop the lesson that is under way, if any; return once its process has ended."""
        with self._lock:
            process = self._process
            self._stopped = process is not None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def describe(self) -> dict[str, Any]:
        """Return whether a lesson is running, how much of it is done (0-1), what it says, and whether it failed."""
        return {
            "running": self._process is not None,
            "share": round(self._share, 2),
            "says": " ".join(self._lines),
            "failed": self._failed,
        }

    def _follow(self, process: "subprocess.Popen[str]", beside: Path) -> None:
        """Read what the process says, and put what it made in its place."""
        lines = []
        try:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.strip())
                self._note(lines[-1])
            if process.wait() == 0 and not self._stopped:
                self._replace(beside / TAUGHT)
                self._lines, self._share = [line for line in lines if " before, " in line], 1.0
            elif self._stopped:
                self._lines, self._share = ["Stopped; nothing has changed."], 0.0
            else:
                said = [line.removeprefix("digitrec: ") for line in lines if line.startswith("digitrec: ")]
                self._fail((said or lines or ["the process ended without a word"])[-1])
        except (OSError, ValueError) as error:
            self._fail(" ".join(str(error).split()))
        finally:
            shutil.rmtree(beside, ignore_errors=True)
            with self._lock:
                self._process = None

    def _note(self, line: str) -> None:
        if epoch := re.match(r"epoch +(\d+)/(\d+)", line):
            done, all_of_them = int(epoch[1]), int(epoch[2])
            self._share = READ + (TRAINED - READ) * done / all_of_them
            self._lines = [f"Learning: {done} of {all_of_them} rounds …"]
        elif re.match(r"\d+ samples: ", line):
            self._share, self._lines = READ / 2, [f"{line} …"]

    def _replace(self, made: Path) -> None:
        place, old = self._models / TAUGHT, made.with_name("old")
        if place.exists():
            place.rename(old)
        try:
            made.rename(place)
        except OSError:
            if old.exists():
                old.rename(place)
            raise
        self._done(place)

    def _fail(self, reason: str) -> None:
        self._lines, self._share, self._failed = [f"It was not taught: {reason}"], 0.0, True
