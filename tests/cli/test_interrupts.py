import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest

from digitrec.cli.interrupts import QuietLoading

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
# Says when `main` has begun, with the first module that it loads; what comes before is the interpreter's own.
READY = """
import sys
def watch(event, arguments):
    if event == "import" and arguments[0] == "digitrec.cli.interrupts":
        print("ready", flush=True)
sys.addaudithook(watch)
from digitrec.cli import main
sys.exit(main(sys.argv[1:]))
"""


def interrupt(arguments, delay_s, disposition=signal.SIG_DFL):
    """Start the command, press Ctrl-C some time after it began; return status, output and errors."""
    running = subprocess.Popen(
        [sys.executable, "-c", READY, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=partial(signal.signal, signal.SIGINT, disposition),
    )  # fmt: skip
    assert running.stdout.readline() == b"ready\n"
    time.sleep(delay_s)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    return running.returncode, out, err


@pytest.mark.parametrize("delay_s", np.linspace(0, 0.4, 9).tolist())
def test_ctrl_c_at_any_moment_is_one_line(cnn, samples, delay_s):
    arguments = ["predict", "--model", cnn, *[samples.folder] * 100]
    status, _, err = interrupt(arguments, delay_s)
    assert (status, err) == (130, b"interrupted\n")


@pytest.mark.slow
def test_ctrl_c_while_keras_loads_is_one_line(tmp_path):
    status, _, err = interrupt(["train", "--dataset", "digits", "--models", tmp_path], 4)
    assert (status, err) == (130, b"interrupted\n")


def test_a_job_in_the_background_that_ignores_ctrl_c_goes_on(cnn, samples):
    status, out, err = interrupt(["predict", "--model", cnn, samples.folder], 0.1, signal.SIG_IGN)
    assert (status, err) == (0, b"")
    assert out.count(b"\n") == len(samples.labels)


def test_the_answer_to_ctrl_c_is_given_back():
    before = signal.getsignal(signal.SIGINT)
    with QuietLoading():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_nothing_changes():
    seen = []

    def look():
        with QuietLoading():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
