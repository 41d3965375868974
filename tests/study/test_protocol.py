import json

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import precision_recall_fscore_support
from sklearn.neighbors import KNeighborsClassifier

from digitrec import cli
from digitrec.datasets import take
from digitrec.records import SAMPLES
from digitrec.study.methods import CLASSIFIERS, FEATURES, Method
from digitrec.study.protocol import StudyData, compare_features, cross_validate, load_data, load_sets, run_study

SILENT = {"report": lambda line: None}


def test_data_are_split_as_for_training(data):
    x, labels = data.training
    assert x.shape == (400, 784)
    assert x.dtype == np.float32
    assert 0 <= x.min() < x.max() <= 1
    assert np.bincount(labels).min() >= 35
    assert (len(data.validation[1]), len(data.test[1])) == (119, 360)
    parts = [{row.tobytes() for row in part[0]} for part in (data.training, data.validation, data.test)]
    assert len(set.union(*parts)) == sum(map(len, parts))
    assert data.sets["samples"][1].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("limit", [-1, 0, 199])
def test_too_few_pictures_for_some_method_are_refused(limit):
    with pytest.raises(ValueError, match=f"limit: expected 200 pictures or more, got {limit}"):
        load_data("digits", limit=limit)


def test_a_limit_holds_for_each_set_too():
    assert {name: len(labels) for name, (_, labels) in load_sets(SAMPLES, 4).items()} == {"samples": 4}


def test_a_damaged_picture_is_left_out_of_its_set_with_a_warning(tmp_path):
    (tmp_path / "labels.csv").write_text("file,label\nfirst.png,7\nlast.png,7\n")
    (tmp_path / "first.png").write_bytes(b"no picture")
    (tmp_path / "last.png").write_bytes((SAMPLES / "7_crossed.png").read_bytes())
    with pytest.warns(UserWarning, match=r"left out: .*first\.png"):
        ((images, labels),) = load_sets(tmp_path).values()
    assert images.any()
    assert labels.tolist() == [7]


def test_numbers_are_those_of_scikit_learn(data, measured):
    _, results = measured
    for result in results.values():
        read = np.array(list(result["predictions"]), int)
        assert result["accuracy"] == pytest.approx((read == data.test[1]).mean())
        expected = precision_recall_fscore_support(data.test[1], read, average="macro", zero_division=0)[:3]
        assert (result["precision"], result["recall"], result["f1"]) == pytest.approx(expected)
        assert list(result["curve"]) == ["100", "400"]
        assert result["fit_time_s"] >= 0
        assert result["time_per_image_s"] > 0
    assert results["neighbours"]["accuracy"] > 0.85
    assert results["HOG"]["accuracy"] > 0.9
    assert results["one answer"]["sets"]["samples"] == pytest.approx(0.1)


def test_a_stopped_study_goes_on_where_it_was(data, methods, measured):
    folder, results = measured
    (folder / "tree.json").unlink()
    again = run_study(methods, data, folder, sizes=(100,), **SILENT)
    assert again["tree"]["predictions"] == results["tree"]["predictions"]
    assert again["neighbours"] == results["neighbours"]  # times included: it was read, not measured
    (folder / "tree.json").write_text(json.dumps(results["tree"])[:100])
    half_written = run_study({"tree": methods["tree"]}, data, folder, sizes=(100,), **SILENT)
    assert half_written["tree"]["predictions"] == results["tree"]["predictions"]


class _Refusing(DummyClassifier):
    def fit(self, X, y, sample_weight=None):
        raise RuntimeError("fitted")


def test_other_settings_sizes_or_pictures_are_measured_anew(data, tmp_path):
    """As many pictures, of the same labels, are not the same pictures."""
    one = {"one": Method(DummyClassifier(strategy="most_frequent"))}
    first = run_study(one, data, tmp_path, sizes=(100,), **SILENT)["one"]["date"]
    assert run_study(one, data, tmp_path, sizes=(100,), **SILENT)["one"]["date"] == first
    with pytest.raises(RuntimeError, match="fitted"):
        run_study({"one": Method(_Refusing())}, data, tmp_path, sizes=(100,), **SILENT)
    for part in ("training", "validation", "test"):
        parts = {name: getattr(data, name) for name in ("training", "validation", "test", "sets")}
        x, labels = parts[part]
        other = StudyData(**{**parts, part: (x[:, ::-1], labels)})
        assert other.fingerprint() != data.fingerprint()
    renamed = StudyData(data.training, data.validation, data.test, {"others": data.sets["samples"]})
    assert renamed.fingerprint() != data.fingerprint()
    again = run_study(one, renamed, tmp_path, sizes=(100,), **SILENT)
    assert list(again["one"]["sets"]) == ["others"]


def test_the_unfitted_method_stays_unfitted(methods, measured):
    assert not hasattr(methods["tree"].pipeline, "tree_")


def test_grid_pairs_every_feature_with_every_classifier(data, tmp_path):
    few = {name: FEATURES[name] for name in ("pixels", "HOG", "Hu moments")}
    two = {name: CLASSIFIERS[name] for name in ("nearest neighbours", "linear SVM")}
    table = compare_features(few, two, data, tmp_path, n=200, **SILENT)
    assert table.shape == (3, 2)
    assert table.loc["HOG", "linear SVM"] > table.loc["Hu moments", "linear SVM"]
    expected = KNeighborsClassifier(3).fit(*take(data.training, 200)).predict(data.validation[0])
    assert table.loc["pixels", "nearest neighbours"] == pytest.approx((expected == data.validation[1]).mean())
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert compare_features(few, two, data, tmp_path, n=200, **SILENT).equals(table)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files


def test_cross_validation_of_a_constant_is_the_share_of_its_class(data, methods):
    x, labels = data.training
    mean, deviation = cross_validate(methods["one answer"].pipeline, x, labels, folds=4)
    assert mean == pytest.approx((labels == 7).mean(), abs=0.01)
    assert deviation < 0.02
    assert cross_validate(methods["neighbours"].pipeline, x, labels, folds=3)[0] > 0.8


def test_command_line(tmp_path, capsys):
    arguments = ["study", "--dataset", "digits", "--limit", "200", "--folder", str(tmp_path)]
    assert cli.main([*arguments, "--methods", "nearest neighbours", "decision tree"]) == 0
    out = capsys.readouterr().out
    assert "accuracy (95 % interval)" in out
    assert out.index("nearest neighbours") < out.rindex("decision tree")
    assert cli.main([*arguments, "--methods", "magic"]) == 2
    assert "expected some of" in capsys.readouterr().err
    assert cli.main(["study", "--dataset", "digits", "--limit", "3", "--folder", str(tmp_path)]) == 2
