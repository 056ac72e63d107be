"""What one browser tab has open, and what a view may ask of the page around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal

from attrs import define, field, frozen

from kapitza.core.records import BaseRecord
from kapitza.web.background import Outcome

Theme = Literal["light", "dark"]
_ODD_CHARACTERS = re.compile(r"[^\w.+-]+")
_MAX_NAME = 80  # characters of the name of a dropped file


@frozen
class View(BaseRecord):
    """One view of the page.

    Attributes
    ----------
    name : in the address and on the command line
    title : of its tab
    icon : name of a Material icon
    build : lays the view out for a session, in the slot that is open; called when its tab is first shown
    suffixes : of files given on the command line that it opens, as (".hspy", ".dm4"); TOML is told apart by `takes`
    takes : whether it opens such a file after all, where the suffix alone does not tell
    """

    name: str
    title: str
    icon: str
    build: Callable[[Session], None]
    suffixes: tuple[str, ...] = ()
    takes: Callable[[Path], bool] = lambda _path: True

    def opens(self, path: Path) -> bool:
        """Whether the view shows a file."""
        return path.suffix.lower() in self.suffixes and self.takes(path)


@define(eq=False, kw_only=True)
class Session:
    """What one browser tab has open.

    Attributes
    ----------
    files : given on the command line
    folder : where dropped files are kept
    first : the answer to the first question of the view Interface, as soon as it is there; None where it is not begun
    theme : "light" or "dark", of figures
    requests : what other views or the command line ask of a view, by its name; taken with `take`
    """

    files: tuple[Path, ...] = field(converter=tuple)
    folder: Path
    first: Future[Outcome] | None = None
    theme: Theme = "light"
    requests: dict[str, Any] = field(factory=dict)
    _followers: list[Callable[[], None]] = field(factory=list)
    _listeners: dict[str, Callable[[], None]] = field(factory=dict)
    _show: Callable[[str], None] = field(default=lambda _name: None)

    def on_theme(self, redraw: Callable[[], None]) -> None:
        """Call a function whenever the theme changes."""
        self._followers.append(redraw)

    def change_theme(self, theme: Theme) -> None:
        """Draw everything in another theme."""
        if theme != self.theme:
            self.theme = theme
            for redraw in self._followers:
                redraw()

    def on_request(self, view: str, answer: Callable[[], None]) -> None:
        """Call a function when something is asked of a view that is already laid out."""
        self._listeners[view] = answer

    def show(self, view: str, request: Any = None) -> None:
        """Go to a view, and ask something of it: a pair of names of "interface", a path of the others."""
        if request is not None:
            self.requests[view] = request
        self._show(view)
        if request is not None and view in self._listeners:
            self._listeners[view]()

    def take(self, view: str) -> Any:
        """What is asked of a view, once; None where nothing is."""
        return self.requests.pop(view, None)

    def connect(self, show: Callable[[str], None]) -> None:
        """Say how the page goes to a view."""
        self._show = show


def file_of_upload(folder: Path, name: str) -> Path:
    """Where a dropped file is kept: its own name, harmless, in a folder of its own."""
    last = re.split(r"[\\/]", name)[-1]
    harmless = _ODD_CHARACTERS.sub("_", last).lstrip(".")[-_MAX_NAME:] or "file"
    return Path(mkdtemp(dir=folder)) / harmless


def view_of(path: Path, views: Sequence[View]) -> View | None:
    """The first view that opens a file; None where none does."""
    return next((one for one in views if one.opens(path)), None)
