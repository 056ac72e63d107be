"""Options of commands follow from the records that they fill."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import pytest
import typer
from attrs import field, frozen, validators

from kapitza.cli import _all_commands
from kapitza.cli.layer import Keys, Option, Panel, add_command
from kapitza.core.arrays import about
from kapitza.errors import InputError

_MOST_OPTIONS = 12  # in the main panel of a command, without --help


@frozen(kw_only=True)
class Film:
    """Record of a package."""

    thickness: float = field(default=5e-10, metadata=about("m", "thickness of the film"))
    layers: int = field(default=3, metadata=about("1", "number of layers"))
    kind: str = field(default="cubic", validator=validators.in_(("cubic", "hexagonal")), metadata=about("", "lattice"))
    smooth: bool = field(default=False, metadata=about("", "no roughness"))
    hidden: float = 1.0


@dataclass(frozen=True)
class Shared:
    """Options that commands share."""

    panel: ClassVar[str] = "Computation"

    workers: Annotated[int, Option("processes", low=1)] = 1


def invoke(*words: str) -> dict[str, Any]:
    """Call a command with one parameter of each kind, and return what it received."""
    received: dict[str, Any] = {}

    def verb(
        file: Annotated[str, typer.Argument(help="A file.")],
        *,
        film: Annotated[Film, Panel("Film", "thickness layers=--planes smooth")],
        texts: Annotated[dict[str, Any], Keys(Film, "Other film", "kind")],
        shared: Shared,
        radius: Annotated[float, Option("radius", "length", "4nm", above=0, high=1e-6)],
        position: Annotated[tuple[float, float] | None, Option("position", "length+-")],
    ) -> None:
        """Do something."""
        received.update(locals())

    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    add_command(app, "verb", verb)
    typer.main.get_command(app)(["verb", *words], standalone_mode=False)
    return received


def test_records_are_filled() -> None:
    plain = invoke("a.toml")
    assert plain["film"] == Film()
    assert plain["shared"] == Shared()
    assert (plain["texts"], plain["radius"], plain["position"]) == ({}, 4e-9, None)
    given = invoke(
        "a.toml", "--thickness", "2 nm", "--planes", "7", "--smooth", "--workers", "2", "--kind", "hexagonal",
        "--position", "3nm+-1nm",
    )  # fmt: skip
    assert given["film"] == Film(thickness=2e-9, layers=7, smooth=True)
    assert given["shared"].workers == 2
    assert given["texts"] == {"kind": "hexagonal"}
    np.testing.assert_allclose(given["position"], (3e-9, 1e-9), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--radius", "-4nm"), "--radius = '-4nm': expected a length above 0 up to 1e-06"),
        (("--radius", "2um"), "--radius = '2um': expected a length above 0"),
        (("--thickness", "3 s"), "'s' is a unit of time; expected length"),
    ],
)
def test_texts_are_checked(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        invoke("a.toml", *words)


def test_the_help_lists_panels(capsys: pytest.CaptureFixture[str]) -> None:
    invoke("--help")
    text = capsys.readouterr().out
    titles = re.findall(r"^(\S.*):$", text, re.MULTILINE)
    assert titles == ["Arguments", "Options", "Film", "Other film", "Computation"]
    assert "--thickness LENGTH  Thickness of the film.  [default: 0.5 nm]" in text
    assert "--planes NUMBER     Number of layers.  [default: 3]" in text.replace(
        "\\[", "["
    )  # as some versions write it
    assert "--hidden" not in text


def test_no_command_has_many_options_in_its_main_panel() -> None:
    crowded: dict[str, int] = {}

    def visit(command: Any, path: str) -> None:
        for name, one in getattr(command, "commands", {}).items():
            visit(one, f"{path} {name}")
        options = [one for one in command.params if one.param_type_name == "option"]
        count = sum(not one.rich_help_panel for one in options)
        if count > _MOST_OPTIONS:
            crowded[path] = count

    visit(_all_commands(), "kapitza")
    assert crowded == {}
