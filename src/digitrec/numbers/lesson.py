"""The lesson itself: a network of numbers trained on cells of one's own, beside synthesised strips."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from digitrec.fitting import fit
from digitrec.numbers.cells import Cells
from digitrec.numbers.config import NumberConfig
from digitrec.numbers.pools import Pools
from digitrec.numbers.targets import MOST, encode_targets
from digitrec.numbers.training import Epoch, compile_network, encode_validation, round_up
from digitrec.numbers.variation import vary
from digitrec.synthesis.numbers import Strips
from digitrec.synthesis.sources import Arrays

if TYPE_CHECKING:
    import keras

OWN_SHARE = 0.4  # own cells an epoch, as a share of the synthesised strips
MOST_REPEATS = 40  # of one cell in one epoch, each time varied anew


def learn(
    config: NumberConfig,
    network: "keras.Model",
    cells: Cells,
    training: Arrays,
    judges: Strips,
    report: Callable[[str], None] = print,
) -> tuple[list[np.ndarray], dict[str, list[float]]]:
    """Train a network's weights on cells and on strips composed of digits; the network itself stays as it is.

    Args:
        config: of the lesson.
        network: where to start from.
        cells: to learn from.
        training: images uint8 (n, 28, 28) and labels int (n,) of digits.
        judges: strips by which progress is told.
        report: called with one line of progress per epoch.

    Returns:
        The weights of the last epoch, and the history.
    """
    per_epoch = config.strips // config.batch_size + len(_Own(cells, config, 0))
    with Pools(training, config.strips, config.kept_epochs, config.seed, config.epochs) as pools:
        model = compile_network(config, config.epochs * per_epoch, network.get_weights())
        _, history = fit(
            model,
            lambda epoch: _Lesson(Epoch(pools[epoch], config, config.epochs + epoch), _Own(cells, config, epoch)),
            encode_validation(judges),
            epochs=config.epochs,
            patience=config.epochs,
            report=report,
        )
    return model.get_weights(), history


class _Own:
    """Batches of one's own cells, repeated and varied; of the frames nothing is said, of the texts all."""

    def __init__(self, cells: Cells, config: NumberConfig, epoch: int) -> None:
        self.cells, self.config, self.epoch = cells, config, epoch
        rng = np.random.default_rng((config.seed, 4, epoch))
        times = min(MOST_REPEATS, max(1, round(OWN_SHARE * config.strips / len(cells))))
        widths = np.tile([strip.shape[1] for strip in cells.strips], times)
        order = np.argsort(widths + rng.uniform(0, 12, len(widths))) % len(cells)
        self.batches = [order[i : i + config.batch_size] for i in range(0, len(order), config.batch_size)]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, batch: int) -> Arrays:
        chosen, config = self.batches[batch], self.config
        rng = np.random.default_rng((config.seed, 5, self.epoch, batch))
        widths = np.array([self.cells.strips[i].shape[1] for i in chosen])
        strips = np.zeros((len(chosen), 32, widths.max()), np.uint8)
        for row, i in zip(strips, chosen, strict=True):
            row[:, : self.cells.strips[i].shape[1]] = self.cells.strips[i]
        columns = round_up(int(widths.max() * (1 + config.stretch / 2)))
        nowhere = np.full((len(chosen), MOST, 2), np.nan, np.float32)
        x, widths, _ = vary(strips, nowhere, widths, columns, config, rng)
        return x[..., None], encode_targets([self.cells.texts[i] for i in chosen], widths, None, columns, 1.0)


class _Lesson:
    """An epoch of both, in an order of its own."""

    def __init__(self, rehearsed: Epoch, own: _Own) -> None:
        self.parts = [(part, i) for part in (rehearsed, own) for i in range(len(part))]
        self.order = np.random.default_rng((own.config.seed, 6, own.epoch)).permutation(len(self.parts))

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, batch: int) -> Arrays:
        part, i = self.parts[self.order[batch]]
        return part[i]
