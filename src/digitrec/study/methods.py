"""The methods of the study: scikit-learn pipelines from rows of pixels to digits, networks among them, by name.

A method of your own is one entry: `METHODS["mine"] = Method(make_pipeline(HOG(), LinearSVC()))`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from digitrec.config import TrainConfig
from digitrec.study import features
from digitrec.study.classifier import Network


@dataclass(frozen=True)
class Method:
    """A pipeline, and what is to be known of it.

    Attributes:
        pipeline: fits and predicts float32 (n, 784) in 0-1, labels 0-9.
        tuned: what was tuned, on 10,000 training images and the validation set; the rest is the library's default.
        family: what it is built on: pixels, trees, features or networks; a figure shows the best of each in colour.
    """

    pipeline: Any
    tuned: str = "nothing"
    family: str = "your own"


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
    "decision tree": Method(DecisionTreeClassifier(min_samples_leaf=3, random_state=0), "smallest leaf", "trees"),
    "linear SVM": Method(LinearSVC(C=0.01, random_state=0), "C", "pixels"),
    "logistic regression": Method(LogisticRegression(C=0.1, max_iter=300), "C", "pixels"),
    "nearest neighbours": Method(KNeighborsClassifier(3, n_jobs=-1), "k", "pixels"),
    "random forest": Method(RandomForestClassifier(300, n_jobs=-1, random_state=0), "trees", "trees"),
    "gradient boosting": Method(
        HistGradientBoostingClassifier(max_iter=100, learning_rate=0.1, random_state=0),
        "learning rate; rounds by time", "trees",
    ),
    "multilayer perceptron": Method(
        MLPClassifier((512,), alpha=1e-4, early_stopping=True, max_iter=40, random_state=0), "width", "pixels"
    ),
    "deskewed pixels + neighbours": Method(
        make_pipeline(
            features.Deskew(), features.Blur(), Normalizer(), PCA(50, random_state=0),
            KNeighborsClassifier(4, weights="distance", n_jobs=-1),
        ),
        "blur, length, components, k, weights", "features",
    ),
    "deskewed pixels, HOG + neighbours": Method(
        make_pipeline(
            *PIXELS_AND_HOG, PCA(0.8, svd_solver="covariance_eigh"),
            KNeighborsClassifier(4, weights="distance", n_jobs=-1),
        ),
        "deskewing, blur, weight of HOG, components, k, weights", "features",
    ),
    "RBF SVM": Method(
        make_pipeline(PCA(50, random_state=0), SVC(C=10, gamma=0.02, cache_size=2000)), "components, C, gamma", "pixels"
    ),
    "HOG + linear SVM": Method(
        make_pipeline(features.HOG(), LinearSVC(C=0.1, random_state=0)), "cells, C", "features"
    ),
    "deskewed pixels, HOG + RBF SVM": Method(
        make_pipeline(*PIXELS_AND_HOG, PCA(0.87, svd_solver="covariance_eigh"), SVC(C=10, cache_size=2000)),
        "cells, deskewing, blur, weight of HOG, components, kernel, C, gamma", "features",
    ),
    "recurrent network": Method(
        Network(TrainConfig(
            network="rnn", epochs=12, optimizer="adamw", learning_rate=4e-3, precision="float32",
            drawn_digits=0, soiled_digits=0, strings=0, non_digits=0,
        )),
        "kind and layers, by the time of an epoch; the rest as the CNN", "networks",
    ),
    "CNN": Method(Network(), "architecture, augmentation, schedule: notebooks 02 and 07", "networks"),
    "CNN ensemble": Method(Network(members=3), "as the CNN; members by time", "networks"),
}  # fmt: skip


def choose_methods(names: Sequence[str] | None = None) -> dict[str, Method]:
    """Return the methods of these names; of None, all.

    Raises:
        ValueError: a name that is none of them.
    """
    chosen = list(METHODS) if names is None else names
    if unknown := sorted(set(chosen) - set(METHODS)):
        raise ValueError(f"methods: expected some of {', '.join(METHODS)}; got {', '.join(unknown)}")
    return {name: METHODS[name] for name in chosen}


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
