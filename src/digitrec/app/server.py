"""Starting and stopping the page: in a thread of this process, on this machine only."""

import contextlib
import os
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from digitrec.app.defaults import MODEL, MODELS, NUMBERS, PORT, SAMPLES
from digitrec.app.page import build_blocks, read_part, write_frame
from digitrec.model_folder import ModelError, find_model
from digitrec.recognizer import Recognizer
from digitrec.records import PathLike

if TYPE_CHECKING:
    import gradio

    from digitrec.app.calls import Calls
    from digitrec.numbers.reader import NumberReader

TRIED = 100  # ports, from the wished one on
FONT = ["system-ui", "sans-serif"]  # Gradio's own would come from elsewhere


class Page:
    """The running page.

    Attributes:
        url: where it is, http://127.0.0.1:PORT/.
    """

    def __init__(self, url: str, stop: contextlib.ExitStack) -> None:
        self._stop = stop
        self.url = url

    def close(self) -> None:
        """Stop the server."""
        self._stop.close()

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def start(
    model: PathLike | Recognizer = MODEL,
    samples: PathLike = SAMPLES,
    port: int = PORT,
    report: Callable[[str], None] = print,
    numbers: "PathLike | NumberReader" = NUMBERS,
    models: PathLike = MODELS,
) -> Page:
    """Serve the page from a thread of this process, on this machine only.

    Args:
        model: name or folder of the network, or one that is loaded. It is in memory once, whoever asks.
        samples: folder for the samples that the user chooses to keep.
        port: 1-65535; where it is taken, the next free one is used.
        report: told, in a line, of another port than wished, and where there is no network of numbers.
        numbers: name or folder of the network of whole numbers, or one that is loaded; where there is none, digits
            alone are read.
        models: folder where a network that the page teaches goes, under the name "mine"; only a model that was given
            by name or folder can be taught.

    Raises:
        ModelError: no such network, or a damaged one.
        ValueError: Gradio is missing, or no port is free.
    """
    recognizer = model if isinstance(model, Recognizer) else Recognizer.load(model)
    free = find_port(port)
    if free != port:
        report(f"port {port} is taken: using {free}")
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise ValueError("the page needs Gradio: pip install 'digitrec[app]'") from error
    reader = _load_numbers(numbers, report)
    folder = None if isinstance(model, Recognizer) else find_model(model)
    from digitrec.app.lanes import open_lanes

    with contextlib.ExitStack() as stop:
        calls, functions = open_lanes(recognizer, folder, reader, samples, models, stop)
        blocks = build_blocks(functions, reader is not None)
        stop.callback(blocks.close, verbose=False)
        _serve(blocks, calls, free)
        return Page(f"http://127.0.0.1:{free}/", stop.pop_all())


def launch(inline: bool = False, browser: bool = False, **options: Any) -> None:
    """Show the page: until Ctrl-C, or `inline` in a notebook's cell as long as the notebook runs.

    Args:
        inline: show it below the cell, and return; a page shown before in this process is closed.
        browser: open it in the browser.
        options: model, samples, port, numbers and models of `start`.

    Raises:
        ModelError, ValueError: as `start` does.
    """
    global _shown
    if inline:
        from IPython.display import HTML, display

        if _shown:
            _shown.close()
        _shown = start(**options)
        display(HTML(write_frame(_shown.url)))
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


def _load_numbers(numbers: "PathLike | NumberReader", report: Callable[[str], None]) -> "NumberReader | None":
    """Return what reads numbers; None, and say so, where there is no folder of its network."""
    if not isinstance(numbers, str | os.PathLike):
        return numbers
    try:
        find_model(numbers)
    except ModelError:
        report(f"no network of numbers ({numbers}): digits alone are read")
        return None
    from digitrec.numbers.reader import NumberReader

    return NumberReader.load(numbers)


def _serve(blocks: "gradio.Blocks", calls: "Calls", port: int) -> None:
    import gradio
    from starlette.middleware import Middleware

    from digitrec.app.guard import Guard

    with _past_proxies():
        blocks.launch(
            server_name="127.0.0.1",
            server_port=port,
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
            theme=gradio.themes.Base(font=FONT, font_mono=["monospace"]),
            css=read_part("page.css"),
            state_session_capacity=100,  # nothing is remembered of a client
            app_kwargs={"middleware": [Middleware(Guard, calls=calls.routes)]},
        )


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
