from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from digitrec.config import TrainConfig
from digitrec.datasets import load_split, take
from digitrec.study import ablation
from digitrec.study.ablation import ABLATIONS, ablate, summarise_ablation


@pytest.fixture(scope="module")
def parts():
    training, validation, _ = load_split("digits")
    return take(training, 200), validation


def test_every_ablation_changes_something_but_the_first():
    names = list(ABLATIONS)
    configs = [replace(TrainConfig(), **change) for change in ABLATIONS.values()]
    # "auto" may be float32 on this processor, but it is another setting.
    assert configs[0] == TrainConfig()
    assert all(config != configs[0] for config in configs[1:])
    assert len(set(map(str, configs))) == len(names)


@pytest.mark.slow
def test_ablation_is_kept_and_compared_seed_by_seed(parts, tmp_path):
    base = TrainConfig(
        epochs=1, plain_epochs=0, batch_size=32, filters=((4,), (8,)), dense=16, learning_rate=0.01,
        precision="float32", drawn_digits=0, soiled_digits=0, strings=0, non_digits=0,
    )  # fmt: skip
    changes = {"all in place": {}, "no dropout": {"dropout": 0.0}}
    sets = {"one": parts[1]}
    options = {"base": base, "changes": changes, "seeds": 2, "report": lambda line: None}
    rows = ablate(tmp_path, *parts, sets, **options)
    assert len(rows) == 4
    assert rows.accuracy.tolist() == rows.real.tolist()  # the same pictures
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    pd.testing.assert_frame_equal(ablate(tmp_path, *parts, sets, **options), rows)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files


class _Constant:
    """A network that reads the same in every picture."""

    def __init__(self, digit):
        self.digit = digit

    def predict(self, x, **_):
        return np.eye(10)[np.full(len(x), self.digit)]


def test_each_change_is_trained_with_each_seed_and_only_once(parts, tmp_path, monkeypatch):
    trained = []

    def pretend(config, training, validation, report):
        trained.append((config.dropout, config.seed))
        assert len(validation[1]) == len(parts[0][1]) // 6
        return _Constant(config.seed), {}

    monkeypatch.setattr(ablation, "train", pretend)
    options = {"changes": {"all in place": {}, "no dropout": {"dropout": 0.0}}, "seeds": 2}
    lines = []
    rows = ablate(tmp_path, *parts, {"same": parts[1]}, report=lines.append, **options)
    assert trained == [(0.2, 0), (0.2, 1), (0.0, 0), (0.0, 1)]
    shares = [float((parts[1][1] == digit).mean()) for digit in (0, 1)]
    assert rows.accuracy.tolist() == rows.real.tolist() == shares * 2
    assert all("real" in line for line in lines)
    pd.testing.assert_frame_equal(ablate(tmp_path, *parts, {"same": parts[1]}, report=lines.append, **options), rows)
    assert len(trained) == 4
    without = ablate(tmp_path, *parts, report=lines.append, **options)
    assert np.isnan(without.real).all()
    assert "real" not in lines[-1]
    other = (parts[0][0][:, ::-1], parts[0][1])  # as many pictures, of the same labels
    ablate(tmp_path, other, parts[1], report=lines.append, **options)
    assert len(trained) == 12


def test_one_seed_has_no_interval():
    rows = pd.DataFrame({"change": ["all in place", "without"], "seed": [0, 0], "accuracy": [0.99, 0.97]})
    summary = summarise_ablation(rows)
    assert summary.loc["without", "difference"] == pytest.approx(-2)
    assert summary[["low", "high"]].isna().all(axis=None)


def test_intervals_are_those_of_a_paired_t_test():
    rows = pd.DataFrame({
        "change": ["all in place"] * 3 + ["without"] * 3, "seed": [0, 1, 2] * 2,
        "accuracy": [0.99, 0.98, 0.985, 0.97, 0.97, 0.96],
    })  # fmt: skip
    summary = summarise_ablation(rows)
    assert list(summary.index) == ["all in place", "without"]
    expected = stats.ttest_rel([97, 97, 96], [99, 98, 98.5]).confidence_interval(0.95)
    assert summary.loc["without", "difference"] == pytest.approx(-11 / 6)
    assert (summary.loc["without", "low"], summary.loc["without", "high"]) == pytest.approx(tuple(expected))
