"""The study: every method under one protocol, and what came out of each in a file of its own.

A method is fitted to growing parts of the training set, judged on validation; then to all of it, and reads the test set
once. A study that was killed goes on where it was.
"""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, cross_val_score

from digitrec import evaluation
from digitrec.calibration import NOT_A_DIGIT
from digitrec.datasets import load_split, take
from digitrec.handwriting.sets import list_pictures, load_images
from digitrec.preprocessing.form import prepare
from digitrec.records import PathLike
from digitrec.study.methods import Method
from digitrec.study.store import fingerprint, keep, slug, store_pipeline
from digitrec.synthesis.sources import Arrays

SIZES = (100, 300, 1000, 3000, 10_000)  # training images of the learning curves, besides all
FEWEST = 200  # training images that every method can be fitted to: some take fifty components of them


@dataclass(frozen=True)
class StudyData:
    """What every method is given: rows of pixels x float32 (n, 784) in 0-1, and labels int (n,).

    Attributes:
        training: to fit to.
        validation: to choose by.
        test: read once by each method.
        sets: real handwriting by name, brought into MNIST's form; may be empty.
    """

    training: Arrays
    validation: Arrays
    test: Arrays
    sets: dict[str, Arrays] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """Return what tells these data from any others: results are kept for the very pictures they came from."""
        parts = (self.training, self.validation, self.test, *self.sets.values())
        return fingerprint(list(self.sets), *(array for part in parts for array in part))


def load_data(dataset: str = "mnist", sets: PathLike | None = None, limit: int | None = None) -> StudyData:
    """Load a data set, split as for every number here, and sets of real handwriting.

    Args:
        dataset: "mnist" or "digits".
        sets: a folder of sets of real handwriting, see `load_sets`; None for none.
        limit: keep at most so many pictures of each part and set, 200 or more, to try something out.

    Raises:
        ValueError: another data set, sets that are none, or a limit below 200.
    """
    if limit is not None and limit < FEWEST:
        raise ValueError(f"limit: expected {FEWEST} pictures or more, got {limit}")
    training, validation, test = (_flatten(part) for part in load_split(dataset, limit))
    real = {} if sets is None else load_sets(sets, limit)
    return StudyData(training, validation, test, {name: _flatten(pictures) for name, pictures in real.items()})


def load_sets(folder: PathLike, limit: int | None = None) -> dict[str, Arrays]:
    """Bring sets of real handwriting into MNIST's form.

    Args:
        folder: holds the sets, see `handwriting.sets.list_pictures`; what is no digit is left out.
        limit: at most so many of each set.

    Returns:
        Images uint8 (n, 28, 28) and labels by set; a picture that cannot be read is left out, with a warning.
    """
    pictures = list_pictures(folder)
    sets = {}
    for name in dict.fromkeys(pictures.sets.tolist()):
        chosen = np.flatnonzero((pictures.sets == name) & (pictures.labels != NOT_A_DIGIT))[:limit]
        images, errors = load_images([pictures.paths[i] for i in chosen])
        for line in errors.values():
            warnings.warn(f"left out: {line}", stacklevel=2)
        if len(errors) < len(chosen):
            readable = np.delete(np.arange(len(chosen)), list(errors))
            sets[name] = images[readable], pictures.labels[chosen[readable]]
    return sets


def run_study(
    methods: Mapping[str, Method],
    data: StudyData,
    folder: PathLike,
    sizes: Sequence[int] = SIZES,
    report: Callable[[str], None] = print,
) -> dict[str, dict[str, Any]]:
    """Measure every method that has no result in the folder yet.

    Args:
        methods: by name.
        data: see `load_data`.
        folder: for results (JSON) and fitted pipelines; delete a result to have it measured anew.
        sizes: training images of the learning curve, besides all.
        report: called with a line per method.

    Returns:
        The results by method, see `measure_method`, and its `tuned` and `family`.
    """
    results = {}
    pictures = data.fingerprint()
    for name, method in methods.items():
        key = fingerprint((method.pipeline.get_params(), tuple(sizes), pictures))
        path = Path(folder) / f"{slug(name)}.json"
        measured = keep(path, key, partial(measure_method, method, data, path, sizes))
        results[name] = measured | {"tuned": method.tuned, "family": method.family}
        report(f"{name:28s} test {measured['accuracy']:7.2%}   fitted in {measured['fit_time_s']:6.1f} s")
    return results


