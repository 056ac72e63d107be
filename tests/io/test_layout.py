"""Devices drawn in layouts: against the same boxes written by hand, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from kapitza.cli import main
from kapitza.device.grid.temperatures import solve_on_grid
from kapitza.errors import DataError, InputError
from kapitza.io.device.blocks import read_layout
from kapitza.io.device.gds import cut_into_rectangles
from kapitza.io.device.layers import read_device

gdstk = pytest.importorskip("gdstk", reason="layouts are read by gdstk")

STACK = """
title = "drawn"
gds = "chip.gds"
gds_origin = ["-1 um", "0 um"]
[box]
width = "12 um"
depth = "10 um"
[[layers]]
name = "oxide"
thickness = "1 um"
conductivity = 1.4
[[layers]]
name = "Si"
thickness = "20 um"
conductivity = 148
[boundaries]
"oxide|Si" = "200 MW/m2K"
"metal|oxide" = "100 MW/m2K"
"""
DRAWN = """
[[gds_layers]]
layer = 1
name = "metal"
conductivity = 200
top = "0.2 um"
bottom = "0.5 um"
power = "2 mW"
[[gds_sources]]
layer = 2
datatype = 1
name = "heater"
power = "3 mW"
on = "Si"
"""
WRITTEN = """
[[blocks]]
name = "metal#1"
conductivity = 200
x = ["2 um", "4 um"]
y = ["1 um", "3 um"]
z = ["0.2 um", "0.5 um"]
power = "0.8 mW"
[[blocks]]
name = "metal#2"
conductivity = 200
x = ["2 um", "8 um"]
y = ["3 um", "4 um"]
z = ["0.2 um", "0.5 um"]
power = "1.2 mW"
[[sources]]
name = "heater"
power = "3 mW"
x = ["5 um", "6 um"]
y = ["6 um", "8 um"]
layer = "Si"
"""


def layout_file(folder: Path, unit: float = 1e-6) -> Path:
    """An L of metal from a cell that stands in another one, and a heater; unit of length in m."""
    library = gdstk.Library(unit=unit, precision=unit / 1000)
    wire = library.new_cell("WIRE")
    wire.add(gdstk.Polygon([(0, 0), (2, 0), (2, 2), (6, 2), (6, 3), (0, 3)], layer=1))
    top = library.new_cell("TOP")
    top.add(gdstk.Reference(wire, origin=(1, 1)), gdstk.rectangle((4, 6), (5, 8), layer=2, datatype=1))
    top.add(gdstk.Polygon([(0, 0), (1, 0), (0, 1)], layer=7))
    library.write_gds(folder / "chip.gds")
    return folder / "chip.gds"


def written(folder: Path, text: str) -> Path:
    """A device file with the layout beside it."""
    layout_file(folder)
    path = folder / "chip.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_drawn_device_is_that_of_the_same_boxes(tmp_path):
    drawn = read_layout(written(tmp_path, STACK + DRAWN))
    text = STACK.replace('gds = "chip.gds"\ngds_origin = ["-1 um", "0 um"]', "")
    text = text.replace('"metal|oxide" = "100 MW/m2K"', "\n".join(f'"metal#{i}|oxide" = "100 MW/m2K"' for i in (1, 2)))
    text = text.replace("[boundaries]", '[boundaries]\n"metal#1|metal#2" = "perfect"')
    plain = read_layout(written(tmp_path, text + WRITTEN))
    np.testing.assert_allclose(drawn.power, 5e-3, rtol=1e-12, atol=0)
    for name in ("oxide|metal#1", "oxide|metal#2", "metal#1|metal#2"):
        assert drawn.value(f"{name}.conductance") == plain.value(f"{name}.conductance")
    one, other = (solve_on_grid(layout, 4000).temperatures.peak for layout in (drawn, plain))
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=0)


def test_overlapping_polygons_and_holes_become_rectangles_of_the_same_area():
    keyhole = np.array([(0, 0), (10, 0), (10, 10), (0, 10), (0, 3), (3, 3), (3, 7), (7, 7), (7, 3), (0, 3)])
    bar = np.array([(2, 8), (14, 8), (14, 9), (2, 9)])
    found = cut_into_rectangles([keyhole, bar])
    assert found is not None
    line = np.array([[0, 0], [5, 0], [9, 0]])
    assert cut_into_rectangles([line]) == cut_into_rectangles([line[:0]]) == [], "a polygon without area or corners"
    assert sum((x1 - x0) * (y1 - y0) for x0, x1, y0, y1 in found) == 100 - 16 + 4
    for i, (a0, a1, b0, b1) in enumerate(found):
        for x0, x1, y0, y1 in found[i + 1 :]:
            assert min(a1, x1) <= max(a0, x0) or min(b1, y1) <= max(b0, y0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("layer = 1\n", "layer = 3\n"), r"no layer 3/0 in cell 'TOP': there are 1/0, 2/1, 7/0"),
        (("layer = 1\n", "layer = 7\n"), "inclined edge"),
        (('gds = "chip.gds"', 'gds = "chip.gds"\ngds_cell = "NONE"'), "no cell 'NONE': there are"),
        (("layer = 1\n", "layer = -1\n"), "whole number"),
        (('bottom = "0.5 um"', 'bottom = "0.1 um"'), "depth of its upper face"),
        (("gds_origin", "gds_orign"), "did you mean 'gds_origin'"),
        (('["-1 um", "0 um"]', '["3 um", "0 um"]'), "outside of 0 to"),
        (('"metal|oxide" = "100 MW/m2K"', ""), "'oxide' and 'metal' touch"),
        (('"metal|oxide" = "100 MW/m2K"', '"metal|oxide" = "100 MW/m2K ± 9 %"'), "several boxes"),
        (('power = "3 mW"', ""), "expected power"),
        (('on = "Si"', 'on = "Ge"'), "Ge"),
    ],
)
def test_what_a_layout_cannot_say_is_one_line(tmp_path, capsys, change, said):
    path = written(tmp_path, (STACK + DRAWN).replace(*change))
    with pytest.raises(DataError, match=said):
        read_layout(path)
    assert main(["device", str(path)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_shapes_that_vanish_beside_their_origin_share_no_power(tmp_path):
    path = written(tmp_path, STACK + DRAWN)
    layout_file(tmp_path, unit=1e-30)
    with pytest.raises(DataError, match=r"gds_layers.1: the shapes have an area of 0 m²: check the unit"):
        read_layout(path)


def test_layers_need_a_layout_and_a_layout_needs_layers(tmp_path):
    with pytest.raises(DataError, match="needs a layout"):
        read_layout(written(tmp_path, (STACK + DRAWN).replace('gds = "chip.gds"', "").replace("gds_origin", "#")))
    with pytest.raises(DataError, match="neither"):
        read_layout(written(tmp_path, STACK))
    with pytest.raises(DataError, match="names a layout"):
        read_device(written(tmp_path, STACK + DRAWN))


def test_cells_in_themselves_and_endless_repetitions_are_refused(tmp_path):
    path = written(tmp_path, STACK + DRAWN)
    library = gdstk.Library()
    one, other = library.new_cell("A"), library.new_cell("B")
    one.add(gdstk.Reference(other), gdstk.rectangle((0, 0), (1, 1), layer=1))
    other.add(gdstk.Reference(one))
    library.write_gds(tmp_path / "chip.gds")
    with pytest.raises(DataError, match="stands in itself"):
        read_layout(written_with(path, 'gds_cell = "A"'))
    library = gdstk.Library()
    dot, many = library.new_cell("DOT"), library.new_cell("MANY")
    dot.add(gdstk.rectangle((0, 0), (1, 1), layer=1))
    many.add(gdstk.Reference(dot, columns=3000, rows=3000, spacing=(2, 2)))
    library.write_gds(tmp_path / "chip.gds")
    with pytest.raises(DataError, match="more than 200000 polygons"):
        read_layout(written_with(path, ""))


def written_with(path: Path, line: str) -> Path:
    """The device file with one more line."""
    path.write_text(line + STACK + DRAWN, encoding="utf-8")
    return path


@pytest.mark.slow
def test_mutated_layouts_are_refused_or_read_never_more(tmp_path):
    path = written(tmp_path, STACK + DRAWN)
    data = (tmp_path / "chip.gds").read_bytes()
    draw = np.random.default_rng(7)
    for i in range(24):
        changed = bytearray(data)
        for _ in range(1 + i % 4):
            changed[draw.integers(len(changed))] = int(draw.integers(256))
        (tmp_path / "chip.gds").write_bytes(changed if i % 3 else changed[: draw.integers(len(changed))])
        try:
            read_layout(path)
        except (DataError, InputError):
            continue
