r"""Finite volumes on a box grid: heat balances of cells, with the drops at boundaries in the faces.

Between the middles of two cells stand two half cells and a boundary in series, so a face of area A conducts

$$g = \frac{A}{d_1/2k_1 + R_{12} + d_2/2k_2} :$$

the jump of the temperature at the boundary is there without a thin layer, and in one dimension the solution is exact.
Heat that enters on a face parts between its two sides as their conductances.
"""

from collections.abc import Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray
from scipy.sparse import csr_array

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance
from kapitza.device.blocks import SIDES, Layout
from kapitza.device.grid import BoxGrid

Integers = NDArray[np.int32]
FLOOR = 1e-300


@frozen(eq=False)
class System:
    """A layout on a grid with plain numbers: all that the balances of its cells take.

    Attributes
    ----------
    layout, grid : what and where
    regions : (nx, ny, nz) number of the layer or block of each cell
    conductivity : three arrays that stretch to (nx, ny, nz), along x, y and z, W m⁻¹ K⁻¹
    faces : conductances of the inner faces across x (nx - 1, ny, nz), y and z, W K⁻¹
    resistances : that of the boundary in each of these, m² K W⁻¹; zero-dimensional where there is none
    outer : conductances of the middles of cells to the sink through left, right, front, back, top and bottom, W K⁻¹
    levels : what each source of the device, and last all blocks, give of their power at the moment; all of it if empty
    """

    layout: Layout
    grid: BoxGrid
    regions: NDArray[np.int16]
    conductivity: tuple[Array, Array, Array]
    faces: tuple[Array, ...]
    resistances: tuple[Array, ...]
    outer: tuple[Array, ...]
    levels: tuple[float, ...] = ()

    def level(self, name: str) -> float:
        """Part of its power that a source of the device gives, by name; that of the blocks for any other name."""
        names = [source.name for source in self.layout.device.sources]
        index = names.index(name) if name in names else -1
        return self.levels[index] if self.levels else 1.0

    def flow(self, rise: Array) -> Array:
        """(nx, ny, nz) net heat that leaves each cell, W."""
        found = np.zeros_like(rise)
        for axis, face in enumerate(self.faces):
            flow = -face * np.diff(rise, axis=axis)
            found[ends(axis, slice(None, -1))] += flow
            found[ends(axis, slice(1, None))] -= flow
        for number, conductance in enumerate(self.outer):
            at = ends(number // 2, -(number % 2))
            found[at] += conductance * rise[at]
        return found

    def escaped(self, rise: Array) -> Array:
        """(6,) heat that leaves through left, right, front, back, top and bottom, W."""
        return np.array([(g * rise[ends(i // 2, -(i % 2))]).sum() for i, g in enumerate(self.outer)])


def ends(axis: int, index: int | slice) -> tuple[int | slice, ...]:
    """Index of the first or last cells, or a range of them, along an axis."""
    return (slice(None),) * axis + (index,)


def painted(layout: Layout, grid: BoxGrid) -> NDArray[np.int16]:
    """(nx, ny, nz) number of the layer or block of each cell."""
    middles = grid.middles
    layers = layout.device.stack.layers
    bottoms = np.cumsum([layer.thickness for layer in layers])
    found = np.empty(grid.shape, dtype=np.int16)
    found[:] = np.minimum(np.searchsorted(bottoms, middles[2]), len(layers) - 1)
    for i, block in enumerate(layout.blocks):
        spans = (*block.outline.extent, block.span)
        inside = [slice(*np.searchsorted(m, one)) for m, one in zip(middles, spans, strict=True)]
        found[tuple(inside)] = len(layers) + i
    return found


def system(layout: Layout, grid: BoxGrid, regions: NDArray[np.int16], rise: Array | None = None) -> System:
    """Return the conductances of all faces, with numbers of T at the temperatures of the cells.

    Parameters
    ----------
    regions : of the cells, from `painted`
    rise : (nx, ny, nz) above the sink, K; None for the sink everywhere

    Raises
    ------
    InputError
        where a temperature leaves the range in which a property is known
    """
    conductivity = conductivities(layout, regions, rise)
    dx, dy, dz = grid.sizes
    areas = (dy[:, None] * dz, dx[:, None, None] * dz, grid.areas[:, :, None])
    faces: list[Array] = []
    outer: list[Array] = []
    resistances: list[Array] = []
    device = layout.device
    coefficients = [layout.sides.get(side, 0.0) for side in SIDES] + [device.top_coefficient, device.coefficient]
    for axis, (k, size) in enumerate(zip(conductivity, grid.sizes, strict=True)):
        half = along(size, axis) / 2 / k
        halves = half[ends(axis, slice(None, -1))], half[ends(axis, slice(1, None))]
        resistances.append(face_resistances(layout, regions, axis, rise, halves))
        series = halves[0] + halves[1] + resistances[axis]
        faces.append(np.broadcast_to(areas[axis] / series, shorter(grid.shape, axis)))
        for side in (0, 1):
            h = coefficients[2 * axis + side]
            with np.errstate(divide="ignore"):
                full = np.broadcast_to(half, grid.shape)[ends(axis, -side)] + 1 / np.float64(h)
            outer.append(
                np.broadcast_to(areas[axis], [1 if i == axis else n for i, n in enumerate(grid.shape)])[ends(axis, 0)]
                / full
            )
    return System(layout, grid, regions, conductivity, tuple(faces), tuple(resistances), tuple(outer))


def along(values: Array, axis: int) -> Array:
    """Values with axes of length 1 to stretch along one axis of three."""
    return values.reshape([-1 if i == axis else 1 for i in range(3)])


def shorter(shape: Sequence[int], axis: int) -> tuple[int, ...]:
    """Shape of the inner faces across an axis."""
    return tuple(n - 1 if i == axis else n for i, n in enumerate(shape))


def conductivities(layout: Layout, regions: NDArray[np.int16], rise: Array | None) -> tuple[Array, Array, Array]:
    """Conductivity of each cell along x, y and z, W m⁻¹ K⁻¹."""
    layers = layout.regions
    diagonal = np.array([np.diagonal(layer.tensor) for layer in layers])
    laws = layout.laws
    sink = layout.device.sink
    for i, law in laws.items():
        diagonal[i] *= law.at(sink)[0] / layers[i].conductivity
    uniform = not layout.blocks and (rise is None or not laws)
    cells = regions[:1, :1] if uniform else regions
    found = [diagonal[:, axis][cells] for axis in range(3)]
    if rise is not None:
        for i, law in laws.items():
            inside = regions == i
            if inside.any():
                factor = law.at(sink + rise[inside]) / law.at(sink)[0]
                for axis in range(3):
                    found[axis][inside] *= factor
    return found[0], found[1], found[2]


def face_resistances(
    layout: Layout, regions: NDArray[np.int16], axis: int, rise: Array | None, halves: tuple[Array, Array]
) -> Array:
    """Resistance of the boundary in each inner face across an axis, with half cells on both sides, m² K W⁻¹."""
    if not layout.blocks:
        if axis < 2:
            return np.zeros((1, 1, 1))
        regions = regions if depends(layout) and rise is not None else regions[:1, :1]
    first, second = regions[ends(axis, slice(None, -1))], regions[ends(axis, slice(1, None))]
    found = np.zeros(first.shape)
    differ = first != second
    count = len(layout.regions)
    pairs = np.unique(first[differ].astype(np.int32) * count + second[differ])
    for a, b in (divmod(int(pair), count) for pair in pairs):
        contact, here = layout.contact(a, b), (first == a) & (second == b)
        if not isinstance(contact, Conductance):
            found[here] = 1 / contact
        elif rise is None:
            found[here] = 1 / contact.at(layout.device.sink)[0]
        else:
            sides = [rise[ends(axis, part)][here] for part in (slice(None, -1), slice(1, None))]
            inner = [np.broadcast_to(half, first.shape)[here] for half in halves]
            found[here] = warm_resistance(contact, layout.device.sink, sides, inner)
    return found


def warm_resistance(contact: Conductance, sink: float, sides: list[Array], halves: list[Array]) -> Array:
    """Resistance at the mean of the temperatures of both sides of a boundary, from those of the cells, m² K W⁻¹."""
    middle = (sides[0] + sides[1]) / 2
    at = middle
    for _ in range(3):  # the flux, and with it the two sides, hardly depend on the resistance: this settles at once
        resistance = 1 / contact.at(sink + at)
        flux = (sides[0] - sides[1]) / (halves[0] + halves[1] + resistance)
        at = middle - flux * (halves[0] - halves[1]) / 2
    return 1 / contact.at(sink + at)


def depends(layout: Layout) -> bool:
    """Whether numbers depend on temperature."""
    contacts = [one.conductance for one in layout.device.stack.boundaries]
    contacts += [one for block in layout.blocks for one in (block.conductance, *block.contacts.values())]
    return bool(layout.laws) or any(isinstance(one, Conductance) for one in contacts)


def matrix(found: System, storage: Array | None = None) -> csr_array:
    """The symmetric matrix of the balances, seven elements a row, W K⁻¹.

    Parameters
    ----------
    storage : (nx, ny, nz) to add on the diagonal, W K⁻¹
    """
    shape = found.grid.shape
    count = found.grid.count
    strides = (shape[1] * shape[2], shape[2], 1)
    values = np.zeros((count, 7))
    cells = values.reshape(*shape, 7)
    present = np.zeros((count, 7), dtype=bool)
    present[:, 3] = True
    there = present.reshape(*shape, 7)
    for axis, face in enumerate(found.faces):
        before, after = ends(axis, slice(None, -1)), ends(axis, slice(1, None))
        cells[(*pad(after), axis)] = -face
        cells[(*pad(before), 6 - axis)] = -face
        there[(*pad(after), axis)] = True
        there[(*pad(before), 6 - axis)] = True
    diagonal = -values.sum(axis=1).reshape(shape)
    for number, conductance in enumerate(found.outer):
        diagonal[ends(number // 2, -(number % 2))] += conductance
    values[:, 3] = (diagonal if storage is None else diagonal + storage).ravel()
    del cells, there
    pointer = np.zeros(count + 1, dtype=np.int32)
    np.cumsum(present.sum(axis=1, dtype=np.int32), out=pointer[1:])
    offsets = np.array([-strides[0], -strides[1], -1, 0, 1, strides[1], strides[0]], dtype=np.int32)
    columns = (np.arange(count, dtype=np.int32)[:, None] + offsets)[present]
    data = values[present]
    del values, present
    return csr_array((data, columns, pointer), shape=(count, count))


def pad(index: tuple[int | slice, ...]) -> tuple[int | slice, ...]:
    """An index with all of the axes of three."""
    return index + (slice(None),) * (3 - len(index))
