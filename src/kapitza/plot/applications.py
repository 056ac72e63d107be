"""Figures of applications: what a superlattice, a composite, a leg, a cell, an exchanger or a cold chip does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kapitza.applications.cryogenic import HeliumBath, OperatingPoint, Superconductor
from kapitza.applications.memory import MemoryCell, pillar_profile
from kapitza.applications.thermoelectric import LegState, ThermoelectricLeg, current_limit, leg_state
from kapitza.core.arrays import Array
from kapitza.plot.style import LINE_COLOURS, finish, line_style, make_logarithmic, new_axes

__all__ = ["composite", "cryogenic_chip", "heat_exchanger", "memory_cell", "superlattice", "thermoelectric_leg"]

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kapitza.applications.composite import CompositeConductivity
    from kapitza.applications.exchanger import HeatExchanger
    from kapitza.applications.superlattice import SuperlatticeConductivity

_CURVE_POINTS = 300


def _scale_lengths(ax: Axes, x: Array) -> None:
    """Make the axis logarithmic if the lengths span more than a factor of five."""
    if x.size > 1 and x.max() / x.min() > 5:
        make_logarithmic(ax, "x", float(x.min()), float(x.max()))


def superlattice(found: SuperlatticeConductivity, ax: Axes | None = None) -> Axes:
    """Draw the conductivity of a superlattice against its period, by three pictures."""
    ax = new_axes() if ax is None else ax
    x = found.period * 1e9
    rows = (
        ("layers and boundaries in series", found.series),
        ("each frequency on its own", found.spectral),
        ("boundaries alone (ballistic)", found.ballistic),
    )
    for i, (label, value) in enumerate(rows):
        ax.plot(x, value, **line_style(i), lw=1.9, label=label, marker="o" if x.size < 3 else "")
    top = 1.3 * float(max(found.series.max(), found.spectral.max()))
    _scale_lengths(ax, x)
    ax.set(xlabel="period (nm)", ylabel="conductivity (W m⁻¹ K⁻¹)", ylim=(0, top))
    return finish(ax, title=f"{found.method}, {found.temperature:g} K", legend="inside", grid=True)


def composite(found: CompositeConductivity, ax: Axes | None = None) -> Axes:
    """Draw the conductivity of a composite against the radius of its particles."""
    ax = new_axes() if ax is None else ax
    x = found.radius * 1e6
    ax.plot(x, found.value, color=LINE_COLOURS[0], lw=1.9, label=found.method, marker="o" if x.size < 3 else "")
    ax.axhline(found.matrix, color="0.5", lw=1.0, ls="--", label="matrix alone")
    critical = found.critical_radius * 1e6
    if x.min() <= critical <= x.max():
        ax.axvline(critical, color=LINE_COLOURS[1], lw=1.2, ls=":", label=f"critical radius {critical:.3g} µm")
    _scale_lengths(ax, x)
    title = f"{100 * found.fraction:g} % of the volume, {found.conductance / 1e6:.4g} MW m⁻² K⁻¹"
    ax.set_ylim(0, 1.1 * float(max(found.value.max(), found.matrix)))
    ax.legend(frameon=False, loc="lower right")
    return finish(ax, "radius of the particles (µm)", "conductivity (W m⁻¹ K⁻¹)", title=title, grid=True)


def thermoelectric_leg(
    one: ThermoelectricLeg, states: Sequence[LegState], *, cooling: bool, ax: Axes | None = None
) -> Axes:
    """Draw power and efficiency of a leg (or heat taken up and COP) against current; states are points.

    Lines have averaged properties; the first state sets the reservoirs.
    """
    ax = new_axes() if ax is None else ax
    hot, cold = states[0].hot, states[0].cold
    top = current_limit(one, hot, cold, "cooling" if cooling else "power")
    shares = np.linspace(0.0, 1.0, _CURVE_POINTS)[1:]

    def curves(many: Sequence[LegState]) -> tuple[Array, Array, Array]:
        current = np.abs([state.current for state in many])
        heat = np.array([state.cooling if cooling else state.power for state in many]) * 1e3
        return current, heat, np.array([state.cop if cooling else 100 * state.efficiency for state in many])

    amperes, first, second = curves([leg_state(one, hot, cold, float(share * top)) for share in shares])
    shown = first > 0
    other = ax.twinx()
    ax.plot(amperes[shown], first[shown], color=LINE_COLOURS[0], lw=1.9)
    other.plot(amperes[shown], second[shown], color=LINE_COLOURS[1], lw=1.9, ls="--")
    amperes, first, second = curves(states)
    ax.plot(amperes, first, "o", color=LINE_COLOURS[0], ms=6)
    other.plot(amperes, second, "s", color=LINE_COLOURS[1], ms=6)
    ax.set(xlabel="current (A)", xlim=(0, None), ylim=(0, None))
    ax.set_ylabel("heat taken up (mW)" if cooling else "power (mW)", color=LINE_COLOURS[0])
    other.set_ylabel("coefficient of performance" if cooling else "efficiency (%)", color=LINE_COLOURS[1])
    other.set_ylim(0, None)
    return finish(ax, title=f"{hot:g} K to {cold:g} K; lines: averaged properties", grid=True)


def memory_cell(cell: MemoryCell, power: float, ax: Axes | None = None) -> Axes:
    """Draw the temperature along a memory cell at a power (W), with and without the resistance of its boundaries."""
    ax = new_axes() if ax is None else ax
    z = np.linspace(-cell.height / 2, cell.height / 2, _CURVE_POINTS)
    for i, label in enumerate(("with boundary resistance", "without, at the same power")):
        rise = pillar_profile(cell, power, z, boundaries=i == 0)
        ax.plot(z * 1e9, cell.ambient + rise, **line_style(i), lw=1.9, label=label)
    ax.axhline(cell.melting, color="0.5", lw=1.0, ls=":", label="melting point")
    ax.set_ylim(cell.ambient, cell.ambient + 1.12 * (cell.melting - cell.ambient))
    ax.legend(frameon=False, loc="lower center")
    return finish(ax, "height above the middle (nm)", "temperature (K)", grid=True)


def heat_exchanger(one: HeatExchanger, ax: Axes | None = None) -> Axes:
    """Draw what stands between both streams of an exchanger, as bars."""
    ax = new_axes(height=3.0) if ax is None else ax
    parts = one.resistances()
    names = list(parts)[::-1]
    values = np.array([parts[name] for name in names]) * 1e9
    colours = [LINE_COLOURS[1] if "boundary" in name else LINE_COLOURS[0] for name in names]
    ax.barh(names, values, color=colours)
    for i, value in enumerate(values):
        ax.text(value, i, f" {value:.3g} ({100 * value / values.sum():.0f} %)", va="center", fontsize="small")
    ax.set(xlabel="resistance (m² K GW⁻¹)", xlim=(0, 1.3 * values.max()))
    ax.grid(alpha=0.3, axis="x")
    return ax


def cryogenic_chip(
    bath: HeliumBath,
    states: Sequence[OperatingPoint],
    device: Superconductor | None = None,
    current: float = 0.0,
    *,
    load: float = 0.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw cooling and heat of a chip in helium against its temperature; hollow states are unstable.

    A device heats itself at a current (A); `load` is heat per area from elsewhere, W m⁻².
    """
    ax = new_axes() if ax is None else ax
    corners = [*bath.corners, *(device.corners(current, bath.temperature) if device else ())]
    last = max([*corners, *(one.temperature for one in states), bath.temperature * 1.5])
    kelvin = np.unique(np.concatenate([np.linspace(bath.temperature, 1.15 * last, _CURVE_POINTS), corners]))
    kelvin = kelvin[kelvin >= bath.temperature]
    heat = load + (0.0 if device is None else device.heat(kelvin, current, bath.temperature)) + 0 * kelvin
    ax.plot(kelvin, bath.flux(kelvin) / 1e4, color=LINE_COLOURS[0], lw=1.9, label="taken up by the helium")
    ax.plot(kelvin, heat / 1e4, color=LINE_COLOURS[1], lw=1.9, ls="--", label="heat")
    for stable, label in ((True, "stable"), (False, "unstable")):
        chosen = [one for one in states if one.stable == stable]
        face = "k" if stable else "white"
        x, y = [one.temperature for one in chosen], [one.flux / 1e4 for one in chosen]
        ax.plot(x, y, "o", color="k", mfc=face, ms=7, label=label if chosen else None, zorder=3)
    tops = [heat.max(), *(one.flux for one in states), *([bath.critical] if bath.corners else [])]
    ax.set(xlim=(bath.temperature, 1.15 * last), ylim=(0, 1.2 * max(tops) / 1e4 if max(tops) > 0 else None))
    return finish(ax, "temperature of the surface (K)", "heat flux (W cm⁻²)", legend="beside", grid=True)
