"""A cluster of Ray to spread jobs over: connected to, or started from this machine's cores; left as it was found."""

import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import digitrec
from digitrec.datasets import load_dataset
from digitrec.distributed import workers
from digitrec.jobs import Lost
from digitrec.mnist import find_mnist, list_files

Result = TypeVar("Result")

LOCAL = "local"  # the address of a cluster that is started here and ends with the command
ATTEMPTS = 4  # of a job whose process ended under it, before it is given up
AHEAD = 2  # jobs handed out for each that can run, so that nobody waits for the next
WAIT_S = 10.0  # for the head of a cluster to answer
LOOK_S = 0.5  # between two looks at what is done


class ClusterError(ValueError):
    """There is no such cluster, it was lost, or a job ended its process at every attempt.

    >>> issubclass(ClusterError, ValueError)
    True
    """


class Cluster:
    """What `connect` gives: spreads jobs, see `jobs.Spread`, whose rules it follows.

    Attributes:
        dashboard: where Ray shows what it does, an address for a browser; empty where there is none.
    """

    def __init__(self, ray: Any, cores: int, files: list, show: Callable[[str], None], dashboard: str) -> None:
        self.ray = ray
        self.dashboard = dashboard
        self.cores = cores
        self._files = files
        self._show = show
        self._start = time.monotonic()

    @property
    def slots(self) -> int:
        """How many jobs run at once now; a cluster may grow."""
        return max(1, int(self.ray.cluster_resources().get("CPU", 0)) // self.cores)

    def spread(
        self, work: Callable[..., Result], jobs: Iterable[tuple], shared: tuple = (), is_lost_told: bool = False
    ) -> Iterator[tuple[int, Result]]:
        """Yield the number of each job and its result, as they are done; see `jobs.Spread`.

        A job whose process or machine is lost is done again, from its beginning and elsewhere.

        Raises:
            ClusterError: a job ended its process at every attempt, or the cluster is gone.
        """
        remote = self.prepare(workers.do_job)
        references = [self.ray.put(shared)] if shared else []
        # On a terminal "of 30" is worth a list; of a million pictures nobody makes one.
        total = len(jobs) if isinstance(jobs, list | tuple) else None
        waiting = enumerate(jobs)
        pending: dict[Any, int] = {}
        done = 0
        self._start = time.monotonic()
        try:
            while True:
                for i, job in islice(waiting, max(0, AHEAD * self.slots - len(pending))):
                    pending[remote.remote(work, job, references, self._files, self.cores)] = i
                if not pending:
                    return
                self.show(done, total, len(pending))
                for reference in self.wait(list(pending)):
                    result = self.collect(reference, is_lost_told)
                    done += 1
                    yield pending.pop(reference), result
        except KeyboardInterrupt:
            pending.clear()  # the connection ends, and its tasks with it
            raise
        finally:
            self._show("")
            self.cancel(pending)

    def show(self, done: int, total: int | None, pending: int) -> None:
        """Say on one line how far the whole has come, when it will have ended, and where to look."""
        line = f"{done:,}{'' if total is None else f' of {total:,}'} jobs done, {pending} handed out"
        if done and total:
            line += f", {(total - done) * (time.monotonic() - self._start) / done / 60:.0f} min left"
        self._show(line + (f"; {self.dashboard}" if self.dashboard else ""))

    def show_nothing(self) -> None:
        """Take the line away."""
        self._show("")

    def prepare(self, work: Callable[..., Any]) -> Any:
        """Return a function as a task of Ray that has its cores, and is done again where its process is lost."""
        return self.ray.remote(work).options(num_cpus=self.cores, max_retries=ATTEMPTS - 1)

    def wait(self, references: list) -> list:
        """Return those of the references that are done, at least one unless `LOOK_S` have passed."""
        return self.ray.wait(references, num_returns=1, timeout=LOOK_S)[0] if references else []

    def collect(self, reference: Any, is_lost_told: bool = False) -> Any:
        """Return what a task returned, or raise what it raised, as it would be here.

        Raises:
            ClusterError: its process ended at every attempt, unless that is to be told by `Lost`.
        """
        try:
            return self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause if isinstance(error.cause, Exception) else error from None
        except (self.ray.exceptions.WorkerCrashedError, self.ray.exceptions.OutOfMemoryError) as error:
            if is_lost_told:
                return Lost(ATTEMPTS)
            raise ClusterError(f"a job ended its process {ATTEMPTS} times over: too little memory for it?") from error
        except self.ray.exceptions.RayError as error:
            raise ClusterError(f"the cluster lost a job: {' '.join(str(error).split())[:200]}") from error

    def cancel(self, references: Iterable) -> None:
        """End tasks, and nothing else that the cluster does.

        Ray ends this very process where a task is cancelled at the moment at which it is done, or pushed to a worker
        ("Tried to complete task that was not pending"). So what will soon be done is waited for, and of the others
        those handed out last go first, lest each make room for the next.
        """
        left = list(references)
        with suppress(Exception):  # the cluster is gone
            _, left = self.ray.wait(left, num_returns=len(left), timeout=LOOK_S)
        for reference in reversed(left):
            with suppress(Exception):  # done meanwhile, or the cluster is gone
                self.ray.cancel(reference, force=True)


@contextmanager
def connect(
    address: str | None = None,
    cores: int = 1,
    workers: int | None = None,
    dataset: str | None = None,
    report: Callable[[str], None] = print,
    show: Callable[[str], None] = lambda line: None,
) -> Iterator[Cluster]:
    """Connect to a cluster of Ray for as long as the context lasts.

    Args:
        address: of the head of one that this machine is part of, `host:6379`, or "auto" to look for it; None takes
            $RAY_ADDRESS, else starts one of this machine's cores that ends with the context.
        cores: how many each job has for itself.
        workers: of a cluster that is started here, how many jobs at once; None for as many as there are cores for.
        dataset: "mnist" where jobs load it by name: its files travel once, to machines other than this.
        report: called with a line about the cluster.
        show: called with a line of progress every half second, and with none at the end.

    Raises:
        ClusterError: no cluster answers there, or it runs another Ray or Python.
        ModuleNotFoundError: Ray is not installed.
        ValueError: cores that no machine has.

    >>> with connect(report=lambda line: None) as cluster:  # doctest: +SKIP
    ...     sorted(cluster.spread(pow, [(2,), (3,)], shared=(5,)))
    [(0, 32), (1, 243)]
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # Ray would report its use to its makers; nothing leaves this machine
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "20")  # then a lost head ends the command
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # as coming versions have it, or it warns
    address = address or os.environ.get("RAY_ADDRESS") or LOCAL
    if "//" in address:  # Ray's client did not start a server for a program that brings its code along
        raise ClusterError(f"RAY_ADDRESS={address}: expected host:6379, on a machine of the cluster, or auto")
    is_local = address == LOCAL
    own = _count_cores()
    if cores < 1 or (is_local and cores > own):
        raise ValueError(f"cores: expected 1 to {own}, got {cores}")
    if is_local and "RAY_AUTH_MODE" not in os.environ and "ray" not in sys.modules:
        # Ray would write a token into the home, and ask guests of later clusters for it. This one ends with us.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    import ray

    environment: dict[str, Any] = {"env_vars": _choose_variables(cores)}
    if is_local:
        limits = {"num_cpus": own if workers is None else workers * cores}
    else:
        limits = {}
        environment["py_modules"] = [str(Path(digitrec.__file__).parent)]
    if dataset == "mnist":
        load_dataset(dataset)  # fetched where it is not at hand, or a clear error before anything starts
        environment["env_vars"] |= {"DIGITREC_DATA_DIR": str(find_mnist().absolute())} if is_local else {}
    context = _start(ray, address, environment, limits)
    try:
        files = []
        if dataset == "mnist" and not is_local:
            files = [ray.put(({path.name: path.read_bytes() for path in list_files()},))]
        dashboard = f"http://{context.dashboard_url}" if context.dashboard_url else ""
        cluster = Cluster(ray, cores, files, show, dashboard)
        machines = sum(node["Alive"] for node in ray.nodes())
        jobs = cluster.slots
        report(
            f"Ray on {machines} machine{'s'[: machines != 1]}, {jobs} job{'s'[: jobs != 1]} at once"
            + (f"; dashboard: {dashboard}" if dashboard else "")
        )
        yield cluster
    finally:
        ray.shutdown()


def _start(ray: Any, address: str, environment: dict[str, Any], limits: dict[str, Any]) -> Any:
    try:
        if ":" in address:  # where nobody listens, Ray would try for ten minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), timeout=WAIT_S).close()
        return ray.init(
            address, runtime_env=environment, log_to_driver=False, logging_level=logging.ERROR, **limits
        )  # fmt: skip
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ClusterError(
            f"--cluster {address}: expected a running cluster of Ray {ray.__version__} ({reason})"
        ) from error


def _choose_variables(cores: int) -> dict[str, str]:
    """Return what tells the libraries of a worker how many threads to start.

    TensorFlow shares sums out among its threads, and the last bits of a weight depend on how. A training on the cluster
    has as many threads as one here would have, however few cores they share, and so gives the same weights.
    Of all others a result does not depend on it.
    """
    threads = os.environ.get("TF_NUM_INTRAOP_THREADS") or str(_count_cores())
    few = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT", "NUMEXPR_MAX_THREADS")
    # A thread that waits for others by spinning takes the core that they need.
    return {"TF_NUM_INTRAOP_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE", **dict.fromkeys(few, str(cores))}


def _count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
