"""What the tests of the study share: small data, and a few quick methods measured on them."""

import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from digitrec.records import SAMPLES
from digitrec.study.features import HOG, Deskew
from digitrec.study.methods import Method
from digitrec.study.protocol import load_data, run_study


@pytest.fixture(scope="session")
def data():
    return load_data("digits", sets=SAMPLES, limit=400)


@pytest.fixture(scope="session")
def methods():
    return {
        "neighbours": Method(KNeighborsClassifier(3), "k"),
        "tree": Method(DecisionTreeClassifier(random_state=0), family="trees"),
        "HOG": Method(make_pipeline(Deskew(), HOG(), RidgeClassifier())),
        "one answer": Method(DummyClassifier(strategy="constant", constant=7)),
    }


@pytest.fixture(scope="session")
def measured(data, methods, tmp_path_factory):
    """The folder of a study, and its results."""
    folder = tmp_path_factory.mktemp("study")
    return folder, run_study(methods, data, folder, sizes=(100,), report=lambda line: None)
