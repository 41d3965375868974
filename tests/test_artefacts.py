"""What is committed beside the code: the trained network, its proofs, and the pages that quote them."""

import importlib.util
import json
import re
import statistics
import tomllib
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from digitrec import Recognizer, evaluation, load_model, model_folder, prepare, workflow
from digitrec.calibration import read_logits

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
    for name in ("model.keras", "model.onnx", "config.json"):
        model_folder.read_verified(CNN, name)
    model_folder.read_calibration(CNN)


def test_history_and_metrics_tell_the_same():
    history, metrics = model_folder.read_history(CNN), model_folder.read_metrics(CNN)
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
    again, stated = evaluation.evaluate(probabilities, labels), model_folder.read_metrics(CNN)["test"]
    assert abs(again["errors"] - stated["errors"]) <= 1  # another processor may round another way
    assert again["accuracy"] >= 0.996


def test_models_page_is_generated_from_the_metrics(tmp_path):
    for name in model_folder.SHIPPED:
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").write_bytes((ROOT / "models" / name / "metrics.json").read_bytes())
    assert workflow.write_models_table(tmp_path) == (ROOT / "models" / "README.md").read_text()


def read_result(name):
    return json.loads((ROOT / "benchmarks" / f"{name}.json").read_text())


def read_readme():
    return (ROOT / "README.md").read_text()


def unwrap(text):
    return " ".join(text.split())


def test_readme_quotes_the_measured_seeds():
    seeds, readme = read_result("seeds"), read_readme()
    assert len(seeds["runs"]) >= 5
    mean, deviation = 100 * seeds["mean"], 100 * seeds["deviation"]
    errors = statistics.mean(run["errors"] for run in seeds["runs"])
    assert f"over five seeds | **{mean:.2f} ± {deviation:.2f} %** ({errors:.0f} errors of 10,000) |" in readme
    rows = [
        f"| {run['seed']} | {run['errors']} | {run['accuracy']:.2%} | {run['validation_accuracy']:.2%} "
        f"| {run['time_s'] / 60:.1f} min |"
        for run in seeds["runs"]
    ]
    median = statistics.median(run["time_s"] for run in seeds["runs"])
    rows += [f"| **mean ± deviation** | **{errors:.1f}** | **{mean:.2f} ± {deviation:.2f} %** | "
             f"| **median {median / 60:.1f} min** |"]  # fmt: skip
    assert "\n".join(rows) in readme
    settings = json.loads((CNN / "config.json").read_text())
    assert seeds["config"] == settings | {"seed": 0}
    chosen = next(run for run in seeds["runs"] if run["seed"] == settings["seed"])
    assert chosen["errors"] == model_folder.read_metrics(CNN)["test"]["errors"]
    assert f"The committed network is seed {settings['seed']}, chosen for" in unwrap(readme)


def test_readme_quotes_the_measured_handwriting():
    measured, readme = read_result("real_handwriting"), read_readme()
    digits = {name: one for name, one in measured["sets"].items() if one.get("digits")}
    table = readme.partition("| set | pictures |")[2].partition("**mean")[0]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if re.match(r"\| \w+:", line)
    ]
    rows = [[name.partition(":")[0], *cells] for name, *cells in rows]
    assert {row[0] for row in rows} == set(measured["sets"])
    for name, pictures, right, answered, right_of_these in rows:
        one = measured["sets"][name]
        assert int(pictures) == one["pictures"]
        if name in digits:
            shares = (one["digits"][key] for key in ("accuracy", "coverage", "accuracy_answered"))
            assert (right, answered, right_of_these) == tuple(f"{share:.1%}" for share in shares)
        else:
            assert (right, answered, right_of_these) == ("", f"{1 - one['others']['declined']:.1%}", "")
    mean = measured["mean_accuracy"]
    assert f"| **mean of the digit sets** | | **{mean:.1%}** | {measured['mean_coverage']:.1%} | |" in readme
    assert f"were chosen | **{100 * mean:.1f} %** on average |" in readme
    assert f"The {100 * mean:.1f} % is a development figure" in readme
    assert f"The pooled calibration error is {measured['expected_calibration_error']:.1%}" in unwrap(readme)
    letters = measured["sets"]["letters"]["others"]
    declined, n = round(letters["declined"] * letters["pictures"]), letters["pictures"]
    low, high = evaluation.wilson_interval(declined, n)
    assert f"**{declined} of {n}** (95 % interval {100 * low:.1f}–{100 * high:.1f} %)" in readme
    test = model_folder.read_metrics(CNN)["test"]
    assert f"on MNIST's test set {test['expected_calibration_error']:.1%}." in unwrap(readme)
    assert f"Of MNIST's test digits {test['declined']:.2%} are declined" in unwrap(readme)


