r"""Force constants from forces on displaced atoms, as phonopy keeps them in FORCE_SETS.

Few atoms are displaced, and the symmetry of the crystal does the rest.  A displacement u of atom a leaves forces
$F_{j\beta} = -\sum_\alpha\Phi_{a\alpha,j\beta}u_\alpha$ on all atoms; an operation that leaves the atom where it is
turns both into another displacement with its forces.  All of them together give the force constants of that atom by
least squares (K. Parlinski, Z. Q. Li, Y. Kawazoe, Phys. Rev. Lett. 78, 4063 (1997), doi:10.1103/PhysRevLett.78.4063),
and an operation that moves it onto another atom those of the other.
"""

from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import DataError
from kapitza.matter.brillouin import Integers
from kapitza.matter.force_constants import readable
from kapitza.units import angstrom

SAME = 2e-2 * angstrom  # by which an operation may miss an atom
EQUAL = 1e-4  # relative: lengths and angles that an operation keeps
WEAK = 1e-3  # of the largest singular value: directions in which nothing was displaced


class Displaced(NamedTuple):
    """An atom, its displacement (3,) and the forces (N, 3) that it leaves, in the units of the file."""

    atom: int
    displacement: Array
    forces: Array


class Atoms(NamedTuple):
    """Supercell: lattice (3, 3) m, positions (N, 3) in units of its vectors, kinds (N,), primitive lattice (3, 3) m."""

    lattice: Array
    points: Array
    kinds: NDArray[np.str_]
    primitive: Array


def constants_from_sets(path: Path, atoms: Atoms, origins: tuple[int, ...]) -> Array:
    """(n, N, 3, 3) force constants of the atoms `origins` of a supercell, in the units of the file.

    Raises
    ------
    DataError
        if the file is not what it should be, or the displacements and the symmetry leave force constants open
    """
    sets = read_sets(path, len(atoms.points))
    turns = rotations(atoms.primitive, atoms.lattice)
    known = {atom: of_atom(path, atom, sets, turns, atoms) for atom in sorted({one.atom for one in sets})}
    return np.stack([carried(path, origin, known, turns, atoms) for origin in origins])


def read_sets(path: Path, count: int) -> list[Displaced]:
    """Displacements and forces of a FORCE_SETS file of `count` atoms."""
    words = [(word, i + 1) for i, line in enumerate(readable(path)) for word in line.split("#")[0].split()]
    try:
        values = np.array([float(word) for word, _ in words])
    except ValueError as err:
        wrong = next((i for word, i in words if not word.lstrip("+-").replace(".", "", 1)[:1].isdigit()), None)
        raise DataError(f"expected numbers only: {err!s:.60}", file=path, line=wrong) from err
    sizes = values[:2].tolist() if values.size > 1 and np.isfinite(values[:2]).all() else [0, 0]
    if sizes[0] != count or not 1 <= sizes[1] <= 6 * count or sizes[1] != int(sizes[1]):
        raise DataError(f"expected {count} atoms and a number of displacements, got {sizes}", file=path, line=1)
    each = 4 + 3 * count
    if values.size != 2 + int(sizes[1]) * each or not np.isfinite(values).all():
        raise DataError(
            f"{values.size} numbers, wanted {2 + int(sizes[1]) * each} finite ones for {int(sizes[1])} displacements "
            "of atoms in the supercell (type 1)",
            file=path,
        )
    rows = values[2:].reshape(int(sizes[1]), each)
    if not ((rows[:, 0] >= 1) & (rows[:, 0] <= count) & (np.abs(rows[:, 1:4]).max(axis=1) > 0)).all():
        raise DataError(f"displaced atoms {rows[:, 0].tolist()!s:.60}, wanted 1 to {count}, each moved", file=path)
    return [Displaced(int(row[0]) - 1, row[1:4], row[4:].reshape(count, 3)) for row in rows]


def rotations(primitive: Array, lattice: Array) -> list[Array]:
    """Cartesian rotations and reflections (3, 3), vectors in rows turn as v @ R, that keep both lattices."""
    steps = np.array(list(product(range(-2, 3), repeat=3)))
    vectors = steps @ primitive
    gram, scale = primitive @ primitive.T, float(np.abs(primitive @ primitive.T).max())
    square = (vectors**2).sum(axis=1)
    rows = [vectors[np.abs(square - gram[i, i]) < EQUAL * scale] for i in range(3)]
    found: list[Array] = []
    for a, b, c in product(*rows):
        turned = np.array([a, b, c])
        if np.abs(turned @ turned.T - gram).max() < EQUAL * scale:
            turn = np.linalg.solve(primitive, turned)
            whole = lattice @ turn @ np.linalg.inv(lattice)
            if np.abs(whole - np.round(whole)).max() < 1e-3:
                found.append(np.asarray(turn, dtype=float))
    return found


def permutation(turn: Array, start: int, end: int, atoms: Atoms) -> Integers | None:
    """(N,) where each atom goes when a rotation takes `start` to `end`; None if the crystal is another then."""
    inside = atoms.lattice @ turn @ np.linalg.inv(atoms.lattice)
    moved = (atoms.points - atoms.points[start]) @ inside + atoms.points[end]
    apart = moved[:, None] - atoms.points
    distance = np.linalg.norm((apart - np.round(apart)) @ atoms.lattice, axis=-1)
    target = np.argmin(distance, axis=1)
    fits = distance.min(axis=1).max() < SAME and (atoms.kinds[target] == atoms.kinds).all()
    return target if fits and len(np.unique(target)) == len(target) else None


def of_atom(path: Path, atom: int, sets: list[Displaced], turns: list[Array], atoms: Atoms) -> Array:
    """(N, 3, 3) force constants of an atom that was displaced."""
    moves: list[Array] = []
    forces: list[Array] = []
    for turn in turns:
        target = permutation(turn, atom, atom, atoms)
        if target is None:
            continue
        for one in sets:
            if one.atom == atom:
                turned = np.empty_like(one.forces)
                turned[target] = one.forces @ turn
                moves.append(np.asarray(one.displacement @ turn, dtype=float))
                forces.append(turned)
    u = np.array(moves)
    size = np.linalg.svd(u)[1]
    if len(size) < 3 or size[2] < WEAK * size[0]:
        raise DataError(f"atom {atom + 1} is displaced in too few directions for its symmetry", file=path)
    return -np.einsum("am,mjb->jab", np.linalg.pinv(u), np.array(forces))


def carried(path: Path, origin: int, known: dict[int, Array], turns: list[Array], atoms: Atoms) -> Array:
    """(N, 3, 3) force constants of an atom, from one that was displaced and is the same by symmetry."""
    for atom, constants in known.items():
        for turn in turns:
            target = permutation(turn, atom, origin, atoms) if atoms.kinds[atom] == atoms.kinds[origin] else None
            if target is not None:
                found = np.empty_like(constants)
                found[target] = turn.T @ constants @ turn
                return found
    raise DataError(f"no displaced atom is that of site {origin + 1} by symmetry: displace it, too", file=path)
