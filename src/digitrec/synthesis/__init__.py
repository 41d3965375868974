"""What code draws for training: digits in other hands, on other paper, and what is no digit."""

from typing import TYPE_CHECKING

from digitrec.faces import hand_on

if TYPE_CHECKING:
    from digitrec.synthesis.hands import draw_digits as draw_digits
    from digitrec.synthesis.non_digits import draw_non_digits as draw_non_digits
    from digitrec.synthesis.scenes import soil as soil
    from digitrec.synthesis.sources import make_pools as make_pools
    from digitrec.synthesis.strings import draw_strings as draw_strings

__all__, __getattr__, __dir__ = hand_on(
    __name__,
    {
        "hands": ("draw_digits",),
        "non_digits": ("draw_non_digits",),
        "scenes": ("soil",),
        "sources": ("make_pools",),
        "strings": ("draw_strings",),
    },
)
