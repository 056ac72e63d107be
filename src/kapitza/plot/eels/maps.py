"""Figures of electron energy-loss spectra: maps, jumps, plans, and measured modes beside computed ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.core.parameter_units import with_error
from kapitza.errors import InputError
from kapitza.measure.eels.map import UNUSABLE_OR_MISFIT, GradientField
from kapitza.plot.style import LINE_COLOURS, POINT_MARKERS, finish, line_style, new_axes, point_style
from kapitza.theory.agf.mode_classes import MODE_CLASSES
from kapitza.units import hbar, meV, nm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from kapitza.core.occupation import Occupation
    from kapitza.core.profile import Profile
    from kapitza.measure.eels.comparison import OccupationComparison
    from kapitza.measure.eels.design import EelsDesign
    from kapitza.measure.eels.interface_modes import InterfaceComponents
    from kapitza.measure.eels.jump import InterfaceJump
    from kapitza.measure.eels.map import TemperatureMap
    from kapitza.theory.agf.mode_classes import ModeClasses

_ARROWS_PER_MAP = 14  # along the longer side of a map
_MAX_ISOTHERMS = 9  # isotherms at most
_ENERGIES = 400  # of a density of states
_LINE_SHARE = 0.01  # of the highest energy: standard deviation of a line


def temperature_map(
    found: TemperatureMap,
    planes: GradientField | None = None,
    *,
    interface: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a map in colours, with isotherms and arrows along the flow of heat where planes are given.

    Pixels without a good fit are grey.  Arrows point down the gradient; those that are not significant at 95 % are left
    out.

    Parameters
    ----------
    found : map along (y, x)
    planes : local planes, of `gradients`
    interface : x of the interface, m

    Raises
    ------
    InputError
        for a map that is not along two positions
    """
    if len(found.position) != 2:
        raise InputError(f"a map needs two positions, got {len(found.position)}: draw the profile instead")
    y, x = (axis / nm for axis in found.position)
    ax = new_axes(width=7.0, height=4.0) if ax is None else ax
    kelvin = np.where((found.flag & UNUSABLE_OR_MISFIT) == 0, found.temperature, np.nan)
    ax.set_facecolor("0.8")
    low, high = np.nanpercentile(kelvin, [1, 99])
    surface = ax.pcolormesh(x, y, kelvin, cmap="inferno", shading="nearest", vmin=low, vmax=high, rasterized=True)
    bar = ax.figure.colorbar(surface, cax=ax.inset_axes((1.02, 0, 0.025, 1)), label="temperature (K)")
    bar.outline.set_visible(False)
    if planes is not None:
        _draw_planes(ax, planes, x, y, np.inf if interface is None else interface / nm)
    if interface is not None:
        ax.axvline(interface / nm, color="white", lw=1.6, ls="--")
    halves = [np.diff(axis).mean() / 2 if axis.size > 1 else 0.5 for axis in (x, y)]
    limits = [(float(axis[0] - half), float(axis[-1] + half)) for axis, half in zip((x, y), halves, strict=True)]
    ax.set(xlabel="x (nm)", ylabel="y (nm)", xlim=limits[0], ylim=limits[1], aspect="equal")
    return ax


