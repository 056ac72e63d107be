"""Draw the figures of theory/md-results.md from the numbers of docs/md-results.toml: python docs/make_md_figures.py.

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
    ax.text(run["heavy_cutoff"] + 0.06, 0.75, f"heavy side ends;\n{share:.1%} ± {sigma:.1%}\nabove", fontsize="small")
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
    """Jump of Si/Ge against the length of its sides, with the solution that has no fitted number."""
    for name, label, look in (
        ("first", "built-in engine", {"fmt": "o", "color": LINE_COLOURS[0]}),
        ("repeat", "other seeds and lengths", {"fmt": "o", "color": LINE_COLOURS[0], "mfc": "w"}),
        ("lammps", "LAMMPS", {"fmt": "s", "color": LINE_COLOURS[1]}),
        ("stillinger_weber", "Stillinger–Weber", {"fmt": "^", "color": LINE_COLOURS[2]}),
    ):
        held = run[name]
        ax.errorbar(held["length_nm"], held["resistance"], held["sigma"], label=label, ms=4.5, lw=1, **look)
    held = run["repeat"]
    between, spread = held["between_thermostats"], held["between_thermostats_sigma"]
    ax.errorbar(
        held["length_nm"], between, spread, fmt="v", color="0.3", mfc="w", ms=4.5, lw=1, label="between thermostats"
    )
    length = np.array(run["model"]["layer_nm"]) + run["thermostat_nm"]
    ax.fill_between(length, run["model"]["jump_low"], run["model"]["jump_high"], color="0.85", lw=0)
    ax.plot(length, run["model"]["jump"], color="0.3", lw=1.2, label="Green's functions and Boltzmann")
    ax.plot(length, run["model"]["between_walls"], color="0.3", lw=1, ls="--", label="the same, between walls")
    ax.axhline(1000 / run["agf_emitted"], color="0.5", lw=1, ls=":", label="Green's functions, emitted")
    ax.set(
        xscale="log", xlabel="length of a side (nm)", ylabel="R (10$^{-9}$ m$^2$ K W$^{-1}$)", title="Si on Ge, 300 K"
    )
    ax.set(xlim=(3.5, 700), ylim=(1.0, 5.5))
    ax.set_xticks([5, 20, 100, 500], ["5", "20", "100", "500"])
    ax.legend(frameon=False, fontsize="x-small", loc="upper left")


def closed_slabs(ax: Axes, run: Table) -> None:
    """Si/Ge from two blocks that approach one temperature, against the inverse length, with a line through it."""
    held = run["relaxation"]
    x = 1 / np.array(held["half_length_nm"])
    colour = LINE_COLOURS[3]
    ax.errorbar(x, held["resistance"], held["sigma"], fmt="D", color=colour, ms=5, label="two blocks, simulated")
    fine = np.array([0, 1.05 * x.max()])
    line, slope = held["line"]
    ax.plot(fine, line + slope * fine, color=colour, lw=1)
    ax.errorbar([0], [line], [held["line_sigma"]], fmt="D", mfc="w", color=colour, clip_on=False)
    inverse = 1 / np.array(run["model"]["slab_nm"])
    ax.fill_between(inverse, run["model"]["slabs_low"], run["model"]["slabs_high"], color="0.85", lw=0)
    ax.plot(inverse, run["model"]["slabs"], color="0.3", lw=1.2, label="Green's functions and Boltzmann")
    ax.plot([0], [1000 / run["published"]], "*", color="k", ms=10, clip_on=False, label="published, infinite length")
    jump = np.array(run["limit"])
    ax.errorbar([0], [jump[0]], [jump[1]], fmt="o", color=LINE_COLOURS[0], clip_on=False, label="jump, infinite length")
    ax.set(xlabel="1 / length from boundary to far end (nm$^{-1}$)", ylabel="R (10$^{-9}$ m$^2$ K W$^{-1}$)")
    ax.set(xlim=(-0.004, 0.22), ylim=(0, 17), title="Si on Ge, blocks that approach one temperature")
    ax.legend(frameon=False, fontsize="x-small", loc="upper left")


def main() -> None:
    """Draw all."""
    held = tomllib.loads((DOCS / "md-results.toml").read_text(encoding="utf-8"))
    figure = new_figure(width=10, height=3.9)
    axes = figure.subplots(1, 3)
    profile(axes[0], held["argon"])
    spectrum(axes[1], held["argon"])
    springs(axes[2], held["springs"])
    figure.savefig(DOCS / "images" / "md-results.png", dpi=110)
    figure = new_figure(width=10, height=4.4)
    axes = figure.subplots(1, 2)
    sizes(axes[0], held["silicon_germanium"])
    closed_slabs(axes[1], held["silicon_germanium"])
    figure.savefig(DOCS / "images" / "si-ge.png", dpi=110)


if __name__ == "__main__":
    main()
