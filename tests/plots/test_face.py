"""The wing's face: every figure at hand, nothing loaded before the first is drawn."""

import ast
import inspect
import subprocess
import sys

import pytest

from digitrec import plots


def loads_matplotlib(code: str) -> bool:
    """Say whether a fresh interpreter has loaded matplotlib after `code`."""
    script = f"import sys\n{code}\nprint('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split()[-1] == "True"


def test_looking_at_the_face_loads_no_matplotlib():
    assert not loads_matplotlib("import digitrec\nassert 'sample_grid' in dir(digitrec.plots)")


def test_the_package_alone_reaches_a_figure():
    assert loads_matplotlib("import digitrec\nassert callable(digitrec.plots.sample_grid)")


@pytest.mark.parametrize("name", plots.__all__)
def test_every_name_is_a_documented_function(name):
    assert inspect.isfunction(getattr(plots, name))
    assert getattr(plots, name).__doc__


def test_type_checkers_see_the_same_names():
    tree = ast.parse(inspect.getsource(plots))
    seen = [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(set(seen) - {"TYPE_CHECKING", "hand_on"}) == plots.__all__
