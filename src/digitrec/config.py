"""Every choice of a training run in one frozen record, saved as config.json with the model it made."""

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class TrainConfig:
    """What decides a training run; change a field with `dataclasses.replace`.

    The strengths of the augmentation are half-widths of uniform distributions, unless stated otherwise.
    """

    seed: int = 0  # of the weights, the order, dropout, augmentation and synthesis
    epochs: int = 16
    batch_size: int = 256
    learning_rate: float = 4e-3  # the peak of the one-cycle schedule
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    patience: int = 6  # epochs without a better validation accuracy before training stops
    precision: str = "auto"  # float32, mixed_bfloat16, or auto: bfloat16 where the processor computes in it

    filters: tuple[tuple[int, ...], ...] = ((16,), (32, 32), (64, 64))  # 3x3 convolutions between poolings
    dense: int = 128
    dropout: float = 0.3

    rotation: float = 12.0  # degrees
    shift: float = 2.0  # pixels
    scale: float = 0.12  # relative, each axis on its own
    shear: float = 0.3  # horizontal slant, pixels a pixel
    elastic: float = 1.0  # standard deviation of the displacement, pixels
    stroke: float = 0.8  # thinner (-) to thicker (+), in pixels
    blur: float = 0.6  # 0 to this share of a 3x3 binomial blur
    fade: float = 0.3  # ink loses up to this share of its brightness
    erase: float = 0.1  # share of the images that lose a small patch
    flip: bool = False  # left to right; hurts digits, offered for the experiment
    plain_epochs: int = 1  # last epochs, trained on MNIST as it is

    drawn_digits: int = 10_000  # synthesised examples mixed into every epoch
    soiled_digits: int = 15_000
    non_digits: int = 10_000

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dictionary that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "TrainConfig":
        """Rebuild a configuration from `to_json`'s dictionary.

        Raises:
            ValueError: a key that is no field, so that a misspelt setting is never ignored.
        """
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown settings {sorted(unknown)}; expected among {[f.name for f in fields(cls)]}")
        values = dict(values)
        if "filters" in values:
            values["filters"] = tuple(tuple(block) for block in values["filters"])
        return cls(**values)
