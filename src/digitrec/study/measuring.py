"""What one method is worth: fitted to growing parts of the training set, on validation; to all, on the test set."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from sklearn.base import clone

from digitrec import evaluation, records
from digitrec.datasets import take
from digitrec.study.methods import Method
from digitrec.study.store import describe_files, dump_pipeline
from digitrec.synthesis.sources import Arrays

if TYPE_CHECKING:
    from digitrec.study.protocol import StudyData


def measure_method(
    method: Method, name: str, data: "StudyData", sizes: Sequence[int]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Fit a method to growing parts of the training set and to all, and read test set and real handwriting.

    Args:
        method: what to measure; its pipeline stays unfitted.
        name: what the names of the fitted pipeline's files begin with.
        data: what on.
        sizes: training images of the learning curve, besides all.

    Returns:
        The result: machine and versions that measured it; accuracy, accuracy_interval, errors, macro precision, recall
        and f1 on the test set; fit_time_s; time_per_image_s, the test set read in one go; size_bytes and sha256 of the
        files; curve, validation accuracy by number of training images; sets, accuracy by set; predictions, the digits
        read in the test set. And by their names the files of the fitted pipeline, see `store.dump_pipeline`.
    """
    curve = {}
    for n in sizes:
        if n < len(data.training[1]):
            curve[n] = measure_accuracy(clone(method.pipeline).fit(*take(data.training, n)), data.validation)
    pipeline = clone(method.pipeline)
    start = time.perf_counter()
    pipeline.fit(*data.training)
    fit_time_s = time.perf_counter() - start
    curve[len(data.training[1])] = measure_accuracy(pipeline, data.validation)
    start = time.perf_counter()
    predictions = pipeline.predict(data.test[0])
    time_s = time.perf_counter() - start
    files = dump_pipeline(pipeline, name)
    return {
        "machine": records.describe_machine(),
        "versions": records.describe_versions(),
        **_summarise(data.test[1], predictions),
        "fit_time_s": round(fit_time_s, 2),
        "time_per_image_s": time_s / len(predictions),
        **describe_files(files),
        "curve": curve,
        "sets": {name: measure_accuracy(pipeline, pictures) for name, pictures in data.sets.items()},
        "predictions": "".join(map(str, predictions)),
    }, files


def measure_accuracy(pipeline: Any, pictures: Arrays) -> float:
    """Return the share of pictures, 0-1, that a fitted pipeline reads right."""
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
