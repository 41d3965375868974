"""Records over many seeds: runs kept as they come, what they come to, and a line in the log for each measurement."""

import json
import shlex
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from digitrec import records
from digitrec.jobs import Spread, one_by_one

FOLDER = records.CHECKOUT / "records" if records.CHECKOUT else None
_RULE = "| --- | --- | --- | --- | --- |\n"


def read_result(name: str, folder: Path | None = FOLDER) -> dict[str, Any] | None:
    """Return what was measured under that name; None where it was not, or outside a checkout."""
    path = folder / f"{name}.json" if folder else None
    return json.loads(path.read_text()) if path and path.exists() else None


def keep_runs(
    path: Path,
    setup: Mapping[str, Any],
    jobs: Iterable[Mapping[str, Any]],
    run: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    command: Sequence[str],
    notes: Mapping[str, Any] | None = None,
    spread: Spread = one_by_one,
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Run every job that the file does not hold yet; the file is whole after each, so a stopped measurement goes on.

    Args:
        path: where the result goes. What it holds of another setup or machine is measured anew.
        setup: what was measured, in JSON's types.
        jobs: in the order in which they are to run, each in JSON's types.
        run: from a job to what came of it, in JSON's types.
        command: what made the result, to be written down.
        notes: what else is to be written down, as it was when the measurement began.
        spread: who runs them, see `jobs.Spread`.
        report: called with a line for each job.

    Returns:
        What the file holds: machine, versions, date, commit and command of the last that added to it, setup, `wall_s`
        in all, and `runs`, in the order of the jobs, each a job with what came of it, and the commit that ran it.
    """
    origin = {**records.describe_origin(), "command": shlex.join(command)}
    result = {**origin, "setup": dict(setup), **(notes or {}), "wall_s": 0.0, "runs": []}
    if path.exists():
        stored = json.loads(path.read_text())
        if all(stored.get(name) == json.loads(json.dumps(result[name])) for name in ("machine", "setup")):
            result = stored
    jobs, before = list(jobs), result["wall_s"]

    def find_place(one: Mapping[str, Any]) -> int:
        """Return the place of a run among the jobs; what is none of them comes first."""
        return next((place for place, job in enumerate(jobs) if job.items() <= one.items()), -1)

    known = {find_place(one) for one in result["runs"]}
    missing = [job for place, job in enumerate(jobs) if place not in known]
    if missing:
        result |= origin
    start = time.perf_counter()
    for i, outcome in spread(run, [(job,) for job in missing]):
        one = {**missing[i], **outcome}
        result["runs"] = sorted([*result["runs"], {**one, "commit": origin["commit"]}], key=find_place)
        result["wall_s"] = round(before + time.perf_counter() - start, 2)
        records.write_json(path, result)
        report("  ".join(f"{name} {value}" for name, value in one.items()))
    return result


def summarise(runs: Iterable[Mapping[str, Any]], by: str, value: str = "accuracy") -> dict[Any, dict[str, float]]:
    """Sum up runs by what they have in common.

    Args:
        runs: as `keep_runs` gives them.
        by: the key whose values tell the groups apart, in the order in which they come.
        value: the key whose values are averaged.

    Returns:
        For each group n, mean, deviation (n - 1; 0 for one run) and least of the values, and of `time_s`, where the
        runs have it, the median.
    """
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for one in runs:
        groups.setdefault(one[by], []).append(one)
    summary = {}
    for name, group in groups.items():
        values = [one[value] for one in group]
        figures = {
            "n": len(values),
            "mean": statistics.mean(values),
            "deviation": statistics.stdev(values) if len(values) > 1 else 0.0,
            "least": min(values),
        }
        if "time_s" in group[0]:
            figures["time_s"] = statistics.median(one["time_s"] for one in group)
        summary[name] = figures
    return summary


def log(path: Path, result: Mapping[str, Any], what: str, found: str, where: str) -> None:
    """Put a line on top of a log's table: date, commit, what was measured, what was found, and the file.

    Args:
        path: the log, which has a table of five columns.
        result: as `keep_runs` gives it.
        what: that was measured.
        found: the figures.
        where: the file's name, beside the log.
    """
    date = datetime.now(UTC).date().isoformat()
    machine = f"{result['machine']['cores']} cores, {result['machine']['processor']}"
    cost = f"`{result['command']}`, {result['wall_s'] / 60:.1f} min on {machine}"
    line = f"| {date} | {result['commit']} | {what}: {cost} | {found} | [{where}]({where}) |\n"
    text = path.read_text()
    if line not in text:
        records.write_text(path, text.replace(_RULE, _RULE + line, 1))
