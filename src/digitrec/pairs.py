"""Two models read the same pictures: which of them reads more, and whether that may be chance."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from digitrec.datasets import Pairs, load_split
from digitrec.evaluation import mcnemar
from digitrec.handwriting.folders import load_folder
from digitrec.preprocessing.form import prepare
from digitrec.records import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from digitrec.recognizer import Recognizer


class Comparison(NamedTuple):
    """What two models read of the same pictures; nothing is declined.

    Attributes:
        pictures: whose they are.
        n: how many.
        both: read right by both.
        only_first, only_second: read right by one of them alone.
        p: the chance of so large a difference between two that are equally good (McNemar's exact test), 0-1.
    """

    pictures: str
    n: int
    both: int
    only_first: int
    only_second: int
    p: float


def compare_models(
    first: "PathLike | Recognizer", second: "PathLike | Recognizer", data: PathLike | None = None,
    dataset: str = "mnist",
) -> "tuple[list[Comparison], Figure]":  # fmt: skip
    """Compare two models on the validation pictures, and on your own where you have some.

    Args:
        first, second: names or folders of models, or readers that are loaded.
        data: a folder of labelled pictures of your own, see `load_folder`.
        dataset: "mnist" or "digits"; its test set is not touched, since a comparison is there to choose by.

    Returns:
        A comparison for each set of pictures, and the figure that shows them.

    Raises:
        ModelError, DataError: no such model, or no such pictures.

    >>> (on_validation,), figure = compare_models("cnn", "cnn", dataset="digits")
    >>> on_validation.only_first, on_validation.p
    (0, 1.0)
    """
    from digitrec.plots.pairs import paired_bars
    from digitrec.recognizer import Recognizer

    readers = [one if isinstance(one, Recognizer) else Recognizer.load(one) for one in (first, second)]
    names = ["the first" if isinstance(first, Recognizer) else str(first)]
    names.append("the second" if isinstance(second, Recognizer) else str(second))
    results = [
        _compare(pictures, *(_read(reader, pair) == pair[1] for reader in readers))
        for pictures, pair in _gather(data, dataset)
    ]
    return results, paired_bars(results, *names)


def _gather(data: PathLike | None, dataset: str) -> Iterator[tuple[str, Pairs]]:
    yield f"validation of {dataset}", load_split(dataset)[1]
    if data is not None:
        yield "your own pictures", load_folder(data)


def _read(reader: "Recognizer", pictures: Pairs) -> np.ndarray:
    return reader.compute_logits(prepare(pictures[0]))[:, :10].argmax(axis=1)


def _compare(pictures: str, first: np.ndarray, second: np.ndarray) -> Comparison:
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    both = int((first & second).sum())
    return Comparison(pictures, len(first), both, only_first, only_second, mcnemar(first, second))
