"""The view Spectra: a scan, its temperature map, a pixel with its fit, the jump, temperatures of modes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from attrs import define, field
from nicegui import events, ui

from kapitza import Occupation
from kapitza.core.arrays import Array
from kapitza.eels import TemperatureMap, is_compiled
from kapitza.eels.diagnosis import SummedResiduals
from kapitza.errors import InputError
from kapitza.io import suffixes_of
from kapitza.units import nm
from kapitza.web import parts as card
from kapitza.web.background import Job, Latest, compute
from kapitza.web.figures.spectra import map_figure, modes_figure, profile_figure, spectrum_figure
from kapitza.web.models import spectra as model
from kapitza.web.models.examples import example_scan
from kapitza.web.models.spectra import MAP_FILE, JumpSettings, MapChoice, Scan, SeenJump
from kapitza.web.session import Session, Theme

_JUMP_HEADS = {"what": "", "value": "value", "interval": "95 %"}
_SLIDER_STEPS = 500
_CLICKED = "(event) => emit({x: event.points[0].x, y: event.points[0].y})"  # a point holds the whole map, too


@define(eq=False, kw_only=True)
class _ScanShown:
    """What is shown: spectra, maps, the chosen pixel, the jump."""

    scan: Scan | None = None
    maps: Mapping[str, TemperatureMap] = field(factory=dict)
    modes: list[dict[str, str]] = field(factory=list[dict[str, str]])
    choices: dict[str, MapChoice] = field(factory=dict)
    choice: str = ""
    pixel: tuple[int, ...] = ()
    fitted: SummedResiduals | None = None
    settings: JumpSettings = field(factory=partial(JumpSettings, 0.0))
    seen: SeenJump | None = None
    held: Occupation | None = None

    @property
    def axes(self) -> tuple[Array, ...]:
        """Axes of position, m."""
        return model.map_axes(self.scan, self.maps)

    @property
    def letters(self) -> tuple[str, ...]:
        """Names of these axes."""
        return ("y", "x")[2 - len(self.axes) :]

    def draw_map(self, theme: Theme) -> card.Figure | None:
        """The map, once one is chosen."""
        chosen = self.choices.get(self.choice)
        if chosen is None or len(self.pixel) != len(self.axes):
            return None
        place = self.settings.at if self.maps and self.settings.across == "x" else None
        return map_figure(theme, self.axes, chosen, pixel=self.pixel, interface=place)

    def draw_spectrum(self, theme: Theme) -> card.Figure | None:
        """The spectrum of the chosen pixel."""
        if self.scan is None or len(self.pixel) != len(self.scan.image.shape):
            return None
        return spectrum_figure(theme, model.pixel_counts(self.scan, self.pixel), self.fitted)


class _ModesTable:
    """Rows of modes that are typed; the record of what is shown holds them."""

    def __init__(self, shown: _ScanShown) -> None:
        self._shown = shown
        self._slot = ui.element("div").classes("k-grid k-modes")
        self.fill([])

    def fill(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Lay other rows out."""
        modes = self._shown.modes = [dict(one) for one in rows]
        self._slot.clear()
        with self._slot:
            for head in ("mode", "energy (meV)", "width (meV)", ""):
                ui.label(head).classes("k-note")
            for i, row in enumerate(modes):
                for key in model.MODE_COLUMNS:
                    cell = ui.input(value=row[key]).props(f'dense outlined aria-label="{key} of mode {i + 1}"')
                    cell.on_value_change(lambda event, row=row, key=key: row.update({key: str(event.value or "")}))
                card.icon_button("delete", f"remove mode {i + 1}", partial(self.fill, [*modes[:i], *modes[i + 1 :]]))
            new = {"name": f"mode {len(modes) + 1}", "energy": "50", "width": "5"}
            ui.button("Add a mode", icon="add", on_click=partial(self.fill, [*modes, new])).props("flat dense no-caps")


class _JumpCard:
    """Where the interface lies and how it is seen, and what follows; not there without a map."""

    def __init__(
        self, shown: _ScanShown, change: Callable[[], Awaitable[None]], turn: Callable[[], Awaitable[None]]
    ) -> None:
        self._shown = shown
        with ui.element("div").classes("k-card") as self._card:
            ui.label("Interface").classes("k-title")
            with ui.element("div").classes("k-slider"):
                ui.label("position (nm)")
                self._at = ui.slider(min=-1, max=1, step=0.01, value=0).props('aria-label="position of the interface"')
                self._at_text = ui.label().classes("k-number")
            self._at.on_value_change(change)
            with ui.element("div").classes("k-grid k-four"):
                starts = (("leave out (nm)", 0.0, 0.5), ("spread (nm)", 0.0, 0.1), ("delocalised", 0.0, 0.05))
                self._numbers = [
                    ui.number(label, value=value, min=0, step=step, on_change=change).props("dense outlined")
                    for label, value, step in (*starts, ("over (nm)", 50.0, 5.0))
                ]
            self._across = ui.radio({"x": "across x", "y": "across y"}, value="x", on_change=turn)
            self._across.props("inline dense")
            self._table = card.plain_table(_JUMP_HEADS, "what")
            self._remark = ui.label().classes("k-note")
        self._card.set_visibility(False)

    @property
    def settings(self) -> JumpSettings:
        """What sliders and fields say."""
        skip, width, share, length = (float(one.value or 0.0) for one in self._numbers)
        at = float(self._at.value or 0.0) * nm
        return JumpSettings(at, skip * nm, width * nm, share, max(length, 1e-3) * nm, str(self._across.value))

    def place(self) -> None:
        """Put the slider in the middle of the axis that crosses the interface."""
        axes = self._shown.axes
        self._card.set_visibility(bool(self._shown.maps) and bool(axes))
        if axes:
            axis = axes[0] if self._across.value == "y" else axes[-1]
            low, high = float(axis[0]) / nm, float(axis[-1]) / nm
            self._at.props(f"min={low} max={high} step={(high - low) / _SLIDER_STEPS}")
            self._at.set_value(round((low + high) / 2, 6))

    def show(self, seen: SeenJump) -> None:
        """Show a jump, or why there is none."""
        self._at_text.set_text(f"{float(self._at.value or 0.0):.4g} nm")
        self._remark.set_text(seen.fault)
        self._table.update_rows([] if seen.found is None else model.jump_rows(seen.found))


