"""Report of all routes to one conductance: one .html file that needs nothing beside it."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

import kapitza
from kapitza.cli.output import megawatts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kapitza.routes import Deviation, Route, Routes

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
_FAR = 2.0  # joint standard uncertainties, from which on two routes disagree
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


def routes_report(found: Routes, temperature: float) -> str:
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


def _figure(found: Routes) -> str:
    figure = kapitza.plot.style.new_figure(width=11.0, height=8.4)
    kapitza.plot.routes_figure(found, figure)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=160, bbox_inches="tight")
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"


def _routes_table(found: Routes) -> str:
    """All routes with what they say at the temperatures of the computed ones, or their own where those are none."""
    computed = [one for one in found.rows if one.kind != "experiment"] or list(found.rows)
    kelvin: list[float] = []
    for t in (float(t) for one in computed for t in one.conductance.temperature):
        if all(abs(t / known - 1) > _SAME_TEMPERATURE for known in kelvin):
            kelvin.append(t)
    kelvin.sort()
    columns = [*(f"{t:.4g} K" for t in kelvin), "misses by", "took"]
    head = [_cell("route"), _cell("drop, statistics"), *(_cell(one, "number") for one in columns), _cell("assumes")]
    rows = [
        [
            _cell(one.title, "name", below=one.kind), _cell(one.conductance.drop, below=one.conductance.statistics),
            *(_value_cell(one, t) for t in kelvin),
            _cell(f"× {one.misses:.3g}" if one.misses else "", "number"), _cell(_time(one.seconds), "number"),
            _cell(one.assumes, "words"),
        ]
        for one in found.rows
    ]  # fmt: skip
    return _table(head, rows)


def _value_cell(one: Route, temperature: float) -> str:
    index = one.index(temperature)
    if index is None:
        return _cell("", "number")
    value, sigma = megawatts(float(f"{one.conductance.value[index]:.3g}")), one.conductance.sigma
    if one.low is not None and one.high is not None:
        ends = (megawatts(float(f"{end[index]:.3g}")) for end in (one.low, one.high))
        return _cell(value, "number", below=" – ".join(ends))
    return _cell(value, "number", below="" if sigma is None else f"± {megawatts(float(f'{sigma[index]:.2g}'))}")


def _time(seconds: float) -> str:
    """What a route took; nothing for what was looked up."""
    if not seconds:
        return ""
    return f"{seconds:.1f} s" if seconds >= 0.1 else "< 0.1 s"


def _deviation_tables(found: Routes, temperature: float) -> list[str]:
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


def _deviation_cell(one: Deviation | None) -> str:
    if one is None:
        return _cell("", "number")
    if one.sigmas is None:
        return _cell(f"{one.ratio:.3g}", "number")
    far = " far" if abs(one.sigmas) > _FAR else ""
    return _cell(f"{one.ratio:.3g}", f"number{far}", below=f"{round(one.sigmas, 1) + 0.0:+.1f} σ")  # no -0.0


def _sources(found: Routes) -> list[str]:
    """Links to what was published, by author and year."""
    known = {
        one.conductance.source: one.title.removesuffix(", measured") for one in found.rows if one.conductance.source
    }
    links = {doi: doi if doi.startswith("https:") else f"https://doi.org/{doi}" for doi in known}
    return [f'{escape(known[doi])}: <a href="{escape(link)}">{escape(doi)}</a>' for doi, link in links.items()]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells, which scrolls where the page is narrow."""
    title = "".join(head).replace("<td", "<th").replace("</td>", "</th>")
    lines = ["".join(row) for row in rows]
    return "\n".join(['<div class="wide"><table>', *(f"<tr>{one}</tr>" for one in (title, *lines)), "</table></div>"])


def _cell(text: str, kind: str = "", *, below: str = "") -> str:
    """A cell with a line of small print."""
    named = f' class="{kind}"' if kind else ""
    small = f"<small>{escape(below)}</small>" if below else ""
    return f"<td{named}>{escape(text)}{small}</td>"


def _list(title: str, lines: Sequence[str]) -> list[str]:
    """A heading and a list of escaped lines, nothing without any."""
    if not lines:
        return []
    return [f"<h2>{escape(title)}</h2><ul>", *(f"<li>{one}</li>" for one in lines), "</ul>"]
