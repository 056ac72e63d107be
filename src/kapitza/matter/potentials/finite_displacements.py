r"""Force constants of a crystal from forces at few displacements: the symmetry of the crystal gives all others.

An atom of each orbit of the space group is displaced, both ways where no operation turns one into the other, along the
fewest directions whose symmetric images span space (K. Parlinski, Z. Q. Li, Y. Kawazoe, Phys. Rev. Lett. 78, 4063
(1997), doi:10.1103/PhysRevLett.78.4063); force constants are the least-squares solution over these images.
"""

from collections.abc import Callable, Mapping
from itertools import combinations, product
from typing import Any, Literal

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, IntArray, about, one_of, quantity, read_only_mapping
from kapitza.errors import ConvergenceError, InputError, require
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import balanced_crystal
from kapitza.matter.files.folding import fold_force_constants
from kapitza.matter.files.force_constants import Displacement, SupercellAtoms, constants_from_displacements
from kapitza.matter.files.phonopy import AtomicCell, SupercellData
from kapitza.matter.potentials.calculators import DEFAULT_CALCULATOR, CalculatorChoice
from kapitza.matter.potentials.force_constants import repeats_for_height
from kapitza.matter.potentials.force_field import ATOMS_EXTRA, ATOMS_PURPOSE, FORCE_UNIT, ForceField
from kapitza.matter.potentials.space_group import SpaceGroup, space_group, symmetrize_structure
from kapitza.matter.structure import Structure
from kapitza.run.cache import compute_once
from kapitza.run.work import Progress
from kapitza.units import angstrom

Relaxation = Literal["atoms", "cell", "none"]
FORCES_VERSION = "forces-1"
_FORCE_GOAL = 1e-3 * FORCE_UNIT  # N: at which relaxation stops
_FORCE_LIMIT = 0.02 * FORCE_UNIT  # N: what may be left where a potential resolves no less
_MAX_RELAXATION_STEPS = 300
_MAX_LATTICE_CHANGE = 0.1  # principal strain on relaxation: more is another crystal
_MAX_SUPERCELL_ATOMS = 3000
_MAX_CELL_ATOMS = 200  # of a primitive cell, whose bands are computed
_MAX_BALANCE_STEPS = 200
_NOTICEABLE_WORK = 3000  # evaluations times atoms: more is announced
_WELL_CONDITIONED = 0.3  # smallest over largest singular value of images of a displacement


@frozen(eq=False, kw_only=True)
class FiniteDisplacements:
    """How force constants of a structure come from the forces of a calculator.

    Attributes
    ----------
    calculator : a name ("sevenn", "nequix", "unep", or a published potential), an import path "module:Class", or a
        calculator of ASE, whose results are not kept
    arguments : of a calculator by name or path
    relax : "atoms": in the cell that is given; "cell": lattice vectors too, at zero stress; "none"
    progress : called with the number of finished and of all evaluations of forces
    announce : called with a line that says how long the work will be, where it is long
    """

    calculator: object = DEFAULT_CALCULATOR
    arguments: Mapping[str, object] = field(factory=dict, converter=read_only_mapping)
    relax: Relaxation = field(default="atoms", validator=one_of("atoms", "cell", "none"))
    width: float = field(
        default=10 * angstrom, validator=quantity(high=1e-7), metadata=about("m", "least height of the supercell")
    )
    step: float = field(
        default=0.02 * angstrom, validator=quantity(high=1e-10), metadata=about("m", "displacement of an atom")
    )
    progress: Progress | None = None
    announce: Callable[[str], object] | None = None


@frozen(eq=False)
class RelaxedStructure:
    """A structure at rest: largest force left on an atom, N, and the stress of the cell, Pa, or None."""

    structure: Structure
    force: float
    stress: Array | None


def relax_structure(one: Structure, force_field: ForceField, relax: Relaxation) -> RelaxedStructure:
    """Relax a structure with the symmetry that it has, by its forces alone: down to 1e-3 eV/Å, or to what a potential
    resolves if that is below 0.02 eV/Å.
    """
    if relax != "none":
        found = _minimise_forces(one, force_field, cell=relax == "cell")
        strain = float(np.abs(np.linalg.svd(np.linalg.inv(one.lattice) @ found.lattice)[1] - 1).max())
        if strain > _MAX_LATTICE_CHANGE:
            raise InputError(
                f"{one.name}: {force_field.name} changes the lattice by {100 * strain:.0f} %, it does not hold this "
                "crystal together; take another calculator, or relax='atoms'"
            )
        one = symmetrize_structure(found)
    state = force_field.state(one)
    group = space_group(one)
    force = float(np.abs(average_vectors(state.forces, group, one.lattice)).max(initial=0.0))
    if relax != "none" and force > _FORCE_LIMIT:
        raise ConvergenceError(
            f"{one.name}: {force_field.name} leaves forces of {force / FORCE_UNIT:.2g} eV/Å after "
            f"{_MAX_RELAXATION_STEPS} steps of relaxation; start nearer to rest",
            last=one,
        )
    return RelaxedStructure(one, force, _stress(one, force_field))


def average_vectors(vectors: Array, group: SpaceGroup, lattice: Array) -> Array:
    """(n, 3) vectors on atoms, averaged over the space group."""
    total = np.zeros_like(vectors)
    for turn, target in zip(group.cartesian(lattice), group.targets, strict=True):
        total[target] += vectors @ turn
    return total / len(group.targets)


def _stress(one: Structure, force_field: ForceField) -> Array | None:
    """Stress of a structure, Pa; None where the calculator has none."""
    try:
        return force_field.state(one, stress=True).stress
    except Exception:  # noqa: BLE001  # each calculator says in its own way that it has no stress
        return None


