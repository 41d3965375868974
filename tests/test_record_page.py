"""RECORDS.md is what the results say, and each result stands in the log of the records."""

import json

import pytest

from digitrec import record_page, records, standings
from digitrec.sprint import build_rungs, build_trials

FOLDER = standings.FOLDER
ROOT = FOLDER.parent
ORIGIN = {
    "machine": {"processor": "P", "cores": 2, "system": "Linux"},
    "date": "2026-11-26",
    "commit": "abc",
    "command": "python records/seconds.py --peer python",
    "wall_s": 90.0,
}


def test_the_page_is_generated_from_what_was_measured(tmp_path):
    text = record_page.write_page(page=tmp_path / "RECORDS.md")
    assert (tmp_path / "RECORDS.md").read_text() == text
    assert text == (FOLDER.parent / "RECORDS.md").read_text()


def test_every_result_says_what_made_it_and_stands_in_the_log():
    log = (FOLDER / "LOG.md").read_text()
    for path in FOLDER.glob("*.json"):
        result = json.loads(path.read_text())
        assert set(ORIGIN) <= set(result), path.name
        assert f"| {result['commit']} | " in log, path.name
        assert f"[{path.name}]({path.name}) |" in log, path.name


def test_where_nothing_was_measured_nothing_is_claimed(tmp_path):
    text = record_page.write_page(tmp_path, tmp_path / "page.md")
    assert "##" not in text
    with pytest.raises(ValueError, match="folder: expected that of a checkout"):
        record_page.write_page(None)


def test_seconds_are_quoted_as_measured(tmp_path):
    *_, recipe = build_rungs().values()
    runs = [
        {"who": who, "accuracy": accuracy, "time_s": time_s}
        for who, accuracy, time_s in (("sprint", 0.99, 0.5), ("sprint", 0.992, 0.7), ("peer", 0.989, 6.0))
    ]
    setup = {"recipe": recipe.to_json(), "instructions": "AVX2", "peer": {"torch": "2.13", "threads": 2}}
    records.write_json(
        tmp_path / "seconds.json", ORIGIN | {"setup": setup, "runs": runs, "import_s": 5.0, "compile_s": 2.0}
    )
    text = record_page.write_page(tmp_path, tmp_path / "page.md")
    assert "| **the sprint** | 0.60 s |  | 99.10% ± 0.14% | 99.00% |" in text
    assert "| peer | 6.00 s | 0.100 | 98.90% ± 0.00% | 98.90% |" in text
    assert "as on a processor with AVX2 alone" in text
    assert "`python records/seconds.py --peer python`, commit abc, 2026-11-26, 1.5 minutes on 2 cores" in text


def test_the_ladder_names_every_rung_and_trial(tmp_path):
    recipes = build_rungs() | build_trials()
    runs = [{"rung": name, "accuracy": 0.99, "time_s": 1.0, "seed": 0} for name in recipes]
    setup = {"recipes": {name: recipe.to_json() for name, recipe in recipes.items()}}
    records.write_json(tmp_path / "ladder.json", ORIGIN | {"setup": setup, "runs": runs})
    text = record_page.write_page(tmp_path, tmp_path / "page.md")
    for name in recipes:
        assert f"| `{name}` | " in text
    assert "What did not help" in text


def test_few_weights_are_quoted_with_what_they_cost(tmp_path):
    costs = {"bytes": 7000, "bytes_int8": 9000, "picture_us": 12.4, "epochs": 30, "train_s": 90}
    run = {"weights": 1286, "layers": "5x6 pool", "accuracy_int8": 0.99, **costs}
    runs = [run | {"accuracy": accuracy} for accuracy in (0.991, 0.993)]
    runs.append(runs[0] | {"weights": 538, "layers": "5x4 pool"})
    records.write_json(tmp_path / "weights.json", ORIGIN | {"setup": {}, "runs": runs})
    text = record_page.write_page(tmp_path, tmp_path / "page.md")
    assert text.index("| 538 | `5x4 pool`") < text.index("| 1,286 |")
    assert "| 1,286 | `5x6 pool` | 99.20% ± 0.14% | 99.00% | 2 | 7,000 | 9,000 | 12 | 30 | 90 |" in text


