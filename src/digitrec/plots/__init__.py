"""Every figure: arrays in, a matplotlib `Figure` out; a notebook shows it by itself.

The message of a figure is its title, computed from the arrays: a winner is named only where there is one (findings).
Every one takes `ax=`, axes to draw onto in place of a figure of its own.
Nothing is shown or saved here and no global style is changed. Throughout, `images` are uint8 (n, height, width),
0-255, ink bright (drawn dark on white); `labels` are int (n,); `probabilities` are float (n, 10) in 0-1.
"""

from typing import TYPE_CHECKING

from digitrec.faces import hand_on

if TYPE_CHECKING:
    from digitrec.plots.comparison import accuracy_against_time as accuracy_against_time
    from digitrec.plots.comparison import learning_curves as learning_curves
    from digitrec.plots.comparison import real_against_test as real_against_test
    from digitrec.plots.confidence import reliability_diagram as reliability_diagram
    from digitrec.plots.confidence import risk_coverage as risk_coverage
    from digitrec.plots.confidence import score_histograms as score_histograms
    from digitrec.plots.counts import class_balance as class_balance
    from digitrec.plots.counts import ink_histogram as ink_histogram
    from digitrec.plots.curves import accuracy_curves as accuracy_curves
    from digitrec.plots.curves import loss_curves as loss_curves
    from digitrec.plots.features import feature_grid as feature_grid
    from digitrec.plots.features import feature_views as feature_views
    from digitrec.plots.images import augmentation_grid as augmentation_grid
    from digitrec.plots.images import mean_digits as mean_digits
    from digitrec.plots.images import picture_rows as picture_rows
    from digitrec.plots.images import sample_grid as sample_grid
    from digitrec.plots.images import stages as stages
    from digitrec.plots.inside import embedding_maps as embedding_maps
    from digitrec.plots.inside import feature_maps as feature_maps
    from digitrec.plots.inside import filter_bank as filter_bank
    from digitrec.plots.inside import strongest_windows as strongest_windows
    from digitrec.plots.numbers import length_bars as length_bars
    from digitrec.plots.numbers import method_bars as method_bars
    from digitrec.plots.numbers import number_failures as number_failures
    from digitrec.plots.numbers import number_stages as number_stages
    from digitrec.plots.pairs import paired_bars as paired_bars
    from digitrec.plots.probes import attack_bands as attack_bands
    from digitrec.plots.probes import blend_curves as blend_curves
    from digitrec.plots.probes import heat_maps as heat_maps
    from digitrec.plots.probes import kind_bars as kind_bars
    from digitrec.plots.readings import attention as attention
    from digitrec.plots.readings import captioned_digits as captioned_digits
    from digitrec.plots.readings import confident_errors as confident_errors
    from digitrec.plots.readings import prediction_bars as prediction_bars
    from digitrec.plots.records import cost_front as cost_front
    from digitrec.plots.records import ladder_steps as ladder_steps
    from digitrec.plots.records import together_curve as together_curve
    from digitrec.plots.results import bars_per_set as bars_per_set
    from digitrec.plots.results import confusion_counts as confusion_counts
    from digitrec.plots.results import confusion_rates as confusion_rates
    from digitrec.plots.results import precision_recall_bars as precision_recall_bars
    from digitrec.plots.scaling import break_even_curves as break_even_curves
    from digitrec.plots.scaling import speedup_curves as speedup_curves
    from digitrec.plots.search import ablation_bars as ablation_bars
    from digitrec.plots.search import search_history as search_history
    from digitrec.plots.search import setting_importance as setting_importance
    from digitrec.plots.search import setting_slices as setting_slices

__all__, __getattr__, __dir__ = hand_on(
    __name__,
    {
        "comparison": ("accuracy_against_time", "learning_curves", "real_against_test"),
        "confidence": ("reliability_diagram", "risk_coverage", "score_histograms"),
        "counts": ("class_balance", "ink_histogram"),
        "curves": ("accuracy_curves", "loss_curves"),
        "features": ("feature_grid", "feature_views"),
        "images": ("augmentation_grid", "mean_digits", "picture_rows", "sample_grid", "stages"),
        "inside": ("embedding_maps", "feature_maps", "filter_bank", "strongest_windows"),
        "numbers": ("length_bars", "method_bars", "number_failures", "number_stages"),
        "pairs": ("paired_bars",),
        "probes": ("attack_bands", "blend_curves", "heat_maps", "kind_bars"),
        "readings": ("attention", "captioned_digits", "confident_errors", "prediction_bars"),
        "records": ("cost_front", "ladder_steps", "together_curve"),
        "results": ("bars_per_set", "confusion_counts", "confusion_rates", "precision_recall_bars"),
        "scaling": ("break_even_curves", "speedup_curves"),
        "search": ("ablation_bars", "search_history", "setting_importance", "setting_slices"),
    },
)  # fmt: skip
