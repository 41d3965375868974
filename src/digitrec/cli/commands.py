"""All commands: their parser, and what becomes of an error: one line that names it, and an exit status."""

import argparse
from collections.abc import Sequence

import digitrec
from digitrec.cli import app, compare, evaluate, fetch, new, predict, read, seeds, study, train, train_numbers, tune
from digitrec.cli.console import OUTPUT, abandon_output, complain, escape

COMMANDS = (new, train, train_numbers, evaluate, compare, seeds, study, tune, predict, read, app, fetch)

# What the extras of pyproject.toml bring, by the names to import, and what comes along with it.
OPTIONAL = frozenset({
    "IPython", "gradio", "h5py", "jax", "joblib", "jupyter", "keras", "mahotas", "matplotlib", "onnx", "optuna",
    "pandas", "pillow_heif", "pooch", "pyarrow", "pypdfium2", "ray", "requests", "scipy", "seaborn", "skimage",
    "sklearn", "skops", "sqlalchemy", "starlette", "tensorflow", "tf2onnx", "torch", "tqdm", "urllib3",
})  # fmt: skip


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; see `digitrec.cli.main`."""
    options = build_parser().parse_args(arguments)
    try:
        return options.run(options)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = "distributed" if package in ("ray", "pyarrow") else options.extra
        if package not in OPTIONAL or not extra:
            raise
        return _fail(error, f"{options.command} needs {package}: pip install 'digitrec[{extra}]'")
    except OSError as error:
        is_broken_pipe = isinstance(error, BrokenPipeError)  # the reader, such as `head`, has seen enough
        if is_broken_pipe or error.filename == OUTPUT:
            abandon_output()
        return 0 if is_broken_pipe else _fail(error, _describe(error))
    except (ValueError, ArithmeticError, MemoryError) as error:
        return _fail(error, str(error) or type(error).__name__)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; its options have `command`, `run` and `extra`, what the command takes."""
    parser = argparse.ArgumentParser(
        prog="digitrec", description="Train, prove and use a reader of handwritten digits."
    )
    parser.add_argument("--version", action="version", version=f"digitrec {digitrec.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")
    for command in COMMANDS:
        command.add_parser(commands).set_defaults(run=command.run, extra=command.EXTRA)
    return parser


def _describe(error: OSError) -> str:
    """Name the file first, where the error knows it."""
    if error.filename is None or error.strerror is None:
        return str(error)
    return f"{escape(str(error.filename))}: {error.strerror}"


def _fail(error: Exception, message: str) -> int:
    """Complain in one line, with the notes that the error got on its way; return the exit status."""
    complain(*map(escape, [" ".join(message.split()), *getattr(error, "__notes__", ())]))
    return 2
