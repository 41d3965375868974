"""The house itself: what importing costs, which way imports run, what the faces show, and how long a piece may be."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import digitrec

SRC = Path(digitrec.__file__).parent
MODULES = {
    ".".join(path.relative_to(SRC.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in SRC.rglob("*.py")
}
FACES = [name for name, path in MODULES.items() if path.name == "__init__.py" and "hand_on(" in path.read_text()]
HEAVY = ("keras", "tensorflow", "jax", "sklearn", "matplotlib", "seaborn", "pandas", "scipy", "gradio")


def modules_after(code: str) -> set[str]:
    """Return the modules loaded in a fresh interpreter after `code`: the top-level ones, and digitrec's own."""
    script = f"import sys\n{code}\nprint('\\n', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1].split()
    return {name.split(".")[0] for name in loaded} | {name for name in loaded if name.startswith("digitrec.")}


def test_import_loads_nothing_heavy():
    loaded = modules_after("import digitrec")
    assert not loaded & {*HEAVY, "numpy", "PIL", "onnxruntime", "typing"}
    assert {name for name in loaded if name.startswith("digitrec.")} == {"digitrec.faces"}


def test_looking_at_any_name_loads_no_tensorflow():
    """As Tab does at the prompt, with every name there is."""
    loaded = modules_after("import digitrec\nfor name in digitrec.__all__: getattr(digitrec, name)")
    assert not loaded & {"keras", "tensorflow", "jax", "matplotlib", "seaborn", "gradio"}


@pytest.mark.parametrize("name", ["Answer", "Recognizer", "app", "load_mnist", "load_model", "prepare", "to_mnist"])
def test_instrument_loads_no_workshop(name):
    assert not modules_after(f"from digitrec import {name}") & set(HEAVY)


def test_reading_a_picture_loads_no_workshop_and_no_more_of_us_than_it_needs():
    code = "import numpy\nfrom digitrec import Recognizer\nRecognizer.load('cnn').predict(numpy.eye(28))"
    loaded = modules_after(code)
    assert "onnxruntime" in loaded
    assert not loaded & set(HEAVY)
    own = {name.removeprefix("digitrec.") for name in loaded if name.startswith("digitrec.")}
    rest = own - {"calibration", "config", "evaluation", "faces", "model_folder", "recognizer", "records", "sessions"}
    assert all(name.split(".")[0] == "preprocessing" for name in rest), rest


@pytest.mark.parametrize("package", FACES)
def test_a_face_shows_what_type_checkers_see_and_each_name_is_documented(package):
    module = importlib.import_module(package)
    tree = ast.parse(MODULES[package].read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    seen = {}
    for statement in block.body:
        for alias in statement.names:
            assert alias.asname == alias.name  # a public name, as type checkers have it
            seen[alias.name] = statement.module
    assert sorted(seen) == module.__all__ == dir(module)
    for name, home in seen.items():
        value = getattr(module, name)
        assert value is getattr(importlib.import_module(home), name)
        assert value.__doc__


@pytest.mark.parametrize("package", FACES)
def test_a_face_knows_no_other_name(package):
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nonsense'"):
        importlib.import_module(package).nonsense  # noqa: B018


def test_a_submodule_needs_no_import_of_its_own():
    code = (
        "import digitrec; digitrec.plots.sample_grid; digitrec.evaluation.mcnemar; digitrec.handwriting.sets.Pictures"
    )
    assert "matplotlib" in modules_after(code)


def list_imports(path: Path) -> set[str]:
    """Return the modules of digitrec that a module imports when it is loaded, those of functions apart."""
    tree = ast.parse(path.read_text())
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "digitrec":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module)
    return found


def test_imports_run_one_way_and_never_through_a_face():
    graph = {name: list_imports(path) for name, path in MODULES.items()}
    for name, imported in graph.items():
        assert not imported & set(FACES), f"{name} imports a face"
    done: set[str] = set()
    while len(done) < len(graph):
        free = {name for name, imported in graph.items() if name not in done and imported <= done}
        assert free, f"a cycle among {sorted(set(graph) - done)}"
        done |= free


@pytest.mark.parametrize("name", MODULES)
def test_modules_and_functions_can_be_read_at_a_glance(name):
    text = MODULES[name].read_text()
    assert text.count("\n") <= 250
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= 40, f"{node.name} has {lines} lines"


def test_types_and_the_command_travel_with_the_package():
    assert (SRC / "py.typed").is_file()
    done = subprocess.run([sys.executable, "-m", "digitrec", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"digitrec {digitrec.__version__}\n"
