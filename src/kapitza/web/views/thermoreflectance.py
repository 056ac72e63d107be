"""The view Thermoreflectance: data, a curve that sliders move, residuals, sensitivities, the fit and its verdict."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from attrs import define
from nicegui import ui

from kapitza import Fit
from kapitza.core.arrays import Array
from kapitza.errors import InputError
from kapitza.measure import Sensitivity, fit_report
from kapitza.web import parts
from kapitza.web.background import Job, Latest, compute
from kapitza.web.figures.thermoreflectance import budget_figure, curves_figure, sensitivity_figure
from kapitza.web.models import thermoreflectance as model
from kapitza.web.models.examples import example_file
from kapitza.web.models.thermoreflectance import Trial, TrialCurves
from kapitza.web.session import Session, Theme

_SLIDER_STEPS = 400
_VERDICT_CLASSES = {"consistent": "k-good", "doubtful": "k-doubt", "misfit": "k-bad"}
_SAMPLE_SUFFIX = ".toml"
_FIT_HEADS = {"name": "number", "value": "value", "kind": ""}


@define(eq=False)
class _SampleShown:
    """What is shown: the sample, the coordinates of the sliders, what follows from them, and the fit."""

    trial: Trial | None = None
    x: Array | None = None
    number: int = 0
    curves: TrialCurves | None = None
    sensitivity: tuple[Sensitivity, Array] | None = None
    found: Fit | None = None

    def draw_curves(self, theme: Theme) -> parts.Figure | None:
        """Data and curve of one experiment."""
        if self.trial is None or self.curves is None:
            return None
        return curves_figure(theme, self.trial, self.curves, self.number)

    def draw_sensitivity(self, theme: Theme) -> parts.Figure | None:
        """Sensitivities of this experiment."""
        if self.trial is None or self.sensitivity is None:
            return None
        return sensitivity_figure(theme, *self.sensitivity, self.trial.problem.samples[self.number].experiment)

    def draw_budget(self, theme: Theme) -> parts.Figure | None:
        """What the variance of the fit comes from."""
        return None if self.found is None else budget_figure(theme, self.found.budget())

    def texts(self) -> dict[str, str]:
        """What is on the screen as text to copy."""
        return {"TOML": ""} if self.trial is None or self.x is None else model.sample_texts(self.trial, self.x)

    def csv(self) -> str:
        """Data and curves."""
        return "" if self.trial is None or self.curves is None else model.curves_table(self.trial, self.curves)


class _Sliders:
    """A slider and a field for each number that can be moved.

    `move` gets the number of a slider that is dragged, and its coordinate; `rest` is called when the slider is let go;
    `type_in` gets the number of a field, and its text.
    """

    def __init__(
        self,
        move: Callable[[int, float], Awaitable[None]],
        rest: Callable[[], Awaitable[None]],
        type_in: Callable[[int, str], Awaitable[None]],
    ) -> None:
        self._move, self._rest, self._type_in = move, rest, type_in
        self._slot = ui.element("div").classes("k-stack")
        self._rows: dict[int, tuple[Any, Any]] = {}

    def lay_out(self, trial: Trial) -> None:
        """Rows for the numbers of a sample, the free ones first."""
        self._rows = {}
        self._slot.clear()
        with self._slot:
            for known, head in ((False, "Free"), (True, "Uncertain")):
                members = [i for i, one in enumerate(trial.parameters) if one.known == known]
                if members:
                    ui.label(head).classes("k-note")
                for i in members:
                    self._rows[i] = self._row(trial, i)

    def _row(self, trial: Trial, i: int) -> tuple[Any, Any]:
        parameter = trial.parameters[i]
        low, high = model.slider_range(parameter)
        name = parts.attribute_text(parameter.name)
        with ui.element("div").classes("k-slider"):
            ui.label(parameter.name)
            slider = ui.slider(min=low, max=high, step=(high - low) / _SLIDER_STEPS, value=0.0)
            slider.props(f'aria-label="{name}"').on_value_change(lambda event: self._move(i, float(event.value or 0.0)))
            slider.on("change", self._rest)
            field = ui.input(value=model.number_text(parameter, 0.0))
            field.props(f'dense outlined aria-label="value of {name}"')
            field.on("change", lambda: self._type_in(i, str(field.value or "")))
        return slider, field

    def show(self, trial: Trial, x: Array) -> None:
        """Move all sliders, and write all numbers."""
        for i, (slider, field) in self._rows.items():
            slider.set_value(float(x[i]))
            field.set_value(model.number_text(trial.parameters[i], float(x[i])))

    def show_text(self, trial: Trial, i: int, coordinate: float) -> None:
        """Write one number."""
        self._rows[i][1].set_value(model.number_text(trial.parameters[i], coordinate))


class _FitCard:
    """Verdict, numbers and report of a fit; not there before."""

    def __init__(self) -> None:
        with ui.element("div").classes("k-card") as self._card:
            self._verdict = ui.label().classes("k-title").props('role="status"')
            self._reasons = ui.label().classes("k-note")
            self._table = parts.plain_table(_FIT_HEADS, "name")
            with ui.expansion("Report").style("width: 100%"):
                self._report = ui.label().classes("k-code").props('tabindex="0"')
        self.show(None)

    def show(self, found: Fit | None) -> None:
        """Show a fit, or nothing."""
        self._card.set_visibility(found is not None)
        if found is not None:
            name, words, reasons = model.verdict_of(found)
            self._verdict.set_text(f"Verdict: {words}")
            self._verdict.classes(replace=f"k-title {_VERDICT_CLASSES[name]}")
            self._reasons.set_text("; ".join(reasons))
            self._table.update_rows(model.fit_rows(found))
            self._report.set_text(fit_report(found))


class ThermoreflectanceView:
    """What one tab shows of a sample: numbers on the left, what they do on the right."""

    def __init__(self, session: Session) -> None:
        self.folder = Path(mkdtemp(dir=session.folder))
        self._shown, self._sample = _SampleShown(), None
        self._move, self._sense = Latest(self._draw_curve), Latest(self._draw_sensitivity)
        shown = self._shown
        with ui.element("div").classes("k-columns k-editor"):
            with ui.element("div").classes("k-stack"):
                what = "Drop a sample file (.toml) and its data (.csv, .txt)"
                parts.drop_zone(session, what, self.take_file, several=True)
                self._faults = parts.FaultLine()
                with ui.element("div").classes("k-card"):
                    with ui.element("div").classes("k-row k-between"):
                        self._title = ui.label().classes("k-title")
                        parts.copy_menu(shown.texts)
                    self._remarks = ui.label().classes("k-note")
                    self._choice = ui.select({0: ""}, label="Experiment", value=0, on_change=self._choose)
                    self._choice.props("dense outlined").set_visibility(False)
                    self._sliders = _Sliders(self._slid, self._sense, self._typed)
                    with ui.element("div").classes("k-row"):
                        ui.button("Fit", icon="auto_graph", on_click=self.fit).props("unelevated no-caps")
                        ui.button("As the file says", on_click=self._restart).props("flat dense no-caps")
                self._panel, self._card = parts.JobPanel(), _FitCard()
            with ui.element("div").classes("k-stack"):
                texts, label = {"csv": shown.csv}, "Data, curve and residuals"
                self._curve = parts.card_chart(session, shown.draw_curves, "curve", label, height="470px", texts=texts)
                self._senses = parts.card_chart(session, shown.draw_sensitivity, "sensitivity", "Sensitivities")
                with ui.element("div") as self._budget_slot:
                    label = "Where the variance comes from"
                    self._budget = parts.card_chart(session, shown.draw_budget, "budget", label, height="240px")
        self._budget_slot.set_visibility(False)

    async def begin(self, asked: list[Path] | None) -> None:
        """Show the file that is asked for, or an example."""
        await self.read(asked[0] if asked else example_file("sample", self.folder))

    async def take_file(self, path: Path) -> None:
        """Take a sample, or a file of data that a sample names."""
        place = self.folder / path.name
        shutil.move(path, place)
        if path.suffix.lower() == _SAMPLE_SUFFIX:
            self._sample = place
        if self._sample is None:
            self._faults.say(f"{path.name} is here; drop the sample file (.toml) that names it, too")
        else:
            await self.read(self._sample)

    async def read(self, path: Path) -> None:
        """Show a sample file."""
        async with self._faults.shown():
            outcome = await compute(model.open_trial, path)
            trial: Trial = outcome.value
            self._shown.trial, self._shown.x, self._shown.found, self._shown.number = trial, trial.start, None, 0
            self._title.set_text(trial.sample.title)
            self._remarks.set_text("  ".join((*trial.remarks, *outcome.remarks)))
            names = [one.experiment.name for one in trial.problem.samples]
            self._choice.set_options(dict(enumerate(names)), value=0)
            self._choice.set_visibility(len(names) > 1)
            self._card.show(None)
            self._budget_slot.set_visibility(False)
            self._sliders.lay_out(trial)
            await self._move()
            await self._sense()

    async def _slid(self, i: int, coordinate: float) -> None:
        shown = self._shown
        if shown.x is None or shown.trial is None or shown.x[i] == coordinate:
            return
        shown.x = np.where(np.arange(shown.x.size) == i, coordinate, shown.x)
        await self._move()
        await asyncio.sleep(parts.HEAD_START)
        self._sliders.show_text(shown.trial, i, float(shown.x[i]))

    async def _typed(self, i: int, text: str) -> None:
        shown = self._shown
        async with self._faults.shown():
            if shown.x is not None and shown.trial is not None:
                coordinate = model.coordinate_of_text(shown.trial.parameters[i], text)
                await self._place(np.where(np.arange(shown.x.size) == i, coordinate, shown.x))

    async def _restart(self) -> None:
        if self._shown.trial is not None:
            await self._place(self._shown.trial.start)

    async def _place(self, x: Array) -> None:
        if self._shown.trial is not None:
            self._shown.x = x
            self._sliders.show(self._shown.trial, x)
            await self._move()
            await self._sense()

    async def _draw_curve(self) -> None:
        shown = self._shown
        if shown.trial is not None and shown.x is not None:
            async with self._faults.shown():
                shown.curves = (await compute(model.trial_curves, shown.trial, shown.x)).value
                self._curve.follow()

    async def _draw_sensitivity(self) -> None:
        shown = self._shown
        if shown.trial is not None and shown.x is not None:
            async with self._faults.shown():
                outcome = await compute(model.trial_sensitivity, shown.trial, shown.number, shown.x)
                shown.sensitivity = outcome.value
                self._senses.redraw()

    async def _choose(self) -> None:
        self._shown.number = int(self._choice.value or 0)
        if self._shown.curves is not None:
            self._curve.redraw()
            await self._sense()

    async def fit(self) -> None:
        """Fit the sample beside the page, and move the sliders to the minimum."""
        shown = self._shown
        async with self._faults.shown():
            if shown.trial is None or shown.x is None:
                raise InputError("no sample is open: drop a sample file (.toml)")
            values = zip(shown.trial.parameters, shown.x.tolist(), strict=True)
            starts = {one.name: one.value(u) for one, u in values if not one.known}
            outcome = await self._panel.run("Fit", Job(model.fit_trial, shown.trial.path, starts))
            shown.found = outcome.value
            shown.trial, x = model.with_fit(shown.trial, outcome.value)
            self._card.show(shown.found)
            self._budget_slot.set_visibility(True)
            self._budget.redraw()
            await self._place(x)
