"""Draw the figures of fields in devices: python docs/make_field_figures.py."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from kapitza import (
    body_section,
    body_temperatures,
    field_jumps,
    field_section,
    plot,
    read_body,
    read_layout,
    solve_fields,
)

DOCS = Path(__file__).resolve().parent
CELLS = 60_000


def main() -> None:
    """A FinFET by finite volumes, and a wire by finite elements."""
    layout = read_layout(DOCS / "samples" / "finfet.toml")
    fields = solve_fields(layout, CELLS)
    figure = plot.new_figure(width=9.5, height=5.6)
    plot.field_figure(field_section(layout, fields), field_jumps(layout, fields), layout.device.title, figure)
    figure.savefig(DOCS / "images" / "device-finfet.png", dpi=110)
    held = read_body(DOCS / "samples" / "wire.toml")
    found = body_temperatures(held.body)
    figure = plot.new_figure(width=9.5, height=5.0)
    plot.field_figure(body_section(found, held.sink), found.jumps, held.title, figure)
    figure.savefig(DOCS / "images" / "device-wire.png", dpi=110)


if __name__ == "__main__":
    main()
