"""The view Screen: all pairs of the library on a map, each of which opens."""

from __future__ import annotations

import csv
import io
from typing import Any

from nicegui import ui

from kapitza.errors import require
from kapitza.run import Progress
from kapitza.screen import Ranking, Screening, library_table, screen
from kapitza.web.background import Job
from kapitza.web.figures.screen import screen_figure
from kapitza.web.parts import Chart, FaultLine, Figure, JobPanel, card_with_menu, export_menu
from kapitza.web.session import Session, Theme

_TEMPERATURES = (10, 30, 77, 150, 300, 500)  # K
_ALL_PAIRS = 10**5  # more than there are in the library
_NOTE = (
    "Diffuse mismatch model of Debye solids, emitted drop: good to compare pairs; at 300 K it misses published "
    "values by a median factor of 5.4. Click a pair to see its estimate, its other models and what was measured."
)


def screen_library(temperature: float, progress: Progress | None = None) -> Screening:
    """All pairs of the library at a temperature (K)."""
    return screen(library_table(), temperature, ranking=Ranking(top=_ALL_PAIRS), progress=progress)


class ScreenView:
    """The map, and what changes it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: Screening | None = None
        with card_with_menu("All pairs of the library", "All pairs") as place:
            ui.label(_NOTE).classes("k-note")
            self._faults = FaultLine()
            self._panel = JobPanel()
            self._chart = Chart(session, self._draw, name="pairs", label="Map of all pairs", height="1080px")
            self._chart.on_click(self._open)
            with place:
                options = {t: f"{t} K" for t in _TEMPERATURES}
                self._kelvin = ui.select(options, value=300, label="Temperature", on_change=self.begin)
                self._kelvin.props("dense outlined").style("min-width: 120px")
                export_menu(self._chart, {"csv": self._csv})

    async def begin(self, _asked: object) -> None:
        """Compute all pairs at the chosen temperature."""
        kelvin = float(self._kelvin.value or 300)
        async with self._faults.shown():
            require("numba", extra="screen", why="the map of all pairs")
            job = Job(screen_library, kelvin, with_progress=True)
            self._found = (await self._panel.run(f"all pairs at {kelvin:g} K", job)).value
            self._chart.redraw()

    def _draw(self, theme: Theme) -> Figure | None:
        return None if self._found is None else screen_figure(self._found, theme)

    def _csv(self) -> str:
        text = io.StringIO()
        if self._found is not None:
            columns = self._found.columns()
            csv.writer(text, lineterminator="\n").writerows([columns, *zip(*columns.values(), strict=True)])
        return text.getvalue()

    def _open(self, point: dict[str, Any]) -> None:
        self._session.show("interface", (str(point.get("y")), str(point.get("x"))))
