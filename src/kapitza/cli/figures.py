"""Figures of the command line: drawn without a window, written whole or not at all."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from kapitza.cli import deferred
from kapitza.errors import InputError
from kapitza.io.formats.files import check_replaceable, write_atomically

_FIGURE_FORMATS = (".png", ".pdf", ".svg")
_DOTS_PER_INCH = 160  # per inch


def check_figure(path: str | None) -> None:
    """Refuse, before anything is computed, a path that cannot become a figure."""
    if path is None:
        return
    if Path(path).suffix.lower() not in _FIGURE_FORMATS:
        raise InputError(f"the ending of {path!r} says no format: expected .png, .pdf or .svg")
    check_folder(path)


def check_folder(path: str) -> None:
    """Refuse a path whose folder is missing, or that is no file."""
    target = Path(path)
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {str(target.parent)!r} to write {target.name!r} into")
    check_replaceable(target)


def write_axes(path: str, draw: Callable[[Any], object], *, height: float = 4.4) -> None:
    """Draw on the axes of a new figure of this height (inches) and write it."""
    write_figure(path, lambda figure: draw(figure.add_subplot()), height=height)


def write_figure(path: str, draw: Callable[[Any], object], *, width: float = 7.6, height: float = 4.4) -> None:
    """Draw into a new figure of this size (inches), with axes of its own, and write it."""
    figure = deferred.new_figure(width=width, height=height)
    draw(figure)
    buffer = BytesIO()
    figure.savefig(buffer, format=Path(path).suffix[1:].lower(), dpi=_DOTS_PER_INCH)
    write_atomically(path, buffer.getvalue())
