"""Choosing settings on validation: a search that goes on where it was, shared by processes, and what it found."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
from optuna.importance import FanovaImportanceEvaluator
from optuna.study import MaxTrialsCallback
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from digitrec import records
from digitrec.config import TrainConfig
from digitrec.datasets import load_split, take
from digitrec.fitting import DivergedError
from digitrec.records import PathLike
from digitrec.saving import save_figures
from digitrec.study.storage import claim, open_study
from digitrec.study.store import fingerprint
from digitrec.synthesis.sources import Arrays
from digitrec.training import train

# What a trial starts from: a training on some thousands of images, to which smaller batches than a full training's give
# steps enough.
TRIAL = TrainConfig(epochs=5, batch_size=64, plain_epochs=1, drawn_digits=0, soiled_digits=0, strings=0, non_digits=0)
Hold = Callable[[optuna.Study, Arrays, Arrays, int, TrainConfig, Callable[[optuna.Study, FrozenTrial], None]], None]
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)

# The first trial: about what TrainConfig has.
DEFAULTS = {
    "width": 16, "convolutions": 2, "dense": 128, "dropout": 0.2, "learning_rate": 0.02, "weight_decay": 0.02,
    "label_smoothing": 0.05, "rotation": 10.0, "shift": 2.0, "scale": 0.12, "shear": 0.25, "elastic": 0.6,
}  # fmt: skip


def run_search(
    folder: PathLike,
    dataset: str = "mnist",
    trials: int = 30,
    images: int = 5000,
    epochs: int = 5,
    report: Callable[[str], None] = print,
    storage: str | None = None,
    hold: Hold | None = None,
) -> optuna.Study:
    """Load a data set, search on a part of its training set, and draw what was found.

    Args:
        folder: where the search is kept, see `tune`; its figures go to figures/ in it.
        dataset: "mnist" or "digits".
        trials: in all, those of earlier calls included.
        images: to train each trial on, stratified; 100 or more.
        epochs: of each trial.
        report: called with a line per trial, and one at the end.
        storage, hold: see `tune`.

    Raises:
        ValueError: see `tune`; or more images than there are, or fewer than 100.
    """
    from digitrec import plots

    training, validation, _ = load_split(dataset)
    if not 100 <= images <= len(training[1]):
        raise ValueError(f"images: expected 100 to {len(training[1]):,}, got {images}")
    base = replace(TRIAL, epochs=epochs)
    search = tune(folder, take(training, images), validation, trials, base, report, storage, hold)
    table = tabulate_trials(search)
    figures = {
        "search_history": plots.search_history(table, len(validation[1])),
        "setting_slices": plots.setting_slices(table),
    }
    ended = int((~table.pruned).sum())
    if ended > 1:
        figures["setting_importance"] = plots.setting_importance(rate_settings(search), ended)
    save_figures(folder, figures)
    report(f"best: validation {search.best_value:.2%}; settings in {Path(folder) / 'best.json'}")
    return search


def suggest_config(trial: optuna.Trial | FixedTrial, base: TrainConfig = TRIAL) -> TrainConfig:
    """Return what a trial tries: the search space."""
    width = trial.suggest_int("width", 8, 24, step=4)
    convolutions = trial.suggest_int("convolutions", 1, 2)
    return replace(
        base,
        filters=tuple((width * 2**i,) * (1 if i == 0 else convolutions) for i in range(3)),
        dense=trial.suggest_int("dense", 32, 128, step=32),
        dropout=trial.suggest_float("dropout", 0.0, 0.5),
        learning_rate=trial.suggest_float("learning_rate", 2e-3, 5e-2, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-4, 0.1, log=True),
        label_smoothing=trial.suggest_float("label_smoothing", 0.0, 0.1),
        rotation=trial.suggest_float("rotation", 0.0, 20.0),
        shift=trial.suggest_float("shift", 0.0, 3.0),
        scale=trial.suggest_float("scale", 0.0, 0.25),
        shear=trial.suggest_float("shear", 0.0, 0.4),
        elastic=trial.suggest_float("elastic", 0.0, 1.2),
    )


def tune(
    folder: PathLike,
    training: Arrays,
    validation: Arrays,
    trials: int = 30,
    base: TrainConfig = TRIAL,
    report: Callable[[str], None] = print,
    storage: str | None = None,
    hold: Hold | None = None,
) -> optuna.Study:
    """Search for settings; the same call again goes on, and several processes may share the search.

    Trials are chosen by the tree-structured Parzen estimator, and given up after an epoch whose validation accuracy is
    below the median of the earlier ones' at that epoch. The first tries the defaults.

    Args:
        folder: holds the search (study.db, SQLite), unless `storage` does, and, at the end, best.json.
        training: images uint8 (n, 28, 28) and labels to train on; some thousands are enough to tell settings apart.
        validation: the same, to judge by.
        trials: finished and pruned ones together, those of earlier calls and other processes included.
        base: the settings that are not searched.
        report: called with a line per trial.
        storage: where the search lies instead, see `storage.open_study`.
        hold: who holds the trials; None for this process, one after the other, as `hold_trials` does.

    Returns:
        The study.

    Raises:
        ValueError: study.db is no such search, or one with other pictures or another base; `trials` is below 1; or
            every trial was given up.
    """
    if trials < 1:
        raise ValueError(f"trials: expected at least 1, got {trials}")
    study = open_study(folder, base.seed, storage)
    claim(study, fingerprint(base, *training, *validation), folder)

    def tell(study: optuna.Study, trial: FrozenTrial) -> None:
        done = len(study.get_trials(deepcopy=False, states=FINISHED))
        ended = f"{trial.value:.2%}" if trial.state == TrialState.COMPLETE else "given up"
        best = f"   best so far {study.best_value:.2%}" if _count_ended(study) else ""
        report(f"trial {done:3d} of {trials}   validation {ended:>8s}{best}")

    if not study.trials:
        study.enqueue_trial(DEFAULTS)
    if len(study.get_trials(deepcopy=False, states=FINISHED)) < trials:
        (hold or hold_trials)(study, training, validation, trials, base, tell)
    if not _count_ended(study):
        raise ValueError(f"trials: expected one that comes to its end, all {trials} were given up; try more")
    best = suggest_config(FixedTrial(study.best_params), base).to_json()
    records.write_result(Path(folder) / "best.json", {"validation_accuracy": study.best_value, "config": best})
    return study


def hold_trials(
    study: optuna.Study,
    training: Arrays,
    validation: Arrays,
    trials: int,
    base: TrainConfig,
    tell: Callable[[optuna.Study, FrozenTrial], None],
) -> None:
    """Try settings one after the other until so many trials have ended; `tell` is called after each."""

    def judge(trial: optuna.Trial) -> float:
        def watch(epoch: int, accuracy: float) -> None:
            trial.report(accuracy, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        value = try_settings(suggest_config(trial, base), training, validation, watch)
        if value is None:
            raise optuna.TrialPruned
        return value

    study.optimize(judge, callbacks=[tell, MaxTrialsCallback(trials, FINISHED)])


def try_settings(
    config: TrainConfig, training: Arrays, validation: Arrays, watch: Callable[[int, float], None]
) -> float | None:
    """Train under a trial's settings; return the best validation accuracy, 0-1, or None where the loss diverged."""
    try:
        _, history = train(config, training, validation, report=lambda line: None, after_epoch=watch)
    except DivergedError:
        return None
    return max(history["val_accuracy"])


def _count_ended(study: optuna.Study) -> int:
    """Return how many trials came to their end."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))


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
    if _count_ended(study) < 2:
        raise ValueError("expected at least two trials that came to their end")
    return optuna.importance.get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed))
