"""Draw the figure of Monte Carlo: python docs/make_monte_carlo_figure.py."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import kapitza as kz

HERE = Path(__file__).resolve().parent


def main():
    held = kz.read_domain(HERE / "samples" / "hot-spot-monte-carlo.toml")
    found = kz.monte_carlo(held.domain, spacing=held.spacing, flights=held.flights)
    figure = kz.plot.new_figure(width=7.6, height=7.6)
    kz.plot.transport_map_figure(found, kz.fourier_temperature(held.domain, held.spacing), figure)
    figure.savefig(HERE / "images" / "monte-carlo-hot-spot.png", dpi=110)


if __name__ == "__main__":
    main()
