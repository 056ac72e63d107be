"""Figures of straight lines through data: thickness series and temperature profiles with their jump."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kapitza.plot.style import COLOURS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kapitza.core.profile import Jump, Profile
    from kapitza.measure.series import Line, ThicknessSeries


def series(data: ThicknessSeries, line: Line, ax: Axes | None = None) -> Axes:
    """Draw resistances against thickness with the line and its 95 % band."""
    ax = new_axes() if ax is None else ax
    x = np.linspace(0, 1.05 * data.thickness.max(), 200)
    slope = 1 / line.conductivity
    to_slope = np.diag([1.0, -(slope**2)])
    covariance = to_slope @ line.covariance @ to_slope
    design = np.stack([np.ones_like(x), x])
    band = 1.96 * np.sqrt(np.einsum("in,ij,jn->n", design, covariance, design))
    centre = line.resistance + slope * x
    ax.fill_between(x * 1e9, (centre - band) * 1e9, (centre + band) * 1e9, color=COLOURS[0], alpha=0.2, lw=0)
    ax.plot(x * 1e9, centre * 1e9, color=COLOURS[0], label=f"k = {line.conductivity:.3g} W m⁻¹ K⁻¹")
    ax.errorbar(
        data.thickness * 1e9,
        data.resistance * 1e9,
        None if data.resistance_sigma is None else data.resistance_sigma * 1e9,
        None if data.thickness_sigma is None else data.thickness_sigma * 1e9,
        fmt="o", color="k", ms=4, capsize=2,
    )  # fmt: skip
    ax.axhline(0, color="0.5", lw=0.8)
    ax.set(xlabel="thickness (nm)", ylabel="resistance (m² K GW⁻¹)", xlim=(0, None))
    ax.legend(frameon=False)
    ax.grid(alpha=0.3)
    return ax


def jump(data: Profile, found: Jump, skip: float, ax: Axes | None = None) -> Axes:
    """Draw a profile with both branches extrapolated to the plane; points left out are hollow."""
    ax = new_axes() if ax is None else ax
    x = (data.position - found.at) * 1e9
    used = np.abs(data.position - found.at) >= skip
    for mask, face in ((used, "k"), (~used, "none")):
        error = None if data.sigma is None else data.sigma[mask]
        ax.errorbar(x[mask], data.temperature[mask], error, fmt="o", color="k", mfc=face, ms=4, lw=0.8, zorder=1)
    branches = (
        (-1, found.gradient_left, float(x.min()), 0.0),
        (1, found.gradient_right, 0.0, float(x.max())),
    )
    for side, gradient, start, stop in branches:
        ends = np.array([start, stop])
        height = found.temperature - side * found.jump / 2
        ax.plot(ends, height + gradient * ends * 1e-9, color=COLOURS[0 if side < 0 else 1], lw=1.6, zorder=2)
    ax.axvline(0, color="0.5", lw=0.8, ls=":")
    ax.set(
        xlabel="distance from the interface (nm)",
        ylabel="temperature (K)",
        title=f"jump {found.jump:.3g} ± {found.sigma:.2g} K",
    )
    ax.grid(alpha=0.3)
    return ax
