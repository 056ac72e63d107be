"""The view Interface: what is known of the contact of two materials, what carries the heat, the atoms of a junction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from nicegui import ui

import kapitza
from kapitza import Junction, KapitzaError, Measurement
from kapitza.errors import InputError
from kapitza.io import RESULT_SUFFIXES, suffixes_of
from kapitza.measure import CONDITIONS, Condition
from kapitza.web import parts
from kapitza.web.background import Job, Latest, Outcome, compute
from kapitza.web.figures.interface import conductance_figure, heat_text, junction_figure, spectrum_figure
from kapitza.web.figures.words import html_table
from kapitza.web.models import interface as model
from kapitza.web.models.interface import DEFAULT_NORMALS, FIRST_QUESTION, TEMPERATURES, Answer, Question
from kapitza.web.session import Session

SIDE_FILES = (*suffixes_of("crystal of phonopy"), ".toml", *suffixes_of("structure"), *RESULT_SUFFIXES)
_UNKNOWN = "not described"
_NO_LAYER = "none"
_UNIT = "MW m⁻² K⁻¹"
_INVITATION = "Where both crystals have force constants, or a potential knows them; or drop one that was saved."


class InterfaceView:
    """What the view shows at present, and what changes it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._answer: Answer | None = None
        self._warned: tuple[str, ...] = ()
        self._dropped: dict[Any, tuple[str, str]] = {}  # by field: the name of a dropped side, and what is said of it
        self._temperature = model.ROOM_TEMPERATURE
        self._asked = Latest(self._ask)
        with ui.element("div").classes("k-columns"):
            with ui.element("div").classes("k-stack"):
                self._lay_out_question()
            with ui.element("div").classes("k-stack"):
                self._lay_out_answer()

    def _lay_out_question(self) -> None:
        names, first = model.side_names(), FIRST_QUESTION
        with ui.element("section").classes("k-card").props('aria-label="Interface"'):
            self._sides: list[Any] = []
            for label, name in (("Left", first.left), ("Right", first.right)):
                select = ui.select({one: one for one in names}, value=name, label=label, with_input=True)
                select.props("hide-selected fill-input")  # a material is found by a part of its name
                select.on_value_change(self._change)
                self._sides.append(select)
                what = f"or drop a crystal file, {label.lower()}"
                parts.drop_zone(self._session, what, partial(self._take_file, select), accept=SIDE_FILES)
            with ui.element("div").classes("k-row k-pair"):
                self._normals = [
                    ui.select(list(model.NORMALS), value="001", label=f"{side} normal", on_change=self._change)
                    for side in ("Left", "Right")
                ]
            conditions = {"": _UNKNOWN} | {one: one for one in CONDITIONS if one}
            self._condition = ui.select(conditions, value="", label="Contact", on_change=self._change)
            self._layer = ui.select(
                [_NO_LAYER, *names], value=_NO_LAYER, label="Layer between", with_input=True, on_change=self._change
            )
        with ui.element("section").classes("k-card").props('aria-label="Temperature"'):
            with ui.element("div").classes("k-row k-between"):
                parts.heading("Temperature")
                self._kelvin = ui.label().classes("k-number k-strong")
            start = TEMPERATURES.index(self._temperature)
            self._slider = ui.slider(min=0, max=len(TEMPERATURES) - 1, value=start)
            self._slider.props('aria-label="Temperature"').on_value_change(self._move)

    def _lay_out_answer(self) -> None:
        self._faults = parts.FaultLine()
        with ui.element("section").classes("k-card").props('aria-label="Best estimate" aria-live="polite"'):
            with ui.element("div").classes("k-row k-between"):
                self._names = ui.label().classes("k-title")
                with ui.element("div").classes("k-row"):
                    self._spinner = ui.spinner(size="20px").props('aria-label="computing"')
                    parts.copy_menu(lambda: model.texts_to_copy(_present(self._answer), self._temperature))
            with ui.element("div").classes("k-row k-headline"):
                self._value = ui.label("–").classes("k-value k-number").mark("estimate")
                ui.label(_UNIT).classes("k-unit")
                self._interval = ui.label().classes("k-note k-number")
            self._reason = ui.label().classes("k-note")
            self._remarks = ui.label().classes("k-note")
        with ui.element("div").classes("k-figures"):
            csv_and_json = {
                "csv": lambda: model.curves_csv(_present(self._answer)),
                "json": lambda: model.answer_json(_present(self._answer)),
            }
            self._curves = self._figure_card("Conductance", conductance_figure, "conductance", csv_and_json)
            spectrum = {"csv": lambda: model.spectrum_csv(_present(self._answer), self._temperature)}
            self._spectrum = self._figure_card("What carries the heat", spectrum_figure, "spectrum", spectrum)
            self._curves.on_click(_open_source)
        with ui.element("div").classes("k-figures"):
            with ui.element("section").classes("k-card"):
                self._models = ui.html("", sanitize=False)
            with ui.element("section").classes("k-card"):
                self._measured = ui.html("", sanitize=False)
        self._junction = JunctionCard(self._session, lambda: _present(self._answer).question)

    def _figure_card(
        self, title: str, figure: Callable[..., dict[str, Any] | None], name: str, texts: dict[str, Callable[[], str]]
    ) -> parts.Chart:
        """A card with a title, the ways to export, a figure of the answer once there is one, and a line below it."""

        def draw(theme: Any) -> dict[str, Any] | None:
            return None if self._answer is None else figure(self._answer, theme, self._temperature)

        with parts.card_with_menu(title) as place:
            chart = parts.Chart(self._session, draw, name=name, label=title)
            with place:
                parts.export_menu(chart, texts)
            if name == "spectrum":
                self._heat = ui.label().classes("k-note k-number")
        return chart

    async def _change(self) -> None:
        left, right = (str(one.value or "") for one in self._sides)
        if left and right:
            condition: Condition = self._condition.value or ""
            layer = "" if self._layer.value in (None, _NO_LAYER) else str(self._layer.value)
            normals = str(self._normals[0].value), str(self._normals[1].value)
            await self._asked(Question(left=left, right=right, normals=normals, condition=condition, layer=layer))

    async def begin(self, asked: tuple[str, str] | None) -> None:
        """Show a pair, or the first one."""
        names = asked or (FIRST_QUESTION.left, FIRST_QUESTION.right)
        for select, name in zip(self._sides, names, strict=True):
            _offer(select, name)
            select.set_value(name)
        await self._change()

    async def _take_file(self, select: Any, path: Path) -> None:
        name, said = (await compute(model.side_of_file, path)).value
        self._dropped[select] = name, said
        _offer(select, name)
        select.set_value(name)
        self._show_temperature()

    async def _ask(self, question: Question) -> None:
        if self._answer is not None and question == self._answer.question:
            return
        self._spinner.set_visibility(True)
        async with self._faults.shown():
            found = await _find(self._session, question)
            self._answer = found.value
            self._junction.clear()
            self._show(found.remarks)
        self._spinner.set_visibility(False)

    def _show(self, warned: tuple[str, ...]) -> None:
        found = _present(self._answer)
        self._names.set_text(f"{found.prediction.left} | {found.prediction.right}")
        reason = found.prediction.estimate.reason
        self._reason.set_text(f"{reason[:1].upper()}{reason[1:]}.")
        self._warned = warned
        self._measured.set_content(_measured_table(found.prediction.measured))
        self._curves.redraw()
        self._spectrum.redraw()
        self._show_temperature()

    def _show_temperature(self) -> None:
        self._kelvin.set_text(f"{self._temperature:g} K")
        found = self._answer
        if found is not None:
            value, interval = model.headline(found, self._temperature)
            self._value.set_text(value)
            self._interval.set_text(interval)
            table = html_table(
                [f"emitted drop, {_UNIT}", f"{self._temperature:g} K"],
                [[escape(title), value] for title, value in model.model_rows(found, self._temperature)],
                numbers=1,
            )
            self._models.set_content(f'<h2 class="k-title">Models</h2>{table}')
            self._heat.set_text(heat_text(found, self._temperature))
            dropped = [said for field, (name, said) in self._dropped.items() if field.value == name]
            said = dict.fromkeys((*dropped, *model.remarks_at(found, self._temperature), *self._warned))
            self._remarks.set_text(" · ".join(filter(None, said)))

    async def _move(self) -> None:
        """Follow the slider: figures before texts, which lay the page out anew."""
        self._temperature = TEMPERATURES[int(self._slider.value or 0)]
        if self._answer is not None:
            self._spectrum.follow()
            self._curves.follow()
            await asyncio.sleep(parts.HEAD_START)
        self._show_temperature()


