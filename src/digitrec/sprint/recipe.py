"""Every choice of a sprint in one frozen record, and the ladder of changes that led to it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from digitrec.config import Settings, setting


@dataclass(frozen=True)
class Recipe(Settings):
    """What decides a sprint: two convolutions, a dense layer and ten logits, trained once through some pictures.

    Raises:
        ValueError: a value of another type, or out of its range; the message names it.

    >>> Recipe(first=8).first
    8
    >>> Recipe(muon="all")
    Traceback (most recent call last):
    ValueError: muon: expected one of none, convolution, inner, got 'all'
    >>> Recipe(batch_size=50, pieces=4)
    Traceback (most recent call last):
    ValueError: pieces: expected a number that divides the 50 pictures a step, got 4
    """

    pictures: int = setting(55_000, "to train on, drawn at random without repetition", 1)
    hardest: float = setting(0.0, "share of these that are the hardest for a linear reader", 0, 1)
    batch_size: int = setting(256, "pictures a step", 1)
    pieces: int = setting(1, "of equal size that a step's pictures are divided into, computed side by side", 1)
    threads: int = setting(0, "that each operation of TensorFlow takes, see `Runners`; 0 for all", 0)
    margin: int = setting(0, "pixels cut off each side of a picture", 0, 6)
    halving: str = setting("pooling", "how the first convolution's map is halved", choices=("pooling", "stride"))
    first: int = setting(24, "filters of the first convolution, 5x5", 1)
    fixed: bool = setting(False, "the first convolution holds the commonest patterns and does not learn")
    second: int = setting(32, "filters of the second convolution, 3x3", 1)
    dense: int = setting(256, "units of the dense layer", 1)
    rate: float = setting(0.01, "peak learning rate of Adam", 1e-9)
    rise: float = setting(0.3, "share of the steps in which the learning rates rise to their peaks", 0.01, 0.99)
    muon: str = setting("none", "what takes Muon's orthogonal steps", choices=("none", "convolution", "inner"))
    muon_rate: float = setting(0.05, "peak learning rate of Muon", 1e-9)
    smoothing: float = setting(0.0, "share of a label that goes to all classes", 0, 0.9)
    second_look: float = setting(0.0, "share of the pictures, the least sure, read again shifted four ways", 0, 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch_size % self.pieces:
            expected = f"a number that divides the {self.batch_size} pictures a step"
            raise ValueError(f"pieces: expected {expected}, got {self.pieces}")

    @property
    def side(self) -> int:
        """Width and height of what the network sees, in pixels."""
        return 28 - 2 * self.margin

    @property
    def map_side(self) -> int:
        """Width and height of the map that the dense layer reads."""
        # 5x5 and 3x3 without padding, each followed by a halving: with a stride, the first halves as it reads.
        return ((self.side - 4) // 2 - 2) // 2

    @property
    def steps(self) -> int:
        """How many steps the training takes."""
        return self.pictures // self.batch_size


Change = tuple[str, str, Mapping[str, Any]]

# Name, what is changed, and the settings: each on top of the ones before it.
LADDER: tuple[Change, ...] = (
    ("start", "the network and the steps of train_mnist_fast, in TensorFlow", {}),
    ("smoothing", "a twentieth of each label goes to all classes", {"smoothing": 0.05}),
    ("second-look", "the least sure tenth is read again, shifted four ways", {"second_look": 0.1}),
    ("stride", "the first convolution takes every second place, in place of pooling", {"halving": "stride"}),
    ("small", "8 filters, 24 and 64 units for 24, 32 and 256", {"first": 8, "second": 24, "dense": 64}),
    ("rate", "twice the learning rate", {"rate": 0.02}),
    ("muon", "Muon's steps for the second convolution and the dense layer", {"muon": "inner"}),
    ("patterns", "the first convolution holds the commonest patterns and does not learn", {"fixed": True}),
    ("wider", "16 patterns and 32 filters: whole registers of a processor", {"first": 16, "second": 32}),
    ("margin", "two pixels are cut off each side", {"margin": 2}),
    ("hardest", "half the pictures, seven tenths of them the hardest", {"pictures": 28_000, "hardest": 0.7}),
    ("wide-dense", "128 units in place of 64: with fewer, validation stays below 99 %", {"dense": 128}),
    ("pieces", "each step in four pieces, side by side", {"pieces": 4}),
    ("threads", "one thread an operation, so that each piece has a core", {"threads": 1}),
    ("small-steps", "steps of 192, the rates rising over the first tenth", {"batch_size": 192, "rise": 0.1}),
    ("shorter", "24,000 pictures in place of 28,000", {"pictures": 24_000}),
)

# Changes of the last rung that were tried and not taken.
TRIALS: tuple[Change, ...] = (
    ("any-pictures", "as many pictures, whichever", {"hardest": 0.0}),
    ("only-hardest", "the hardest and no others", {"hardest": 1.0}),
    ("fewer-pictures", "20,000 pictures in place of 24,000", {"pictures": 20_000}),
    ("learned-patterns", "a first convolution that learns", {"fixed": False}),
    ("few-patterns", "8 patterns in place of 16", {"first": 8}),
    ("wide-margin", "three pixels cut off each side", {"margin": 3}),
    ("adam-alone", "no Muon", {"muon": "none"}),
    ("muon-convolution", "Muon for the second convolution alone", {"muon": "convolution"}),
    ("fast-muon", "twice Muon's learning rate", {"muon_rate": 0.1}),
    ("small-batch", "steps of 128 in place of 192", {"batch_size": 128}),
    ("large-batch", "steps of 256 in place of 192", {"batch_size": 256}),
    ("two-pieces", "two pieces in place of four", {"pieces": 2}),
    ("eight-pieces", "eight pieces in place of four", {"pieces": 8}),
    ("more-smoothing", "a tenth of each label goes to all classes", {"smoothing": 0.1}),
    ("second-look-fifth", "the least sure fifth is read again", {"second_look": 0.2}),
)


def build_rungs() -> dict[str, Recipe]:
    """Build the recipe of each rung of the ladder, by name, from the first to the last.

    >>> build_rungs()["start"] == Recipe()
    True
    """
    rungs, recipe = {}, Recipe()
    for name, _, changes in LADDER:
        recipe = replace(recipe, **changes)
        rungs[name] = recipe
    return rungs


def fit_to(recipe: Recipe, pictures: int) -> Recipe:
    """Return the recipe for a set of so many pictures: it asks for no more than there are.

    >>> fit_to(Recipe(), 1000).pictures
    1000
    """
    return replace(recipe, pictures=min(recipe.pictures, pictures))


def build_trials() -> dict[str, Recipe]:
    """Build the recipes that were tried on top of the last rung and not taken, by name."""
    *_, last = build_rungs().values()
    return {name: replace(last, **changes) for name, _, changes in TRIALS}
