"""The page on which one draws a digit and sees it read: in the browser, in a notebook, and as an API."""

from typing import TYPE_CHECKING

from digitrec.faces import hand_on

if TYPE_CHECKING:
    from digitrec.app.server import Page as Page
    from digitrec.app.server import launch as launch
    from digitrec.app.server import start as start

__all__, __getattr__, __dir__ = hand_on(__name__, {"server": ("Page", "launch", "start")})
