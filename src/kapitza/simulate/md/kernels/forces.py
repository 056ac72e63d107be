"""Energies and forces of atoms in a field by our own compiled kernels, whatever its form."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import InputError, require
from kapitza.simulate.md.kernels.neighbours import KERNEL_EXTRA, KERNEL_PURPOSE, NeighbourList
from kapitza.simulate.md.potential import AnyPotential, LammpsCommands, Potential
from kapitza.simulate.md.system import System

KERNEL_MODULES = {
    "lennard-jones": "lennard_jones",
    "stillinger-weber": "stillinger_weber",
    "tersoff": "tersoff",
    "harmonic": "harmonic",
}


def require_kernels(field: AnyPotential) -> Potential:
    """Return a potential that our own kernels know.

    Raises
    ------
    InputError
        for LAMMPS' own lines, and what a calculator brings
    """
    if isinstance(field, LammpsCommands) or field.form not in KERNEL_MODULES:
        whose = "lines of LAMMPS" if isinstance(field, LammpsCommands) else "not a formula of ours"
        raise InputError(
            f"{field.form!r} for {', '.join(field.kinds)} is {whose}: our own kernels, and with them the power through "
            f"a plane and its spectrum, know {', '.join(KERNEL_MODULES)}; take the engine that brings it, "
            "without direct power"
        )
    return field


class KernelFunctions(NamedTuple):
    """Compiled functions of one form of potential, all with the same arguments for every form."""

    forces: Callable[..., Any]
    sites: Callable[..., Any]
    partial: Callable[..., Any]


def load_kernels(field: Potential) -> KernelFunctions:
    """Return the compiled forces, site energies and forces across a plane of a potential.

    Raises
    ------
    InputError
        for a potential without kernels
    MissingEngine
        without numba
    """
    require("numba", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    name = KERNEL_MODULES[require_kernels(field).form]
    module = require(f"kapitza.simulate.md.kernels.{name}", extra=KERNEL_EXTRA, why=KERNEL_PURPOSE)
    return KernelFunctions(*(getattr(module, f"{name}_{part}") for part in KernelFunctions._fields))


def map_species(system: System, field: Potential) -> NDArray[np.int32]:
    """(n,) kind of each atom, as the field counts them.

    Raises
    ------
    InputError
        for a kind that the field does not know
    """
    unknown = [kind for kind in system.kinds if kind not in field.kinds]
    if unknown:
        raise InputError(
            f"{system.name}: the {field.form} field knows {', '.join(field.kinds)}, not {', '.join(unknown)}: "
            "make it for these kinds"
        )
    return np.array([field.kinds.index(kind) for kind in system.kinds], dtype=np.int32)[system.species]


def energy_and_forces(
    field: Potential, near: NeighbourList, positions: Array, species: NDArray[np.int32]
) -> tuple[float, Array]:
    """Potential energy (J) and forces (n, 3) N of atoms at positions (n, 3) m."""
    x = near.extended(positions)
    f = np.zeros_like(x)
    energy = load_kernels(field).forces(x, species[near.owner], near.start, near.near, field.parameters, f)
    return float(energy), _fold_ghosts(near, f)


def site_energies(field: Potential, near: NeighbourList, positions: Array, species: NDArray[np.int32]) -> Array:
    """(n,) energy of each atom, J; their sum is the potential energy."""
    x = near.extended(positions)
    e = np.zeros(len(x))
    load_kernels(field).sites(x, species[near.owner], near.start, near.near, field.parameters, e)
    return np.asarray(np.bincount(near.owner, weights=e, minlength=len(positions)), dtype=float)


def _fold_ghosts(near: NeighbourList, values: Array) -> Array:
    """(n, 3) values of atoms with those of their ghosts (N, 3) added."""
    n = near.start.size - 1
    return np.array([np.bincount(near.owner, weights=column, minlength=n) for column in values.T], dtype=float).T
