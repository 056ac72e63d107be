"""The command `interface`: every route to one conductance, side by side, and its report as one .html file."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

import kapitza
from kapitza.cli.layer import Option, Panel
from kapitza.cli.options import Calculation, Work, parse_temperatures
from kapitza.cli.output import Grid, Note, Part, Results, megawatts
from kapitza.cli.predict import Left, Right
from kapitza.core.files import write_atomically
from kapitza.core.parameter_units import with_error
from kapitza.errors import InputError

_BUDGET_PATTERN = re.compile(r"(?P<value>[0-9.]+)\s*(?P<unit>s|sec|min|m|h|d)", re.IGNORECASE)
_BUDGET_SECONDS = {"s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_ROOM_TEMPERATURE = 300.0  # K
_REPORT_SUFFIXES = (".html", ".htm")
_LARGE_DEVIATION = 2.0  # joint standard uncertainties, from which on a pair is listed
_MAX_PAIRS = 8  # listed pairs that disagree most
_STYLE = """
:root { color-scheme: light dark; --text: #222; --ground: #fff; --line: #ddd; --faint: #666; --far: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --text: #ddd; --ground: #16181c; --line: #3a3d44; --faint: #9a9da5; --far: #ff8a80; }
  img { background: #fff; border-radius: 6px; }
}
body { font: 15px/1.45 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--text); background: var(--ground); }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
a { color: inherit; }
.wide { overflow-x: auto; }
img { width: 100%; min-width: 46rem; }
table { border-collapse: collapse; margin: .5rem 0; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; text-align: left; }
td.words { min-width: 14rem; } td.name { min-width: 9rem; }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
small { display: block; color: var(--faint); }
p.note, li { color: var(--faint); }
td.far { color: var(--far); font-weight: 600; }
"""
_SAME_TEMPERATURE = 0.02  # relative distance within which two temperatures share a column
_NOTES = (
    "Below a value stand its standard uncertainty, or the ends of its interval or range.",
    "Misses by: median factor to published values of 72 interfaces at 300 K.",
    "Of measurements that state no error: median factor to those of other laboratories.",
)
_AGF_NOTE = "The error of AGF is that of its wave vectors and frequencies alone."
_DEVIATION_NOTE = (
    "Row over column; below it ln(ratio) in joint standard uncertainties (σ): those that are stated, else those of "
    "the kind of route; nothing where neither is known. Only routes of one drop and statistics are compared."
)


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

    others: ClassVar[Mapping[str, Collection[str]]] = {"report_file": _REPORT_SUFFIXES}

    report_file: Annotated[
        str | None, Option("figure and tables in one .html file", names="--report", metavar="FILE")
    ] = None


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
    given: dict[str, Any] = {}
    for path in saved or ():
        name = Path(path).name
        held = kapitza.read(path)
        if isinstance(held, kapitza.io.FilmsFile):
            held = kapitza.transport(held.films, held.crossings, left=held.left, right=held.right, period=held.period)
        given[name if sum(Path(one).name == name for one in saved or ()) == 1 else path] = held
    forces = calculation.forces((left, right))
    sides: list[Any] = [left, right]  # structure files as crystals whose forces a calculator gave
    if forces is not None:
        structure = kapitza.matter.is_structure_file
        sides = [kapitza.phonons.crystal_from_file(one, forces) if structure(one) else one for one in (left, right)]
    at = min(temperature, key=lambda t: abs(t - _ROOM_TEMPERATURE))

    def announce(route: kapitza.routes.Route) -> None:
        if not files.as_json:
            typer.echo(f"  {route.title}: {_value_at(route, at) or 'at other temperatures'}", err=True)

    routes = kapitza.routes.routes(
        sides[0], sides[1], temperature, budget=budget, saved=given, store=work.store, executor=work.workers,
        announce=announce,
    )  # fmt: skip
    files.draw_figure(lambda figure: kapitza.plot.routes_figure(routes, figure), width=11.0, height=8.4)
    if files.report_file is not None:
        write_atomically(files.report_file, _report_page(routes, at).encode())
    files.report(routes, _describe_routes(routes, at), {"deviations": routes.deviations(at)})


def _value_at(route: kapitza.routes.Route, at: float) -> str:
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


def _describe_routes(found: kapitza.routes.Routes, at: float) -> Iterator[Part]:
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


def _describe_deviations(found: kapitza.routes.Routes, at: float) -> Iterator[Part]:
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


def _report_page(found: kapitza.routes.Routes, temperature: float) -> str:
    """Text of the page: figure, tables of all routes and of their deviations at a temperature (K), what is missing."""
    names = f"{escape(found.left)} | {escape(found.right)}"
    notes = (*_NOTES, *([_AGF_NOTE] if "agf" in found.names else ()))
    return "\n".join(
        [
            "<!doctype html>", '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">', f"<title>{names}</title>",
            f"<style>{_STYLE}</style></head><body>", f"<h1>Thermal boundary conductance of {names}</h1>",
            f'<div class="wide"><img alt="Conductance and spectra by all routes" src="{_figure(found)}"></div>',
            "<h2>Routes, MW m⁻² K⁻¹</h2>", _routes_table(found), f'<p class="note">{" ".join(notes)}</p>',
            f"<h2>How far they lie apart at {temperature:g} K</h2>", *_deviation_tables(found, temperature),
            *_list("Sides", [escape(one) for one in found.remarks]),
            *_list("Left out", [escape(one) for one in found.skipped]), *_list("Sources", _sources(found)),
            f'<p class="note">kapitza {kapitza.__version__}</p></body></html>',
        ]
    )  # fmt: skip


def _figure(found: kapitza.routes.Routes) -> str:
    figure = kapitza.plot.style.new_figure(width=11.0, height=8.4)
    kapitza.plot.routes_figure(found, figure)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=160, bbox_inches="tight")
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"


def _routes_table(found: kapitza.routes.Routes) -> str:
    """All routes with what they say at the temperatures of the computed ones, or their own where those are none."""
    computed = [one for one in found.rows if one.kind != "experiment"] or list(found.rows)
    kelvin: list[float] = []
    for t in (float(t) for one in computed for t in one.conductance.temperature):
        if all(abs(t / known - 1) > _SAME_TEMPERATURE for known in kelvin):
            kelvin.append(t)
    kelvin.sort()
    columns = [*(f"{t:.4g} K" for t in kelvin), "misses by", "took"]
    head = [_cell("route"), _cell("drop, statistics"), *(_cell(one, "number") for one in columns), _cell("assumes")]
    rows: list[list[str]] = []
    for one in found.rows:
        took = "" if not one.seconds else f"{one.seconds:.1f} s" if one.seconds >= 0.1 else "< 0.1 s"
        rows.append(
            [
                _cell(one.title, "name", below=one.kind), _cell(one.conductance.drop, below=one.conductance.statistics),
                *(_value_cell(one, t) for t in kelvin), _cell(f"× {one.misses:.3g}" if one.misses else "", "number"),
                _cell(took, "number"), _cell(one.assumes, "words"),
            ]
        )  # fmt: skip
    return _table(head, rows)


def _value_cell(one: kapitza.routes.Route, temperature: float) -> str:
    index = one.index(temperature)
    if index is None:
        return _cell("", "number")
    value, sigma = megawatts(float(f"{one.conductance.value[index]:.3g}")), one.conductance.sigma
    if one.low is not None and one.high is not None:
        ends = (megawatts(float(f"{end[index]:.3g}")) for end in (one.low, one.high))
        return _cell(value, "number", below=" – ".join(ends))
    return _cell(value, "number", below="" if sigma is None else f"± {megawatts(float(f'{sigma[index]:.2g}'))}")


def _deviation_tables(found: kapitza.routes.Routes, temperature: float) -> list[str]:
    """For each definition the ratios of all pairs and their distance in standard uncertainties, as a matrix."""
    pairs = {(one.first, one.second): one for one in found.deviations(temperature)}
    parts = [f'<p class="note">{_DEVIATION_NOTE}</p>']
    for definition in dict.fromkeys(one.definition for one in found.rows):
        names = [one.name for one in found.rows if one.definition == definition]
        shown = [name for name in names if any(name in pair for pair in pairs)]
        if shown:
            head = [_cell(""), *(_cell(name, "number") for name in shown[1:])]
            rows = [
                [_cell(first, "name"), *(_deviation_cell(pairs.get((first, second))) for second in shown[1:])]
                for first in shown[:-1]
            ]
            parts += [f"<h3>{escape(definition)}</h3>", _table(head, rows)]
    return parts if len(parts) > 1 else ["<p>No two of them can be compared there.</p>"]


def _deviation_cell(one: kapitza.routes.Deviation | None) -> str:
    if one is None:
        return _cell("", "number")
    if one.sigmas is None:
        return _cell(f"{one.ratio:.3g}", "number")
    far = " far" if abs(one.sigmas) > _LARGE_DEVIATION else ""
    return _cell(f"{one.ratio:.3g}", f"number{far}", below=f"{round(one.sigmas, 1) + 0.0:+.1f} σ")  # no -0.0


def _sources(found: kapitza.routes.Routes) -> list[str]:
    lines: dict[str, str] = {}
    for one in found.rows:
        if doi := one.conductance.source:
            link = doi if doi.startswith("https:") else f"https://doi.org/{doi}"
            name = escape(one.title.removesuffix(", measured"))
            lines[doi] = f'{name}: <a href="{escape(link)}">{escape(doi)}</a>'
    return list(lines.values())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    title = "".join(head).replace("<td", "<th").replace("</td>", "</th>")
    lines = ["".join(row) for row in rows]
    return "\n".join(['<div class="wide"><table>', *(f"<tr>{one}</tr>" for one in (title, *lines)), "</table></div>"])


def _cell(text: str, kind: str = "", *, below: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    small = f"<small>{escape(below)}</small>" if below else ""
    return f"<td{named}>{escape(text)}{small}</td>"


def _list(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    return [f"<h2>{escape(title)}</h2><ul>", *(f"<li>{one}</li>" for one in lines), "</ul>"]
