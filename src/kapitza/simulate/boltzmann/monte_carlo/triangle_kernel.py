"""Compiled flights through triangles and prisms.  Importing this module needs numba."""

from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.simulate.boltzmann.monte_carlo.block_kernel import (
    FULL_TURN,
    STARTING,
    GeneratorState,
    compile_kernel,
    draw_band_of_group,
    draw_direction,
    draw_entry,
    draw_free_path,
    draw_uniform,
    meet_surface,
)
from kapitza.simulate.boltzmann.monte_carlo.block_kernel import MOVING as BLOCKS

__all__ = ["MOVING", "STARTING", "batch"]

MOVING = ("corner", "normal", *BLOCKS[2:], "offset", "bounds", "extent", "jump")


@compile_kernel
def _distance_to_side(
    place: Array, way: Array, normal: Array, offset: Array, bounds: Array, length: float
) -> tuple[float, int]:
    """Length up to the next face of a cell and its number; -1 where the flight ends before.

    Parameters
    ----------
    place, way : (3,)
    normal, offset : (3, 2) and (3,) of the sides of the triangle
    bounds : (2,) bottom and top, or empty
    length : that is left
    """
    face = -1
    for e in range(3):
        speed = way[0] * normal[e, 0] + way[1] * normal[e, 1]
        if speed > 0:
            t = (offset[e] - place[0] * normal[e, 0] - place[1] * normal[e, 1]) / speed
            if t < length:
                length, face = t, e
    if bounds.size and way[2] != 0:
        top = 1 if way[2] > 0 else 0
        t = (bounds[top] - place[2]) / way[2]
        if t < length:
            length, face = t, 3 + top
    return max(length, 0.0), face


@compile_kernel
def _face_normal(normal: Array, face: int) -> tuple[float, float, float]:
    """Outward normal of a face of a cell with the sides (3, 2)."""
    if face < 3:
        return normal[face, 0], normal[face, 1], 0.0
    return 0.0, 0.0, (1.0 if face == 4 else -1.0)


@compile_kernel
def _reflect_direction(way: Array, normal: tuple[float, float, float]) -> None:
    """Turn a direction round at a plane."""
    along = 2 * (way[0] * normal[0] + way[1] * normal[1] + way[2] * normal[2])
    for a in range(3):
        way[a] -= along * normal[a]


@compile_kernel
def _draw_direction_from_plane(
    state: GeneratorState, way: Array, normal: tuple[float, float, float], sense: float
) -> None:
    """A direction away from a plane, by the cosine law, along its normal or (sense -1) against it."""
    u = draw_uniform(state)
    angle = FULL_TURN * draw_uniform(state)
    up, one, two = sense * np.sqrt(1 - u), np.sqrt(u) * np.cos(angle), np.sqrt(u) * np.sin(angle)
    if normal[2] == 0:
        way[0], way[1], way[2] = up * normal[0] - one * normal[1], up * normal[1] + one * normal[0], two
    else:
        way[0], way[1], way[2] = one, two, up * normal[2]


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
    state, start, tallies, work, most : as for blocks
    tables : arrays named in `MOVING`
    """
    (_, normals, region, other, surface, velocity, path, group, scatter, guide, slot) = tables[:11]
    offset, bounds, extent, jump = tables[18:]
    heat, lattice, flow, power, probe = tallies
    place, way = work
    cell, _, band, sign = start
    events, layers, dimension = 0, bounds.size - 1, flow.shape[1]
    material = region[cell]
    length = draw_free_path(state, path[material, band])
    while events < most:
        triangle, k = cell // layers, cell % layers
        normal = normals[triangle]
        level = bounds[k : k + 2] if dimension == 3 else bounds[:0]
        step, face = _distance_to_side(place, way, normal, offset[triangle], level, length)
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
                _reflect_direction(way, _face_normal(normal, face))
                continue
            crossed = fate == 2 or fate == 3
            if crossed:
                power[s, group[material, band]] += sign if material == tables[12][s] else -sign
                material = region[beyond]
            if fate != 3:
                band = draw_band_of_group(state, group[region[cell], band], material, tables)
                _draw_direction_from_plane(state, way, _face_normal(normal, face), 1.0 if crossed else -1.0)
            length = draw_free_path(state, path[material, band])
            if not crossed:
                continue
        leap = jump[cell, face]
        if leap >= 0:
            place[leap // 2] += extent[leap // 2] if leap % 2 == 0 else -extent[leap // 2]
        cell = beyond
    return -1


@compile_kernel
def _draw_place_in_triangle(state: GeneratorState, place: Array, corner: Array) -> None:
    """A place anywhere in a triangle (3, 2)."""
    root, share = np.sqrt(draw_uniform(state)), draw_uniform(state)
    for a in range(2):
        edge = corner[1, a] + share * (corner[2, a] - corner[1, a])
        place[a] = corner[0, a] + root * (edge - corner[0, a])


@compile_kernel
def _draw_place_in_cell(state: GeneratorState, place: Array, corner: Array, level: Array, face: int) -> None:
    """A place anywhere in a cell, or on one of its faces."""
    if 0 <= face < 3:
        share, after = draw_uniform(state), (face + 1) % 3
        for a in range(2):
            place[a] = corner[face, a] + share * (corner[after, a] - corner[face, a])
    else:
        _draw_place_in_triangle(state, place, corner)
    if face < 3:
        place[2] = level[0] + draw_uniform(state) * (level[1] - level[0])
    else:
        place[2] = level[face - 3]


@compile_kernel
def batch(state: GeneratorState, count: int, tables: Any, sources: Any, tallies: Any, most: int) -> int:
    """Follow `count` particles; return the number of their events, -1 where one never ends."""
    corner, normals, region, surface, group, bounds = tables[0], tables[1], tables[2], tables[4], tables[7], tables[19]
    at_cell, at_face, table, signs, chosen, spectra, guide = sources
    power, layers = tallies[3], bounds.size - 1
    place, way = np.zeros(3), np.zeros(3)
    events, element = 0, 0
    for i in range(count):
        u = (i + draw_uniform(state)) / count
        while chosen[element] <= u:
            element += 1
        cell, face, sign = at_cell[element], at_face[element], signs[element]
        band = draw_entry(state, spectra[table[element]], guide[table[element]])
        triangle, k = cell // layers, cell % layers
        _draw_place_in_cell(state, place, corner[triangle], bounds[k : k + 2], face)
        if face < 0:
            draw_direction(state, way)
        else:
            _draw_direction_from_plane(state, way, _face_normal(normals[triangle], face), -1.0)
            power[surface[cell, face], group[region[cell], band]] -= sign
        done = _follow_particle(state, (cell, face, band, sign), tables, tallies, (place, way), most)
        if done < 0:
            return -1
        events += done
    return events
