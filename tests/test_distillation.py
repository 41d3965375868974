import numpy as np
import pytest

keras = pytest.importorskip("keras")
from digitrec.distillation import build_teacher  # noqa: E402


@pytest.mark.parametrize("outputs", [10, 11])
def test_a_teacher_says_the_mean_of_what_several_say(outputs):
    x = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)
    models = [keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(outputs)])]
    models.append(keras.models.clone_model(models[0]))
    logits = np.insert([model(x) for model in models], 10, 0, axis=-1)  # of "not a digit", at its label's place
    expected = (np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(build_teacher(models)(x), expected, rtol=1e-4)
    np.testing.assert_allclose(build_teacher(models[:1])(x).numpy().sum(axis=1), 1, rtol=1e-5)
