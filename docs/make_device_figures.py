"""Draw the figures of the pages on devices: python docs/make_device_figures.py."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np

from kapitza import plot, solve
from kapitza.device import Plane
from kapitza.device.layered.network import foster_network
from kapitza.device.layered.temperatures import plane_map, section_map
from kapitza.io import read_device
from kapitza.plot import device as device_plots
from kapitza.plot.style import new_figure

DOCS = Path(__file__).resolve().parent
IMAGES = DOCS / "images"


def main() -> None:
    """Draw all figures."""
    device = read_device(DOCS / "samples" / "chip-gan-sic.toml")
    found = solve(device)
    figure = new_figure(height=5.6)
    device_plots.device_figure(found, device, section_map(device), plane_map(device, Plane("GaN"), (512, 512)), figure)
    figure.savefig(IMAGES / "device-chip.png", dpi=150)

    ax = new_figure().subplots()
    network = foster_network(device, 6, first=1e-8, last=1e-2)
    plot.device.device_response(found.respond(np.geomspace(1e-8, 1e-2, 121), "step"), network, device.power, ax=ax)
    ax.figure.savefig(IMAGES / "device-step.png", dpi=150)

    ax = new_figure().subplots()
    resistance = np.geomspace(1, 100, 25) * 1e-9
    rises = {}
    for name, boundary in (("chip-gan-sic", "GaN|SiC"), ("chip-gan-diamond", "GaN|diamond")):
        one = read_device(DOCS / "samples" / f"{name}.toml")
        rises[one.title.removesuffix(", a quarter of it")] = [
            solve(one.replace({f"{boundary}.conductance": 1 / r}), sensitivity=False).peak for r in resistance
        ]
    device_plots.device_sweep(resistance, rises, "resistance of the boundary below GaN (m²K/GW)", factor=1e-9, ax=ax)
    for value, label in ((3.5, "carbide"), (8.3, "bonded, 2.5 nm SiOₓ"), (12, "thin SiN"), (34, "bonded, 5.3 nm SiOₓ")):
        ax.axvline(value, color="0.75", lw=0.8, zorder=0)
        place = (1.02 * value, 0.98)
        ax.annotate(label, place, xycoords=("data", "axes fraction"), rotation=90, fontsize="x-small", va="top")
    ax.figure.savefig(IMAGES / "device-diamond.png", dpi=150)


if __name__ == "__main__":
    main()
