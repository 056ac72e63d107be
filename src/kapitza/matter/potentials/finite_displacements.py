r"""Crystals of structure files: brought to rest by forces alone, force constants from forces at few displacements."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from attrs import evolve, field, frozen

from kapitza.core.arrays import Array, about, one_of, quantity, read_only_mapping
from kapitza.core.records import BaseRecord
from kapitza.errors import ConvergenceError, Hint, InputError, require
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import balanced_crystal, fold_force_constants
from kapitza.matter.files.force_constants import SupercellAtoms, constants_from_displacements
from kapitza.matter.files.phonopy import AtomicCell, SupercellData
from kapitza.matter.potentials.calculators import DEFAULT_CALCULATOR
from kapitza.matter.potentials.displaced_forces import displaced_forces, group_displacements, symmetric_counts
from kapitza.matter.potentials.force_constants import balance_moments, repeats_for_height
from kapitza.matter.potentials.force_field import ATOMS_EXTRA, ATOMS_PURPOSE, FORCE_UNIT, ForceField
from kapitza.matter.potentials.space_group import space_group, symmetrize_structure
from kapitza.matter.structure import Structure
from kapitza.run.work import Progress
from kapitza.units import angstrom

Relaxation = Literal["atoms", "cell", "none"]
_FORCE_GOAL = 1e-3 * FORCE_UNIT  # N: at which relaxation stops
_FORCE_LIMIT = 0.02 * FORCE_UNIT  # N: what may be left where a potential resolves no less
_MAX_RELAXATION_STEPS = 300
_MAX_LATTICE_CHANGE = 0.1  # principal strain on relaxation: more is another crystal
_MAX_SUPERCELL_ATOMS = 3000
_MAX_CELL_ATOMS = 200  # of a primitive cell, whose bands are computed


@frozen(eq=False, kw_only=True)
class FiniteDisplacements(BaseRecord):
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


def relax_structure(one: Structure, force_field: ForceField, relax: Relaxation) -> tuple[Structure, Array | None]:
    """Relax a structure with the symmetry that it has, by its forces alone: down to 1e-3 eV/Å, or to what a potential
    resolves if that is below 0.02 eV/Å. The second value is the stress (3, 3) Pa, None where the calculator has none.
    """
    if relax != "none":
        found = _minimise_forces(one, force_field, cell=relax == "cell")
        strain = float(np.abs(np.linalg.svd(np.linalg.inv(one.lattice) @ found.lattice)[1] - 1).max())
        if strain > _MAX_LATTICE_CHANGE:
            raise InputError(
                f"{one.name}: {force_field.name} changes the lattice by {100 * strain:.0f} %, it does not hold this "
                "crystal together; take another calculator,",
                hint=Hint(python="or relax='atoms'", command="or --relax atoms"),
            )
        one = symmetrize_structure(found)
    state = force_field.state(one)
    group = space_group(one)
    average = np.zeros_like(state.forces)
    for turn, target in zip(group.cartesian(one.lattice), group.targets, strict=True):
        average[target] += state.forces @ turn / len(group.targets)
    force = float(np.abs(average).max(initial=0.0))
    if relax != "none" and force > _FORCE_LIMIT:
        raise ConvergenceError(
            f"{one.name}: {force_field.name} leaves forces of {force / FORCE_UNIT:.2g} eV/Å after "
            f"{_MAX_RELAXATION_STEPS} steps of relaxation; start nearer to rest",
            last=one,
        )
    try:
        stress = force_field.state(one, stress=True).stress
    except Exception:  # noqa: BLE001  # each calculator says in its own way that it has no stress
        stress = None
    return one, stress


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


def crystal_by_displacements(one: Structure, force_field: ForceField, width: float) -> Crystal:
    """Force constants of a primitive cell at rest, balanced so that moving all atoms together costs nothing, from a
    supercell at least so high (m); InputError for a cell or supercell of too many atoms.
    """
    group = space_group(one)
    counts = symmetric_counts(repeats_for_height(one.lattice, width, (True, True, True)), group)
    big, n = one.repeat(counts), one.masses.size
    if one.masses.size > _MAX_CELL_ATOMS or big.masses.size > _MAX_SUPERCELL_ATOMS:
        raise InputError(
            f"{one.name}: {one.masses.size} atoms in the primitive cell, {big.masses.size} in the supercell, more than "
            f"{_MAX_CELL_ATOMS} and {_MAX_SUPERCELL_ATOMS}; give a smaller cell, or force constants in a phonopy file"
        )
    sets = displaced_forces(one, big, group_displacements(one.lattice, group, np.arange(n)), force_field)
    primitive, supercell = AtomicCell.of_structure(one), AtomicCell.of_structure(big)
    atoms = SupercellAtoms(big.lattice, supercell.points, np.array(big.symbols), one.lattice)
    constants = constants_from_displacements(sets, atoms, range(n))
    cells, values = fold_force_constants(SupercellData(primitive, supercell, constants, origins=tuple(range(n))))
    return balanced_crystal(one, cells, balance_moments(cells, values))
