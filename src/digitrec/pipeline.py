"""From a configuration to a model folder that proves itself: the notebooks' steps in one call each."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from digitrec import evaluation, plots, runs
from digitrec.config import TrainConfig
from digitrec.datasets import load_dataset, split_validation
from digitrec.preprocessing import prepare
from digitrec.recognizer import Recognizer, read_logits

# A digit whose score lies below this share of the validation digits' scores is declined.
DECLINE_AT_MOST = 0.005


def train_model(
    folder: str | os.PathLike[str],
    config: TrainConfig,
    dataset: str = "mnist",
    resume: bool = False,
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train a network, calibrate it on validation and write its model folder; the test set is not touched.

    Args:
        folder: the model folder; a run in progress keeps its checkpoint.npz there.
        config: all settings.
        dataset: "mnist" or "digits".
        resume: go on from the checkpoint of a run that was stopped.
        report: called with lines of progress.

    Returns:
        The metrics so far.
    """
    (images, labels), _ = load_dataset(dataset)
    training, validation = split_validation(images, labels, validation=len(images) // 12)
    from digitrec.training import train  # slow to load: after the data turned out to be there

    checkpoint = Path(folder) / "checkpoint.npz"
    model, history = train(config, training, validation, checkpoint, resume, report=report)
    logits = model.predict(prepare(validation[0]), batch_size=1000, verbose=0)
    metrics = describe_training(dataset, config, history, len(training[1])) | calibrate(logits, validation[1])
    runs.save_model(folder, model, config, history, metrics)
    runs.save_figures(folder, draw_history(history))
    checkpoint.unlink(missing_ok=True)
    return runs.read_metrics(folder)


def describe_training(
    dataset: str, config: TrainConfig, history: dict[str, list[float]], images: int
) -> dict[str, Any]:
    """Return what metrics.json says of a training run: its data, length, seed and precision."""
    from digitrec.training import choose_precision

    return {
        "dataset": dataset,
        "training": {
            "images": images,
            "time_s": round(sum(history["time_s"]), 1),
            "epochs": len(history["loss"]),
            "best_epoch": best_epoch(history),
            "precision": choose_precision(config.precision),
            "seed": config.seed,
        },
    }


def best_epoch(history: dict[str, list[float]]) -> int:
    """Return the number, from 1, of the epoch whose weights were kept: the last of the best on validation."""
    accuracy = np.asarray(history["val_accuracy"])
    return int(np.flatnonzero(accuracy == accuracy.max())[-1]) + 1


def calibrate(logits: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Fit temperature and threshold on validation logits (n, 10), and evaluate with them."""
    temperature = evaluation.fit_temperature(logits, labels)
    probabilities, scores = read_logits(logits, temperature)
    return {
        "temperature": temperature,
        "threshold": evaluation.choose_threshold(scores, DECLINE_AT_MOST),
        "validation": evaluation.evaluate(probabilities, labels),
    }


def evaluate_model(
    model: str | os.PathLike[str], dataset: str | None = None
) -> tuple[dict[str, Any], dict[str, Figure]]:
    """Evaluate a model folder on the test set, through Keras and through ONNX Runtime, and write metrics and figures.

    Args:
        model: name or path of the model folder.
        dataset: "mnist" or "digits"; None takes the one it was trained on.

    Returns:
        All metrics, the test set's under "test"; and the figures by file name.
    """
    folder = runs.find_model(model)
    metrics = runs.read_metrics(folder)
    dataset = dataset or metrics["dataset"].removesuffix(" + own")  # a taught network is tested on what it rehearsed
    _, (images, labels) = load_dataset(dataset)
    x = prepare(images)
    recognizer = Recognizer.load(folder)
    logits = recognizer.compute_logits(x)
    onnx_logits = recognizer.run_network(x)
    keras_logits = runs.load_model(folder).predict(x, batch_size=1000, verbose=0)
    probabilities, scores = read_logits(logits, recognizer.temperature)
    differences = np.subtract(*(read_logits(one, recognizer.temperature)[0] for one in (onnx_logits, keras_logits)))
    test = {
        "dataset": dataset,
        **evaluation.evaluate(probabilities, labels),
        "declined": float((scores < recognizer.threshold).mean()),
        "onnx": {
            "largest_difference": float(np.abs(differences).max()),
            "labels_flipped": int((onnx_logits.argmax(axis=1) != keras_logits.argmax(axis=1)).sum()),
        },
    }
    figures = draw_evaluation(images, labels, probabilities, scores)
    runs.save_figures(folder, figures)
    return runs.update_metrics(folder, test=test), figures


def draw_history(history: dict[str, list[float]]) -> dict[str, Figure]:
    """Draw the figures of a training run, by file name."""
    chosen = best_epoch(history)
    return {"accuracy": plots.accuracy_curves(history, chosen), "loss": plots.loss_curves(history, chosen)}


def draw_evaluation(
    images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, scores: np.ndarray
) -> dict[str, Figure]:
    """Draw the figures of an evaluation, by file name."""
    matrix = evaluation.confusion_matrix(labels, probabilities.argmax(axis=1))
    errors = evaluation.most_confident_errors(probabilities, labels, 12)
    ece = evaluation.expected_calibration_error(probabilities, labels)
    return {
        "confusion_counts": plots.confusion_counts(matrix),
        "confusion_rates": plots.confusion_rates(matrix),
        "precision_recall": plots.precision_recall_bars(evaluation.per_class_report(matrix)),
        "reliability": plots.reliability_diagram(*evaluation.reliability_bins(probabilities, labels), ece),
        "risk_coverage": plots.risk_coverage(*evaluation.risk_coverage(scores, probabilities.argmax(axis=1) == labels)),
        "confident_errors": plots.confident_errors(images, labels, probabilities, errors),
    }
