"""A cluster of two workers on this machine, as `ray start --head` makes it."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from digitrec.mnist import list_files


def find_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def run_head(folder):
    """Start the head of a cluster with two cores; yield its address and its process."""
    port = find_port()
    words = [Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--num-cpus=2", f"--port={port}"]
    words += [
        "--node-ip-address=127.0.0.1",
        "--include-dashboard=false",
        "--disable-usage-stats",
        f"--temp-dir={folder}",
    ]
    with open(folder / "head.log", "w") as log:
        head = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(240):
            if "Ray runtime started" in (folder / "head.log").read_text():
                break
            time.sleep(0.5)
        yield f"127.0.0.1:{port}", head
    finally:
        head.terminate()
        try:
            head.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(head.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def token():
    """A token in the environment before Ray is loaded, as it would have to be for any cluster that asks for one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)
        yield


@pytest.fixture(scope="session")
def start_head(token, tmp_path_factory):
    """A context that starts the head of a cluster with two cores; it gives its address and its process."""
    return lambda: run_head(tmp_path_factory.mktemp("r"))


@pytest.fixture(scope="module")
def head(start_head):
    """The address of a cluster of two workers, which know of neither MNIST nor this checkout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITREC_DATA_DIR", "/nowhere")
        patch.delenv("PYTHONPATH", raising=False)
        started = start_head()
        address, _ = started.__enter__()
    yield address
    started.__exit__(None, None, None)


@pytest.fixture(scope="module")
def cluster(head):
    """A connection to it; MNIST travels along where it is at hand."""
    from digitrec.distributed.cluster import connect

    dataset = "mnist" if all(path.is_file() for path in list_files()) else None
    with connect(head, dataset=dataset, report=lambda line: None) as cluster:
        yield cluster


def find_workers(name="do_job"):
    """Return the process numbers of Ray's workers that do a task of this name."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if place.read_bytes().startswith(b"ray::" + name.encode()):
                found.append(int(place.parent.name))
        except OSError:
            pass  # ended meanwhile
    return found


@pytest.fixture(scope="session")
def kill_one():
    """A function that kills a worker that does a task of a name with -9, as soon as there is one."""

    def kill(name, wait_s=60.0):
        until = time.monotonic() + wait_s
        while time.monotonic() < until:
            for process in find_workers(name):
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                return True
            time.sleep(0.02)
        return False

    return kill
