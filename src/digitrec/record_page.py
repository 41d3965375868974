"""RECORDS.md: the records as a page, generated from what was measured; what was not measured is not on it."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from digitrec import records, standings
from digitrec.sprint.recipe import LADDER, TRIALS, Change, Recipe
from digitrec.sprint.weights import count_multiplications, count_weights

Result = dict[str, Any]
# What a small network costs, and how that is written.
_COSTS = {"bytes": "{:,.0f}", "bytes_int8": "{:,.0f}", "picture_us": "{:.0f}", "epochs": "{:.0f}", "train_s": "{:.0f}"}

_HEAD = """# Records

How fast, how small and how good a reader of MNIST's digits can be, by one protocol: 55,000 pictures to train on, 5,000
to choose by, and the 10,000 of the test set read once, by the command that is named, after every choice was made. What
others have done is run again beside, in turns, on the same machine. Each figure is of at least ten seeds unless it says
otherwise; ± is the standard deviation over them. This page is written by `digitrec.record_page` from the files in
[records/](records/LOG.md), whose log tells when each was measured.
"""


def write_page(folder: Path | None = standings.FOLDER, page: Path | None = None) -> str:
    """Write RECORDS.md and return its text.

    Args:
        folder: where the results lie.
        page: where to; None for RECORDS.md beside the folder.

    Raises:
        ValueError: there is no folder of results: the package was installed without its checkout.
    """
    if folder is None:
        raise ValueError("folder: expected that of a checkout's results, got None")
    sections: dict[str, Callable[[str, Result], str]] = {
        "seconds": _write_seconds,
        "seconds_avx2": _write_seconds,
        "ladder": _write_ladder,
        "weights": _write_weights,
        "champion_gpu": _write_champion,
        "champion_cpu": _write_champion,
        "doubted_gpu": _write_doubted,
        "doubted_cpu": _write_doubted,
    }
    found = {name: standings.read_result(name, folder) for name in sections}
    parts = [sections[name](name, result) for name, result in found.items() if result]
    text = "\n".join([_HEAD, *parts])
    records.write_text(page or folder.parent / "RECORDS.md", text)
    return text


def _write_seconds(name: str, result: Result) -> str:
    figures = standings.summarise(result["runs"], by="who")
    recipe, ours = Recipe.from_json(result["setup"]["recipe"]), figures["sprint"]
    held = " as on a processor with AVX2 alone" if result["setup"]["instructions"] == "AVX2" else ""
    rows = [
        (
            "**the sprint**" if who == "sprint" else who,
            f"{one['time_s']:.2f} s",
            "" if who == "sprint" else f"{ours['time_s'] / one['time_s']:.3f}",
            _write_share(one),
            f"{one['least']:.2%}",
        )
        for who, one in figures.items()
    ]
    peer = result["setup"]["peer"]
    return (
        f"## Seconds to 99 %{held}\n\n"
        f"From MNIST's pictures in memory to a network's accuracy on the test set, {ours['n']} runs each, in turns.\n\n"
        + _write_table(("", "median time", "the sprint's share of it", "test accuracy", "lowest"), rows)
        + f"\nThe sprint is the last rung of the ladder: {count_weights(recipe):,} weights, "
        f"{count_multiplications(recipe):,} multiplications a\npicture, {recipe.steps} steps of {recipe.batch_size}"
        f"{_write_pieces(recipe)}. "
        f"Importing TensorFlow took {result['import_s']:.1f} s more and compiling {result['compile_s']:.1f} s, once a "
        "process.\n[train_mnist_fast](https://github.com/tuomaso/train_mnist_fast)'s last recipe trains on all 60,000 "
        f"pictures, by PyTorch\n{peer['torch']} on {peer['threads']} threads; "
        "its pictures are normalised beforehand.\n\n" + _write_origin(name, result)
    )


def _write_pieces(recipe: Recipe) -> str:
    threads = ", one thread an operation of TensorFlow" if recipe.threads == 1 else ""
    return f" in {recipe.pieces} pieces{threads}" if recipe.pieces > 1 else ""


def _write_ladder(name: str, result: Result) -> str:
    figures = standings.summarise(result["runs"], by="rung")
    recipes = {rung: Recipe.from_json(values) for rung, values in result["setup"]["recipes"].items()}

    def list_rows(changes: Sequence[Change]) -> list[tuple[str, ...]]:
        return [
            (
                f"`{rung}`",
                text,
                _write_share(figures[rung]),
                f"{figures[rung]['time_s']:.2f} s",
                f"{count_multiplications(recipes[rung]) / 1e6:.2f} M",
            )
            for rung, text, _ in changes
            if rung in figures
        ]

    columns = ("rung", "change", "validation", "median time", "multiplications")
    n = min(one["n"] for one in figures.values())
    return (
        f"## The ladder\n\nEach rung is the one above it with one change; {n} seeds, on validation, all in turns. "
        "`python records/seconds.py --rung NAME` runs one.\n\n"
        + _write_table(columns, list_rows(LADDER))
        + "\nWhat did not help, each tried on the last rung:\n\n"
        + _write_table(columns, list_rows(TRIALS))
        + "\n"
        + _write_origin(name, result)
    )


def _write_weights(name: str, result: Result) -> str:
    figures = standings.summarise(result["runs"], by="weights")
    rounded = standings.summarise(result["runs"], by="weights", value="accuracy_int8")
    rows = []
    for weights, one in sorted(figures.items()):
        runs = [run for run in result["runs"] if run["weights"] == weights]
        typical = {key: statistics.median(run[key] for run in runs) for key in _COSTS}
        rows.append(
            (
                f"{weights:,}",
                f"`{runs[0]['layers']}`",
                _write_share(one),
                f"{rounded[weights]['mean']:.2%}",
                str(one["n"]),
                *(form.format(typical[key]) for key, form in _COSTS.items()),
            )
        )
    costs = ("bytes", "bytes in int8", "µs a picture", "epochs", "s a training")
    columns = ("weights", "layers", "test accuracy", "in int8", "seeds", *costs)
    return (
        "## Few weights\n\nMNIST alone, varied a little; of each training the epoch best on validation is kept. "
        "Weights are all variables,\nthose of the normalisation included. Bytes are those of the ONNX file, which "
        "describes the layers as well and, in int8, how\neach map is scaled. Pictures are read one by one, by ONNX "
        "Runtime on one thread, while the other core trains.\n\n"
        + _write_table(columns, rows)
        + "\n"
        + _write_origin(name, result)
    )


def _write_champion(name: str, result: Result) -> str:
    runs, setup = result["runs"], result["setup"]
    single, looks = (
        standings.summarise(runs, by="who", value=value)["single"] for value in ("accuracy", "accuracy_looks")
    )
    rows = [
        (text, _write_share(one), f"{one['n']} seeds") if one["n"] > 1 else (text, f"{one['mean']:.2%}", "1 seed")
        for text, one in (("one network", single), ("one network, five looks", looks))
    ]
    rows += [
        (f"{len(one['members'])} together", f"{one['accuracy']:.2%}", f"seeds {', '.join(map(str, one['members']))}")
        for one in result["ensembles"]
    ]
    chosen, together = "", ""
    if result["ensembles"]:
        chosen, together = ", and by validation\nthe networks were chosen that read together", " and the best ensemble"
    return (
        f"## The best network{together}, on {'a GPU' if name.endswith('gpu') else 'two cores'}\n\n"
        + _write_table(("", "test accuracy", ""), rows)
        + f"\n`{setup['layers']}`: {runs[0]['weights']:,} weights, {setup['config']['epochs']} epochs by Keras on "
        f"{setup['backend']} ({setup['device']}), {statistics.median(one['train_s'] for one in runs) / 60:.1f} "
        "minutes\neach, as many side by side as the command says. Of each training the epoch best on validation is "
        f"kept{chosen}. At five\nlooks a network reads a picture as it is and moved by a pixel each way, and the mean "
        "counts.\n\n" + (_write_left(result) if len(runs) > 1 else "") + _write_origin(name, result)
    )


def _write_left(result: Result) -> str:
    left = ", ".join(
        f"{one['place']} ({one['label']} read as {' or '.join(map(str, one['read']))})"
        for one in result["wrong_by_all"]
    )
    doubted = ", ".join(map(str, result["doubted_test_labels"]))
    return (
        f"Test pictures that every network misreads: {left or 'none'}. Labels of the test set that all networks\n"
        f"together doubt: {doubted or 'none'}.\n\n"
    )


def _write_doubted(name: str, result: Result) -> str:
    shown = [f"{one['place']} ({one['label']}, read as {one['read']})" for one in result["doubted"][:20]]
    cleanlab = ""
    if listed := result.get("cleanlab"):
        both = len({one["place"] for one in result["doubted"]} & set(listed["places"]))
        cleanlab = f"cleanlab {listed['version']} lists {len(listed['places'])}, {both} of them the same.\n"
    return (
        f"## Doubted labels\n\nOf the training pictures {len(result['doubted'])} have a label that a network not "
        "trained on them doubts (confident\nlearning, at the temperature that suits validation). The most doubted, by "
        f"place in the training part:\n{', '.join(shown) or 'none'}.\n{cleanlab}\n" + _write_origin(name, result)
    )


def _write_share(one: Mapping[str, float]) -> str:
    return f"{one['mean']:.2%} ± {one['deviation']:.2%}"


def _write_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _write_origin(name: str, result: Mapping[str, Any]) -> str:
    machine = result["machine"]
    return (
        f"`{result['command']}`, commit {result['commit']}, {result['date']}, {result['wall_s'] / 60:.1f} minutes on "
        f"{machine['cores']} cores\nof {machine['processor']}: [{name}.json](records/{name}.json).\n"
    )
