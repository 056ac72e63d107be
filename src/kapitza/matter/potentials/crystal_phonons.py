"""Phonons of a crystal by any potential, or of a structure file by a calculator, computed once and kept by what they
depend on: relaxation, force constants, dispersion, states, sound, heat, stability.
"""

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

import numpy as np
from attrs import evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, about, finite, finite_array, integer_array, one_of, read_only_mapping
from kapitza.core.arrays import temperatures as checked_temperatures
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError, KapitzaError
from kapitza.matter.bands import Bands, BandSpectrum, cached_spectrum
from kapitza.matter.crystal import Crystal, unit_vector
from kapitza.matter.files.objects import is_path
from kapitza.matter.files.structures import is_structure_file, read_structure
from kapitza.matter.longwave import long_wave
from kapitza.matter.phonons import named_structure
from kapitza.matter.potentials.calculators import choose_calculator
from kapitza.matter.potentials.finite_displacements import (
    FiniteDisplacements,
    Relaxation,
    crystal_by_displacements,
    relax_structure,
)
from kapitza.matter.potentials.force_constants import crystal_from_potential
from kapitza.matter.potentials.force_field import ForceField
from kapitza.matter.potentials.named_force_fields import named_force_field
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.matter.potentials.space_group import primitive_structure, symmetrize_structure
from kapitza.matter.spectrum import ignore_imaginary
from kapitza.matter.structure import Structure
from kapitza.matter.zone.dispersion import PhononDispersion, crystal_dispersion
from kapitza.run.store import UnitResult, compute_once
from kapitza.run.work import Progress
from kapitza.units import GPa, THz, angstrom

# change when the same structure and potential, or calculator, would give another crystal
_POTENTIAL_VERSION, _FILE_VERSION = "potential-crystal-1", "structure-crystal-1"
SOUND_DIRECTIONS = ((1, 0, 0), (0, 0, 1), (1, 1, 0), (1, 1, 1))
_STATES_POINTS = 601  # frequencies of the density of states
_MAX_CELL_ATOMS = 200  # of a primitive cell, whose bands are computed
# of the top frequency: imaginary modes up to the first are errors of interpolation between the wave vectors of the
# supercell, those up to the second are left out and said, beyond it a crystal is refused; as on the cards of crystals
_NOISE_SHARE, _REFUSED_SHARE = 0.02, 0.2
_NOTICEABLE_STRESS = 2 * GPa  # about a per cent of the lattice constants of a hard crystal
_SAME_LENGTH = 1e-6 * angstrom  # lengths that differ by less are one, as those of the same structure in two formats
_MESH_POINTS = 12_000  # times n^-3/2: wave vectors at which stability is checked
_CRYSTAL_ARRAYS = ("lattice", "positions", "masses", "cells", "force_constants", "symbols", "residual")


@frozen(eq=False, kw_only=True)
class StructureCrystal(BaseRecord):
    """A crystal whose force constants come from a structure file and a calculator.

    Attributes
    ----------
    crystal : the primitive cell
    calculator : title and version of what gave the forces
    remark : what a reader has to know of these phonons, in one line

    Examples
    --------
    >>> from pathlib import Path
    >>> from kapitza.phonons import FiniteDisplacements, crystal_from_file
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
    >>> argon = crystal_from_file("POSCAR", FiniteDisplacements(calculator="lj", relax="cell"))
    >>> print(f"relaxed from 2.650 to {argon.axes[0, 1] * 1e10:.3f} Å")
    relaxed from 2.650 to 2.666 Å
    """

    crystal: Crystal
    axes: Array = field(metadata=about("m", "(3, 3) cell of the file, relaxed, to which Miller indices refer"))
    calculator: str
    remark: str

    def spectrum(self, normal: ArrayLike = (0, 0, 1)) -> BandSpectrum:
        """Spectra of the bands with a Cartesian normal (3,) in the axes of the file, from the cache of this user."""
        names = ("lattice", "masses", "cells", "force_constants")
        inputs = {name: getattr(self.crystal, name) for name in names} | {"normal": unit_vector(normal)}
        with ignore_imaginary():
            return cached_spectrum(self.crystal.name, inputs, lambda: Bands(self.crystal, normal).spectrum)


