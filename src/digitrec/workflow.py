"""From a configuration to a model folder that proves itself: the notebooks' steps in one call each."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitrec import evaluation, model_folder, saving
from digitrec.calibration import calibrate, read_logits
from digitrec.config import TrainConfig
from digitrec.datasets import identify_dataset, load_dataset, load_split
from digitrec.preprocessing.form import prepare
from digitrec.records import CHECKOUT, SHIPPED_MODELS, PathLike, find_output, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAKER = "digitrec train"


def train_model(
    folder: PathLike,
    config: TrainConfig,
    dataset: str = "mnist",
    resume: bool = False,
    replace: bool = False,
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train a network, calibrate it on validation and write its model folder; the test set is not touched.

    Args:
        folder: the model folder; a run keeps its checkpoint.npz there, from which it can go on for more epochs.
        config: all settings.
        dataset: "mnist" or "digits".
        resume: go on from the checkpoint of a run that was stopped, or that ended and shall have more epochs.
        replace: replace a model in the folder that was not made by this function; else only what it made.
        report: called with lines of progress.

    Returns:
        The metrics so far.

    Raises:
        ModelError: the folder holds a model that was not made here.

    >>> config = TrainConfig(epochs=1, filters=((4,), (8,)), drawn_digits=0, soiled_digits=0, strings=0, non_digits=0)
    >>> metrics = train_model(scratch / "small", config, "digits", report=lambda line: None)
    >>> metrics["name"], metrics["training"]["epochs"]
    ('small', 1)
    """
    saving.check_target(folder, MAKER, replace)
    training, validation, _ = load_split(dataset)
    from digitrec.training import train  # slow to load: after the data turned out to be there

    checkpoint = Path(folder) / "checkpoint.npz"
    model, history = train(config, training, validation, checkpoint, resume, report=report)
    logits = model.predict(prepare(validation[0]), batch_size=1000, verbose=0)
    metrics = describe_training(dataset, config, history, len(training[1])) | calibrate(logits, validation[1])
    metrics |= {"maker": MAKER, "published": identify_dataset(dataset)[0]}
    saving.save_model(folder, model, config, history, metrics)
    saving.save_figures(folder, draw_history(history, config))
    return model_folder.read_metrics(folder)


def describe_training(
    dataset: str, config: TrainConfig, history: dict[str, list[float]], images: int
) -> dict[str, Any]:
    """Return what metrics.json says of a training run: its data, length, seed and precision."""
    from digitrec.fitting import best_epoch
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


def evaluate_model(
    model: PathLike, dataset: str | None = None, results: PathLike | None = None
) -> tuple[dict[str, Any], dict[str, "Figure"]]:
    """Evaluate a model folder on the test set, through Keras and through ONNX Runtime, and write metrics and figures.

    Args:
        model: name or path of the model folder.
        dataset: "mnist" or "digits"; None takes the one it was trained on.
        results: the folder to write metrics.json and figures/ to; None takes `choose_results`.

    Returns:
        All metrics, the test set's under "test"; and the figures by file name.

    >>> metrics, figures = evaluate_model("cnn", "digits", results=scratch / "results")
    >>> metrics["test"]["n"], sorted(figures)[:2]
    (360, ['confident_errors', 'confusion_counts'])
    """
    from digitrec.recognizer import Recognizer

    folder = model_folder.find_model(model)
    metrics = model_folder.read_metrics(folder)
    dataset = dataset or metrics["dataset"].removesuffix(" + own")  # a taught network is tested on what it rehearsed
    _, (images, labels) = load_dataset(dataset)
    x = prepare(images)
    recognizer = Recognizer.load(folder)
    probabilities, scores = read_logits(recognizer.compute_logits(x), recognizer.temperature)
    onnx_logits = recognizer.run_network(x)
    keras_logits = model_folder.load_model(folder).predict(x, batch_size=1000, verbose=0)
    differences = np.subtract(*(read_logits(one, recognizer.temperature)[0] for one in (onnx_logits, keras_logits)))
    metrics["test"] = {
        "dataset": dataset,
        "published": identify_dataset(dataset)[0],
        **evaluation.evaluate(probabilities, labels),
        "declined": float((scores < recognizer.threshold).mean()),
        "onnx": {
            "largest_difference": float(np.abs(differences).max()),
            "labels_flipped": int((onnx_logits.argmax(axis=1) != keras_logits.argmax(axis=1)).sum()),
        },
    }
    figures = draw_evaluation(images, labels, probabilities, scores, recognizer.threshold)
    results = choose_results(folder) if results is None else results
    saving.write_metrics(results, metrics)
    saving.save_figures(results, figures)
    return metrics, figures


