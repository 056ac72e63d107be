"""The frame of the page: header with a tab for each view, light or dark, and the application that serves it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui

from kapitza import KapitzaError
from kapitza.core import parse_toml
from kapitza.core.files import read_limited
from kapitza.io import MAX_TOML_BYTES, suffixes_of
from kapitza.web import views
from kapitza.web.parts import FaultLine
from kapitza.web.session import Session


class _View(NamedTuple):
    """One view of the page, and which files it opens."""

    name: str
    title: str  # of its tab, and with View at the end of its class
    suffixes: tuple[str, ...] = ()  # of files, as (".hspy", ".dm4")
    keys: frozenset[str] = frozenset()  # one of which a TOML file has


_VIEWS = (  # in the order of their tabs
    _View("interface", "Interface"),
    _View("screen", "Screen"),
    _View("spectra", "Spectra", (*suffixes_of("spectra"), ".npz"), frozenset({"mode"})),
    _View("thermoreflectance", "Thermoreflectance", keys=frozenset({"experiments"})),
    _View("device", "Device", keys=frozenset({"sources", "blocks", "mesh"})),
)
TITLE = "kapitza explore"
_STYLES = ("page.css", "editors.css")
_STYLE = "".join(files("kapitza.web").joinpath(name).read_text(encoding="utf-8") for name in _STYLES)
_QUIET = (  # plotly complains in the console of figures that are resized while another view is shown
    "<script>addEventListener('unhandledrejection', event => {"
    " if (String(event.reason?.message ?? event.reason).startsWith('Resize must be passed')) event.preventDefault();"
    " });"
    "</script>"
)
_EARLY = '<script type="module">import("nicegui-plotly")</script>'  # else it waits for the first figure
_FAVICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b6285"/>'
    '<path d="M5 9 15 14V25L5 22zM17 7 27 10V22L17 17z" fill="#fff"/></svg>'
)
_IS_DARK = (
    "(localStorage.getItem('kapitza-theme') ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'))"
    " === 'dark'"
)


def application(opened: Sequence[Path], folder: Path, first: Future[Any] | None = None) -> FastAPI:
    """Return the page as an ASGI application.

    Parameters
    ----------
    opened : files that it shows when it is first seen
    folder : where dropped files are kept until the server ends
    first : the answer to the first question, as soon as it is there; None where the page has to find it
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    def build() -> None:
        build_page(Session(files=tuple(opened), folder=folder, first=first))

    nicegui_app._exception_handlers[:] = [_report]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - it logs a traceback
    ui.add_css(_STYLE, shared=True)
    ui.add_head_html(_QUIET + _EARLY, shared=True)
    ui.run_with(
        app, root=build, title=TITLE, favicon=_FAVICON, language="en-US", tailwind=False, dark=None,
        show_welcome_message=False, reconnect_timeout=30.0, binding_refresh_interval=None,
    )  # fmt: skip
    return app


def _report(fault: Exception) -> None:
    """Print a fault of the page itself as one line: where it arose, and what it is."""
    if "has been deleted" in str(fault):
        return  # the tab was closed while something was computed for it
    last = traceback.extract_tb(fault.__traceback__)[-1:]
    place = f" ({Path(last[0].filename).name}, line {last[0].lineno})" if last else ""
    text = " ".join(str(fault).split())
    print(f"kapitza explore: {type(fault).__name__}: {text:.300}{place}", file=sys.stderr)  # noqa: T201


def build_page(session: Session) -> None:
    """Lay out the header and the views; a view is built when its tab is first shown."""
    ui.colors(primary="#0b6285")
    dark = ui.dark_mode(value=None)
    with ui.header(elevated=False).classes("k-header"):
        ui.html('<h1 class="k-brand">kapitza</h1>', sanitize=False)
        with ui.tabs().props("dense align=left no-caps inline-label outside-arrows mobile-arrows") as tabs:
            for one in _VIEWS:
                ui.tab(one.name, label=one.title)
        button = ui.button(icon="dark_mode").props('flat round dense color=grey aria-label="Light or dark"')
    faults = FaultLine()
    with ui.tab_panels(tabs, value=None, animated=False) as panels:
        slots = {}
        for one in _VIEWS:
            with ui.tab_panel(one.name):
                slots[one.name] = ui.element("main").classes("k-view").props(f'aria-label="{one.title}"')
    classes = {one.name: f"{one.title}View" for one in _VIEWS}
    built: dict[str, Any] = {}
    requests: dict[str, Any] = _files_by_view(session, faults)

    def show(name: str, request: Any = None) -> None:
        """Go to a view, which begins with what is asked of it when the browser has it and has told its theme."""
        asked = requests.pop(name, None) if request is None else request

        async def begin() -> None:
            await session.opened.wait()
            await built[name].begin(asked)

        with slots[name]:
            fresh = name not in built
            if fresh:
                built[name] = getattr(views, classes[name])(session)
            if fresh or asked is not None:
                ui.timer(0, begin, once=True)
        panels.set_value(name)

    def apply_theme(theme: Any) -> None:
        dark.set_value(theme == "dark")
        session.change_theme(theme)

    def change_theme() -> None:
        theme = "light" if session.theme == "dark" else "dark"
        ui.run_javascript(f"localStorage.setItem('kapitza-theme', '{theme}')")
        apply_theme(theme)

    async def open_page() -> None:
        await ui.context.client.connected()
        apply_theme("dark" if await ui.run_javascript(_IS_DARK) else "light")
        session.opened.set()

    session.show = show
    tabs.on_value_change(lambda event: show(str(event.value)))
    button.on_click(change_theme)
    show(next(iter(requests), _VIEWS[0].name))
    ui.timer(0, open_page, once=True)


def _files_by_view(session: Session, faults: FaultLine) -> dict[str, list[Path]]:
    """Files of the command line by the views that open them, the first that does."""
    found: dict[str, list[Path]] = {}
    for path in session.files:
        suffix, keys = path.suffix.lower(), frozenset[str]()
        if suffix == ".toml":
            with suppress(KapitzaError, OSError):
                keys = frozenset(parse_toml(read_limited(path, MAX_TOML_BYTES), path))
        view = next((one for one in _VIEWS if one.keys & keys or suffix in one.suffixes), None)
        if view is None:
            faults.say(f"{path.name}: no view opens such a file")
        else:
            found.setdefault(view.name, []).append(path)
    return found