def crystal_from_file(path: str | PathLike[str] | Any, method: FiniteDisplacements | None = None) -> StructureCrystal:
    """Return the crystal of a structure file with force constants by a calculator, from the cache of this user where
    the same structure, calculator (name, version, arguments) and settings were computed before.

    Parameters
    ----------
    path : CIF, POSCAR, extended XYZ, ..., or Atoms of ASE or a Structure of pymatgen; see `read_structure`
    method : calculator and settings; None: SevenNet 7net-l3i5, which the extra ``mlip`` installs

    Raises
    ------
    DataError
        for a file that holds no ordered crystal
    InputError
        for an unknown calculator, one that does not take the elements, too many atoms, an unstable crystal
    ConvergenceError
        for atoms that do not come to rest
    MissingEngine
        without ase or the package of the calculator
    """
    method = FiniteDisplacements() if method is None else method
    given = read_structure(path)
    choice = choose_calculator(method.calculator, method.arguments, sorted(set(given.symbols)))

    def kernel() -> UnitResult:
        start = primitive_structure(given)
        force_field = ForceField(
            choice.title, choice.make(), method.width, step=method.step, identity=choice.identity,
            progress=method.progress, announce=method.announce,
        )  # fmt: skip
        check_forces(force_field, start, f"{given.name} ({', '.join(sorted(set(given.symbols)))})")
        rest, stress = relax_structure(start, force_field, method.relax)
        arrays = crystal_arrays(
            crystal_by_displacements(rest, force_field, method.width), given.lattice if rest.axes is None else rest.axes
        )
        return arrays | {"stress": np.full((3, 3), np.nan) if stress is None else stress}

    inputs = {
        "lattice": np.round(given.lattice / _SAME_LENGTH), "positions": np.round(given.positions / _SAME_LENGTH),
        "masses": given.masses, "symbols": given.symbols, "calculator": choice.identity, "relax": method.relax,
        "width": method.width, "step": method.step,
    }  # fmt: skip
    kept = kernel() if choice.identity is None else compute_once(kernel, inputs, version=_FILE_VERSION)
    crystal, axes = crystal_of_arrays(given.name, kept)
    remarks = [f"{given.name}: forces by {choice.title}", choice.caution]
    pressure = -float(np.trace(kept["stress"])) / 3
    if method.relax != "cell" and abs(pressure) > _NOTICEABLE_STRESS:
        wish = "larger" if pressure > 0 else "smaller"
        remarks.append(f"the calculator wants a {wish} cell ({pressure / GPa:.2g} GPa): relax the cell as well")
    remarks += check_stability(crystal, axes)
    return StructureCrystal(
        crystal=crystal, axes=axes, calculator=choice.title, remark="; ".join(filter(None, remarks))
    )


def check_forces(force_field: ForceField, start: Structure, what: str) -> None:
    """Evaluate the forces on a structure; InputError for a calculator that does not take its elements."""
    try:
        force_field.state(start)
    except KapitzaError:
        raise
    except Exception as err:  # each calculator refuses elements in its own way
        words = " ".join(f"{type(err).__name__} {err}".split())
        raise InputError(f"{force_field.name} does not take {what}: {words:.160}") from err


def crystal_arrays(crystal: Crystal, axes: Array) -> UnitResult:
    """Return a crystal without charges and the axes of its file as arrays by name, for a store."""
    arrays: UnitResult = {name: np.asarray(getattr(crystal, name)) for name in _CRYSTAL_ARRAYS}
    return arrays | {"axes": axes}


def crystal_of_arrays(name: str, kept: UnitResult) -> tuple[Crystal, Array]:
    """Return a crystal and the axes of its file from their arrays."""
    arrays: dict[str, Any] = {key: kept[key] for key in _CRYSTAL_ARRAYS}
    arrays |= {"symbols": tuple(kept["symbols"].tolist()), "residual": float(kept["residual"])}
    return Crystal(name=name, **arrays), np.asarray(kept["axes"], dtype=float)


