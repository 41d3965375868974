"""Every choice of a training run of the network of numbers, saved as config.json with the model it made."""

from dataclasses import dataclass

from digitrec.config import Settings, setting


@dataclass(frozen=True)
class NumberConfig(Settings):
    """What decides a training run of the network of numbers; change a field with `dataclasses.replace`.

    The strengths of the variation are half-widths of uniform distributions, unless stated otherwise.

    Raises:
        ValueError: a value of another type, or out of its range; the message names it.

    >>> NumberConfig(kept_epochs=0)
    Traceback (most recent call last):
    ValueError: kept_epochs: expected a whole number of 1 or more, got 0
    """

    seed: int = setting(0, "of the weights, the order, dropout, variation and synthesis", 0)
    epochs: int = setting(24, "how often to go through the strips", 1)
    strips: int = setting(24_000, "strips that are new in each epoch", 1)
    kept_epochs: int = setting(3, "epochs through which a strip is kept, varied anew in each", 1)
    batch_size: int = setting(128, "strips a step", 1)
    learning_rate: float = setting(0.02, "the peak of the one-cycle schedule", 1e-9)
    weight_decay: float = setting(0.01, "of the weights, relative to the learning rate", 0, 10)
    frame_epochs: float = setting(0.15, "share of the epochs whose loss tells every frame what it shows", 0, 1)
    connectionist: float = setting(0.9, "share of the connectionist loss (CTC) afterwards", 0, 1)
    precision: str = setting(
        "auto",
        "of the numbers; auto: bfloat16 where the processor computes in it",
        choices=("auto", "float32", "mixed_bfloat16"),
    )

    filters: tuple[tuple[int, ...], ...] = setting(
        ((16,), (32, 32), (64, 64), (96, 96), (160, 160)),
        "of the convolutions: each block but the last halves the height, the last runs along the line",
        1,
    )
    context: int = setting(2, "more convolutions along the line, at half its resolution, which see farther", 0, 8)
    dropout: float = setting(0.05, "share of the last features left out at each step", 0, 0.95)

    stretch: float = setting(0.12, "relative, of the width", 0, 0.5)
    scale: float = setting(0.1, "relative, of the height", 0, 0.5)
    shift: float = setting(2.0, "pixels up and down", 0, 8)
    shear: float = setting(0.15, "slant, pixels a pixel", 0, 1)
    gamma: float = setting(0.35, "of the exponent's logarithm", 0, 2)
    fade: float = setting(0.4, "ink loses up to this share of its brightness, all over or towards one end", 0, 1)
    noise: float = setting(0.06, "up to this standard deviation, in half of the strips", 0, 1)
    blur: float = setting(0.25, "share of the strips that are blurred", 0, 1)

    def count_steps(self, epoch: int) -> int:
        """Return how many batches an epoch has: of the strips kept from up to `kept_epochs - 1` before it, too."""
        return self.strips * min(epoch + 1, self.kept_epochs) // self.batch_size
