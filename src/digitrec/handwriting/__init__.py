"""People's own pictures: labelled folders, sets to measure on, samples to keep, and teaching a network with them."""

from typing import TYPE_CHECKING

from digitrec.faces import hand_on

if TYPE_CHECKING:
    from digitrec.handwriting import sets as sets
    from digitrec.handwriting.folders import load_folder as load_folder
    from digitrec.handwriting.samples import SampleFolder as SampleFolder
    from digitrec.handwriting.teaching import teach as teach

__all__, __getattr__, __dir__ = hand_on(
    __name__, {"folders": ("load_folder",), "samples": ("SampleFolder",), "sets": (), "teaching": ("teach",)}
)
