"""The view Interface: what is known of the contact of two materials, and what carries the heat across."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from nicegui import ui

from kapitza import KapitzaError, Measurement
from kapitza.errors import InputError
from kapitza.measure import CONDITIONS, Condition
from kapitza.web.answers import (
    FIRST_QUESTION,
    NORMALS,
    ROOM_TEMPERATURE,
    TEMPERATURES,
    Answer,
    Question,
    find_answer,
    headline,
    megawatts,
    model_rows,
    remarks_at,
    side_names,
)
from kapitza.web.background import Latest, Outcome, compute
from kapitza.web.cards import HEAD_START, begin_later
from kapitza.web.dropped import SIDE_FILES, side_of_file
from kapitza.web.exports import answer_json, curves_csv, spectrum_csv, texts_to_copy
from kapitza.web.figures.interface import conductance_figure, heat_text, spectrum_figure
from kapitza.web.parts import Chart, copy_menu, drop_zone, export_menu, fault_line
from kapitza.web.session import Session
from kapitza.web.views.junction_card import JunctionCard

_UNKNOWN = "not described"
_NO_LAYER = "none"
_UNIT = "MW m⁻² K⁻¹"


class InterfaceView:
    """What the view shows at present, and what changes it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._answer: Answer | None = None
        self._warned: tuple[str, ...] = ()
        self._dropped: dict[Any, tuple[str, str]] = {}  # by field: the name of a dropped side, and what is said of it
        self._temperature = ROOM_TEMPERATURE
        self._asked = Latest(self._ask)
        with ui.element("div").classes("k-columns"):
            with ui.element("div").classes("k-stack"):
                self._lay_out_question()
            with ui.element("div").classes("k-stack"):
                self._lay_out_answer()

    def _lay_out_question(self) -> None:
        """Controls: sides, how they meet, temperature."""
        names, first = side_names(), FIRST_QUESTION
        with ui.element("section").classes("k-card").props('aria-label="Interface"'):
            self._sides: list[Any] = []
            for label, name in (("Left", first.left), ("Right", first.right)):
                select = _side_select(label, names, name)
                select.on_value_change(self._change)
                self._sides.append(select)
                what = f"or drop a crystal file, {label.lower()}"
                drop_zone(self._session, what, partial(self._take_file, select), accept=SIDE_FILES)
            with ui.element("div").classes("k-row k-pair"):
                self._normals = [
                    ui.select(list(NORMALS), value="001", label=f"{side} normal", on_change=self._change)
                    for side in ("Left", "Right")
                ]
            self._condition = ui.select(
                {"": _UNKNOWN} | {one: one for one in CONDITIONS if one},
                value="",
                label="Contact",
                on_change=self._change,
            )
            self._layer = ui.select(
                [_NO_LAYER, *names], value=_NO_LAYER, label="Layer between", with_input=True, on_change=self._change
            )
        with ui.element("section").classes("k-card").props('aria-label="Temperature"'):
            with ui.element("div").classes("k-row k-between"):
                ui.html('<h2 class="k-title">Temperature</h2>', sanitize=False)
                self._kelvin = ui.label().classes("k-number k-strong")
            self._slider = ui.slider(min=0, max=len(TEMPERATURES) - 1, value=TEMPERATURES.index(ROOM_TEMPERATURE))
            self._slider.props('aria-label="Temperature"').on_value_change(self._move)

    def _lay_out_answer(self) -> None:
        """The best estimate, both figures, the tables, the atoms."""
        self._faults = fault_line()
        with ui.element("section").classes("k-card").props('aria-label="Best estimate" aria-live="polite"'):
            with ui.element("div").classes("k-row k-between"):
                self._names = ui.label().classes("k-title")
                with ui.element("div").classes("k-row"):
                    self._spinner = ui.spinner(size="20px").props('aria-label="computing"')
                    copy_menu(lambda: texts_to_copy(_present(self._answer), self._temperature))
            with ui.element("div").classes("k-row k-headline"):
                self._value = ui.label("–").classes("k-value k-number").mark("estimate")
                ui.label(_UNIT).classes("k-unit")
                self._interval = ui.label().classes("k-note k-number")
            self._reason = ui.label().classes("k-note")
            self._remarks = ui.label().classes("k-note")
        with ui.element("div").classes("k-figures"):
            self._curves = self._figure_card(
                "Conductance", partial(self._draw, conductance_figure), "conductance",
                {
                    "csv": lambda: curves_csv(_present(self._answer)),
                    "json": lambda: answer_json(_present(self._answer)),
                },
            )  # fmt: skip
            self._spectrum = self._figure_card(
                "What carries the heat", partial(self._draw, spectrum_figure), "spectrum",
                {"csv": lambda: spectrum_csv(_present(self._answer), self._temperature)},
            )  # fmt: skip
            self._curves.on_click(_open_source)
        with ui.element("div").classes("k-figures"):
            with ui.element("section").classes("k-card"):
                self._models = ui.html("", sanitize=False)
            with ui.element("section").classes("k-card"):
                self._measured = ui.html("", sanitize=False)
        self._junction = JunctionCard(self._session, lambda: _present(self._answer).question)

    def _figure_card(self, title: str, draw: Any, name: str, texts: dict[str, Callable[[], str]]) -> Chart:
        """A card with a title, the ways to export, a figure and a line below it."""
        with ui.element("section").classes("k-card").props(f'aria-label="{title}"'):
            with ui.element("div").classes("k-row k-between"):
                ui.html(f'<h2 class="k-title">{title}</h2>', sanitize=False)
                place = ui.element("div")
            chart = Chart(self._session, draw, name=name, label=title)
            with place:
                export_menu(chart, texts)
            if name == "spectrum":
                self._heat = ui.label().classes("k-note k-number")
        return chart

    def _draw(self, figure: Callable[..., dict[str, Any] | None], theme: Any) -> dict[str, Any] | None:
        """A figure of the answer, once there is one."""
        return None if self._answer is None else figure(self._answer, theme, self._temperature)

    async def _change(self) -> None:
        """Ask again."""
        left, right = (str(one.value or "") for one in self._sides)
        if left and right:
            condition: Condition = self._condition.value or ""
            layer = "" if self._layer.value in (None, _NO_LAYER) else str(self._layer.value)
            normals = str(self._normals[0].value), str(self._normals[1].value)
            await self._asked(Question(left=left, right=right, normals=normals, condition=condition, layer=layer))

    async def ask(self, left: str, right: str) -> None:
        """Show a pair."""
        for select, name in zip(self._sides, (left, right), strict=True):
            _offer(select, name)
            select.set_value(name)
        await self._change()

    async def _take_file(self, select: Any, path: Path) -> None:
        """Take a dropped file as one of the sides."""
        name, said = (await compute(side_of_file, path)).value
        self._dropped[select] = name, said
        _offer(select, name)
        select.set_value(name)
        self._show_temperature()

    async def _ask(self, question: Question) -> None:
        """Compute, and show what is found; a fault leaves what is there."""
        if self._answer is not None and question == self._answer.question:
            return
        self._spinner.set_visibility(True)
        async with self._faults.shown():
            found = await _find(self._session, question)
            self._answer = found.value
            self._junction.clear()
            self._show(found.remarks)
        self._spinner.set_visibility(False)

    def _show(self, warned: Sequence[str]) -> None:
        """Show the answer."""
        found = _present(self._answer)
        self._names.set_text(f"{found.prediction.left} | {found.prediction.right}")
        reason = found.prediction.estimate.reason
        self._reason.set_text(f"{reason[:1].upper()}{reason[1:]}.")
        self._warned = tuple(warned)
        self._measured.set_content(_measured_table(found.prediction.measured))
        self._curves.redraw()
        self._spectrum.redraw()
        self._show_temperature()

    def _show_temperature(self) -> None:
        """Show what depends on the temperature of the slider, besides the figures."""
        self._kelvin.set_text(f"{self._temperature:g} K")
        found = self._answer
        if found is not None:
            value, interval = headline(found, self._temperature)
            self._value.set_text(value)
            self._interval.set_text(interval)
            self._models.set_content(_models_table(model_rows(found, self._temperature), self._temperature))
            self._heat.set_text(heat_text(found, self._temperature))
            dropped = [said for field, (name, said) in self._dropped.items() if field.value == name]
            said = dict.fromkeys((*dropped, *remarks_at(found, self._temperature), *self._warned))
            self._remarks.set_text(" · ".join(filter(None, said)))

    async def _move(self) -> None:
        """Follow the slider: figures before texts, which lay the page out anew."""
        self._temperature = TEMPERATURES[int(self._slider.value or 0)]
        if self._answer is not None:
            self._spectrum.follow()
            self._curves.follow()
            await asyncio.sleep(HEAD_START)
        self._show_temperature()


