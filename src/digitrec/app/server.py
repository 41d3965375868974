"""Starting and stopping the page: in a thread of this process, on this machine only."""

import contextlib
import os
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from digitrec.app.defaults import MODEL, NUMBERS, PORT, SAMPLES
from digitrec.app.page import build_blocks, read_part, write_frame
from digitrec.model_folder import ModelError, find_model
from digitrec.recognizer import Recognizer
from digitrec.records import PathLike

if TYPE_CHECKING:
    import gradio

    from digitrec.app.calls import Calls
    from digitrec.numbers.reader import NumberReader

TRIED = 100  # ports, from the wished one on
THREADS = 4  # reading is work for the processor: more of them only wait for it, each with memory of its own
DECODERS = 2  # processes for small pictures; one more is for large ones
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
) -> Page:
    """Serve the page from a thread of this process, on this machine only.

    Args:
        model: name or folder of the network, or one that is loaded. It is in memory once, whoever asks.
        samples: folder for the samples that the user chooses to keep.
        port: 1-65535; where it is taken, the next free one is used.
        report: told, in a line, of another port than wished, and where there is no network of numbers.
        numbers: name or folder of the network of whole numbers, or one that is loaded; where there is none, digits
            alone are read.

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
    with contextlib.ExitStack() as stop:
        calls, functions = _open_lanes(recognizer, reader, samples, stop)
        blocks = build_blocks(functions, reader is not None)
        stop.callback(blocks.close, verbose=False)
        _serve(blocks, calls, free)
        return Page(f"http://127.0.0.1:{free}/", stop.pop_all())


def launch(inline: bool = False, browser: bool = False, **options: Any) -> None:
    """Show the page: until Ctrl-C, or `inline` in a notebook's cell as long as the notebook runs.

    Args:
        inline: show it below the cell, and return; a page shown before in this process is closed.
        browser: open it in the browser.
        options: model, samples, port and numbers of `start`.

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


def _open_lanes(
    recognizer: Recognizer, numbers: "NumberReader | None", samples: PathLike, stop: contextlib.ExitStack
) -> tuple["Calls", list[Callable]]:
    """Return what answers calls, small pictures past large ones, and the functions that can be called."""
    from concurrent.futures import ThreadPoolExecutor

    from digitrec.app.api import Api
    from digitrec.app.calls import Calls, Lane
    from digitrec.app.decoder import QUICK, THOROUGH, Decoders
    from digitrec.handwriting.samples import SampleFolder

    folder, lanes = SampleFolder(samples), []
    for limits, processes, threads in ((QUICK, DECODERS, THREADS), (THOROUGH, 1, 1)):
        decoders = Decoders(processes, limits)
        stop.callback(decoders.close)
        executor = ThreadPoolExecutor(threads)
        stop.callback(executor.shutdown, wait=False, cancel_futures=True)
        api = Api(recognizer, folder, decoders.decode, numbers)
        functions: list[Callable] = [api.read, api.keep, api.forget, api.samples, api.read_number]
        lanes.append(Lane({function.__name__: function for function in functions}, executor))
    return Calls(lanes), functions


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
