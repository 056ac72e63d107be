"""The command `explore`: the local page."""

from __future__ import annotations

from typing import Annotated

import typer

import kapitza
from kapitza.cli.layer import Option
from kapitza.cli.output import note, print_text


def explore(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILES", help="That the page opens: spectra, samples, devices.")
    ] = None,
    *,
    port: Annotated[int, Option("port of 127.0.0.1; 0 for any that is free")] = 0,
    no_browser: Annotated[bool, Option("print the address, and open nothing")],
) -> None:
    """A page in the browser: estimate, models, measurements and spectra of an interface, maps, fits, devices."""

    def announce(address: str) -> None:
        print_text(address)
        note("the page is for this machine alone; Ctrl+C ends it")

    kapitza.explore(files or (), port=port, browser=not no_browser, announce=announce)