def _present(answer: Answer | None) -> Answer:
    """The answer; a fault where there is none yet."""
    if answer is None:
        raise InputError("there is no answer yet: choose two materials")
    return answer


async def _find(session: Session, question: Question) -> Outcome:
    """The answer to a question; to the first one, that which was begun with the server."""
    if session.first is not None and question == FIRST_QUESTION:
        with suppress(KapitzaError, OSError):  # else it is sought here, where faults are shown
            return await asyncio.wrap_future(session.first)
    return (await compute(find_answer, question)).value


def _side_select(label: str, names: list[str], name: str) -> Any:
    """A field that finds a material by a part of its name."""
    options = {one: one for one in names}
    return ui.select(options, value=name, label=label, with_input=True).props("hide-selected fill-input")


def _offer(select: Any, name: str) -> None:
    """Let a field offer a path too, by its name without the folder."""
    offered: dict[str, str] = dict(select.options)
    if name not in offered:
        select.set_options(offered | {name: Path(name).name})


def _open_source(point: dict[str, Any]) -> None:
    """Open the source of a measured point."""
    data = point.get("customdata")
    if isinstance(data, list) and len(data) > 1 and str(data[1]).startswith("https://"):
        ui.navigate.to(str(data[1]), new_tab=True)


def _models_table(rows: Iterable[tuple[str, str]], temperature: float) -> str:
    """Table of models at a temperature (K)."""
    lines = (f'<tr><td>{escape(title)}</td><td class="k-right">{value}</td></tr>' for title, value in rows)
    head = f'<tr><th scope="col">emitted drop, {_UNIT}</th><th scope="col" class="k-right">{temperature:g} K</th></tr>'
    table = f'<table class="k-table"><thead>{head}</thead><tbody>{"".join(lines)}</tbody></table>'
    return f'<h2 class="k-title">Models</h2>{table}'


