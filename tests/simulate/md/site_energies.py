"""Energies of single atoms in the potentials of the built-in engine, by the functions that its kernels use."""

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import Array, Int32Array, IntArray
from kapitza.simulate.md.kernels import embedded_atom, harmonic, lennard_jones, stillinger_weber, tersoff
from kapitza.simulate.md.kernels.compiler import compile_kernel
from kapitza.simulate.md.kernels.forces import NeighbourList
from kapitza.simulate.md.potential import Potential

_tabulate_pairs, _pair_energy_and_force = lennard_jones._tabulate_pairs, lennard_jones._pair_energy_and_force
_squared_reach, _pair_workspace = stillinger_weber._squared_reach, stillinger_weber._pair_workspace
_collect_pairs, _add_angles = stillinger_weber._collect_pairs, stillinger_weber._add_angles
_bond_workspace, _add_bonds = tersoff._bond_workspace, tersoff._add_site
_neighbour_workspace, _add_metal_site = embedded_atom._neighbour_workspace, embedded_atom._add_site
_harmonic_forces = harmonic.harmonic_forces


@compile_kernel
def _lennard_jones_sites(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array, parameters: tuple[Array, ...], e: Array
) -> None:
    """Add the energy of each site (N,) J; ghosts get their half, too, which belongs to their owners."""
    table, ended, kinds = _tabulate_pairs(parameters), parameters[3][0] > 0, len(parameters[0])
    for i in range(len(start) - 1):
        for k in range(start[i], start[i + 1]):
            j = near[k]
            dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
            square, row = dx * dx + dy * dy + dz * dz, table[species[i] * kinds + species[j]]
            if square < row[0]:
                both = _pair_energy_and_force(square, row, ended)[0]
                e[i] += both / 2
                e[j] += both / 2


@compile_kernel
def _stillinger_weber_sites(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array, parameters: tuple[Array, Array], e: Array
) -> None:
    """Add the energy of each atom to e, (n,) J."""
    two, three = parameters
    squares, work = _squared_reach(two), _pair_workspace(start)
    for i in range(start.size - 1):
        m, energy = _collect_pairs(x, species, i, near[start[i] : start[i + 1]], two, squares, work)
        e[i] += energy + _add_angles(m, three[species[i]], work[1], work[2])


@compile_kernel
def _tersoff_sites(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array, parameters: tuple[Array, Array], e: Array
) -> None:
    """Add the energy of each atom to e, (n,) J."""
    work = _bond_workspace(start)
    for i in range(start.size - 1):
        e[i] += _add_bonds(x, species, i, near[start[i] : start[i + 1]], parameters, work)[1]


@compile_kernel
def _embedded_atom_sites(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array, parameters: tuple[Array, ...], e: Array
) -> None:
    """Add the energy of each atom to e, (n,) J."""
    work = _neighbour_workspace(start)
    for i in range(start.size - 1):
        e[i] += _add_metal_site(x, species, i, near[start[i] : start[i + 1]], parameters, work)[1]


@compile_kernel
def _harmonic_sites(
    x: Array, species: Int32Array, start: IntArray, near: Int32Array, parameters: tuple[Array, ...], e: Array
) -> None:
    """Add the energy of each atom to e (n,) J."""
    f = np.zeros((start.size - 1, 3))
    _harmonic_forces(x, species, start, near, parameters, f)
    rest = parameters[0]
    for i in range(start.size - 1):
        for c in range(3):
            e[i] -= (x[i, c] - rest[i, c]) * f[i, c] / 2


SITES = {
    "lennard-jones": _lennard_jones_sites,
    "stillinger-weber": _stillinger_weber_sites,
    "tersoff": _tersoff_sites,
    "embedded-atom": _embedded_atom_sites,
    "harmonic": _harmonic_sites,
}


def site_energies(potential: Potential, near: NeighbourList, positions: Array, species: NDArray[np.int32]) -> Array:
    """(n,) energy of each atom, J; their sum is the potential energy."""
    x = near.extend(positions)
    e = np.zeros(len(x))
    SITES[potential.form](x, species[near.owner], near.start, near.near, potential.parameters, e)
    return np.asarray(np.bincount(near.owner, weights=e, minlength=len(positions)), dtype=float)
