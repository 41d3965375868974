"""The command line: arguments in, text out; a command a module.

Hardly anything is loaded before `main` runs, so that an early Ctrl-C ends in one line as well.
"""

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `digitrec`.

    Args:
        arguments: the words after `digitrec`; None takes those that the process was started with.

    Returns:
        The exit status: 0 done, 1 some failed, 2 wrong use or nothing done, 130 interrupted.
    """
    try:
        from digitrec.cli.interrupts import QuietLoading

        with QuietLoading():
            from digitrec.cli.commands import run_command

            return run_command(arguments)
    except KeyboardInterrupt as stop:
        if sys.stderr is not None:
            print("interrupted", *getattr(stop, "__notes__", ()), sep="; ", file=sys.stderr)
        return 130
