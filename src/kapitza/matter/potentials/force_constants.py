r"""Force constants of crystals and of layers of atoms from a potential.

They are taken in a supercell so wide that no image of an atom is mistaken for the atom: if forces reach r at most
(known of the potential) and s in fact (seen in the result), heights of the supercell from r + s are enough, since an
image that is within r lies at least (height - r) away from the atom it would be taken for.  Where a calculator has no
second derivatives, and forces may fall off slowly as those of networks do, heights of 2 r are taken, force constants
beyond r are left out, and the size of the largest of them is announced.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kapitza.core.arrays import Array, IntArray
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import balanced_crystal, symmetric_blocks
from kapitza.matter.periodic import minkowski_basis, nearest_images
from kapitza.matter.potentials.displaced_forces import displaced_constants
from kapitza.matter.potentials.force_field import ForceField, force_field_from_calculator, structure_from_ase
from kapitza.matter.structure import Structure
from kapitza.units import angstrom

_HEIGHT_MARGIN = 1.5  # times the reach: heights of the first supercell that is tried
# of the largest force constant: rounding of analytic and of differentiated forces
_ANALYTIC_ROUNDING, _NUMERICAL_ROUNDING = (1e-11, 1e-7)
_MAX_SUPERCELL_ATOMS = 16_000
_MAX_DISPLACED_ATOMS = 4000  # of a calculator without second derivatives: a network needs some 10 MB and 0.1 s an atom
_SAME_DISTANCE = 1e-6  # relative difference of two distances that are one
_MAX_BALANCE_STEPS = 200
_NONMETALS = frozenset(("H", "C", "N", "P", "As", "Sb", "O", "S", "Se", "Te", "F", "Cl", "Br", "I"))


def crystal_from_potential(
    one: Structure, force_field: ForceField, *, supercell: tuple[int, int, int] | None = None
) -> Crystal:
    r"""Force constants of a crystal at rest.

    Parameters
    ----------
    one : the crystal, relaxed (see `relaxed_cell`)
    force_field : the potential
    supercell : repeats of the cell, as phonopy takes them, where forces reach further than a supercell can be wide: the
        force constant of an atom then belongs to its nearest image.  None: as wide as the forces reach

    Returns
    -------
    Crystal; the acoustic sum rule is enforced on the self terms and the violation found before is its `residual`

    Raises
    ------
    InputError
        if the supercell would have more than 16 000 atoms, 4000 where atoms have to be displaced
    """
    rows = np.arange(one.masses.size)
    if supercell is None:
        cells, values, _ = _wide_supercell_constants(one, force_field, rows, (True, True, True))
    else:
        cells, values, _, _ = _fold_supercell(one, force_field, rows, supercell)
    return balanced_crystal(one, cells, values if force_field.analytic else balance_moments(cells, values))


def crystal_from_ase(
    atoms: Any,
    calculator: Any,
    supercell: tuple[int, int, int] | None = None,
    *,
    reach: float | None = None,
    name: str = "",
    step: float = 0.01 * angstrom,
) -> Crystal:
    """Force constants of a crystal from any ASE calculator.

    Parameters
    ----------
    atoms : ASE Atoms, one primitive cell at rest; its masses are kept
    calculator : of ASE; one with `get_hessian` (matscipy) is asked for it, others for forces at displaced atoms
    supercell : repeats of the cell; None: as `reach` needs
    reach : distance beyond which two atoms have no force constant, m; may be left out with a supercell
    name : of the crystal; empty: its formula
    step : of the finite differences, m

    Raises
    ------
    InputError
        if neither supercell nor reach is given, and as in `crystal_from_potential`
    """
    if supercell is None and reach is None:
        raise InputError(f"{name or 'crystal'}: give `supercell`, such as (4, 4, 4), or `reach` of the forces (m)")
    one = structure_from_ase(atoms, name)
    force_field = force_field_from_calculator(calculator, 1e-9 if reach is None else reach, step=step)
    return crystal_from_potential(one, force_field, supercell=supercell)


def layered_constants(one: Structure, force_field: ForceField, rows: IntArray) -> tuple[IntArray, Array, float]:
    """In-plane shifts (nR, 2), force constants (nR, 3m, 3m) N m⁻¹ among `rows` of a slab with vacuum along z, and the
    largest one beyond the reach of the force field, which is left out, over the largest of all.
    """
    cells, values, dropped = _wide_supercell_constants(one, force_field, rows, (True, True, False))
    return cells[:, :2], values, dropped


def _wide_supercell_constants(
    one: Structure, force_field: ForceField, rows: IntArray, periodic: tuple[bool, bool, bool]
) -> tuple[IntArray, Array, float]:
    """Force constants in a supercell that is wide enough in the directions that are periodic, and what was cut off."""
    if not force_field.analytic:  # nothing is kept beyond the reach: twice as wide is enough, however far forces go
        counts = repeats_for_height(one.lattice, 2 * force_field.reach, periodic)
        cells, values, _, dropped = _fold_supercell(one, force_field, rows, counts, periodic=periodic[2], cut=True)
        return cells, values, dropped
    counts = repeats_for_height(one.lattice, _HEIGHT_MARGIN * force_field.reach, periodic)
    while True:
        cells, values, seen, _ = _fold_supercell(one, force_field, rows, counts, periodic=periodic[2])
        needed = repeats_for_height(one.lattice, force_field.reach + seen, periodic)
        if all(have >= need for have, need in zip(counts, needed, strict=True)):
            return cells, values, 0.0
        counts = max(counts[0], needed[0]), max(counts[1], needed[1]), max(counts[2], needed[2])


def _fold_supercell(
    one: Structure,
    force_field: ForceField,
    rows: IntArray,
    counts: tuple[int, int, int],
    *,
    periodic: bool = True,
    cut: bool = False,
) -> tuple[IntArray, Array, float, float]:
    """Lattice vectors, force constants among `rows`, the largest distance of two atoms that have one (m), and the
    largest force constant that was `cut` off beyond the reach, over the largest of all.
    """
    check_supercell(one, force_field, counts)
    if force_field.analytic:
        big = one.repeat(counts)
        values = force_field.hessian(big, rows, periodic=periodic)
    else:
        big, values = displaced_constants(one, counts, rows, force_field, periodic=periodic)
    values, dropped = _cut_beyond(big, values, rows, force_field.reach) if cut else (values, 0.0)
    if dropped > _NUMERICAL_ROUNDING and force_field.announce is not None:
        force_field.announce(
            f"{one.name}: force constants beyond {force_field.reach / angstrom:.3g} Å are left out, the largest of "
            f"them {100 * dropped:.2g} % of the largest"
        )
    n = one.masses.size
    columns = (np.arange(big.masses.size // n)[:, None] * n + rows).ravel()
    values = values[:, columns]
    size = np.abs(values).max(axis=(2, 3))
    if not size.max() > 0:
        raise InputError(
            f"{one.name}: the potential {force_field.name!r} has no forces between atoms as far apart as these"
        )
    rounding = _ANALYTIC_ROUNDING if force_field.analytic else _NUMERICAL_ROUNDING
    first, second = np.nonzero(size > rounding * size.max())
    vector = big.positions[columns[second]] - one.positions[rows[first]]
    pair, image, share = nearest_images(vector, minkowski_basis(big.lattice))
    distance = np.linalg.norm(image, axis=1)
    i, j = first[pair], second[pair] % len(rows)
    offset = one.positions[rows[j]] - one.positions[rows[i]]
    cells = np.round((image - offset) @ np.linalg.inv(one.lattice)).astype(np.int64)
    blocks = share[:, None, None] * values[first[pair], second[pair]]
    keys, symmetric = symmetric_blocks(np.column_stack([cells, i, j]), blocks, len(rows))
    return keys, symmetric, float(distance.max()), dropped


def _cut_beyond(big: Structure, values: Array, rows: IntArray, reach: float) -> tuple[Array, float]:
    """Force constants (m, N, 3, 3) of the atoms `rows` of a supercell without those beyond `reach` (m), and the largest
    of these over the largest of all; self terms take up their sum, so that moving all atoms together costs what it did.
    """
    first, second = (index.ravel() for index in np.indices(values.shape[:2]))
    vector = big.positions[second] - big.positions[rows[first]]
    pair, image, share = nearest_images(vector, minkowski_basis(big.lattice))
    far = np.linalg.norm(image, axis=1) > reach * (1 + _SAME_DISTANCE)
    near = np.bincount(pair[~far], weights=share[~far], minlength=first.size).reshape(values.shape[:2])
    lost = (1 - near)[:, :, None, None] * values
    lost[np.abs(1 - near) < _ANALYTIC_ROUNDING] = 0.0
    kept = values - lost
    own = lost.sum(axis=1)
    kept[np.arange(len(rows)), rows] += (own + own.swapaxes(1, 2)) / 2
    return kept, float(np.abs(lost).max(initial=0.0) / np.abs(values).max())


def check_supercell(one: Structure, force_field: ForceField, counts: tuple[int, int, int]) -> None:
    """Refuse supercells that are too large."""
    atoms = one.masses.size * counts[0] * counts[1] * counts[2]
    most = _MAX_SUPERCELL_ATOMS if force_field.analytic else _MAX_DISPLACED_ATOMS
    if atoms > most:
        raise InputError(
            f"{one.name}: forces that reach {force_field.reach / angstrom:.3g} Å need a supercell of {atoms} atoms, "
            f"more than {most}: give a smaller `supercell` or a potential of shorter reach"
        )


def name_missing_dipoles(crystals: Sequence[Structure]) -> str:
    """Which crystals miss forces between dipoles, in one line, where a potential has none of long range; empty where
    none is polar. Atoms of compounds of nonmetals carry effective charges, if they insulate.
    """
    compounds = {one.name: set(one.symbols) for one in crystals if len(set(one.symbols)) > 1}
    names = [name for name, elements in compounds.items() if elements & _NONMETALS]
    if not names:
        return ""
    what = "is polar where it insulates" if len(names) == 1 else "are polar where they insulate"
    return (
        f"{', '.join(names)} {what}: forces between dipoles reach further than this potential, none of these is added, "
        "and long waves miss the splitting of longitudinal and transverse optical modes"
    )


def repeats_for_height(lattice: Array, height: float, wide: tuple[bool, bool, bool]) -> tuple[int, int, int]:
    """Repeats of a cell that make its heights at least `height`, m, in the directions that are `wide`."""
    heights = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    a, b, c = (max(1, int(np.ceil(height / h - 1e-6))) if w else 1 for h, w in zip(heights, wide, strict=True))
    return a, b, c


def balance_moments(cells: IntArray, values: Array) -> Array:
    r"""(nR, 3n, 3n) force constants with a least change for which $\sum_{jR}\Phi_{ij}(R)$ is symmetric, so that a self
    term can balance it; forces of single precision leave an antisymmetric part $A_i$, of which each pair takes
    $(A_i - A_j)/2$ over the number of pairs, until nothing is left.
    """
    n = values.shape[1] // 3
    blocks = values.reshape(len(cells), n, 3, n, 3).transpose(0, 1, 3, 2, 4).copy()
    pairs = np.abs(blocks).max(axis=(3, 4), keepdims=True) > 0
    count = pairs.sum() / n
    largest = float(np.abs(blocks).max(initial=0.0))
    for _ in range(_MAX_BALANCE_STEPS):
        total = blocks.sum(axis=(0, 2))
        odd = (total - total.swapaxes(1, 2)) / 2
        if np.abs(odd).max() < 1e-14 * largest:
            break
        blocks -= pairs * (odd[:, None] - odd) / (2 * count)
    return blocks.transpose(0, 1, 3, 2, 4).reshape(values.shape)
