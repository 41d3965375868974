"""The best single network and the best ensemble: a wide network, trained long, over ten seeds.

    python records/champion.py                  reads the test set, once for each seed
    python records/champion.py --folds          then what labels are doubted: five trainings, each on four fifths
    python records/champion.py --again          trains nothing: finds ensembles and doubts anew from the answers kept

On a GPU (KERAS_BACKEND=jax) it takes the longer recipe and `--at-once 10` gives it enough to do. Recipe, epoch and
members were chosen on validation. Stopped, it goes on with the epoch it was in. What each network says of validation
and test lies in output/records/champion/; a network whose answers are lost is trained again.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Self

import numpy as np

from digitrec import TrainConfig, backend, doubts, load_split, prepare, record_page, records, small, standings, train
from digitrec.calibration import fit_temperature, softmax
from digitrec.jobs import Spread, in_processes, one_by_one

HERE = Path(__file__).parent
OUTPUT = records.find_output("output") / "records" / "champion"
ENSEMBLES = (3, 5, 10)
FOLDS = 5
LOOKS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))  # down and to the right, in pixels
# Layers and epochs, by what Keras computes on: 26 and 54 million multiplications a picture.
RECIPES = {
    "cpu": ("5x32 pool 3x64 3x64 3x96 pool 3x128 3x128", 16),
    "gpu": ("5x48 pool 3x96 3x96 3x128 pool 3x192 3x192", 40),
}
CONFIG = replace(
    small.CONFIG, batch_size=128, learning_rate=0.005, weight_decay=0.05, label_smoothing=0.05, rotation=15.0,
    shift=3.0, scale=0.2, shear=0.3, elastic=0.8,
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """What is trained, on how many of the pictures, by what, and where the results go."""

    recipe: str
    layers: str
    config: TrainConfig
    backend: str
    device: str
    limit: int | None = None
    place: Path = HERE

    @property
    def setup(self) -> dict:
        """Return what a result has to agree with to be gone on with."""
        return {
            "layers": self.layers, "config": asdict(self.config), "backend": self.backend, "device": self.device
        }  # fmt: skip

    @classmethod
    def of(cls, recipe: str, result: dict) -> Self:
        """Return the plan that a result was measured by."""
        setup = result["setup"]
        return cls(recipe, setup["layers"], TrainConfig.from_json(setup["config"]), setup["backend"], setup["device"])

    def path(self, name: str) -> Path:
        """Return the file of a result."""
        return self.place / f"{name}_{self.recipe}.json"

    def keep(self, name: str, jobs: list[dict], run: Callable[[dict], dict], spread: Spread) -> dict:
        """Keep the runs under what they were run with."""
        command = ["python", "records/champion.py", *sys.argv[1:]]
        return standings.keep_runs(self.path(name), self.setup, jobs, run, command, spread=spread)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", action="store_true", help="find the labels that are doubted")
    parser.add_argument("--recipe", choices=RECIPES, help="(default: by what Keras computes on)")
    parser.add_argument("--seeds", type=int, default=10, help="how many, from 0 (default: %(default)s)")
    parser.add_argument("--epochs", type=int, help="of each training (default: the recipe's)")
    parser.add_argument("--at-once", type=int, default=1, help="trainings, each in a process (default: %(default)s)")
    parser.add_argument("--limit", type=int, help="try it on so many pictures of each part; writes to output/")
    parser.add_argument("--again", action="store_true", help="find ensembles, or with --folds doubts, anew")
    parser.add_argument("--cleanlab", metavar="PYTHON", help="with --folds: a Python that has cleanlab, for its list")
    options = parser.parse_args()
    # By itself JAX takes three quarters of a GPU's memory for the first process.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    kind, device = find_device()
    recipe, name = options.recipe or kind, "doubted" if options.folds else "champion"
    if options.again:
        result = standings.read_result(f"{name}_{recipe}")
        if result is None:
            parser.error(f"--again: expected records/{name}_{recipe}.json, which was not measured yet")
        plan = Plan.of(recipe, result)
    else:
        layers, epochs = RECIPES[recipe]
        config = replace(CONFIG, epochs=options.epochs or epochs)
        place = OUTPUT if options.limit else HERE
        plan = Plan(recipe, layers, config, backend.keras.backend.backend(), device, options.limit, place)
        spread = one_by_one if options.at_once == 1 else in_processes(options.at_once)
        result = train_folds(plan, spread) if options.folds else train_seeds(plan, options.seeds, spread)
    found = find_doubts(plan, result, options.cleanlab) if options.folds else find_ensembles(plan, result)
    print(found)
    if not options.limit:
        standings.log(HERE / "LOG.md", result, f"{name}, {recipe}", found, plan.path(name).name)
        record_page.write_page()


def find_device() -> tuple[str, str]:
    """Return what Keras computes on: `cpu` or `gpu`, and its name where Keras' backend tells it."""
    keras = backend.keras
    kind = keras.distribution.list_devices()[0].partition(":")[0]
    if keras.backend.backend() != "jax":
        return kind, kind
    import jax

    return kind, jax.devices()[0].device_kind


