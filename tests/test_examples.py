"""The examples in the docstrings of the public names: there is one on each, and what they show is what happens."""

import doctest
import importlib
import inspect

import pytest

import digitrec

TRAINING = ("train", "train_model", "evaluate_model")
NAMES = [
    pytest.param(name, marks=pytest.mark.slow if name in TRAINING else ())
    for name in digitrec.__all__
    if not inspect.ismodule(getattr(digitrec, name))
]


@pytest.mark.parametrize("name", NAMES)
def test_example_shows_what_happens(name, tmp_path, monkeypatch):
    thing = getattr(digitrec, name)
    module = importlib.import_module(thing.__module__)
    monkeypatch.chdir(tmp_path)
    names = {**vars(module), "scratch": tmp_path}
    (test,) = doctest.DocTestFinder(recurse=False).find(thing, name, module, globs=names)
    assert test.examples
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False)
    runner.run(test)
    assert runner.summarize(verbose=False).failed == 0
