r"""Forces at displaced atoms, as few as the symmetry of a structure allows, each kept when it is done.

An atom of each orbit of the space group is displaced, both ways where no operation turns one into the other, along the
fewest directions whose symmetric images span space (K. Parlinski, Z. Q. Li, Y. Kawazoe, Phys. Rev. Lett. 78, 4063
(1997), doi:10.1103/PhysRevLett.78.4063); force constants are the least-squares solution over these images.
"""

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
from attrs import evolve

from kapitza.core.arrays import Array, IntArray
from kapitza.matter.files.force_constants import Displacement, SupercellAtoms, constants_from_displacements
from kapitza.matter.potentials.force_field import ForceField
from kapitza.matter.potentials.force_meter import duration
from kapitza.matter.potentials.kept_forces import forces_on_all
from kapitza.matter.potentials.space_group import SpaceGroup, space_group
from kapitza.matter.structure import Structure
from kapitza.units import angstrom

_NOTICEABLE_WORK = 3000  # evaluations times atoms: more is announced
_WELL_CONDITIONED = 0.3  # smallest over largest singular value of images of a displacement
REST_TOLERANCE = 1e-3 * angstrom  # by which an operation may miss an atom of a structure at rest


def displaced_constants(
    one: Structure,
    counts: tuple[int, int, int],
    rows: IntArray,
    force_field: ForceField,
    *,
    periodic: bool = True,
    group: SpaceGroup | None = None,
) -> tuple[Structure, Array]:
    """Supercell of `counts` repeats, or more of them where the symmetry asks for it, and force constants (m, N, 3, 3)
    N m⁻¹ between the atoms `rows` of its first cell and all of it; `periodic`: along the third lattice vector, too.
    With a `group` the counts stay, and so do those of its operations alone that keep the supercell.
    """
    turns: Sequence[Array] | None = None
    short = one.lattice if group is None and periodic else _low_lattice(one)
    if group is None:
        group = space_group(one, REST_TOLERANCE)
        counts = symmetric_counts(counts, group)
    else:
        group = _supercell_operations(group, counts)
        turns = list(group.cartesian(one.lattice))
    moves = _group_displacements(short, group, rows)
    big = one.repeat(counts)
    sets = displaced_forces(one, big, moves, force_field, periodic=periodic)
    points = big.positions @ np.linalg.inv(big.lattice)
    # an operation misses more atoms if one of them is put on its image exactly
    supercell = SupercellAtoms(big.lattice, points, np.array(big.symbols), one.lattice, 3 * REST_TOLERANCE)
    return big, constants_from_displacements(sets, supercell, rows.tolist(), turns=turns)


def planned_displacements(
    one: Structure, counts: tuple[int, int, int], rows: IntArray, group: SpaceGroup
) -> list[tuple[int, Array]]:
    """Atoms and directions of `displaced_constants` with a group."""
    return _group_displacements(_low_lattice(one), _supercell_operations(group, counts), rows)


def _group_displacements(lattice: Array, group: SpaceGroup, rows: IntArray) -> list[tuple[int, Array]]:
    """Atoms and directions that give the force constants of all `rows` by the operations of a group."""
    return [(atom, vector) for atom in _orbit_atoms(group, rows) for vector in displacements(lattice, group, atom)]


def _low_lattice(one: Structure) -> Array:
    """Lattice with a short third vector: directions between the plane and the normal, whatever the cell's height."""
    short = one.lattice.copy()
    short[2] *= np.linalg.norm(short[0]) / np.linalg.norm(short[2])
    return short


