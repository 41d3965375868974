import subprocess
import sys

import pytest

HEAVY = {"keras", "tensorflow", "sklearn", "skimage", "mahotas", "skops", "optuna", "pandas", "scipy", "matplotlib"}


def test_importing_the_wing_loads_nothing_heavy():
    script = "import sys\nimport digitrec.study\nprint(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {*HEAVY, "numpy"}


@pytest.mark.slow
def test_a_package_that_is_missing_is_named():
    script = "import sys\nsys.modules['skops'] = None\nfrom digitrec.study import run_study"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "ModuleNotFoundError" in done.stderr
    assert "skops" in done.stderr.splitlines()[-1]