class _MapCard:
    """The map, of what is chosen, with the pixel that is clicked or typed."""

    def __init__(self, session: Session, shown: _ScanShown, look: Callable[[], Awaitable[None]]) -> None:
        self._shown, self._look = shown, look
        with ui.element("div").classes("k-card"):
            with ui.element("div").classes("k-row k-between"):
                self._choice = ui.select([], label="Map of", on_change=self._choose).props("dense outlined")
                self._choice.style("min-width: 280px")
                slot = ui.element("div")
            label = "Map; a click chooses the pixel"
            self.chart = card.Chart(session, shown.draw_map, name="map", label=label, height="380px")
            self.chart.element.on("plotly_click", self._clicked, js_handler=_CLICKED)
            with ui.element("div").classes("k-row"):
                self._places: dict[str, Any] = {}
                for letter in ("x", "y"):
                    place = ui.number(f"pixel at {letter} (nm)", format="%.4g").props("dense outlined")
                    self._places[letter] = place.style("width: 130px").on("change", self._typed)
                self._words = ui.label().classes("k-note k-number").props('role="status"')
        with slot:
            card.export_menu(self.chart, {})

    def _choose(self) -> None:
        self._shown.choice = str(self._choice.value or "")
        self.chart.redraw()

    def fill(self) -> None:
        """What the map can show, and the middle as the first pixel."""
        shown = self._shown
        shown.choices = {one.name: one for one in model.map_choices(shown.scan, shown.maps)}
        shown.pixel = tuple(axis.size // 2 for axis in shown.axes)
        shown.choice = next(iter(shown.choices), "")
        self._choice.set_options(list(shown.choices), value=shown.choice or None)
        for letter, place in self._places.items():
            place.set_visibility(letter in shown.letters)

    async def _clicked(self, event: events.GenericEventArguments) -> None:
        args: Any = event.args
        await self._take({"x": float(args["x"]), "y": float(args["y"])})

    async def _typed(self) -> None:
        await self._take({letter: float(place.value or 0.0) for letter, place in self._places.items()})

    async def _take(self, places: Mapping[str, float]) -> None:
        shown = self._shown
        shown.pixel = model.nearest_pixel(shown.axes, [places[letter] * nm for letter in shown.letters])
        await self._look()

    def show_pixel(self) -> None:
        """Mark the pixel, and say its place, temperatures and flags."""
        shown = self._shown
        for letter, axis, i in zip(shown.letters, shown.axes, shown.pixel, strict=True):
            self._places[letter].set_value(float(f"{axis[i] / nm:.6g}"))
        self._words.set_text(model.pixel_text(shown.maps, shown.axes, shown.pixel) if shown.maps else "")
        self.chart.redraw()


class SpectraView:
    """What one tab shows of spectra: file, modes and interface on the left, figures on the right."""

    def __init__(self, session: Session) -> None:
        self._folder = Path(mkdtemp(dir=session.folder))
        shown = self._shown = _ScanShown()
        self._jump, self._look = Latest(self._show_jump), Latest(self._show_pixel)
        with ui.element("div").classes("k-columns k-editor"):
            with ui.element("div").classes("k-stack"):
                text = f"Drop spectra ({', '.join(suffixes_of('spectra'))}), a map, or modes (.toml)"
                card.drop_zone(session, text, self.take_file, several=True)
                self._faults = card.FaultLine()
                with ui.element("div").classes("k-card"):
                    with ui.element("div").classes("k-row k-between"):
                        self._title = ui.label("Spectra").classes("k-title")
                        card.copy_menu(self._texts)
                    self._facts = ui.label().classes("k-note").style("white-space: pre-line")
                with ui.element("div").classes("k-card"):
                    ui.label("Modes").classes("k-title")
                    self._modes = _ModesTable(shown)
                    with ui.element("div").classes("k-row"):
                        ui.button("Fit the map", icon="auto_graph", on_click=self.fit).props("unelevated no-caps")
                        download = partial(ui.download.file, self._folder / MAP_FILE, MAP_FILE)
                        self._save = ui.button("Save the map", icon="download", on_click=download)
                        self._save.props("flat dense no-caps").set_visibility(False)
                    self._verdict = ui.label().classes("k-note").style("white-space: pre-line").props('role="status"')
                self._panel, self._interface = card.JobPanel(), _JumpCard(shown, self._jump, self._turn)
            with ui.element("div").classes("k-stack"):
                self._map = _MapCard(session, shown, self._look)
                draw = shown.draw_spectrum
                self._spectrum = card.card_chart(session, draw, "spectrum", "Spectrum of the pixel", height="420px")
                with ui.element("div").classes("k-stack") as self._after:
                    texts = {"csv": lambda: "" if shown.seen is None else model.profile_table(shown.seen)}
                    self._charts = (
                        card.card_chart(
                            session, lambda theme: None if shown.seen is None else profile_figure(theme, shown.seen),
                            "profile", "Profile across the interface", texts=texts,
                        ),
                        card.card_chart(
                            session,
                            lambda theme: (
                                None if shown.held is None else modes_figure(theme, shown.held, shown.settings.at)
                            ),
                            "modes", "Temperature of each mode",
                        ),
                    )  # fmt: skip
        self._after.set_visibility(False)

    def _texts(self) -> dict[str, str]:
        shown = self._shown
        name = "scan.h5" if shown.scan is None else shown.scan.path.name
        return model.spectra_texts(name, shown.modes, shown.settings if shown.maps else None)

    async def begin(self, paths: Sequence[Path] | None) -> None:
        """Open files, or a simulated scan where there are none."""
        for path in paths or ():
            await self.take_file(path)
        if not paths:
            async with self._faults.shown():
                path, rows = (await compute(example_scan, self._folder)).value
                self._modes.fill(rows)
                await self._take_scan(path, "Simulated example")

    async def take_file(self, path: Path) -> None:
        """Take a file of modes, a map or spectra."""
        async with self._faults.shown():
            if path.suffix.lower() == ".toml":
                self._modes.fill((await compute(model.mode_rows, path)).value)
                await self._look()
            elif (await compute(model.is_map_file, path)).value:
                await self._take_maps(path, path.name)
            else:
                await self._take_scan(path, path.name)

    async def _take_scan(self, path: Path, title: str) -> None:
        outcome = await compute(model.open_scan, path)
        shown = self._shown
        shown.scan, shown.maps, shown.seen, shown.held = outcome.value, {}, None, None
        self._title.set_text(title)
        self._facts.set_text("\n".join((*model.scan_lines(outcome.value), *outcome.remarks)))
        self._verdict.set_text("")
        self._save.set_visibility(False)
        self._after.set_visibility(False)
        self._interface.place()
        self._map.fill()
        await self._look()

    async def _take_maps(self, path: Path, title: str) -> None:
        """Show maps; spectra of another shape are no longer shown beside them."""
        shown = self._shown
        shown.maps = (await compute(model.open_maps, path)).value
        if shown.scan is not None and next(iter(shown.maps.values())).shape != shown.scan.image.shape:
            shown.scan = None
            self._facts.set_text("")
        self._title.set_text(title)
        self._verdict.set_text("\n".join(model.verdict_lines(shown.maps)))
        self._after.set_visibility(bool(shown.axes))
        self._map.fill()
        await self._turn()
        await self._look()

    async def _turn(self) -> None:
        if self._shown.maps:
            self._interface.place()
            self._shown.held = model.occupations(self._shown.maps, self._interface.settings.across)
            await self._jump()

    async def fit(self) -> None:
        """Fit all pixels beside the page."""
        async with self._faults.shown():
            scan = self._shown.scan
            if scan is None:
                raise InputError("no spectra are open: drop a file of them")
            modes, target = model.modes_of_rows(self._shown.modes), self._folder / MAP_FILE
            first = "" if is_compiled() else ", compiled first, which takes about ten seconds once"
            job = Job(model.fit_scan, scan.path, modes, target, with_progress=True)
            await self._panel.run(f"Fit{first}", job)
            await self._take_maps(target, self._title.text)
            self._save.set_visibility(True)

    async def _show_pixel(self) -> None:
        shown = self._shown
        async with self._faults.shown():
            shown.fitted = None
            if shown.scan is not None and shown.maps and shown.modes:
                modes = model.modes_of_rows(shown.modes)
                shown.fitted = (await compute(model.pixel_spectrum, shown.scan, shown.maps, modes, shown.pixel)).value
            self._map.show_pixel()
            self._spectrum.redraw()

    async def _show_jump(self) -> None:
        shown = self._shown
        if "common" not in shown.maps or not shown.axes:
            return
        async with self._faults.shown():
            shown.settings = self._interface.settings
            seen: SeenJump = (await compute(model.see_jump, shown.maps, shown.settings)).value
            shown.seen = seen
            for chart in (*self._charts, self._map.chart):
                chart.follow()
            await asyncio.sleep(card.HEAD_START)
            self._interface.show(seen)
