"""The page on which one draws a digit and sees it read: in the browser, in a notebook, and as an API."""

import contextlib
import functools
import html
import inspect
import os
import socket
import threading
import webbrowser
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitrec.datasets import DATA_FOLDER
from digitrec.recognizer import Recognizer

if TYPE_CHECKING:
    import gradio

HERE = Path(__file__).parent
PORT = 7860
TRIED = 100  # ports, from the wished one on
SAMPLES = "my_digits"  # where the user's own samples go, unless told otherwise
THREADS = 4  # reading is work for the processor: more of them only wait for it, each with memory of its own
FONT = ["system-ui", "sans-serif"]  # Gradio's own would come from elsewhere
HEIGHT = 860  # pixels of the page in a cell


class Page:
    """The running page.

    Attributes:
        url: where it is, http://127.0.0.1:PORT/.
    """

    def __init__(self, blocks: "gradio.Blocks", url: str) -> None:
        self._blocks = blocks
        self.url = url

    def close(self) -> None:
        """Stop the server."""
        self._blocks.close(verbose=False)

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def start(
    model: str | os.PathLike[str] | Recognizer = "cnn",
    samples: str | os.PathLike[str] = SAMPLES,
    port: int = PORT,
    report: Callable[[str], None] = print,
) -> Page:
    """Serve the page from a thread of this process, on this machine only.

    Args:
        model: name or folder of the network, or one that is loaded. It is in memory once, whoever asks.
        samples: folder for the samples that the user chooses to keep.
        port: 1-65535; where it is taken, the next free one is used.
        report: told, in a line, of another port than wished.

    Raises:
        ModelError: no such network.
        ValueError: Gradio is missing, or no port is free.
    """
    recognizer = model if isinstance(model, Recognizer) else Recognizer.load(model)
    free = find_port(port)
    if free != port:
        report(f"port {port} is taken: using {free}")
    try:
        import gradio
    except ImportError as error:
        raise ValueError("the page needs Gradio: pip install 'digitrec[app]'") from error
    from starlette.middleware import Middleware

    from digitrec.app.api import MAX_BYTES, Api
    from digitrec.app.guard import Guard
    from digitrec.app.samples import SampleFolder

    api = Api(recognizer, SampleFolder(samples))
    functions = (api.read, api.keep, api.forget, api.samples)
    blocks = build_blocks(functions)
    calls = {function.__name__: list_defaults(function) for function in functions}
    guard = Middleware(Guard, calls=calls, max_bytes=MAX_BYTES * 3 // 2)  # base64 is a third longer than what it holds
    with _past_proxies():
        blocks.launch(
            server_name="127.0.0.1",
            server_port=free,
            prevent_thread_lock=True,
            quiet=True,
            inline=False,
            share=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            run_history=False,
            footer_links=[],
            max_file_size=MAX_BYTES,
            theme=gradio.themes.Base(font=FONT, font_mono=["monospace"]),
            css=(HERE / "page.css").read_text(encoding="utf-8"),
            max_threads=THREADS,
            state_session_capacity=100,  # nothing is remembered of a client
            app_kwargs={"middleware": [guard]},
        )
    return Page(blocks, f"http://127.0.0.1:{free}/")


def launch(inline: bool = False, browser: bool = False, **options: Any) -> None:
    """Show the page: until Ctrl-C, or `inline` in a notebook's cell as long as the notebook runs.

    Args:
        inline: show it below the cell, and return; a page shown before in this process is closed.
        browser: open it in the browser.
        options: model, samples and port of `start`.

    Raises:
        ModelError, ValueError: as `start` does.
    """
    global _shown
    if inline:
        from IPython.display import HTML, display

        if _shown:
            _shown.close()
        _shown = start(**options)
        display(HTML(_frame(_shown.url)))
        return
    with start(**options) as page:
        print(f"the page is on {page.url}; stop it with Ctrl-C", flush=True)
        if browser:
            webbrowser.open(page.url)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("\nstopped")


_shown: Page | None = None


def build_blocks(functions: Sequence[Callable]) -> "gradio.Blocks":
    """Build the page, and an endpoint for each function of an `Api`.

    The canvas is our own: Gradio's Sketchpad uploads background, layers and composite as files before it asks. Ours
    asks the endpoint that clients use as well, past the queue, with a PNG of 1 to 4 KB: see benchmarks/app.json.
    """
    import gradio

    with gradio.Blocks(title="digitrec", analytics_enabled=False) as blocks:
        gradio.HTML(
            html_template=(HERE / "page.html")
            .read_text(encoding="utf-8")
            .replace("<!-- samples -->", _write_samples()),
            js_on_load=(HERE / "page.js").read_text(encoding="utf-8"),
            apply_default_css=False,
            elem_id="digitrec",
        )
        for function in functions:
            gradio.api(_answer_errors(function), api_name=function.__name__, queue=False, concurrency_limit=None)
    return blocks


def list_defaults(function: Callable) -> list[Any]:
    """Return the default of each argument in order, `...` where it has none."""
    parameters = inspect.signature(function).parameters.values()
    return [... if parameter.default is parameter.empty else parameter.default for parameter in parameters]


def find_port(port: int) -> int:
    """Return the first free port from `port` on.

    Raises:
        ValueError: it is no port, or none of a hundred is free.
    """
    if not 1 <= port <= 65535:
        raise ValueError(f"port: expected 1 to 65535, got {port}")
    last = min(port + TRIED, 65536)
    for candidate in range(port, last):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name != "nt")
            try:
                probe.bind(("127.0.0.1", candidate))
                return candidate
            except OSError:
                continue
    raise ValueError(f"port: expected a free one from {port} to {last - 1}, all are taken")


@contextlib.contextmanager
def _past_proxies() -> Iterator[None]:
    """Let Gradio ask its own server whether it is up, whatever proxy the environment names."""
    before = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
    os.environ.update({name: ",".join(filter(None, [value, "127.0.0.1"])) for name, value in before.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _answer_errors(function: Callable) -> Callable:
    """Make a wrong request an answer of one line, with no traceback here or there."""
    import gradio

    @functools.wraps(function)
    def answer(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (ValueError, OSError) as error:
            raise gradio.Error(" ".join(str(error).split()), print_exception=False) from error

    return answer


def _write_samples() -> str:
    """Return a button for each of the drawings to try, the drawing in it; nothing where there are none."""
    folder = next((path for path in (HERE.parent / "samples", DATA_FOLDER / "samples") if path.is_dir()), HERE)
    return "\n".join(
        f'<button type="button" data-sample title="{label}"><img alt="{label}" '
        f'src="data:image/{path.suffix[1:].replace("jpg", "jpeg")};base64,{b64encode(path.read_bytes()).decode()}">'
        "</button>"
        for path in sorted(folder.glob("*.[pj][np]g"))
        for label in [html.escape(path.stem.replace("_", " "))]
    )


def _frame(url: str) -> str:
    # Where a stored notebook is shown without its kernel, most sites drop the frame and keep the sentence.
    return (
        f'<iframe src="{url}" width="100%" height="{HEIGHT}" style="border: 0" title="digitrec: draw a digit" '
        f'allow="camera; clipboard-read"></iframe><p>The page is on <a href="{url}">{url}</a> while this notebook '
        "runs.</p>"
    )
