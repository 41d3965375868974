"""What code draws for training: digits in other hands, on other paper, what is no digit, and whole numbers."""

from typing import TYPE_CHECKING

from digitrec.faces import hand_on

if TYPE_CHECKING:
    from digitrec.synthesis.hands import draw_digits as draw_digits
    from digitrec.synthesis.non_digits import draw_non_digits as draw_non_digits
    from digitrec.synthesis.numbers import Strips as Strips
    from digitrec.synthesis.numbers import draw_numbers as draw_numbers
    from digitrec.synthesis.scenes import soil as soil
    from digitrec.synthesis.sources import make_pools as make_pools
    from digitrec.synthesis.sources import make_strips as make_strips
    from digitrec.synthesis.strings import draw_strings as draw_strings

__all__, __getattr__, __dir__ = hand_on(
    __name__,
    {
        "hands": ("draw_digits",),
        "non_digits": ("draw_non_digits",),
        "numbers": ("Strips", "draw_numbers"),
        "scenes": ("soil",),
        "sources": ("make_pools", "make_strips"),
        "strings": ("draw_strings",),
    },
)