def measure_method(method: Method, data: StudyData, path: Path, sizes: Sequence[int]) -> dict[str, Any]:
    """Fit a method to growing parts of the training set and to all, and read test set and real handwriting.

    Args:
        method: what to measure; its pipeline stays unfitted.
        data: what on.
        path: the fitted pipeline is stored beside this file, as skops (scikit-learn) or ONNX (networks).
        sizes: training images of the learning curve, besides all.

    Returns:
        accuracy, accuracy_interval, errors, macro precision, recall and f1 on the test set; fit_time_s;
        time_per_image_s, the test set read in one go; size_bytes and sha256 of what was stored; curve, validation
        accuracy by number of training images; sets, accuracy by set; predictions, the digits read in the test set.
    """
    curve = {}
    for n in sizes:
        if n < len(data.training[1]):
            curve[n] = _measure_accuracy(clone(method.pipeline).fit(*take(data.training, n)), data.validation)
    pipeline = clone(method.pipeline)
    start = time.perf_counter()
    pipeline.fit(*data.training)
    fit_time_s = time.perf_counter() - start
    curve[len(data.training[1])] = _measure_accuracy(pipeline, data.validation)
    start = time.perf_counter()
    predictions = pipeline.predict(data.test[0])
    time_s = time.perf_counter() - start
    return {
        **_summarise(data.test[1], predictions),
        "fit_time_s": round(fit_time_s, 2),
        "time_per_image_s": time_s / len(predictions),
        **store_pipeline(pipeline, path.with_suffix("")),
        "curve": curve,
        "sets": {name: _measure_accuracy(pipeline, pictures) for name, pictures in data.sets.items()},
        "predictions": "".join(map(str, predictions)),
    }


def cross_validate(
    pipeline: Any, x: ArrayLike, labels: ArrayLike, folds: int = 5, seed: int = 0
) -> tuple[float, float]:
    """Return mean and standard deviation (n - 1) of the accuracy of any method over stratified folds."""
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    scores = cross_val_score(pipeline, x, labels, cv=splitter)
    return float(scores.mean()), float(scores.std(ddof=1))


def compare_features(
    features: Mapping[str, Any],
    classifiers: Mapping[str, Any],
    data: StudyData,
    folder: PathLike,
    n: int = 2000,
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Pair every feature with every classifier, fitted to n training images.

    Returns:
        Accuracy on all of validation, 0-1, features in rows, classifiers in columns.
    """
    training = take(data.training, n)
    pictures = fingerprint(classifiers, *training, *data.validation)
    rows = {}
    for name, transformer in features.items():
        path = Path(folder) / f"features-{slug(name)}.json"
        measure = partial(_measure_feature, transformer, classifiers, training, data.validation)
        kept = keep(path, fingerprint((transformer, pictures)), measure)
        rows[name] = {classifier: kept[classifier] for classifier in classifiers}
        report(f"{name:22s} best: {max(rows[name].values()):.1%} with {max(rows[name], key=rows[name].__getitem__)}")
    return pd.DataFrame.from_dict(rows, orient="index")


def _measure_feature(
    transformer: Any, classifiers: Mapping[str, Any], training: Arrays, validation: Arrays
) -> dict[str, Any]:
    """Return the validation accuracy of each classifier on one feature."""
    x, x_validation = training[0], validation[0]
    if transformer != "passthrough":
        fitted = clone(transformer)
        x, x_validation = fitted.fit_transform(x), fitted.transform(x_validation)
    return {
        name: _measure_accuracy(clone(classifier).fit(x, training[1]), (x_validation, validation[1]))
        for name, classifier in classifiers.items()
    }


def _measure_accuracy(pipeline: Any, pictures: Arrays) -> float:
    return float((pipeline.predict(pictures[0]) == pictures[1]).mean())


def _summarise(labels: NDArray, predictions: NDArray) -> dict[str, Any]:
    """Return the numbers of a test set that was read once."""
    matrix = evaluation.confusion_matrix(labels, predictions)
    n, right = int(matrix.sum()), int(matrix.trace())
    per_class = evaluation.per_class_report(matrix)
    return {
        "accuracy": right / n,
        "accuracy_interval": evaluation.wilson_interval(right, n),
        "errors": n - right,
        **{name: float(per_class[name].mean()) for name in ("precision", "recall", "f1")},
    }


def _flatten(pictures: Arrays) -> Arrays:
    return prepare(pictures[0]).reshape(len(pictures[0]), -1), pictures[1]
