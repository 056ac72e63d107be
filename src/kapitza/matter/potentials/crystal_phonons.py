"""Phonons of a crystal by any potential: relaxation, force constants, dispersion, states, sound, heat, stability."""

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, about, finite, finite_array, integer_array, one_of, read_only_mapping
from kapitza.core.arrays import temperatures as checked_temperatures
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.objects import is_path
from kapitza.matter.files.structures import is_structure_file, read_structure
from kapitza.matter.longwave import long_wave
from kapitza.matter.phonons import named_structure
from kapitza.matter.potentials.finite_displacements import Relaxation, relax_structure
from kapitza.matter.potentials.force_constants import crystal_from_potential
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.matter.potentials.space_group import primitive_structure, symmetrize_structure
from kapitza.matter.potentials.structure_files import (
    StructureCrystal,
    check_forces,
    check_stability,
    crystal_arrays,
    crystal_of_arrays,
    find_instability,
)
from kapitza.matter.structure import Structure
from kapitza.matter.zone.dispersion import PhononDispersion, crystal_dispersion
from kapitza.run.cache import compute_once
from kapitza.run.store import UnitResult
from kapitza.run.work import Progress

CRYSTAL_VERSION = "potential-crystal-1"  # changes when the same structure and potential would give another crystal
SOUND_DIRECTIONS = ((1, 0, 0), (0, 0, 1), (1, 1, 0), (1, 1, 1))
_STATES_POINTS = 601  # frequencies of the density of states
_MAX_CELL_ATOMS = 200  # of a primitive cell, whose bands are computed


@frozen(eq=False, kw_only=True)
class PotentialChoice(BaseRecord):
    """How a potential by name is used.

    Attributes
    ----------
    arguments : of a calculator by name or import path
    reach : m, beyond which force constants of a calculator are left out; None: 6 Å, of files of LAMMPS twice the cutoff
    progress : called with the number of finished and of all evaluations of forces
    announce : called with a line that says how long the work will be, where it is long, and what was cut off
    """

    arguments: Mapping[str, object] = field(factory=dict, converter=read_only_mapping)
    reach: float | None = field(
        default=None, metadata=about("m", "largest range of a calculator's force constants; 6 Å if omitted")
    )
    relax: Relaxation = field(
        default="cell",
        validator=one_of("atoms", "cell", "none"),
        metadata=about("", "relaxation at zero stress (cell), of the atoms in the given cell, or none"),
    )
    progress: Progress | None = None
    announce: Callable[[str], object] | None = None


def crystal_by_potential(
    subject: str | PathLike[str] | Structure | Any,
    potential: str,
    choice: PotentialChoice | None = None,
    *,
    stable: bool = True,
) -> StructureCrystal:
    """Return a crystal at rest with the force constants of a potential.

    Parameters
    ----------
    subject : name of a crystal ("Si", "GaN": all that have structures or phonons in the package), a structure file
        (CIF, POSCAR, ...), Atoms of ASE, a Structure of pymatgen, or a structure
    potential : a published potential, a file of a pair style of LAMMPS, a universal potential, or "module:Class" of
        ASE; see `named_force_field`
    choice : arguments, reach and relaxation; None: the cell is relaxed
    stable : whether to refuse a crystal that is unstable by far

    Returns
    -------
    StructureCrystal, which is a side of an interface as it is; `calculator` names the potential and its source

    Raises
    ------
    InputError
        for an unknown name, elements that the potential does not know, too many atoms, an unstable crystal
    DataError
        for a file that holds no ordered crystal
    ConvergenceError
        for atoms that do not come to rest
    MissingEngine
        without ase or the package of the potential
    """
    choice = PotentialChoice() if choice is None else choice
    if not isinstance(subject, Structure) and is_path(subject) and not is_structure_file(subject):
        start = named_structure(str(subject))
    else:
        start = primitive_structure(read_structure(subject))
    if start.masses.size > _MAX_CELL_ATOMS:
        raise InputError(
            f"{start.name}: {start.masses.size} atoms in the primitive cell, more than {_MAX_CELL_ATOMS}; give a "
            "smaller cell, or force constants in a phonopy file"
        )
    engine = evolve(
        named_force_field(potential, start.symbols, arguments=choice.arguments, reach=choice.reach),
        progress=choice.progress,
        announce=choice.announce,
    )

    def kernel() -> UnitResult:
        check_forces(engine, start, start.name)
        if choice.relax == "cell":
            rest = symmetrize_structure(relax_cell(start, engine))
        else:
            rest = relax_structure(start, engine, choice.relax).structure
        return crystal_arrays(crystal_from_potential(rest, engine), rest.lattice if rest.axes is None else rest.axes)

    inputs = {
        "lattice": start.lattice, "positions": start.positions, "masses": start.masses, "symbols": start.symbols,
        "axes": start.lattice if start.axes is None else start.axes, "potential": engine.identity,
        "reach": engine.reach, "step": engine.step, "relax": choice.relax,
    }  # fmt: skip
    # potentials with second derivatives of their own take a second, and are not kept
    kept = kernel() if engine.identity is None else compute_once(kernel, inputs, version=CRYSTAL_VERSION)
    crystal, axes = crystal_of_arrays(start.name, kept)
    title = f"{engine.name}{f', {engine.source}' if engine.source else ''}"
    remarks = [f"{start.name}: forces by {title}", *(check_stability(crystal, axes) if stable else [])]
    return StructureCrystal(crystal=crystal, axes=axes, calculator=title, remark="; ".join(remarks))


