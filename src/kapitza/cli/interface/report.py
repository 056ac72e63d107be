"""Report of all routes to one conductance: one .html file that needs nothing beside it."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

import kapitza
from kapitza.cli import deferred
from kapitza.cli.output import megawatts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kapitza.routes import Route, Routes

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; } th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; }
th { text-align: left; } td.number { text-align: right; font-variant-numeric: tabular-nums; } img { max-width: 100%; }
"""


def routes_report(found: Routes, temperature: float) -> str:
    """Text of the page: figure, tables of all routes and of their deviations at a temperature (K), what is missing."""
    names = f"{escape(found.left)} | {escape(found.right)}"
    kelvin = sorted({float(t) for one in found.rows if one.kind != "experiment" for t in one.conductance.temperature})
    head = ["route", "kind", "drop, statistics", *(f"{t:g} K" for t in kelvin), "assumes", "took"]
    rows = [
        [one.title, one.kind, one.definition, *(_cell(one, t) for t in kelvin), one.assumes, f"{one.seconds:.1f} s"]
        for one in found.rows
    ]
    pairs = [
        [one.first, one.second, f"{one.ratio:.3g}", "" if one.sigmas is None else f"{one.sigmas:+.2f}"]
        for one in found.deviations(temperature)
    ]
    sources = dict.fromkeys(one.conductance.source for one in found.rows if one.conductance.source)
    return "\n".join(
        [
            "<!doctype html>", '<html lang="en"><head><meta charset="utf-8">', f"<title>{names}</title>",
            f"<style>{_STYLE}</style></head><body>", f"<h1>Thermal boundary conductance of {names}</h1>",
            f'<p><img alt="Conductance against temperature and spectra by all routes" src="{_figure(found)}"></p>',
            "<h2>Routes, MW m⁻² K⁻¹</h2>", _table(head, rows),
            f"<h2>Routes of one definition at {temperature:g} K</h2>",
            "<p>σ: ln(ratio) in joint standard uncertainties, where one of the two has one.</p>",
            _table(["first", "second", "ratio", "σ"], pairs), *_list("Left out", found.skipped),
            *_list("Sources", list(sources)), f"<p>kapitza {kapitza.__version__}</p></body></html>",
        ]
    )  # fmt: skip


def _figure(found: Routes) -> str:
    """The figure as an address that holds all of it."""
    figure = deferred.new_figure(width=11.0, height=8.4)
    deferred.routes_figure(found, figure)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"


def _cell(one: Route, temperature: float) -> str:
    """Conductance near a temperature with its error or ends."""
    index = one.index(temperature)
    if index is None:
        return ""
    value = megawatts(float(f"{one.conductance.value[index]:.3g}"))
    if one.low is not None and one.high is not None:
        return f"{value} ({one.low[index] / 1e6:.3g} – {one.high[index] / 1e6:.3g})"
    sigma = one.conductance.sigma
    return value if sigma is None else f"{value} ± {sigma[index] / 1e6:.2g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    title = "".join(f"<th>{escape(one)}</th>" for one in head)
    lines = ["".join(map(_table_cell, row)) for row in rows]
    return "\n".join(["<table>", *(f"<tr>{one}</tr>" for one in (title, *lines)), "</table>"])


def _table_cell(text: str) -> str:
    """A cell; numbers stand right."""
    kind = ' class="number"' if text and text[0] in "0123456789+-∞" else ""
    return f"<td{kind}>{escape(text)}</td>"


def _list(title: str, lines: Sequence[str]) -> list[str]:
    """A heading and a list, nothing without lines."""
    if not lines:
        return []
    return [f"<h2>{escape(title)}</h2><ul>", *(f"<li>{escape(one)}</li>" for one in lines), "</ul>"]