def test_the_champion_says_what_is_left(tmp_path):
    champion = {
        "setup": {"backend": "jax", "device": "a GPU", "layers": "5x4 pool", "config": {"epochs": 40}},
        "runs": [
            {"who": "single", "accuracy": accuracy, "accuracy_looks": accuracy + 0.001, "weights": 1234, "train_s": 90}
            for accuracy in (0.997, 0.998)
        ],
        "ensembles": [{"members": [1, 0, 2], "accuracy": 0.9985}],
        "wrong_by_all": [{"place": 2130, "label": 4, "read": [9]}, {"place": 7, "label": 9, "read": [4, 7]}],
        "doubted_test_labels": [2130],
    }
    records.write_json(tmp_path / "champion_gpu.json", ORIGIN | champion)
    doubted = {"setup": {}, "runs": [], "doubted": [{"place": 5, "label": 3, "read": 8}]}
    doubted["cleanlab"] = {"version": "2.9.0", "places": [5, 9]}
    records.write_json(tmp_path / "doubted_gpu.json", ORIGIN | doubted)
    text = record_page.write_page(tmp_path, tmp_path / "page.md")
    assert "| one network | 99.75% ± 0.07% | 2 seeds |" in text
    assert "## The best network and the best ensemble, on a GPU" in text
    assert "| one network, five looks | 99.85% ± 0.07% | 2 seeds |" in text
    assert "| 3 together | 99.85% | seeds 1, 0, 2 |" in text
    assert "`5x4 pool`: 1,234 weights, 40 epochs by Keras on jax (a GPU), 1.5 minutes" in text
    assert "2130 (4 read as 9), 7 (9 read as 4 or 7)" in text
    assert "5 (3, read as 8)" in text
    assert "cleanlab 2.9.0 lists 2, 1 of them the same." in text


def test_of_a_single_seed_no_deviation_and_no_ensemble_is_claimed(tmp_path):
    run = {"who": "single", "accuracy": 0.9971, "accuracy_looks": 0.9972, "weights": 1234, "train_s": 480}
    setup = {"backend": "tensorflow", "device": "cpu", "layers": "5x4 pool", "config": {"epochs": 16}}
    found = {"ensembles": [], "wrong_by_all": [{"place": 7, "label": 9, "read": [4]}], "doubted_test_labels": []}
    records.write_json(tmp_path / "champion_cpu.json", ORIGIN | {"setup": setup, "runs": [run]} | found)
    text = record_page.write_page(tmp_path, tmp_path / "page.md").split("##")[1]
    assert text.startswith(" The best network, on two cores\n")
    assert "| one network | 99.71% | 1 seed |" in text
    assert "±" not in text
    assert "misreads" not in text


def read_answer(name):
    """The first cell of a notebook, in one line."""
    return " ".join(
        "".join(json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text())["cells"][0]["source"]).split()
    )


def test_the_notebook_of_the_best_network_answers_with_the_record():
    answer = read_answer("13_the_best_network")
    best, doubted = (standings.read_result(f"{name}_gpu") for name in ("champion", "doubted"))
    single = standings.summarise(best["runs"], by="who")["single"]
    together = {len(one["members"]): one["accuracy"] for one in best["ensembles"]}
    assert single["n"] == 10
    for text in (
        f"One network reads {single['mean']:.2%} of the test digits in the mean of ten seeds".replace("%", " %"),
        f"five that validation chose {100 * together[5]:.2f} % together",
        f"all ten {100 * together[10]:.2f} %",
        f"and {len(doubted['doubted'])} of the training part",
    ):
        assert text in answer
    assert ("Twelve of the 10,000 none of the ten reads" in answer) == (len(best["wrong_by_all"]) == 12)
    assert ("doubt one label of the test set" in answer) == (len(best["doubted_test_labels"]) == 1)


def test_the_notebook_of_few_weights_answers_with_the_record():
    answer, runs = read_answer("12_how_few_weights"), standings.read_result("weights")["runs"]
    means = {n: one["mean"] for n, one in standings.summarise(runs, by="weights").items()}
    assert "Some fourteen hundred, and four and a half thousand for 99.5 %" in answer
    assert 1350 < min(n for n, mean in means.items() if mean >= 0.99) < 1450
    assert 4250 < min(n for n, mean in means.items() if mean >= 0.995) <= 4500


def test_the_readme_quotes_the_records():
    seconds, weights, best = (standings.read_result(name) for name in ("seconds", "weights", "champion_gpu"))
    sprint = standings.summarise(seconds["runs"], by="who")["sprint"]
    rows = [(f"taught for {sprint['time_s']:.2f} s on two cores", sprint)]
    rows += [
        (f"{run['weights']:,} weights", standings.summarise(weights["runs"], by="network")[run["network"]])
        for run in sorted(weights["runs"], key=lambda run: run["weights"])
        if run["seed"] == 0 and run["network"] in ("tiny", "few", "small")
    ]
    single = standings.summarise(best["runs"], by="who")["single"]
    rows.append((f"the best single network, {best['runs'][0]['weights']:,} weights, taught on a GPU", single))
    assert all(one["n"] == 10 for _, one in rows)
    five = next(one for one in best["ensembles"] if len(one["members"]) == 5)
    rows.append(("five of these together, chosen on validation", {"mean": five["accuracy"]}))
    table = "".join(f"| {text} | {one['mean']:.2%} |\n" for text, one in rows)
    assert f"| | right |\n| --- | ---: |\n{table}\n" in (ROOT / "README.md").read_text()
