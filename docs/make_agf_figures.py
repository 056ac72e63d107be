"""Draw the figures of the pages on atomistic Green's functions: python docs/make_agf_figures.py."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np

import kapitza
from kapitza.plot import spectra as spectra_plots
from kapitza.plot import vibrations as vibrations_plots
from kapitza.plot.style import new_figure

IMAGES = Path(__file__).resolve().parent / "images"


def main() -> None:
    """Draw all figures."""
    junction = kapitza.junction("Si", "Ge", "tersoff", layers=5)

    ax = new_figure().subplots()
    spectrum = kapitza.agf(junction, np.linspace(0.05, 16.5, 330) * kapitza.units.THz, k_mesh=(24, 24))
    kapitza.plot.transmission(spectrum, ax=ax)
    ax.figure.savefig(IMAGES / "agf-transmission.png", dpi=120, bbox_inches="tight")

    figure = new_figure(width=10, height=7.6)
    sizes = {"k_mesh": (16, 16)}
    spectra_plots.modes_figure(
        kapitza.lattice.agf_modes(junction, **sizes), kapitza.lattice.mode_conversion(junction, **sizes), figure
    )
    figure.savefig(IMAGES / "agf-modes.png", dpi=110)

    figure = new_figure(width=10, height=7.6)
    vibrations_plots.vibrations_figure(
        kapitza.lattice.local_density(junction, k_mesh=(12, 12)),
        kapitza.lattice.interface_modes(junction, k_mesh=(12, 12)),
        kapitza.lattice.local_current(junction, k_mesh=(12, 12)),
        figure,
    )
    figure.savefig(IMAGES / "agf-local.png", dpi=110)


if __name__ == "__main__":
    main()