def train_seeds(plan: Plan, seeds: int, spread: Spread = one_by_one) -> dict:
    """Train a network a seed and read validation and test with it."""
    jobs = [{"seed": seed, "who": "single"} for seed in range(seeds)]
    return plan.keep("champion", jobs, partial(run_seed, plan), spread)


def find_ensembles(plan: Plan, result: dict) -> str:
    """Choose ensembles on validation, read the test set with them, and find what is left; return the figures."""
    _, validation, (_, labels) = load_split("mnist", plan.limit)
    said = [ask_seed(plan, one["seed"]) for one in result["runs"]]
    ensembles = []
    for count in (count for count in ENSEMBLES if count <= len(said)):
        members = doubts.choose_members([one["validation"] for one in said], validation[1], count)
        mean = np.mean([said[i]["test"] for i in members], axis=0)
        ensembles.append({"members": members, "accuracy": rate(mean, labels)})
    read = np.array([one["test"].argmax(axis=1) for one in said])
    left = [
        {"place": int(i), "label": int(labels[i]), "read": sorted({int(one) for one in read[:, i]})}
        for i in np.flatnonzero((read != labels).all(axis=0))
    ]
    doubted = doubts.find_doubted(np.mean([calibrate(one, validation[1]) for one in said], axis=0), labels)
    result |= {
        "ensembles": ensembles,
        "together": rate_together([one["test"] for one in said], labels),
        "wrong_by_all": left,
        "doubted_test_labels": doubted.tolist(),
    }
    records.write_json(plan.path("champion"), result)
    single = standings.summarise(result["runs"], by="who")["single"]
    found = [f"{single['n']} single {single['mean']:.2%} ± {single['deviation']:.2%}"]
    return "; ".join(found + [f"{len(one['members'])} together {one['accuracy']:.2%}" for one in ensembles])


def rate_together(said: list[np.ndarray], labels: np.ndarray) -> list[dict]:
    """Return, for each number of networks, what all choices of so many read together: least, mean and most."""
    found = []
    for count in range(1, len(said) + 1):
        read = [rate(sum(some), labels) for some in combinations(said, count)]
        found.append({"count": count, "least": min(read), "mean": float(np.mean(read)), "most": max(read)})
    return found


def run_seed(plan: Plan, job: dict) -> dict:
    """Train the network of one seed and read validation and test with it, at one look and at five."""
    _, validation, test = load_split("mnist", plan.limit)
    said = ask_seed(plan, job["seed"])
    return {
        "weights": int(said["weights"]),
        "validation": rate(said["validation"], validation[1]),
        "validation_looks": rate(said["validation_looks"], validation[1]),
        "accuracy": rate(said["test"], test[1]),
        "accuracy_looks": rate(said["test_looks"], test[1]),
        "train_s": round(float(said["train_s"]), 1),
    }


def ask_seed(plan: Plan, seed: int) -> dict[str, np.ndarray]:
    """Return what the network of one seed says of validation and test."""
    return learn(
        replace(plan, config=replace(plan.config, seed=seed)), *load_split("mnist", plan.limit), f"seed-{seed}"
    )


def train_folds(plan: Plan, spread: Spread = one_by_one) -> dict:
    """Read every training picture with a network that was not trained on it."""
    jobs = [{"fold": fold, "who": "fold"} for fold in range(FOLDS)]
    return plan.keep("doubted", jobs, partial(run_fold, plan), spread)


