"""Draw the figures of the pages on applications: python docs/make_application_figures.py."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np

from kapitza.applications import operating_points
from kapitza.applications.superlattice import miniband_conductivity
from kapitza.applications.thermoelectric import best_leg_state
from kapitza.io.applications import read_cryogenic, read_leg
from kapitza.plot import applications as applications_plots
from kapitza.plot.style import LINE_COLOURS, LINE_DASHES, new_figure

DOCS = Path(__file__).resolve().parent


def main() -> None:
    """Draw all of them."""
    ax = new_figure(width=6.4, height=3.8).subplots()
    layers = np.array([1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24])
    for i, path in enumerate((5.0, 10.0, 20.0, 40.0)):
        found = miniband_conductivity(2.6, path, layers)
        ax.plot(
            layers, found.value, marker="o", ms=4, color=LINE_COLOURS[i], ls=LINE_DASHES[i], label=f"{path:g} layers"
        )
    ax.set(xlabel="atomic layers of each material in a period", ylabel="conductivity over that of the mean crystal")
    ax.set(ylim=(0, 0.25), xlim=(0, None))
    ax.legend(frameon=False, title="mean free path", ncols=2)
    ax.grid(alpha=0.3)
    ax.figure.savefig(DOCS / "images" / "superlattice-waves.png", dpi=150)

    ax = new_figure(width=7.6, height=3.8).subplots()
    held = read_cryogenic(DOCS / "samples" / "cryo-chip.toml")
    states = operating_points(held.bath, held.device, held.current, load=held.load)
    applications_plots.cryogenic_chip(held.bath, states, held.device, held.current, load=held.load, ax=ax)
    ax.figure.savefig(DOCS / "images" / "cryo-chip.png", dpi=150)

    ax = new_figure(width=6.4, height=3.8).subplots()
    file = read_leg(DOCS / "samples" / "leg.toml")
    best = [best_leg_state(file.leg, file.hot, file.cold, goal, properties="local") for goal in ("power", "efficiency")]
    applications_plots.thermoelectric_leg(file.leg, best, cooling=False, ax=ax)
    ax.figure.savefig(DOCS / "images" / "leg.png", dpi=150)


if __name__ == "__main__":
    main()
