"""Figures of screenings: ranks with their probabilities, resistance against two properties, a matrix of a selection."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from kapitza.errors import InputError, require
from kapitza.plot.style import LINE_COLOURS, finish, new_axes
from kapitza.screen.conductances import table_conductances
from kapitza.screen.filters import material_column
from kapitza.screen.table import find_rows
from kapitza.units import MW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from kapitza.screen.result import Screening
    from kapitza.screen.table import MaterialTable

_MAX_BARS = 20
_QUANTILE = 1.959963984540054  # of 95 %
_RESISTANCE_UNIT = 1e-9  # m² K GW⁻¹
_COLUMN_TITLES = {
    "density": "density (kg m⁻³)", "longitudinal": "longitudinal speed (m s⁻¹)", "atoms": "atoms per volume (m⁻³)",
    "transverse": "transverse speed (m s⁻¹)", "debye_temperature": "Debye temperature (K)",
}  # fmt: skip


def screening_ranks(found: Screening, *, temperature: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the first pairs of a list: the model, what a measurement would find (95 %), and the probability of the rank.

    Parameters
    ----------
    found : the screening
    temperature : K, one of those of the lists; the first if None


    Raises
    ------
    InputError
        for a temperature without a list
    """
    ax = ax or new_axes()
    wanted = float(found.temperature[0]) if temperature is None else temperature
    rows = np.flatnonzero(found.temperature == wanted)[:_MAX_BARS]
    if not rows.size:
        raise InputError(f"no list at {wanted:g} K; there are some at {np.unique(found.temperature)[:5]} K")
    place = np.arange(rows.size)
    middle = found.expected[rows] / MW
    factor = np.exp(_QUANTILE * found.spread[rows])
    ends = [middle - middle / factor, middle * factor - middle]
    ax.errorbar(middle, place, xerr=ends, fmt="o", color="black", ms=3.5, lw=1, label="expected of a measurement, 95 %")
    ax.plot(found.conductance[rows] / MW, place, "D", color=LINE_COLOURS[1], ms=4, label=found.method)
    shares = found.probability[rows]
    if np.isfinite(shares).all():
        right = ax.secondary_yaxis("right")
        right.set_yticks(place, [f"{100 * share:.2g} %" for share in shares])
        right.set_ylabel(f"probability to be in the best {found.ranking.best}")
    # the formula in place of the number of a database, such as mp-149
    names = [f if f and re.search(r"\d{3}$|:", n) else n for n, f in zip(found.names, found.formulas, strict=True)]
    ax.set_yticks(place, [f"{names[found.left[row]]} | {names[found.right[row]]}" for row in rows])
    ax.set(xscale="log", xlabel="conductance (MW m⁻² K⁻¹)", ylim=(rows.size - 0.5, -0.5))
    ax.set_title(f"{found.pairs} pairs at {wanted:g} K", fontsize="medium")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, frameon=False, fontsize="small")
    return ax


def screening_map(
    materials: MaterialTable,
    partner: str,
    temperature: float,
    *,
    properties: tuple[str, str] = ("density", "transverse"),
    ax: Axes | None = None,
) -> Axes:
    """Draw the resistance of all materials on one of them, by colour, against two columns of the table.

    Parameters
    ----------
    materials : the table
    partner : name or formula of the material on which all others stand
    temperature : K
    properties : columns on both axes, as in `filter_table`

    """
    ax = ax or new_axes()
    row = int(find_rows(materials, [partner])[0])
    others = np.delete(np.arange(len(materials)), row)
    found = table_conductances(materials, np.array([temperature]), (np.full(others.size, row), others))[0]
    x, y = (material_column(materials, name)[others] for name in properties)
    colours = require("matplotlib.colors", extra="plot", why="drawing a figure")
    with np.errstate(divide="ignore"):
        resistance = 1 / found / _RESISTANCE_UNIT
    low, high = np.nanpercentile(resistance, [1, 99])
    order = np.argsort(-resistance)
    points = ax.scatter(
        x[order], y[order], c=resistance[order], s=7, cmap="viridis_r", norm=colours.LogNorm(low, high), lw=0,
        rasterized=True,
    )  # fmt: skip
    ax.figure.colorbar(points, ax=ax, label="resistance (m² K GW⁻¹)", extend="both")
    own = (float(material_column(materials, properties[0])[row]), float(material_column(materials, properties[1])[row]))
    ax.plot(*own, "*", color=LINE_COLOURS[1], ms=13)
    ax.annotate(partner, own, xytext=(-4, 9), ha="right", textcoords="offset points")
    titles = [_COLUMN_TITLES.get(name, name) for name in properties]
    ax.set(xscale="log", yscale="log", xlabel=titles[0], ylabel=titles[1])
    return finish(ax, title=f"{others.size} materials on {partner}, {temperature:g} K, DMM")


def screening_matrix(
    materials: MaterialTable, names: Sequence[str], temperature: float, *, ax: Axes | None = None
) -> Axes:
    """Draw the conductances of all pairs of some materials as a matrix with numbers, MW m⁻² K⁻¹, emitted drop.

    Parameters
    ----------
    materials : the table
    names : of the materials, in their order
    temperature : K

    """
    ax = ax or new_axes()
    rows = find_rows(materials, names)
    first, second = (place.ravel() for place in np.indices((rows.size, rows.size)))
    found = table_conductances(materials, np.array([temperature]), (rows[first], rows[second]))[0] / MW
    matrix = found.reshape(rows.size, rows.size)
    matrix[np.diag_indices(rows.size)] = np.nan
    colours = require("matplotlib.colors", extra="plot", why="drawing a figure")
    norm = colours.LogNorm(np.nanmin(matrix), np.nanmax(matrix))
    ax.imshow(matrix, norm=norm, cmap="viridis")
    for i, j in zip(first.tolist(), second.tolist(), strict=True):
        if i != j:
            dark = norm(matrix[i, j]) < 0.6
            ax.text(j, i, f"{matrix[i, j]:.0f}", ha="center", va="center", color="w" if dark else "k", fontsize="small")
    ax.set_xticks(range(rows.size), names, rotation=45, ha="right")
    ax.set_yticks(range(rows.size), names)
    return finish(ax, title=f"conductance (MW m⁻² K⁻¹), {temperature:g} K, DMM")
