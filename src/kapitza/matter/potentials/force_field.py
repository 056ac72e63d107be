r"""Energies, forces and force constants of any ASE calculator (A. H. Larsen et al., doi:10.1088/1361-648X/aa680e).

Force constants come from the analytic Hessian of matscipy's calculators (P. Grigorev et al., doi:10.21105/joss.05668),
or from forces at symmetric displacements, $\Phi_{ij} = -[F_j(+h) - F_j(-h)]/2h$, whose error is of second order in h.
Evaluations are counted against a plan of how many of them there will be, on how many atoms, and what one costs.
"""

import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from inspect import signature
from time import perf_counter, process_time
from typing import Any

import numpy as np
from attrs import converters, evolve, field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, about, check_count, finite_array, quantity, read_only_mapping
from kapitza.core.records import BaseRecord
from kapitza.errors import InputError, require
from kapitza.matter.structure import Structure
from kapitza.run.progress import Progress
from kapitza.run.work import ExecutorLike
from kapitza.units import angstrom, eV, m_u

_FORCE_CONSTANT_UNIT = eV / angstrom**2  # N m⁻¹ of 1 eV Å⁻²
FORCE_UNIT = eV / angstrom  # N of 1 eV Å⁻¹
ATOMS_EXTRA, ATOMS_PURPOSE = "atoms", "force constants from a potential"
_MATSCIPY_HESSIAN = ("atoms", "format")  # first arguments of a Hessian as matscipy's calculators return it
_TRIAL_SHIFTS = np.array([[0.37, 0.21, 0.13], [0.71, 0.53, 0.29]]) * angstrom  # of all atoms together
_TRIAL_ATOMS = 30  # or more of them, on which the cost of an evaluation is measured
_BATCH_TOLERANCE = 1e-4  # of a force of 1 eV/Å or, where it is larger, the largest; networks leave some 1e-6 to 1e-5
_RATTLE, _RATTLE_SEED = 0.01 * angstrom, 7  # of atoms about their sites, before they move together


@frozen
class PlannedForces(BaseRecord):
    """One step of a plan: so many evaluations of forces on so many atoms; what a search needs is a guess."""

    what: str
    evaluations: int
    atoms: int
    guessed: bool = False

    @property
    def work(self) -> int:
        """Evaluations times atoms."""
        return self.evaluations * self.atoms


@frozen
class ForceCost(BaseRecord):
    """What an evaluation of forces costs for each atom, as measured; memory is None where the system does not tell."""

    seconds: float = field(metadata=about("s", "processor time for each atom"))
    memory: float | None = field(metadata=about("B", "memory for each atom, beyond that of the program"))
    first: float = field(default=0.0, metadata=about("s", "more for the first evaluation of a size: compilation"))
    base: float = field(default=0.0, metadata=about("B", "memory of the program with the calculator"))

    def describe(self, plan: Sequence[PlannedForces], at_once: int) -> str:
        """What a plan costs, in one line: evaluations, processor time, memory where `at_once` atoms go together."""
        sizes = {step.atoms for step in plan if step.evaluations}
        total = self.seconds * sum(step.work for step in plan) + self.first * len(sizes)
        largest = max(at_once, *(step.atoms for step in plan))
        memory = "" if self.memory is None else f" and {(self.base + self.memory * largest) / 1e9:.2g} GB of memory"
        steps = ", ".join(
            f"{step.what} {'some ' if step.guessed else ''}{step.evaluations} on {step.atoms} atoms"
            for step in plan
            if step.evaluations
        )
        return (
            f"about {sum(step.evaluations for step in plan)} evaluations of forces, {duration(total)} of "
            f"processor time{memory} in all, at {1e3 * self.seconds:.2g} ms an atom, less what is kept: {steps}"
        )


def duration(seconds: float) -> str:
    """Some time in words."""
    if seconds < 90:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.2g} min" if seconds < 5400 else f"{seconds / 3600:.2g} h"


