import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import optuna
import pytest
from optuna.trial import FixedTrial, TrialState

from digitrec import cli
from digitrec.config import TrainConfig
from digitrec.datasets import load_split, take
from digitrec.fitting import DivergedError
from digitrec.study import search as tuning

pytest.importorskip("keras")
BASE = replace(tuning.TRIAL, epochs=1, plain_epochs=0, batch_size=32, precision="float32")
SMALL = {"width": 8, "convolutions": 1, "dense": 32}


@pytest.fixture(scope="module")
def parts():
    training, validation, _ = load_split("digits")
    return take(training, 200), validation


@pytest.fixture(scope="module")
def search(parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuning")
    lines = []
    study = tuning.tune(folder, *parts, trials=2, base=BASE, report=lines.append)
    return folder, study, lines


def test_the_first_trial_is_close_to_the_defaults():
    config = tuning.suggest_config(FixedTrial(tuning.DEFAULTS), TrainConfig())
    defaults = TrainConfig()
    for name in set(tuning.DEFAULTS) - {"width", "convolutions"}:
        assert getattr(config, name) == getattr(defaults, name)
    assert config.filters == ((16,), (32, 32), (64, 64))


@pytest.mark.slow
def test_a_search_goes_on_where_it_was(parts, search):
    folder, study, lines = search
    assert len(study.trials) == len(lines) == 2
    assert study.trials[0].params == tuning.DEFAULTS
    again = tuning.tune(folder, *parts, trials=3, base=BASE, report=lines.append)
    assert len(again.trials) == 3
    assert [t.params for t in again.trials[:2]] == [t.params for t in study.trials[:2]]
    assert again.trials[2].params != again.trials[1].params
    done = tuning.tune(folder, *parts, trials=3, base=BASE, report=lines.append)
    assert len(done.trials) == len(lines) == 3
    best = json.loads((folder / "best.json").read_text())
    assert {"machine", "versions", "date", "commit"} <= set(best)
    assert best["validation_accuracy"] == done.best_value == max(t.value for t in done.trials if t.value)
    assert TrainConfig.from_json(best["config"]) == tuning.suggest_config(FixedTrial(done.best_params), BASE)


def test_several_may_begin_the_same_search_at_once(tmp_path):
    with ThreadPoolExecutor(6) as threads:
        studies = list(threads.map(lambda _: tuning.open_study(tmp_path), range(6)))
    studies[0].add_trial(optuna.trial.create_trial(params=tuning.DEFAULTS, distributions=_distributions(), value=0.5))
    assert [len(study.trials) for study in studies] == [1] * 6


@pytest.mark.parametrize("place", ["{}/shared.journal", "sqlite:///{}/shared.db"])
def test_a_search_lies_where_it_is_said_to(tmp_path, place):
    place = place.format(tmp_path)
    for known in (0, 1):
        study = tuning.open_study(tmp_path, storage=place)
        assert len(study.trials) == known
        study.add_trial(optuna.trial.create_trial(params=tuning.DEFAULTS, distributions=_distributions(), value=0.5))
    assert not (tmp_path / "study.db").exists()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("mysql+nothing://me:secret@host/name", r"mysql\+nothing://me:\*\*\*@host/name: expected a search"),
        ("oracle://me:secret@host/name", r"oracle://me:\*\*\*@host/name: expected a database whose driver"),
        ("postgresql://me:secret@host:port/name", "storage: expected a URL in the form of"),
    ],
)
def test_a_database_that_cannot_be_had_is_one_line_without_its_password(tmp_path, monkeypatch, place, message):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between its attempts
    with pytest.raises(ValueError, match=message) as caught:
        tuning.open_study(tmp_path, storage=place)
    assert not re.search(r"secret|\n", str(caught.value))


@pytest.mark.slow
def test_trials_as_a_table(search):
    _, study, _ = search
    table = tuning.tabulate_trials(study)
    assert list(table.columns[-2:]) == ["value", "pruned"]
    assert table.value.between(0, 1).all()
    assert len(table) == len(study.get_trials(states=tuning.FINISHED))


def test_a_diverging_trial_is_given_up_not_fatal(parts, tmp_path, monkeypatch):
    def diverge(*_, **__):
        raise DivergedError("the loss became nan")

    study = tuning.open_study(tmp_path)
    study.enqueue_trial(tuning.DEFAULTS)
    study.add_trial(
        optuna.trial.create_trial(
            params=tuning.DEFAULTS, distributions=_distributions(), value=0.5, state=TrialState.COMPLETE
        )
    )
    monkeypatch.setattr(tuning, "train", diverge)
    study = tuning.tune(tmp_path, *parts, trials=2, base=BASE, report=lambda line: None)
    assert [t.state for t in study.trials].count(TrialState.PRUNED) == 1
    assert tuning.tabulate_trials(study).pruned.tolist() == [t.state == TrialState.PRUNED for t in study.trials]


