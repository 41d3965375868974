"""The study: every method under one protocol, and what came out of each in a file of its own.

A method is fitted to growing parts of the training set, judged on validation; then to all of it, and reads the test set
once. A study that was killed goes on where it was.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, cross_val_score

from digitrec import records
from digitrec.calibration import NOT_A_DIGIT
from digitrec.datasets import load_split, take
from digitrec.handwriting.sets import list_pictures, load_images
from digitrec.jobs import Spread, one_by_one
from digitrec.preprocessing.form import prepare
from digitrec.records import PathLike
from digitrec.study.measuring import measure_accuracy, measure_method
from digitrec.study.methods import Method
from digitrec.study.store import find_kept, fingerprint, keep, slug
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
    spread: Spread = one_by_one,
) -> dict[str, dict[str, Any]]:
    """Measure every method that has no result in the folder yet.

    Args:
        methods: by name.
        data: see `load_data`.
        folder: for results (JSON) and fitted pipelines; delete a result to have it measured anew.
        sizes: training images of the learning curve, besides all.
        report: called with a line per method.
        spread: who measures, see `jobs.Spread`.

    Returns:
        The results by method, see `measure_method`, and its `tuned` and `family`.
    """
    pictures = data.fingerprint()
    paths = {name: Path(folder) / f"{slug(name)}.json" for name in methods}
    keys = {name: fingerprint((one.pipeline.get_params(), tuple(sizes), pictures)) for name, one in methods.items()}
    kept = {name: find_kept(paths[name], keys[name]) for name in methods}
    missing = [name for name in methods if kept[name] is None]

    def measure() -> Iterator[tuple[str, dict[str, Any]]]:
        jobs = [(methods[name], paths[name].stem) for name in missing]
        for i, (measured, files) in spread(measure_method, jobs, (data, tuple(sizes))):
            name = missing[i]
            for file, content in files.items():
                records.write_bytes(paths[name].with_name(file), content)
            yield name, keep(paths[name], keys[name], partial(dict, measured))

    results = {}
    for name, measured in chain(((name, one) for name, one in kept.items() if one), measure()):
        results[name] = measured | {"tuned": methods[name].tuned, "family": methods[name].family}
        report(f"{name:28s} test {measured['accuracy']:7.2%}   fitted in {measured['fit_time_s']:6.1f} s")
    return {name: results[name] for name in methods}


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
        name: measure_accuracy(clone(classifier).fit(x, training[1]), (x_validation, validation[1]))
        for name, classifier in classifiers.items()
    }


def _flatten(pictures: Arrays) -> Arrays:
    return prepare(pictures[0]).reshape(len(pictures[0]), -1), pictures[1]