def test_readme_quotes_what_the_keeper_of_the_sealed_sets_measured():
    sealed, readme = read_result("sealed"), unwrap(read_readme())
    ours, usual, person = (100 * share for share in sealed["accuracy"].values())
    assert statistics.mean(sealed["sets"].values()) == pytest.approx(sealed["accuracy"]["digitrec"], abs=5e-5)
    assert f"tuned anything on | **{ours:.1f} %** on average (the usual way {usual:.1f} %) |" in readme
    assert (
        f"the network of commit {sealed['commit']} reads {ours:.1f} % ({sealed['pictures']:,} pictures; "
        f"the usual way {usual:.1f}, a person about {person:.1f})"
    ) in readme
    assert f"{ours:.1f} % on the sealed sets above" in readme


def test_readme_quotes_the_measured_speed():
    measured, readme = read_result("inference"), read_readme()
    for row in measured["rows"]:
        values = [row.get(name) for name in ("digitrec", "model(x)", "model.predict")]
        figures = ("" if one is None else f"{one:,.0f}" if one >= 1000 else f"{one:.4g}" for one in values)
        assert f"| {row['what']} | {row['unit']} | {' | '.join(figures)} |" in readme
    (one,) = (row["digitrec"] for row in measured["rows"] if row["what"] == "one 28×28 array")
    assert one < 0.2
    assert "less than a fifth of a millisecond" in unwrap(readme)
    assert f"on {measured['machine']['cores']} cores of an {measured['machine']['processor']}" in unwrap(readme)


def test_every_result_says_what_made_it_and_stands_in_the_log():
    log = (ROOT / "benchmarks" / "LOG.md").read_text()
    for path in (ROOT / "benchmarks").glob("*.json"):
        result = json.loads(path.read_text())
        assert {"date", "commit"} <= set(result), path.name
        assert path.name == "sealed.json" or "machine" in result, path.name
        assert f"]({path.name})" in log, path.name
        assert f"| {result['date']} | {result['commit'][:7]}" in log, path.name


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
    for latency in (measured["latency"], measured["numbers"]):
        assert f"{latency['median_ms']:.0f} ms, {latency['p95_ms']:.0f} ms at the 95th percentile" in unwrap(readme)
        assert latency["p95_ms"] <= 150
    clients = measured["clients"]
    told = (
        f"get {clients['per_second']:.0f} answers a second, each after a median wait of {clients['median_ms']:.0f} ms"
    )
    assert told in unwrap(readme)
    assert measured["clients"]["failures"] == 0


def test_readme_quotes_what_was_read_of_numbers():
    readme, measured = unwrap(read_readme()), read_result("real_numbers")
    methods = measured["methods"]
    for name, ours in methods["ctc"].items():
        row = next(line for line in read_readme().splitlines() if line.startswith(f"| {name}: "))
        low, high, right = (100 * ours[key] for key in ("low", "high", "right"))
        assert f"| {ours['n']} | **{right:.1f} %** ({low:.1f}–{high:.1f}) |" in row
        others = (methods[other][name]["right"] for other in ("lattice", "cut", "rapidocr", "tesseract"))
        shares = [*others, ours["answered"], ours["right_of_answered"]]
        assert row.endswith("".join(f" {100 * share:.1f} % |" for share in shares))
    reads_most = all(
        ours["right"] > other[name]["right"]
        for other in list(methods.values())[1:]
        for name, ours in methods["ctc"].items()
    )
    assert reads_most == ("On every set it reads most." in readme)
    alone, theirs = (methods[name]["logbook_numbers"]["right_digits_only"] for name in ("ctc", "rapidocr"))
    assert f"digits alone {100 * alone:.1f} % are read exactly (RapidOCR {100 * theirs:.1f} %)" in readme
    assert f"logbook's cell takes {methods['ctc']['logbook_numbers']['ms']:.0f} ms in the median" in readme
    assert f"(rapidocr {measured['others']['rapidocr']}), Tesseract {measured['others']['tesseract']}" in readme


