"""Ablation: the recipe as it is, and with one thing taken away at a time, to see what each part is worth."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from digitrec.config import TrainConfig
from digitrec.datasets import split_validation
from digitrec.preprocessing.form import prepare
from digitrec.records import PathLike
from digitrec.study.store import fingerprint, keep, slug
from digitrec.synthesis.sources import Arrays
from digitrec.training import train

# What is taken away from: trainings on some thousands of images, to which smaller batches than a full training's give
# steps enough.
ABLATION = TrainConfig(
    epochs=12,
    batch_size=64,
    patience=12,
    plain_epochs=1,
    drawn_digits=700,
    soiled_digits=900,
    strings=350,
    non_digits=500,
)

# What each row of the ablation changes, and nothing else.
ABLATIONS: dict[str, dict[str, Any]] = {
    "all in place": {},
    "no dropout": {"dropout": 0.0},
    "no batch normalisation": {"batch_normalisation": False},
    "no label smoothing": {"label_smoothing": 0.0},
    "constant learning rate, a third of the peak": {"schedule": "constant", "learning_rate": 5e-3},
    "AdamW, not Muon": {"optimizer": "adamw", "learning_rate": 6e-3},
    "float32": {"precision": "float32"},
    "no augmentation": {
        **dict.fromkeys(("rotation", "shift", "scale", "shear", "elastic", "stroke", "blur", "fade", "erase"), 0.0),
    },
    "no rotation": {"rotation": 0.0},
    "no shift": {"shift": 0.0},
    "no scale": {"scale": 0.0},
    "no shear": {"shear": 0.0},
    "no elastic": {"elastic": 0.0},
    "no stroke width": {"stroke": 0.0},
    "no blur and fading": {"blur": 0.0, "fade": 0.0},
    "no erasing": {"erase": 0.0},
    "no synthesised digits": {"drawn_digits": 0, "soiled_digits": 0, "strings": 0},
    "flips as well": {"flip": True},
}


def ablate(
    folder: PathLike,
    training: Arrays,
    judged: Arrays,
    sets: Mapping[str, Arrays] | None = None,
    base: TrainConfig = ABLATION,
    changes: Mapping[str, Mapping[str, Any]] = ABLATIONS,
    seeds: int = 3,
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Train with one thing taken away at a time; a run that was stopped goes on where it was.

    Args:
        folder: where the result of each training is kept.
        training: images uint8 (n, 28, 28) and labels to train on; a sixth of them is held out to choose the epoch.
        judged: the same, that no choice is made on.
        sets: the same of real handwriting, by name.
        base: settings with everything in place.
        changes: by name, the fields of `base` to change.
        seeds: trainings each.
        report: called with a line per training.

    Returns:
        A row per training: change, seed, accuracy (on `judged`) and real (mean over `sets`, NaN of none), in 0-1.
    """
    given, chosen_by = split_validation(*training, validation=len(training[1]) // 6)
    read = {"judged": judged, **(sets or {})}
    pictures = fingerprint(list(read), *training, *(array for part in read.values() for array in part))
    rows = []
    for name, change in changes.items():
        for seed in range(seeds):
            config = replace(base, **change, seed=seed)
            path = Path(folder) / f"{slug(name)}-{seed}.json"
            kept = keep(path, fingerprint((config, pictures)), partial(_measure, config, given, chosen_by, read))
            real = float(np.mean([kept["accuracy"][where] for where in sets])) if sets else np.nan
            made = {"processor": kept["machine"]["processor"], "date": kept["date"], "commit": kept["commit"]}
            rows.append({"change": name, "seed": seed, "accuracy": kept["accuracy"]["judged"], "real": real, **made})
            report(f"{name:44s} seed {seed}   {rows[-1]['accuracy']:.2%}" + (f"   real {real:.1%}" if sets else ""))
    return pd.DataFrame(rows)


def summarise_ablation(rows: pd.DataFrame, measure: str = "accuracy") -> pd.DataFrame:
    """Compare each change with everything in place, seed by seed.

    Args:
        rows: as `ablate` returns them.
        measure: the column to compare: accuracy or real.

    Returns:
        By change: mean, and difference from the first change's with low and high, the 95 % interval of Student's t over
        the seeds' differences; in points (0-100).
    """
    by_seed = 100 * rows.pivot(index="seed", columns="change", values=measure)[list(dict.fromkeys(rows.change))]
    differences = by_seed.sub(by_seed.iloc[:, 0], axis=0)
    n = len(by_seed)
    half = stats.t.ppf(0.975, n - 1) * differences.std(ddof=1) / math.sqrt(n) if n > 1 else np.nan
    mean = differences.mean()
    return pd.DataFrame({"mean": by_seed.mean(), "difference": mean, "low": mean - half, "high": mean + half})


def _measure(config: TrainConfig, training: Arrays, validation: Arrays, read: Mapping[str, Arrays]) -> dict[str, Any]:
    """Train once, and return the accuracy on each set that is to be read."""
    network, _ = train(config, training, validation, report=lambda line: None)
    return {"accuracy": {where: _read_accuracy(network, *pictures) for where, pictures in read.items()}}


def _read_accuracy(network: Any, images: np.ndarray, labels: np.ndarray) -> float:
    read = network.predict(prepare(images), batch_size=1000, verbose=0).argmax(axis=1)
    return float((read == labels).mean())
