r"""Crystals turned so that a surface of theirs faces along z, cut into layers as thin as the lattice allows.

A lattice plane (hkl) contains the lattice vectors $m$ with $h\cdot m = 0$; the shortest step to the next plane of
lattice points has $h\cdot m = 1$.  It may be oblique: Si (001) so has a layer of two atoms, half of the cubic cell.
Forces that reach over many layers are cut off at a distance, or along a normal.
"""

from itertools import combinations, product
from math import gcd

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike, NDArray

from kapitza.core.arrays import Array, BoolArray, IntArray, about, integer_array
from kapitza.core.records import BaseRecord
from kapitza.errors import Hint, InputError
from kapitza.matter.crystal import Crystal, unit_vector
from kapitza.matter.files.crystals import enforce_sum_rule
from kapitza.matter.structure import Structure
from kapitza.units import THz, angstrom

_LARGEST_INDEX = 12  # of a lattice plane in the primitive lattice
_INDEX_TOLERANCE = 1e-3  # of the largest index: by which indices of a plane may miss integers
_PLANE_THICKNESS = 0.05 * angstrom  # atoms within this height are one plane of atoms
_COMPARED_WAVEVECTORS = 200  # wave vectors at which frequencies are compared
_WAVEVECTOR_SEED = 5
_FREQUENCY_ROUNDING = 1e-9 * THz  # differences of frequencies below this are rounding


