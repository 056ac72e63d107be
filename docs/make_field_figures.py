"""Draw the figures of fields in devices: python docs/make_field_figures.py."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from kapitza import solve
from kapitza.io import read_body, read_layout
from kapitza.plot import device as device_plots
from kapitza.plot import style as style_plots

DOCS = Path(__file__).resolve().parent
CELLS = 60_000


def main() -> None:
    """A FinFET by finite volumes, and a wire by finite elements."""
    layout = read_layout(DOCS / "samples" / "finfet.toml")
    fields = solve(layout, method="volumes", cells=CELLS)
    figure = style_plots.new_figure(width=9.5, height=5.6)
    device_plots.field_figure(fields.section(), fields.jumps, layout.device.title, figure)
    figure.savefig(DOCS / "images" / "device-finfet.png", dpi=110)
    held = read_body(DOCS / "samples" / "wire.toml")
    found = solve(held.body)
    figure = style_plots.new_figure(width=9.5, height=5.0)
    device_plots.field_figure(found.section(sink=held.sink), found.jumps, held.title, figure)
    figure.savefig(DOCS / "images" / "device-wire.png", dpi=110)


if __name__ == "__main__":
    main()
