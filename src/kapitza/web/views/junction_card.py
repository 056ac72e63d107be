"""The atoms of a junction, which is built on demand or dropped: a part of the view Interface."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nicegui import ui

import kapitza
from kapitza import Junction
from kapitza.errors import InputError
from kapitza.io import RESULT_SUFFIXES
from kapitza.web.answers import DEFAULT_NORMALS, Question
from kapitza.web.background import Job, compute
from kapitza.web.figures.interface import junction_figure
from kapitza.web.parts import Chart, Figure, JobPanel, drop_zone, fault_line
from kapitza.web.session import Session, Theme

_INVITATION = "Where both crystals have force constants, or a potential knows them; or drop one that was saved."


class JunctionCard:
    """A card with the atoms of a junction.

    Parameters
    ----------
    session : whose theme the figure follows
    question : returns the interface that is shown
    """

    def __init__(self, session: Session, question: Callable[[], Question]) -> None:
        self._question, self._session = question, session
        self._junction: Junction | None = None
        with ui.element("section").classes("k-card").props('aria-label="Junction"'):
            with ui.element("div").classes("k-row k-between"):
                ui.html('<h2 class="k-title">Junction, atom by atom</h2>', sanitize=False)
                ui.button("Build", icon="hub", on_click=self._build).props("flat dense no-caps")
            self._note = ui.label(_INVITATION).classes("k-note")
            self._place = ui.element("div")
            self._faults, self._panel = fault_line(), JobPanel()
            drop_zone(session, "Drop a saved junction", self._open, accept=RESULT_SUFFIXES)

    def clear(self) -> None:
        """Forget the junction, which is not that of the interface any more."""
        self._junction = None
        self._panel.cancel()
        self._faults.say("")
        self._note.set_text(_INVITATION)
        self._place.clear()

    async def _build(self) -> None:
        """Build the junction of the crystals that are shown."""
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
        """Show a junction of a file."""
        async with self._faults.shown():
            held = (await compute(_read, path)).value
            if not isinstance(held, Junction):
                raise InputError(f"{path.name} holds a {type(held).__name__}: expected a junction that was saved")
            self._show(held, "")

    def _show(self, made: Junction, assumes: str) -> None:
        """Show the atoms."""
        self._junction = made
        atoms = sum(slab.masses.size for slab in made.device)
        self._note.set_text("; ".join(filter(None, (f"{made.name}: {atoms} atoms in a cell", assumes))))
        self._place.clear()
        if junction_figure(made, self._session.theme) is not None:
            with self._place:
                chart = Chart(self._session, self._draw, name="junction", label="Atoms of the junction")
            chart.redraw()

    def _draw(self, theme: Theme) -> Figure | None:
        """The figure of the junction that is shown."""
        return None if self._junction is None else junction_figure(self._junction, theme)


def _read(path: Path) -> object:
    """What a file holds."""
    return kapitza.read(path)


def make_junction_of(question: Question) -> tuple[Junction, str]:
    """The junction of both sides, and what it assumes; a layer between them and other normals are not in it, and said.

    Raises
    ------
    KapitzaError
        where one side has no force constants, or the crystals do not fit
    """
    made, assumes = kapitza.routes.make_junction(question.left, question.right)
    absent = ["along (001), other normals by `kapitza junction`"] if question.normals != DEFAULT_NORMALS else []
    absent += [f"without {question.layer}"] if question.layer else []
    return made, "; ".join((assumes, *absent))
