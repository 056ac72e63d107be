"""The view Interface."""

from __future__ import annotations

from nicegui import ui

from kapitza.web.session import Session, View


def build_interface(session: Session) -> None:
    """Lay the view out."""
    ui.label("Interface").classes("k-title")


VIEW = View("interface", "Interface", "", build_interface)
