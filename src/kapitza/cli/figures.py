"""Files that verbs write: figures, drawn without a window, and results; written whole or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import kapitza
from kapitza.cli import deferred
from kapitza.cli.output import note
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


def check_save(path: str | None) -> None:
    """Refuse, before anything is computed, a path that cannot become a result."""
    if path is None:
        return
    if Path(path).suffix.lower() not in (".json", ".npz", ".h5", ".hdf5"):
        raise InputError(f"the ending of {path!r} says no format: expected .json, .npz or .h5")
    check_folder(path)


@dataclass(frozen=True)
class Results:
    """The files that a verb writes; their paths are checked before anything is computed."""

    save: str | None = None
    plot: str | None = None

    def __post_init__(self) -> None:
        check_figure(self.plot)
        check_save(self.save)

    def keep(self, record: Any) -> None:
        """Save a record, or several by name, where a file was asked for."""
        if self.save is not None:
            kapitza.save(record, self.save)

    def draw(self, draw: Callable[[Any], object], *, height: float = 4.4) -> None:
        """Draw on the axes of a new figure of this height (inches), where one was asked for."""
        if self.plot is not None:
            write_axes(self.plot, draw, height=height)

    def draw_figure(self, draw: Callable[[Any], object], *, width: float = 7.6, height: float = 4.4) -> None:
        """Draw into a new figure of this size (inches), where one was asked for."""
        if self.plot is not None:
            write_figure(self.plot, draw, width=width, height=height)

    def announce(self) -> None:
        """Report which files were written."""
        for path in (self.save, self.plot):
            if path is not None:
                note(f"wrote {path}")
