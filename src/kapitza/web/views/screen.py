"""The view Screen."""

from __future__ import annotations

from nicegui import ui

from kapitza.web.session import Session, View


def build_screen(session: Session) -> None:
    """Lay the view out."""
    ui.label("Screen").classes("k-title")


VIEW = View("screen", "Screen", "", build_screen)
