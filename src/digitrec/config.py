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
    learning_rate: float = 6e-3  # the peak of the one-cycle schedule
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    schedule: str = "one-cycle"  # of the learning rate: one-cycle, or constant for comparison
    patience: int = 6  # epochs without a lower validation loss before training stops
    precision: str = "auto"  # float32, mixed_bfloat16, or auto: bfloat16 where the processor computes in it

    network: str = "cnn"  # cnn, or rnn: recurrent, reading row by row
    filters: tuple[tuple[int, ...], ...] = ((16,), (32, 48), (64, 96))  # 3x3 convolutions between poolings
    batch_normalisation: bool = True  # of each block of convolutions
    recurrent_units: int = 128  # of the recurrent network, in each direction
    dense: int = 64
    dropout: float = 0.2

    rotation: float = 10.0  # degrees
    shift: float = 2.0  # pixels
    scale: float = 0.12  # relative, each axis on its own
    shear: float = 0.25  # horizontal slant, pixels a pixel
    elastic: float = 0.6  # standard deviation of the displacement, pixels
    stroke: float = 0.4  # thinner (-) to thicker (+), in pixels
    blur: float = 0.3  # 0 to this share of a 3x3 binomial blur
    fade: float = 0.1  # ink loses up to this share of its brightness
    erase: float = 0.02  # share of the images that lose a small patch
    flip: bool = False  # left to right; hurts digits, offered for the experiment
    plain_epochs: int = 2  # last epochs, trained on the pictures as they are

    drawn_digits: int = 8_000  # synthesised examples mixed into every epoch
    soiled_digits: int = 10_000
    non_digits: int = 8_000

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
