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
from kapitza.units import nm
from kapitza.web.background import Job, Latest, compute
from kapitza.web.cards import HEAD_START, begin_later, card_chart, icon_button, plain_table
from kapitza.web.figures.spectra import map_figure, modes_figure, profile_figure, spectrum_figure
from kapitza.web.models.examples import example_scan
from kapitza.web.models.spectra import (
    MAP_FILE,
    MODE_COLUMNS,
    JumpSettings,
    MapChoice,
    Scan,
    SeenJump,
    fit_scan,
    is_map_file,
    jump_rows,
    map_axes,
    map_choices,
    middle_of,
    mode_rows,
    modes_of_rows,
    nearest_pixel,
    occupations,
    open_maps,
    open_scan,
    pixel_counts,
    pixel_spectrum,
    pixel_text,
    profile_table,
    scan_lines,
    see_jump,
    spectra_texts,
    verdict_lines,
)
from kapitza.web.parts import Chart, Figure, JobPanel, copy_menu, drop_zone, export_menu, fault_line
from kapitza.web.session import Session, Theme
from kapitza.web.tabs import view_of

_JUMP_HEADS = {"what": "", "value": "value", "interval": "95 %"}
_SLIDER_STEPS = 500
_CLICKED = "(event) => emit({x: event.points[0].x, y: event.points[0].y})"  # a point holds the whole map, too


@define(eq=False, kw_only=True)
class _ScanShown:
    """What is shown: spectra, maps, the chosen pixel, the jump."""

    scan: Scan | None = None
    maps: Mapping[str, TemperatureMap] = field(factory=dict)
    modes: list[dict[str, str]] = field(factory=list)
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
        return map_axes(self.scan, self.maps)

    @property
    def letters(self) -> tuple[str, ...]:
        """Names of these axes."""
        return ("y", "x")[2 - len(self.axes) :]


def _draw_map(shown: _ScanShown, theme: Theme) -> Figure | None:
    chosen = shown.choices.get(shown.choice)
    if chosen is None or len(shown.pixel) != len(shown.axes):
        return None
    place = shown.settings.at if shown.maps and shown.settings.across == "x" else None
    return map_figure(theme, shown.axes, chosen, pixel=shown.pixel, interface=place)


def _draw_spectrum(shown: _ScanShown, theme: Theme) -> Figure | None:
    if shown.scan is None or len(shown.pixel) != len(shown.scan.image.shape):
        return None
    return spectrum_figure(theme, pixel_counts(shown.scan, shown.pixel), shown.fitted)


def _draw_profile(shown: _ScanShown, theme: Theme) -> Figure | None:
    return None if shown.seen is None else profile_figure(theme, shown.seen)


def _draw_modes(shown: _ScanShown, theme: Theme) -> Figure | None:
    return None if shown.held is None else modes_figure(theme, shown.held, shown.settings.at)


def _spectra_csv(shown: _ScanShown) -> str:
    return "" if shown.seen is None else profile_table(shown.seen)


def _spectra_texts(shown: _ScanShown) -> dict[str, str]:
    name = "scan.h5" if shown.scan is None else shown.scan.path.name
    return spectra_texts(name, shown.modes, shown.settings if shown.maps else None)


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
                for key in MODE_COLUMNS:
                    cell = ui.input(value=row[key]).props(f'dense outlined aria-label="{key} of mode {i + 1}"')
                    cell.on_value_change(lambda event, row=row, key=key: row.update({key: str(event.value or "")}))
                icon_button("delete", f"remove mode {i + 1}", partial(self.fill, [*modes[:i], *modes[i + 1 :]]))
            new = {"name": f"mode {len(modes) + 1}", "energy": "50", "width": "5"}
            ui.button("Add a mode", icon="add", on_click=partial(self.fill, [*modes, new])).props("flat dense no-caps")


