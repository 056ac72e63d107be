"""Crystals and junctions that several tests of the lattice theories share."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import ArrayLike

from kapitza.matter.building.layers import (
    cut_into_layers,
    junction_from_layers,
    lead_from_force_constants,
    mass_junction,
)
from kapitza.matter.junction import Junction, JunctionLayer, Lead
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.interface_modes import at_wavevector
from kapitza.units import angstrom, eV, m_u

SPRING = eV / angstrom**2
U = 1.66053906660e-27  # kg, the unit in which the tables of reference were made (CODATA 2018)


@pytest.fixture(scope="session")
def silicon(data) -> Lead:
    """Stillinger-Weber silicon (001), two atoms a layer."""
    blocks = np.load(data("agf/si_sw_prim001_fc.npz"))
    masses = [28.085 * U] * 2
    return lead_from_force_constants("Si", blocks["cell"] * angstrom, masses, blocks["R"], blocks["Phi"] * SPRING)


@pytest.fixture(scope="session")
def si_heavy(silicon) -> Junction:
    """Sharp junction of silicon and silicon with the mass of germanium."""
    return mass_junction(silicon, 28.085 * U, 72.630 * U)


@pytest.fixture(scope="session")
def si_ge(data) -> Junction:
    """Tersoff silicon and coherently strained germanium, relaxed, cut out of a superlattice of 5 + 5 cells."""
    blocks = np.load(data("agf/si_ge_tersoff001_fc.npz"))
    a, si, ge = float(blocks["a"]) * angstrom, 28.085 * m_u, 72.630 * m_u
    periods = np.array([[a / 2, a / 2, 0], [-a / 2, a / 2, 0]])
    leads = [
        lead_from_force_constants(
            name, np.vstack([periods, [0, 0, height]]), [mass] * 4, blocks[f"R{key}"], blocks[f"P{key}"] * SPRING
        )
        for name, mass, key, height in (("Si", si, "S", a), ("Ge", ge, "G", 1.08 * a))
    ]
    cells = cut_into_layers([si] * 20 + [ge] * 20, blocks["R"][:, :2], blocks["Phi"] * SPRING, [4] * 10)[2:8]
    cells[-1] = JunctionLayer(cells[-1].masses, cells[-1].shifts, cells[-1].onsite, None)
    return junction_from_layers("Si|Ge", leads[0], leads[1], periods, cells)


@pytest.fixture(scope="session")
def network() -> Callable[..., Lead]:
    """Random crystals: atoms joined by random springs within a layer and to the next one."""

    def make(seed: int, atoms: int = 2, springs: int = 8, mass: float = 1.0) -> Lead:
        rng = np.random.default_rng(seed)
        shifts = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
        size = 3 * atoms
        onsite, hop = np.zeros((2, 5, size, size))

        def bond(i: int, j: int, r: int, layer: int) -> None:
            one, other = slice(3 * i, 3 * i + 3), slice(3 * j, 3 * j + 3)
            root = rng.normal(size=(3, 3))
            stiffness = root @ root.T + 0.3 * np.eye(3)
            onsite[0, one, one] += stiffness
            onsite[0, other, other] += stiffness
            if layer:
                hop[r, one, other] -= stiffness
            else:
                onsite[r, one, other] -= stiffness
                onsite[[0, 2, 1, 4, 3][r], other, one] -= stiffness

        for i in range(atoms):
            bond(i, (i + 1) % atoms, 1, 0)
            bond(i, i, 3, 0)
            bond(i, rng.integers(atoms), rng.integers(5), 1)
        for _ in range(springs):
            bond(rng.integers(atoms), rng.integers(atoms), rng.integers(5), 1)
        masses = mass * rng.uniform(20, 60, atoms) * m_u
        return Lead(
            name="network",
            periods=3e-10 * np.eye(2, 3),
            step=[0, 0, 3e-10],
            masses=masses,
            shifts=shifts,
            onsite=20 * onsite,
            hop=20 * hop,
            model=True,  # random springs make faster sound than any atoms
        )

    return make


@pytest.fixture(scope="session")
def fcc() -> Lead:
    """Nearest-neighbour central springs of 1 eV/Å² on a cube of 1 Å, mass 1 u, layers a/2 apart."""
    periods = np.array([[0.5, 0.5, 0], [-0.5, 0.5, 0]])
    step = np.array([0, 0.5, 0.5])
    plane = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1], [-1, -1]])
    onsite, hop = np.zeros((2, len(plane), 3, 3))
    for r, shift in enumerate(plane):
        for block, offset in ((onsite, np.zeros(3)), (hop, step)):
            bond = shift @ periods + offset
            if abs(np.linalg.norm(bond) - np.sqrt(0.5)) < 1e-9:
                stiffness = SPRING * 2 * np.outer(bond, bond)
                block[r] -= stiffness
                onsite[0] += stiffness * (1 if block is onsite else 2)
    return Lead(
        name="fcc", periods=periods * angstrom, step=step * angstrom, masses=[U], shifts=plane, onsite=onsite, hop=hop
    )


@pytest.fixture(scope="session")
def dense_slab() -> Callable[..., tuple[np.ndarray, int, int]]:
    """Dense dynamical matrices of slabs, the second road to what leads without end do."""

    def make(junction: Junction, k: ArrayLike, layers: int) -> tuple[np.ndarray, int, int]:
        """Dense dynamical matrix of the device between many layers of both leads, and where the device begins."""
        at = at_wavevector(prepare_junction(junction), np.asarray(k, dtype=float))
        leads = [(onsite[0], hop[0]) for onsite, hop in at.leads]
        onsite = [leads[0][0]] * layers + [one[0] for one in at.blocks.onsite] + [leads[1][0]] * layers
        hop = [leads[0][1]] * layers + [one[0] for one in at.blocks.hop] + [leads[1][1]] * layers
        start = np.concatenate([[0], np.cumsum([len(one) for one in onsite])])
        matrix = np.zeros((start[-1], start[-1]), dtype=complex)
        for i, block in enumerate(onsite):
            matrix[start[i] : start[i + 1], start[i] : start[i + 1]] = block
        for i, block in enumerate(hop):
            matrix[start[i] : start[i + 1], start[i + 1] : start[i + 2]] = block
            matrix[start[i + 1] : start[i + 2], start[i] : start[i + 1]] = block.conj().T
        return matrix, start[layers], start[-1 - layers]

    return make
