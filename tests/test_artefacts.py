"""What is committed beside the code: the trained network, its proofs, and the pages that quote them."""

import json
import re
import tomllib
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from digitrec import Recognizer, evaluation, load_model, prepare, runs
from digitrec.recognizer import read_logits

ROOT = Path(__file__).parents[1]
CNN = ROOT / "models" / "cnn"
FIGURES = {
    "accuracy", "loss", "predictions", "confusion_counts", "confusion_rates", "precision_recall", "reliability",
    "risk_coverage", "confident_errors",
}  # fmt: skip


def test_model_folder_is_whole_and_small():
    names = {path.relative_to(CNN).as_posix() for path in CNN.rglob("*") if path.is_file()}
    assert {"model.keras", "model.onnx", "config.json", "history.csv", "metrics.json"} <= names
    assert {f"figures/{name}.png" for name in FIGURES} <= names
    assert sum(path.stat().st_size for path in CNN.rglob("*") if path.is_file()) <= 1_500_000


def test_files_are_those_the_metrics_were_measured_on():
    for name in ("model.keras", "model.onnx"):
        runs.check_hash(CNN, name)


def test_history_and_metrics_tell_the_same():
    history, metrics = runs.read_history(CNN), runs.read_metrics(CNN)
    assert len(history["loss"]) == metrics["training"]["epochs"]
    best = history["val_accuracy"][metrics["training"]["best_epoch"] - 1]
    assert best == max(history["val_accuracy"])
    assert best == pytest.approx(metrics["validation"]["accuracy"], abs=4e-4)


def test_keras_and_onnx_are_the_same_network(digits):
    x = prepare(digits[0][:300])
    recognizer = Recognizer.load(CNN)
    through_keras = load_model(CNN).predict(x, verbose=0)
    through_onnx = recognizer.run_network(x)
    np.testing.assert_array_equal(through_keras.argmax(axis=1), through_onnx.argmax(axis=1))
    probabilities = [read_logits(logits, recognizer.temperature)[0] for logits in (through_keras, through_onnx)]
    np.testing.assert_allclose(*probabilities, atol=1e-5)


@pytest.mark.mnist
def test_committed_accuracy_is_reproduced(mnist):
    _, (images, labels) = mnist
    recognizer = Recognizer.load(CNN)
    probabilities, _ = read_logits(recognizer.compute_logits(prepare(images)), recognizer.temperature)
    again, stated = evaluation.evaluate(probabilities, labels), runs.read_metrics(CNN)["test"]
    assert abs(again["errors"] - stated["errors"]) <= 1  # another processor may round another way
    assert again["accuracy"] >= 0.996


def test_models_page_is_generated_from_the_metrics(tmp_path):
    folder = tmp_path / "cnn"
    folder.mkdir()
    (folder / "metrics.json").write_bytes((CNN / "metrics.json").read_bytes())
    assert runs.write_models_table(tmp_path) == (ROOT / "models" / "README.md").read_text()


def test_readme_quotes_the_measured_seeds():
    seeds = json.loads((ROOT / "benchmarks" / "seeds.json").read_text())
    readme = (ROOT / "README.md").read_text()
    assert len(seeds["runs"]) >= 5
    assert f"{seeds['mean'] * 100:.2f} ± {seeds['deviation'] * 100:.2f} %" in readme
    assert seeds["config"] == json.loads((CNN / "config.json").read_text()) | {"seed": 0}


def test_readme_quotes_both_backends():
    measured = json.loads((ROOT / "benchmarks" / "backends.json").read_text())
    readme = " ".join((ROOT / "README.md").read_text().split())
    jax, tensorflow = measured["jax"], measured["tensorflow"]
    assert f"takes {tensorflow['median_epoch_s']} s. On JAX" in readme
    assert f"end at {100 * jax['accuracy']:.2f} % of the test set, on" in readme
    assert f"TensorFlow at {100 * tensorflow['accuracy']:.2f} % (" in readme
    assert jax["onnx"]["labels_flipped"] == tensorflow["onnx"]["labels_flipped"] == 0


def test_readme_quotes_the_measured_page():
    measured = json.loads((ROOT / "benchmarks" / "app.json").read_text())
    readme = (ROOT / "README.md").read_text()
    latency = measured["latency"]
    assert f"{latency['median_ms']:.0f} ms, {latency['p95_ms']:.0f} ms at the 95th percentile" in readme
    assert f"get {measured['clients']['per_second']:.0f} answers a second" in readme
    assert latency["p95_ms"] <= 150
    assert measured["clients"]["failures"] == 0


def test_readme_quotes_the_measured_study():
    table = pd.read_csv(ROOT / "models" / "study" / "table.csv", index_col=0)
    readme = (ROOT / "README.md").read_text()
    assert len(table) >= 14
    for row in table.itertuples():
        ms = 1000 * row.time_per_image_s
        assert f"| {row.Index} | {row.accuracy:.2%} | {row.real:.1%} | {ms:.3g} | {row.fit_time_s:.0f} |" in readme
    best = {name: table[table.index.str.contains(name)].accuracy.max() for name in ("SVM", "neighbours", "recurrent")}
    assert best["SVM"] >= 0.992
    assert best["neighbours"] >= 0.983
    assert best["recurrent"] >= 0.99


def test_readme_quotes_the_measured_ablation():
    real = (100 * pd.read_csv(ROOT / "models" / "tuning" / "ablation.csv").groupby("change").real.mean()).round(2)
    whole, less = real["all in place"], real["no synthesised digits"]
    assert f"{whole - less:.1f} points of {whole:.1f} %" in (ROOT / "README.md").read_text()
    assert real.drop("no synthesised digits").min() > less


def test_readme_links_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("*/README.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)|src=\"([^\":]+)\"", page.read_text()):
            target = page.parent / (link[0] or link[1])
            assert target.exists(), f"{page.name} links to {target}"


def test_requirements_are_exact_locked_and_hashed():
    direct = re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    lock = (ROOT / "requirements.lock").read_text()
    for name, version in direct:
        assert f"\n{name}=={version} " in f"\n{lock}"
    pins = re.findall(r"^[a-z0-9-]+==.*?(?=^[a-z]|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert len(pins) >= len(direct)
    assert all("--hash=sha256:" in pin for pin in pins)
    assert "http" not in re.sub(r"httpcore|httpx|httptools", "", lock)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    assert {re.split("[<>=[]", item)[0] for item in wanted} - {"digitrec"} <= {name for name, _ in direct}