class _JumpCard:
    """Where the interface lies and how it is seen, and what follows; not there without a map."""

    def __init__(
        self, shown: _ScanShown, change: Callable[[], Awaitable[None]], turn: Callable[[], Awaitable[None]]
    ) -> None:
        self._shown, self._change = shown, change
        with ui.element("div").classes("k-card") as self._card:
            ui.label("Interface").classes("k-title")
            with ui.element("div").classes("k-slider"):
                ui.label("position (nm)")
                self._at = ui.slider(min=-1, max=1, step=0.01, value=0).props('aria-label="position of the interface"')
                self._at_text = ui.label().classes("k-number")
            self._at.on_value_change(change)
            with ui.element("div").classes("k-grid k-four"):
                starts = (("leave out (nm)", 0.0, 0.5), ("spread (nm)", 0.0, 0.1), ("delocalised", 0.0, 0.05))
                self._numbers = [self._number(*one) for one in (*starts, ("over (nm)", 50.0, 5.0))]
            self._across = ui.radio({"x": "across x", "y": "across y"}, value="x", on_change=turn)
            self._across.props("inline dense")
            self._table = plain_table(_JUMP_HEADS, "what")
            self._remark = ui.label().classes("k-note")
        self._card.set_visibility(False)

    def _number(self, label: str, value: float, step: float) -> Any:
        return ui.number(label, value=value, min=0, step=step, on_change=self._change).props("dense outlined")

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
            self._at.set_value(round(middle_of((axis,)) / nm, 6))

    def show(self, seen: SeenJump) -> None:
        """Show a jump, or why there is none."""
        self._at_text.set_text(f"{float(self._at.value or 0.0):.4g} nm")
        self._remark.set_text(seen.fault)
        self._table.update_rows([] if seen.found is None else jump_rows(seen.found))


class _MapCard:
    """The map, of what is chosen, with the pixel that is clicked or typed."""

    def __init__(self, session: Session, shown: _ScanShown, look: Callable[[], Awaitable[None]]) -> None:
        self._shown, self._look = shown, look
        with ui.element("div").classes("k-card"):
            with ui.element("div").classes("k-row k-between"):
                self._choice = ui.select([], label="Map of", on_change=self._choose).props("dense outlined")
                self._choice.style("min-width: 280px")
                slot = ui.element("div")
            draw = partial(_draw_map, shown)
            self.chart = Chart(session, draw, name="map", label="Map; a click chooses the pixel", height="380px")
            self.chart.element.on("plotly_click", self._clicked, js_handler=_CLICKED)
            with ui.element("div").classes("k-row"):
                self._places = {one: self._place_field(one) for one in ("x", "y")}
                self._words = ui.label().classes("k-note k-number").props('role="status"')
        with slot:
            export_menu(self.chart, {})

    def _place_field(self, letter: str) -> Any:
        place = ui.number(f"pixel at {letter} (nm)", format="%.4g").props("dense outlined").style("width: 130px")
        place.on("change", self._typed)
        return place

    def _choose(self) -> None:
        self._shown.choice = str(self._choice.value or "")
        self.chart.redraw()

    def fill(self) -> None:
        """What the map can show, and the middle as the first pixel."""
        shown = self._shown
        shown.choices = {one.name: one for one in map_choices(shown.scan, shown.maps)}
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
        """The pixel nearest to a place, nm."""
        shown = self._shown
        shown.pixel = nearest_pixel(shown.axes, [places[letter] * nm for letter in shown.letters])
        await self._look()

    def show_pixel(self) -> None:
        """Mark the pixel, and say its place, temperatures and flags."""
        shown = self._shown
        for letter, axis, i in zip(shown.letters, shown.axes, shown.pixel, strict=True):
            self._places[letter].set_value(float(f"{axis[i] / nm:.6g}"))
        self._words.set_text(pixel_text(shown.maps, shown.axes, shown.pixel) if shown.maps else "")
        self.chart.redraw()


