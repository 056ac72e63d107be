"""The command `interface`: every route to one conductance, side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import kapitza
from kapitza.cli.figures import Results, check_output
from kapitza.cli.interface.report import routes_report
from kapitza.cli.layer import Option, Panel
from kapitza.cli.options import Calculation, Work, parse_temperatures
from kapitza.cli.output import megawatts, note
from kapitza.cli.predict import Left, Right
from kapitza.cli.tables import Grid, Note, Part
from kapitza.core.files import write_atomically
from kapitza.core.parameter_units import with_error
from kapitza.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kapitza.phonons import FiniteDisplacements
    from kapitza.routes import Route, Routes

_BUDGET_PATTERN = re.compile(r"(?P<value>[0-9.]+)\s*(?P<unit>s|sec|min|m|h|d)", re.IGNORECASE)
_BUDGET_SECONDS = {"s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_ROOM_TEMPERATURE = 300.0  # K
_REPORT_SUFFIXES = (".html", ".htm")
_LARGE_DEVIATION = 2.0  # joint standard uncertainties, from which on a pair is listed
_MAX_PAIRS = 8  # listed pairs that disagree most


def _parse_budget(text: str) -> float:
    match = _BUDGET_PATTERN.fullmatch(text.strip())
    try:
        seconds = float(match["value"]) * _BUDGET_SECONDS[match["unit"].lower()] if match else 0.0
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise InputError(f"--budget {text!r:.40}: expected a time above 0 with its unit, such as 30s, 10min or 1h")
    return seconds


@dataclass(frozen=True)
class RoutesResults(Results):
    """Files of all routes: also the report."""

    report_file: Annotated[
        str | None, Option("figure and tables in one .html file", names="--report", metavar="FILE")
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_output(self.report_file, _REPORT_SUFFIXES)


def interface(
    left: Left,
    right: Right,
    *,
    temperature: Annotated[
        list[float],
        Option("temperatures in K", parse_temperatures, "100,200,300,400,500", "--temperature -T", "KELVIN"),
    ],
    budget: Annotated[float, Option("time for slow routes: 30s, 10min, 1h", _parse_budget, "1min", metavar="TIME")],
    saved: Annotated[
        list[str] | None,
        Option("another route: anything saved, a file of films; repeatable", names="--with", metavar="FILE"),
    ],
    calculation: Calculation,
    work: Annotated[Work, Panel(names="workers store")],
    files: RoutesResults,
) -> None:
    """Every route to one conductance side by side: learnt, models, Boltzmann, AGF, MD, measured; cheap ones first."""
    given = {_short_name(path, saved or ()): _read_result(path) for path in saved or ()}
    sides = _with_forces((left, right), calculation.forces((left, right)))
    at = min(temperature, key=lambda t: abs(t - _ROOM_TEMPERATURE))

    def announce(route: Route) -> None:
        if not files.as_json:
            typer.echo(f"  {route.title}: {_value_at(route, at) or 'at other temperatures'}", err=True)

    routes = kapitza.routes.routes(
        *sides, temperature, budget=budget, saved=given, store=work.store, executor=work.workers, announce=announce
    )
    files.draw_figure(lambda figure: kapitza.plot.routes_figure(routes, figure), width=11.0, height=8.4)
    if files.report_file is not None:
        write_atomically(files.report_file, routes_report(routes, at).encode())
    files.report(routes, _describe_routes(routes, at), {"deviations": routes.deviations(at)})
    if files.report_file is not None:
        note(f"wrote {files.report_file}")


def _with_forces(sides: tuple[str, str], forces: FiniteDisplacements | None) -> tuple[Any, Any]:
    """Both sides, structure files as crystals whose forces a calculator gave."""
    left, right = (
        one
        if forces is None or not kapitza.matter.is_structure_file(one)
        else kapitza.phonons.crystal_from_file(one, forces)
        for one in sides
    )
    return left, right


def _short_name(path: str, paths: Sequence[str]) -> str:
    name = Path(path).name
    return name if sum(Path(one).name == name for one in paths) == 1 else path


def _read_result(path: str) -> Any:
    held = kapitza.read(path)
    if isinstance(held, kapitza.io.FilmsFile):
        return kapitza.transport(held.films, held.crossings, left=held.left, right=held.right, period=held.period)
    return held


def _value_at(route: Route, at: float) -> str:
    """Conductance of a route near a temperature (K) with its error or interval; empty where it knows none there."""
    index = route.index(at)
    if index is None:
        return ""
    value = megawatts(float(f"{route.conductance.value[index]:.3g}"))
    if route.low is not None and route.high is not None:
        low, high = (megawatts(float(f"{end[index]:.3g}")) for end in (route.low, route.high))
        return f"{value} ({low} to {high})"
    sigma = route.conductance.sigma
    return value if sigma is None else with_error(route.conductance.value[index] / 1e6, sigma[index] / 1e6)


def _describe_routes(found: Routes, at: float) -> Iterator[Part]:
    rows = [
        [
            one.title, one.kind, one.definition, _value_at(one, at) or "–", f"× {one.misses:.3g}" if one.misses else "",
            f"{one.seconds:.1f} s" if one.seconds else "", one.assumes,
        ]
        for one in found.rows
    ]  # fmt: skip
    head = f"{found.left} | {found.right} at {at:g} K, MW m⁻² K⁻¹"
    columns = ["route", "kind", "drop, statistics", "G", "misses by", "took", " assumes"]
    yield Grid(head, columns, rows, text=3, piped=180)
    if any(one.misses for one in found.rows):
        yield " misses by: median factor to the published values of 72 interfaces at 300 K"
    yield from _describe_deviations(found, at)
    for one in (*found.remarks, *found.skipped):
        yield Note(one)


def _describe_deviations(found: Routes, at: float) -> Iterator[Part]:
    known = [one for one in found.deviations(at) if one.sigmas is not None]
    known.sort(key=lambda one: -abs(one.sigmas or 0.0))
    rows = [[one.first, one.second, f"{one.ratio:.3g}", f"{one.sigmas:+.1f}"] for one in known[:_MAX_PAIRS]]
    if rows:
        yield Grid("routes of one definition that lie farthest apart", ["first", "second", "ratio", "σ"], rows, text=2)
    far = sum(abs(one.sigmas or 0.0) > _LARGE_DEVIATION for one in known)
    if known:
        yield (
            f" {far} of {len(known)} pairs lie more than {_LARGE_DEVIATION:g} σ apart, by the errors that are stated"
        )
    if any(one.name == "agf" for one in found.rows):
        yield " the error of AGF is that of its wave vectors and frequencies alone"