@frozen(eq=False, kw_only=True)
class CrystalPhonons(BaseRecord):
    """What the harmonic phonons of a crystal are like.

    Attributes
    ----------
    source : what gave the forces
    crystal : primitive cell and force constants
    axes : to which directions refer
    states, heat_capacity : None for a crystal that is unstable by far
    instability : imaginary modes in words; empty where there are none

    Examples
    --------
    >>> from pathlib import Path
    >>> from kapitza.phonons import FiniteDisplacements, crystal_from_file, crystal_phonons
    >>> from kapitza.units import THz
    >>> poscar = '''Ar
    ... 1.0
    ... 0.0 2.65 2.65
    ... 2.65 0.0 2.65
    ... 2.65 2.65 0.0
    ... Ar
    ... 1
    ... Direct
    ... 0.0 0.0 0.0
    ... '''
    >>> _ = Path("POSCAR").write_text(poscar)
    >>> argon = crystal_phonons(crystal_from_file("POSCAR", FiniteDisplacements(calculator="lj")))
    >>> print(f"up to {argon.top / THz:.2f} THz, heat capacity {argon.heat_capacity[0] / 1e6:.2f} MJ m⁻³ K⁻¹")
    up to 1.89 THz, heat capacity 1.11 MJ m⁻³ K⁻¹
    """

    source: str
    crystal: Crystal
    axes: Array = field(converter=finite_array, metadata=about("m", "(3, 3) lattice vectors of the unit cell in rows"))
    dispersion: PhononDispersion
    directions: IntArray = field(converter=integer_array, metadata=about("1", "(nd, 3) along the axes, [u v w]"))
    speeds: Array = field(
        converter=finite_array, metadata=about("m s^-1", "(nd, 3) phase velocities of sound, increasing; 0: unstable")
    )
    omega: Array = field(converter=finite, metadata=about("rad s^-1", "(nω,) angular frequencies of the states"))
    states: Array | None = field(metadata=about("m^-3 rad^-1 s", "(nω,) density of states"))
    temperature: Array = field(converter=finite, metadata=about("K", "(nT,) temperatures"))
    heat_capacity: Array | None = field(
        metadata=about("J m^-3 K^-1", "(nT,) harmonic heat capacity at constant volume")
    )
    lowest: float = field(metadata=about("rad s^-1", "lowest frequency on an even mesh, imaginary ones negative"))
    top: float = field(metadata=about("rad s^-1", "highest frequency on an even mesh"))
    instability: str = ""


def crystal_phonons(found: StructureCrystal, temperature: ArrayLike = 300.0, *, points: int = 300) -> CrystalPhonons:
    """Return dispersion, density of states, speeds of sound, heat capacity and stability of a crystal.

    Parameters
    ----------
    found : crystal with the axes to which directions refer
    temperature : (nT,) K
    points : wave vectors along the path, about

    Raises
    ------
    InputError
        for temperatures that are not above zero, or fewer than 2 points
    """
    crystal, kelvin = found.crystal, checked_temperatures(temperature)
    directions = np.array(SOUND_DIRECTIONS) @ found.axes
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    stability = find_instability(crystal, found.axes)
    spectrum = None if stability.refused else found.spectrum()
    omega = np.linspace(0, stability.top if spectrum is None else spectrum.edges[-1], _STATES_POINTS)
    return CrystalPhonons(
        source=found.calculator,
        crystal=crystal,
        axes=found.axes,
        dispersion=crystal_dispersion(crystal, points),
        directions=np.array(SOUND_DIRECTIONS),
        speeds=long_wave(crystal).speeds(directions, np.array([0.0, 0.0, 1.0]))[0],
        omega=omega,
        states=None if spectrum is None else spectrum.density_of_states(omega),
        temperature=kelvin,
        heat_capacity=None if spectrum is None else spectrum.heat_capacity(kelvin),
        lowest=stability.lowest,
        top=stability.top,
        instability=stability.remark,
    )
