"""What one browser tab has open, and what a view may ask of the page around it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal

from attrs import define, field

Theme = Literal["light", "dark"]
_ODD_CHARACTERS = re.compile(r"[^\w.+-]+")
FOLDER_PREFIX = "kapitza-"  # of the name of the folder in which dropped files are kept
_MAX_NAME = 80  # characters of the name of a dropped file


@define(eq=False, kw_only=True)
class Session:
    """What one browser tab has open.

    Attributes
    ----------
    files : given on the command line
    folder : where dropped files are kept
    first : the answer to the first question of the view Interface, as soon as it is there; None where it is not begun
    opened : set when the browser has the page and has told its theme, so that figures can be drawn
    theme : "light" or "dark", of figures
    requests : what other views or the command line ask of a view, by its name; taken with `take`
    """

    files: tuple[Path, ...] = field(converter=tuple)
    folder: Path
    first: Future[Any] | None = None
    opened: asyncio.Event = field(factory=asyncio.Event)
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
