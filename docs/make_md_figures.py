"""Draw the figure of theory/md-results.md from the numbers of docs/md-results.toml: python docs/make_md_figures.py.

The file says which command gave each list; runs take minutes to hours and are not made here.
"""

import tomllib
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib.axes import Axes

from kapitza.plot.style import LINE_COLOURS, new_figure

DOCS = Path(__file__).resolve().parent
Table = dict[str, Any]


def profile(ax: Axes, run: Table) -> None:
    """Temperatures of the planes of argon, and the two straight lines that meet the plane."""
    height, temperature = np.array(run["height"]), np.array(run["temperature"])
    ax.plot(height, temperature, "o", color=LINE_COLOURS[0], ms=4)
    for sign in (-1, 1):
        inner = (sign * height > 3.3) & (sign * height < 9.2)
        line = np.polyfit(height[inner], temperature[inner], 1)
        ends = sign * np.array([0, 12.5])
        ax.plot(ends, np.polyval(line, ends), color="0.4", lw=1)
    ax.axvline(0, color="0.7", lw=0.8)
    ax.set(xlabel="height (σ)", ylabel="temperature (ε/k$_B$)", title="argon, heavy argon")


def spectrum(ax: Axes, run: Table) -> None:
    """Who carries the heat through the plane of argon."""
    f, q, s = (np.array(run[name]) for name in ("frequency", "share_density", "share_density_sigma"))
    ax.fill_between(f, q - s, q + s, step="mid", color=LINE_COLOURS[0], alpha=0.3, lw=0)
    ax.step(f, q, where="mid", color=LINE_COLOURS[0], lw=1.2)
    ax.axvline(run["heavy_cutoff"], color=LINE_COLOURS[1], lw=1)
    share, sigma = run["above_heavy_cutoff"]
    ax.text(run["heavy_cutoff"] + 0.06, 0.75, f"heavy side ends;\n{share:.1%} ± {sigma:.1%} above", fontsize="small")
    ax.set(xlabel="frequency (1/τ)", ylabel="share of the heat (τ)", title="spectrum of the heat", ylim=(0, None))


def springs(ax: Axes, run: Table) -> None:
    """Simulated modes of a cubic crystal of springs over those of Green's functions."""
    ax.plot(run["elastic_frequency"], run["elastic_modes"], color="0.4", lw=1.2, label="Green's functions")
    ax.errorbar(
        run["frequency"], run["modes"], run["modes_sigma"], fmt="o", color=LINE_COLOURS[2], ms=3.5, label="simulated"
    )
    ax.set(xlabel="frequency (root of k/m)", ylabel="modes that cross 3 × 3 cells", title="springs, mass ratio 3")
    ax.legend(frameon=False, fontsize="small")


def sizes(ax: Axes, run: Table) -> None:
    """Resistance of Si/Ge against the length of its sides, beside theory."""
    length, resistance = np.array(run["length_nm"]), np.array(run["resistance"])
    ax.errorbar(1 / length, resistance, run["sigma"], fmt="o", color=LINE_COLOURS[0], label="built-in engine")
    other = np.array(run["lammps_length_nm"])
    ax.errorbar(
        1 / other, run["lammps_resistance"], run["lammps_sigma"], fmt="s", color=LINE_COLOURS[1], label="LAMMPS"
    )
    x = np.array([0, 0.25])
    ax.plot(x, run["infinite"] + run["slope"] * x, color=LINE_COLOURS[0], lw=0.8)
    ax.errorbar([0], [run["infinite"]], [run["infinite_sigma"]], fmt="o", mfc="w", color=LINE_COLOURS[0], clip_on=False)
    for name, label, style in (
        ("agf_extrapolated", "AGF, extrapolated (gray, ± 50 %)", "-"),
        ("dmm", "DMM, emitted", ":"),
        ("agf_emitted", "AGF, emitted", "--"),
        ("published", "relaxation, published", "-."),
    ):
        ax.axhline(1000 / run[name], color="0.5", lw=1, ls=style, label=label)
    ax.set(xlabel="1 / length of a side (nm$^{-1}$)", ylabel="R (10$^{-9}$ m$^2$ K W$^{-1}$)", title="Si on Ge, 300 K")
    ax.set(xlim=(-0.005, 0.25), ylim=(1.0, 4.6))
    ax.legend(frameon=False, fontsize="x-small", ncols=2, loc="upper left")


def main() -> None:
    """Draw all four."""
    held = tomllib.loads((DOCS / "md-results.toml").read_text(encoding="utf-8"))
    figure = new_figure(width=10, height=7.6)
    axes = figure.subplots(2, 2).ravel()
    profile(axes[0], held["argon"])
    spectrum(axes[1], held["argon"])
    springs(axes[2], held["springs"])
    sizes(axes[3], held["silicon_germanium"])
    figure.savefig(DOCS / "images" / "md-results.png", dpi=110)


if __name__ == "__main__":
    main()