class ForceMeter:
    """Counts evaluations of forces against a plan, step by step; what a step has kept from before is done at once."""

    def __init__(self, plan: Sequence[PlannedForces], progress: Progress | None) -> None:
        self.plan, self.progress = tuple(plan), progress
        self._step, self._work = -1, 0
        self._total = sum(step.work for step in plan)
        self._evaluations = sum(step.evaluations for step in plan)

    def begin(self) -> None:
        """Begin the next step of the plan."""
        self._step, self._work = min(self._step + 1, len(self.plan)), 0
        self._report()

    def count(self, atoms: int) -> None:
        """Count an evaluation of forces on so many atoms."""
        self._work += atoms
        self._report()

    def finish(self) -> None:
        """Count all as done."""
        self._step, self._work = len(self.plan), 0
        self._report()

    def _report(self) -> None:
        if self.progress is None or not self._total or self._step < 0:
            return
        here = self.plan[self._step].work if self._step < len(self.plan) else 0
        done = sum(step.work for step in self.plan[: self._step]) + min(self._work, here)
        self.progress(int(self._evaluations * done / self._total), self._evaluations)


def peak_memory() -> float | None:
    """Most memory that this process has had, B; None where the system does not tell."""
    try:
        resource: Any = import_module("resource")
    except ModuleNotFoundError:  # on Windows
        return None
    unit = 1 if import_module("sys").platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit


@frozen(eq=False)
class EnergyAndForces(BaseRecord):
    """Energy, forces, and stress (positive: the cell pulls; None where nobody asked).

    Examples
    --------
    >>> import numpy as np
    >>> from kapitza.lattice import EnergyAndForces
    >>> found = EnergyAndForces(-1e-20, np.array([[0.0, 0.0, 1e-11], [0.0, 0.0, -1e-11]]))
    >>> print(found.forces.sum(axis=0), found.stress)
    [0. 0. 0.] None
    """

    energy: float = field(metadata=about("J", "energy"))
    forces: Array = field(metadata=about("N", "(n, 3) forces"))
    stress: Array | None = field(default=None, metadata=about("Pa", "(3, 3) stress"))


@frozen(eq=False)
class BatchForces(BaseRecord):
    """How a calculator evaluates several structures in one call."""

    forces: Callable[[Sequence[Any]], Sequence[Array]]  # (n, 3) eV Å⁻¹ on each of some Atoms of ASE
    atoms: int = field(
        validator=lambda _self, _field, value: check_count("atoms", value),
        metadata=about("1", "most atoms of one call, which bounds its memory; a structure of more goes alone"),
    )

    def sizes(self, atoms: Sequence[int]) -> list[int]:
        """Numbers of structures, of so many atoms each, that go together, in their order."""
        found: list[int] = []
        total = 0
        for n in atoms:
            if found and total + n <= self.atoms:
                found[-1] += 1
                total += n
            else:
                found.append(1)
                total = n
        return found