def test_the_network_of_numbers_is_whole_and_the_one_that_was_measured():
    folder = ROOT / "models" / "numbers"
    for name in ("model.keras", "model.onnx", "config.json"):
        model_folder.read_verified(folder, name)
    temperature, threshold = model_folder.read_calibration(folder)
    assert read_result("real_numbers")["threshold"] == threshold
    assert (folder / "model.onnx").stat().st_size <= 3_000_000
    assert temperature > 0


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
    extra = re.compile(r"\[[a-z,]+\](?===)")
    direct = re.findall(r"^([a-z0-9-]+)==(\S+)", extra.sub("", (ROOT / "requirements.txt").read_text()), re.MULTILINE)
    lock = extra.sub("", (ROOT / "requirements.lock").read_text())
    for name, version in direct:
        assert f"\n{name}=={version} " in f"\n{lock}"
    pins = re.findall(r"^[a-z0-9-]+==.*?(?=^[a-z]|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert len(pins) >= len(direct)
    assert all("--hash=sha256:" in pin for pin in pins)
    assert "http" not in re.sub(r"aiohttp|httpcore|httpx|httptools", "", lock)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    assert {re.split("[<>=[]", item)[0] for item in wanted} - {"digitrec"} <= {name for name, _ in direct}


def test_readme_quotes_what_strings_damage_and_training_measured():
    readme = unwrap(read_readme())
    several = read_result("strings")["share_called_several"]
    assert f"{several['strings']:.1%}".replace("%", " %") + " are called several digits" in readme
    assert f"of 10,000 single digits {100 * several['single']:.2f} %" in readme
    damages = read_result("damage")["damages"]
    for words, name in (
        ("undamaged {} are answered right", "undamaged"),
        ("in a printed box {}", "printed box, thick"),
        ("on dark squared paper {}", "squared, dark"),
        ("hand's shadow of 40 % {}", "hand's shadow, 40 %"),
        ("beside a flash {}", "flash beside the digit"),
        ("turned by 30 degrees {}", "turned by 30 degrees"),
    ):
        assert words.format(f"{100 * damages[name]['right']:.1f} %") in readme, name
    numbers = read_result("number_damage")
    for words, name in (
        ("{} are read exactly, in a form's", "undamaged"),
        ("in a form's field {}", "a form's field, thin"),
        ("one digit in each of its cells {}", "a cell for each digit"),
        ("on dark squared paper {}, a quarter", "squared, dark"),
        ("a quarter as large in the photo {}", "a quarter as large"),
        ("an eighth as large {}", "an eighth as large"),
        ("alone on a page of A4 {}", "alone on a page"),
        ("hand's shadow of 40 % {}, beside", "hand's shadow, 40 %"),
        ("beside a flash {}, turned by 8", "flash beside the number"),
        ("turned by 8 degrees {}", "turned by 8 degrees"),
        ("by 30 degrees {}, drawn", "turned by 30 degrees"),
        ("broad brush on black {}", "a broad brush on black"),
    ):
        assert words.format(f"{100 * numbers['damages'][name]['right']:.1f} %") in readme, name
    plain = numbers["damages"]["undamaged"]
    answered, right = (f"{100 * plain[key]:.1f} %" for key in ("answered", "right_of_answered"))
    assert f"Of {numbers['numbers']} on plain paper" in readme
    assert f"Undamaged {answered} are answered, {right} of these right." in readme
    training = read_result("training")
    now, before = training["now"]["training_s"], training["before"]["training_s"]
    assert f"takes {now:.0f} s, {now / before:.2f} of the {before:.0f} s that the recipe of commit" in readme
    assert training["commit_before"] in readme
    held = read_result("training_avx2")
    now, before = held["now"]["training_s"], held["before"]["training_s"]
    assert f"it takes {now:.0f} s, {now / before:.2f} of the {before:.0f} s there" in readme
    assert f"where the training within it takes {now / 60:.1f} minutes" in readme


def test_readme_quotes_what_two_workers_measured():
    spec = importlib.util.spec_from_file_location("scale", ROOT / "benchmarks" / "scale.py")
    scale = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scale)
    if not (ROOT / "benchmarks" / "scale.json").is_file():
        pytest.skip("benchmarks/scale.py has not been run yet")
    measured = read_result("scale")
    assert measured["quick"] is False
    assert measured["reading"]["2 workers"]["jobs"] == 200_000
    sentence = read_readme().partition(scale.BEGIN)[2].partition(scale.END)[0]
    assert unwrap(sentence) == scale.describe(measured)