def displaced_forces(
    one: Structure,
    big: Structure,
    moves: Sequence[tuple[int, Array]],
    force_field: ForceField,
    *,
    periodic: bool = True,
) -> list[Displacement]:
    """Forces (N, 3) on all atoms of a supercell `big` of the cell `one`, N, their mean taken off, for each displacement
    of an atom along a direction, by the step of the force field; from the cache of this user where they are there.
    """
    if (
        force_field.announce is not None
        and force_field.meter is None
        and len(moves) * big.masses.size > _NOTICEABLE_WORK
    ):
        # the time grows as the number of atoms
        seconds = force_field.seconds(one, periodic=periodic) * big.masses.size / one.masses.size * len(moves)
        kept = "" if force_field.identity is None else ", each kept when it is done"
        force_field.announce(
            f"{one.name}: {len(moves)} evaluations of forces on {big.masses.size} atoms, about {duration(seconds)} in "
            f"all{kept}"
        )
    moved: list[Structure] = []
    for atom, direction in moves:
        positions = big.positions.copy()
        positions[atom] += force_field.step * direction
        moved.append(evolve(big, positions=positions))
    found = forces_on_all(moved, force_field, periodic=periodic)
    return [
        Displacement(atom, force_field.step * direction, forces - forces.mean(axis=0))
        for (atom, direction), forces in zip(moves, found, strict=True)
    ]


def symmetric_counts(counts: tuple[int, int, int], group: SpaceGroup) -> tuple[int, int, int]:
    """Repeats of a cell, made equal along lattice vectors that the symmetry mixes."""
    repeats = np.array(counts)
    mixed = (group.turns != 0).any(axis=0)
    mixed |= mixed.T
    for _ in range(3):
        repeats = np.array([repeats[row].max() for row in mixed])
    return int(repeats[0]), int(repeats[1]), int(repeats[2])


def _supercell_operations(group: SpaceGroup, counts: tuple[int, int, int]) -> SpaceGroup:
    """Operations of a space group that take the lattice of a supercell to itself."""
    size = np.array(counts)
    scaled = size[:, None] * group.turns / size
    kept = (np.abs(scaled - np.round(scaled)) < 1e-9).all(axis=(1, 2))
    return SpaceGroup(group.turns[kept], group.shifts[kept], group.targets[kept])


def _orbit_atoms(group: SpaceGroup, rows: IntArray) -> list[int]:
    """One atom among `rows` of each orbit that has one there."""
    orbit = group.targets.min(axis=0)[rows]
    return sorted({int(rows[np.flatnonzero(orbit == first)[0]]) for first in np.unique(orbit)})


def irreducible_atoms(group: SpaceGroup) -> list[int]:
    """One atom of each orbit."""
    return sorted(set(group.targets.min(axis=0).tolist()))


def displacements(lattice: Array, group: SpaceGroup, atom: int) -> list[Array]:
    """Unit vectors along which an atom has to be displaced."""
    turns = group.cartesian(lattice)[group.targets[:, atom] == atom]
    steps = np.array([v for v in product((-1, 0, 1), repeat=3) if v > (0, 0, 0)])
    trials = np.concatenate([np.eye(3), steps @ lattice])
    trials /= np.linalg.norm(trials, axis=1)[:, None]
    for count in (1, 2):
        rated = [_rate_directions(trials[list(chosen)], turns) for chosen in combinations(range(len(trials)), count)]
        good = [(cost, -quality, i) for i, (cost, quality) in enumerate(rated) if quality > _WELL_CONDITIONED]
        if good:
            chosen = list(combinations(range(len(trials)), count))[min(good)[2]]
            return _both_ways(trials[list(chosen)], turns)
    return _both_ways(np.eye(3), turns)


def _rate_directions(directions: Array, turns: Array) -> tuple[int, float]:
    """Evaluations that some directions cost, and how well their images span space."""
    size = np.linalg.svd((directions @ turns).reshape(-1, 3), compute_uv=False)
    return len(_both_ways(directions, turns)), round(float(size[2] / size[0]), 6) if len(size) == 3 else 0.0


def _both_ways(directions: Array, turns: Array) -> list[Array]:
    """Directions, with their opposites where these are no images."""
    found: list[Array] = []
    for one in directions:
        odd = np.linalg.norm(one @ turns + one, axis=1).min() > 1e-3
        found += [one, -one] if odd else [one]
    return found