@frozen(eq=False)
class ForceField(BaseRecord):
    """Forces between atoms, from an ASE calculator.

    Attributes
    ----------
    calculator : any calculator of ASE
    reach : twice the cutoff where three atoms act together
    symbols : elements that it knows; empty where it does not say
    identity : plain values that change with the forces, so that forces at displaced atoms can be kept; None: they are
        not
    progress : called with the number of finished and of all evaluations of a set of displaced atoms
    announce : called with a line that says how much work a set of displaced atoms is, and what was cut off its result
    batch : a function that returns the forces (n, 3) eV Å⁻¹ on each of several Atoms of ASE in one call, and the most
        atoms of a call; None: one by one
    recipe : name and arguments of the calculator as in `named_force_field`, so that other processes can make it
    meter : what counts evaluations of forces against a plan of them

    Examples
    --------
    >>> from kapitza.lattice import published_potential
    >>> from kapitza.matter import structure
    >>> from kapitza.units import eV
    >>> argon = published_potential("lj")
    >>> print(f"{argon.state(structure('Ar')).energy / eV:.3f} eV per atom, forces reach {argon.reach * 1e9:.2f} nm")
    -0.058 eV per atom, forces reach 0.99 nm
    """

    name: str
    calculator: Any
    reach: float = field(validator=quantity(high=1e-7), metadata=about("m", "largest range of a force constant"))
    symbols: tuple[str, ...] = field(default=(), kw_only=True)
    step: float = field(
        default=0.01 * angstrom,
        validator=quantity(high=1e-10),
        kw_only=True,
        metadata=about("m", "of finite differences, where the calculator has no analytic Hessian"),
    )
    source: str = field(default="", kw_only=True)
    identity: Mapping[str, object] | None = field(
        default=None, converter=converters.optional(read_only_mapping), kw_only=True
    )
    progress: Progress | None = field(default=None, kw_only=True)
    announce: Callable[[str], object] | None = field(default=None, kw_only=True)
    batch: BatchForces | None = field(
        default=None, converter=lambda value: BatchForces(*value) if isinstance(value, tuple) else value, kw_only=True
    )
    recipe: Mapping[str, object] | None = field(
        default=None, converter=converters.optional(read_only_mapping), kw_only=True
    )
    executor: ExecutorLike | None = field(
        default=None,
        kw_only=True,
        metadata=about("1", "processes, or a `concurrent.futures.Executor`, that share displaced atoms by the recipe"),
    )
    meter: ForceMeter | None = field(default=None, kw_only=True)

    @property
    def analytic(self) -> bool:
        """Whether the calculator has second derivatives of its own, with the arguments of matscipy's calculators."""
        own = getattr(self.calculator, "get_hessian", None)
        try:
            return own is not None and tuple(signature(own).parameters)[:2] == _MATSCIPY_HESSIAN
        except (TypeError, ValueError):  # compiled code does not say what it takes
            return False

    def resolution(self, atoms: Structure, *, periodic: bool = True) -> float:
        """Measure the largest change of a force when all atoms move together, N: what the potential does not resolve.

        Double precision leaves some 1e-14 eV/Å, a network in single precision some 1e-6 to 1e-5 eV/Å.  The atoms are
        first put a little off their sites: distances between those are rounded in the same way wherever they are.
        """
        rattle = np.random.default_rng(_RATTLE_SEED).uniform(-_RATTLE, _RATTLE, atoms.positions.shape)
        off = evolve(atoms, positions=atoms.positions + rattle)
        first = self.state(off, periodic=periodic).forces
        moved = (evolve(off, positions=off.positions + shift) for shift in _TRIAL_SHIFTS)
        return max(float(np.abs(self.state(one, periodic=periodic).forces - first).max()) for one in moved)

    def seconds(self, atoms: Structure, *, periodic: bool = True) -> float:
        """Measure the time that one evaluation of forces takes, s; the first one may compile and does not count."""
        self.state(atoms, periodic=periodic)
        start = perf_counter()
        self.state(evolve(atoms, positions=atoms.positions + _TRIAL_SHIFTS[0]), periodic=periodic)
        return perf_counter() - start

    def next_step(self) -> None:
        """Begin the next step of the plan of evaluations, where there is one."""
        if self.meter is not None:
            self.meter.begin()

    def state(self, atoms: Structure, *, periodic: bool = True, stress: bool = False) -> EnergyAndForces:
        """Energy, forces and, where asked for, stress of a structure; `periodic`: along the third lattice vector, too,
        where the calculator is not analytic always, since many know no box that is open on two sides alone: a slab has
        vacuum.  InputError for unknown elements, or forces that are not finite (overlapping atoms).
        """
        check_elements(self.name, self.symbols, atoms.symbols)
        made = self.ase_atoms(atoms, periodic=periodic or not self.analytic)
        with _suppress_warnings():
            energy, forces = float(made.get_potential_energy()), np.asarray(made.get_forces(), dtype=float)
            pull = np.asarray(made.get_stress(voigt=False), dtype=float) * eV / angstrom**3 if stress else None
        if not (np.isfinite(energy) and np.isfinite(forces).all()):
            raise InputError(f"{self.name}: the forces on {atoms.name} are not finite; do atoms overlap?")
        if self.meter is not None:
            self.meter.count(atoms.masses.size)
        return EnergyAndForces(energy * eV, forces * FORCE_UNIT, pull)

    def forces(self, structures: Sequence[Structure], *, periodic: bool = True) -> list[Array]:
        """Forces (n, 3) N on each of several structures, all in one call where the calculator has `batch`; else, and
        for one alone, as in `state`.
        """
        if self.batch is None or len(structures) == 1:
            return [self.state(one, periodic=periodic).forces for one in structures]
        for one in structures:
            check_elements(self.name, self.symbols, one.symbols)
        with _suppress_warnings():
            found = self.batch.forces([_ase_atoms(one, periodic=periodic or not self.analytic) for one in structures])
        for one, forces in zip(structures, found, strict=True):
            if forces.shape != one.positions.shape or not np.isfinite(forces).all():
                raise InputError(
                    f"{self.name}: a batch gives forces on {one.name} of shape {forces.shape} that are not finite, or "
                    f"not {one.positions.shape}; do atoms overlap?"
                )
            if self.meter is not None:
                self.meter.count(one.masses.size)
        return [np.asarray(forces, dtype=float) * FORCE_UNIT for forces in found]

    def check_batch(self, structures: Sequence[Structure], found: Sequence[Array], *, periodic: bool = True) -> None:
        """Refuse forces (n, 3) N of a batch that are not those of the calculator itself on the last structure of it,
        where wrong counts of atoms show, too; InputError beyond what single precision leaves.
        """
        single = evolve(self, meter=None)  # no part of the plan of evaluations
        want, given = single.state(structures[-1], periodic=periodic).forces / FORCE_UNIT, found[-1] / FORCE_UNIT
        allowed = _BATCH_TOLERANCE * (1 + np.abs(want).max(initial=0.0))
        if not (worst := float(np.abs(given - want).max(initial=0.0))) <= allowed:
            raise InputError(
                f"{self.name}: in a batch of {len(structures)} structures the forces on the last one, up to "
                f"{np.abs(given).max():.3g} eV/Å, differ by {worst:.3g} eV/Å from those of the calculator alone, up to "
                f"{np.abs(want).max():.3g}, where {allowed:.1g} is single precision: the batch is not for this version "
                "of its package; on the device cpu structures go one by one"
            )

    def ase_atoms(self, atoms: Structure, *, periodic: bool = True) -> Any:
        """Return a structure as an ASE Atoms object with the calculator, in Å and eV; `periodic` as in `state`."""
        made = _ase_atoms(atoms, periodic=periodic)
        made.calc = self.calculator
        return made

    def hessian(self, atoms: Structure, rows: IntArray, *, periodic: bool = True) -> Array:
        r"""(m, n, 3, 3) force constants $\Phi_{i\alpha,j\beta}$ between the atoms `rows` and all of a structure at
        rest, N m⁻¹.
        """
        check_elements(self.name, self.symbols, atoms.symbols)
        made = self.ase_atoms(atoms, periodic=periodic)
        with _suppress_warnings():
            if self.analytic:
                constants = _analytic_hessian(made, self.calculator, rows)
            else:
                constants = _numerical_hessian(made, rows, self.step)
        if not np.isfinite(constants).all():
            raise InputError(f"{self.name}: the force constants of {atoms.name} are not finite; do atoms overlap?")
        return constants * _FORCE_CONSTANT_UNIT


