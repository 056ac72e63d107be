"""Energies and forces of atoms in a potential by our own compiled kernels, whatever its form."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, IntArray
from kapitza.errors import InputError, require
from kapitza.simulate.md.kernels.neighbours import KERNEL_EXTRA, KERNEL_PURPOSE, NeighbourList, VerletList
from kapitza.simulate.md.kernels.state import KernelFunctions
from kapitza.simulate.md.potential import AnyPotential, LammpsCommands, Potential
from kapitza.simulate.md.system import FIXED_ROLE, System

_FORCE_STEP = 1e-12  # m, of finite differences
KERNEL_FORMS = ("lennard-jones", "stillinger-weber", "tersoff", "embedded-atom", "harmonic")


def require_kernels(potential: AnyPotential) -> Potential:
    """Return a potential that the compiled kernels know."""
    if not isinstance(potential, Potential) or potential.form not in KERNEL_FORMS:
        whose, instead = "not a formula of ours", "take the engine that brings it, without direct power"
        if isinstance(potential, LammpsCommands):
            whose, instead = "lines of LAMMPS", 'take the engine LAMMPS (engine = "lammps" in a file of a run)'
        raise InputError(
            f"{potential.form!r} for {', '.join(potential.kinds)} is {whose}: our own kernels know "
            f"{', '.join(KERNEL_FORMS)}; {instead}"
        )
    return potential


def load_kernels(potential: Potential) -> KernelFunctions:
    """Return the compiled forces, and forces across a plane, of a potential."""
    require("numba", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    verlet = require("kapitza.simulate.md.kernels.verlet", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    return verlet.KERNELS[require_kernels(potential).form]


def map_species(system: System, potential: Potential) -> NDArray[np.int32]:
    """(n,) kind of each atom, as the potential counts them."""
    unknown = [kind for kind in system.kinds if kind not in potential.kinds]
    if unknown:
        known = ", ".join(potential.kinds)
        raise InputError(
            f"{system.name}: the {potential.form} potential knows {known}, not {', '.join(unknown)}: make it for "
            "these kinds"
        )
    return np.array([potential.kinds.index(kind) for kind in system.kinds], dtype=np.int32)[system.species]


def energy_and_forces(
    potential: Potential, near: NeighbourList, positions: Array, species: NDArray[np.int32]
) -> tuple[float, Array]:
    """Potential energy (J) and forces (n, 3) N of atoms at positions (n, 3) m."""
    x = near.extend(positions)
    f = np.zeros_like(x)
    energy = load_kernels(potential).forces(x, species[near.owner], near.start, near.near, potential.parameters, f)
    n = near.start.size - 1
    folded = np.array([np.bincount(near.owner, weights=column, minlength=n) for column in f.T], dtype=float)
    return float(energy), folded.T


class SystemForces:
    """Forces of a potential on the atoms of a system, from positions alone."""

    def __init__(self, system: System, potential: Potential) -> None:
        self.potential, self.species = potential, map_species(system, potential)
        self.around = VerletList(system, potential)

    def __call__(self, positions: Array) -> Array:
        """(n, 3) N at positions (n, 3) m."""
        return energy_and_forces(self.potential, self.around.at(positions), positions, self.species)[1]


def highest_frequencies(system: System, forces: Callable[[Array], Array]) -> Array:
    r"""(2,) highest angular frequency of each side, rad s⁻¹: above the lower one no elastic process takes heat across.

    The largest eigenvalue of $-\partial F_i/\partial r_j/\sqrt{m_i m_j}$ among the atoms of one side, all others at
    rest, by Lanczos' method with central differences of `forces` (n, 3) N at positions (n, 3) m.
    """
    return np.array(
        [_largest_eigenfrequency(forces, system, np.flatnonzero(side)) for side in (~system.right, system.right)]
    )


def _largest_eigenfrequency(forces: Callable[[Array], Array], system: System, side: IntArray) -> float:
    """Highest angular frequency of some atoms among others at rest, rad s⁻¹."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    atoms = side[system.role[side] != FIXED_ROLE]
    root = np.sqrt(system.masses[atoms])[:, None]

    def restoring_force(vector: Array) -> Array:
        shift = np.zeros_like(system.positions)
        shift[atoms] = vector.reshape(-1, 3) / root
        scale = _FORCE_STEP / float(np.abs(shift).max())
        there, back = (forces(system.positions + sign * scale * shift)[atoms] for sign in (1, -1))
        return ((back - there) / (2 * scale) / root).ravel()  # cubic anharmonicity cancels

    size = 3 * atoms.size
    # A fixed start, so that the same system gives the same number.
    start = np.random.default_rng(0).normal(size=size)
    make: Any = LinearOperator  # whose types know of subclasses alone
    find: Any = eigsh
    operator = make((size, size), matvec=restoring_force, dtype=float)
    value = find(operator, k=1, which="LA", v0=start, tol=1e-3, return_eigenvectors=False)
    return float(np.sqrt(max(0.0, float(value[0]))))