def _present(answer: Answer | None) -> Answer:
    if answer is None:
        raise InputError("there is no answer yet: choose two materials")
    return answer


async def _find(session: Session, question: Question) -> Outcome:
    """The answer to a question; to the first one, that which was begun with the server."""
    if session.first is not None and question == FIRST_QUESTION:
        with suppress(KapitzaError, OSError):  # else it is sought here, where faults are shown
            return await asyncio.wrap_future(session.first)
    return (await compute(model.find_answer, question)).value


def _offer(select: Any, name: str) -> None:
    offered: dict[str, str] = dict(select.options)
    if name not in offered:
        select.set_options(offered | {name: Path(name).name})


def _open_source(point: dict[str, Any]) -> None:
    data = point.get("customdata")
    if isinstance(data, list) and len(data) > 1 and str(data[1]).startswith("https://"):
        ui.navigate.to(str(data[1]), new_tab=True)


def _measured_table(found: Sequence[Measurement]) -> str:
    if not found:
        return '<h2 class="k-title">Measured</h2><p class="k-note">Nobody is known to have measured this contact.</p>'
    title = f'<h2 class="k-title">Measured: {len(found)} curves and points</h2>'
    table = html_table(["source", "method", "contact", "K", _UNIT], [_measured_row(one) for one in found], numbers=1)
    return f'{title}<div class="k-scroll" tabindex="0" role="region" aria-label="Measured values">{table}</div>'


