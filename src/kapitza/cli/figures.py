"""Files that verbs write: figures, drawn without a window, and results; written whole or not at all."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import kapitza
from kapitza.cli.output import note
from kapitza.core.files import check_replaceable, write_atomically
from kapitza.errors import InputError
from kapitza.io.formats.files import RESULT_SUFFIXES, known_suffix

FIGURE_SUFFIXES = (".png", ".pdf", ".svg")
_DOTS_PER_INCH = 160  # per inch


def check_output(path: str | None, suffixes: Collection[str]) -> None:
    """Refuse, before anything is computed, a path that cannot become a file of one of these endings."""
    if path is not None:
        known_suffix(path, suffixes)
        check_folder(path)


def check_folder(path: str) -> None:
    """Refuse a path in a folder that does not exist, or of a folder."""
    target = Path(path)
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {str(target.parent)!r} to write {target.name!r} into")
    check_replaceable(target)


def write_axes(path: str, draw: Callable[[Any], object], *, height: float = 4.4) -> None:
    """Draw on the axes of a new figure of this height (inches) and write it."""
    write_figure(path, lambda figure: draw(figure.add_subplot()), height=height)


def write_figure(path: str, draw: Callable[[Any], object], *, width: float = 7.6, height: float = 4.4) -> None:
    """Draw into a new figure of this size (inches), with axes of its own, and write it."""
    figure = kapitza.plot.style.new_figure(width=width, height=height)
    draw(figure)
    buffer = BytesIO()
    figure.savefig(buffer, format=Path(path).suffix[1:].lower(), dpi=_DOTS_PER_INCH)
    write_atomically(path, buffer.getvalue())


@dataclass(frozen=True)
class Results:
    """The files that a verb writes; their paths are checked before anything is computed."""

    save: str | None = None
    plot: str | None = None

    def __post_init__(self) -> None:
        check_output(self.plot, FIGURE_SUFFIXES)
        check_output(self.save, RESULT_SUFFIXES)

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
