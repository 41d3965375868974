"""Every choice of a sprint in one frozen record, and the ladder of changes that led to it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
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
    """

    pictures: int = setting(55_000, "to train on, drawn at random without repetition", 1)
    hardest: float = setting(0.0, "share of these that are the hardest for a linear reader", 0, 1)
    batch_size: int = setting(256, "pictures a step", 1)
    margin: int = setting(0, "pixels cut off each side of a picture", 0, 6)
    halving: str = setting("pooling", "how the first convolution's map is halved", choices=("pooling", "stride"))
    first: int = setting(24, "filters of the first convolution, 5x5", 1)
    fixed: bool = setting(False, "the first convolution holds the commonest patterns and does not learn")
    second: int = setting(32, "filters of the second convolution, 3x3", 1)
    dense: int = setting(256, "units of the dense layer", 1)
    rate: float = setting(0.01, "peak learning rate of Adam", 1e-9)
    muon: str = setting("none", "what takes Muon's orthogonal steps", choices=("none", "convolution", "inner"))
    muon_rate: float = setting(0.05, "peak learning rate of Muon", 1e-9)
    smoothing: float = setting(0.0, "share of a label that goes to all classes", 0, 0.9)
    second_look: float = setting(0.0, "share of the pictures, the least sure, read again shifted four ways", 0, 1)

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


# Name, what is changed, and the settings: each on top of the ones before it.
LADDER: tuple[tuple[str, str, Mapping[str, Any]], ...] = tuple(
    (name, text, MappingProxyType(changes))
    for name, text, changes in (
        ("start", "the network of train_mnist_fast, in TensorFlow", {}),
    )
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
