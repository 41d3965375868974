"""Choosing settings on validation: a search that resumes, and an ablation that takes one thing away at a time."""

import math
import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.importance import FanovaImportanceEvaluator
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.study import MaxTrialsCallback
from optuna.trial import FixedTrial, FrozenTrial, TrialState
from scipy import stats
from sqlalchemy.exc import SQLAlchemyError

from digitrec import runs
from digitrec.config import TrainConfig
from digitrec.datasets import split_validation
from digitrec.pools import Arrays
from digitrec.preprocessing import prepare
from digitrec.study import keep, slug
from digitrec.training import DivergedError, train

# What a trial starts from, and what the ablation takes away from: trainings on some thousands of images, to which
# smaller batches than a full training's give steps enough.
TRIAL = TrainConfig(epochs=5, batch_size=64, plain_epochs=1, drawn_digits=0, soiled_digits=0, non_digits=0)
ABLATION = TrainConfig(
    epochs=12, batch_size=64, patience=12, plain_epochs=1, drawn_digits=700, soiled_digits=900, non_digits=700
)
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
ATTEMPTS = 4  # to open the search, half a second apart
HEARTBEAT_S = 60  # a trial whose process was not heard of for twice as long is tried again

# What each row of the ablation changes, and nothing else.
ABLATIONS: dict[str, dict[str, Any]] = {
    "all in place": {},
    "no dropout": {"dropout": 0.0},
    "no batch normalisation": {"batch_normalisation": False},
    "no label smoothing": {"label_smoothing": 0.0},
    "constant learning rate, a third of the peak": {"schedule": "constant", "learning_rate": 2e-3},
    "float32": {"precision": "float32"},
    "no augmentation": {
        **dict.fromkeys(("rotation", "shift", "scale", "shear", "elastic", "stroke", "blur", "fade", "erase"), 0.0),
    },
    "no rotation": {"rotation": 0.0},
    "no shift": {"shift": 0.0},
    "no scale": {"scale": 0.0},
    "no shear": {"shear": 0.0},
    "no elastic": {"elastic": 0.0},
    "no stroke width": {"stroke": 0.0},
    "no blur and fading": {"blur": 0.0, "fade": 0.0},
    "no erasing": {"erase": 0.0},
    "no synthesised digits": {"drawn_digits": 0, "soiled_digits": 0},
    "flips as well": {"flip": True},
}


# The first trial: about what TrainConfig has.
DEFAULTS = {
    "width": 16, "convolutions": 2, "dense": 64, "dropout": 0.2, "learning_rate": 6e-3, "weight_decay": 0.02,
    "label_smoothing": 0.05, "rotation": 10.0, "shift": 2.0, "scale": 0.12, "shear": 0.25, "elastic": 0.6,
}  # fmt: skip


def suggest_config(trial: optuna.Trial | FixedTrial, base: TrainConfig = TRIAL) -> TrainConfig:
    """Return what a trial tries: the search space."""
    width = trial.suggest_int("width", 8, 24, step=4)
    convolutions = trial.suggest_int("convolutions", 1, 2)
    return replace(
        base,
        filters=tuple((width * 2**i,) * (1 if i == 0 else convolutions) for i in range(3)),
        dense=trial.suggest_int("dense", 32, 128, step=32),
        dropout=trial.suggest_float("dropout", 0.0, 0.5),
        learning_rate=trial.suggest_float("learning_rate", 1e-3, 2e-2, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-4, 0.1, log=True),
        label_smoothing=trial.suggest_float("label_smoothing", 0.0, 0.1),
        rotation=trial.suggest_float("rotation", 0.0, 20.0),
        shift=trial.suggest_float("shift", 0.0, 3.0),
        scale=trial.suggest_float("scale", 0.0, 0.25),
        shear=trial.suggest_float("shear", 0.0, 0.4),
        elastic=trial.suggest_float("elastic", 0.0, 1.2),
    )


def tune(
    folder: str | os.PathLike[str],
    training: Arrays,
    validation: Arrays,
    trials: int = 30,
    base: TrainConfig = TRIAL,
    report: Callable[[str], None] = print,
) -> optuna.Study:
    """Search for settings; the same call again goes on, and several processes may share the search.

    Trials are chosen by the tree-structured Parzen estimator, and given up after an epoch whose validation accuracy is
    below the median of the earlier ones' at that epoch. The first tries the defaults.

    Args:
        folder: holds the search (study.db, SQLite) and, at the end, best.json.
        training: images uint8 (n, 28, 28) and labels to train on; some thousands are enough to tell settings apart.
        validation: the same, to judge by.
        trials: finished and pruned ones together, those of earlier calls and other processes included.
        base: the settings that are not searched.
        report: called with a line per trial.

    Returns:
        The study.

    Raises:
        ValueError: study.db is no such search, or `trials` is below 1.
    """
    if trials < 1:
        raise ValueError(f"trials: expected at least 1, got {trials}")
    study = open_study(folder, base.seed)

    def judge(trial: optuna.Trial) -> float:
        def watch(epoch: int, accuracy: float) -> None:
            trial.report(accuracy, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        try:
            _, history = train(
                suggest_config(trial, base), training, validation, report=lambda line: None, after_epoch=watch
            )
        except DivergedError as error:
            raise optuna.TrialPruned(str(error)) from error
        return max(history["val_accuracy"])

    def tell(study: optuna.Study, trial: FrozenTrial) -> None:
        done = len(study.get_trials(deepcopy=False, states=FINISHED))
        ended = f"{trial.value:.2%}" if trial.state == TrialState.COMPLETE else "given up"
        report(f"trial {done:3d} of {trials}   validation {ended:>8s}   best so far {study.best_value:.2%}")

    if not study.trials:
        study.enqueue_trial(DEFAULTS)
    if len(study.get_trials(deepcopy=False, states=FINISHED)) < trials:
        study.optimize(judge, callbacks=[tell, MaxTrialsCallback(trials, FINISHED)])
    best = suggest_config(FixedTrial(study.best_params), base).to_json()
    runs.write_json(Path(folder) / "best.json", {"validation_accuracy": study.best_value, "config": best})
    return study


def open_study(folder: str | os.PathLike[str], seed: int = 0) -> optuna.Study:
    """Open the search that a folder holds, or begin one there.

    Raises:
        ValueError: study.db in it is something else, or cannot be written.
    """
    path = Path(folder) / "study.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            study = _open_database(path)
            break
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError, RuntimeError) as error:
            if attempt == ATTEMPTS:
                raise ValueError(f"{path}: expected a search made here, or a place for one ({error})") from error
            time.sleep(0.5)  # another process may be making the tables at this moment
    # Each call has another seed, lest a process that joins, or goes on, try again what was tried.
    study.sampler = TPESampler(seed=seed + len(study.trials))
    return study


