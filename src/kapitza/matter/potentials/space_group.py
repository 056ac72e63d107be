r"""Space group of a structure, found by spglib: its operations, its primitive cell, and the structure on which they act
exactly.

Points and lattice vectors are rows: an operation $\{W|t\}$ takes the point p, in units of the lattice vectors, to
$pW + t$.  A. Togo, K. Shinohara and I. Tanaka, Sci. Technol. Adv. Mater. Methods 4, 2384822 (2024),
doi:10.1080/27660400.2024.2384822.
"""

from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
from attrs import evolve, frozen

from kapitza.core.arrays import Array, IntArray
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.periodic import minkowski_basis, nearest_sites
from kapitza.matter.structure import Structure
from kapitza.units import angstrom

SITE_TOLERANCE = 1e-2 * angstrom  # by which an operation may miss an atom


@frozen(eq=False)
class SpaceGroup(BaseRecord):
    """Operations {W|t} in units of lattice vectors (rows), and the atom to which each takes each atom."""

    turns: IntArray  # (k, 3, 3)
    shifts: Array  # (k, 3)
    targets: IntArray  # (k, n)

    def cartesian(self, lattice: Array) -> Array:
        """(k, 3, 3) rotations R of Cartesian vectors in rows, v @ R."""
        return np.asarray(np.linalg.solve(lattice, self.turns @ lattice), dtype=float)


def find_symmetry(one: Structure, tolerance: float) -> Any:
    """Return the data set of spglib for a structure, in which operations may miss an atom by a tolerance, m; InputError
    for atoms that are so near to each other that spglib takes them for one.
    """
    import spglib  # takes as long to load as numpy

    kinds = np.unique(one.symbols, return_inverse=True)[1]
    cell: Any = one.lattice / angstrom, one.positions @ np.linalg.inv(one.lattice), kinds
    with catch_warnings():
        simplefilter("ignore", DeprecationWarning)  # spglib 2.7 and 2.8 announce with each call how errors will change
        try:
            symmetry: Any = spglib.get_symmetry_dataset(cell, symprec=tolerance / angstrom)
        except spglib.SpglibError:
            symmetry = None
    if symmetry is None:
        raise InputError(
            f"{one.name}: spglib finds no symmetry of {kinds.size} atoms within {tolerance / angstrom:g} Å"
        )
    return symmetry


def space_group(one: Structure, tolerance: float = SITE_TOLERANCE) -> SpaceGroup:
    """Return the operations that take every atom of a structure to one of its element within a tolerance, m."""
    symmetry, points = find_symmetry(one, tolerance), one.positions @ np.linalg.inv(one.lattice)
    turns = symmetry.rotations.swapaxes(1, 2).astype(np.int64)
    moved = points @ turns + symmetry.translations[:, None]
    targets = nearest_sites(moved.reshape(-1, 3), points).reshape(moved.shape[:2])
    apart = moved - points[targets]
    miss = (apart - np.round(apart)).mean(axis=1)
    return SpaceGroup(turns, symmetry.translations - miss, targets)


def primitive_structure(one: Structure, tolerance: float = SITE_TOLERANCE) -> Structure:
    """Return the primitive cell with reduced lattice vectors, sites and lattice as symmetric as they are within a
    tolerance, m; Miller indices keep to the cell that was given.
    """
    symmetry = find_symmetry(one, tolerance)
    first = np.sort(np.unique(symmetry.mapping_to_primitive, return_index=True)[1])
    lattice = one.lattice if len(first) == one.masses.size else symmetry.primitive_lattice * angstrom
    lattice = minkowski_basis(lattice)
    reduced = evolve(
        one,
        lattice=lattice if np.linalg.det(lattice) > 0 else -lattice,
        positions=one.positions[first],
        masses=one.masses[first],
        symbols=tuple(np.array(one.symbols)[first].tolist()),
        axes=one.lattice if one.axes is None else one.axes,
    )
    return symmetrize_structure(reduced, tolerance)


def height_operations(one: Structure, tolerance: float = SITE_TOLERANCE) -> SpaceGroup:
    """Operations of a structure that leave all heights along the third lattice vector, so that no two planes or
    interfaces are taken for one another, however little they differ.
    """
    group = space_group(one, tolerance)
    rise = np.abs(group.shifts[:, 2] - np.round(group.shifts[:, 2])) * one.volume
    rise /= np.linalg.norm(np.cross(one.lattice[0], one.lattice[1]))
    upright = (group.turns[:, 2, 2] == 1) & (group.turns[:, :2, 2] == 0).all(axis=1)
    kept = upright & (rise < 4 * tolerance)
    return SpaceGroup(group.turns[kept], group.shifts[kept], group.targets[kept])


def symmetrize_structure(
    one: Structure, tolerance: float = SITE_TOLERANCE, *, group: SpaceGroup | None = None
) -> Structure:
    """Return a structure whose metric tensor and sites are averages over its space group, or a `group` of it."""
    group = space_group(one, tolerance) if group is None else group
    metric = (group.turns @ (one.lattice @ one.lattice.T) @ group.turns.swapaxes(1, 2)).mean(axis=0)
    inverse = np.linalg.inv(one.lattice)
    value, vector = np.linalg.eigh(inverse @ metric @ inverse.T)
    lattice = one.lattice @ (vector * np.sqrt(value)) @ vector.T  # strained, not turned
    points = one.positions @ inverse
    total = np.zeros_like(points)
    for turn, shift, target in zip(group.turns, group.shifts, group.targets, strict=True):
        image = points @ turn + shift
        total[target] += image - np.round(image - points[target])
    axes = None if one.axes is None else one.axes @ inverse @ lattice
    return evolve(one, lattice=lattice, positions=total / len(group.turns) @ lattice, axes=axes)