def force_field_from_calculator(
    calculator: Any, reach: float, *, name: str = "", step: float = 0.01 * angstrom
) -> ForceField:
    """Use any ASE calculator; no force constant is taken beyond `reach` (m): the cutoff of a pair potential, twice the
    cutoff where angles or an embedding act. `step` of the finite differences in m.
    """
    return ForceField(name or type(calculator).__name__, calculator, reach, step=step)


def structure_from_ase(atoms: Any, name: str = "", axes: ArrayLike | None = None) -> Structure:
    """Return the structure of an ASE Atoms object (Å, u) with its masses; `axes` (3, 3) m as in `Structure`."""
    return Structure(
        name or str(atoms.get_chemical_formula()),
        np.array(atoms.cell) * angstrom,
        atoms.get_positions() * angstrom,
        atoms.get_masses() * m_u,
        tuple(atoms.get_chemical_symbols()),
        None if axes is None else finite_array(axes),
    )


def _ase_atoms(atoms: Structure, *, periodic: bool = True) -> Any:
    ase = require("ase", extra=ATOMS_EXTRA, why=ATOMS_PURPOSE)
    positions, cell = atoms.positions / angstrom, atoms.lattice / angstrom
    return ase.Atoms(symbols=list(atoms.symbols), positions=positions, cell=cell, pbc=(True, True, periodic))