def find_doubts(plan: Plan, result: dict, cleanlab: str | None = None) -> str:
    """Find the training labels that are doubted, and which of them cleanlab doubts; return the figures."""
    (_, labels), validation, _ = load_split("mnist", plan.limit)
    p = np.zeros((len(labels), 10))
    for fold in range(FOLDS):
        p[draw_folds(len(labels)) == fold] = calibrate(ask_fold(plan, fold), validation[1])
    places = doubts.find_doubted(p, labels)
    result["doubted"] = [{"place": int(i), "label": int(labels[i]), "read": int(p[i].argmax())} for i in places]
    found = f"{len(places)} of {len(labels):,} training labels are doubted"
    if cleanlab:
        records.write_beside(OUTPUT / "folds.npz", lambda path: np.savez(path, p=p, labels=labels))
        command = [cleanlab, str(HERE / "cleanlab_list.py"), str(OUTPUT / "folds.npz")]
        result["cleanlab"] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        both = set(result["cleanlab"]["places"]) & set(places.tolist())
        found += f", {len(both)} of them among cleanlab's {len(result['cleanlab']['places'])}"
    records.write_json(plan.path("doubted"), result)
    return found


def run_fold(plan: Plan, job: dict) -> dict:
    """Train on four fifths of the training pictures and read the fifth."""
    (_, labels), _, _ = load_split("mnist", plan.limit)
    return {"accuracy": rate(ask_fold(plan, job["fold"])["test"], labels[draw_folds(len(labels)) == job["fold"]])}


def ask_fold(plan: Plan, fold: int) -> dict[str, np.ndarray]:
    """Return what the network that was trained without a fold says of validation and, as `test`, of the fold."""
    (images, labels), validation, _ = load_split("mnist", plan.limit)
    folds = draw_folds(len(labels))
    inside, outside = ((images[part], labels[part]) for part in (folds != fold, folds == fold))
    return learn(plan, inside, validation, outside, f"fold-{fold}")


def draw_folds(n: int) -> np.ndarray:
    """Return the fold of each of n pictures, the same at every call."""
    return np.random.default_rng(0).integers(0, FOLDS, n)


def learn(plan: Plan, training: tuple, validation: tuple, other: tuple, name: str) -> dict[str, np.ndarray]:
    """Train one network and keep what it says of validation and of other pictures, as probabilities, and its time.

    What was kept under this plan and of these pictures is not trained again.

    Raises:
        ValueError: it was trained on something else than this computes on, and what it said is lost.
    """
    config, pictures = plan.config, records.hash_arrays(*training, *validation, *other)
    known_by = (plan.layers, config, plan.backend, plan.device, pictures)
    folder = OUTPUT / hashlib.sha256(repr(known_by).encode()).hexdigest()[:12]
    if (folder / f"{name}.npz").exists():
        return dict(np.load(folder / f"{name}.npz"))
    if (here := (backend.keras.backend.backend(), find_device()[1])) != (plan.backend, plan.device):
        raise ValueError(f"{folder}: expected the answers of {name} from {plan.device}; this is {' on '.join(here)}")
    backend.keras.utils.set_random_seed(config.seed)
    model, history = train(
        config, training, validation, folder / f"{name}-checkpoint.npz", resume=True,
        model=small.build_small(plan.layers), report=lambda line: print(f"{name}  {line}", flush=True),
    )  # fmt: skip
    said = {"weights": np.array(model.count_params()), "train_s": np.array(sum(history["time_s"]))}
    for part, (images, _) in (("validation", validation), ("test", other)):
        looks = [softmax(model.predict(x, batch_size=500, verbose=0)) for x in look(prepare(images))]
        said |= {part: looks[0], f"{part}_looks": np.mean(looks, axis=0)}
    records.write_beside(folder / f"{name}.npz", lambda path: np.savez(path, **said))
    (folder / f"{name}-checkpoint.npz").unlink(missing_ok=True)
    return said


def look(x: np.ndarray) -> Iterator[np.ndarray]:
    """Yield pictures (n, 28, 28, 1) as they are, then moved by a pixel each way; what comes in is empty."""
    wide = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    for down, right in LOOKS:
        yield wide[:, 1 - down : 29 - down, 1 - right : 29 - right]


def calibrate(said: dict[str, np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Return what a network says of the other pictures at the temperature that suits what it says of validation.

    Trained with smoothed labels it says 0.95 where it is right all but always, and its doubts would be none.
    """
    validation, other = (np.log(np.maximum(said[part], 1e-30)) for part in ("validation", "test"))
    return softmax(other / fit_temperature(validation, labels))


def rate(p: np.ndarray, labels: np.ndarray) -> float:
    """Return the share read right."""
    return float((p.argmax(axis=1) == labels).mean())


if __name__ == "__main__":
    main()
