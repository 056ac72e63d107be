"""Compiled flights of particles, one after the other.  Importing this module needs numba.

The generator is xoshiro256+ of D. Blackman and S. Vigna, ACM Trans. Math. Softw. 47, 36 (2021), doi:10.1145/3460772.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.simulate.boltzmann.domain import IntegerArray

KernelFunction = TypeVar("KernelFunction", bound=Callable[..., Any])
GeneratorState = NDArray[np.uint64]

_BLACK_WALL, _ADIABATIC_WALL, _INNER_BOUNDARY = 0, 1, 2
_UNIT_SCALE = 2.0**-53
_OUTPUT_SHIFT, _ROTATION_LEFT, _STATE_SHIFT, _UNUSED_SHIFT, _ROTATION_RIGHT = (
    np.uint64(k) for k in (11, 45, 17, 19, 64 - 45)
)
FULL_TURN = 2 * np.pi
MOVING = (
    "low", "high", "region", "other", "surface", "velocity", "path", "group", "scatter", "scatter_guide", "slot",
    "kind", "first", "start", "leave", "specular", "through", "cross",
)  # fmt: skip
STARTING = ("at_cell", "at_face", "table", "sign", "chosen", "spectra", "spectra_guide")


def compile_kernel(function: KernelFunction) -> KernelFunction:
    """Compile a function when it is first used, and keep the machine code where there is a folder for it.

    Rounding is not arranged anew: the same seed shall give the same flights on other processors too.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return cast("KernelFunction", numba.njit(cache=True, **options)(function))
    except RuntimeError:
        return cast("KernelFunction", numba.njit(**options)(function))


@compile_kernel
def draw_uniform(state: GeneratorState) -> float:
    """Next number of the generator, from 0 to below 1."""
    result = state[0] + state[3]
    shifted = state[1] << _STATE_SHIFT
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = (state[3] << _ROTATION_LEFT) | (state[3] >> _ROTATION_RIGHT)
    return (result >> _OUTPUT_SHIFT) * _UNIT_SCALE


@compile_kernel
def draw_entry(state: GeneratorState, cumulative: Array, guide: IntegerArray) -> int:
    """Number of an entry, by its share."""
    u = draw_uniform(state)
    k = guide[int(u * guide.size)]
    while cumulative[k] <= u:
        k += 1
    return k


@compile_kernel
def _draw_leaving_band(state: GeneratorState, leave: Array, first: int, last: int) -> int:
    """Band of a group that leaves a surface, by what each carries."""
    x = leave[first] + draw_uniform(state) * (leave[last] - leave[first])
    k = first
    while k < last - 1 and leave[k + 1] <= x:
        k += 1
    return k


@compile_kernel
def draw_direction(state: GeneratorState, way: Array) -> None:
    """Any direction alike."""
    cosine = 2 * draw_uniform(state) - 1
    sine = np.sqrt(1 - cosine * cosine)
    angle = FULL_TURN * draw_uniform(state)
    way[0], way[1], way[2] = cosine, sine * np.cos(angle), sine * np.sin(angle)


@compile_kernel
def _draw_cosine_direction(state: GeneratorState, way: Array, axis: int, sense: float) -> None:
    """A direction away from a plane, by the cosine law."""
    u = draw_uniform(state)
    sine, angle = np.sqrt(u), FULL_TURN * draw_uniform(state)
    way[axis] = sense * np.sqrt(1 - u)
    way[(axis + 1) % 3], way[(axis + 2) % 3] = sine * np.cos(angle), sine * np.sin(angle)


@compile_kernel
def draw_free_path(state: GeneratorState, path: float) -> float:
    """Length of a flight."""
    return -path * np.log(1 - draw_uniform(state))


@compile_kernel
def _distance_to_face(place: Array, way: Array, low: Array, high: Array, length: float) -> tuple[float, int]:
    """Length up to the next face of a cell and its number; -1 where the flight ends before."""
    face = -1
    for a in range(low.size):
        if way[a] > 0:
            t = (high[a] - place[a]) / way[a]
            if t < length:
                length, face = t, 2 * a + 1
        elif way[a] < 0:
            t = (low[a] - place[a]) / way[a]
            if t < length:
                length, face = t, 2 * a
    return max(length, 0.0), face


