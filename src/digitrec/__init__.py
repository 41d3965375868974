"""digitrec reads handwritten digits: MNIST in at the top, a trained network that proves itself out, your own hand in.

The names below load their module when first used, so that `import digitrec` costs a few milliseconds.
"""

import os

from digitrec.faces import hand_on

# From 1.29 on ONNX Runtime sends its makers what it runs, and keeps a device's number under ~/.cache, unless told not
# to before it is loaded. Here, so that no module of digitrec can be imported before.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

TYPE_CHECKING = False  # as type checkers take it for true: typing would be half of what this costs
if TYPE_CHECKING:
    from digitrec import app as app
    from digitrec import plots as plots
    from digitrec import study as study
    from digitrec.augmentation import augment as augment
    from digitrec.config import TrainConfig as TrainConfig
    from digitrec.datasets import load_dataset as load_dataset
    from digitrec.datasets import load_digits as load_digits
    from digitrec.datasets import load_split as load_split
    from digitrec.datasets import split_validation as split_validation
    from digitrec.evaluation import evaluate as evaluate
    from digitrec.fitting import DivergedError as DivergedError
    from digitrec.handwriting.folders import load_folder as load_folder
    from digitrec.handwriting.teaching import teach as teach
    from digitrec.idx import DataError as DataError
    from digitrec.mnist import MissingDataError as MissingDataError
    from digitrec.mnist import load_mnist as load_mnist
    from digitrec.model_folder import ModelError as ModelError
    from digitrec.model_folder import load_model as load_model
    from digitrec.networks import build_cnn as build_cnn
    from digitrec.numbers.number import Number as Number
    from digitrec.numbers.reader import NumberReader as NumberReader
    from digitrec.pairs import compare_models as compare_models
    from digitrec.preprocessing.decoding import PictureError as PictureError
    from digitrec.preprocessing.form import prepare as prepare
    from digitrec.preprocessing.form import to_mnist as to_mnist
    from digitrec.recognizer import Answer as Answer
    from digitrec.recognizer import Recognizer as Recognizer
    from digitrec.saving import save_model as save_model
    from digitrec.tables import load_csv as load_csv
    from digitrec.training import train as train
    from digitrec.workflow import evaluate_model as evaluate_model
    from digitrec.workflow import train_model as train_model

__version__ = "0.1.0"
__all__, __getattr__, __dir__ = hand_on(
    __name__,
    {
        "app": (),
        "augmentation": ("augment",),
        "config": ("TrainConfig",),
        "datasets": ("load_dataset", "load_digits", "load_split", "split_validation"),
        "evaluation": ("evaluate",),
        "fitting": ("DivergedError",),
        "handwriting": ("load_folder", "teach"),
        "idx": ("DataError",),
        "mnist": ("MissingDataError", "load_mnist"),
        "model_folder": ("ModelError", "load_model"),
        "networks": ("build_cnn",),
        "numbers": ("Number", "NumberReader"),
        "pairs": ("compare_models",),
        "plots": (),
        "preprocessing": ("PictureError", "prepare", "to_mnist"),
        "recognizer": ("Answer", "Recognizer"),
        "saving": ("save_model",),
        "study": (),
        "tables": ("load_csv",),
        "training": ("train",),
        "workflow": ("evaluate_model", "train_model"),
    },
)  # fmt: skip
