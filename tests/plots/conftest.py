"""What the tests of the figures share: the form that every figure has."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text


@pytest.fixture
def check_form() -> Callable[[Figure], None]:
    """A function that draws a figure and finds title, labels and legends in it, all inside its edges."""

    def check(figure: Figure) -> None:
        FigureCanvasAgg(figure).draw()
        assert not plt.get_fignums()
        assert figure.get_suptitle()
        labels = [axes.get_xlabel() + axes.get_ylabel() for axes in figure.axes]
        assert any(labels) or figure.get_supxlabel()
        width, height = figure.bbox.size
        shown = [figure._suptitle, *figure.legends, *(text for axes in figure.axes for text in axes.texts)]
        shown += [label for axes in figure.axes for label in (axes.xaxis.label, axes.yaxis.label)]
        for artist in shown:
            if isinstance(artist, Text) and not artist.get_text():
                continue
            box = artist.get_window_extent()
            assert box.x0 >= -1, artist
            assert box.y0 >= -1, artist
            assert box.x1 <= width + 1, artist
            assert box.y1 <= height + 1, artist

    return check
