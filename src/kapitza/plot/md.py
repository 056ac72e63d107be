"""Figures of molecular dynamics: profile and jump, spectral flux, mode temperatures, sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.core.parameter_units import with_error
from kapitza.plot.style import LINE_COLOURS, finish, legend_beside, line_style, make_logarithmic, new_axes, shaded_bands
from kapitza.simulate.md.analysis.equilibrium import expected_spectrum, power_spectrum
from kapitza.units import MW, THz, hbar, k_B, nm, ps

__all__ = ["md_approach", "md_fluctuations", "md_modes", "md_profile", "md_sizes", "md_spectrum", "md_spectrum_figure"]

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapitza.core.conductance import Conductance
    from kapitza.core.occupation import Occupation
    from kapitza.core.transmission import Transmission
    from kapitza.simulate.md.analysis.nemd import NemdResult
    from kapitza.simulate.md.analysis.sizes import SizeSeries
    from kapitza.simulate.md.observers.spectral_flux import SpectralFlux
    from kapitza.simulate.md.runs.closed import EquilibriumResult, RelaxationResult
    from kapitza.simulate.md.runs.run import Run


def md_profile(found: NemdResult, ax: Axes | None = None) -> Axes:
    """Draw the temperatures of the layers, the lines extrapolated to the plane, and the jump.

    Examples
    --------
    >>> from kapitza import md, plot
    >>> from kapitza.examples import argon_run
    >>> run = argon_run()
    >>> axes = plot.md.md_profile(run.result())
    >>> print(axes.get_xlabel())
    distance from the plane (nm)
    """
    ax = new_axes() if ax is None else ax
    profile, plane = found.profile, found.plane
    z = (profile.position - plane) / nm
    ax.errorbar(z, profile.temperature, profile.sigma, fmt="o", ms=3.5, lw=0.8, color="0.25", label="planes of atoms")
    middle, half = found.temperature, found.jump / 2
    for i, (name, sign) in enumerate((("left", 1), ("right", -1))):
        if not np.isfinite(found.conductivity[i]):
            continue
        end = float(z.min() if sign > 0 else z.max())
        slope = -found.flux / found.conductivity[i] * nm
        at = middle + sign * half
        ax.plot([0, end], [at, at + slope * end], **line_style(i), label=f"{name}, extrapolated")
    ax.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    ax.plot([0, 0], [middle - half, middle + half], color="black", linewidth=2.0, label=f"jump {found.jump:.2g} K")
    ax.set(xlabel="distance from the plane (nm)", ylabel="temperature (K)")
    title = "no conductance"
    if found.resistance > 0:
        verdict = "" if found.accepted else ", rejected"
        title = f"G = {_megawatts(found.conductance())} MW m⁻² K⁻¹{verdict}"
    return finish(ax, title=f"{found.name}: {title}", legend="beside")


def _megawatts(one: Conductance) -> str:
    """A single conductance in MW m⁻² K⁻¹, with its error where it has one."""
    value = float(one.value[0]) / MW
    return f"{value:.3g}" if one.sigma is None else with_error(value, float(one.sigma[0]) / MW)


def md_spectrum(flux: SpectralFlux, ax: Axes | None = None, edges: Array | None = None) -> Axes:
    """Draw the spectral heat flux with its uncertainty, by bands of these edges (rad s⁻¹) or by 40 bands."""
    ax = new_axes() if ax is None else ax
    bounds = np.linspace(0, flux.omega[-1], 41) if edges is None else edges
    value, sigma = flux.bands(bounds)
    scale = MW / THz
    ax.stairs(value / scale, bounds / THz, color=LINE_COLOURS[0], linewidth=1.9)
    low, high = (value - sigma) / scale, (value + sigma) / scale
    ax.stairs(high, bounds / THz, baseline=low, fill=True, color=LINE_COLOURS[0], alpha=0.25)
    ax.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    return finish(ax, "frequency (THz)", "heat flux (MW m⁻² THz⁻¹)", xlim=(0, bounds[-1] / THz))


def md_spectrum_figure(
    run: Run, figure: Figure, edges: Array | None = None, elastic: Transmission | None = None
) -> Figure:
    """Draw the spectral heat flux and its sum, with what elastic processes could carry.

    A transmission of the same junction by an elastic theory is drawn with the temperature
    difference of the thermostats.
    """
    flux = run.flux()
    top = float(run.highest_frequency.max()) or float(flux.omega[-1])
    fine = np.linspace(0, min(1.05 * top, float(flux.omega[-1])), 41)
    first, second = figure.subplots(1, 2)
    md_spectrum(flux, first, fine if edges is None or edges.size < fine.size else edges)
    if elastic is not None:
        hot, cold = run.records[0].thermostat_temperatures
        classical = elastic.total * k_B * (hot - cold) / (2 * np.pi)
        look: dict[str, Any] = {"color": LINE_COLOURS[1], "linestyle": "--", "label": elastic.method}
        first.plot(elastic.omega / THz, classical * THz / MW, **look)
        first.legend(frameon=False, fontsize="small")
    value, sigma = flux.cumulative()
    second.plot(flux.omega / THz, value / MW, color=LINE_COLOURS[0], linewidth=1.9)
    low, high = (value - sigma) / MW, (value + sigma) / MW
    second.fill_between(flux.omega / THz, low, high, color=LINE_COLOURS[0], alpha=0.25, lw=0)
    second.set(xlabel="frequency (THz)", ylabel="heat flux below (MW m⁻²)", xlim=(0, fine[-1] / THz), ylim=(0, None))
    for ax in (first, second):
        for side, limit in zip(("left", "right"), run.highest_frequency, strict=True):
            if limit:
                ax.axvline(float(limit) / THz, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
                ax.annotate(
                    f"top of {side}", (float(limit) / THz, 1.0), xycoords=("data", "axes fraction"), rotation=90,
                    va="top", ha="right", fontsize="x-small", color="0.4",
                )  # fmt: skip
    return figure


def md_modes(found: Occupation, plane: float, ax: Axes | None = None) -> Axes:
    """Draw the temperatures of bands of frequency by layer, beside an interface at `plane` (m)."""
    ax = new_axes() if ax is None else ax
    z, temperature = (found.position - plane) / nm, found.temperature()
    for band, colour in shaded_bands(found.energy.size):
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = None if found.sigma is None else temperature[:, band] * found.sigma[:, band] / found.value[:, band]
        name = f"{found.energy[band] / hbar / THz:.2g} THz"
        ax.errorbar(z, temperature[:, band], spread, fmt="o-", ms=3, lw=0.9, color=colour, label=name)
    ax.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    ax.set(xlabel="distance from the plane (nm)", ylabel="temperature (K)")
    legend_beside(ax, title="middle of the band")
    return ax


def md_sizes(found: SizeSeries, ax: Axes | None = None) -> Axes:
    """Draw resistances against the inverse length, with the line to infinite length."""
    ax = new_axes() if ax is None else ax
    inverse = nm / found.length
    ax.errorbar(inverse, found.resistance * 1e9, found.sigma * 1e9, fmt="o", color="0.25", ms=4, lw=0.9, label="runs")
    x = np.linspace(0, 1.05 * float(inverse.max()), 50)
    shape = np.column_stack([np.ones(x.size), x / nm])
    line = shape @ found.fitted[:2]
    spread = np.sqrt(np.einsum("ij,jk,ik->i", shape, found.covariance[:2, :2], shape))
    ax.plot(x, line * 1e9, color=LINE_COLOURS[0], label="R(infinite) + a / L")
    ax.fill_between(x, (line - spread) * 1e9, (line + spread) * 1e9, color=LINE_COLOURS[0], alpha=0.2, lw=0)
    ax.set(xlabel="1 / length between the thermostats (nm⁻¹)", ylabel="resistance (m² K GW⁻¹)", xlim=(0, None))
    return finish(ax, legend="beside")


def md_fluctuations(found: EquilibriumResult, ax: Axes | None = None) -> Axes:
    """Draw the spectrum of the power in equilibrium, in bands, with the fit."""
    ax = new_axes() if ax is None else ax
    data = found.data
    spectrum, fit = power_spectrum(data), found.fit
    top = 1.5 * fit.high  # above are the sound waves that stand in the cell
    edges = np.geomspace(fit.low, min(top, float(spectrum.omega[-1])), 13)
    place = np.digitize(spectrum.omega, edges)
    sides = [evolve(s, conductivity=float(k)) for s, k in zip((data.left, data.right), fit.conductivity, strict=True)]
    used = [i for i in range(1, edges.size) if (place == i).any()]
    centre = np.array([spectrum.omega[place == i].mean() for i in used])
    modes = ("sum", "difference")[: spectrum.value.shape[1]]
    fine = np.geomspace(fit.low, fit.high, 100)
    model = expected_spectrum(fine, float(fit.conductance.value[0]), sides[0], sides[1], len(modes))
    for i, name in enumerate(modes):
        mean = np.array([spectrum.value[place == j, i].mean() for j in used])
        error = mean * np.array([np.sqrt(spectrum.variance / (place == j).sum()) for j in used])
        label = f"{name} of both boundaries" if len(modes) == 2 else "power"
        look: dict[str, Any] = {"fmt": "os"[i], "color": LINE_COLOURS[i], "ms": 3.5, "lw": 0.8}
        ax.errorbar(centre / THz, mean / MW, error / MW, **look, label=label)
        ax.plot(fine / THz, model[:, i] / MW, **line_style(i), label=f"fit of the {name}")
    ax.axhline(float(fit.conductance.value[0]) / MW, color="0.6", lw=0.8, ls=":", label="G, extrapolated")
    height = 3 * max(float(model.max()), float(fit.conductance.value[0])) / MW
    ax.set(xlabel="frequency (THz)", ylabel="S / 2 kB T² A (MW m⁻² K⁻¹)", ylim=(0, height))
    make_logarithmic(ax, "x", 0.9 * float(edges[0]) / THz, 1.1 * float(edges[-1]) / THz)
    return finish(ax, legend="beside")


def md_approach(found: RelaxationResult, ax: Axes | None = None) -> Axes:
    """Draw the difference of the two temperatures against time, with both fits."""
    ax = new_axes() if ax is None else ax
    mean = found.run.difference.mean(axis=0)
    label = f"mean of {len(found.run.records)} runs" if len(found.run.records) > 1 else "one run"
    ax.plot(found.run.time / ps, mean, "o", ms=2.5, color="0.6", label=label)
    for i, one in enumerate((found.lumped, found.slabs)):
        name = "bodies of one temperature" if one.model == "lumped" else "two slabs"
        label = f"{name}: {_megawatts(one.conductance)} MW m⁻² K⁻¹"
        ax.plot(one.time / ps, one.decay, **line_style(i), label=label)
    ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    return finish(ax, "time (ps)", "left less right (K)", legend="small")