def _measured_row(one: Measurement) -> list[str]:
    kelvin, value = one.conductance.temperature, one.conductance.value
    at = f"{kelvin[0]:g}" if kelvin.size == 1 else f"{kelvin[0]:g} – {kelvin[-1]:g}"
    ends = (value.min(), value.max()) if value.size > 1 else (value[0],)
    made = ", ".join(dict.fromkeys(filter(None, (one.condition, one.preparation, one.exclusion))))
    authors, _, tail = one.citation.partition(",")
    year = tail.rpartition("(")[2].partition(")")[0]
    short = escape(f"{authors} {year}" if year.isdecimal() else authors)
    link = f'<a href="{escape(one.address)}" target="_blank" rel="noopener noreferrer">{short}</a>'
    values = " – ".join(model.megawatts(float(end)) for end in ends)
    return [link, escape(one.method), escape(made), f'<span class="k-nowrap">{at}</span>', values]


class JunctionCard:
    """A card with the atoms of a junction of the interface that `question` returns."""

    def __init__(self, session: Session, question: Callable[[], Question]) -> None:
        self._question, self._session = question, session
        with parts.card_with_menu("Junction, atom by atom", "Junction") as place:
            with place:
                ui.button("Build", icon="hub", on_click=self._build).props("flat dense no-caps")
            self._note = ui.label(_INVITATION).classes("k-note")
            self._place = ui.element("div")
            self._faults, self._panel = parts.FaultLine(), parts.JobPanel()
            parts.drop_zone(session, "Drop a saved junction", self._open, accept=RESULT_SUFFIXES)

    def clear(self) -> None:
        """Forget the junction, which is not that of the interface any more."""
        self._panel.cancel()
        self._faults.say("")
        self._note.set_text(_INVITATION)
        self._place.clear()

    async def _build(self) -> None:
        question = self._question()
        self._note.set_text("")
        async with self._faults.shown():
            job = Job(make_junction_of, question)
            made, assumes = (await self._panel.run(f"Building {question.left} | {question.right}", job)).value
            if question == self._question():
                self._show(made, assumes)
            return
        self._note.set_text(_INVITATION)

    async def _open(self, path: Path) -> None:
        async with self._faults.shown():
            held = (await compute(kapitza.read, path)).value
            if not isinstance(held, Junction):
                raise InputError(f"{path.name} holds a {type(held).__name__}: expected a junction that was saved")
            self._show(held, "")

    def _show(self, made: Junction, assumes: str) -> None:
        atoms = sum(slab.masses.size for slab in made.device)
        self._note.set_text("; ".join(filter(None, (f"{made.name}: {atoms} atoms in a cell", assumes))))
        self._place.clear()
        if junction_figure(made, self._session.theme) is not None:
            with self._place:
                draw = partial(junction_figure, made)
                chart = parts.Chart(self._session, draw, name="junction", label="Atoms of the junction")
            chart.redraw()


def make_junction_of(question: Question) -> tuple[Junction, str]:
    """The junction of both sides, and what it assumes; a layer between them and other normals are not in it, and said.

    Raises as `kapitza.routes.make_junction` does.
    """
    made, assumes = kapitza.routes.make_junction(question.left, question.right)
    absent = ["along (001), other normals by `kapitza junction`"] if question.normals != DEFAULT_NORMALS else []
    absent += [f"without {question.layer}"] if question.layer else []
    return made, "; ".join((assumes, *absent))
