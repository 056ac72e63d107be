r"""One phonon on its way: a wave packet in a crystal at rest, sent through a plane by any engine.

Small packets have the transmission of the harmonic junction; large ones show what anharmonicity makes of it.
P. K. Schelling, S. R. Phillpot and P. Keblinski, Appl. Phys. Lett. 80, 2484 (2002), doi:10.1063/1.1465106.
"""

import numpy as np
from numpy.typing import ArrayLike
from site_energies import site_energies

from kapitza.core.arrays import Array, positive
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal
from kapitza.simulate.md.engine import MdState
from kapitza.simulate.md.kernels.forces import VerletList, map_species
from kapitza.simulate.md.observers.mode_energies import assign_sites
from kapitza.simulate.md.potential import Potential
from kapitza.simulate.md.system import System

_MIN_PACKET_SPEED = 1e-3  # of ω/q: a packet that hardly moves


def packet_state(
    system: System,
    crystal: Crystal,
    wavevector: ArrayLike,
    branch: int,
    *,
    amplitude: float,
    centre: float,
    width: float,
) -> tuple[MdState, float]:
    r"""A wave packet on the left side of a system at rest, and its angular frequency.

    $u = A\,\mathrm{Re}\,e\,e^{iq\cdot R}e^{-(z - z_0)^2/ξ^2}$.

    `crystal` of the left side as the system has it; `wavevector` (3,) rad m⁻¹ whose parts in the plane fit the box;
    `branch` from 0 in the order of frequency; `amplitude` A, the largest displacement of any atom, `centre` z₀ and
    `width` ξ, m: many wavelengths make one frequency (rad s⁻¹).
    """
    positive([amplitude, width])
    q = np.asarray(wavevector, dtype=float).reshape(1, 3)
    if not 0 <= branch < 3 * crystal.masses.size:
        raise InputError(f"{crystal.name}: branch {branch} of {3 * crystal.masses.size}")
    value, vector = np.linalg.eigh(crystal.dynamical(q)[0])
    omega = float(np.sqrt(max(value[branch], 0.0)))
    wave = vector[:, branch]
    slope = float((wave.conj() @ crystal.gradient(q)[0, 2] @ wave).real)
    if not slope > _MIN_PACKET_SPEED * 2 * omega**2 / np.linalg.norm(q):
        raise InputError(f"{crystal.name}: branch {branch} at q = {q[0].tolist()} rad/m does not go to the right")
    left = np.flatnonzero(~system.right)
    low, high = system.positions[left, 2].min(), system.plane
    if not low < centre - 2 * width < centre + 2 * width < high:
        raise InputError(
            f"{system.name}: a packet at {centre:g} m, {width:g} m wide, needs two widths to either side between "
            f"{low:g} and {high:g} m"
        )
    cell, site = assign_sites(crystal, system.positions[left], system.masses[left])
    shape = wave.reshape(-1, 3) / np.sqrt(crystal.masses)[:, None]
    phase = np.exp(1j * (cell @ crystal.lattice) @ q[0] - np.square((system.positions[left, 2] - centre) / width))
    moved = amplitude / np.linalg.norm(shape, axis=1).max() * shape[site] * phase[:, None]
    displaced, velocities = np.zeros_like(system.positions), np.zeros_like(system.positions)
    # Of e^{-iωt}, and of the envelope, which moves on with the group velocity: without it a part would go back.
    speed = slope / (2 * omega)
    onwards = 2 * speed * (system.positions[left, 2] - centre)[:, None] / width**2
    displaced[left], velocities[left] = moved.real, omega * moved.imag + onwards * moved.real
    return MdState(system.positions + displaced, velocities), omega


def side_energies(system: System, potential: Potential, positions: Array, velocities: Array) -> tuple[float, float]:
    """Energy above rest of the left and of the right side, kinetic and of the sites, J."""
    around, kinds = VerletList(system, potential), map_species(system, potential)
    now, rest = (site_energies(potential, around.renew(x), x, kinds) for x in (np.array(positions), system.positions))
    each = now - rest + 0.5 * system.masses * np.square(velocities).sum(axis=1)
    return float(each[~system.right].sum()), float(each[system.right].sum())
