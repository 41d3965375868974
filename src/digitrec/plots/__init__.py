"""Every figure: arrays in, a matplotlib `Figure` out; a function bears the name of its file.

The message of a figure is its title, computed from the arrays. Nothing is shown or saved here and
no global style is changed. Throughout, `images` are uint8 (n, height, width), 0-255, ink bright
(drawn dark on white); `labels` are int (n,); `probabilities` are float (n, 10) in 0-1.
"""

from digitrec.plots.comparison import (
    accuracy_against_time,
    feature_grid,
    feature_views,
    learning_curves,
    real_against_test,
)
from digitrec.plots.counts import class_balance, ink_histogram
from digitrec.plots.pictures import (
    attention,
    augmentation_grid,
    confident_errors,
    mean_digits,
    picture_rows,
    prediction_bars,
    sample_grid,
    stages,
)
from digitrec.plots.results import (
    accuracy_curves,
    bars_per_set,
    confusion_counts,
    confusion_rates,
    loss_curves,
    precision_recall_bars,
    reliability_diagram,
    risk_coverage,
    score_histograms,
)
from digitrec.plots.search import ablation_bars, search_history, setting_importance, setting_slices

__all__ = [
    "ablation_bars",
    "accuracy_against_time",
    "accuracy_curves",
    "attention",
    "augmentation_grid",
    "bars_per_set",
    "class_balance",
    "confident_errors",
    "confusion_counts",
    "confusion_rates",
    "feature_grid",
    "feature_views",
    "ink_histogram",
    "learning_curves",
    "loss_curves",
    "mean_digits",
    "picture_rows",
    "precision_recall_bars",
    "prediction_bars",
    "real_against_test",
    "reliability_diagram",
    "risk_coverage",
    "sample_grid",
    "score_histograms",
    "search_history",
    "setting_importance",
    "setting_slices",
    "stages",
]
