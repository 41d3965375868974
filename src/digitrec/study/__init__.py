"""The study: classical features and every method under one protocol; search and ablation of settings."""

from typing import TYPE_CHECKING

from digitrec.faces import hand_on

if TYPE_CHECKING:
    from digitrec.study import features as features
    from digitrec.study.ablation import ABLATION as ABLATION
    from digitrec.study.ablation import ABLATIONS as ABLATIONS
    from digitrec.study.ablation import ablate as ablate
    from digitrec.study.ablation import summarise_ablation as summarise_ablation
    from digitrec.study.classifier import Network as Network
    from digitrec.study.methods import CLASSIFIERS as CLASSIFIERS
    from digitrec.study.methods import FEATURES as FEATURES
    from digitrec.study.methods import METHODS as METHODS
    from digitrec.study.methods import Method as Method
    from digitrec.study.methods import change_networks as change_networks
    from digitrec.study.methods import choose_methods as choose_methods
    from digitrec.study.protocol import StudyData as StudyData
    from digitrec.study.protocol import compare_features as compare_features
    from digitrec.study.protocol import cross_validate as cross_validate
    from digitrec.study.protocol import load_data as load_data
    from digitrec.study.protocol import load_sets as load_sets
    from digitrec.study.protocol import run_study as run_study
    from digitrec.study.search import TRIAL as TRIAL
    from digitrec.study.search import rate_settings as rate_settings
    from digitrec.study.search import run_search as run_search
    from digitrec.study.search import tabulate_trials as tabulate_trials
    from digitrec.study.search import tune as tune
    from digitrec.study.store import load_pipeline as load_pipeline
    from digitrec.study.tables import format_table as format_table
    from digitrec.study.tables import tabulate as tabulate
    from digitrec.study.views import view_features as view_features

__all__, __getattr__, __dir__ = hand_on(
    __name__,
    {
        "ablation": ("ABLATION", "ABLATIONS", "ablate", "summarise_ablation"),
        "classifier": ("Network",),
        "features": (),
        "methods": ("CLASSIFIERS", "FEATURES", "METHODS", "Method", "change_networks", "choose_methods"),
        "protocol": ("StudyData", "compare_features", "cross_validate", "load_data", "load_sets", "run_study"),
        "search": ("TRIAL", "rate_settings", "run_search", "tabulate_trials", "tune"),
        "store": ("load_pipeline",),
        "tables": ("format_table", "tabulate"),
        "views": ("view_features",),
    },
)
