"""The one door: any picture in, its 28x28 MNIST form out."""

from typing import TYPE_CHECKING

from digitrec.faces import hand_on

if TYPE_CHECKING:
    from digitrec.preprocessing.decoding import PictureError as PictureError
    from digitrec.preprocessing.decoding import read_picture as read_picture
    from digitrec.preprocessing.form import prepare as prepare
    from digitrec.preprocessing.form import show_stages as show_stages
    from digitrec.preprocessing.form import to_mnist as to_mnist

__all__, __getattr__, __dir__ = hand_on(
    __name__, {"decoding": ("PictureError", "read_picture"), "form": ("prepare", "show_stages", "to_mnist")}
)
