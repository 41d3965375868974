"""The best single network and the best ensemble: a wide network, trained long, over ten seeds.

    python records/champion.py                  reads the test set, once for each seed; KERAS_BACKEND=jax where a GPU is
    python records/champion.py --folds          then what labels are doubted: five trainings, each on four fifths

Epoch and members are chosen on validation. Stopped, it goes on with the epoch it was in. What each network says of
validation and test lies in output/records/champion/; a network whose answers are lost is trained again.
"""

import argparse
import hashlib
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from digitrec import TrainConfig, backend, doubts, load_split, prepare, record_page, records, standings, train
from digitrec.calibration import softmax

HERE = Path(__file__).parent
OUTPUT = records.find_output("output") / "records" / "champion"
ENSEMBLES = (3, 5, 10)
FOLDS = 5
CONFIG = TrainConfig(
    epochs=24, filters=((32,), (64, 96), (128, 192)), dense=192, plain_epochs=3, patience=1000, elastic=0.8, stroke=0.2,
    blur=0.0, fade=0.0, drawn_digits=0, soiled_digits=0, strings=0, non_digits=0,
)  # fmt: skip


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", action="store_true", help="find the labels that are doubted")
    parser.add_argument("--seeds", type=int, default=10, help="how many, from 0 (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=CONFIG.epochs, help="of each training (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="try it on so many pictures of each part; writes to output/")
    options = parser.parse_args()
    config = replace(CONFIG, epochs=options.epochs)
    data = load_split("mnist", options.limit)
    place = OUTPUT if options.limit else HERE
    measure = measure_folds if options.folds else measure_seeds
    result, name, found = measure(place, config, data, options.seeds)
    print(found)
    if not options.limit:
        standings.log(HERE / "LOG.md", result, name, found, f"{name}.json")
        record_page.write_page()


def measure_seeds(place: Path, config: TrainConfig, data: tuple, seeds: int) -> tuple[dict, str, str]:
    """Train a network a seed, then choose ensembles on validation and read the test set with them."""
    training, validation, test = data

    def run(job: dict) -> dict:
        said = ask(job["seed"])
        return {
            "validation": rate(said["validation"], validation[1]),
            "accuracy": rate(said["test"], test[1]),
            "train_s": round(float(said["train_s"]), 1),
        }

    def ask(seed: int) -> dict[str, np.ndarray]:
        return learn(replace(config, seed=seed), training, validation, test, f"seed-{seed}")

    result = keep(place, "champion", config, [{"seed": seed, "who": "single"} for seed in range(seeds)], run)
    said = [ask(seed) for seed in range(seeds)]
    ensembles = []
    for count in (count for count in ENSEMBLES if count <= seeds):
        members = doubts.choose_members([one["validation"] for one in said], validation[1], count)
        mean = np.mean([said[i]["test"] for i in members], axis=0)
        ensembles.append({"members": members, "accuracy": rate(mean, test[1])})
    read = np.array([one["test"].argmax(axis=1) for one in said])
    wrong = np.flatnonzero((read != test[1]).all(axis=0))
    left = [
        {"place": int(i), "label": int(test[1][i]), "read": sorted({int(one) for one in read[:, i]})} for i in wrong
    ]
    doubted = doubts.find_doubted(np.mean([one["test"] for one in said], axis=0), test[1])
    result |= {"ensembles": ensembles, "wrong_by_all": left, "doubted_test_labels": doubted.tolist()}
    records.write_json(place / "champion.json", result)
    single = standings.summarise(result["runs"], by="who")["single"]
    found = f"single {single['mean']:.2%} ± {single['deviation']:.2%}; " + "; ".join(
        f"{len(one['members'])} together {one['accuracy']:.2%}" for one in ensembles
    )
    return result, "champion", found


def measure_folds(place: Path, config: TrainConfig, data: tuple, _: int) -> tuple[dict, str, str]:
    """Read every training picture with a network that was not trained on it, and find the labels that are doubted."""
    (images, labels), validation, _ = data
    fold_of = np.random.default_rng(0).integers(0, FOLDS, len(labels))

    def run(job: dict) -> dict:
        return {"accuracy": rate(ask(job["fold"]), labels[fold_of == job["fold"]])}

    def ask(fold: int) -> np.ndarray:
        inside, outside = fold_of != fold, fold_of == fold
        parts = [(images[part], labels[part]) for part in (inside, outside)]
        return learn(config, parts[0], validation, parts[1], f"fold-{fold}")["test"]

    result = keep(place, "doubted", config, [{"fold": fold, "who": "fold"} for fold in range(FOLDS)], run)
    p = np.zeros((len(labels), 10), np.float32)
    for fold in range(FOLDS):
        p[fold_of == fold] = ask(fold)
    places = doubts.find_doubted(p, labels)
    doubted = [{"place": int(i), "label": int(labels[i]), "read": int(p[i].argmax())} for i in places]
    result["doubted"] = doubted
    records.write_json(place / "doubted.json", result)
    return result, "doubted", f"{len(doubted)} of {len(labels):,} training labels are doubted"


def keep(place: Path, name: str, config: TrainConfig, jobs: list[dict], run) -> dict:
    """Keep the runs under what they were run with, the backend among it."""
    setup = {"config": asdict(config), "backend": backend.keras.backend.backend()}
    command = ["python", "records/champion.py", *sys.argv[1:]]
    return standings.keep_runs(place / f"{name}.json", setup, jobs, run, command)


def learn(config: TrainConfig, training: tuple, validation: tuple, other: tuple, name: str) -> dict[str, np.ndarray]:
    """Train one network and keep what it says of validation and of other pictures, as probabilities, and its time.

    What was kept under these settings and of these pictures is not trained again.
    """
    known_by = (config, backend.keras.backend.backend(), records.hash_arrays(*training, *validation, *other))
    folder = OUTPUT / hashlib.sha256(repr(known_by).encode()).hexdigest()[:12]
    if (folder / f"{name}.npz").exists():
        return dict(np.load(folder / f"{name}.npz"))
    checkpoint = folder / f"{name}-checkpoint.npz"
    model, history = train(config, training, validation, checkpoint, resume=True)
    said = {
        part: softmax(model.predict(prepare(images), batch_size=500, verbose=0)[:, :10])
        for part, (images, _) in (("validation", validation), ("test", other))
    }
    said["train_s"] = np.array(sum(history["time_s"]))
    records.write_beside(folder / f"{name}.npz", lambda path: np.savez(path, **said))
    checkpoint.unlink(missing_ok=True)
    return said


def rate(p: np.ndarray, labels: np.ndarray) -> float:
    """Return the share read right."""
    return float((p.argmax(axis=1) == labels).mean())


if __name__ == "__main__":
    main()
