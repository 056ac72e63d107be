"""Draw the figure of the page on curved boundaries: python docs/make_elements_figures.py."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import numpy as np

from kapitza import solve
from kapitza.device import Body, FixedTemperature
from kapitza.device.elements.mesh_generators import ball_mesh
from kapitza.plot.style import new_figure

IMAGES = Path(__file__).resolve().parent / "images"


def main() -> None:
    """Isotherms of a fibre in its cell, and the temperature along the line through its middle."""
    mesh = ball_mesh(1e-6, 1.5e-6, 24, dimension=2, part="whole", names=("fibre", "matrix"), order=1)
    figure = new_figure(height=3.4)
    figure.set_layout_engine("constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    for conductance, colour in ((1e6, "C0"), (np.inf, "C1")):
        faces = {"x-": FixedTemperature(301), "x+": FixedTemperature(300)}
        body = Body(mesh, {"fibre": 10.0, "matrix": 1.0}, {"fibre|matrix": conductance}, faces)
        found = solve(body)
        if np.isfinite(conductance):
            x, y = mesh.points[found.split.point].T * 1e6
            triangles = found.split.unknowns
            drawn = left.tripcolor(x, y, triangles, found.temperature - 300, shading="gouraud", cmap="inferno")
            left.tricontour(
                x, y, triangles, found.temperature - 300, np.linspace(0.05, 0.95, 19), colors="w", linewidths=0.6
            )
            figure.colorbar(drawn, ax=left)
        label = "1 MW/m²K" if np.isfinite(conductance) else "no resistance"
        for i, region in enumerate(("matrix", "fibre")):
            points, temperature = found.at(region)
            line = np.abs(points[:, 1]) < 1e-12
            for side in (-1, 1) if region == "matrix" else (0,):
                part = line & (points[:, 0] * side >= 0)
                order = np.argsort(points[part, 0])
                shown = label if i == 1 else None
                right.plot(points[part, 0][order] * 1e6, temperature[part][order] - 300, color=colour, label=shown)
    left.set(xlabel="x (µm)", ylabel="y (µm)", aspect="equal", title="T − 300 K (K)")
    right.set(xlabel="x (µm), y = 0", ylabel="T − 300 K (K)")
    right.legend()
    figure.savefig(IMAGES / "curved-boundaries.png", dpi=150)


if __name__ == "__main__":
    main()