class SpectraView:
    """What one tab shows of spectra: file, modes and interface on the left, figures on the right."""

    def __init__(self, session: Session) -> None:
        self._folder = Path(mkdtemp(dir=session.folder))
        shown = self._shown = _ScanShown()
        self._jump, self._look = Latest(self._show_jump), Latest(self._show_pixel)
        with ui.element("div").classes("k-columns k-editor"):
            with ui.element("div").classes("k-stack"):
                text = "Drop spectra (.ndata, .h5, .hspy, .msa, .dm4), a map, or modes (.toml)"
                drop_zone(session, text, self.take_file, several=True)
                self._faults = fault_line()
                with ui.element("div").classes("k-card"):
                    with ui.element("div").classes("k-row k-between"):
                        self._title = ui.label("Spectra").classes("k-title")
                        copy_menu(partial(_spectra_texts, shown))
                    self._facts = ui.label().classes("k-note").style("white-space: pre-line")
                with ui.element("div").classes("k-card"):
                    ui.label("Modes").classes("k-title")
                    self._modes = _ModesTable(shown)
                    with ui.element("div").classes("k-row"):
                        ui.button("Fit the map", icon="auto_graph", on_click=self.fit).props("unelevated no-caps")
                        self._save = ui.button("Save the map", icon="download", on_click=self._download)
                        self._save.props("flat dense no-caps").set_visibility(False)
                    self._verdict = ui.label().classes("k-note").style("white-space: pre-line").props('role="status"')
                self._panel, self._interface = JobPanel(), _JumpCard(shown, self._jump, self._turn)
            with ui.element("div").classes("k-stack"):
                self._map = _MapCard(session, shown, self._look)
                self._spectrum = card_chart(
                    session, partial(_draw_spectrum, shown), "spectrum", "Spectrum of the pixel", height="420px"
                )
                with ui.element("div").classes("k-stack") as self._after:
                    self._charts = (
                        card_chart(
                            session, partial(_draw_profile, shown), "profile", "Profile across the interface",
                            texts={"csv": partial(_spectra_csv, shown)},
                        ),
                        card_chart(session, partial(_draw_modes, shown), "modes", "Temperature of each mode"),
                    )  # fmt: skip
        self._after.set_visibility(False)

    async def begin(self, paths: Sequence[Path]) -> None:
        """Open files, or a simulated scan where there are none."""
        for path in paths:
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
                self._modes.fill((await compute(mode_rows, path)).value)
                await self._look()
            elif (await compute(is_map_file, path)).value:
                await self._take_maps(path, path.name)
            else:
                await self._take_scan(path, path.name)

    async def _take_scan(self, path: Path, title: str) -> None:
        outcome = await compute(open_scan, path)
        shown = self._shown
        shown.scan, shown.maps, shown.seen, shown.held = outcome.value, {}, None, None
        self._title.set_text(title)
        self._facts.set_text("\n".join((*scan_lines(outcome.value), *outcome.remarks)))
        self._verdict.set_text("")
        self._save.set_visibility(False)
        self._after.set_visibility(False)
        self._interface.place()
        self._map.fill()
        await self._look()

    async def _take_maps(self, path: Path, title: str) -> None:
        """Show maps; spectra of another shape are no longer shown beside them."""
        shown = self._shown
        shown.maps = (await compute(open_maps, path)).value
        if shown.scan is not None and next(iter(shown.maps.values())).shape != shown.scan.image.shape:
            shown.scan = None
            self._facts.set_text("")
        self._title.set_text(title)
        self._verdict.set_text("\n".join(verdict_lines(shown.maps)))
        self._after.set_visibility(bool(shown.axes))
        self._map.fill()
        await self._turn()
        await self._look()

    async def _turn(self) -> None:
        """The interface runs across another axis."""
        if self._shown.maps:
            self._interface.place()
            self._shown.held = occupations(self._shown.maps, self._interface.settings.across)
            await self._jump()

    async def fit(self) -> None:
        """Fit all pixels beside the page."""
        async with self._faults.shown():
            scan = self._shown.scan
            if scan is None:
                raise InputError("no spectra are open: drop a file of them")
            modes, target = modes_of_rows(self._shown.modes), self._folder / MAP_FILE
            first = "" if is_compiled() else ", compiled first, which takes about ten seconds once"
            await self._panel.run(f"Fit{first}", Job(fit_scan, scan.path, modes, target, with_progress=True))
            await self._take_maps(target, self._title.text)
            self._save.set_visibility(True)

    def _download(self) -> None:
        ui.download.file(self._folder / MAP_FILE, MAP_FILE)

    async def _show_pixel(self) -> None:
        """Show the chosen pixel."""
        shown = self._shown
        async with self._faults.shown():
            shown.fitted = None
            if shown.scan is not None and shown.maps and shown.modes:
                modes = modes_of_rows(shown.modes)
                shown.fitted = (await compute(pixel_spectrum, shown.scan, shown.maps, modes, shown.pixel)).value
            self._map.show_pixel()
            self._spectrum.redraw()

    async def _show_jump(self) -> None:
        """Show the jump at the interface."""
        shown = self._shown
        if "common" not in shown.maps or not shown.axes:
            return
        async with self._faults.shown():
            shown.settings = self._interface.settings
            seen: SeenJump = (await compute(see_jump, shown.maps, shown.settings)).value
            shown.seen = seen
            for chart in (*self._charts, self._map.chart):
                chart.follow()
            await asyncio.sleep(HEAD_START)
            self._interface.show(seen)


def build_spectra(session: Session) -> None:
    """Lay the view out, with the files that are asked for or a simulated scan."""
    view = SpectraView(session)

    async def begin() -> None:
        asked = session.take("spectra")
        given = [path for path in session.files if getattr(view_of(path), "name", "") == "spectra"]
        await view.begin(given if asked in given else [asked] if isinstance(asked, Path) else [])

    begin_later(session, begin)
    session.on_request("spectra", lambda: begin_later(session, begin))
