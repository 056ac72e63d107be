"""Lennard-Jones crystals of argon and heavy argon for the tests of our own engine."""

from itertools import product

import numpy as np

from kapitza.simulate.md.potential import Potential, Truncation, lennard_jones
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, FREE_ROLE, HOT_ROLE, System
from kapitza.units import m_u

EPSILON, SIGMA, MASS = 1.67e-21, 3.405e-10, 39.948 * m_u
TAU = SIGMA * np.sqrt(MASS / EPSILON)
LATTICE = 1.5712 * SIGMA
FCC = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]) + 0.25


def crystal(cells=(3, 3, 8), ratio=3.0, *, thermostat=3, wall=0, periodic=True) -> System:
    """An fcc block along [001], whose upper half is heavier; baths of so many planes at its ends, or held ones."""
    grid = np.array(list(product(*map(range, cells))))[:, None]
    positions = (grid + FCC).reshape(-1, 3) * LATTICE
    layer = np.rint(2 * positions[:, 2] / LATTICE - 0.5).astype(int)
    end = 2 * cells[2]
    right = layer >= cells[2]
    role = np.select([layer < wall + thermostat, layer >= end - wall - thermostat], [HOT_ROLE, COLD_ROLE], FREE_ROLE)
    role[(layer < wall) | (layer >= end - wall)] = FIXED_ROLE
    masses = np.where(right, ratio, 1.0) * MASS
    box = np.diag([*cells[:2], cells[2] if periodic else cells[2] + 8]) * LATTICE
    plane = 0.5 * cells[2] * LATTICE
    return System(
        name="argon",
        lattice=box,
        positions=positions,
        masses=masses,
        species=right.astype(int),
        kinds=("Ar", "heavy"),
        layer=layer,
        role=role,
        plane=plane,
        periodic=periodic,
    )


def argon(end: Truncation = "quadratic") -> Potential:
    return lennard_jones(("Ar", "heavy"), EPSILON, SIGMA, end=end)
