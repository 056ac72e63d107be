r"""Space group of a structure: its operations, its primitive cell, and the structure on which they act exactly.

Points and lattice vectors are rows: an operation $\{W|t\}$ takes the point p, in units of the lattice vectors, to
$pW + t$.  All lattice operations are tried, each with the translations that take one atom of the rarest element to
another.
"""

from itertools import combinations, product

import numpy as np
from attrs import evolve, frozen

from kapitza.core.arrays import Array, IntArray
from kapitza.core.records import BaseRecord
from kapitza.matter.brillouin import lattice_operations
from kapitza.matter.files.folding import minkowski_basis
from kapitza.matter.files.force_constants import nearest_sites
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


def space_group(one: Structure, tolerance: float = SITE_TOLERANCE, candidates: IntArray | None = None) -> SpaceGroup:
    """Return the operations that take every atom of a structure to one of its element within a tolerance, m; of all
    operations of the lattice, or of those `candidates` (k, 3, 3).
    """
    points = one.positions @ np.linalg.inv(one.lattice)
    kinds = np.unique(one.symbols, return_inverse=True)[1]
    rarest = np.flatnonzero(kinds == np.argmin(np.bincount(kinds)))
    turns: list[IntArray] = []
    shifts: list[Array] = []
    targets: list[IntArray] = []
    for turn in lattice_operations(one.lattice) if candidates is None else candidates:
        rotated = points @ turn
        for other in _possible_targets(rotated, points, rarest, one.lattice, tolerance):
            moved = rotated + points[other] - rotated[rarest[0]]
            target = nearest_sites(moved, points)
            apart = moved - points[target]
            apart -= np.round(apart)
            miss = apart.mean(axis=0)  # of the two atoms on which the shift was based
            far = np.linalg.norm((apart - miss) @ one.lattice, axis=1).max() > tolerance
            if not far and (kinds[target] == kinds).all() and len(np.unique(target)) == len(target):
                turns.append(turn)
                shifts.append(points[other] - rotated[rarest[0]] - miss)
                targets.append(target)
    return SpaceGroup(np.array(turns), np.array(shifts), np.array(targets))


def _possible_targets(rotated: Array, points: Array, rarest: IntArray, lattice: Array, tolerance: float) -> IntArray:
    """Atoms to which an operation may take the first of the rarest: some other atom then lies on a site, too."""
    probe = rotated[-1] + points[rarest] - rotated[rarest[0]]
    apart = probe - points[nearest_sites(probe, points)]
    return rarest[np.linalg.norm((apart - np.round(apart)) @ lattice, axis=1) < 4 * tolerance]


def primitive_structure(one: Structure, tolerance: float = SITE_TOLERANCE) -> Structure:
    """Return the primitive cell with reduced lattice vectors, sites and lattice as symmetric as they are within a
    tolerance, m; Miller indices keep to the cell that was given.
    """
    axes = one.lattice if one.axes is None else one.axes
    reduced = evolve(one, lattice=_right_handed(minkowski_basis(one.lattice)), axes=axes)
    pure = space_group(reduced, tolerance, np.eye(3, dtype=np.int64)[None])
    if len(pure.shifts) > 1:
        first = pure.targets.min(axis=0) == np.arange(one.masses.size)
        lattice = _centred_lattice(reduced.lattice, pure.shifts)
        reduced = evolve(
            reduced,
            lattice=lattice,
            positions=reduced.positions[first],
            masses=reduced.masses[first],
            symbols=tuple(np.array(reduced.symbols)[first].tolist()),
        )
    return symmetrize_structure(reduced, tolerance)


def _centred_lattice(lattice: Array, shifts: Array) -> Array:
    """Reduced vectors of the lattice that pure translations (m, 3) in units of lattice vectors make denser."""
    steps = np.array(list(product((-1, 0, 1), repeat=3)))
    vectors = ((shifts - np.round(shifts))[:, None] + steps).reshape(-1, 3)
    length = np.linalg.norm(vectors @ lattice, axis=1)
    order = np.argsort(length, kind="stable")
    shortest = vectors[order[length[order] > 0.1 * angstrom]]
    volume = 1 / len(shifts)
    for triple in combinations(range(min(len(shortest), 40)), 3):
        found = shortest[list(triple)]
        if abs(abs(np.linalg.det(found)) - volume) < 0.1 * volume:
            return _right_handed(minkowski_basis(found @ lattice))
    return lattice


def _right_handed(lattice: Array) -> Array:
    """Lattice vectors with positive volume."""
    return lattice if np.linalg.det(lattice) > 0 else -lattice


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
