"""The study: every method under one protocol, and what came out of each in a file of its own.

A method is fitted to growing parts of the training set, judged on validation; then to all of it, and reads the test set
once. A study that was killed goes on where it was.
"""

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, cross_val_score

from digitrec import evaluation, handwriting, runs
from digitrec.datasets import load_dataset, split_validation
from digitrec.methods import TRUSTED, Method, Network
from digitrec.pools import NOT_A_DIGIT, Arrays
from digitrec.preprocessing import prepare, to_mnist

SIZES = (100, 300, 1000, 3000, 10_000)  # training images of the learning curves, besides all


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


def load_data(
    dataset: str = "mnist", sets: str | os.PathLike[str] | None = None, limit: int | None = None
) -> StudyData:
    """Load a data set and split it as the networks' training does.

    Args:
        dataset: "mnist" or "digits".
        sets: a folder of sets of real handwriting, see `handwriting.list_pictures`; None for none.
        limit: keep about this many of the training images, and half as many of validation, test and each set.
    """
    (images, labels), test = load_dataset(dataset)
    training, validation = split_validation(images, labels, validation=len(labels) // 12)
    real = {} if sets is None else load_sets(sets, limit and limit // 2)
    if limit is not None:
        training = take(training, limit)
        validation, test = take(validation, limit // 2), take(test, limit // 2)
    flat = {name: _flatten(pictures) for name, pictures in real.items()}
    return StudyData(_flatten(training), _flatten(validation), _flatten(test), flat)


def load_sets(folder: str | os.PathLike[str], limit: int | None = None) -> dict[str, Arrays]:
    """Bring sets of real handwriting into MNIST's form.

    Args:
        folder: holds the sets, see `handwriting.list_pictures`; what is no digit is left out.
        limit: at most so many of each set.

    Returns:
        Images uint8 (n, 28, 28) and labels by set.
    """
    pictures = handwriting.list_pictures(folder)
    sets = {}
    for name in dict.fromkeys(pictures.sets.tolist()):
        chosen = np.flatnonzero((pictures.sets == name) & (pictures.labels != NOT_A_DIGIT))[:limit]
        if len(chosen):
            sets[name] = np.stack([to_mnist(pictures.paths[i]) for i in chosen]), pictures.labels[chosen]
    return sets


def run_study(
    methods: Mapping[str, Method],
    data: StudyData,
    folder: str | os.PathLike[str],
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
        The results by method, see `measure_method`, and what was `tuned`.
    """
    results = {}
    for name, method in methods.items():
        key = f"{method.pipeline.get_params()} {len(data.training[1])} {tuple(sizes)} {sorted(data.sets)}"
        path = Path(folder) / f"{slug(name)}.json"
        results[name] = keep(path, key, partial(measure_method, method, data, path, sizes)) | {"tuned": method.tuned}
        accuracy, fit_time_s = results[name]["accuracy"], results[name]["fit_time_s"]
        report(f"{name:28s} test {accuracy:7.2%}   fitted in {fit_time_s:6.1f} s")
    return results


def keep(path: Path, key: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the result stored at `path` under the same key, or compute it and store it there."""
    key = hashlib.sha256(re.sub(r" at 0x[0-9a-f]+", "", key).encode()).hexdigest()
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["key"] == key:
            return stored
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        pass  # not measured yet, or only half of it was written elsewhere
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {"key": key, **compute()}
    runs.write_json(path, result)
    return json.loads(json.dumps(result))


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
            part = split_validation(*data.training, validation=n)[1]
            curve[n] = _measure_accuracy(clone(method.pipeline).fit(*part), data.validation)
    pipeline = clone(method.pipeline)
    start = time.perf_counter()
    pipeline.fit(*data.training)
    fit_time_s = time.perf_counter() - start
    curve[len(data.training[1])] = _measure_accuracy(pipeline, data.validation)
    start = time.perf_counter()
    predictions = pipeline.predict(data.test[0])
    time_s = time.perf_counter() - start
    matrix = evaluation.confusion_matrix(data.test[1], predictions)
    n, right = int(matrix.sum()), int(matrix.trace())
    per_class = evaluation.per_class_report(matrix)
    return {
        "accuracy": right / n,
        "accuracy_interval": evaluation.wilson_interval(right, n),
        "errors": n - right,
        **{name: float(per_class[name].mean()) for name in ("precision", "recall", "f1")},
        "fit_time_s": round(fit_time_s, 2),
        "time_per_image_s": time_s / n,
        **store_pipeline(pipeline, path.with_suffix("")),
        "curve": curve,
        "sets": {name: _measure_accuracy(pipeline, pictures) for name, pictures in data.sets.items()},
        "predictions": "".join(map(str, predictions)),
    }


def tabulate(results: Mapping[str, Mapping[str, Any]], labels: ArrayLike) -> pd.DataFrame:
    """Put the results into a table, the most accurate first.

    Args:
        results: as `run_study` returns them.
        labels: int (n,), of the test set, for McNemar's test against the most accurate method.

    Returns:
        A row a method; `real` is the mean accuracy over the sets of real handwriting, `p_best` McNemar's p-value.
    """
    truth = np.asarray(labels)
    right = {name: np.array(list(result["predictions"]), int) == truth for name, result in results.items()}
    best = max(results, key=lambda name: results[name]["accuracy"])
    columns = ["accuracy", "errors", "precision", "recall", "f1", "fit_time_s", "time_per_image_s", "size_bytes"]
    rows = {}
    for name, result in results.items():
        low, high = result["accuracy_interval"]
        real = float(np.mean(list(result["sets"].values()))) if result["sets"] else np.nan
        p_best = evaluation.mcnemar(right[name], right[best])
        rows[name] = {k: result[k] for k in columns} | {"low": low, "high": high, "real": real, "p_best": p_best}
        rows[name]["tuned"] = result["tuned"]
    return pd.DataFrame.from_dict(rows, orient="index").sort_values("accuracy", ascending=False)


def format_table(table: pd.DataFrame) -> pd.DataFrame:
    """Write the cells of `tabulate`'s table as text, for people: units in the header, the interval beside its value."""
    return pd.DataFrame({
        "accuracy (95 % interval)": [f"{r.accuracy:.2%} ({r.low:.2%}–{r.high:.2%})" for r in table.itertuples()],
        "errors": table.errors.to_numpy(),
        "macro precision": table.precision.map("{:.2%}".format).to_numpy(),
        "recall": table.recall.map("{:.2%}".format).to_numpy(),
        "F1": table.f1.map("{:.2%}".format).to_numpy(),
        "p against the best": [f"{p:.3f}" if p >= 0.001 else "< 0.001" for p in table.p_best],
        "real handwriting": ["" if np.isnan(share) else f"{share:.1%}" for share in table.real],
        "fit, s": table.fit_time_s.map("{:.1f}".format).to_numpy(),
        "an image, ms": (1000 * table.time_per_image_s).map("{:.3g}".format).to_numpy(),
        "size, MB": (table.size_bytes / 1e6).map("{:.3g}".format).to_numpy(),
    }, index=table.index)  # fmt: skip


def compare_features(
    features: Mapping[str, Any],
    classifiers: Mapping[str, Any],
    data: StudyData,
    folder: str | os.PathLike[str],
    n: int = 2000,
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Pair every feature with every classifier, fitted to n training images.

    Returns:
        Validation accuracy (at most n images) in 0-1, features in rows, classifiers in columns.
    """
    training, validation = take(data.training, n), take(data.validation, n)
    rows = {}
    for name, transformer in features.items():
        key = f"{transformer} {classifiers} {n} {len(validation[1])}"
        path = Path(folder) / f"features-{slug(name)}.json"
        kept = keep(path, key, partial(_measure_feature, transformer, classifiers, training, validation))
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


def cross_validate(
    pipeline: Any, x: ArrayLike, labels: ArrayLike, folds: int = 5, seed: int = 0
) -> tuple[float, float]:
    """Return mean and standard deviation (n - 1) of the accuracy of any method over stratified folds."""
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    scores = cross_val_score(pipeline, x, labels, cv=splitter)
    return float(scores.mean()), float(scores.std(ddof=1))


def store_pipeline(pipeline: Any, path: Path) -> dict[str, Any]:
    """Write a fitted pipeline beside `path`, without pickle; return size_bytes and sha256, by file."""
    if isinstance(pipeline, Network):
        files = {f"{path.name}-{i}.onnx": model for i, model in enumerate(pipeline.onnx_)}
    else:
        files = {f"{path.name}.skops": skops.io.dumps(pipeline)}
    for name, content in files.items():
        runs.write_bytes(path.with_name(name), content)
    return {
        "size_bytes": sum(map(len, files.values())),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }


def load_pipeline(folder: str | os.PathLike[str], name: str) -> Any:
    """Load the fitted scikit-learn pipeline of a method that was measured.

    Raises:
        ModelError: missing, damaged, or not the one that was measured.
    """
    place = Path(folder) / f"{slug(name)}.skops"
    try:
        expected = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))["sha256"][place.name]
        content = place.read_bytes()
    except (OSError, ValueError, KeyError) as error:
        raise runs.ModelError(f"{place}: expected a stored pipeline and its result beside it ({error})") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise runs.ModelError(f"{place} is damaged or foreign: its SHA-256 is not the one in {place.stem}.json")
    return skops.io.loads(content, trusted=TRUSTED)


def _measure_accuracy(pipeline: Any, pictures: Arrays) -> float:
    return float((pipeline.predict(pictures[0]) == pictures[1]).mean())


def _flatten(pictures: Arrays) -> Arrays:
    return prepare(pictures[0]).reshape(len(pictures[0]), -1), pictures[1]


def take(pictures: Arrays, n: int) -> Arrays:
    """Return n of the pictures, stratified, or all where there are no more."""
    return pictures if n >= len(pictures[1]) else split_validation(*pictures, validation=n)[1]


def slug(name: str) -> str:
    """Return a name as part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
