"""Every choice of a training run in one frozen record, saved as config.json with the model it made."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self


def setting(
    default: Any, text: str, least: float | None = None, most: float = math.inf, choices: Sequence[str] = ()
) -> Any:
    """Declare a field: its default, what it is, and the values it may have."""
    return field(default=default, metadata={"help": text, "least": least, "most": most, "choices": choices})


@dataclass(frozen=True)
class Settings:
    """A frozen record of settings, each declared by `setting`: what such records share."""

    def __post_init__(self) -> None:
        for declared in fields(self):
            _check(declared.name, getattr(self, declared.name), declared.default, declared.metadata)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dictionary that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Rebuild a configuration from `to_json`'s dictionary.

        Raises:
            ValueError: a key that is no field, so that a misspelt setting is never ignored; or a wrong value.
        """
        known = [declared.name for declared in fields(cls)]
        if not isinstance(values, dict) or (unknown := set(values) - set(known)):
            got = f"unknown settings {sorted(unknown)}" if isinstance(values, dict) else f"got {type(values).__name__}"
            raise ValueError(f"{got}; expected settings among {known}")
        values = dict(values)
        if isinstance(values.get("filters"), list):
            values["filters"] = tuple(tuple(block) if isinstance(block, list) else block for block in values["filters"])
        return cls(**values)


@dataclass(frozen=True)
class TrainConfig(Settings):
    """What decides a training run; change a field with `dataclasses.replace`.

    The strengths of the augmentation are half-widths of uniform distributions, unless stated otherwise.

    Raises:
        ValueError: a value of another type, or out of its range; the message names it.

    >>> from dataclasses import replace
    >>> replace(TrainConfig(), epochs=3).varied_epochs
    3
    >>> TrainConfig(learning_rate=-1)
    Traceback (most recent call last):
    ValueError: learning_rate: expected a number of 1e-09 or more, got -1
    """

    seed: int = setting(0, "of the weights, the order, dropout, augmentation and synthesis", 0)
    epochs: int = setting(8, "how often to go through the pictures", 1)
    batch_size: int = setting(256, "pictures a step", 1)
    optimizer: str = setting("muon", "which steps the weights take", choices=("muon", "adamw"))
    learning_rate: float = setting(0.02, "the peak of the one-cycle schedule", 1e-9)
    weight_decay: float = setting(0.02, "of the weights, relative to the learning rate", 0, 10)
    label_smoothing: float = setting(0.05, "share of a label that goes to all classes", 0, 0.9)
    schedule: str = setting("one-cycle", "of the learning rate", choices=("one-cycle", "constant"))
    patience: int = setting(6, "epochs without a lower validation loss before training stops", 1)
    precision: str = setting(
        "auto",
        "of the numbers; auto: bfloat16 where the processor computes in it",
        choices=("auto", "float32", "mixed_bfloat16"),
    )

    network: str = setting("cnn", "cnn, or rnn: recurrent, reading row by row", choices=("cnn", "rnn"))
    filters: tuple[tuple[int, ...], ...] = setting(
        ((16,), (32, 48), (64, 128)), "of the convolutions, in blocks between poolings", 1
    )
    batch_normalisation: bool = setting(True, "normalise each block of convolutions")
    recurrent_units: int = setting(128, "of the recurrent network, in each direction", 1)
    dense: int = setting(128, "units of the dense layer", 1)
    dropout: float = setting(0.2, "share of the dense layer's units left out at each step", 0, 0.95)

    rotation: float = setting(10.0, "degrees", 0, 360)
    shift: float = setting(2.0, "pixels", 0, 14)
    scale: float = setting(0.12, "relative, each axis on its own", 0, 0.9)
    shear: float = setting(0.25, "horizontal slant, pixels a pixel", 0, 2)
    elastic: float = setting(0.6, "standard deviation of the displacement, pixels", 0, 14)
    stroke: float = setting(0.4, "thinner (-) to thicker (+), in pixels", 0, 1)
    blur: float = setting(0.3, "0 to this share of a 3x3 binomial blur", 0, 1)
    fade: float = setting(0.1, "ink loses up to this share of its brightness", 0, 1)
    erase: float = setting(0.02, "share of the images that lose a small patch", 0, 1)
    flip: bool = setting(False, "left to right; hurts digits, offered for the experiment")
    plain_epochs: int = setting(2, "last epochs on the pictures as they are; at most a quarter of all", 0)

    drawn_digits: int = setting(12_000, "digits drawn by code in every epoch", 0)
    soiled_digits: int = setting(10_000, "digits on soiled paper, among pieces of others, in every epoch", 0)
    strings: int = setting(4_000, "numbers of several digits in every epoch", 0)
    non_digits: int = setting(8_000, "letters, signs and scribbles in every epoch", 0)

    @property
    def varied_epochs(self) -> int:
        """How many epochs vary the pictures: all but `plain_epochs`, which are at most a quarter of them."""
        return self.epochs - min(self.plain_epochs, self.epochs // 4)


def _check(name: str, value: Any, default: Any, allowed: Any) -> None:
    """Raise a ValueError that names a setting and says what was expected of it."""
    least, most, choices = allowed["least"], allowed["most"], allowed["choices"]
    if isinstance(default, bool):
        right, expected = isinstance(value, bool), "True or False"
    elif choices:
        right, expected = value in choices, f"one of {', '.join(choices)}"
    elif isinstance(default, tuple):
        right = isinstance(value, tuple) and bool(value) and all(isinstance(block, tuple) and block for block in value)
        right = right and all(type(filters) is int and filters >= least for block in value for filters in block)
        expected = "blocks of numbers of filters such as ((16,), (32, 48))"
    else:
        kinds = (int,) if isinstance(default, int) else (int, float)
        right = isinstance(value, kinds) and not isinstance(value, bool)
        right = right and math.isfinite(value) and least <= value <= most
        expected = f"{'a whole number' if kinds == (int,) else 'a number'} of {least:g}"
        expected += " or more" if math.isinf(most) else f" to {most:g}"
    if not right:
        raise ValueError(f"{name}: expected {expected}, got {value!r}")