def _open_database(path: Path) -> optuna.Study:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of the heartbeat
        storage = RDBStorage(
            f"sqlite:///{path.absolute()}",
            engine_kwargs={"connect_args": {"timeout": 60}},  # other processes write too
            heartbeat_interval=HEARTBEAT_S,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(),
        )
        return optuna.create_study(
            study_name="cnn", storage=storage, direction="maximize", load_if_exists=True, pruner=MedianPruner()
        )


def tabulate_trials(study: optuna.Study) -> pd.DataFrame:
    """Return a row per trial that ended: its settings, `value` (best validation accuracy so far known) and `pruned`."""
    trials = study.get_trials(deepcopy=False, states=FINISHED)
    rows = [
        {
            **t.params,
            "value": max(t.intermediate_values.values(), default=np.nan),
            "pruned": t.state == TrialState.PRUNED,  # Optuna gives these a value too: the last one reported
        }
        for t in trials
    ]
    return pd.DataFrame(rows, index=[t.number for t in trials])


def rate_settings(study: optuna.Study, seed: int = 0) -> dict[str, float]:
    """Return what share of the accuracy's variance each setting explains, the largest first.

    By functional analysis of variance (Hutter et al. 2014).

    Raises:
        ValueError: fewer than two trials came to their end.
    """
    if len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))) < 2:
        raise ValueError("expected at least two trials that came to their end")
    return optuna.importance.get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed))


def ablate(
    folder: str | os.PathLike[str],
    training: Arrays,
    judged: Arrays,
    sets: Mapping[str, Arrays] | None = None,
    base: TrainConfig = ABLATION,
    changes: Mapping[str, Mapping[str, Any]] = ABLATIONS,
    seeds: int = 3,
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Train with one thing taken away at a time; a run that was stopped goes on where it was.

    Args:
        folder: where the result of each training is kept.
        training: images uint8 (n, 28, 28) and labels to train on; a sixth of them is held out to choose the epoch.
        judged: the same, that no choice is made on.
        sets: the same of real handwriting, by name.
        base: settings with everything in place.
        changes: by name, the fields of `base` to change.
        seeds: trainings each.
        report: called with a line per training.

    Returns:
        A row per training: change, seed, accuracy (on `judged`) and real (mean over `sets`), in 0-1.
    """
    given, chosen_by = split_validation(*training, validation=len(training[1]) // 6)
    rows = []
    for name, change in changes.items():
        for seed in range(seeds):
            config = replace(base, **change, seed=seed)

            def measure(config: TrainConfig = config) -> dict[str, Any]:
                network, _ = train(config, given, chosen_by, report=lambda line: None)
                read = {"judged": judged, **(sets or {})}
                return {where: _read_accuracy(network, *pictures) for where, pictures in read.items()}

            key = f"{config} {len(training[1])} {len(judged[1])} {sorted(sets or {})}"
            kept = keep(Path(folder) / f"{slug(name)}-{seed}.json", key, measure)
            real = float(np.mean([kept[where] for where in sets])) if sets else np.nan
            rows.append({"change": name, "seed": seed, "accuracy": kept["judged"], "real": real})
            report(f"{name:44s} seed {seed}   {kept['judged']:.2%}   real {real:.1%}")
    return pd.DataFrame(rows)


def summarise_ablation(rows: pd.DataFrame, measure: str = "accuracy") -> pd.DataFrame:
    """Compare each change with everything in place, seed by seed.

    Args:
        rows: as `ablate` returns them.
        measure: the column to compare: accuracy or real.

    Returns:
        By change: mean, and difference from the first change's with low and high, the 95 % interval of Student's t over
        the seeds' differences; in points (0-100).
    """
    by_seed = 100 * rows.pivot(index="seed", columns="change", values=measure)[list(dict.fromkeys(rows.change))]
    differences = by_seed.sub(by_seed.iloc[:, 0], axis=0)
    n = len(by_seed)
    half = stats.t.ppf(0.975, n - 1) * differences.std(ddof=1) / math.sqrt(n) if n > 1 else np.nan
    mean = differences.mean()
    return pd.DataFrame({"mean": by_seed.mean(), "difference": mean, "low": mean - half, "high": mean + half})


def _read_accuracy(network: Any, images: np.ndarray, labels: np.ndarray) -> float:
    read = network.predict(prepare(images), batch_size=1000, verbose=0).argmax(axis=1)
    return float((read == labels).mean())
