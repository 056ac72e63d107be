"""The view Device: a stack that is edited, its temperatures, the shares of boundaries, what a conductance is worth."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from attrs import define
from nicegui import ui

from kapitza.core.arrays import Array
from kapitza.core.files import read_limited
from kapitza.core.parameter_units import format_parameter
from kapitza.io import MAX_TOML_BYTES
from kapitza.web import parts
from kapitza.web.background import Latest, compute
from kapitza.web.figures.device import depth_figure, section_figure, share_figure, sweep_figure, worth_figure
from kapitza.web.models import device as model
from kapitza.web.models.device import DeviceDraft, SolvedDevice
from kapitza.web.models.examples import example_text
from kapitza.web.session import Session, Theme

_HEADS = {
    "name": "layer", "material": "material", "thickness": "thickness", "conductivity": "k (W/mK)",
    "in_plane": "k in plane",
}  # fmt: skip
_TOP_KEYS = {"sink": "sink", "box.width": "box, width", "box.depth": "box, depth", "coefficient": "to the sink"}
_WORTH_HEADS = {
    "boundary": "boundary", "conductance": "conductance", "drop": "drop", "share": "share", "worth": "dT/dln G",
    "tenth": "10 % more G",
}  # fmt: skip


@define(eq=False)
class _DeviceShown:
    """What is shown: the solved file, the same with the number of the slider, and the curve of that number."""

    draft: DeviceDraft
    solved: SolvedDevice | None = None
    tried: SolvedDevice | None = None
    number: str = ""
    curve: tuple[Array, Array] | None = None

    @property
    def latest(self) -> SolvedDevice | None:
        """What figures show."""
        return self.tried or self.solved


class _Editor:
    """Rows for layers, with boundaries between them, for the box and for the sources; each change is handed on."""

    def __init__(self, change: Callable[[Callable[[DeviceDraft], DeviceDraft], bool], Awaitable[None]]) -> None:
        self._change = change
        self._slot = ui.element("div").classes("k-stack")

    def fill(self, draft: DeviceDraft) -> None:
        """Lay all rows out anew."""
        self._slot.clear()
        boundaries = draft.boundary_names
        with self._slot:
            with ui.element("div").classes("k-grid k-layers").props('role="group" aria-label="Layers"'):
                for key in model.LAYER_COLUMNS:
                    ui.label(_HEADS[key]).classes("k-note")
                ui.label()
                for row, name in enumerate(draft.layer_names):
                    self._layer(draft, row, name)
                    if row < len(boundaries):
                        self._boundary(draft, boundaries[row])
            with ui.element("div").classes("k-grid k-four"):
                for key, label in _TOP_KEYS.items():
                    parts.text_cell(draft.top(key), label, self._taker(lambda d, t, key=key: d.with_top(key, t)))
            for row, source in enumerate(draft.sources):
                ui.label(f"source {source.get('name', row + 1)}").classes("k-note")
                with ui.element("div").classes("k-grid k-three"):
                    for key in model.SOURCE_COLUMNS:
                        taker = self._taker(lambda d, t, row=row, key=key: d.with_cell("sources", row, key, t))
                        parts.text_cell(draft.cell("sources", row, key), key, taker)

    def _taker(
        self, change: Callable[[DeviceDraft, str], DeviceDraft], *, rebuild: bool = False
    ) -> Callable[[str], Awaitable[None]]:
        async def take(text: str) -> None:
            await self._change(lambda draft: change(draft, text), rebuild)

        return take

    def _layer(self, draft: DeviceDraft, row: int, name: str) -> None:
        for key in model.LAYER_COLUMNS:
            taker = self._taker(
                lambda d, t, key=key: d.with_cell("layers", row, key, t), rebuild=key in ("name", "material")
            )
            parts.text_cell(draft.cell("layers", row, key), f"{_HEADS[key]} of {name}", taker, head=False)
        with ui.element("div").classes("k-row k-tight"):
            for icon, label, change in (
                ("arrow_upward", f"move {name} up", partial(model.move_layer, row=row, by=-1)),
                ("add", f"add a layer below {name}", partial(model.add_layer, row=row)),
                ("delete", f"remove {name}", partial(model.remove_layer, row=row)),
            ):
                parts.icon_button(icon, label, partial(self._change, change, True))

    def _boundary(self, draft: DeviceDraft, name: str) -> None:
        label = name.replace("|", " | ")
        ui.label(label).classes("k-boundary")
        with ui.element("div").classes("k-boundary-cell"):
            taker = self._taker(lambda d, t: d.with_boundary(name, t))
            parts.text_cell(draft.boundary(name), f"conductance of {label}", taker, head=False)


class _Figures:
    """Everything that is drawn of a device."""

    def __init__(self, session: Session, shown: _DeviceShown) -> None:
        self._shown = shown
        with ui.element("div").classes("k-card"):
            self._summary = ui.label().classes("k-number k-title").props('role="status"')
            self.remarks = ui.label().classes("k-note")
            draw = partial(self._draw, lambda theme, latest: depth_figure(theme, latest, shown.solved))
            depth = parts.Chart(session, draw, name="temperatures", label="Temperature against depth", height="360px")
            with ui.element("div").classes("k-row"):
                parts.export_menu(depth, {"json": self._json})
        self._slider_slot = ui.element("div").classes("k-card")
        with ui.element("div").classes("k-two"):
            draw = partial(self._draw, share_figure)
            shares = parts.card_chart(session, draw, "shares", "Share of each layer and boundary")
            draw = partial(self._draw, worth_figure)
            worth = parts.card_chart(session, draw, "sensitivities", "What each number is worth")
        with ui.element("div").classes("k-card"):
            ui.label("What each conductance is worth").classes("k-title")
            self._table = parts.plain_table(_WORTH_HEADS, "boundary")
        draw = partial(self._draw, section_figure)
        section = parts.card_chart(session, draw, "section", "Section through the layers")
        with self._slider_slot:
            self.row = ui.element("div").classes("k-row")
            draw, label = partial(self._draw, self._sweep_figure), "Hottest point against the number"
            self.sweep = parts.Chart(session, draw, name="sweep", label=label, height="260px")
        self._charts = (depth, self.sweep, shares, worth, section)
        self.value: Any = None  # label of the number of the slider, in its row

    def _draw(self, draw: Callable[[Theme, SolvedDevice], parts.Figure | None], theme: Theme) -> parts.Figure | None:
        return None if self._shown.latest is None else draw(theme, self._shown.latest)

    def _sweep_figure(self, theme: Theme, latest: SolvedDevice) -> parts.Figure | None:
        shown, found = self._shown, latest.found
        if shown.curve is None:
            return None
        now = latest.device.value(shown.number), found.peak
        return sweep_figure(theme, shown.number, shown.curve, found.sink, now)

    def _json(self) -> str:
        latest = self._shown.latest
        return "{}" if latest is None else json.dumps(model.device_numbers(latest), ensure_ascii=False, indent=1)

    def redraw(self) -> None:
        """Show what was solved last, all of it."""
        latest = self._shown.latest
        if latest is not None:
            self.say()
            self._table.update_rows(model.worth_rows(latest.found))
            for chart in self._charts:
                chart.redraw()

    async def move(self) -> None:
        """Show what a dragged slider moves at once: the curves before the texts, which lay the page out anew."""
        for chart in self._charts[:2]:
            chart.follow()
        await asyncio.sleep(parts.HEAD_START)
        self.say()

    def say(self) -> None:
        """Write the hottest point, and the number of the slider."""
        shown, latest = self._shown, self._shown.latest
        if latest is not None:
            self._summary.set_text(model.device_summary(latest))
            if shown.number:
                self.value.set_text(format_parameter(shown.number, latest.device.value(shown.number), 4))


class DeviceView:
    """What one tab shows of a device: editor on the left, what follows from it on the right."""

    def __init__(self, session: Session) -> None:
        self._folder = Path(mkdtemp(dir=session.folder))
        self._shown = _DeviceShown(DeviceDraft.from_text(example_text("device")))
        self._solve, self._slide = Latest(self._solve_draft), Latest(self._try_number)
        with ui.element("div").classes("k-columns k-editor"):
            with ui.element("div").classes("k-stack"):
                parts.drop_zone(session, "Drop a device file (.toml), or choose one", self.take_file, accept=(".toml",))
                self._faults = parts.FaultLine()
                with ui.element("div").classes("k-card"):
                    with ui.element("div").classes("k-row k-between"):
                        self._title = ui.label().classes("k-title")
                        with ui.element("div").classes("k-row"):
                            edit = ui.button("Edit as text", icon="notes", on_click=self._edit_text)
                            edit.props("flat dense no-caps")
                            parts.copy_menu(lambda: model.device_texts(self._shown.draft))
                    self._editor = _Editor(self._change)
            with ui.element("div").classes("k-stack"):
                self._figures = _Figures(session, self._shown)
        with self._figures.row:
            self._choice = ui.select([], label="Number", on_change=self._choose).props("dense outlined")
            self._choice.style("min-width: 230px")
            self._slider = ui.slider(min=-1, max=1, step=0.02, value=0).props('aria-label="Factor of the number"')
            self._slider.style("flex: 1 1 160px; min-width: 140px").on_value_change(lambda e: self._slide(e.value))
            self._slider.on("change", self._redraw_at_rest)
            self._figures.value = ui.label().classes("k-number").style("min-width: 11ch")
            ui.button("Keep", on_click=self._keep).props("flat dense no-caps")

    async def take_file(self, path: Path) -> None:
        """Take a file in the place of the draft."""
        async with self._faults.shown():
            await self._take(DeviceDraft.from_text(read_limited(path, MAX_TOML_BYTES).decode(errors="replace")))

    async def begin(self, asked: list[Path] | None) -> None:
        """Open a file, or the example."""
        await (self.take_file(asked[0]) if asked else self._take(self._shown.draft))

    async def _redraw_at_rest(self) -> None:
        """Draw the figures that did not follow the slider once it rests; while it moves they would only hold it up."""
        place = self._slider.value
        await asyncio.sleep(parts.REST)
        if self._slider.value == place:
            self._figures.redraw()

    async def _take(self, draft: DeviceDraft, *, rebuild: bool = True) -> None:
        self._shown.draft = draft
        self._title.set_text(str(draft.table.get("title", "Device")))
        if rebuild:
            self._editor.fill(draft)
        await self._solve(draft)

    async def _change(self, change: Callable[[DeviceDraft], DeviceDraft], rebuild: bool) -> None:
        async with self._faults.shown():
            await self._take(change(self._shown.draft), rebuild=rebuild)

    async def _solve_draft(self, draft: DeviceDraft) -> None:
        async with self._faults.shown():
            outcome = await compute(model.solve_draft, draft, self._folder)
            shown = self._shown
            shown.solved, shown.tried = outcome.value, None
            said = (outcome.value.course, *outcome.remarks, *outcome.value.device.remarks)
            self._figures.remarks.set_text("  ".join(one for one in said if one))
            self._slider.set_value(0)
            names = model.numbers_to_try(outcome.value)
            shown.number = shown.number if shown.number in names else next(iter(names), "")
            self._choice.set_options(names, value=shown.number or None)
            self._figures.redraw()
            await self._trace()

    async def _choose(self) -> None:
        wanted = str(self._choice.value or "")
        if wanted and wanted != self._shown.number:
            self._shown.number, self._shown.tried, self._shown.curve = wanted, None, None
            self._slider.set_value(0)
            self._figures.redraw()
            async with self._faults.shown():
                await self._trace()

    async def _trace(self) -> None:
        shown = self._shown
        if shown.solved is not None and shown.number:
            shown.curve = (await compute(model.sweep_number, shown.solved.device, shown.number)).value
            self._figures.sweep.redraw()

    async def _try_number(self, power: float) -> None:
        shown = self._shown
        if shown.solved is None or not shown.number or (power == 0 and shown.tried is None):
            return
        async with self._faults.shown():
            changes = {shown.number: shown.solved.device.value(shown.number) * 10.0**power}
            shown.tried = (await compute(model.solve_device, shown.solved.device, changes)).value if power else None
            await self._figures.move()

    async def _keep(self) -> None:
        shown = self._shown
        if shown.tried is not None:
            value = shown.tried.device.value(shown.number)
            await self._change(lambda draft: model.kept_number(draft, shown.number, value), rebuild=True)

    def _edit_text(self) -> None:
        with parts.open_dialog("width: 760px; max-width: 94vw") as dialog:
            area = ui.textarea("Device file (TOML)", value=self._shown.draft.text).props("outlined autogrow")
            area.classes("k-text").style("width: 100%")

            async def take() -> None:
                dialog.close()
                await self._change(lambda _: DeviceDraft.from_text(str(area.value or "")), rebuild=True)

            with ui.element("div").classes("k-row"):
                ui.button("Take", on_click=take).props("unelevated no-caps")
                ui.button("Cancel", on_click=dialog.close).props("flat no-caps")
