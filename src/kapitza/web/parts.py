"""Parts that views share: charts, exports, drop zones, cells, texts to copy, lines for faults, long runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nicegui import events, ui

from kapitza import KapitzaError
from kapitza.errors import InputError
from kapitza.matter import is_structure_file
from kapitza.web.background import Cancelled, Job, Outcome, fault_text
from kapitza.web.figures.words import figure_change, figure_table, figure_words
from kapitza.web.session import Session, Theme, file_of_upload

Figure = dict[str, Any]
Draw = Callable[[Theme], Figure | None]
HEAD_START = 0.01  # seconds by which a figure that follows a slider goes to the browser before texts
REST = 0.5  # seconds after which a slider rests
_MAX_DROPPED_BYTES = 2**31
# plotly fails where it is resized while its tab is hidden, so that this is done here
_FOLLOW_SIZE = """(() => {
  const chart = getElement(%d), place = chart?.$el;
  if (!place || place.sizeWatcher) return;
  place.sizeWatcher = new ResizeObserver(() => {
    if (place.offsetParent && place._fullLayout && chart.Plotly) chart.Plotly.Plots.resize(place);
  });
  place.sizeWatcher.observe(place);
})()"""
_SCALE = 3  # pixels of a PNG to a point of the screen
_CLEAR = "rgba(0,0,0,0)"
_EMPTY = MappingProxyType(  # until there is something to draw: plotly's own would be a white sheet with axes
    {"paper_bgcolor": _CLEAR, "plot_bgcolor": _CLEAR, "xaxis": {"visible": False}, "yaxis": {"visible": False}}
)


class FaultLine:
    """A line that says what is wrong, gone when it is no longer."""

    def __init__(self) -> None:
        self._label = ui.label().classes("k-fault").props('role="alert"')
        self._label.set_visibility(False)

    def say(self, text: str) -> None:
        """Show a text; none for an empty one."""
        self._label.set_text(text)
        self._label.set_visibility(bool(text))

    @asynccontextmanager
    async def shown(self) -> AsyncGenerator[None]:
        """Show a fault of what is done inside as one line; clear the line before."""
        self.say("")
        try:
            yield
        except Cancelled:
            pass
        except (KapitzaError, OSError, MemoryError) as err:
            self.say(fault_text(err))


class Chart:
    """A figure of plotly that follows the theme of a session: `draw` returns it, or None while there is nothing.

    `name` is that of exported files, and `label` what a reader is told who does not see the figure.
    """

    def __init__(self, session: Session, draw: Draw, *, name: str, label: str, height: str = "460px") -> None:
        self._session, self._draw, self.name, self.label = session, draw, name, label
        self.element = ui.plotly({"data": [], "layout": dict(_EMPTY)})
        self.element.style(f"width: 100%; height: {height}").props(f'role="img" aria-label="{label}" tabindex="0"')
        self._words = ui.label().classes("k-hidden")  # read aloud, not shown
        self.element.props(f'aria-describedby="{self._words.html_id}"')
        self._follows_size = False
        self._rest: asyncio.TimerHandle | None = None
        session.followers.append(self.redraw)

    def redraw(self) -> None:
        """Draw the figure anew."""
        figure = None if self.element.is_deleted else self._draw(self._session.theme)
        if figure is not None:
            self.element.update_figure(figure)
            self._say()
            if not self._follows_size:
                self._follows_size = True
                ui.run_javascript(_FOLLOW_SIZE % self.element.id)

    def follow(self) -> None:
        """Draw what a slider moves, which is quicker than all of the figure; its words follow once the slider rests."""
        figure = None if self.element.is_deleted else self._draw(self._session.theme)
        change = None if figure is None else figure_change(self.element.figure, figure)
        if figure is None or change is None:
            self.redraw()
        elif change.traces or change.layout:
            self.element.figure = figure
            self.element.run_plot_method("update", change.data, change.layout, change.traces)
            if self._rest is not None:
                self._rest.cancel()
            self._rest = asyncio.get_running_loop().call_later(REST, self._say)

    def _say(self) -> None:
        if not self.element.is_deleted:
            self._words.set_text(figure_words(self.element.figure))

    def show_table(self) -> None:
        """Show the points as a table, which the keyboard reaches."""
        figure = self._draw(self._session.theme)
        with open_dialog() as dialog:
            with ui.element("div").classes("k-row k-between"):
                heading(self.label)
                ui.button("Close", on_click=dialog.close).props("flat dense no-caps")
            table = '<p class="k-note">Nothing is drawn yet.</p>' if figure is None else figure_table(figure)
            scroll = f'<div class="k-scroll" tabindex="0" role="region" aria-label="{self.label}, table">{table}</div>'
            ui.html(scroll, sanitize=False).style("width: 100%")

    def on_click(self, answer: Callable[[dict[str, Any]], Any]) -> None:
        """Call a function with the point that is clicked: its "customdata", "x", "y", "curveNumber", ..."""

        def pass_on(event: events.GenericEventArguments) -> Any:
            points = event.args.get("points") if isinstance(event.args, dict) else None
            return answer(points[0]) if points else None

        self.element.on("plotly_click", pass_on)

    def download_image(self, kind: str) -> None:
        """Let the browser save the figure as "png" or "svg"."""
        scale = _SCALE if kind == "png" else 1
        self.element.run_plot_method("downloadImage", {"format": kind, "filename": self.name, "scale": scale})


def heading(text: str) -> None:
    """The title of a card."""
    ui.html(f'<h2 class="k-title">{text}</h2>', sanitize=False)


@contextmanager
def card_with_menu(title: str, label: str = "") -> Generator[Any]:
    """A section with a title; what is yielded is the place on the right of the title, for a menu."""
    with ui.element("section").classes("k-card").props(f'aria-label="{label or title}"'):
        with ui.element("div").classes("k-row k-between"):
            heading(title)
            place = ui.element("div").classes("k-row")
        yield place


def card_chart(
    session: Session,
    draw: Draw,
    name: str,
    label: str,
    *,
    height: str = "340px",
    texts: Mapping[str, Callable[[], str]] | None = None,
) -> Chart:
    """A chart with its title and its export in a card of its own; the parameters are those of `Chart`."""
    with ui.element("div").classes("k-card"):
        with ui.element("div").classes("k-row k-between"):
            ui.label(label).classes("k-title")
            slot = ui.element("div")
        chart = Chart(session, draw, name=name, label=label, height=height)
    with slot:
        export_menu(chart, texts or {})
    return chart


def export_menu(chart: Chart, texts: Mapping[str, Callable[[], str]]) -> None:
    """A button with the ways to save a chart: PNG, SVG, and `texts` by their suffix: {"csv": ..., "json": ...}."""

    def download(suffix: str) -> None:
        ui.download.content(texts[suffix]().encode(), f"{chart.name}.{suffix}")

    # the menu of a plain button looks for its anchor when the view is hidden already
    with ui.dropdown_button("Export", icon="download", auto_close=True).props("flat dense no-caps"):
        for kind in ("png", "svg"):
            ui.item(kind.upper(), on_click=partial(chart.download_image, kind))
        ui.item("Table", on_click=chart.show_table)
        for suffix in texts:
            ui.item(suffix.upper(), on_click=partial(download, suffix))


@contextmanager
def open_dialog(width: str = "width: 720px; max-width: 92vw") -> Generator[Any]:
    """A dialog, which is open once it is laid out."""
    with ui.dialog() as dialog, ui.card().classes("k-card").style(width):
        yield dialog
    dialog.open()


def copy_menu(texts: Callable[[], Mapping[str, str]]) -> None:
    """A button that shows what is on the screen as text to copy: {"Python": ..., "TOML": ..., "Command line": ...}."""

    def copy(text: str) -> None:
        ui.clipboard.write(text)
        ui.notify("copied", timeout=1200)

    def show() -> None:
        with open_dialog():
            found = texts()
            with ui.tabs().props("dense no-caps align=left") as tabs:
                for name in found:
                    ui.tab(name)
            with ui.tab_panels(tabs, value=next(iter(found)), animated=False).style("width: 100%"):
                for name, text in found.items():
                    with ui.tab_panel(name).style("gap: 12px"):
                        ui.label(text).classes("k-code").props('tabindex="0"')
                        ui.button("Copy", icon="content_copy", on_click=partial(copy, text)).props("flat dense")

    ui.button("Copy as", icon="code", on_click=show).props("flat dense no-caps")


def drop_zone(
    session: Session,
    text: str,
    on_file: Callable[[Path], Awaitable[None]],
    *,
    accept: tuple[str, ...] = (),
    several: bool = False,
) -> None:
    """A field on which a file can be dropped, or which is clicked to choose one; `accept` are suffixes, all without.

    `on_file` gets the path of a copy in the folder of the session; its errors stand as one line below the field.
    """

    async def receive(event: events.UploadEventArguments) -> None:
        place = file_of_upload(session.folder, event.file.name)
        await event.file.save(place)
        zone.reset()
        async with faults.shown():
            if accept and not place.name.lower().endswith(accept) and not is_structure_file(place):
                raise InputError(f"{event.file.name:.60} is not of a kind that is taken here: {', '.join(accept)}")
            await on_file(place)

    def refuse() -> None:
        faults.say(f"more than {_MAX_DROPPED_BYTES / 2**30:.0f} GiB: too large for the page, see `kapitza --help`")

    zone = ui.upload(
        label=text, auto_upload=True, multiple=several, max_file_size=_MAX_DROPPED_BYTES, on_upload=receive,
        on_rejected=refuse,
    )  # fmt: skip
    zone.classes("k-drop").props(f'flat color=transparent aria-label="{text}"')
    faults = FaultLine()


def plain_table(heads: Mapping[str, str], row_key: str) -> Any:
    """An empty table with a column for each key, under its head."""
    columns = [{"name": key, "label": head, "field": key, "align": "left"} for key, head in heads.items()]
    return ui.table(columns=columns, rows=[], row_key=row_key).props("flat dense wrap-cells")


def text_cell(text: str, label: str, take: Callable[[str], Awaitable[None]], *, head: bool = True) -> Any:
    """A cell whose text is taken when it is left, or by Enter; its label is shown, or only read aloud."""
    cell = ui.input(label=label if head else None, value=text)
    cell.props(f'dense outlined aria-label="{attribute_text(label)}"')

    async def pass_on() -> None:
        await take(str(cell.value or ""))

    cell.on("change", pass_on)
    return cell


def icon_button(icon: str, label: str, answer: Callable[[], Any]) -> None:
    """A small button that shows an icon, and says its label."""
    text = attribute_text(label)
    ui.button(icon=icon, on_click=answer).props(f'flat dense round size=sm aria-label="{text}" title="{text}"')


def attribute_text(text: str) -> str:
    """A text that can stand in an attribute of an element."""
    return text.replace('"', "'").replace("\\", "/")


class JobPanel:
    """A bar with the progress of a long run, and a button that cancels it; not there while nothing runs."""

    def __init__(self) -> None:
        self._job: Job | None = None
        with ui.element("div").classes("k-card").props('role="status"') as self._card:
            with ui.element("div").classes("k-row k-between"):
                self._text = ui.label().classes("k-note")
                ui.button("Cancel", icon="close", on_click=self.cancel).props("flat dense no-caps")
            self._bar = ui.linear_progress(show_value=False).props('rounded aria-label="Progress"')
        self._card.set_visibility(False)

    async def run(self, text: str, job: Job) -> Outcome:
        """Run a job, whose errors are raised here; a job that still runs is cancelled first."""
        self.cancel()
        self._job = job
        self._text.set_text(text)
        self._bar.props("indeterminate")
        self._card.set_visibility(True)

        def report(done: int, total: int) -> None:
            self._bar.props(remove="indeterminate")
            self._bar.set_value(done / max(total, 1))
            self._text.set_text(f"{text}: {done} of {total}")

        try:
            return await job.run(report)
        finally:
            if self._job is job:
                self._card.set_visibility(False)

    def cancel(self) -> None:
        """End what runs."""
        if self._job is not None:
            self._job.cancel()
