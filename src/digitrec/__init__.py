"""digitrec reads handwritten digits: MNIST in at the top, a trained network that proves itself out, your own hand in.

The names below load their module when first used, so that `import digitrec` costs a few milliseconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digitrec import app
    from digitrec.augmentation import augment
    from digitrec.config import TrainConfig
    from digitrec.datasets import load_dataset, load_digits, load_folder, load_mnist, split_validation
    from digitrec.evaluation import evaluate
    from digitrec.networks import build_cnn
    from digitrec.personal import teach
    from digitrec.pipeline import evaluate_model, train_model
    from digitrec.preprocessing import prepare, to_mnist
    from digitrec.recognizer import Recognizer
    from digitrec.runs import load_model
    from digitrec.training import train

__version__ = "0.1.0"
__all__ = [
    "Recognizer",
    "TrainConfig",
    "app",
    "augment",
    "build_cnn",
    "evaluate",
    "evaluate_model",
    "load_dataset",
    "load_digits",
    "load_folder",
    "load_mnist",
    "load_model",
    "prepare",
    "split_validation",
    "teach",
    "to_mnist",
    "train",
    "train_model",
]

_HOMES = {
    "Recognizer": "recognizer",
    "TrainConfig": "config",
    "app": "app",
    "augment": "augmentation",
    "build_cnn": "networks",
    "evaluate": "evaluation",
    "evaluate_model": "pipeline",
    "load_dataset": "datasets",
    "load_digits": "datasets",
    "load_folder": "datasets",
    "load_mnist": "datasets",
    "load_model": "runs",
    "prepare": "preprocessing",
    "split_validation": "datasets",
    "teach": "personal",
    "to_mnist": "preprocessing",
    "train": "training",
    "train_model": "pipeline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'digitrec' has no attribute {name!r}")
    module = import_module(f"digitrec.{_HOMES[name]}")
    value = module if name == _HOMES[name] else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
