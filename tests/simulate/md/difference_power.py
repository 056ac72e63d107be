"""Power through a plane by finite differences of site energies: slow, and independent of all kernels."""

from collections.abc import Callable
from typing import Any

import ase
import numpy as np

from kapitza.core.arrays import Array, BoolArray, IntArray
from kapitza.simulate.md.observers.plane_power import ForcePower
from kapitza.simulate.md.system import System
from kapitza.units import angstrom, eV

_DIFFERENCE_STEP = 1e-4 * angstrom  # of finite differences


class FiniteDifferencePower(ForcePower):
    """The same by finite differences over `step` (m), for whatever gives site energies (n,) J.

    Slow, and independent of all kernels: a sample takes the energies 6 k times; `atoms` of `atoms_across_plane`.
    """

    def __init__(
        self, energies: Callable[[Array], Array], right: BoolArray, atoms: IntArray, *, step: float = _DIFFERENCE_STEP
    ) -> None:
        self.energies, self.side, self.step = energies, np.asarray(right, dtype=bool), step
        self.atoms: IntArray = np.asarray(atoms, dtype=np.int64)
        self.right: BoolArray = self.side[self.atoms]

    def forces(self, positions: Array) -> Array:
        """(k, 3) what the site energies of the other side do to `atoms`, at positions (n, 3) m of all atoms, N."""
        found = np.zeros((self.atoms.size, 3))
        for k, atom in enumerate(self.atoms):
            other = self.side != self.side[atom]
            for c in range(3):
                moved = np.array(positions, dtype=float)
                moved[atom, c] += self.step
                above = self.energies(moved)[other]
                moved[atom, c] -= 2 * self.step
                found[k, c] = (self.energies(moved)[other] - above).sum() / (2 * self.step)
        return found


def ase_site_energies(calculator: Any, system: System, symbols: tuple[str, ...] = ()) -> Callable[[Array], Array]:
    """Site energies (n,) J of an ASE calculator that has `get_potential_energies`, as a function of positions."""
    names = symbols or system.kinds
    atoms = ase.Atoms(
        [names[k] for k in system.species],
        positions=system.positions / angstrom,
        cell=system.lattice / angstrom,
        pbc=(True, True, system.periodic),
    )
    atoms.calc = calculator

    def energies(positions: Array) -> Array:
        """(n,) J."""
        atoms.set_positions(positions / angstrom)
        return np.asarray(atoms.get_potential_energies(), dtype=float) * eV

    return energies
