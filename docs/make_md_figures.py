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
RESISTANCE = "R (10$^{-9}$ m$^2$ K W$^{-1}$)"
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


LENGTHS = {"xscale": "log", "xlabel": "length of a side (nm)", "xlim": (3.5, 700)}
LENGTH_TICKS = [5, 10, 20, 50, 100, 500]


def sizes(ax: Axes, run: Table) -> None:
    """Jump of Si/Ge against the length of its sides, with the solutions that have no fitted number."""
    for name, label, look in (
        ("first", "Tersoff", {"fmt": "o", "color": LINE_COLOURS[0]}),
        ("repeat", "Tersoff, other seeds and lengths", {"fmt": "o", "color": LINE_COLOURS[0], "mfc": "w"}),
        ("longest", "Tersoff, from the profile at 40 nm", {"fmt": "D", "color": LINE_COLOURS[0], "mfc": "w"}),
        ("lammps", "Tersoff, LAMMPS", {"fmt": "s", "color": LINE_COLOURS[1]}),
        ("stillinger_weber", "Stillinger–Weber", {"fmt": "^", "color": LINE_COLOURS[2]}),
        ("stillinger_weber_wide", "Stillinger–Weber, 3.13 nm wide", {"fmt": "^", "color": LINE_COLOURS[2], "mfc": "w"}),
    ):
        points(ax, run[name], "resistance", "sigma", label=label, **look)
    solved(ax, run, "jump")
    ax.set(**LENGTHS, ylabel=RESISTANCE, title="jump between straight lines", ylim=(1.0, 4.6))
    ax.set_xticks(LENGTH_TICKS, [str(one) for one in LENGTH_TICKS])
    ax.legend(frameon=False, fontsize="small", loc="upper right")


def points(ax: Axes, held: Table, value: str, sigma: str, **look: Any) -> None:
    """Runs against the length of a side; of several of one length their mean, weighted by their errors."""
    length, values, weight = np.array(held["length_nm"]), np.array(held[value]), np.array(held[sigma]) ** -2.0
    shown = np.unique(length)
    total = np.array([weight[length == one].sum() for one in shown])
    mean = np.array([(weight * values)[length == one].sum() for one in shown]) / total
    ax.errorbar(shown, mean, total**-0.5, ms=4.5, lw=1, **look)


def solved(ax: Axes, run: Table, drop: str) -> None:
    """Green's functions with the Boltzmann equation, between thermostats of the simulation."""
    held = run["model"]
    length = np.array(held["layer_nm"]) + run["thermostat_nm"]
    ax.fill_between(length, held[f"{drop}_low"], held[f"{drop}_high"], color="0.85", lw=0)
    ax.plot(length, held[drop], color="0.6", lw=1.2, label="solved, conductivities of others")
    for name, label, colour in (
        ("model", "Tersoff", LINE_COLOURS[0]),
        ("model_stillinger_weber", "Stillinger–Weber", LINE_COLOURS[2]),
    ):
        ax.plot(length, run[name][f"{drop}_own"], color=colour, lw=1, ls="--", label=f"{label}, simulated lifetimes")
        ax.plot(length, run[name][f"{drop}_section"], color=colour, lw=1.4, label="the same, 1.56 nm wide")


def whole(ax: Axes, run: Table) -> None:
    """Resistance of Si/Ge between the temperatures of its thermostats, with the solids that lie there."""
    for name, label, look in (
        ("repeat", "Tersoff", {"fmt": "o", "color": LINE_COLOURS[0], "mfc": "w"}),
        ("longest", "Tersoff, from the profile at 40 nm", {"fmt": "D", "color": LINE_COLOURS[0], "mfc": "w"}),
        ("stillinger_weber", "Stillinger–Weber", {"fmt": "^", "color": LINE_COLOURS[2]}),
    ):
        points(ax, run[name], "whole", "whole_sigma", label=label, **look)
    solved(ax, run, "whole")
    ax.axhline(1000 / run["agf_emitted"], color="0.5", lw=1, ls=":", label="Green's functions, emitted: no solids")
    ax.set(**LENGTHS, ylabel=RESISTANCE, title="between thermostats, with the solids", ylim=(2.0, 13.0))
    ax.set_xticks(LENGTH_TICKS, [str(one) for one in LENGTH_TICKS])
    ax.legend(frameon=False, fontsize="small", loc="upper left")


def closed_slabs(ax: Axes, run: Table) -> None:
    """Si/Ge from two blocks that approach one temperature, against the inverse length, with a line through it.

    The published value is the one that was found by such a line.
    """
    held = run["relaxation"]
    x = 1 / np.array(held["half_length_nm"])
    colour = LINE_COLOURS[3]
    ax.errorbar(x, held["resistance"], held["sigma"], fmt="D", color=colour, ms=5, label="Tersoff")
    fine = np.array([0, 1.05 * x.max()])
    line, slope = held["line"]
    ax.plot(fine, line + slope * fine, color=colour, lw=1)
    ax.errorbar(
        [0], [line], [held["line_sigma"]], fmt="D", mfc="w", color=colour, clip_on=False, label="line at 1/L = 0"
    )
    inverse = 1 / np.array(run["model"]["slab_nm"])
    ax.fill_between(inverse, run["model"]["slabs_low"], run["model"]["slabs_high"], color="0.85", lw=0)
    ax.plot(inverse, run["model"]["slabs"], color="0.3", lw=1.2, label="solved, Tersoff")
    ax.plot(
        [0], [1000 / run["published"]], "*", color="k", ms=10, clip_on=False, label="published: Hahn et al., 1/L = 0"
    )
    ax.set(xlabel="1 / length from boundary to far end (nm$^{-1}$)", ylabel=RESISTANCE)
    ax.set(xlim=(-0.004, 0.22), ylim=(0, 17), title="between the means of two blocks")
    ax.set_xticks([0, 0.05, 0.1, 0.15, 0.2])
    ax.legend(frameon=False, fontsize="small", loc="upper left")


def main() -> None:
    """Draw all."""
    held = tomllib.loads((DOCS / "md-results.toml").read_text(encoding="utf-8"))
    figure = new_figure(width=10, height=3.9)
    axes = figure.subplots(1, 3)
    profile(axes[0], held["argon"])
    spectrum(axes[1], held["argon"])
    springs(axes[2], held["springs"])
    figure.savefig(DOCS / "images" / "md-results.png", dpi=110)
    figure = new_figure(width=14, height=4.6)
    axes = figure.subplots(1, 3)
    sizes(axes[0], held["silicon_germanium"])
    whole(axes[1], held["silicon_germanium"])
    closed_slabs(axes[2], held["silicon_germanium"])
    figure.savefig(DOCS / "images" / "si-ge.png", dpi=110)


if __name__ == "__main__":
    main()