def plane_indices(lattice: Array, normal: ArrayLike) -> IntArray:
    """(3,) indices of the lattice plane with this Cartesian normal, smallest integers, up to 12."""
    along = lattice @ unit_vector(normal)
    for divisor in range(1, _LARGEST_INDEX + 1):
        scaled = along / np.abs(along).max() * divisor
        integers = np.round(scaled).astype(np.int64)
        if np.abs(scaled - integers).max() < _INDEX_TOLERANCE * divisor and integers.any():
            return np.asarray(integers // gcd(*map(int, integers)), dtype=np.int64)
    raise InputError(
        f"no lattice plane with indices up to {_LARGEST_INDEX} has the normal {np.asarray(normal).tolist()}: a surface "
        "needs one that repeats"
    )


def layer_vectors(lattice: Array, indices: ArrayLike) -> IntArray:
    """(3, 3) integers of determinant 1 that make two short vectors in the plane and a short one to the next plane."""
    h = integer_array(indices)
    reach = int(np.abs(h).max()) + 2
    steps = np.array(list(product(range(-reach, reach + 1), repeat=3)))
    height = steps @ h
    vectors = steps @ lattice
    size = np.round(np.linalg.norm(vectors, axis=1) / np.linalg.norm(lattice[0]), 5)
    order = np.lexsort((*(-steps.T), size))  # of equal lengths the same one every time
    flat = [i for i in order if height[i] == 0 and size[i] > 0][:24]
    up = steps[next(i for i in order if height[i] == 1)]
    for i, j in sorted(combinations(range(len(flat)), 2), key=sum):
        found = np.array([steps[flat[i]], steps[flat[j]], up])
        volume = round(float(np.linalg.det(found)))
        if abs(volume) == 1:
            right_handed = np.linalg.det(found @ lattice) > 0
            return found if right_handed else np.array([found[0], -found[1], found[2]])
    raise InputError(f"no two short vectors span the plane {h.tolist()}: reduce the lattice first")


def upright_rotation(lattice: Array) -> Array:
    """(3, 3) rotation Q, vectors in rows turn as v @ Q: the first one comes along x, the first two into the plane."""
    x = unit_vector(lattice[0])
    z = unit_vector(np.cross(lattice[0], lattice[1]))
    return np.column_stack([x, np.cross(z, x), z])


def orient_structure(
    one: Structure, orientation: ArrayLike, *, first: str | None = None, last: str | None = None
) -> Structure:
    """Turn a structure so that a surface faces along z: the thinnest layer that repeats, atoms in order of height.

    `orientation` are Miller indices in the lattice of `one.axes`. The cut between layers is in the widest gap between
    planes of atoms, where a crystal cleaves, or where the elements `first` and `last` begin and end a layer.
    """
    axes = one.lattice if one.axes is None else one.axes
    miller = integer_array(orientation)
    if miller.shape != (3,) or not np.any(miller):
        raise InputError(f"orientation {orientation!r:.60}, wanted three Miller indices such as (0, 0, 1)")
    normal = np.linalg.inv(axes) @ miller.astype(float)
    vectors = layer_vectors(one.lattice, plane_indices(one.lattice, normal))
    lattice = vectors @ one.lattice
    turn = upright_rotation(lattice)
    wanted = np.array([[want is None or symbol == want for symbol in one.symbols] for want in (first, last)])
    if not wanted.any(axis=1).all():
        raise InputError(f"{one.name} has no {first if not wanted[0].any() else last}: it has {', '.join(one.symbols)}")
    lattice, positions = lattice @ turn, one.positions @ turn
    moves, order = place_in_layer(lattice, positions, wanted)
    positions = (positions + moves @ lattice)[order]
    return evolve(
        one,
        lattice=lattice,
        positions=positions - [0, 0, positions[0, 2]],
        masses=one.masses[order],
        symbols=tuple(one.symbols[i] for i in order),
        axes=axes @ turn,
    )


def place_in_layer(lattice: Array, positions: Array, wanted: BoolArray | None = None) -> tuple[IntArray, IntArray]:
    """(n, 3) lattice vectors that bring atoms into one layer above the widest gap, and (n,) their order of height. The
    first two lattice vectors lie in the plane z = 0; `wanted` (2, n): atoms that may be first above and last below
    the gap.
    """
    thickness = float(lattice[2, 2])
    height = positions[:, 2]
    inside = height - np.floor(height / thickness + 1e-9) * thickness  # an atom just below the top counts at 0
    order = np.argsort(inside, kind="stable")
    level = inside[order]
    gaps = np.diff(level, append=level[0] + thickness)
    if wanted is not None:
        gaps[~(wanted[1, order] & wanted[0, np.roll(order, -1)])] = -1.0
    widest = int(np.flatnonzero(gaps > gaps.max() - _PLANE_THICKNESS)[-1])  # rounding chooses no cut
    if gaps[widest] < 0:
        raise InputError("no two neighbouring planes of atoms have the elements that are to meet at the interface")
    start = level[(widest + 1) % len(level)] - _PLANE_THICKNESS
    steps = np.floor((start - height) / thickness + 1).astype(np.int64)
    lifted = positions + steps[:, None] * lattice[2]
    flat = lifted[:, :2] @ np.linalg.inv(lattice[:2, :2])
    moves = np.column_stack([-np.floor(flat + 1e-6).astype(np.int64), steps])
    final = positions + moves @ lattice
    rank = np.lexsort((*np.round(final[:, :2].T / angstrom, 3), np.round(final[:, 2] / angstrom, 3)))
    return moves, np.asarray(rank, dtype=np.int64)


def orient_crystal(crystal: Crystal, normal: ArrayLike) -> Crystal:
    """Turn a crystal with its force constants so that a surface faces along z; refuse dipole forces apart."""
    if crystal.polar is not None:
        held = "so that the force constants of the supercell hold them as far as it goes"
        what = f"{crystal.name}: the dipole forces reach for ever and fit into no layer:"
        command = f"take its Born charges out of the file, {held}"
        raise InputError(what, hint=Hint(python=f"load it with nac=False, {held}", command=command))
    return change_lattice(crystal, layer_vectors(crystal.lattice, plane_indices(crystal.lattice, normal)))


def change_lattice(crystal: Crystal, vectors: IntArray) -> Crystal:
    """Describe a crystal by lattice vectors `vectors` @ its own (determinant 1), upright, its atoms in one layer."""
    lattice = vectors @ crystal.lattice
    turn = upright_rotation(lattice)
    lattice, positions = lattice @ turn, crystal.positions @ turn
    moves, order = place_in_layer(lattice, positions)
    cells = np.round(crystal.cells @ np.linalg.inv(vectors.astype(float))).astype(np.int64)
    n = crystal.masses.size
    blocks = crystal.force_constants.reshape(len(cells), n, 3, n, 3).transpose(0, 1, 3, 2, 4)
    blocks = turn.T @ blocks @ turn
    # an atom i moved by s_i: R becomes R + s_i - s_j
    keys = (cells[:, None, None, :] + moves[:, None, :] - moves).reshape(-1, 3)
    cells, place = np.unique(keys, axis=0, return_inverse=True)
    total = np.zeros((len(cells), n, n, 3, 3))
    _, i, j = np.indices(blocks.shape[:3])
    np.add.at(total, (place.reshape(blocks.shape[:3]), i, j), blocks)
    total = total[:, order][:, :, order]
    kept = np.abs(total).max(axis=(1, 2, 3, 4)) > 0
    return evolve(
        crystal,
        lattice=lattice,
        positions=(positions + moves @ lattice)[order],
        masses=crystal.masses[order],
        cells=cells[kept],
        force_constants=total[kept].transpose(0, 1, 3, 2, 4).reshape(-1, 3 * n, 3 * n),
        symbols=tuple(crystal.symbols[i] for i in order) if crystal.symbols else (),
    )


@frozen(eq=False, kw_only=True)
class Truncation(BaseRecord):
    """Crystal with force constants of finite range, and the change of its frequencies.

    Attributes
    ----------
    crystal : with the acoustic sum rule enforced
    direction : None: `reach` counts in every direction
    """

    crystal: Crystal
    reach: float = field(metadata=about("m", "range of the force constants"))
    dropped: float = field(metadata=about("1", "largest omitted force constant, over the largest one"))
    rms: float = field(metadata=about("rad s^-1", "root-mean-square change of frequencies over the Brillouin zone"))
    worst: float = field(metadata=about("rad s^-1", "largest change of a frequency"))
    acoustic: float = field(metadata=about("rad s^-1", "largest change in the three lowest branches"))
    direction: Array | None = field(default=None, metadata=about("1", "(3,) direction along which the range counts"))

    def __str__(self) -> str:
        """One line for notes and logs."""
        where = "" if self.direction is None else " along the normal"
        rms, worst, acoustic = (
            0.0 if value < _FREQUENCY_ROUNDING else value / THz for value in (self.rms, self.worst, self.acoustic)
        )
        return (
            f"{self.crystal.name}: forces beyond {self.reach / angstrom:.3g} Å{where} left out, the largest of them "
            f"{100 * self.dropped:.2g} % of the largest force constant; frequencies change by {rms:.2g} THz "
            f"rms, {worst:.2g} THz at most ({acoustic:.2g} THz acoustic)"
        )


def truncate_force_constants(
    crystal: Crystal, reach: float, *, reference: Crystal | None = None, normal: ArrayLike | None = None
) -> Truncation:
    """Leave out force constants between atoms further apart than `reach` (m), along the Cartesian `normal` or in space.

    A principal layer has to end along the normal alone: with `normal` forces along the plane stay as far as the crystal
    has them. Of dipoles these hold most, since waves of charges in a plane have fields that fall off exponentially
    along its normal. The cut is then between layers of whole cells, which are neutral; one between the planes of ions
    would leave forces of charges that nothing screens. Frequencies are compared with those of `reference`, or of
    `crystal`.
    """
    if crystal.polar is not None:
        held = "so that the force constants of the supercell hold the dipole forces as far as it goes"
        hint = Hint(
            python=f"load it with nac=False, {held}; compare with the other by `reference`",
            command=f"take its Born charges out of the file, {held}",
        )
        raise InputError(f"{crystal.name}:", hint=hint)
    n = crystal.masses.size
    blocks = crystal.force_constants.reshape(-1, n, 3, n, 3).transpose(0, 1, 3, 2, 4)
    along = None if normal is None else unit_vector(normal)
    distance = np.linalg.norm(pair_vectors(crystal), axis=-1)
    far = distance > reach if along is None else _far_planes(crystal, along, reach)
    size = np.abs(blocks).max(axis=(3, 4))
    if not (size[~far & (distance > 0.1 * angstrom)] > 0).any():
        raise InputError(
            f"{crystal.name}: no two atoms are nearer than {reach / angstrom:.3g} Å; wanted a longer reach"
        )
    kept = np.where(far[..., None, None], 0.0, blocks)
    some = np.abs(kept).max(axis=(1, 2, 3, 4)) > 0
    values = kept[some].transpose(0, 1, 3, 2, 4).reshape(-1, 3 * n, 3 * n)
    cells = crystal.cells[some]
    residual, balanced = enforce_sum_rule(cells, values)
    short = evolve(crystal, cells=cells, force_constants=balanced, residual=residual)
    other = crystal if reference is None else reference
    # wave vectors (nq, 3) all over the Brillouin zone
    q = np.random.default_rng(_WAVEVECTOR_SEED).random((_COMPARED_WAVEVECTORS, 3)) - 0.5
    shift = np.abs(short.frequencies(q @ short.reciprocal) - other.frequencies(q @ other.reciprocal))
    return Truncation(
        crystal=short, reach=reach, direction=along, dropped=float(size[far].max(initial=0.0) / size.max()),
        rms=float(np.sqrt((shift**2).mean())), worst=float(shift.max()), acoustic=float(shift[:, :3].max()),
    )  # fmt: skip


def _far_planes(crystal: Crystal, along: Array, reach: float) -> NDArray[np.bool_]:
    """(nR, n, n) whether the layers, one cell thick, of two atoms are further apart than `reach` and not neighbours."""
    vectors = layer_vectors(crystal.lattice, plane_indices(crystal.lattice, along))
    lattice = vectors @ crystal.lattice
    turn = upright_rotation(lattice)
    moves, _ = place_in_layer(lattice @ turn, crystal.positions @ turn)
    own = np.round(crystal.cells @ np.linalg.inv(vectors.astype(float)))[:, 2]
    layers = np.abs(own[:, None, None] + moves[:, None, 2] - moves[:, 2])
    return np.asarray((layers > 1) & (layers * (lattice @ turn)[2, 2] > reach * (1 + 1e-9)))


def pair_vectors(crystal: Crystal) -> Array:
    """(nR, n, n, 3) from the atoms of a cell to those of the cell at R, m."""
    return np.asarray(
        (crystal.cells @ crystal.lattice)[:, None, None] + crystal.positions - crystal.positions[:, None], dtype=float
    )
