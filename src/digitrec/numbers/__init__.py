"""Whole numbers: a picture of "12,50" to 12,50, with a confidence, and a box for each character."""

from typing import TYPE_CHECKING

from digitrec.faces import hand_on

if TYPE_CHECKING:
    from digitrec.numbers.calibration import calibrate as calibrate
    from digitrec.numbers.constraints import CHARACTERS as CHARACTERS
    from digitrec.numbers.constraints import Constraint as Constraint
    from digitrec.numbers.decoding import Path as Path
    from digitrec.numbers.decoding import decode as decode
    from digitrec.numbers.lines import Line as Line
    from digitrec.numbers.lines import find_lines as find_lines
    from digitrec.numbers.lines import to_strip as to_strip
    from digitrec.numbers.number import Character as Character
    from digitrec.numbers.number import Number as Number
    from digitrec.numbers.reader import NumberReader as NumberReader

__all__, __getattr__, __dir__ = hand_on(
    __name__,
    {
        "calibration": ("calibrate",),
        "constraints": ("CHARACTERS", "Constraint"),
        "decoding": ("Path", "decode"),
        "lines": ("Line", "find_lines", "to_strip"),
        "number": ("Character", "Number"),
        "reader": ("NumberReader",),
    },
)  # fmt: skip
