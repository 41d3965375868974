"""What runs at the other end: a job in a process that is pinned to cores of its own and has the data set at hand."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import digitrec
from digitrec.records import write_bytes

# Files and arrays that came with a job, kept for the next one in this process.
_shared: dict[str, tuple] = {}
_held: list[Any] = []  # what has to live as long as the process


def do_job(work: Callable[..., Any], job: tuple, shared: list, files: list, cores: int) -> Any:
    """Do one job; what jobs share is fetched from the cluster's memory once a process.

    Args:
        work: see `jobs.Spread`.
        job: its own arguments.
        shared: a reference to the others, within a list lest Ray fetch it for every job.
        files: the same for the files of the data set; none where this machine has them.
        cores: how many to compute on.
    """
    pin(cores)
    if files and files[0].hex() not in _shared:
        os.environ["DIGITREC_DATA_DIR"] = _unpack(fetch(files[0])[0])
    return work(*job, *(fetch(shared[0]) if shared else ()))


def fetch(reference: Any) -> tuple:
    """Return what a reference stands for; of one job after another in a process, the same object."""
    import ray

    name = reference.hex()
    if name not in _shared:
        _shared[name] = ray.get(reference)
    return _shared[name]


@lru_cache(1)
def pin(cores: int) -> list[int]:
    """Bind this process, before its libraries start threads, to cores that no other worker of this machine has.

    Two trainings whose threads wander over the same two cores wait for each other. The first free place is held by a
    lock on a file, which whatever ends the process releases.

    Returns:
        The numbers of the cores; all that the process may use where there is no free place, or no such binding.
    """
    try:
        import fcntl

        allowed = sorted(os.sched_getaffinity(0))
    except (ImportError, AttributeError):  # neither Windows nor macOS has these
        return []
    for place in range(len(allowed) // cores):
        lock = open(Path(tempfile.gettempdir()) / f"digitrec-{os.getuid()}-{cores}-{place}.lock", "w")  # noqa: SIM115
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        _held.append(lock)
        mine = allowed[place * cores : (place + 1) * cores]
        with contextlib.suppress(OSError):  # a container may forbid it
            os.sched_setaffinity(0, mine)
        return mine
    return allowed


def _unpack(files: Mapping[str, bytes]) -> str:
    """Write the files of a data set beside the code that came with the job, and is removed with it; return where."""
    folder = Path(digitrec.__file__).parents[1] / "mnist"
    for name, content in files.items():
        if not (folder / name).is_file():  # another worker of this machine may have written it
            write_bytes(folder / name, content)
    return str(folder)
