"""The verb `predict`: the conductance of an interface by every model that the two sides allow."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import kapitza
from kapitza.cli import deferred
from kapitza.cli.figures import Results
from kapitza.cli.options import (
    Figure,
    Json,
    Save,
    Temperatures,
    even_subset,
    parse_names,
    parse_normals,
    parse_temperatures,
)
from kapitza.cli.output import megawatts, note, print_record, print_table, terminal_columns
from kapitza.errors import InputError

if TYPE_CHECKING:
    from kapitza.measure.catalogue import Measurement
    from kapitza.theory.models import Estimate

Drop = Annotated[Literal["emitted", "local", "extrapolated"], typer.Option(help="Temperature drop of the figure.")]
Left = Annotated[str, typer.Argument(help="Name of the library, or a phonopy file (.yaml).")]
Right = Annotated[str, typer.Argument(help="The same for the other side.")]
Normal = Annotated[
    str, typer.Option("--normal", help="Interface normal in the axes of the crystal: 001, or left,right as 111,001.")
]
_MAX_COLUMNS = 7  # temperatures in a printed table
_COLUMN_WIDTH = 9  # characters of one of them


def predict(
    left: Left,
    right: Right,
    temperature: Temperatures = "300",
    theory: Annotated[str | None, typer.Option(help="Names of models, e.g. amm,dmm; all that fit if left out.")] = None,
    normal: Normal = "001",
    drop: Drop = "extrapolated",
    statistics: Annotated[Literal["quantum", "classical"], typer.Option(help="classical: as in MD.")] = "quantum",
    plot: Figure = None,
    save: Save = None,
    as_json: Json = False,
) -> None:
    """Conductance of an interface by every model that the two sides allow."""
    kelvin, normals, names = parse_temperatures(temperature), parse_normals(normal), parse_names(theory)
    files = Results(save, plot)
    found = kapitza.predict(left, right, kelvin, names, statistics=statistics, normals=normals)
    published = _published_measurements(left, right, found[0])
    result = {"estimates": found, "measured": published}
    files.keep(result)
    files.draw(lambda ax: kapitza.plot.conductance(*found, measured=published, drop=drop, ax=ax))
    if as_json:
        print_record(result)
        return
    _print_estimates(found, published, _typed_names(left, right, found[0]))
    files.announce()


def _published_measurements(left: str, right: str, found: Estimate) -> tuple[Measurement, ...]:
    """Measurements of two sides by the names that were typed, or by those of files; none for a file of another name."""
    one, other = _typed_names(left, right, found)
    try:
        return kapitza.measured(one, other)
    except InputError:
        return ()


def _typed_names(left: str, right: str, found: Estimate) -> tuple[str, str]:
    """Names of both sides as they were typed, and of files by what they hold."""
    return (found.left if deferred.is_path(left) else left, found.right if deferred.is_path(right) else right)


def _print_estimates(found: tuple[Estimate, ...], measured: tuple[Measurement, ...], names: tuple[str, str]) -> None:
    """Print estimates: drops side by side at one temperature, or temperatures side by side; names are those typed."""
    first = found[0]
    kelvin, drops = first.emitted.temperature.tolist(), deferred.TEMPERATURE_DROPS
    head = f"{first.left} | {first.right}, conductance in MW m⁻² K⁻¹"
    if len(kelvin) == 1:
        rows = [[one.title, one.model, *(_drop_value(one, drop, 0) for drop in drops)] for one in found]
        print_table(f"{head} at {kelvin[0]:g} K by temperature drop", ["model", "name", *drops], rows, text=2)
    else:
        shown = even_subset(len(kelvin), _fitting_columns(max(len(one.title) for one in found)))
        rows = [
            [one.title if drop == drops[0] else "", drop, *(_drop_value(one, drop, j) for j in shown)]
            for one in found
            for drop in drops
        ]
        print_table(head, ["model", "drop", *(f"{kelvin[j]:g} K" for j in shown)], rows, text=2)
        if len(shown) < len(kelvin):
            note(f"{len(shown)} of {len(kelvin)} temperatures are shown; --save and --json hold all of them")
    if any(one.extrapolated is not None for one in found):
        note("experiments and simulations see the extrapolated drop, here by its estimate for gray, diffuse media")
    bare = [one for one in measured if not one.exclusion]
    if bare:
        sources = len({one.citation for one in bare})
        note(f"{sources} source{'s' * (sources > 1)} measured it: kapitza measured {' '.join(map(shlex.quote, names))}")


def _fitting_columns(text: int) -> int:
    """Return how many columns of temperatures stand beside titles of this length without being cut."""
    room = terminal_columns() - text - len("  extrapolated  ")
    return max(2, min(_MAX_COLUMNS, room // _COLUMN_WIDTH))


def _drop_value(one: Estimate, drop: str, index: int) -> str:
    """Return one value of an estimate for a table."""
    conductance = getattr(one, drop)
    return megawatts(None if conductance is None else float(conductance.value[index]))
