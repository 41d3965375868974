import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_fscore_support
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from digitrec import cli, runs, study
from digitrec.config import TrainConfig
from digitrec.features import HOG, Deskew
from digitrec.methods import CLASSIFIERS, FEATURES, METHODS, Method, Network

TINY = TrainConfig(
    epochs=2, filters=((4,), (8,), (8,)), dense=16, recurrent_units=8, learning_rate=0.01, precision="float32"
)
QUICK = {
    "neighbours": Method(KNeighborsClassifier(3), "k"),
    "tree": Method(DecisionTreeClassifier(random_state=0)),
    "HOG": Method(make_pipeline(Deskew(), HOG(), LogisticRegression())),
    "one answer": Method(DummyClassifier(strategy="constant", constant=7)),
}


@pytest.fixture(scope="module")
def data():
    return study.load_data("digits", sets="data/samples", limit=400)


@pytest.fixture(scope="module")
def measured(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    return folder, study.run_study(QUICK, data, folder, sizes=(100,), report=lambda line: None)


def test_data_are_split_as_for_training(data):
    x, labels = data.training
    assert x.shape == (400, 784)
    assert x.dtype == np.float32
    assert 0 <= x.min() < x.max() <= 1
    assert np.bincount(labels).min() >= 35
    assert len(data.test[1]) == 200
    parts = [{row.tobytes() for row in part[0]} for part in (data.training, data.validation, data.test)]
    assert len(set.union(*parts)) == sum(map(len, parts))
    assert data.sets["samples"][1].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


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


def test_table_names_the_best_and_whether_others_differ(data, measured):
    _, results = measured
    table = study.tabulate(results, data.test[1])
    assert table.accuracy.is_monotonic_decreasing
    assert table.p_best.iloc[0] == 1
    assert table.loc["one answer", "p_best"] < 1e-6
    assert table.index[-1] == "one answer"
    text = study.format_table(table).to_string()
    assert "< 0.001" in text
    assert f"{table.accuracy.iloc[0]:.2%}" in text


def test_a_stopped_study_goes_on_where_it_was(data, measured):
    folder, results = measured
    never = Method(_NeverFitted())
    (folder / "tree.json").unlink()
    again = study.run_study(QUICK, data, folder, sizes=(100,), report=lambda line: None)
    assert again["tree"]["predictions"] == results["tree"]["predictions"]
    assert again["neighbours"] == results["neighbours"]  # times included: it was read, not measured
    with pytest.raises(RuntimeError, match="fitted"):
        study.run_study({"neighbours": never}, data, folder, report=lambda line: None)  # other settings: measured anew
    (folder / "tree.json").write_text(json.dumps(results["tree"])[:100])
    half_written = study.run_study({"tree": QUICK["tree"]}, data, folder, sizes=(100,), report=lambda line: None)
    assert half_written["tree"]["predictions"] == results["tree"]["predictions"]


class _NeverFitted(DummyClassifier):
    def fit(self, X, y, sample_weight=None):
        raise RuntimeError("fitted")


def test_stored_pipelines_read_the_same_and_foreign_ones_are_refused(data, measured):
    folder, results = measured
    for name in ("neighbours", "tree", "HOG"):
        pipeline = study.load_pipeline(folder, name)
        assert "".join(map(str, pipeline.predict(data.test[0]))) == results[name]["predictions"]
    place = folder / "tree.skops"
    whole = place.read_bytes()
    place.write_bytes(whole[:-1])
    with pytest.raises(runs.ModelError, match="damaged or foreign"):
        study.load_pipeline(folder, "tree")
    place.write_bytes(whole)
    with pytest.raises(runs.ModelError, match="expected a stored pipeline"):
        study.load_pipeline(folder, "forest")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cnn", "rnn"])
def test_networks_are_methods_like_any_other(data, kind, tmp_path):
    network = Network(replace(TINY, network=kind), members=2)
    fitted = network.fit(*data.training)
    probabilities = fitted.predict_proba(data.test[0])
    assert probabilities.shape == (200, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (fitted.predict(data.test[0]) == data.test[1]).mean() > 0.2  # guessing reads a tenth
    assert fitted.onnx_[0] != fitted.onnx_[1]
    stored = study.store_pipeline(fitted, tmp_path / "net")
    assert {path.name for path in tmp_path.iterdir()} == set(stored["sha256"]) == {"net-0.onnx", "net-1.onnx"}
    assert stored["size_bytes"] == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_a_network_fits_its_settings_to_the_number_of_images():
    whole, few = Network()._fit_config(50_417), Network()._fit_config(90)
    assert whole == replace(TrainConfig(), patience=TrainConfig().epochs)
    assert few.drawn_digits == round(TrainConfig().drawn_digits * 90 / (55_000 * 11 / 12))
    assert few.epochs * (90 // few.batch_size) >= 30 * TrainConfig().epochs
    assert few.patience == few.epochs


def test_grid_pairs_every_feature_with_every_classifier(data, tmp_path):
    few = {name: FEATURES[name] for name in ("pixels", "HOG", "Hu moments")}
    two = {name: CLASSIFIERS[name] for name in ("nearest neighbours", "linear SVM")}
    table = study.compare_features(few, two, data, tmp_path, n=200, report=lambda line: None)
    assert table.shape == (3, 2)
    assert table.loc["HOG", "linear SVM"] > table.loc["Hu moments", "linear SVM"]
    expected = KNeighborsClassifier(3).fit(*study.take(data.training, 200)).predict(data.validation[0])
    assert table.loc["pixels", "nearest neighbours"] == pytest.approx((expected == data.validation[1]).mean())


def test_cross_validation_of_a_constant_is_the_share_of_its_class(data):
    x, labels = data.training
    mean, deviation = study.cross_validate(QUICK["one answer"].pipeline, x, labels, folds=4)
    assert mean == pytest.approx((labels == 7).mean(), abs=0.01)
    assert deviation < 0.02
    assert study.cross_validate(QUICK["neighbours"].pipeline, x, labels, folds=3)[0] > 0.8


def test_every_method_says_what_was_tuned():
    assert len(METHODS) >= 12
    assert all(method.tuned for method in METHODS.values())
    slugs = {study.slug(name) for name in METHODS}
    assert len(slugs) == len(METHODS)


def test_command_line(tmp_path, capsys):
    arguments = ["study", "--dataset", "digits", "--limit", "200", "--folder", str(tmp_path)]
    assert cli.main([*arguments, "--methods", "nearest neighbours", "decision tree"]) == 0
    out = capsys.readouterr().out
    assert "accuracy (95 % interval)" in out
    assert out.index("nearest neighbours") < out.rindex("decision tree")
    assert cli.main([*arguments, "--methods", "magic"]) == 2
    assert "expected some of" in capsys.readouterr().err
    assert cli.main(["study", "--dataset", "digits", "--limit", "3", "--folder", str(tmp_path)]) == 2
