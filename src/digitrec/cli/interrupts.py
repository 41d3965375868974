"""Ctrl-C while modules load, which for a network takes seconds."""

import os
import signal
import sys
import threading
from types import FrameType


class QuietLoading:
    """A context in which Ctrl-C ends the process in one line and at once where a module is being loaded.

    There a KeyboardInterrupt often comes out as another error, or as none: compiled modules that load others
    (onnxruntime: "initialization failed") and callbacks replace or lose it. Elsewhere it is raised as ever.
    """

    def __enter__(self) -> None:
        is_main = threading.current_thread() is threading.main_thread()  # others get no signals
        is_heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a job in the background ignores it
        self._active = is_main and is_heeded and sys.stderr is not None
        if self._active:
            self._terminal = os.dup(2)  # while Keras loads, standard error leads nowhere
            signal.signal(signal.SIGINT, self._answer)

    def __exit__(self, *error: object) -> None:
        if self._active:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.close(self._terminal)

    def _answer(self, number: int, frame: FrameType | None) -> None:
        while frame is not None and frame.f_globals.get("__name__") != "digitrec.cli":
            if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
                os.write(self._terminal, b"interrupted\n")
                os._exit(130)
            frame = frame.f_back
        raise KeyboardInterrupt
