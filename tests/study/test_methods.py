import pytest

from digitrec.study.classifier import Network
from digitrec.study.methods import METHODS, change_networks, choose_methods
from digitrec.study.store import slug


def test_every_method_says_what_was_tuned_and_what_it_is_built_on():
    assert len(METHODS) >= 12
    assert all(method.tuned for method in METHODS.values())
    assert {method.family for method in METHODS.values()} == {"pixels", "trees", "features", "networks"}
    networks = {name for name, method in METHODS.items() if isinstance(method.pipeline, Network)}
    assert networks == {name for name, method in METHODS.items() if method.family == "networks"}


def test_every_method_has_a_file_of_its_own():
    assert len({slug(name) for name in METHODS}) == len(METHODS)


def test_methods_are_chosen_by_name():
    assert choose_methods() == METHODS
    assert list(choose_methods(["CNN", "linear SVM"])) == ["CNN", "linear SVM"]
    with pytest.raises(ValueError, match=r"expected some of decision tree, .*; got magic"):
        choose_methods(["CNN", "magic"])


def test_settings_are_changed_in_the_networks_alone():
    changed = change_networks(METHODS, epochs=1)
    for name, method in changed.items():
        if METHODS[name].family == "networks":
            assert method.pipeline.config.epochs == 1
            assert method.pipeline.config.network == (METHODS[name].pipeline.config or method.pipeline.config).network
        else:
            assert method is METHODS[name]