def _draw_planes(ax: Axes, planes: GradientField, x: Array, y: Array, interface: float) -> None:
    """Draw isotherms, which end at the interface, and arrows of local planes."""
    smooth = planes.temperature
    step = round_step((np.nanmax(smooth) - np.nanmin(smooth)) / _MAX_ISOTHERMS)
    levels = np.arange(np.ceil(np.nanmin(smooth) / step), np.nanmax(smooth) / step + 1e-9) * step
    for side in (x < interface, x >= interface):
        if side.sum() > 1 and y.size > 1 and levels.size:
            lines = ax.contour(x[side], y, smooth[:, side], levels=levels, colors="white", linewidths=0.9)
            ax.clabel(lines, fmt="%g", fontsize="x-small")
    every = max(1, round(max(smooth.shape) / _ARROWS_PER_MAP))
    pick = tuple(slice((n - 1) % every // 2, None, every) for n in smooth.shape)
    gradient, sure = planes.gradient[pick], planes.significance()[pick] > 5.9915
    steepest = np.nanmax(np.linalg.norm(gradient[sure], axis=-1)) if sure.any() else 1.0
    arrows = np.where(sure[..., None], -gradient / steepest, np.nan)
    mesh_x, mesh_y = np.meshgrid(x[pick[1]], y[pick[0]])
    scale = 1 / (0.85 * every * np.diff(x).mean())
    if sure.any():
        known: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": scale, "pivot": "mid", "width": 0.004}
        ax.quiver(mesh_x[sure], mesh_y[sure], *arrows[sure].T, color=LINE_COLOURS[5], **known)


def round_step(step: float) -> float:
    """The number of 1, 2, 5, 10, ... that is nearest above a step."""
    if not step > 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(step))
    return float(next(power * one for one in (1, 2, 5, 10) if power * one >= step * (1 - 1e-9)))


def interface_jump(data: Profile, found: InterfaceJump, ax: Axes | None = None) -> Axes:
    """Draw a profile with its errors, the fit as it is seen, and both branches extrapolated to the plane.

    Points that were left out are hollow.
    """
    ax = new_axes(width=6.8, height=4.2) if ax is None else ax
    jump, at = found.jump, found.jump.at
    apart = np.abs(data.position[:, None] - found.position).min(axis=1, initial=np.inf)
    used = apart <= 1e-6 * np.ptp(data.position)
    sigma = data.sigma if data.covariance is None else np.sqrt(np.diag(data.covariance))
    for mask, face in ((used, "0.25"), (~used, "none")):
        error = None if sigma is None else sigma[mask]
        if mask.any():
            ax.errorbar(
                data.position[mask] / nm, data.temperature[mask], error, fmt="o", color="0.25", mfc=face,
                ms=4, lw=0.8, zorder=1, label="left out" if face == "none" else "rows averaged",
            )  # fmt: skip
    fine = np.linspace(data.position[0], data.position[-1], 600)
    ax.plot(fine / nm, found.temperature(fine), color="0.45", lw=1.2, zorder=2, label="fit as it is seen")
    ends = ((data.position[0], at, 0.5, jump.gradient_left), (at, data.position[-1], -0.5, jump.gradient_right))
    for i, (start, stop, side, gradient) in enumerate(ends):
        places = np.array([start, stop])
        heights = jump.temperature + side * jump.jump + gradient * (places - at)
        name = f"{('left', 'right')[i]}: {gradient * nm:.3g} K nm⁻¹"
        ax.plot(places / nm, heights, **line_style(i), lw=1.9, zorder=3, label=name)
    tops = jump.temperature + np.array([-0.5, 0.5]) * jump.jump
    ax.annotate("", (at / nm, tops[0]), (at / nm, tops[1]), arrowprops={"arrowstyle": "<->", "color": "k", "lw": 1.2})
    ax.axvline(at / nm, color="0.6", lw=0.8, ls=":", zorder=0)
    return finish(ax, "x (nm)", "temperature (K)", title=f"jump {with_error(jump.jump, jump.sigma)} K", legend="beside")


def mode_temperatures(found: Occupation, *, interface: float | None = None, ax: Axes | None = None) -> Axes:
    """Draw the temperature of each mode against position, with errors; modes that part are out of equilibrium.

    A temperature with an error of more than half of it says nothing and is left out, as where the material hardly has
    the mode.
    """
    ax = new_axes(width=6.8, height=4.2) if ax is None else ax
    kelvin, sigma = found.temperature(), found.temperature_sigma()
    if sigma is not None:
        kelvin = np.where(sigma > kelvin / 2, np.nan, kelvin)
    names = found.modes or tuple(f"mode {j + 1}" for j in range(found.energy.size))
    pitch = np.diff(found.position).mean() / nm if found.position.size > 1 else 1.0
    for j, name in enumerate(names):
        aside = pitch * 0.18 * (j - (len(names) - 1) / 2)  # bars of several modes side by side
        ax.errorbar(
            found.position / nm + aside, kelvin[:, j], None if sigma is None else sigma[:, j],
            **point_style(j), ms=4, lw=0.8, capsize=1.5, label=f"{name}, {found.energy[j] / meV:.4g} meV",
        )  # fmt: skip
    if interface is not None:
        ax.axvline(interface / nm, color="0.6", lw=0.8, ls=":")
    return finish(ax, "x (nm)", "mode temperature (K)", legend="beside")


def interface_modes(found: InterfaceComponents, ax: Axes | None = None) -> Axes:
    """Draw what is left of an interface spectrum, with a band of two standard uncertainties."""
    ax = new_axes(width=6.8, height=4.0) if ax is None else ax
    gain, loss = found.energy < 0, found.energy > 0
    for side, colour, name in ((gain, LINE_COLOURS[1], "gain"), (loss, LINE_COLOURS[0], "loss")):
        x, y, s = found.energy[side] / meV, found.residual[side], found.sigma[side]
        ax.fill_between(x, y - 2 * s, y + 2 * s, color=colour, alpha=0.25, lw=0)
        ax.plot(x, y, color=colour, lw=1.4, label=name)
    ax.axhline(0, color="0.4", lw=0.8)
    for name, quantum in zip(found.modes, found.quantum / meV, strict=True):
        for sign in (-1, 1):
            ax.axvline(sign * quantum, color="0.6", lw=0.8, ls=":")
        ax.annotate(
            name, (quantum, 1.0), (0, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
            ha="center", va="bottom", fontsize="small",
        )  # fmt: skip
    return finish(ax, "energy loss (meV)", "interface minus bulk (electrons per channel)", legend="beside")


def eels_design(found: EelsDesign, figure: Figure) -> tuple[Axes, Axes]:
    """Draw a plan: error of T against the resolution (left axes), and the best time of each pixel (right)."""
    left, right = figure.subplots(1, 2)
    width = found.widths / meV
    left.plot(width, found.sigma_at_fixed_dose, **line_style(0), lw=1.9, label="same dose")
    left.plot(width, found.sigma_with_slit, **line_style(1), lw=1.9, label="current goes with the width")
    left.axvline(found.best_width / meV, color="0.6", lw=0.8, ls=":")
    left.plot(found.experiment.fwhm / meV, found.sigma("temperature")[0], "o", color="k", ms=5, label="plan")
    left.set(ylim=(0, None), xlim=(0, None))
    finish(left, "resolution (meV)", "uncertainty of T in one pixel (K)", legend="small", grid=True)
    x = found.experiment.position / nm
    right.axhline(found.experiment.dwell, color="0.5", lw=1.2, label="plan")
    names = {"jump": "jump", "kapitza_left": "Kapitza length, left", "kapitza_right": "Kapitza length, right"}
    for i, (name, dwell) in enumerate(found.dwell.items()):
        aside = x + 0.012 * np.ptp(x) * (i - (len(found.dwell) - 1) / 2)  # side by side where all want the same pixel
        low, colour = float(dwell[dwell > 0].min()), LINE_COLOURS[i]
        right.vlines(aside, low, np.maximum(dwell, low), color=colour, lw=2.2, label=f"best for the {names[name]}")
        right.plot(aside, np.maximum(dwell, low), POINT_MARKERS[i], color=colour, ms=3)
    right.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    right.set(yscale="log")
    return left, finish(right, "x (nm)", "time of one pixel (s)", grid=True)


def occupation_comparison(found: Mapping[str, OccupationComparison], figure: Figure) -> tuple[Axes, ...]:
    """Draw measured mode temperatures with errors, one panel for each mode, and what each other record says."""
    first = next(iter(found.values()))
    axes = np.atleast_1d(figure.subplots(len(first.modes), 1, sharex=True, squeeze=True))
    x = first.position / nm
    for j, ax in enumerate(axes):
        seen = np.isfinite(first.measured[:, j]) & (first.measured_sigma[:, j] < first.measured[:, j] / 2)
        ax.errorbar(
            x[seen], first.measured[seen, j], first.measured_sigma[seen, j], fmt="o", color="0.2", ms=3.5, lw=0.8,
            capsize=1.5, label="measured",
        )  # fmt: skip
        for i, (path, one) in enumerate(found.items()):
            if first.modes[j] not in one.modes:
                continue
            k = one.modes.index(first.modes[j])
            low, high = (one.expected[:, k] + side * one.expected_sigma[:, k] for side in (-1, 1))
            ax.plot(x, one.expected[:, k], **line_style(i), lw=1.6, label=f"{Path(path).stem}, {one.partners[k]}")
            ax.fill_between(x, low, high, color=LINE_COLOURS[i % len(LINE_COLOURS)], alpha=0.2, lw=0)
        title = f"{first.modes[j]}, {first.energy[j] / meV:.4g} meV"
        finish(ax, ylabel="temperature (K)", title=title, legend="small")
    axes[-1].set(xlabel="x (nm)")
    return tuple(axes)


def mode_classes(found: ModeClasses, *, peaks: Sequence[tuple[float, float]] = (), ax: Axes | None = None) -> Axes:
    """Draw the density of states on the interface, stacked by class, with peaks (energy, uncertainty; J) as bands."""
    ax = new_axes(width=6.8, height=4.0) if ax is None else ax
    top = float(found.omega.max())
    omega = np.linspace(0, 1.05 * top, _ENERGIES)
    density = found.interface_density(omega, _LINE_SHARE * top)
    states = density.T * (meV / hbar) * nm**2
    ax.stackplot(hbar * omega / meV, states, labels=MODE_CLASSES, colors=LINE_COLOURS[: len(states)], alpha=0.75)
    for energy, sigma in peaks:
        ax.axvspan((energy - sigma) / meV, (energy + sigma) / meV, color="0.3", alpha=0.25, lw=0)
        ax.axvline(energy / meV, color="0.2", lw=1.0, ls="--")
    ax.set(xlabel="energy (meV)", ylabel="states on the interface (nm⁻² meV⁻¹)", xlim=(0, None), ylim=(0, None))
    return finish(ax, legend="beside")
