"""What goes to the terminal: lines, rows, complaints, a count of what is done; what becomes of a closed or full one."""

import csv
import io
import os
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

OUTPUT = "standard output"  # as an OSError names it


def report(line: str) -> None:
    """Write a line to standard output, at once.

    Raises:
        OSError: it is full or closed; the error's file name is `OUTPUT`.
    """
    try:
        print(line, flush=True)
    except OSError as error:
        error.filename = OUTPUT
        raise


def complain(*parts: str) -> None:
    """Write parts as one line to standard error, where there is one."""
    if sys.stderr is not None:
        with suppress(OSError):  # whoever closed it does not want to know
            print("digitrec:", "; ".join(parts), file=sys.stderr, flush=True)


def abandon_output() -> None:
    """Let whatever is still to be written to standard output go nowhere, lest Python complain when it leaves."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def escape(path: str) -> str:
    """Write a path on one line that no terminal takes for a command: what is not printable as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)


def write_row(values: Iterable[Any]) -> str:
    """Write values as a row of CSV, quoted where need be, without its end."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)  # a return in a name is quoted only where it ends lines
    return text.getvalue()[:-2]


class Progress:
    """A count on standard error, where that is a terminal and the results go elsewhere; it leaves no trace."""

    interval_s = 0.3

    def __init__(self, paths: Iterable[str]) -> None:
        self._active = sys.stderr is not None and sys.stderr.isatty() and not (sys.stdout and sys.stdout.isatty())
        self._total = sum(1 for _ in paths) if self._active else 0
        self._start = self._last = time.monotonic()
        self._shown = False

    def show(self, done: int) -> None:
        """Write the count, unless it was written less than `interval_s` ago."""
        now = time.monotonic()
        if self._active and now - self._last >= self.interval_s:
            self._last, self._shown = now, True
            rate = done / (now - self._start)
            print(f"\r{done:,} of {self._total:,} pictures, {rate:,.0f} a second ", end="", file=sys.stderr, flush=True)

    def erase(self) -> None:
        """Take the count off the terminal."""
        if self._shown:
            self._shown = False
            print("\r\033[K", end="", file=sys.stderr, flush=True)


class Status:
    """A line on standard error that is written over, where that is a terminal; it leaves no trace."""

    def __init__(self) -> None:
        self._active = sys.stderr is not None and sys.stderr.isatty()
        self._shown = ""

    def show(self, line: str) -> None:
        """Write the line in the place of the one before; none takes it away."""
        if self._active and line != self._shown:
            self._shown = line
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)

    def erase(self) -> None:
        """Take the line off the terminal."""
        self.show("")

    def keep(self, line: str) -> None:
        """Write a line that stays, to standard error."""
        self.erase()
        if sys.stderr is not None:
            with suppress(OSError):
                print(line, file=sys.stderr, flush=True)
