"""Compiled motion of particles through cells, one particle after the other.  Importing this module needs numba.

The generator is xoshiro256+ of D. Blackman and S. Vigna, ACM Trans. Math. Softw. 47, 36 (2021), doi:10.1145/3460772.
Cells are blocks, (low, high), or triangles with heights, (corner, normal, offset, bounds, extent, jump).  The compiler
knows the length of this tuple and drops the branch of the other kind, so that one loop serves both at full speed.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.simulate.boltzmann.monte_carlo.tables import ADIABATIC_WALL, BLACK_WALL

_KernelFunction = TypeVar("_KernelFunction", bound=Callable[..., Any])
_GeneratorState = NDArray[np.uint64]

BLOCK_TABLES = ("low", "high")
_BLOCK_LENGTH = len(BLOCK_TABLES)  # a number, by which the compiler tells the kinds of cells apart
TRIANGLE_TABLES = ("corner", "normal", "offset", "bounds", "extent", "jump")
_UNIT_SCALE = 2.0**-53
_OUTPUT_SHIFT, _ROTATION_LEFT, _STATE_SHIFT, _ROTATION_RIGHT = (np.uint64(k) for k in (11, 45, 17, 64 - 45))
_FULL_TURN = 2 * np.pi


class FlightTables(NamedTuple):
    """Neighbours of cells, bands of materials and properties of surfaces; see `kernel_tables`."""

    region: IntArray
    other: IntArray
    surface: IntArray
    velocity: Array
    path: Array
    group: IntArray
    scatter: Array
    scatter_guide: IntArray
    slot: IntArray
    kind: IntArray
    first: IntArray
    start: IntArray
    leave: Array
    specular: Array
    through: Array
    cross: Array


class StartTables(NamedTuple):
    """Where particles start, and their signs and spectra."""

    at_cell: IntArray
    at_face: IntArray
    table: IntArray
    sign: Array
    chosen: Array
    spectra: Array
    spectra_guide: IntArray


class Tallies(NamedTuple):
    """Sums over flights: `heat`, `lattice` (C,) and `flow` (C, d) in cells, `power` (S, G), `probe` (P, G)."""

    heat: Array
    lattice: Array
    flow: Array
    power: Array
    probe: Array


def _compile_kernel(function: _KernelFunction) -> _KernelFunction:
    """Compile a function when it is first used, and keep the machine code where there is a folder for it.

    Floating-point operations are not reordered: the same seed gives the same flights on other processors too.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return cast("_KernelFunction", numba.njit(cache=True, **options)(function))
    except RuntimeError:
        return cast("_KernelFunction", numba.njit(**options)(function))


@_compile_kernel
def _draw_uniform(state: _GeneratorState) -> float:
    """Next number, from 0 to below 1."""
    result = state[0] + state[3]
    shifted = state[1] << _STATE_SHIFT
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = (state[3] << _ROTATION_LEFT) | (state[3] >> _ROTATION_RIGHT)
    return (result >> _OUTPUT_SHIFT) * _UNIT_SCALE


@_compile_kernel
def _draw_entry(state: _GeneratorState, cumulative: Array, guide: IntArray) -> int:
    u = _draw_uniform(state)
    k = guide[int(u * guide.size)]
    while cumulative[k] <= u:
        k += 1
    return k


@_compile_kernel
def _draw_band(state: _GeneratorState, g: int, material: int, tables: FlightTables) -> int:
    """Band of a group that leaves a surface into a material, by what each carries."""
    leave, k, last = tables.leave[material], tables.start[material, g], tables.start[material, g + 1]
    x = leave[k] + _draw_uniform(state) * (leave[last] - leave[k])
    while k < last - 1 and leave[k + 1] <= x:
        k += 1
    return k


@_compile_kernel
def _draw_direction(state: _GeneratorState, way: Array) -> None:
    cosine = 2 * _draw_uniform(state) - 1
    sine = np.sqrt(1 - cosine * cosine)
    angle = _FULL_TURN * _draw_uniform(state)
    way[0], way[1], way[2] = cosine, sine * np.cos(angle), sine * np.sin(angle)


@_compile_kernel
def _draw_free_path(state: _GeneratorState, path: float) -> float:
    return -path * np.log(1 - _draw_uniform(state))  # 1 - u is never 0, u may be: the logarithm stays finite


