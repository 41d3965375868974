"""What a network is taught with: a person's samples, some of them held out, and pictures of the kind it knows."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from digitrec.config import TrainConfig
from digitrec.datasets import load_digits, split_validation, take
from digitrec.handwriting.folders import load_folder
from digitrec.idx import DataError
from digitrec.mnist import MissingDataError, find_mnist, load_mnist
from digitrec.records import PathLike
from digitrec.synthesis.sources import Arrays, make_pools

HELD_OUT = 0.25  # share of a digit's samples that only the report sees
REHEARSED = 6000  # pictures of the old kind in every epoch, lest they be forgotten (Robins 1995)
OWN_SHARE = 0.4  # own pictures an epoch, as a share of the rehearsed
MOST_REPEATS = 60  # of one sample in one epoch, each time varied anew


@dataclass(frozen=True)
class Lesson:
    """What a network is taught with: images uint8 (n, 28, 28) and labels int (n,) of each kind.

    Attributes:
        taught: a person's samples to learn from.
        held_out: those that only the report sees; may be empty.
        rehearsal: pictures of the kind that the network knows, to be trained beside.
        validation: more of that kind, never trained on.
        dataset: the name of that kind.
        drawn: whether it is not at hand, and both are digits drawn by code.
    """

    taught: Arrays
    held_out: Arrays
    rehearsal: Arrays
    validation: Arrays
    dataset: str
    drawn: bool

    @property
    def training(self) -> Arrays:
        """What to train on: the rehearsal and the samples repeated."""
        return _join(self.rehearsal, _repeat(self.taught, round(OWN_SHARE * len(self.rehearsal[1]))))

    @property
    def judged(self) -> Arrays:
        """What the epoch to keep is chosen by: validation, and as many samples."""
        # Though the samples are trained on: by validation alone, the first epoch would be best.
        return _join(self.validation, _repeat(self.taught, len(self.validation[1])))


def plan_lesson(data: PathLike, dataset: str, config: TrainConfig, report: Callable[[str], None] = print) -> Lesson:
    """Load and divide a person's samples, and what is rehearsed beside them.

    Args:
        data: a folder of labelled pictures, see `folders.load_folder`.
        dataset: what the network was trained on, "mnist" or "digits".
        config: of the lesson.
        report: called with lines on what there is.

    Raises:
        DataError: no pictures, damaged or contradictory ones, a wrong label.
    """
    images, labels = load_samples(data, report)
    taught, held_out = split_held_out(images, labels, config.seed)
    report(f"{len(labels)} samples: {len(taught[1])} to learn from, {len(held_out[1])} held out")
    rehearsal, validation, drawn = _load_rehearsal(dataset, config, images)
    if drawn:
        report(f"{dataset} is not at hand: rehearsing synthesised digits instead")
    return Lesson(taught, held_out, rehearsal, validation, dataset, drawn)


def load_samples(data: PathLike, report: Callable[[str], None] = print) -> Arrays:
    """Load labelled pictures and leave out blank ones and copies; say so, and which digits have none.

    Raises:
        DataError: nothing to learn from, or one picture under two labels.
    """
    images, labels = load_folder(data)
    inked = images.any(axis=(1, 2))
    # A copy on either side of the split would make the held-out samples easier than they are.
    _, first, place = np.unique(images, axis=0, return_index=True, return_inverse=True)
    twice = inked & (labels != labels[first[place]])
    if twice.any():
        one, other = sorted({int(labels[twice][0]), int(labels[first[place]][twice][0])})
        raise DataError(f"{data}: expected one label a picture, one picture is labelled {one} and {other}")
    chosen = inked & np.isin(np.arange(len(labels)), first)
    if not chosen.any():
        raise DataError(f"{data}: expected pictures with a digit, all {len(labels)} are blank")
    if not chosen.all():
        report(f"left out {(~inked).sum()} blank pictures and {(inked & ~chosen).sum()} copies")
    missing = [str(digit) for digit in range(10) if digit not in labels[chosen]]
    if missing:
        report(f"no samples of {', '.join(missing)}: these are read as before")
    return images[chosen], labels[chosen]


def split_held_out(images: np.ndarray, labels: np.ndarray, seed: int = 0) -> tuple[Arrays, Arrays]:
    """Hold out a share of each digit's samples at random: a quarter, at least one, none of a single sample.

    Returns:
        (taught_images, taught_labels), (held_out_images, held_out_labels); the second may be empty.
    """
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(labels), bool)
    for digit in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == digit))
        if len(own) > 1:
            held_out[own[: max(1, round(HELD_OUT * len(own)))]] = True
    return (images[~held_out], labels[~held_out]), (images[held_out], labels[held_out])


def _load_rehearsal(dataset: str, config: TrainConfig, images: np.ndarray) -> tuple[Arrays, Arrays, bool]:
    """Return pictures to rehearse and to validate on, of what the network was trained on, and if they are drawn."""
    try:
        # Of a folder, so that nothing is fetched.
        known = load_digits() if dataset == "digits" else load_mnist(find_mnist())
    except MissingDataError:
        wanted = replace(config, drawn_digits=REHEARSED + 1000, soiled_digits=0, strings=0, non_digits=0)
        drawn = make_pools(wanted, (images, np.zeros(len(images), np.int64)))["drawn"]
        return *split_validation(*drawn, validation=1000), True
    # The split of the training, so that validation was never trained on.
    training, validation = split_validation(*known[0])
    return take(training, REHEARSED), validation, False


def _repeat(samples: Arrays, n: int) -> Arrays:
    """Repeat samples whole times, to n or a little less, at least once."""
    times = min(MOST_REPEATS, max(1, n // len(samples[1])))
    return np.tile(samples[0], (times, 1, 1)), np.tile(samples[1], times)


def _join(one: Arrays, other: Arrays) -> Arrays:
    return np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]])
