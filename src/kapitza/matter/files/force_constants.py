"""Force constants by least squares, from the forces that displaced atoms of a supercell leave."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.errors import DataError
from kapitza.matter.brillouin import lattice_operations
from kapitza.matter.periodic import nearest_sites
from kapitza.units import angstrom

_ATOM_TOLERANCE = 2e-2 * angstrom  # by which an operation may miss an atom
_SINGULAR_VALUE_CUTOFF = 1e-3  # of the largest singular value: directions in which nothing was displaced


class Displacement(NamedTuple):
    """An atom, its displacement (3,) and the forces (N, 3) that it leaves, in units of one kind."""

    atom: int
    displacement: Array
    forces: Array


class SupercellAtoms(NamedTuple):
    """Supercell: lattice (3, 3) m, positions (N, 3) in units of its vectors, kinds (N,), primitive lattice (3, 3) m; by
    how much an operation may miss an atom, m.
    """

    lattice: Array
    points: Array
    kinds: NDArray[np.str_]
    primitive: Array
    tolerance: float = _ATOM_TOLERANCE


def constants_from_displacements(
    sets: Sequence[Displacement],
    atoms: SupercellAtoms,
    origins: Sequence[int],
    path: Path | None = None,
    *,
    turns: Sequence[Array] | None = None,
) -> Array:
    """(n, N, 3, 3) force constants of the atoms `origins` of a supercell by least squares over all symmetric images of
    some displacements, in the units of these; `path` is for messages, `turns` are the rotations that may be symmetries,
    all of the lattice if left out.
    """
    if turns is None:  # Cartesian rotations and reflections, vectors in rows turn as v @ R, that keep both lattices
        rotations = [np.linalg.solve(atoms.primitive, w @ atoms.primitive) for w in lattice_operations(atoms.primitive)]
        multiples = [atoms.lattice @ turn @ np.linalg.inv(atoms.lattice) for turn in rotations]
        keeps = [np.abs(multiple - np.round(multiple)).max() < 1e-3 for multiple in multiples]
        turns = [np.asarray(turn, dtype=float) for turn, kept in zip(rotations, keeps, strict=True) if kept]
    known = {
        atom: _displaced_atom_constants(path, atom, sets, turns, atoms) for atom in sorted({one.atom for one in sets})
    }
    return np.stack([_equivalent_atom_constants(path, origin, known, turns, atoms) for origin in origins])


def atom_permutation(turn: Array, start: int, end: int, atoms: SupercellAtoms) -> IntArray | None:
    """(N,) where each atom goes when a rotation takes `start` to `end`; None if the crystal is another then."""
    inside = atoms.lattice @ turn @ np.linalg.inv(atoms.lattice)
    moved = (atoms.points - atoms.points[start]) @ inside + atoms.points[end]
    target = nearest_sites(moved, atoms.points)
    apart = moved - atoms.points[target]
    distance = np.linalg.norm((apart - np.round(apart)) @ atoms.lattice, axis=-1)
    fits = distance.max() < atoms.tolerance and (atoms.kinds[target] == atoms.kinds).all()
    return target if fits and len(np.unique(target)) == len(target) else None


def _displaced_atom_constants(
    path: Path | None, atom: int, sets: Sequence[Displacement], turns: Sequence[Array], atoms: SupercellAtoms
) -> Array:
    moves: list[Array] = []
    forces: list[Array] = []
    for turn in turns:
        target = atom_permutation(turn, atom, atom, atoms)
        if target is None:
            continue
        for one in sets:
            if one.atom == atom:
                rotated = np.empty_like(one.forces)
                rotated[target] = one.forces @ turn
                moves.append(np.asarray(one.displacement @ turn, dtype=float))
                forces.append(rotated)
    u = np.array(moves)
    size = np.linalg.svd(u)[1]
    if len(size) < 3 or size[2] < _SINGULAR_VALUE_CUTOFF * size[0]:
        raise DataError(f"atom {atom + 1} is displaced in too few directions for its symmetry", file=path)
    return -np.einsum("am,mjb->jab", np.linalg.pinv(u), np.array(forces))


def _equivalent_atom_constants(
    path: Path | None, origin: int, known: dict[int, Array], turns: Sequence[Array], atoms: SupercellAtoms
) -> Array:
    """(N, 3, 3) force constants of an atom, from one that was displaced and is the same by symmetry."""
    for atom, constants in known.items():
        for turn in turns:
            target = atom_permutation(turn, atom, origin, atoms) if atoms.kinds[atom] == atoms.kinds[origin] else None
            if target is not None:
                found = np.empty_like(constants)
                found[target] = turn.T @ constants @ turn
                return found
    raise DataError(f"no displaced atom is that of site {origin + 1} by symmetry: displace it, too", file=path)