@_compile_kernel
def _distance_to_face(cells: Any, cell: int, place: Array, way: Array, length: float) -> tuple[float, int]:
    """Length up to the next face of a cell and its number; -1 where the flight ends before."""
    face = -1
    if len(cells) == _BLOCK_LENGTH:
        low, high = cells[0][cell], cells[1][cell]
        for a in range(low.size):
            if way[a] > 0:
                t = (high[a] - place[a]) / way[a]
                if t < length:
                    length, face = t, 2 * a + 1
            elif way[a] < 0:
                t = (low[a] - place[a]) / way[a]
                if t < length:
                    length, face = t, 2 * a
    else:
        bounds, height = cells[3], cells[3].size - 1
        normal, offset, k = cells[1][cell // height], cells[2][cell // height], cell % height
        for e in range(3):
            speed = way[0] * normal[e, 0] + way[1] * normal[e, 1]
            if speed > 0:  # only faces ahead: a particle cannot meet again the face it has just passed
                t = (offset[e] - place[0] * normal[e, 0] - place[1] * normal[e, 1]) / speed
                if t < length:
                    length, face = t, e
        if cells[4].size == 3 and way[2] != 0:
            top = 1 if way[2] > 0 else 0
            t = (bounds[k + top] - place[2]) / way[2]
            if t < length:
                length, face = t, 3 + top
    return max(length, 0.0), face  # rounding may leave a place slightly outside of its cell


@_compile_kernel
def _outward_normal(cells: Any, cell: int, face: int) -> tuple[float, float, float]:
    """Of a face of a triangle with heights."""
    if face < 3:
        normal = cells[1][cell // (cells[3].size - 1)]
        return normal[face, 0], normal[face, 1], 0.0
    return 0.0, 0.0, (1.0 if face == 4 else -1.0)


@_compile_kernel
def _reflect(cells: Any, cell: int, face: int, way: Array) -> None:
    if len(cells) == _BLOCK_LENGTH:
        way[face // 2] = -way[face // 2]
    else:
        normal = _outward_normal(cells, cell, face)
        along = 2 * (way[0] * normal[0] + way[1] * normal[1] + way[2] * normal[2])
        for a in range(3):
            way[a] -= along * normal[a]


@_compile_kernel
def _draw_cosine_direction(state: _GeneratorState, cells: Any, cell: int, face: int, sense: float, way: Array) -> None:
    """A direction away from a face by the cosine law, out of the cell or (sense -1) into it."""
    u = _draw_uniform(state)  # sin² of the angle to the normal: cos θ dΩ is uniform in it
    if len(cells) == _BLOCK_LENGTH:
        axis = face // 2
        sine, angle = np.sqrt(u), _FULL_TURN * _draw_uniform(state)
        way[axis] = (sense if face % 2 == 1 else -sense) * np.sqrt(1 - u)
        way[(axis + 1) % 3], way[(axis + 2) % 3] = sine * np.cos(angle), sine * np.sin(angle)
    else:
        normal, angle = _outward_normal(cells, cell, face), _FULL_TURN * _draw_uniform(state)
        up, one, two = sense * np.sqrt(1 - u), np.sqrt(u) * np.cos(angle), np.sqrt(u) * np.sin(angle)
        if normal[2] == 0:
            way[0], way[1], way[2] = up * normal[0] - one * normal[1], up * normal[1] + one * normal[0], two
        else:
            way[0], way[1], way[2] = one, two, up * normal[2]


@_compile_kernel
def _enter_cell(cells: Any, cell: int, face: int, beyond: int, place: Array) -> None:
    """Put a particle on the face of the cell behind, at the other end of the domain where it repeats."""
    if len(cells) == _BLOCK_LENGTH:
        axis = face // 2
        place[axis] = cells[0][beyond, axis] if face % 2 else cells[1][beyond, axis]  # exact: no rounding adds up
    else:
        leap = cells[5][cell, face]
        if leap >= 0:
            extent = cells[4][leap // 2]
            place[leap // 2] += extent if leap % 2 == 0 else -extent


@_compile_kernel
def _draw_place(state: _GeneratorState, cells: Any, cell: int, face: int, place: Array) -> None:
    """A place anywhere in a cell, or on one of its faces."""
    if len(cells) == _BLOCK_LENGTH:
        low, high = cells[0][cell], cells[1][cell]
        for a in range(low.size):
            place[a] = low[a] + _draw_uniform(state) * (high[a] - low[a])
        if face >= 0:
            place[face // 2] = high[face // 2] if face % 2 else low[face // 2]
        return
    corner, bounds, height = cells[0], cells[3], cells[3].size - 1
    triangle, level = corner[cell // height], bounds[cell % height : cell % height + 2]
    if 0 <= face < 3:
        share, after = _draw_uniform(state), (face + 1) % 3
        for a in range(2):
            place[a] = triangle[face, a] + share * (triangle[after, a] - triangle[face, a])
    else:
        # the square root makes places uniform in area: a strip at distance r from the corner is as long as r
        root, share = np.sqrt(_draw_uniform(state)), _draw_uniform(state)
        for a in range(2):
            edge = triangle[1, a] + share * (triangle[2, a] - triangle[1, a])
            place[a] = triangle[0, a] + root * (edge - triangle[0, a])
    if face < 3:
        place[2] = level[0] + _draw_uniform(state) * (level[1] - level[0])
    else:
        place[2] = level[face - 3]


@_compile_kernel
def _meet_surface(state: _GeneratorState, s: int, g: int, material: int, tables: FlightTables) -> int:
    """What a surface does: -1 takes the particle, 0 mirrors, 1 scatters it back, 2 lets it cross, 3 straight."""
    p = tables.specular[s, g]
    mirror = p > 0 and _draw_uniform(state) < p
    if tables.kind[s] == BLACK_WALL:
        return 0 if mirror else -1
    if tables.kind[s] == ADIABATIC_WALL:
        return 0 if mirror else 1
    if mirror:
        return 3 if _draw_uniform(state) < tables.through[s, g] else 0
    return 2 if _draw_uniform(state) < tables.cross[s, material, g] else 1


@_compile_kernel
def _follow_particle(
    state: _GeneratorState, start: tuple[int, int, float], cells: Any, tables: FlightTables, tallies: Tallies,
    work: tuple[Array, Array], max_events: int,
) -> int:  # fmt: skip
    """Follow one particle to its end and return the number of its events, -1 after `max_events`.

    It starts in a cell and band with a sign, at the place and in the direction (3,) of `work`.  J.-P. M. Péraud and
    N. G. Hadjiconstantinou, Appl. Phys. Lett. 101, 153114 (2012), doi:10.1063/1.4757607.
    """
    place, way = work
    cell, band, sign = start
    events, dimension = 0, tallies.flow.shape[1]
    velocity, path, group = tables.velocity, tables.path, tables.group
    material = int(tables.region[cell])
    length = _draw_free_path(state, path[material, band])
    while events < max_events:
        step, face = _distance_to_face(cells, cell, place, way, length)
        time = sign * step / velocity[material, band]
        # the time in a cell is the energy there, over C the temperature; over the path it counts scatterings (lattice)
        tallies.heat[cell] += time
        tallies.lattice[cell] += sign * step / path[material, band]
        for a in range(dimension):
            tallies.flow[cell, a] += sign * step * way[a]
            place[a] += step * way[a]
        if tables.slot[cell] >= 0:
            tallies.probe[tables.slot[cell], group[material, band]] += time
        length -= step
        if face < 0:  # scattered inside: a new band by C/τ, any direction, whatever it was before
            events += 1
            band = _draw_entry(state, tables.scatter[material], tables.scatter_guide[material])
            _draw_direction(state, way)
            length = _draw_free_path(state, path[material, band])
            continue
        s, beyond = tables.surface[cell, face], tables.other[cell, face]
        if s >= 0:
            events += 1
            g = group[material, band]
            fate = _meet_surface(state, s, g, material, tables)
            if fate < 0:
                tallies.power[s, g] += sign
                return events
            if fate == 0:  # specular: neither the band nor the rest of the free path changes
                _reflect(cells, cell, face, way)
                continue
            crossed = fate == 2 or fate == 3
            if crossed:
                tallies.power[s, g] += sign if material == tables.first[s] else -sign
                material = int(tables.region[beyond])
            if fate != 3:  # diffuse: elastic, so that the new band belongs to the same group
                band = _draw_band(state, g, material, tables)
                _draw_cosine_direction(state, cells, cell, face, 1.0 if crossed else -1.0, way)
            # free paths have no memory: a new one may be drawn wherever the band changes
            length = _draw_free_path(state, path[material, band])
            if not crossed:
                continue
        _enter_cell(cells, cell, face, beyond, place)
        cell = beyond
    return -1


@_compile_kernel
def follow_batch(
    state: _GeneratorState, count: int, cells: Any, tables: FlightTables, starts: StartTables, tallies: Tallies,
    max_events: int,
) -> int:  # fmt: skip
    """Follow `count` particles; return the number of their events, -1 where one never ends."""
    place, way = np.zeros(3), np.zeros(3)
    events, element = 0, 0
    for i in range(count):
        # stratified: starts are spread over the sources in proportion to their power, in their order
        u = (i + _draw_uniform(state)) / count
        while starts.chosen[element] <= u:
            element += 1
        cell, face, sign = starts.at_cell[element], starts.at_face[element], starts.sign[element]
        table = starts.table[element]
        band = _draw_entry(state, starts.spectra[table], starts.spectra_guide[table])
        _draw_place(state, cells, cell, face, place)
        if face < 0:
            _draw_direction(state, way)
        else:
            _draw_cosine_direction(state, cells, cell, face, -1.0, way)
            tallies.power[tables.surface[cell, face], tables.group[tables.region[cell], band]] -= sign
        done = _follow_particle(state, (cell, band, sign), cells, tables, tallies, (place, way), max_events)
        if done < 0:
            return -1
        events += done
    return events
