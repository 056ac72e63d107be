r"""Energies, forces and force constants of any ASE calculator (A. H. Larsen et al., doi:10.1088/1361-648X/aa680e).

Force constants come from the analytic Hessian of matscipy's calculators (P. Grigorev et al., doi:10.21105/joss.05668),
or from forces at symmetric displacements, $\Phi_{ij} = -[F_j(+h) - F_j(-h)]/2h$, whose error is of second order in h.
"""

import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import ArrayLike

from kapitza.core.arrays import Array, IntArray, about, finite_array, quantity
from kapitza.errors import InputError, require
from kapitza.matter.structure import Structure
from kapitza.units import angstrom, eV, m_u

_FORCE_CONSTANT_UNIT = eV / angstrom**2  # N m⁻¹ of 1 eV Å⁻²
FORCE_UNIT = eV / angstrom  # N of 1 eV Å⁻¹
ATOMS_EXTRA, ATOMS_PURPOSE = "atoms", "force constants from a potential"


@frozen(eq=False)
class EnergyAndForces:
    """Energy, forces, and stress (positive: the cell pulls; None where nobody asked)."""

    energy: float = field(metadata=about("J", "energy"))
    forces: Array = field(metadata=about("N", "(n, 3) forces"))
    stress: Array | None = field(default=None, metadata=about("Pa", "(3, 3) stress"))


@frozen(eq=False)
class ForceField:
    """Forces between atoms, from an ASE calculator.

    Attributes
    ----------
    calculator : any calculator of ASE
    reach : twice the cutoff where three atoms act together
    symbols : elements that it knows; empty where it does not say
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

    @property
    def analytic(self) -> bool:
        """Whether the calculator has second derivatives of its own."""
        return hasattr(self.calculator, "get_hessian")

    def state(self, atoms: Structure, *, periodic: bool = True, stress: bool = False) -> EnergyAndForces:
        """Energy, forces and, where asked for, stress of a structure; `periodic`: along the third lattice vector, too.
        InputError for unknown elements, or forces that are not finite (overlapping atoms).
        """
        check_elements(self.name, self.symbols, atoms.symbols)
        made = _ase_atoms(atoms, periodic=periodic)
        made.calc = self.calculator
        with _suppress_warnings():
            energy, forces = float(made.get_potential_energy()), np.asarray(made.get_forces(), dtype=float)
            pull = np.asarray(made.get_stress(voigt=False), dtype=float) * eV / angstrom**3 if stress else None
        if not (np.isfinite(energy) and np.isfinite(forces).all()):
            raise InputError(f"{self.name}: the forces on {atoms.name} are not finite; do atoms overlap?")
        return EnergyAndForces(energy * eV, forces * FORCE_UNIT, pull)

    def ase_atoms(self, atoms: Structure) -> Any:
        """Return a structure as an ASE Atoms object with the calculator, in Å and eV."""
        made = _ase_atoms(atoms)
        made.calc = self.calculator
        return made

    def hessian(self, atoms: Structure, rows: IntArray, *, periodic: bool = True) -> Array:
        r"""(m, n, 3, 3) force constants $\Phi_{i\alpha,j\beta}$ between the atoms `rows` and all of a structure at
        rest, N m⁻¹.
        """
        check_elements(self.name, self.symbols, atoms.symbols)
        made = _ase_atoms(atoms, periodic=periodic)
        made.calc = self.calculator
        with _suppress_warnings():
            found = (
                _analytic_hessian(made, self.calculator, rows)
                if self.analytic
                else _numerical_hessian(made, rows, self.step)
            )
        if not np.isfinite(found).all():
            raise InputError(f"{self.name}: the force constants of {atoms.name} are not finite; do atoms overlap?")
        return found * _FORCE_CONSTANT_UNIT


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
    """Return a structure as an ASE Atoms object, in Å."""
    ase = require("ase", extra=ATOMS_EXTRA, why=ATOMS_PURPOSE)
    return ase.Atoms(
        symbols=list(atoms.symbols),
        positions=atoms.positions / angstrom,
        cell=atoms.lattice / angstrom,
        pbc=(True, True, periodic),
    )


def _analytic_hessian(made: Any, calculator: Any, rows: IntArray) -> Array:
    """(m, n, 3, 3) rows of the calculator's own Hessian, eV Å⁻²."""
    calculator.atoms = None  # matscipy would take the size of the structure that it saw last
    matrix = calculator.get_hessian(made, "sparse").tocsr()
    index = (3 * np.asarray(rows)[:, None] + np.arange(3)).ravel()
    dense = np.asarray(matrix[index].todense(), dtype=float)
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
