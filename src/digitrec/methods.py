"""The methods of the study: scikit-learn pipelines from rows of pixels to digits, networks among them, by name.

A method of your own is one entry: `METHODS["mine"] = Method(make_pipeline(HOG(), LinearSVC()))`.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import check_is_fitted, validate_data

from digitrec import features
from digitrec.config import TrainConfig
from digitrec.datasets import split_validation
from digitrec.evaluation import softmax
from digitrec.recognizer import Recognizer

MNIST_TRAINING = 55_000  # images that the settings of TrainConfig are meant for
FEWEST_STEPS = 30  # to an epoch; with fewer images it becomes several


@dataclass(frozen=True)
class Method:
    """A pipeline, and what was chosen for it on validation.

    Attributes:
        pipeline: fits and predicts float32 (n, 784) in 0-1, labels 0-9.
        tuned: what was tuned, on 10,000 training images and the validation set; the rest is the library's default.
    """

    pipeline: Any
    tuned: str = "nothing"


class Network(ClassifierMixin, BaseEstimator):
    """Our networks behind scikit-learn's interface; several members vote by their mean probability.

    Args:
        config: settings for MNIST's 55,000 training images; fewer images get proportionally fewer synthesised ones,
            smaller batches and more epochs.
        members: networks, alike but for the seed.
        verbose: print a line an epoch.
    """

    def __init__(self, config: TrainConfig | None = None, members: int = 1, verbose: bool = False) -> None:
        self.config = config
        self.members = members
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike) -> "Network":
        """Train on rows of 784 pixels in 0-1; a twelfth is held out to choose the epoch."""
        from digitrec.runs import export_onnx
        from digitrec.training import train

        pixels, labels = validate_data(self, X, y, dtype=np.float32)
        images = np.round(255 * pixels.reshape(-1, 28, 28)).astype(np.uint8)
        training, validation = split_validation(images, labels, validation=max(10, len(labels) // 12))
        config = self._fit_config(len(training[1]))
        self.classes_ = np.arange(10)
        self.onnx_ = []
        for member in range(self.members):
            network, _ = train(
                replace(config, seed=config.seed + member),
                training,
                validation,
                report=print if self.verbose else lambda line: None,
            )
            self.onnx_.append(export_onnx(network))
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return probabilities float32 (n, 10), through ONNX Runtime."""
        check_is_fitted(self)
        x = validate_data(self, X, dtype=np.float32, reset=False).reshape(-1, 28, 28, 1)
        total = np.zeros((len(x), 10), np.float32)
        for model in self.onnx_:
            session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
            total += softmax(Recognizer(session, temperature=1, threshold=0).run_network(x))
        return total / np.float32(len(self.onnx_))

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the likeliest digits, int (n,)."""
        return self.predict_proba(X).argmax(axis=1)

    def _fit_config(self, n: int) -> TrainConfig:
        config = self.config or TrainConfig()
        share = min(1, n / (MNIST_TRAINING * 11 / 12))
        pools = {name: round(getattr(config, name) * share) for name in ("drawn_digits", "soiled_digits", "non_digits")}
        batch_size = int(np.clip(n // 40, 16, config.batch_size))
        epochs = config.epochs * max(1, -(-FEWEST_STEPS * batch_size // n))
        return replace(config, batch_size=batch_size, epochs=epochs, patience=epochs, **pools)


# Every feature, of one scale where its values have many; and every classifier, close to its library's defaults: the
# grid that shows which go together.
FEATURES: dict[str, Any] = {
    "pixels": "passthrough",
    "deskewed pixels": features.Deskew(),
    "PCA": PCA(50, random_state=0),
    "HOG": features.HOG(),
    "local binary patterns": make_pipeline(features.LocalBinaryPatterns(), StandardScaler()),
    "projections": make_pipeline(features.Projections(), StandardScaler()),
    "contours": make_pipeline(features.Contours(), StandardScaler()),
    "region properties": make_pipeline(features.RegionProperties(), StandardScaler()),
    "Zernike moments": make_pipeline(features.ZernikeMoments(), StandardScaler()),
    "Hu moments": make_pipeline(features.HuMoments(), StandardScaler()),
}
CLASSIFIERS: dict[str, Any] = {
    "nearest neighbours": KNeighborsClassifier(3, n_jobs=-1),
    "logistic regression": LogisticRegression(max_iter=200),
    "linear SVM": LinearSVC(C=0.1, random_state=0),
    "RBF SVM": SVC(C=10),
    "decision tree": DecisionTreeClassifier(random_state=0),
    "random forest": RandomForestClassifier(n_jobs=-1, random_state=0),
    "gradient boosting": HistGradientBoostingClassifier(max_iter=30, random_state=0),
    "multilayer perceptron": MLPClassifier(early_stopping=True, random_state=0),
}

# What two of the best see: a digit upright, its pixels and its gradients side by side and of equal length. They err on
# different digits: on validation nearest neighbours get 98.5 % from the pixels, 98.6 % from HOG, and 99.0 % from both.
PIXELS_AND_HOG = (
    features.Deskew(),
    make_union(make_pipeline(features.Blur(), Normalizer()), make_pipeline(features.HOG(), Normalizer())),
)

METHODS: dict[str, Method] = {
    "decision tree": Method(DecisionTreeClassifier(min_samples_leaf=3, random_state=0), "smallest leaf"),
    "linear SVM": Method(LinearSVC(C=0.01, random_state=0), "C"),
    "logistic regression": Method(LogisticRegression(C=0.1, max_iter=300), "C"),
    "nearest neighbours": Method(KNeighborsClassifier(3, n_jobs=-1), "k"),
    "random forest": Method(RandomForestClassifier(300, n_jobs=-1, random_state=0), "trees"),
    "gradient boosting": Method(
        HistGradientBoostingClassifier(max_iter=100, learning_rate=0.1, random_state=0),
        "learning rate; rounds by time",
    ),
    "multilayer perceptron": Method(
        MLPClassifier((512,), alpha=1e-4, early_stopping=True, max_iter=40, random_state=0),
        "width",
    ),
    "deskewed pixels + neighbours": Method(
        make_pipeline(
            features.Deskew(), features.Blur(), Normalizer(), PCA(50, random_state=0),
            KNeighborsClassifier(4, weights="distance", n_jobs=-1),
        ),
        "blur, length, components, k, weights",
    ),
    "deskewed pixels, HOG + neighbours": Method(
        make_pipeline(
            *PIXELS_AND_HOG, PCA(0.8, svd_solver="covariance_eigh"),
            KNeighborsClassifier(4, weights="distance", n_jobs=-1),
        ),
        "deskewing, blur, weight of HOG, components, k, weights",
    ),
    "RBF SVM": Method(
        make_pipeline(PCA(50, random_state=0), SVC(C=10, gamma=0.02, cache_size=2000)), "components, C, gamma"
    ),
    "HOG + linear SVM": Method(make_pipeline(features.HOG(), LinearSVC(C=0.1, random_state=0)), "cells, C"),
    "deskewed pixels, HOG + RBF SVM": Method(
        make_pipeline(*PIXELS_AND_HOG, PCA(0.87, svd_solver="covariance_eigh"), SVC(C=10, cache_size=2000)),
        "cells, deskewing, blur, weight of HOG, components, kernel, C, gamma",
    ),
    "recurrent network": Method(
        Network(TrainConfig(
            network="rnn", epochs=12, learning_rate=4e-3, precision="float32",
            drawn_digits=0, soiled_digits=0, non_digits=0,
        )),
        "kind and layers, by the time of an epoch; the rest as the CNN",
    ),
    "CNN": Method(Network(), "architecture, augmentation, schedule: notebooks 02 and 07"),
    "CNN ensemble": Method(Network(TrainConfig(epochs=8), members=3), "as the CNN; members and epochs by time"),
}  # fmt: skip


def change_networks(methods: dict[str, Method], **settings: Any) -> dict[str, Method]:
    """Return the methods with these fields of TrainConfig changed in every network, to try something out."""
    changed = {}
    for name, method in methods.items():
        if isinstance(method.pipeline, Network):
            pipeline = clone(method.pipeline)
            pipeline.config = TrainConfig.from_json((pipeline.config or TrainConfig()).to_json() | settings)
            method = replace(method, pipeline=pipeline)
        changed[name] = method
    return changed


# What a stored pipeline may hold besides scikit-learn's plain estimators; everything else is refused.
TRUSTED = [
    *(f"digitrec.features.{kind.__name__}" for kind in features.ImageTransformer.__subclasses__()),
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
