"""The page's parts put together: what Gradio serves, and the frame that shows it in a notebook's cell."""

import html
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from digitrec import records

if TYPE_CHECKING:
    import gradio

HERE = Path(__file__).parent
SCRIPTS = (
    "page.js",
    "layers.js",
    "camera.js",
    "share.js",
    "lessons.js",
    "samples.js",
)  # parts of one function, the last of which begins
HEIGHT = 860  # pixels of the page in a cell


def build_blocks(functions: Sequence[Callable], numbers: bool = False) -> "gradio.Blocks":
    """Build the page, which asks for `numbers` too where there is who reads them, and describe an `Api`'s functions.

    The canvas is our own: Gradio's Sketchpad uploads background, layers and composite as files before it asks. Ours
    asks the endpoint that clients use as well, past the queue, with grey levels of 80 KB: see benchmarks/app.json.
    """
    import gradio

    with gradio.Blocks(title="digitrec", analytics_enabled=False) as blocks:
        gradio.HTML(
            html_template=write_page(numbers),
            js_on_load="\n".join(read_part(name) for name in SCRIPTS),
            apply_default_css=False,
            elem_id="digitrec",
        )
        for function in functions:
            gradio.api(function, api_name=function.__name__, queue=False)
    return blocks


def write_page(numbers: bool) -> str:
    """Return the page; without `numbers` it speaks of digits alone."""
    page = read_part("page.html").replace("<!-- samples -->", write_samples())
    return page.replace('class="page"', 'class="page" data-numbers') if numbers else page


def read_part(name: str) -> str:
    """Return a part of the page, a file beside this one, as text."""
    return (HERE / name).read_text(encoding="utf-8")


def write_samples() -> str:
    """Return a button for each of the drawings to try, the drawing in it; nothing where there are none."""
    return "\n".join(
        f'<button type="button" data-sample title="{label}"><img alt="{label}" '
        f'src="data:image/{path.suffix[1:].replace("jpg", "jpeg")};base64,{b64encode(path.read_bytes()).decode()}">'
        "</button>"
        for path in sorted(records.SAMPLES.glob("*.[pj][np]g"))
        for label in [html.escape(path.stem.replace("_", " "))]
    )


def write_frame(url: str) -> str:
    """Return the page as it is shown in a notebook's cell."""
    # Where a stored notebook is shown without its kernel, most sites drop the frame and keep the sentence.
    return (
        f'<iframe src="{url}" width="100%" height="{HEIGHT}" style="border: 0" title="digitrec: draw a digit" '
        f'allow="camera; clipboard-read"></iframe><p>The page is on <a href="{url}">{url}</a> while this notebook '
        "runs.</p>"
    )
