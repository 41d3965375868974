"""Muon: orthogonal steps for matrices, convolutions among them; AdamW's for all else."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from digitrec.config import TrainConfig  # noqa: E402
from digitrec.networks import build_cnn  # noqa: E402
from digitrec.optimizers import build_muon  # noqa: E402

RATE = 0.01


@pytest.fixture(scope="module")
def steps() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By the path of each weight: the step that Muon takes from one gradient, and AdamW's from the same."""
    taken = []
    for optimizer in (build_muon(RATE, 0), keras.optimizers.AdamW(RATE, weight_decay=0)):
        model = build_cnn(TrainConfig(filters=((4,), (8, 16)), dense=12))
        weights = model.trainable_variables
        rng = np.random.default_rng(0)
        before = [np.array(weight) for weight in weights]
        optimizer.build(weights)
        optimizer.apply_gradients([(rng.normal(size=w.shape).astype(np.float32), w) for w in weights])
        taken.append([np.array(weight) - old for weight, old in zip(weights, before, strict=True)])
    return {weight.path: pair for weight, *pair in zip(weights, *taken, strict=True)}


def is_matrix(path: str, step: np.ndarray) -> bool:
    return step.ndim in (2, 4) and step.shape[-2] > 1 and "logits" not in path


def test_matrices_take_orthogonal_steps_as_long_as_their_size_asks(steps):
    matrices = [step for path, (step, _) in steps.items() if is_matrix(path, step)]
    assert len(matrices) == 3  # two convolutions and the dense layer
    for step in matrices:
        matrix = step.reshape(-1, step.shape[-1])
        stretch = np.linalg.svd(matrix, compute_uv=False) / (RATE * 0.2 * np.sqrt(max(matrix.shape)))
        assert stretch.min() > 0.6  # five Newton-Schulz steps bring singular values near 1, not to it
        assert stretch.max() < 1.3


def test_vectors_the_first_convolution_and_the_logits_take_the_steps_of_adamw(steps):
    others = [pair for path, pair in steps.items() if not is_matrix(path, pair[0])]
    assert len(others) == len(steps) - 3
    for step, adamw in others:
        np.testing.assert_allclose(step, adamw, atol=1e-6)