def _measured_table(found: Sequence[Measurement]) -> str:
    """Table of what was published, each with its source."""
    if not found:
        return '<h2 class="k-title">Measured</h2><p class="k-note">Nobody is known to have measured this contact.</p>'
    lines = "".join(map(_measured_row, found))
    names = ("source", "method", "contact", "K")
    head = "".join(f'<th scope="col">{one}</th>' for one in names) + f'<th scope="col" class="k-right">{_UNIT}</th>'
    title = f'<h2 class="k-title">Measured: {len(found)} curves and points</h2>'
    table = f'<table class="k-table"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'
    return f'{title}<div class="k-scroll" tabindex="0" role="region" aria-label="Measured values">{table}</div>'


def _measured_row(one: Measurement) -> str:
    """A row of the table of what was published."""
    kelvin, value = one.conductance.temperature, one.conductance.value
    at = f"{kelvin[0]:g}" if kelvin.size == 1 else f"{kelvin[0]:g} – {kelvin[-1]:g}"
    ends = [megawatts(float(end)) for end in ((value[0],) if value.size == 1 else (value.min(), value.max()))]
    made = ", ".join(dict.fromkeys(filter(None, (one.condition, one.preparation, one.exclusion))))
    link = (
        f'<a href="{escape(one.address)}" target="_blank" rel="noopener noreferrer">{escape(_short(one.citation))}</a>'
    )
    row = "".join(f"<td>{cell}</td>" for cell in (link, escape(one.method), escape(made)))
    row += f'<td class="k-nowrap">{at}</td><td class="k-right">{" – ".join(ends)}</td>'
    return f"<tr>{row}</tr>"


def _short(citation: str) -> str:
    """Authors and year of a citation."""
    head, _, tail = citation.partition(",")
    year = tail.rpartition("(")[2].partition(")")[0]
    return f"{head} {year}" if year.isdecimal() else head


def build_interface(session: Session) -> None:
    """Lay the view out, and show the first pair or the one that is asked for."""
    view = InterfaceView(session)

    async def begin() -> None:
        asked = session.take("interface")
        if isinstance(asked, tuple):
            await view.ask(*asked)
        else:
            await view.ask(FIRST_QUESTION.left, FIRST_QUESTION.right)

    begin_later(session, begin)
    session.on_request("interface", lambda: begin_later(session, begin))
