import ast
import errno
import re
import subprocess
import sys
import tomllib
from functools import partial

import pytest

import digitrec
from digitrec.cli import commands

IMPORTED_AS = {"pillow-heif": "pillow_heif", "scikit-learn": "sklearn", "scikit-image": "skimage"}
CORE = {"numpy", "onnxruntime", "PIL"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "absent"], "no model 'absent'"),
        (["teach"], "invalid choice: 'teach'"),
        ([], "the following arguments are required: COMMAND"),
        (["tune", "--trials", "many"], "invalid int value: 'many'"),
        (["app", "--model", "absent"], "no model 'absent'"),
    ],
)
def test_wrong_use_is_one_clear_line_and_status_2(command, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert message in err.splitlines()[-1]


def test_version(command):
    assert command("--version") == (0, f"digitrec {digitrec.__version__}\n", "")


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["train", "--help"], ["evaluate"]])
def test_help_loads_not_even_numpy(words):
    code = (
        "import sys\nfrom digitrec.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize(
    "command_name", [module.__name__.rpartition(".")[2].replace("_", "-") for module in commands.COMMANDS]
)
def test_every_command_has_help(command, command_name):
    status, out, _ = command(command_name, "--help")
    assert status == 0
    assert f"digitrec {command_name}" in out


# --- a package of an extra is missing -----------------------------------------------------------


slow = partial(pytest.param, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("arguments", "missing", "extra"),
    [
        (["train", "--dataset", "digits"], "keras", "train"),
        (["train", "--dataset", "digits"], "sklearn", "train"),
        slow(["train", "--dataset", "digits"], "tensorflow", "train"),
        slow(["evaluate", "MODEL", "--dataset", "digits"], "keras", "train"),
        slow(["evaluate", "MODEL", "--dataset", "digits"], "sklearn", "train"),
        (["study", "--dataset", "digits"], "pandas", "study"),
        slow(["study", "--dataset", "digits"], "skops", "study"),
        slow(["study", "--dataset", "digits"], "mahotas", "study"),
        (["tune", "--dataset", "digits"], "optuna", "study"),
        (["app", "--model", "MODEL", "--no-browser"], "gradio", "app"),
        (["seeds", "--dataset", "digits", "--cluster"], "ray", "distributed"),
        (["predict", "x.png", "--output", "x.csv", "--cluster"], "ray", "distributed"),
        (["predict", "x.png", "--output", "x.parquet"], "pyarrow", "distributed"),
    ],
)
def test_a_missing_extra_is_one_line_that_says_what_to_install(tmp_path, cnn, arguments, missing, extra):
    code = f"import sys; sys.modules[{missing!r}] = None; from digitrec.cli import main; sys.exit(main(sys.argv[1:]))"
    words = [cnn if word == "MODEL" else word for word in arguments]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.endswith(f"pip install 'digitrec[{extra}]'\n")
    assert missing in done.stderr.lower()


def test_every_package_of_the_extras_counts_as_one(pytestconfig):
    project = tomllib.loads((pytestconfig.rootpath / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = [re.match(r"[\w-]+", line)[0] for lines in project["optional-dependencies"].values() for line in lines]
    names = {IMPORTED_AS.get(name, name) for name in required} - {"digitrec", "pillow"}
    assert len(names) > 10
    assert names <= commands.OPTIONAL


def test_every_package_that_is_imported_is_required_or_counts_as_optional(pytestconfig):
    imported = set()
    for path in (pytestconfig.rootpath / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.partition(".")[0])
    assert imported - set(sys.stdlib_module_names) - {"digitrec"} <= CORE | commands.OPTIONAL


@pytest.mark.parametrize("name", ["digitrec.nonsense", "json.nonsense", "numpy", None])
def test_a_missing_module_of_ours_is_not_blamed_on_an_extra(monkeypatch, command, name):
    def fail(options):
        raise ModuleNotFoundError("no such module", name=name)

    monkeypatch.setattr("digitrec.cli.evaluate.run", fail)
    with pytest.raises(ModuleNotFoundError):
        command("evaluate", "cnn")


def test_reading_a_picture_needs_no_extra(monkeypatch, command):
    def fail(options):
        raise ModuleNotFoundError("no such module", name="keras")

    monkeypatch.setattr("digitrec.cli.predict.run", fail)
    with pytest.raises(ModuleNotFoundError):
        command("predict", "x.png")


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a\nb/c.npz"), "a\\nb/c.npz: No space left on device"),
        (OSError(errno.ENOSPC, "No space left on device"), "[Errno 28] No space left on device"),
        (OSError("HDF5 cannot\nwrite"), "HDF5 cannot write"),
        (ValueError("one\n  line"), "one line"),
        (ValueError("\x1b[2J.csv: no table"), "\\x1b[2J.csv: no table"),
        (ZeroDivisionError("none"), "none"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_an_error_is_one_line_that_names_the_file(monkeypatch, command, error, line):
    def fail(options):
        raise error

    monkeypatch.setattr("digitrec.cli.evaluate.run", fail)
    assert command("evaluate", "cnn") == (2, "", f"digitrec: {line}\n")


def test_notes_of_an_error_follow_it(monkeypatch, command):
    def fail(options):
        error = OSError(errno.ENOSPC, "No space left on device", "c.npz")
        error.add_note("go on with --resume")
        raise error

    monkeypatch.setattr("digitrec.cli.evaluate.run", fail)
    assert command("evaluate", "cnn")[2] == "digitrec: c.npz: No space left on device; go on with --resume\n"


# --- commands that hand on what they were given -------------------------------------------------


def test_evaluation_says_where_it_wrote_and_leaves_the_shipped_model_alone(tmp_path, monkeypatch, command, cnn):
    from digitrec import workflow

    given = []

    def evaluate_model(model, dataset, results=None):
        given.append((model, dataset, results or workflow.choose_results(model)))
        from digitrec.model_folder import read_metrics

        return {**read_metrics(model), "test": {**read_metrics(model)["test"], "dataset": "digits"}}, {
            "reliability": None
        }

    monkeypatch.setattr("digitrec.workflow.evaluate_model", evaluate_model)
    monkeypatch.chdir(tmp_path)
    status, out, _ = command("evaluate", "cnn", "--dataset", "digits")
    place = tmp_path / "output" / "models" / "cnn"
    assert status == 0
    assert out.splitlines()[-1] == f"{place}: metrics.json and 1 figures"
    assert given[0][1:] == ("digits", place)
    own = tmp_path / "own"
    own.mkdir()
    for name in ("model.onnx", "metrics.json"):
        (own / name).write_bytes((given[0][0] / name).read_bytes())
    assert command("evaluate", "own")[1].splitlines()[-1].startswith("own: ")
    assert [str(path) for path in given[1][::2]] == ["own", "own"]


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("anew", [True, False])
def test_fetch_says_where_it_lies_and_whether_it_is_the_published_one(
    tmp_path, monkeypatch, command, digits, published, anew
):
    given = {}
    monkeypatch.setattr(
        "digitrec.mnist.fetch_mnist", lambda folder=None, anew=False: given.update(anew=anew) or tmp_path
    )
    monkeypatch.setattr("digitrec.mnist.load_mnist", lambda folder: (digits, digits))
    monkeypatch.setattr("digitrec.mnist.is_published", lambda arrays: published and len(arrays) == 4)
    status, out, err = command("fetch", *["--anew"] * anew)
    assert given == {"anew": anew}
    assert status == (0 if published else 1)
    assert (out if published else err).count("\n") == 1
    assert str(tmp_path) in (out if published else err)
    assert ("as published" in out) == published
    assert ("--anew" in err) == (not published)
