"""How few weights read 99.0, 99.5 and 99.6 % of MNIST: a family of small networks, each over ten seeds.

    python records/weights.py                      every network; reads the test set, once for each network and seed
    python records/weights.py --networks tiny      these alone
    python records/weights.py --try "5x8 pool s3x12" --epochs 24    one seed on validation; writes nothing

Architectures and numbers of epochs were chosen on validation, and the epoch that is kept is the best on validation.
A training is too small to share, so that each core has one of its own. Stopped, it goes on with the epoch it was in.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from digitrec import load_split, prepare, record_page, records, small, standings, train
from digitrec.distributed import connect
from digitrec.fitting import best_epoch
from digitrec.networks import export_onnx

HERE = Path(__file__).parent


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--networks", nargs="+", choices=small.FAMILY, default=list(small.FAMILY), help="(default: all)"
    )
    parser.add_argument("--seeds", type=int, default=10, help="how many, from 0 (default: %(default)s)")
    parser.add_argument("--try", dest="layers", help="one seed of these layers, on validation")
    parser.add_argument("--epochs", type=int, default=24, help="of --try (default: %(default)s)")
    options = parser.parse_args()
    if options.layers:
        model, history = train_small(options.layers, options.epochs, 0, load_split("mnist"))
        print(f"{model.count_params():,} weights: {max(history['val_accuracy']):.2%} of validation")
        return
    jobs = [
        {"seed": seed, "network": name, "layers": layers, "epochs": epochs}
        for name in options.networks
        for layers, epochs in [small.FAMILY[name]]
        for seed in range(options.seeds)
    ]
    command = ["python", "records/weights.py", *sys.argv[1:]]
    drop_former(HERE / "weights.json")
    # Two threads that share a core wait for each other, most where a step is as short as here.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    with connect(dataset="mnist") as cluster:
        result = standings.keep_runs(
            HERE / "weights.json", {"config": small.CONFIG.to_json()}, jobs, run, command, spread=cluster.spread
        )
    figures = standings.summarise(result["runs"], by="weights")
    found = "; ".join(f"{n:,} {one['mean']:.2%} ± {one['deviation']:.2%}" for n, one in figures.items())
    print(found)
    standings.log(HERE / "LOG.md", result, f"few weights, {options.seeds} seeds", found, "weights.json")
    record_page.write_page()


def drop_former(path: Path) -> None:
    """Drop the runs of networks whose layers or epochs the family tells otherwise now."""
    if result := standings.read_result(path.stem, path.parent):
        kept = [one for one in result["runs"] if small.FAMILY.get(one["network"]) == (one["layers"], one["epochs"])]
        records.write_json(path, {**result, "runs": kept})


def train_small(layers: str, epochs: int, seed: int, data: tuple) -> tuple:
    """Train one network; return it with the weights of the best epoch, and its history."""
    training, validation, _ = data
    config = replace(small.CONFIG, epochs=epochs, seed=seed)
    name = layers.replace(" ", "_")
    checkpoint = records.find_output("output") / "records" / f"{name}-{epochs}-{seed}.npz"
    trained, history = train(
        config, training, validation, checkpoint, resume=True, model=draw_network(layers, seed), report=print
    )
    ten = small.build_small(layers)
    ten.set_weights(trained.get_weights())
    checkpoint.unlink(missing_ok=True)
    return ten, history


def draw_network(layers: str, seed: int):
    """Build a network whose weights follow the seed."""
    from digitrec import backend

    backend.keras.utils.set_random_seed(seed)
    return small.build_small(layers)


def run(job: dict) -> dict:
    """Measure what a job asks for."""
    return measure(job["layers"], job["epochs"], job["seed"], load_split("mnist"))


def measure(layers: str, epochs: int, seed: int, data: tuple) -> dict:
    """Train one network and read the test set with it, in float32 and in int8."""
    model, history = train_small(layers, epochs, seed, data)
    x, labels = prepare(data[2][0]), data[2][1]
    network = export_onnx(model)
    rounded = small.quantise(network, prepare(data[0][0][:500]))
    return {
        "weights": model.count_params(),
        "best_epoch": best_epoch(history),
        "validation": max(history["val_accuracy"]),
        "accuracy": read(network, x, labels),
        "accuracy_int8": read(rounded, x, labels),
        "bytes": len(network),
        "bytes_int8": len(rounded),
        "picture_us": round(small.time_onnx(network, x), 2),
        "train_s": round(sum(history["time_s"]), 1),
    }


def read(network: bytes, x: np.ndarray, labels: np.ndarray) -> float:
    """Return the share that an ONNX file reads right."""
    return float((small.run_onnx(network, x).argmax(axis=1) == labels).mean())


if __name__ == "__main__":
    main()
