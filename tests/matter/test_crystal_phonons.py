"""Phonons by any potential: published elastic constants, lattice sums, strained cells, heat, and files of phonopy."""

import numpy as np
import pytest
from attrs import evolve

import kapitza
from kapitza.errors import InputError
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import load_crystal, miller_normal
from kapitza.matter.longwave import long_wave
from kapitza.matter.potentials.published import LENNARD_JONES_PARAMETERS, published_potential
from kapitza.matter.structure import build_prototype
from kapitza.phonons import PotentialChoice, crystal_by_potential, crystal_phonons, write_phonopy
from kapitza.units import GPa, THz, angstrom, hbar, k_B, meV

pytest.importorskip("matscipy")


@pytest.fixture(scope="module")
def silicon():
    found = crystal_by_potential("Si", "sw")
    return found, crystal_phonons(found, [2.0, 300.0, 5000.0])


@pytest.fixture(scope="module")
def argon():
    found = crystal_by_potential("Ar", "lj")
    return found, crystal_phonons(found, [300.0])


def speed(result, *direction):
    """Speeds of sound along one direction, m/s."""
    return result.speeds[result.directions.tolist().index(list(direction))]


def test_speeds_of_sound_are_those_of_published_elastic_constants(silicon, published):
    found, result = silicon
    for name, squared in (
        ("sw_si_c11", speed(result, 1, 0, 0)[2] ** 2),
        ("sw_si_c44", speed(result, 1, 0, 0)[0] ** 2),
        ("sw_si_c12", speed(result, 1, 0, 0)[2] ** 2 - 2 * speed(result, 1, 1, 0)[0] ** 2),
    ):
        want = published("junctions", name)
        assert abs(found.crystal.density * squared / GPa - want["value"]) <= want["tolerance"] * want["value"]


def test_speeds_of_sound_are_those_of_strained_cells(argon):
    """A second road: stress of cells strained by ±1e-4; in fcc no atom relaxes within the cell."""
    found, result = argon
    engine = published_potential("lj", ["Ar"])
    crystal = found.crystal
    rest = build_prototype("Ar", "fcc", ["Ar"], a=float(np.linalg.norm(found.axes[0])))

    def stress(strain):
        now = evolve(rest, lattice=rest.lattice @ (np.eye(3) + strain), positions=rest.positions)
        return engine.state(now, stress=True).stress

    size = 1e-4
    along, shear = np.zeros((3, 3)), np.zeros((3, 3))
    along[0, 0], shear[0, 1], shear[1, 0] = size, size / 2, size / 2
    c11, c12 = ((stress(along) - stress(-along))[i, i] / (2 * size) for i in (0, 1))
    c44 = (stress(shear) - stress(-shear))[0, 1] / (2 * size)
    want = np.sqrt(np.array([c44, c44, c11]) / crystal.density)
    assert np.abs(speed(result, 1, 0, 0) / want - 1).max() <= 1e-4
    assert abs(speed(result, 1, 1, 0)[0] / np.sqrt((c11 - c12) / 2 / crystal.density) - 1) <= 1e-4


def test_dispersion_is_the_lattice_sum_of_the_pair_potential(argon):
    """A third: D(q) = Σ_R (1 - cos q·R) [φ'' R̂R̂ + (φ'/R)(1 - R̂R̂)]/m, of a pair potential that ends smoothly."""
    found, result = argon
    epsilon, sigma = LENNARD_JONES_PARAMETERS["Ar"][0] * meV, LENNARD_JONES_PARAMETERS["Ar"][1] * angstrom
    cut = 2.5 * sigma

    def slopes(r):
        x = (sigma / r) ** 6
        return 24 * epsilon * (x - 2 * x * x) / r, 24 * epsilon * (26 * x * x - 7 * x) / r**2

    steps = (np.indices((11, 11, 11)).reshape(3, -1).T - 5) @ found.crystal.lattice
    r = np.linalg.norm(steps, axis=1)
    steps, r = steps[(r > 0) & (r < cut)], r[(r > 0) & (r < cut)]
    ends = slopes(cut)
    first, second = slopes(r)[0] - ends[0] - (r - cut) * ends[1], slopes(r)[1] - ends[1]
    unit = steps / r[:, None]
    dyad = unit[:, :, None] * unit[:, None, :]
    bonds = second[:, None, None] * dyad + (first / r)[:, None, None] * (np.eye(3) - dyad)
    weight = 1 - np.cos(result.dispersion.wavevector @ steps.T)
    square = np.linalg.eigvalsh(np.einsum("qr,rab->qab", weight, bonds) / found.crystal.masses[0])
    top = result.dispersion.omega.max()
    assert np.abs(result.dispersion.omega**2 - square).max() <= 1e-9 * top**2
    assert result.dispersion.labels[:2] == ("Γ", "X")


def test_heat_capacity_at_both_ends(silicon):
    """Towards T = 0 the T³ law of sound, hot 3 k_B per atom less the first quantum correction, <(ħω)²>/12 (k_B T)²."""
    found, result = silicon
    cold, _, hot = result.heat_capacity
    states = long_wave(found.crystal).integrals(np.array([0.0, 0.0, 1.0]))[1]
    cubic = states * k_B * (k_B * 2.0 / hbar) ** 3 * 4 * np.pi**4 / 15
    assert abs(cold / cubic - 1) <= 5e-3
    atoms = found.crystal.atoms
    square = np.trapezoid(result.states * result.omega**2, result.omega) / np.trapezoid(result.states, result.omega)
    correction = square * (hbar / (k_B * 5000.0)) ** 2 / 12
    assert abs(hot / (3 * k_B * atoms) - (1 - correction)) <= 1e-4
    assert abs(np.trapezoid(result.states, result.omega) / (3 * atoms) - 1) <= 5e-3