def find_results(name: str, output: PathLike = "output") -> Path:
    """Return the folder where a notebook writes what belongs to a model; see `records.find_output`."""
    return find_output(output) / "models" / name


def choose_results(folder: PathLike) -> Path:
    """Return where an evaluation is written: the model's folder; of a shipped one, whose proofs stay, output/models."""
    return find_results(Path(folder).name) if model_folder.is_shipped(folder) else Path(folder)


def choose_model(name: str, output: PathLike = "output", report: Callable[[str], None] = print) -> Path:
    """Return the model that was trained into `output`, or the shipped one where none was; say which.

    Raises:
        ModelError: neither is there.
    """
    own = find_results(name, output)
    # In a notebook that is stored, nobody's folders.
    place = own.parent.relative_to(CHECKOUT) if CHECKOUT and own.is_relative_to(CHECKOUT) else own.parent
    if (own / "model.onnx").is_file():
        report(f"the model is {name}, as trained into {place}")
        return own
    shipped = model_folder.find_model(SHIPPED_MODELS / name)
    report(f"the model is {name}, as it comes with digitrec: none was trained into {place}")
    return shipped


def draw_history(history: dict[str, list[float]], config: TrainConfig) -> dict[str, "Figure"]:
    """Draw the figures of a training run, by file name."""
    from digitrec import plots
    from digitrec.fitting import best_epoch

    chosen = best_epoch(history)
    return {
        "accuracy": plots.accuracy_curves(history, chosen, config.varied_epochs),
        "loss": plots.loss_curves(history, chosen, config.varied_epochs),
    }


def draw_evaluation(
    images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, scores: np.ndarray, threshold: float
) -> dict[str, "Figure"]:
    """Draw the figures of an evaluation, by file name."""
    from digitrec import plots

    predictions = probabilities.argmax(axis=1)
    matrix = evaluation.confusion_matrix(labels, predictions)
    errors = evaluation.most_confident_errors(probabilities, labels, 40)
    ece = evaluation.expected_calibration_error(probabilities, labels)
    curve = evaluation.risk_coverage(scores, predictions == labels)
    return {
        "confusion_counts": plots.confusion_counts(matrix),
        "confusion_rates": plots.confusion_rates(matrix),
        "precision_recall": plots.precision_recall_bars(matrix),
        "reliability": plots.reliability_diagram(*evaluation.reliability_bins(probabilities, labels), ece),
        "risk_coverage": plots.risk_coverage(*curve, float((scores >= threshold).mean())),
        "confident_errors": plots.confident_errors(images, labels, probabilities, errors),
    }


def write_models_table(models: PathLike) -> str:
    """Write models/README.md: a table of every model folder, from their metrics; return its text."""
    lines = [
        "# Models",
        "",
        "One folder per trained model. This table is generated from each folder's metrics.json.",
        "",
        "| model | data | test accuracy (95 % interval) | errors | parameters | size, ONNX | training |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for path in sorted(Path(models).glob("*/metrics.json")):
        metrics = model_folder.read_metrics(path.parent)
        lines.append(f"| [{metrics['name']}]({path.parent.name}/) | {' | '.join(describe_result(metrics))} |")
    text = "\n".join(lines) + "\n"
    write_text(Path(models) / "README.md", text)
    return text


def describe_result(metrics: Mapping[str, Any]) -> list[str]:
    """Return data set, accuracy with interval, errors, parameters, size and training time as text for a table.

    Raises:
        ModelError: metrics that lack one of these.
    """
    try:
        accuracy, errors, test = "not evaluated", "", metrics.get("test") or {}
        as_published = metrics.get("published", True) and test.get("published", True)
        if test:
            low, high = test["accuracy_interval"]
            accuracy = f"{test['accuracy']:.2%} ({low:.2%}–{high:.2%})"
            errors = f"{test['errors']} of {test['n']:,}"
        elif "exact_match" in metrics.get("validation", {}):  # whole numbers, which MNIST's test set has not
            accuracy = f"{metrics['validation']['exact_match']:.2%} of validation's drawn numbers"
        time = f"{metrics['training']['time_s'] / 60:.1f} min" if "time_s" in metrics["training"] else "not timed"
        return [
            metrics["dataset"] + ("" if as_published else ", not as published"),
            accuracy,
            errors,
            f"{metrics['parameters']:,}",
            f"{metrics['size_bytes']['model.onnx'] / 1024:.0f} KiB",
            time + (", the last lesson" if {"base", "own"} & metrics.keys() else ""),
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise model_folder.ModelError(
            f"metrics.json: expected what a training and an evaluation write ({error!r})"
        ) from error
