"""Our networks behind scikit-learn's interface, so that they stand beside every other method."""

from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from digitrec import backend
from digitrec.calibration import softmax
from digitrec.config import TrainConfig
from digitrec.datasets import split_validation
from digitrec.model_folder import load_model
from digitrec.recognizer import Recognizer, open_session

MNIST_TRAINING = 55_000  # images that the settings of TrainConfig are meant for
FEWEST_STEPS = 30  # to an epoch; with fewer images it becomes several


class Network(ClassifierMixin, BaseEstimator):
    """A network, or several that vote by their mean probability, fitted and asked as scikit-learn does.

    Args:
        config: settings for MNIST's 55,000 training images; fewer images get proportionally fewer synthesised ones,
            smaller batches and more epochs.
        members: networks, alike but for the seed.
        verbose: print a line an epoch.
        architecture: of a network of your own, as `architectures.describe` gives it; None: as `config` says.
    """

    def __init__(
        self,
        config: TrainConfig | None = None,
        members: int = 1,
        verbose: bool = False,
        architecture: dict[str, Any] | None = None,
    ) -> None:
        self.config = config
        self.members = members
        self.verbose = verbose
        self.architecture = architecture

    @classmethod
    def like(cls, model: Any, config: TrainConfig | None = None) -> "Network":
        """Return a network that is built as a given one of your own and trained anew: a Keras model, or a model folder.

        Raises:
            ModelError: no such folder, or a damaged one.
            ValueError: a network of another form.
        """
        from digitrec.architectures import adapt, describe

        if isinstance(model, str | PathLike):
            model = load_model(model)
        return cls(config, architecture=describe(adapt(model)))

    def fit(self, X: ArrayLike, y: ArrayLike) -> "Network":
        """Train on rows of 784 pixels in 0-1; a twelfth is held out to choose the epoch."""
        from digitrec.architectures import rebuild
        from digitrec.networks import export_onnx
        from digitrec.training import train

        pixels, labels = validate_data(self, X, y, dtype=np.float32)
        images = np.round(255 * pixels.reshape(-1, 28, 28)).astype(np.uint8)
        training, validation = split_validation(images, labels)
        config = self._fit_config(len(training[1]))
        report = print if self.verbose else lambda line: None
        self.classes_ = np.arange(10)
        self.onnx_ = []
        for member in range(self.members):
            own = None
            if self.architecture is not None:
                backend.keras.utils.set_random_seed(config.seed + member)
                own = rebuild(self.architecture)
            seeded = replace(config, seed=config.seed + member)
            network, _ = train(seeded, training, validation, report=report, model=own)
            self.onnx_.append(export_onnx(network))
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return probabilities float32 (n, 10), through ONNX Runtime."""
        check_is_fitted(self)
        x = validate_data(self, X, dtype=np.float32, reset=False).reshape(-1, 28, 28, 1)
        total = np.zeros((len(x), 10), np.float32)
        for model in self.onnx_:
            total += softmax(Recognizer(open_session(model), temperature=1, threshold=0).run_network(x)[:, :10])
        return total / np.float32(len(self.onnx_))

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the likeliest digits, int (n,)."""
        return self.predict_proba(X).argmax(axis=1)

    def _fit_config(self, n: int) -> TrainConfig:
        """Return the settings for n training images."""
        config = self.config or TrainConfig()
        share = min(1, n / (MNIST_TRAINING * 11 / 12))
        pools = {
            name: round(getattr(config, name) * share)
            for name in ("drawn_digits", "soiled_digits", "strings", "non_digits")
        }
        batch_size = int(np.clip(n // 40, 16, config.batch_size))
        epochs = config.epochs * max(1, -(-FEWEST_STEPS * batch_size // n))
        return replace(config, batch_size=batch_size, epochs=epochs, patience=epochs, **pools)
