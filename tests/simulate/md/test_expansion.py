"""Lattice constants at a temperature: at rest as other programs have them, and growing as anharmonic crystals grow."""

import numpy as np
import pytest

from kapitza.errors import ConvergenceError, InputError
from kapitza.matter.potentials.published import published_potential
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.matter.structure import structure
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.kernels.forces import energy_and_forces, list_neighbours, map_species
from kapitza.simulate.md.potential import lennard_jones
from kapitza.simulate.md.runs.expansion import Pressure, bulk_crystal, find_lattice_constant, rest_constant
from kapitza.units import angstrom, eV, k_B, m_u

pytest.importorskip("numba")

EPSILON, SIGMA, MASS = 10.4e-3 * eV, 3.4 * angstrom, 39.95 * m_u
TAU = np.sqrt(MASS * SIGMA**2 / EPSILON)
UNIT = EPSILON / k_B


def test_rest_is_where_another_program_has_it():
    """The minimum of the energy, by matscipy."""
    pytest.importorskip("matscipy")
    found = rest_constant("Ar", lennard_jones(("Ar",), end="quadratic"))
    other = relax_cell(structure("Ar"), published_potential("lennard-jones", ["Ar"]))
    np.testing.assert_allclose(found, (4 * other.volume) ** (1 / 3), rtol=1e-6, atol=0)


def test_pressure_is_the_slope_of_the_energy():
    """Of a disordered periodic crystal against its volume, by differences; moving atoms add an ideal gas."""
    field = lennard_jones(("Ar",), EPSILON, SIGMA, end="quadratic")
    system = bulk_crystal(structure("Ar"), field, 1.58 * SIGMA, (3, 3, 3))
    rng = np.random.default_rng(2)
    places = system.positions + 0.05 * SIGMA * rng.standard_normal(system.positions.shape)
    species = map_species(system, field)

    def energy(stretch):
        near = list_neighbours(
            system.lattice * stretch, places * stretch, field.cutoff, periodic=(True,) * 3, half=True
        )
        return energy_and_forces(field, near, places * stretch, species)[0]

    volume = float(np.linalg.det(system.lattice))
    found = Pressure(system, field)(places, np.zeros_like(places))
    for axis in range(3):
        ends = [np.ones(3), np.ones(3)]
        ends[0][axis], ends[1][axis] = 1 - 1e-5, 1 + 1e-5
        slope = -(energy(ends[1]) - energy(ends[0])) / 2e-5 / volume
        np.testing.assert_allclose(found[axis], slope, rtol=1e-6, atol=1e-6 * EPSILON / SIGMA**3)
    velocities = np.full_like(places, 100.0)
    gas = Pressure(system, field)(places, velocities) - found
    np.testing.assert_allclose(gas, system.masses.sum() * 1e4 / volume, rtol=1e-9, atol=0)


def test_a_crystal_expands_as_it_should(data):
    """Zero pressure at T* = 0.25 is where LAMMPS has it, with a cutoff of 2.5 σ."""
    wanted = float(np.load(data("md/lj_r3_nz12.npz"))["alat"])
    field = lennard_jones(("Ar",), EPSILON, SIGMA, end="truncated")
    found = find_lattice_constant(
        "Ar", field, BuiltinEngine(), 0.25 * UNIT, timestep=0.005 * TAU, steps=8000, cells=(4, 4, 4)
    )
    assert found.sigma < 5e-4 * SIGMA
    np.testing.assert_allclose(found.value, wanted * SIGMA, rtol=0, atol=3 * found.sigma + 2e-4 * SIGMA)
    cold = find_lattice_constant(
        "Ar", field, BuiltinEngine(), 0.05 * UNIT, timestep=0.005 * TAU, steps=3000, cells=(4, 4, 4)
    )
    ratio = (found.value / found.rest - 1) / (cold.value / cold.rest - 1)
    assert 5 < ratio < 6.5  # five times the temperature: five times the expansion, and more as the crystal softens


def test_what_is_no_crystal_is_refused():
    field = lennard_jones(("Ar",), EPSILON, SIGMA)
    with pytest.raises(InputError, match="wanted above 0 K and 1000 or more"):
        find_lattice_constant("Ar", field, BuiltinEngine(), 30.0, timestep=0.005 * TAU, steps=10)
    with pytest.raises(InputError, match="at no lattice constant from"):
        rest_constant("Ar", lennard_jones(("Ar",), EPSILON, 0.5 * SIGMA))
    with pytest.raises(ConvergenceError, match=r"take a timestep below|melts"):
        find_lattice_constant("Ar", field, BuiltinEngine(), 40 * UNIT, timestep=0.01 * TAU, steps=1000, cells=(3, 3, 3))
