import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.trial import FixedTrial, TrialState
from scipy import stats

from digitrec import cli, datasets, tuning
from digitrec.config import TrainConfig

pytest.importorskip("keras")
BASE = replace(tuning.TRIAL, epochs=1, plain_epochs=0, batch_size=32, precision="float32")
SMALL = {"width": 8, "convolutions": 1, "dense": 32}


@pytest.fixture(scope="module")
def parts():
    (images, labels), _ = datasets.load_digits()
    training, validation = datasets.split_validation(images, labels, validation=100)
    return datasets.split_validation(*training, validation=200)[1], validation


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
    assert best["validation_accuracy"] == done.best_value == max(t.value for t in done.trials if t.value)
    assert TrainConfig.from_json(best["config"]) == tuning.suggest_config(FixedTrial(done.best_params), BASE)


def test_several_may_begin_the_same_search_at_once(tmp_path):
    with ThreadPoolExecutor(6) as threads:
        studies = list(threads.map(lambda _: tuning.open_study(tmp_path), range(6)))
    studies[0].add_trial(optuna.trial.create_trial(params=tuning.DEFAULTS, distributions=_distributions(), value=0.5))
    assert [len(study.trials) for study in studies] == [1] * 6


def test_trials_as_a_table(search):
    _, study, _ = search
    table = tuning.tabulate_trials(study)
    assert list(table.columns[-2:]) == ["value", "pruned"]
    assert table.value.between(0, 1).all()
    assert len(table) == len(study.get_trials(states=tuning.FINISHED))


def test_a_diverging_trial_is_given_up_not_fatal(parts, tmp_path, monkeypatch):
    def diverge(*_, **__):
        raise tuning.DivergedError("the loss became nan")

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


def test_a_foreign_file_is_refused(tmp_path):
    (tmp_path / "study.db").write_text("this is no database, though it is long enough to look like one")
    with pytest.raises(ValueError, match="expected a search made here"):
        tuning.open_study(tmp_path)


def test_every_ablation_changes_something_but_the_first():
    names = list(tuning.ABLATIONS)
    configs = [replace(TrainConfig(), **change) for change in tuning.ABLATIONS.values()]
    # "auto" may be float32 on this processor, but it is another setting.
    assert configs[0] == TrainConfig()
    assert all(config != configs[0] for config in configs[1:])
    assert len(set(map(str, configs))) == len(names)


@pytest.mark.slow
def test_ablation_is_kept_and_compared_seed_by_seed(parts, tmp_path):
    base = TrainConfig(
        epochs=1, plain_epochs=0, batch_size=32, filters=((4,), (8,)), dense=16, learning_rate=0.01,
        precision="float32", drawn_digits=0, soiled_digits=0, non_digits=0,
    )  # fmt: skip
    changes = {"all in place": {}, "no dropout": {"dropout": 0.0}}
    sets = {"one": parts[1]}
    options = {"base": base, "changes": changes, "seeds": 2, "report": lambda line: None}
    rows = tuning.ablate(tmp_path, *parts, sets, **options)
    assert len(rows) == 4
    assert rows.accuracy.tolist() == rows.real.tolist()  # the same pictures
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    pd.testing.assert_frame_equal(tuning.ablate(tmp_path, *parts, sets, **options), rows)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files


def test_intervals_are_those_of_a_paired_t_test():
    rows = pd.DataFrame({
        "change": ["all in place"] * 3 + ["without"] * 3, "seed": [0, 1, 2] * 2,
        "accuracy": [0.99, 0.98, 0.985, 0.97, 0.97, 0.96],
    })  # fmt: skip
    summary = tuning.summarise_ablation(rows)
    assert list(summary.index) == ["all in place", "without"]
    expected = stats.ttest_rel([97, 97, 96], [99, 98, 98.5]).confidence_interval(0.95)
    assert summary.loc["without", "difference"] == pytest.approx(-11 / 6)
    assert (summary.loc["without", "low"], summary.loc["without", "high"]) == pytest.approx(tuple(expected))


def test_wrong_use_is_one_line(tmp_path, capsys):
    assert cli.main(["tune", "--dataset", "digits", "--images", "5", "--folder", str(tmp_path)]) == 2
    assert "--images: expected" in capsys.readouterr().err
    with pytest.raises(ValueError, match="trials: expected at least 1"):
        tuning.tune(tmp_path, None, None, trials=0)
