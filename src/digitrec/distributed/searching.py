"""A search for settings on a cluster: one process asks and tells, the others train; one storage holds it all."""

import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import optuna
from optuna.storages import fail_stale_trials
from optuna.trial import FrozenTrial, TrialState

from digitrec.config import TrainConfig
from digitrec.distributed.cluster import Cluster
from digitrec.distributed.desk import Desk
from digitrec.distributed.workers import fetch, pin
from digitrec.study.search import FINISHED, suggest_config, try_settings
from digitrec.study.storage import HEARTBEAT_S
from digitrec.synthesis.sources import Arrays


def hold_on(
    cluster: Cluster,
    study: optuna.Study,
    training: Arrays,
    validation: Arrays,
    trials: int,
    base: TrainConfig,
    tell: Callable[[optuna.Study, FrozenTrial], None],
) -> None:
    """Try settings, as many at once as the cluster runs, until so many trials have ended; see `study.search.tune`.

    Only this process reads and writes the storage, so that workers need not reach it. A trial whose worker is lost is
    trained again under the same settings. One at a time, the trials are those that a search without a cluster holds;
    several at once are suggested by what has ended by then, which depends on who is the faster, so that such a search
    repeats in its first trial alone.

    Raises:
        ClusterError: the cluster is gone, or a trial ended its process at every attempt.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.filterwarnings("ignore", "Heartbeat of storage")  # it is kept below
        _Search(cluster, study, (training, validation), base).hold(trials, tell)


class _GivenUpError(Exception):
    """Ends the training of a trial that is not worth going on with."""


def try_remotely(trial: int, config: TrainConfig, shared: list, desk: Any, cores: int) -> float | None:
    """Train a trial in a worker; return its best validation accuracy, None where it was given up or diverged."""
    import ray

    pin(cores)

    def watch(epoch: int, accuracy: float) -> None:
        if ray.get(desk.ask.remote(trial, epoch, accuracy)):
            raise _GivenUpError

    training, validation = fetch(shared[0])
    try:
        return try_settings(config, training, validation, watch)
    except _GivenUpError:
        return None


class _Search:
    """The trials under way, and who waits for what."""

    def __init__(self, cluster: Cluster, study: optuna.Study, data: tuple[Arrays, Arrays], base: TrainConfig) -> None:
        self.cluster, self.study, self.base = cluster, study, base
        self.shared = [cluster.ray.put(data)]
        self.task = cluster.prepare(try_remotely)
        lasting = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "max_concurrency": 1000}
        self.desk = cluster.ray.remote(Desk).options(**lasting).remote()
        self.question = self.desk.take.remote()
        self.pending: dict[Any, optuna.Trial] = {}
        self.last_beat = 0.0

    def hold(self, trials: int, tell: Callable[[optuna.Study, FrozenTrial], None]) -> None:
        try:
            while (done := len(self.study.get_trials(deepcopy=False, states=FINISHED))) < trials:
                self._beat()
                while len(self.pending) < min(self.cluster.slots, trials - done):
                    self._begin()
                for reference in self.cluster.wait([self.question, *self.pending]):
                    if reference == self.question:
                        self._answer()
                    else:
                        tell(self.study, self._end(reference))
                self.cluster.show(done, trials, len(self.pending))
        finally:
            self.cluster.show_nothing()
            self.cluster.cancel(self.pending)
            with suppress(Exception):  # the cluster is gone
                self.desk.close.remote()
                self.cluster.wait([self.question])  # else Ray would print that nobody answers it
                self.cluster.ray.kill(self.desk)

    def _begin(self) -> None:
        trial = self.study.ask()
        config = suggest_config(trial, self.base)
        self.pending[self.task.remote(trial.number, config, self.shared, self.desk, self.cluster.cores)] = trial

    def _answer(self) -> None:
        number, epoch, accuracy = self.cluster.collect(self.question)
        self.question = self.desk.take.remote()
        for trial in self.pending.values():
            if trial.number == number:
                known = self.study.get_trials(deepcopy=False)[number].intermediate_values
                if epoch not in known:  # else a worker was lost, and this one does its epochs again
                    trial.report(accuracy, epoch)
                self.desk.answer.remote(number, trial.should_prune())

    def _end(self, reference: Any) -> FrozenTrial:
        value = self.cluster.collect(reference)
        trial = self.pending.pop(reference)
        return self.study.tell(trial, value, TrialState.PRUNED if value is None else TrialState.COMPLETE)

    def _beat(self) -> None:
        """Tell whoever shares the storage that these trials are under way, and take over those of the dead."""
        now = time.monotonic()
        if not self.last_beat or now - self.last_beat > HEARTBEAT_S / 2:
            self.last_beat = now
            storage: Any = self.study._storage
            for trial in self.pending.values() if hasattr(storage, "record_heartbeat") else ():  # not of a journal
                storage.record_heartbeat(trial._trial_id)
            fail_stale_trials(self.study)
