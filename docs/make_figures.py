"""Draw the figures of the documentation and the README: python docs/make_figures.py."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np

from kapitza import amm, dmm, plot, predict, solid
from kapitza.plot.style import new_figure
from kapitza.theory import angle_map, elastic_limit

IMAGES = Path(__file__).resolve().parent / "images"


def main() -> None:
    """Draw all figures."""
    IMAGES.mkdir(exist_ok=True)
    al, si = solid("Al"), solid("Si")

    ax = new_figure().subplots()
    plot.conductance(predict("Al", "Si", np.arange(50.0, 601.0, 10.0)), ax=ax)
    ax.figure.savefig(IMAGES / "al_si.png", dpi=150, bbox_inches="tight")

    ax = new_figure().subplots()
    plot.transmission(dmm(al, si), amm(al, si), elastic_limit(al, si), ax=ax)
    ax.figure.savefig(IMAGES / "transmission.png", dpi=150, bbox_inches="tight")

    ax = new_figure().subplots()
    plot.accumulation(dmm(al, si), [30, 100, 300], ax=ax)
    ax.figure.savefig(IMAGES / "accumulation.png", dpi=150, bbox_inches="tight")

    ax = new_figure().subplots()
    plot.transmission_by_angle(angle_map(al, si), ax=ax)
    ax.figure.savefig(IMAGES / "angles.png", dpi=150, bbox_inches="tight")


if __name__ == "__main__":
    main()