def _minimise_forces(one: Structure, force_field: ForceField, *, cell: bool) -> Structure:
    """Structure where forces, and with `cell` the stress, vanish: ASE's BFGS, which asks for no energy."""
    optimizers = require("ase.optimize", extra=ATOMS_EXTRA, why=ATOMS_PURPOSE)
    atoms = force_field.ase_atoms(one)
    subject: Any = atoms
    if cell:
        subject = require("ase.filters", extra=ATOMS_EXTRA, why=ATOMS_PURPOSE).FrechetCellFilter(atoms)
    if np.abs(subject.get_forces()).max() <= _FORCE_GOAL / FORCE_UNIT:
        return one
    search = optimizers.BFGS(subject, logfile=None, maxstep=0.05)
    search.run(fmax=_FORCE_GOAL / FORCE_UNIT, steps=_MAX_RELAXATION_STEPS)
    lattice = np.array(atoms.cell) * angstrom
    axes = None if one.axes is None else one.axes @ np.linalg.inv(one.lattice) @ lattice
    return evolve(one, lattice=lattice, positions=atoms.get_positions() * angstrom, axes=axes)


def crystal_by_displacements(
    one: Structure, force_field: ForceField, method: FiniteDisplacements, choice: CalculatorChoice
) -> Crystal:
    """Force constants of a primitive cell at rest, balanced so that moving all atoms together costs nothing.

    Raises
    ------
    InputError
        for a cell or supercell of too many atoms
    """
    group = space_group(one)
    counts = symmetric_repeats(one, group, method.width)
    big, n = one.repeat(counts), one.masses.size
    _check_size(one, big)
    moves = [(atom, vector) for atom in irreducible_atoms(group) for vector in displacements(one, group, atom)]
    if method.announce is not None and len(moves) * big.masses.size > _NOTICEABLE_WORK:
        kept = "" if choice.identity is None else ", each kept when it is done"
        method.announce(f"{one.name}: {len(moves)} evaluations of forces on {big.masses.size} atoms{kept}")
    sets: list[Displacement] = []
    for done, (atom, direction) in enumerate(moves):
        if method.progress is not None:
            method.progress(done, len(moves))
        sets.append(Displacement(atom, method.step * direction, _displaced_forces(big, atom, direction, force_field,
                                                                                 method, choice)))  # fmt: skip
    if method.progress is not None:
        method.progress(len(moves), len(moves))
    inverse = np.linalg.inv(big.lattice)
    points = big.positions @ inverse
    supercell = SupercellAtoms(big.lattice, points, np.array(big.symbols), one.lattice)
    constants = constants_from_displacements(sets, supercell, range(n))
    data = SupercellData(
        AtomicCell(one.lattice, one.positions @ np.linalg.inv(one.lattice), one.masses, one.symbols),
        AtomicCell(big.lattice, points, big.masses, big.symbols),
        constants,
        origins=tuple(range(n)),
    )
    cells, values = fold_force_constants(data)
    return balanced_crystal(one, cells, balance_moments(cells, values))


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


def _check_size(one: Structure, big: Structure) -> None:
    """Refuse cells whose phonons take longer than anyone waits."""
    if one.masses.size > _MAX_CELL_ATOMS or big.masses.size > _MAX_SUPERCELL_ATOMS:
        raise InputError(
            f"{one.name}: {one.masses.size} atoms in the primitive cell, {big.masses.size} in the supercell, more than "
            f"{_MAX_CELL_ATOMS} and {_MAX_SUPERCELL_ATOMS}; give a smaller cell, or force constants in a phonopy file"
        )


def _displaced_forces(
    big: Structure,
    atom: int,
    direction: Array,
    force_field: ForceField,
    method: FiniteDisplacements,
    choice: CalculatorChoice,
) -> Array:
    """(N, 3) forces with one atom displaced, N, their mean taken off; from the cache where they are there."""
    moved = big.positions.copy()
    moved[atom] += method.step * direction
    displaced = evolve(big, positions=moved)

    def kernel() -> dict[str, Any]:
        return {"forces": force_field.state(displaced).forces}

    if choice.identity is None:
        found = kernel()
    else:
        inputs = {"calculator": choice.identity, "symbols": big.symbols, "lattice": big.lattice, "positions": moved}
        found = compute_once(kernel, inputs, version=FORCES_VERSION)
    forces = np.asarray(found["forces"], dtype=float)
    return forces - forces.mean(axis=0)


def symmetric_repeats(one: Structure, group: SpaceGroup, width: float) -> tuple[int, int, int]:
    """Repeats of a cell at least so high (m), equal along lattice vectors that the symmetry mixes."""
    counts = np.array(repeats_for_height(one.lattice, width, (True, True, True)))
    mixed = (group.turns != 0).any(axis=0)
    mixed |= mixed.T
    for _ in range(3):
        counts = np.array([counts[row].max() for row in mixed])
    return int(counts[0]), int(counts[1]), int(counts[2])


def irreducible_atoms(group: SpaceGroup) -> list[int]:
    """One atom of each orbit."""
    return sorted(set(group.targets.min(axis=0).tolist()))


def displacements(one: Structure, group: SpaceGroup, atom: int) -> list[Array]:
    """Unit vectors along which an atom has to be displaced."""
    turns = group.cartesian(one.lattice)[group.targets[:, atom] == atom]
    steps = np.array([v for v in product((-1, 0, 1), repeat=3) if v > (0, 0, 0)])
    trials = np.concatenate([np.eye(3), steps @ one.lattice])
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