def test_a_search_none_of_whose_trials_came_to_its_end_says_so(parts, tmp_path, monkeypatch):
    def diverge(*_, **__):
        raise DivergedError("the loss became nan")

    monkeypatch.setattr(tuning, "train", diverge)
    lines = []
    with pytest.raises(ValueError, match="trials: expected one that comes to its end, all 2 were given up"):
        tuning.tune(tmp_path, *parts, trials=2, base=BASE, report=lines.append)
    assert [line.split("validation")[1].split() for line in lines] == [["given", "up"]] * 2


def test_a_search_for_something_else_is_refused(parts, tmp_path, monkeypatch):
    """Accuracies on other pictures, or after more epochs, are not to be compared."""
    monkeypatch.setattr(tuning, "train", lambda *_, **__: (None, {"val_accuracy": [0.5]}))
    options = {"trials": 1, "report": lambda line: None}
    tuning.tune(tmp_path, *parts, base=BASE, **options)
    training, validation = parts
    for other in ((take(training, 100), validation), (training, take(validation, 50))):
        with pytest.raises(ValueError, match="holds a search on other pictures or with other fixed settings"):
            tuning.tune(tmp_path, *other, base=BASE, **options)
    with pytest.raises(ValueError, match="give this one another folder"):
        tuning.tune(tmp_path, *parts, base=replace(BASE, epochs=2), **options)
    tuning.tune(tmp_path, *parts, base=BASE, **options)


@pytest.mark.slow
def test_a_search_from_data_set_to_figures(tmp_path, monkeypatch):
    accuracies = iter([0.9, 0.95, 0.92])
    asked = []

    def pretend(config, training, validation, report, after_epoch):
        asked.append((config.epochs, len(training[1]), len(validation[1])))
        accuracy = next(accuracies)
        after_epoch(1, accuracy)
        return None, {"val_accuracy": [accuracy]}

    monkeypatch.setattr(tuning, "train", pretend)
    lines = []
    study = tuning.run_search(tmp_path, "digits", trials=3, images=150, epochs=2, report=lines.append)
    assert asked == [(2, 150, 119)] * 3
    assert study.best_value == 0.95
    assert lines[-1] == f"best: validation 95.00%; settings in {tmp_path / 'best.json'}"
    figures = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert figures == {"search_history", "setting_importance", "setting_slices"}


def test_a_trial_below_the_others_is_given_up_and_says_so(parts, tmp_path, monkeypatch):
    """After five trials that end well, one whose accuracy stays low."""
    accuracies = iter([0.9] * 5 + [0.2])

    def pretend(config, training, validation, report, after_epoch):
        accuracy = next(accuracies)
        after_epoch(1, accuracy)
        return None, {"val_accuracy": [accuracy]}

    monkeypatch.setattr(tuning, "train", pretend)
    lines = []
    study = tuning.tune(tmp_path, *parts, trials=6, base=BASE, report=lines.append)
    assert tuning.tabulate_trials(study).pruned.tolist() == [False] * 5 + [True]
    assert "given up" in lines[-1]


def _distributions():
    study = optuna.create_study()
    study.enqueue_trial(tuning.DEFAULTS)
    trial = study.ask()
    tuning.suggest_config(trial)
    return trial.distributions


def test_importance_finds_the_setting_that_matters(tmp_path):
    study = tuning.open_study(tmp_path)
    with pytest.raises(ValueError, match="at least two trials"):
        tuning.rate_settings(study)
    rng = np.random.default_rng(0)
    for _ in range(30):
        params = tuning.DEFAULTS | {"dropout": rng.uniform(0, 0.5), "rotation": rng.uniform(0, 20)}
        study.add_trial(
            optuna.trial.create_trial(params=params, distributions=_distributions(), value=1 - params["dropout"])
        )
    importance = tuning.rate_settings(study)
    assert next(iter(importance)) == "dropout"
    assert importance["dropout"] > 0.8


def test_a_foreign_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between its attempts
    (tmp_path / "study.db").write_text("this is no database, though it is long enough to look like one")
    with pytest.raises(ValueError, match="expected a search made here"):
        tuning.open_study(tmp_path)


def test_wrong_use_is_one_line(tmp_path, capsys):
    assert cli.main(["tune", "--dataset", "digits", "--images", "5", "--folder", str(tmp_path)]) == 2
    assert "images: expected" in capsys.readouterr().err
    with pytest.raises(ValueError, match="trials: expected at least 1"):
        tuning.tune(tmp_path, None, None, trials=0)
