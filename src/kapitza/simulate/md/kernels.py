"""Energies and forces of atoms in a field by our own compiled kernels, whatever its form."""

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array
from kapitza.errors import InputError, require
from kapitza.simulate.md.field import Commands, Field, Potential
from kapitza.simulate.md.neighbours import EXTRA, WHY, Neighbours
from kapitza.simulate.md.system import System

ROOMS = {"lennard-jones": "lj", "stillinger-weber": "sw", "tersoff": "tersoff", "harmonic": "harmonic"}


def with_kernels(field: Potential) -> Field:
    """Return a potential that our own kernels know.

    Raises
    ------
    InputError
        for LAMMPS' own lines, and what a calculator brings
    """
    if isinstance(field, Commands) or field.form not in ROOMS:
        whose = "lines of LAMMPS" if isinstance(field, Commands) else "not a formula of ours"
        raise InputError(
            f"{field.form!r} for {', '.join(field.kinds)} is {whose}: our own kernels, and with them the power through "
            f"a plane and its spectrum, know {', '.join(ROOMS)}; take the engine that brings it, without direct power"
        )
    return field


def kernels(field: Field) -> ModuleType:
    """Return the compiled functions `forces`, `sites` and `partial` of a field.

    Raises
    ------
    InputError
        for a potential without kernels
    MissingEngine
        without numba
    """
    require("numba", extra=EXTRA, why=WHY)
    return require(f"kapitza.simulate.md.kernels_{ROOMS[with_kernels(field).form]}", extra=EXTRA, why=WHY)


def species_of(system: System, field: Field) -> NDArray[np.int32]:
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
    field: Field, near: Neighbours, positions: Array, species: NDArray[np.int32]
) -> tuple[float, Array]:
    """Potential energy (J) and forces (n, 3) N of atoms at positions (n, 3) m."""
    x = near.extended(positions)
    f = np.zeros_like(x)
    energy = kernels(field).forces(x, species[near.owner], near.start, near.near, field.parameters, f)
    return float(energy), folded(near, f)


def site_energies(field: Field, near: Neighbours, positions: Array, species: NDArray[np.int32]) -> Array:
    """(n,) energy of each atom, J; their sum is the potential energy."""
    x = near.extended(positions)
    e = np.zeros(len(x))
    kernels(field).sites(x, species[near.owner], near.start, near.near, field.parameters, e)
    return np.asarray(np.bincount(near.owner, weights=e, minlength=len(positions)), dtype=float)


def folded(near: Neighbours, values: Array) -> Array:
    """(n, 3) values of atoms with those of their ghosts (N, 3) added."""
    n = near.start.size - 1
    return np.array([np.bincount(near.owner, weights=column, minlength=n) for column in values.T], dtype=float).T
