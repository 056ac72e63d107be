"""Draw the figure of Monte Carlo: python docs/make_monte_carlo_figure.py."""

from pathlib import Path

import matplotlib as mpl

from kapitza.plot import style as style_plots
from kapitza.plot import transport as transport_plots
from kapitza.simulate.boltzmann.monte_carlo.fourier import fourier_temperature

mpl.use("Agg")

import kapitza as kz

HERE = Path(__file__).resolve().parent


def main():
    held = kz.io.read_domain(HERE / "samples" / "hot-spot-monte-carlo.toml")
    found = kz.boltzmann.monte_carlo(held.domain, spacing=held.spacing, settings=held.settings)
    figure = style_plots.new_figure(width=7.6, height=7.6)
    transport_plots.transport_map_figure(found, fourier_temperature(held.domain, held.spacing), figure)
    figure.savefig(HERE / "images" / "monte-carlo-hot-spot.png", dpi=110)


if __name__ == "__main__":
    main()