def test_sum_rule_and_stability(silicon, argon):
    for found, result in (silicon, argon):
        assert found.crystal.residual <= 1e-12
        assert result.instability == ""
        gamma = found.crystal.frequencies([0, 0, 0])[0, :3]
        assert np.abs(gamma).max() <= 1e-6 * result.top


def test_an_unstable_crystal_is_refused_or_shown_with_its_worst_mode():
    """Closed shells have no bcc crystal: in its shear along [110] nothing pulls back."""
    bcc = build_prototype("Ar", "bcc", ["Ar"], a=4.3 * angstrom)
    with pytest.raises(InputError, match=r"Ar is unstable: .*imaginary frequencies up to [0-9.]+i THz, at q = \("):
        crystal_by_potential(bcc, "lj", PotentialChoice(relax="none"))
    shown = crystal_phonons(crystal_by_potential(bcc, "lj", PotentialChoice(relax="none"), stable=False))
    assert shown.states is None
    assert shown.heat_capacity is None
    assert shown.lowest < 0
    assert f"{-shown.lowest / THz:.3g}i THz" in shown.instability
    assert shown.dispersion.omega.min() < 0


def test_files_of_phonopy_hold_the_crystal(silicon, argon, tmp_path):
    for found, _ in (silicon, argon):
        path = tmp_path / f"{found.crystal.name}.yaml"
        write_phonopy(found.crystal, path, found.axes)
        back = load_crystal(path, nac=False)
        waves = np.random.default_rng(0).uniform(-1, 1, (20, 3)) @ found.crystal.reciprocal
        want = found.crystal.frequencies(waves)
        assert np.abs(back.frequencies(waves) - want).max() <= 1e-9 * want.max()
        normal = miller_normal(path, (1, 1, 0))
        assert np.abs(normal / np.linalg.norm(normal) - [0.5**0.5, 0.5**0.5, 0]).max() <= 1e-9


def test_a_cell_without_symmetry_survives_the_file(tmp_path):
    """Force constants of three springs in a triclinic cell of two atoms, and axes of which the cell is a third."""
    rng = np.random.default_rng(5)
    lattice = np.array([[4.0, 0, 0], [0.7, 3.6, 0], [0.3, -0.9, 4.4]]) * angstrom
    cells = np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, -1], [0, -1, 1]])
    blocks = rng.normal(size=(5, 6, 6))
    blocks[0] += blocks[0].T
    blocks[2], blocks[4] = blocks[1].T, blocks[3].T
    one = Crystal(
        name="P1", lattice=lattice, positions=np.array([[0, 0, 0], [0.4, 0.45, 0.6]]) @ lattice,
        masses=np.array([2e-26, 5e-26]), cells=cells, force_constants=10 * blocks, symbols=("C", "Si"),
    )  # fmt: skip
    write_phonopy(one, tmp_path / "P1.yml", np.array([[1, 1, 0], [-1, 2, 0], [0, 1, 1]]) @ lattice)
    with pytest.warns(kapitza.errors.ValidityWarning, match="sum rule"):
        back = load_crystal(tmp_path / "P1.yml", nac=False, sum_rule=False)
    waves = rng.uniform(-1, 1, (9, 3)) @ one.reciprocal
    want = one.frequencies(waves)
    assert np.abs(back.frequencies(waves) - want).max() <= 1e-9 * np.abs(want).max()


def test_what_cannot_be_written(silicon, tmp_path):
    found, _ = silicon
    with pytest.raises(InputError, match="no lattice vectors of the crystal"):
        write_phonopy(found.crystal, tmp_path / "a.yaml", 1.1 * found.axes)
    with pytest.raises(InputError, match=r"ends in \.yaml"):
        write_phonopy(found.crystal, tmp_path / "a.txt")
    with pytest.raises(InputError, match="charges"):
        write_phonopy(kapitza.phonons.phonon_crystal("MgO"), tmp_path / "a.yaml")


def test_a_calculator_by_path_is_displaced_once_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("KAPITZA_CACHE", str(tmp_path))
    counts = []
    choice = PotentialChoice(reach=5 * angstrom, progress=lambda done, total: counts.append((done, total)))
    first = crystal_by_potential("Cu", "ase.calculators.emt:EMT", choice)
    assert max(total for _, total in counts) <= 2  # of 3 axes, both ways: fcc needs one
    counts.clear()
    again = crystal_by_potential("Cu", "ase.calculators.emt:EMT", choice)
    assert counts == []
    assert np.abs(first.crystal.force_constants - again.crystal.force_constants).max() <= 0.0


def test_saved_and_loaded(silicon, tmp_path):
    _, result = silicon
    kapitza.save(result, tmp_path / "si.h5")
    back = kapitza.load(tmp_path / "si.h5")
    assert back.source == "stillinger-weber, doi:10.1103/PhysRevB.31.5262"
    assert np.abs(back.crystal.force_constants - result.crystal.force_constants).max() <= 0.0