def _analytic_hessian(made: Any, calculator: Any, rows: IntArray) -> Array:
    """(m, n, 3, 3) rows of the calculator's own Hessian, eV Å⁻²."""
    calculator.atoms = None  # matscipy would take the size of the structure that it saw last
    if "rows" in signature(calculator.get_hessian).parameters:
        matrix = calculator.get_hessian(made, rows=np.asarray(rows))
    else:
        matrix = calculator.get_hessian(made, "sparse").tocsr()[(3 * np.asarray(rows)[:, None] + np.arange(3)).ravel()]
    dense = np.asarray(matrix.todense(), dtype=float)
    return dense.reshape(len(rows), 3, -1, 3).swapaxes(1, 2)


def _numerical_hessian(made: Any, rows: IntArray, step: float) -> Array:
    """(m, n, 3, 3) force constants from forces at symmetric displacements, eV Å⁻²."""
    h = step / angstrom
    start = made.get_positions()
    found = np.empty((len(rows), 3, len(start), 3))
    for r, atom in enumerate(rows):
        for axis in range(3):
            forces: list[Array] = []
            for sign in (1, -1):
                moved = start.copy()
                moved[atom, axis] += sign * h
                made.set_positions(moved)
                forces.append(np.array(made.get_forces(), dtype=float))
            found[r, axis] = (forces[1] - forces[0]) / (2 * h)
    made.set_positions(start)
    return found.swapaxes(1, 2)


def check_elements(name: str, known: Sequence[str], symbols: Sequence[str]) -> None:
    """Refuse elements that a potential has no parameters for; one that knows none by name takes all."""
    unknown = sorted(set(symbols) - set(known)) if known else []
    if unknown:
        raise InputError(
            f"the potential {name!r} knows {', '.join(known)}, not {', '.join(unknown)}: "
            "take another potential or give an ASE calculator"
        )


@contextmanager
def _suppress_warnings() -> Generator[None]:
    """Keep warnings of a calculator's own arithmetic from the user: what it returns is checked for being finite."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="'where' used without 'out'", category=UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def measure_cost(force_field: ForceField, one: Structure) -> ForceCost:
    """Measure what an evaluation of forces costs for each atom, on a supercell of a crystal."""
    side = int(np.ceil((_TRIAL_ATOMS / one.masses.size) ** (1 / 3)))
    big = one.repeat((side + 1 if one.masses.size >= _TRIAL_ATOMS else side, side, side))
    force_field.state(one)
    low, start = peak_memory(), process_time()
    force_field.state(big)
    first = process_time() - start
    force_field.state(evolve(big, positions=big.positions + _TRIAL_SHIFTS[0]))
    seconds, high = process_time() - start - first, peak_memory()
    more = big.masses.size - one.masses.size
    memory = (high - low) / more if low is not None and high is not None and more and high > low else None
    return ForceCost(seconds=seconds / big.masses.size, memory=memory, base=low or 0.0, first=max(0.0, first - seconds))