def check_stability(crystal: Crystal, axes: Array) -> list[str]:
    """What is said of imaginary frequencies; a crystal that is unstable by far, or whose sound is, is refused."""
    found = find_instability(crystal, axes)
    if found.refused:
        raise InputError(
            f"{crystal.name} is unstable: {found.remark}; wanted the stable phase, a relaxed cell, or another "
            "calculator"
        )
    return [f"unstable at 0 K: {found.remark}, which bands leave out"] if found.remark else []


@frozen(kw_only=True)
class Instability(BaseRecord):
    """How stable a crystal is."""

    lowest: float = field(metadata=about("rad s^-1", "lowest frequency, imaginary ones negative"))
    top: float = field(metadata=about("rad s^-1", "highest frequency"))
    remark: str  # imaginary frequencies in words; empty where there are none beyond errors of interpolation
    refused: bool  # whether models refuse the crystal


def find_instability(crystal: Crystal, axes: Array) -> Instability:
    """Find the lowest frequency of a crystal on an even mesh of wave vectors, and whether sound has a restoring force;
    `axes` (3, 3) m is the cell in whose reciprocal vectors the wave vector of the worst mode is given.
    """
    count = max(4, round((_MESH_POINTS / crystal.masses.size**1.5) ** (1 / 3) / 2) * 2)
    waves = np.indices((count,) * 3).reshape(3, -1).T / count @ crystal.reciprocal
    frequency = crystal.frequencies(waves)
    lowest, top = frequency.min(axis=1), float(frequency.max())
    worst = int(np.argmin(lowest))
    least = float(lowest[worst])
    images = waves[worst] - np.indices((4, 4, 4)).reshape(3, -1).T @ crystal.reciprocal + crystal.reciprocal.sum(axis=0)
    nearest = images[np.argmin(np.round(np.linalg.norm(images, axis=1) / np.linalg.norm(crystal.reciprocal), 6))]
    inside = np.round(nearest @ axes.T / (2 * np.pi), 3)
    sign = 1 if inside.sum() >= 0 else -1  # q and -q are the same
    place = ", ".join(f"{value:.3g}" for value in sign * inside + 0.0)
    words = f"imaginary frequencies up to {-least / THz:.3g}i THz, at q = ({place})"
    far = least < -_REFUSED_SHARE * top
    soft = not np.isfinite(long_wave(crystal).integrals(np.array([0.0, 0.0, 1.0]))[1])
    if far:
        words += f", more than {100 * _REFUSED_SHARE:.0f} % of the top frequency {top / THz:.3g} THz"
    elif soft:
        words = f"sound has no restoring force in some direction ({words})"
    noisy = not (far or soft) and least >= -_NOISE_SHARE * top
    return Instability(lowest=least, top=top, remark="" if noisy else words, refused=far or soft)


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
            rest, _ = relax_structure(start, engine, choice.relax)
        return crystal_arrays(crystal_from_potential(rest, engine), rest.lattice if rest.axes is None else rest.axes)

    inputs = {
        "lattice": start.lattice, "positions": start.positions, "masses": start.masses, "symbols": start.symbols,
        "axes": start.lattice if start.axes is None else start.axes, "potential": engine.identity,
        "reach": engine.reach, "step": engine.step, "relax": choice.relax,
    }  # fmt: skip
    # potentials with second derivatives of their own take a second, and are not kept
    kept = kernel() if engine.identity is None else compute_once(kernel, inputs, version=_POTENTIAL_VERSION)
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
        source=found.calculator, crystal=crystal, axes=found.axes,
        dispersion=crystal_dispersion(crystal, points),
        directions=np.array(SOUND_DIRECTIONS),
        speeds=long_wave(crystal).speeds(directions, np.array([0.0, 0.0, 1.0]))[0],
        omega=omega, states=None if spectrum is None else spectrum.density_of_states(omega),
        temperature=kelvin, heat_capacity=None if spectrum is None else spectrum.heat_capacity(kelvin),
        lowest=stability.lowest, top=stability.top, instability=stability.remark,
    )  # fmt: skip
