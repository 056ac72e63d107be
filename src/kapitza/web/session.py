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
    followers : called whenever the theme changes
    show : goes to a view and asks something of it, if anything: a pair of names of "interface", paths of the others
    """

    files: tuple[Path, ...] = field(converter=tuple)
    folder: Path
    first: Future[Any] | None = None
    opened: asyncio.Event = field(factory=asyncio.Event)
    theme: Theme = "light"
    followers: list[Callable[[], None]] = field(factory=list)
    show: Callable[[str, Any], None] = field(default=lambda _view, _request: None)

    def change_theme(self, theme: Theme) -> None:
        """Draw everything in another theme."""
        if theme != self.theme:
            self.theme = theme
            for redraw in self.followers:
                redraw()


def file_of_upload(folder: Path, name: str) -> Path:
    """Where a dropped file is kept: its own name, harmless, in a folder of its own."""
    last = re.split(r"[\\/]", name)[-1]
    harmless = _ODD_CHARACTERS.sub("_", last).lstrip(".")[-_MAX_NAME:] or "file"
    return Path(mkdtemp(dir=folder)) / harmless
