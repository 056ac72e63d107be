"""Draw the figures of fields in devices: python docs/make_field_figures.py."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from kapitza.device import solve_body, solve_on_grid
from kapitza.device.elements.views import body_section
from kapitza.device.grid.views import grid_jumps, grid_section
from kapitza.io import read_body, read_layout
from kapitza.plot import device as device_plots
from kapitza.plot import style as style_plots

DOCS = Path(__file__).resolve().parent
CELLS = 60_000


def main() -> None:
    """A FinFET by finite volumes, and a wire by finite elements."""
    layout = read_layout(DOCS / "samples" / "finfet.toml")
    fields = solve_on_grid(layout, CELLS)
    figure = style_plots.new_figure(width=9.5, height=5.6)
    device_plots.field_figure(grid_section(layout, fields), grid_jumps(layout, fields), layout.device.title, figure)
    figure.savefig(DOCS / "images" / "device-finfet.png", dpi=110)
    held = read_body(DOCS / "samples" / "wire.toml")
    found = solve_body(held.body)
    figure = style_plots.new_figure(width=9.5, height=5.0)
    device_plots.field_figure(body_section(found, held.sink), found.jumps, held.title, figure)
    figure.savefig(DOCS / "images" / "device-wire.png", dpi=110)


if __name__ == "__main__":
    main()