@compile_kernel
def _follow_particle(
    state: GeneratorState,
    start: tuple[int, int, int, float],
    tables: Any,
    tallies: Any,
    work: tuple[Array, Array],
    most: int,
) -> int:
    """Follow one particle to its end and return the number of its events, -1 where they never end.

    Parameters
    ----------
    state : of the generator
    start : cell, face, band, and sign of the particle
    tables : arrays named in `MOVING`
    tallies : `heat`, `lattice` (C,), `flow` (C, d), `power` (S, G), `probe` (P, G)
    work : place (3,) and direction (3,), set
    most : events
    """
    (low, high, region, other, surface, velocity, path, group, scatter, guide, slot) = tables[:11]
    heat, lattice, flow, power, probe = tallies
    place, way = work
    cell, _, band, sign = start
    events, dimension = 0, low.shape[1]
    material = region[cell]
    length = draw_free_path(state, path[material, band])
    while events < most:
        step, face = _distance_to_face(place, way, low[cell], high[cell], length)
        time = sign * step / velocity[material, band]
        heat[cell] += time
        lattice[cell] += sign * step / path[material, band]
        for a in range(dimension):
            flow[cell, a] += sign * step * way[a]
            place[a] += step * way[a]
        if slot[cell] >= 0:
            probe[slot[cell], group[material, band]] += time
        length -= step
        if face < 0:
            events += 1
            band = draw_entry(state, scatter[material], guide[material])
            draw_direction(state, way)
            length = draw_free_path(state, path[material, band])
            continue
        s, beyond = surface[cell, face], other[cell, face]
        if s >= 0:
            events += 1
            fate = meet_surface(state, s, group[material, band], material, tables)
            if fate < 0:
                power[s, group[material, band]] += sign
                return events
            if fate == 0:
                way[face // 2] = -way[face // 2]
                continue
            crossed = fate == 2 or fate == 3
            if crossed:
                power[s, group[material, band]] += sign if material == tables[12][s] else -sign
                material = region[beyond]
            if fate != 3:
                band = draw_band_of_group(state, group[region[cell], band], material, tables)
                _draw_cosine_direction(state, way, face // 2, _leaving_sense(face, crossed))
            length = draw_free_path(state, path[material, band])
            if not crossed:
                continue
        cell = beyond
        place[face // 2] = low[cell, face // 2] if face % 2 else high[cell, face // 2]
    return -1


@compile_kernel
def _leaving_sense(face: int, crossed: bool) -> float:
    """Sense along its axis in which a particle leaves a face that it met from inside."""
    up = face % 2 == 1
    return 1.0 if up == crossed else -1.0


@compile_kernel
def draw_band_of_group(state: GeneratorState, g: int, material: int, tables: Any) -> int:
    """Band of the same group that goes on in a material."""
    start, leave = tables[13], tables[14]
    return _draw_leaving_band(state, leave[material], start[material, g], start[material, g + 1])


@compile_kernel
def meet_surface(state: GeneratorState, s: int, g: int, material: int, tables: Any) -> int:
    """What a surface does: -1 takes the particle, 0 mirrors, 1 scatters it back, 2 lets it cross, 3 straight."""
    kind, specular, through, cross = tables[11][s], tables[15], tables[16], tables[17]
    p = specular[s, g]
    mirror = p > 0 and draw_uniform(state) < p
    if kind == _BLACK_WALL:
        return 0 if mirror else -1
    if kind == _ADIABATIC_WALL:
        return 0 if mirror else 1
    if mirror:
        return 3 if draw_uniform(state) < through[s, g] else 0
    return 2 if draw_uniform(state) < cross[s, material, g] else 1


@compile_kernel
def batch(state: GeneratorState, count: int, tables: Any, sources: Any, tallies: Any, most: int) -> int:
    """Follow `count` particles; return the number of their events, -1 where one never ends."""
    low, high, region, surface, group = tables[0], tables[1], tables[2], tables[4], tables[7]
    at_cell, at_face, table, signs, chosen, spectra, guide = sources
    power = tallies[3]
    place, way = np.zeros(3), np.zeros(3)
    events, element = 0, 0
    for i in range(count):
        u = (i + draw_uniform(state)) / count
        while chosen[element] <= u:
            element += 1
        cell, face, sign = at_cell[element], at_face[element], signs[element]
        band = draw_entry(state, spectra[table[element]], guide[table[element]])
        for a in range(low.shape[1]):
            place[a] = low[cell, a] + draw_uniform(state) * (high[cell, a] - low[cell, a])
        if face < 0:
            draw_direction(state, way)
        else:
            axis = face // 2
            place[axis] = high[cell, axis] if face % 2 else low[cell, axis]
            _draw_cosine_direction(state, way, axis, -1.0 if face % 2 else 1.0)
            power[surface[cell, face], group[region[cell], band]] -= sign
        done = _follow_particle(state, (cell, face, band, sign), tables, tallies, (place, way), most)
        if done < 0:
            return -1
        events += done
    return events
