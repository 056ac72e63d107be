"""Whether stated errors of device temperatures hold: `OMP_NUM_THREADS=1 python benchmarks/device_errors.py`.

Devices are drawn at random: layers, hot blocks, sources of all shapes, boundaries, anisotropic conductivities and such
of temperature, sinks that are held or cooled by a coefficient, open sides.  For each method the share of the devices is
printed whose error of the hottest point is at most what is stated, and the median of stated over true.  What is true
comes from smaller cells: of a grid from one of 24,000 cells and that with all of them halved, extrapolated at order
1.5, which is more than is left at second order, and from 60,000 cells where that is close to what is stated; of a mesh
quadratic, halved and extrapolated at second order, in three dimensions from cells halved twice where that is close to
what is stated; of layers with properties of T from grids on which these and one
number for each layer are compared, halved once more where that is close to what is stated.

`--only volumes`, `--devices 20` and `--cells 6000` make it shorter; one device takes some seconds.  `--keep FILE` adds
each device to a file as soon as it is known and leaves out those that are in it: a run that was stopped goes on.
Factors of the estimates were chosen on devices of seeds 0 and 1; the figures of docs/theory/device.md are those of
seed 2.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array
from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, ConductivityLaw, Device, HeatSource
from kapitza.device.elements.body import Body, Convection, FixedFlux, FixedTemperature
from kapitza.device.elements.mesh import named_faces, quadratic_mesh, region_pairs
from kapitza.device.elements.mesh_generators import box_mesh
from kapitza.device.elements.temperatures import richer_body, solve_body
from kapitza.device.grid.box_grid import automatic_grid
from kapitza.device.grid.steady import solve_balances
from kapitza.device.grid.temperatures import solve_on_grid
from kapitza.device.layered.linear import with_constant_properties
from kapitza.device.layered.steady import solve_steady
from kapitza.device.layered.temperatures import solve_layered
from kapitza.device.layout import Block, Layout
from kapitza.device.setup import Plane
from kapitza.device.shapes import Disc, GaussianSpot, Rectangle, SourceShape
from kapitza.errors import InputError
from kapitza.units import um

Generator = np.random.Generator
Pairs = list[tuple[float, float]]  # stated and true errors, K
TRUE_TOLERANCE = 1e-7  # of the energy of their errors
TRUE_CELLS = 24_000, 60_000  # of the coarser of the two grids that stand for the truth; the latter where it is close
CLOSE = 0.67, 1.33  # stated over true


def between(generator: Generator, low: float, high: float) -> float:
    """A number drawn evenly in its logarithm."""
    return float(np.exp(generator.uniform(np.log(low), np.log(high))))


def draw_layout(generator: Generator, *, varies: bool = True) -> Layout:
    """A device of 1 to 4 layers with up to 3 blocks, whose hottest point is some 10 to 100 K above its sink."""
    count = int(generator.integers(1, 5))
    layers = [draw_layer(generator, f"layer {i}", between(generator, 0.5, 60) * um) for i in range(count)]
    chances = generator.random(count - 1)
    conductances = [np.inf if one < 0.2 else between(generator, 2e7, 1e9) for one in chances]
    box = Box(between(generator, 15, 150) * um, between(generator, 15, 150) * um)
    sources = [draw_source(generator, f"source {i}", layers, box) for i in range(int(generator.integers(1, 4)))]
    laws = {
        layer.name: ConductivityLaw.power(layer.conductivity, float(generator.uniform(-1.5, -0.3)))
        for layer in layers
        if varies and generator.random() < 0.4
    }
    coefficient = np.inf if generator.random() < 0.5 else between(generator, 1e5, 1e8)
    device = Device(Stack(layers, conductances), sources, box, coefficient=coefficient, laws=laws)
    count = int(generator.integers(0, 4))
    blocks = [draw_block(generator, f"block {i}", layers, box, varies=varies) for i in range(count)]
    open_sides = {"right": between(generator, 1e4, 1e7)} if generator.random() < 0.2 else {}
    layout = Layout(device, blocks, sides=open_sides)
    plain = evolve(layout, device=evolve(device, laws={}), blocks=[evolve(one, law=None) for one in blocks])
    rise = solve_on_grid(plain, 1000).peak
    return scale_power(layout, float(generator.uniform(10, 80)) / rise)


def scale_power(layout: Layout, factor: float) -> Layout:
    """The layout with all powers times a factor."""
    sources = [evolve(one, power=one.power * factor) for one in layout.device.sources]
    blocks = [evolve(one, power=one.power * factor) for one in layout.blocks]
    return evolve(layout, device=evolve(layout.device, sources=sources), blocks=blocks)


def draw_layer(generator: Generator, name: str, thickness: float) -> Layer:
    """A layer, of which two in five conduct better or worse along it."""
    conductivity = between(generator, 1, 500)
    along = conductivity * between(generator, 0.2, 5) if generator.random() < 0.4 else None
    along_y = along * between(generator, 0.5, 2) if along is not None and generator.random() < 0.5 else None
    return Layer(name, thickness, conductivity, in_plane=along, in_plane_y=along_y)


def draw_interval(generator: Generator, length: float, low: float, high: float) -> tuple[float, float]:
    """A part of an axis, of which `low` to `high` is taken."""
    size = length * between(generator, low, high)
    start = float(generator.uniform(0, length - size)) if generator.random() < 0.8 else 0.0
    return start, start + size


def draw_source(generator: Generator, name: str, layers: list[Layer], box: Box) -> HeatSource:
    """A source of any shape, on top, in a layer or throughout one."""
    (left, right), (front, back) = (draw_interval(generator, side, 0.08, 0.5) for side in (box.width, box.depth))
    shape: SourceShape = Rectangle((left, right), (front, back))
    kind = generator.random()
    if kind > 0.7:
        radius = min(right - left, back - front) / 2
        middle = (left + right) / 2, (front + back) / 2
        shape = Disc(*middle, radius) if kind > 0.85 else GaussianSpot(*middle, radius)
    power, where = between(generator, 0.2, 1), generator.random()
    if where < 0.6:
        return HeatSource(name, power, shape)
    layer = layers[int(generator.integers(len(layers)))]
    if where < 0.8:
        return HeatSource(name, power, shape, Plane(layer.name, layer.thickness * float(generator.uniform(0, 1))))
    return HeatSource(name, power, shape, Plane(layer.name), volumetric=True)


def draw_block(generator: Generator, name: str, layers: list[Layer], box: Box, *, varies: bool) -> Block:
    """A box of another material, in one layer, half of them with heat of their own."""
    outline = Rectangle(*(draw_interval(generator, side, 0.1, 0.6) for side in (box.width, box.depth)))
    at = int(generator.integers(len(layers)))
    top, bottom = draw_interval(generator, layers[at].thickness, 0.2, 1.0)
    above = sum(layer.thickness for layer in layers[:at])
    layer = draw_layer(generator, name, bottom - top)
    law = ConductivityLaw.power(layer.conductivity, float(generator.uniform(-1.5, -0.3)))
    return Block(
        layer,
        outline,
        above + top,
        np.inf if generator.random() < 0.2 else between(generator, 2e7, 1e9),
        law=law if varies and generator.random() < 0.3 else None,
        power=between(generator, 0.2, 1) if generator.random() < 0.5 else 0.0,
    )


def draw_body(generator: Generator, dimension: int = 2, cells: int = 16) -> Body:
    """Layers with boxes in them on a mesh of so many cells along each side, heated on top and in some of the boxes."""
    size = [between(generator, 10, 60) * um for _ in range(dimension)]
    levels = np.sort(generator.uniform(0.1, 0.9, int(generator.integers(0, 3)))) * size[-1]
    ends = [0.0, *levels.tolist(), size[-1]]
    boxes: list[list[tuple[float, float]]] = []
    for _ in range(int(generator.integers(1, 4))):
        at = int(generator.integers(levels.size + 1))
        low, high = draw_interval(generator, ends[at + 1] - ends[at], 0.2, 1.0)
        sides = [draw_interval(generator, side, 0.1, 0.6) for side in size[:-1]]
        boxes.append([*sides, (ends[at] + low, ends[at] + high)])
    hot = [draw_interval(generator, side, 0.08, 0.5) for side in size[:-1]]
    places = [[0.0, side, *(end for box in boxes for end in box[axis])] for axis, side in enumerate(size)]
    for axis, ends_of_heat in enumerate(hot):
        places[axis] += ends_of_heat
    axes = [mesh_axis([*place, *(levels if axis == dimension - 1 else [])], cells) for axis, place in enumerate(places)]
    names = [f"layer {i}" for i in range(levels.size + 1)] + [f"block {i}" for i in range(len(boxes))]

    def region(centres: Array) -> Array:
        found = np.searchsorted(levels, centres[:, -1])
        for i, box in enumerate(boxes):
            inside = np.all([(low < x) & (x < high) for x, (low, high) in zip(centres.T, box, strict=True)], axis=0)
            found = np.where(inside, levels.size + 1 + i, found)
        return found

    def heated(centres: Array) -> Array:
        along = zip(centres.T, hot, strict=False)
        return np.all([centres[:, -1] > size[-1] * (1 - 1e-9), *((a < x) & (x < b) for x, (a, b) in along)], axis=0)

    mesh = box_mesh(axes, names, region)
    mesh = evolve(mesh, faces={**mesh.faces, **named_faces(mesh.points, mesh.cells, {"heat": heated})})
    held = FixedTemperature(0.0) if generator.random() < 0.5 else Convection(between(generator, 1e5, 1e8), 0.0)
    present = [names[i] for i in np.unique(mesh.region)]
    return Body(
        mesh,
        {name: draw_tensor(generator, dimension) for name in names},
        {
            f"{names[a]}|{names[b]}": between(generator, 2e7, 1e9)
            for a, b in sorted(region_pairs(mesh))
            if generator.random() < 0.8
        },
        {"heat": FixedFlux(1e8), ("y-", "z-")[dimension - 2]: held},
        {n: 1e8 / size[-1] * between(generator, 0.3, 3) for n in present if "block" in n and generator.random() < 0.6},
    )


def mesh_axis(places: list[float], cells: int) -> Array:
    """Planes of a mesh through places, and between them so close that there are about so many cells in all."""
    found = np.unique(places)
    found = found[np.append(True, np.diff(found) > 1e-6 * found[-1])]
    lines = [
        np.linspace(a, b, max(1, int(np.ceil((b - a) / found[-1] * cells))) + 1)[:-1]
        for a, b in pairwise(found.tolist())
    ]
    return np.append(np.concatenate(lines), found[-1])


def draw_tensor(generator: Generator, dimension: int) -> Array:
    """Conductivities along the axes, W m⁻¹ K⁻¹: alike in three of five regions."""
    along = [1.0] * dimension if generator.random() < 0.6 else [between(generator, 0.2, 5) for _ in range(dimension)]
    return between(generator, 1, 500) * np.array(along)


def extrapolate(coarse: float, fine: float, order: float = 2.0) -> float:
    """Value on endlessly small cells from two of which one has half the size."""
    return fine + (fine - coarse) / (2**order - 1)


def volumes_errors(index: int, cells: int, seed: int = 0) -> tuple[float, float]:
    """Stated and true error of one device on a box grid, K."""
    found = solve_on_grid(draw_layout(np.random.default_rng([1, index, seed])), cells)
    stated, true = found.errors()["peak"], abs(found.peak - true_peak(index, seed, TRUE_CELLS[0]))
    if CLOSE[0] < stated / true < CLOSE[1]:
        true = abs(found.peak - true_peak(index, seed, TRUE_CELLS[1]))
    return stated, true


@cache
def true_peak(index: int, seed: int, cells: int) -> float:
    """Rise of the hottest point of one device on endlessly small cells, K."""
    layout = draw_layout(np.random.default_rng([1, index, seed]))
    grid = automatic_grid(layout, cells)
    coarse = solve_balances(layout, grid, TRUE_TOLERANCE)
    start = coarse.rise.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    fine = solve_balances(layout, grid.refine(), TRUE_TOLERANCE, start)
    return extrapolate(coarse.peak, fine.peak, 1.5)


def elements_errors(
    index: int, cells: int, order: int, dimension: int = 2, seed: int = 0
) -> tuple[float, float] | None:
    """Stated and true error of one body on a mesh, K; None where the mesh is refused as too coarse for a boundary."""
    body = draw_body(np.random.default_rng([2, index, seed]), dimension, cells)
    body = body if order == 1 else evolve(body, mesh=quadratic_mesh(body.mesh))
    try:
        found = solve_body(body)
    except InputError as err:
        if "one facet wide" in str(err):
            return None
        raise
    stated, peak = found.errors()["peak"], found.peak
    quadratic = body if order == 2 else richer_body(body)
    fine = richer_body(quadratic)
    if dimension == 3:  # where that is far from what is stated, cells need not be halved twice
        true = abs(peak - extrapolate(*(solve_body(one, tolerance=1e-8).peak for one in (quadratic, fine))))
        if not CLOSE[0] < stated / true < CLOSE[1]:
            return stated, true
    peaks = [solve_body(one, tolerance=1e-8).peak for one in (fine, richer_body(fine))]
    return stated, abs(peak - extrapolate(*peaks))


def layers_errors(index: int, cells: int, seed: int = 0) -> tuple[float, float] | None:
    """Stated and true error of one device of layers with properties of T, K; None where nothing varies."""
    device = draw_layout(np.random.default_rng([3, index, seed])).device
    layers = [evolve(layer, in_plane_y=None) for layer in device.stack.layers]
    device = evolve(device, stack=evolve(device.stack, layers=layers))
    if not device.laws:
        return None
    found = solve_steady(device)
    device = scale_power(Layout(device), 40 / found.peak).device
    held = solve_layered(device, sensitivity=False)
    stated, numbers = held.errors()["peak"], with_constant_properties(device, solve_steady(device).values)
    layouts = Layout(device), Layout(numbers)
    grid = automatic_grid(layouts[0], cells)
    pair = [solve_balances(one, grid, TRUE_TOLERANCE) for one in layouts]
    ways = [pair[0].peak - pair[1].peak]
    while len(ways) < 3:
        grid = grid.refine()
        starts = [one.rise.repeat(2, 0).repeat(2, 1).repeat(2, 2) for one in pair]
        pair = [solve_balances(one, grid, TRUE_TOLERANCE, start) for one, start in zip(layouts, starts, strict=True)]
        ways.append(pair[0].peak - pair[1].peak)
        if len(ways) == 2 and stated > CLOSE[1] * abs(extrapolate(*ways)):
            break  # where it seems too small the grids may be too coarse
    return stated, abs(extrapolate(*ways[-2:]))


def main() -> None:
    """Print what is found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=["volumes", "elements", "quadratic", "solid", "layers"])
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="number of the first device")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cells", type=int, nargs="+", default=[3000, 12000], help="of box grids, about")
    parser.add_argument("--keep", type=Path, help="file with one device a line, of this run and of those before")
    given = parser.parse_args()
    seed = given.seed
    kinds: dict[str, Callable[[int], list[tuple[float, float] | None]]] = {
        "volumes": lambda i: [volumes_errors(i, cells, seed) for cells in given.cells],
        "elements": lambda i: [elements_errors(i, 16, 1, seed=seed)],
        "quadratic": lambda i: [elements_errors(i, 16, 2, seed=seed)],
        "solid": lambda i: [elements_errors(i, 4, 1, 3, seed)],
        "layers": lambda i: [layers_errors(i, given.cells[0], seed)],
    }
    for kind, errors in kinds.items():
        if given.only not in (None, kind):
            continue
        rows: list[Pairs] = []
        index = given.first
        while len(rows) < given.devices:  # layers without properties of T do not count, nor meshes that are refused
            label = f"{kind} {index} seed {seed}{f' cells {given.cells}' if kind in ('volumes', 'layers') else ''}"
            row = kept(given.keep, label, partial(errors, index))
            index += 1
            if row:
                rows.append(row)
                shown = "; ".join(f"stated {stated:.3g} K, true {true:.3g} K" for stated, true in row)
                print(f"{label}: {shown}", file=sys.stderr, flush=True)
        for pairs, cells in zip(zip(*rows, strict=True), given.cells, strict=False):
            print(f"{kind}{f' {cells}' if kind == 'volumes' else '':7s} {summary(np.array(pairs))}", flush=True)


def kept(file: Path | None, label: str, errors: Callable[[], list[tuple[float, float] | None]]) -> Pairs:
    """Stated and true errors of a device, from a file where it is there, else computed and added to it."""
    lines = file.read_text(encoding="utf-8").splitlines() if file is not None and file.exists() else []
    known = dict(json.loads(line) for line in lines)
    if label in known:
        return known[label]
    found = [pair for pair in errors() if pair is not None]
    if file is not None:
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps([label, found]) + "\n")
    return found


def summary(pairs: Array) -> str:
    """How often and how far what is stated (n, 0) holds for what is true (n, 1)."""
    ratio = pairs[:, 0] / np.maximum(pairs[:, 1], 1e-12)
    return (
        f"{len(pairs)} devices: stated holds in {100 * np.mean(ratio >= 1):.0f} %, median of stated over true "
        f"{np.median(ratio):.2f}, median of true {np.median(pairs[:, 1]):.2g} K"
    )


if __name__ == "__main__":
    main()
