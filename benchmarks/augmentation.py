"""What varying the pictures costs: a warp of 60,000 images, all of the augmentation, and the epoch they are part of."""

import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from digitrec import TrainConfig, augment, load_mnist, load_split, prepare, records, train
from digitrec.augmentation import warp

RESULTS = Path(__file__).with_suffix(".json")


def main() -> None:
    (images, _), _ = load_mnist()
    x, config = prepare(images), TrainConfig()
    measured = {
        "warp_60000_s": median_time(lambda part, rng: warp(part[..., 0], config, rng), x),
        "augment_60000_s": median_time(lambda part, rng: augment(part, config, rng), x),
    }
    training, validation, _ = load_split("mnist")
    # Training varies the pictures in one thread too. Epochs without synthesised pictures are the shortest.
    short = replace(config, epochs=3, plain_epochs=0, drawn_digits=0, soiled_digits=0, strings=0, non_digits=0)
    _, history = train(short, training, validation)
    measured["epoch_55000_s"] = round(min(history["time_s"]), 2)
    measured["warp_share_of_epoch"] = round(measured["warp_60000_s"] / measured["epoch_55000_s"], 3)
    records.write_result(RESULTS, measured)
    print(json.dumps(measured, indent=2))


def median_time(vary, x: np.ndarray) -> float:
    """Return the median of five passes over x in batches as training takes them, in seconds on one thread."""
    times = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        start = time.perf_counter()
        for i in range(0, len(x), TrainConfig().batch_size):
            vary(x[i : i + TrainConfig().batch_size], rng)
        times.append(time.perf_counter() - start)
    return round(statistics.median(times), 2)


if __name__ == "__main__":
    main()
