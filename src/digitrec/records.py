"""Files whole or not at all, where they lie, and what made a result: machine, versions, date and commit."""

import hashlib
import json
import os
import platform
import re
import secrets
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

PathLike = str | os.PathLike[str]

_PACKAGE = Path(__file__).resolve().parent
_ROOT = _PACKAGE.parents[1]
# The root of the repository, where the package runs from a checkout of it; None where it was installed by itself.
CHECKOUT = _ROOT if _PACKAGE.parent.name == "src" and (_ROOT / "pyproject.toml").is_file() else None
DATA_FOLDER = CHECKOUT / "data" if CHECKOUT else Path("data")
SAMPLES = CHECKOUT / "data" / "samples" if CHECKOUT else _PACKAGE / "samples"
SHIPPED_MODELS = CHECKOUT / "models" if CHECKOUT else _PACKAGE / "models"


def find_output(output: PathLike = "output") -> Path:
    """Return where results go: a relative path counts from the checkout for who works in it, else from where one is."""
    inside = CHECKOUT is not None and Path.cwd().is_relative_to(CHECKOUT)
    return (CHECKOUT if inside and CHECKOUT else Path.cwd()) / Path(output).expanduser()


def write_beside(path: PathLike, write: Callable[[str], object]) -> None:
    """Let `write` make a file of the same kind beside `path`, then put it in its place.

    Args:
        path: where to; its folder is made if missing. The old file stays whole until the new one is.
        write: called with the path to write, which ends as `path` does and is nobody else's.

    Raises:
        OSError: what `write` raises, with `path` as its file name; nothing is left of the attempt.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Hidden, so that whoever lists the folder passes it over; another name for each writer, be it process or thread.
    beside = path.with_name(f".part-{secrets.token_hex(6)}-{path.name}")
    try:
        write(str(beside))
        os.replace(beside, path)
    except OSError as error:
        error.filename = str(path)  # of a full disk it would be none, and a hidden name says nothing to anyone
        raise
    finally:
        beside.unlink(missing_ok=True)


def write_bytes(path: PathLike, content: bytes) -> None:
    """Write a file whole or not at all."""
    write_beside(path, lambda beside: Path(beside).write_bytes(content))


def write_text(path: PathLike, text: str) -> None:
    """Write a UTF-8 file whole or not at all, line ends as they are."""
    write_bytes(path, text.encode())


def write_json(path: PathLike, values: Mapping[str, Any]) -> None:
    """Write values as indented JSON, whole or not at all."""
    write_text(path, json.dumps(values, indent=2) + "\n")


def write_result(path: PathLike, values: Mapping[str, Any]) -> None:
    """Write what was measured as JSON, with what `describe_origin` says of it; values of the same name win."""
    write_json(path, describe_origin() | dict(values))


def describe_origin() -> dict[str, Any]:
    """Return what made a result: `machine`, `versions`, `date` (UTC) and `commit` (None outside a checkout)."""
    return {
        "machine": describe_machine(),
        "versions": describe_versions(),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": describe_commit(),
    }


def describe_machine() -> dict[str, Any]:
    """Return the processor, its number of cores and the operating system."""
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux, or a processor that does not name itself
    return {"processor": processor, "cores": os.cpu_count(), "system": platform.system()}


def describe_versions() -> dict[str, str]:
    """Return the versions of Python and of those packages a result depends on that are installed."""
    from importlib import metadata  # 15 ms that reading a picture need not wait for

    versions = {"python": platform.python_version()}
    for name in ("tensorflow", "jax", "keras", "numpy", "onnxruntime", "scikit-learn"):
        with suppress(metadata.PackageNotFoundError):  # the reader alone may be installed
            versions[name] = metadata.version(name)
    return versions


def describe_commit() -> str | None:
    """Return the commit of the checkout, and if code that measures or is measured differs from it; None outside one."""
    if CHECKOUT is None:
        return None
    ask = ["git", "-C", str(CHECKOUT)]
    try:
        commit = subprocess.run([*ask, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        code = ("src/*.py", "benchmarks/*.py", "records/*.py")
        changed = subprocess.run([*ask, "diff", "--quiet", "HEAD", "--", *code]).returncode
    except (OSError, subprocess.CalledProcessError):
        return None  # no git, or files that were copied without their history
    return commit.stdout.strip() + (" with changes" if changed else "")


def hash_arrays(*arrays: "NDArray") -> str:
    """Return the SHA-256 of arrays, their types and shapes among it."""
    import numpy as np  # not where nothing but a help text is wanted

    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def natural_order(name: str) -> tuple[list[str | int], str]:
    """Return a sort key that puts 2.png before 10.png, and 01.png before 1.png."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split("([0-9]+)", name))], name
