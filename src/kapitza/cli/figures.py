"""Files that verbs write: figures, drawn without a window, and results; written whole or not at all."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, ClassVar

import kapitza
from kapitza.cli.layer import Option
from kapitza.cli.output import note, print_json, print_record
from kapitza.cli.tables import Part, print_parts
from kapitza.core.files import check_replaceable, write_atomically
from kapitza.errors import InputError
from kapitza.io import RESULT_SUFFIXES, known_suffix

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
    """What a command writes and prints; the paths of files are checked before anything is computed."""

    panel: ClassVar[str] = "Output"
    suffixes: ClassVar[Collection[str]] = RESULT_SUFFIXES  # of the saved file

    plot: Annotated[str | None, Option("figure: .png, .pdf or .svg", metavar="FILE")] = None
    save: Annotated[str | None, Option("save everything: .json, .npz or .h5", metavar="FILE")] = None
    as_json: Annotated[bool, Option("machine-readable output, with units", names="--json")] = False

    def __post_init__(self) -> None:
        check_output(self.plot, FIGURE_SUFFIXES)
        check_output(self.save, self.suffixes)

    def report(self, record: Any, printed: Iterable[Part] = (), derived: Mapping[str, Any] | None = None) -> None:
        """Save a record, or several by name, and print them: as JSON with what is derived, or as tables and texts."""
        self.keep(record)
        self.show(record, printed, derived)

    def show(self, record: Any, printed: Iterable[Part] = (), derived: Mapping[str, Any] | None = None) -> None:
        """Print as `report` does, without saving."""
        if self.as_json:
            print_record(record, derived)
        else:
            print_parts(printed)
        self.announce()

    def show_plain(self, content: Any, printed: Iterable[Part] = (), derived: Mapping[str, Any] | None = None) -> None:
        """Print as `show` does; in JSON what no file can hold."""
        if self.as_json:
            print_json(content, derived)
        else:
            print_parts(printed)
        self.announce()

    def keep(self, record: Any) -> None:
        """Save a record, or several by name, if a file was asked for."""
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
