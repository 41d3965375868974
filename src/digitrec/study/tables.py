"""Results of the study as tables: one to compute with, and one to read."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from digitrec.evaluation import mcnemar

_MEASURED = ("accuracy", "errors", "precision", "recall", "f1", "fit_time_s", "time_per_image_s", "size_bytes")


def tabulate(results: Mapping[str, Mapping[str, Any]], labels: ArrayLike) -> pd.DataFrame:
    """Put the results into a table, the most accurate first.

    Args:
        results: as `protocol.run_study` returns them.
        labels: int (n,), of the test set, for McNemar's test against the most accurate method.

    Returns:
        A row a method: what was measured; low and high, the accuracy's 95 % interval; real, the mean accuracy over the
        sets of real handwriting (NaN without any); p_best, McNemar's p-value against the first row; tuned; family;
        and what made the row: processor, date, commit.
    """
    truth = np.asarray(labels)
    right = {name: np.array(list(result["predictions"]), int) == truth for name, result in results.items()}
    best = max(results, key=lambda name: results[name]["accuracy"])
    rows = {}
    for name, result in results.items():
        low, high = result["accuracy_interval"]
        rows[name] = {
            **{column: result[column] for column in _MEASURED},
            "low": low,
            "high": high,
            "real": float(np.mean(list(result["sets"].values()))) if result["sets"] else np.nan,
            "p_best": mcnemar(right[name], right[best]),
            "tuned": result["tuned"],
            "family": result["family"],
            "processor": result["machine"]["processor"],
            "date": result["date"],
            "commit": result["commit"],
        }
    return pd.DataFrame.from_dict(rows, orient="index").sort_values("accuracy", ascending=False, kind="stable")


def format_table(table: pd.DataFrame) -> pd.DataFrame:
    """Write the cells of `tabulate`'s table as text, for people: units in the header, the interval beside its value."""
    return pd.DataFrame({
        "accuracy (95 % interval)": [f"{r.accuracy:.2%} ({r.low:.2%}–{r.high:.2%})" for r in table.itertuples()],
        "errors": table.errors.to_numpy(),
        "macro precision": table.precision.map("{:.2%}".format).to_numpy(),
        "recall": table.recall.map("{:.2%}".format).to_numpy(),
        "F1": table.f1.map("{:.2%}".format).to_numpy(),
        "p against the best": [f"{p:.3f}" if p >= 0.001 else "< 0.001" for p in table.p_best],
        "real handwriting": ["" if np.isnan(share) else f"{share:.1%}" for share in table.real],
        "fit, s": table.fit_time_s.map("{:.1f}".format).to_numpy(),
        "an image, ms": (1000 * table.time_per_image_s).map("{:.3g}".format).to_numpy(),
        "size, MB": (table.size_bytes / 1e6).map("{:.3g}".format).to_numpy(),
    }, index=table.index)  # fmt: skip
