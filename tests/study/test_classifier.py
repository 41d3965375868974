from dataclasses import replace

import numpy as np
import pytest

from digitrec.config import TrainConfig
from digitrec.study.classifier import Network
from digitrec.study.store import describe_files, dump_pipeline

TINY = TrainConfig(
    epochs=2, filters=((4,), (8,), (8,)), dense=16, recurrent_units=8, learning_rate=0.01, precision="float32"
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cnn", "rnn"])
def test_networks_are_methods_like_any_other(data, kind):
    network = Network(replace(TINY, network=kind), members=2)
    fitted = network.fit(*data.training)
    probabilities = fitted.predict_proba(data.test[0])
    assert probabilities.shape == (len(data.test[1]), 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (fitted.predict(data.test[0]) == data.test[1]).mean() > 0.2  # guessing reads a tenth
    assert fitted.onnx_[0] != fitted.onnx_[1]
    files = dump_pipeline(fitted, "net")
    stored = describe_files(files)
    assert set(files) == set(stored["sha256"]) == {"net-0.onnx", "net-1.onnx"}
    assert stored["size_bytes"] == sum(map(len, files.values()))


def test_a_network_fits_its_settings_to_the_number_of_images():
    whole, few = Network()._fit_config(50_417), Network()._fit_config(90)
    assert whole == replace(TrainConfig(), patience=TrainConfig().epochs)
    assert few.drawn_digits == round(TrainConfig().drawn_digits * 90 / (55_000 * 11 / 12))
    assert few.epochs * (90 // few.batch_size) >= 30 * TrainConfig().epochs
    assert few.patience == few.epochs
