"""Faces of packages: names handed on from their modules when first used (PEP 562), so that imports stay light."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def hand_on(
    package: str, homes: Mapping[str, Sequence[str]]
) -> tuple[list[str], Callable[[str], object], Callable[[], list[str]]]:
    """Return what a package assigns to `__all__`, `__getattr__` and `__dir__`.

    Args:
        package: its `__name__`.
        homes: the names that each of its modules has; one without any is a name itself.

    Returns:
        The names in order; a function that loads one; and one that lists them.
    """
    home_of = {name: module for module, names in homes.items() for name in names}
    listed = sorted([*home_of, *(module for module, names in homes.items() if not names)])
    home_of |= {module: module for module in homes}

    def load(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(f"{package}.{home_of[name]}")
        value = module if name == home_of[name] else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    return listed, load, lambda: listed
