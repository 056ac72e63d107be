"""Cards of the page: a chart with its title and its export, cells of tables, plain tables."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui import ui

from kapitza.web.parts import REST, Chart, Figure, export_menu
from kapitza.web.session import Session, Theme

Draw = Callable[[Theme], Figure | None]
HEAD_START = 0.01  # seconds by which a figure that follows a slider goes to the browser before texts


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


async def draw_at_rest(slider: Any, redraw: Callable[[], None]) -> None:
    """Draw figures once a slider rests that did not follow it; while it moves they would only hold it up."""
    place = slider.value
    await asyncio.sleep(REST)
    if slider.value == place:
        redraw()


def attribute_text(text: str) -> str:
    """A text that can stand in an attribute of an element."""
    return text.replace('"', "'").replace("\\", "/")


def begin_later(session: Session, begin: Callable[[], Awaitable[None]]) -> None:
    """Begin work as soon as the browser has what is laid out, and has told its theme."""

    async def wait_and_begin() -> None:
        await session.opened.wait()
        await begin()

    ui.timer(0, wait_and_begin, once=True)
