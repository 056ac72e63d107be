"""Force constants from potentials: sum rules, finite differences, a second code, the reference crystal."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kapitza.errors import InputError, MissingEngine
from kapitza.matter.bands import Bands
from kapitza.matter.building.surface import orient_structure
from kapitza.matter.potentials import force_field as engine_module
from kapitza.matter.potentials.force_constants import crystal_from_ase, crystal_from_potential, repeats_for_height
from kapitza.matter.potentials.force_field import ForceField, force_field_from_calculator
from kapitza.matter.potentials.published import TERSOFF_PARAMETERS, list_potentials, published_potential
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.matter.structure import Structure, build_prototype, structure
from kapitza.units import angstrom, eV, m_u

pytest.importorskip("matscipy")

STIFF = eV / angstrom**2


@pytest.fixture(scope="module")
def silicon():
    engine = published_potential("sw", ["Si"])
    return engine, relax_cell(structure("Si"), engine)


def test_the_reference_crystal_has_the_same_frequencies(data):
    """A second road: blocks of the reference files, made apart from this code, at a = 5.431 Å."""
    crystal = crystal_from_potential(structure("Si"), published_potential("sw", ["Si"]))
    blocks = np.load(data("agf/si_sw_prim001_fc.npz"))
    cell = blocks["cell"] * angstrom
    q = np.random.default_rng(0).uniform(-0.5, 0.5, (20, 3)) @ (2 * np.pi * np.linalg.inv(cell).T)
    phase = np.exp(1j * q @ (blocks["R"] @ cell).T)
    matrix = np.einsum("qr,rij->qij", phase, blocks["Phi"]) * STIFF / (28.085 * m_u)
    want = np.sqrt(np.abs(np.linalg.eigvalsh(matrix)))
    np.testing.assert_allclose(crystal.frequencies(q), want, rtol=1e-9)


@pytest.mark.parametrize(("name", "kind"), [("Si", "tersoff"), ("SiC", "tersoff"), ("c-BN", "matsunaga"), ("Ar", "lj")])
def test_sum_rule_symmetry_and_stability(name, kind):
    one = structure(name)
    engine = published_potential(kind, one.symbols)
    crystal = crystal_from_potential(relax_cell(one, engine), engine)
    scale = np.abs(crystal.force_constants).max()
    assert crystal.residual < 1e-12
    place = {tuple(cell): i for i, cell in enumerate(crystal.cells.tolist())}
    for cell, i in place.items():
        other = crystal.force_constants[place[tuple(-c for c in cell)]]
        np.testing.assert_allclose(crystal.force_constants[i], other.T, rtol=0, atol=1e-12 * scale)
    omega = crystal.frequencies(np.random.default_rng(1).uniform(-1, 1, (40, 3)) @ crystal.reciprocal)
    assert omega.min() > 0
    gamma = crystal.frequencies([0, 0, 0])[0]
    assert np.abs(gamma[:3]).max() < 1e-5 * omega.max()


def test_differences_of_forces_give_the_analytic_hessian():
    """A second road to each second derivative, for two elements and a structure without symmetry."""
    engine = published_potential("tersoff", ["Si", "Ge"])
    cell = structure("Si").repeat((2, 2, 2))
    rng = np.random.default_rng(3)
    mixed = tuple(rng.choice(["Si", "Ge"], cell.masses.size).tolist())
    cell = evolve(
        cell, symbols=mixed, positions=cell.positions + rng.normal(0, 0.05, cell.positions.shape) * angstrom
    ).repeat((2, 2, 2))
    rows = np.array([0, 5])
    analytic = engine.hessian(cell, rows)

    class ForcesOnly:
        def __init__(self, calculator):
            self.inner = calculator

        def __getattr__(self, name):
            if name == "get_hessian":
                raise AttributeError(name)
            return getattr(self.inner, name)

    numeric = ForceField("forces", ForcesOnly(engine.calculator), engine.reach, step=1e-3 * angstrom)
    assert not numeric.analytic
    np.testing.assert_allclose(numeric.hessian(cell, rows), analytic, rtol=0, atol=2e-5 * np.abs(analytic).max())


def test_parameters_and_mixing_against_a_second_code():
    """ASE's own Tersoff, which takes parameters in another form, has the same energy and forces."""
    tersoff = pytest.importorskip("ase.calculators.tersoff")
    engine = published_potential("tersoff", ["Si", "Ge"])
    cell = build_prototype("SiGe", "zincblende", ["Si", "Ge"], a=5.55 * angstrom).repeat((2, 2, 2))
    rng = np.random.default_rng(4)
    cell = evolve(cell, positions=cell.positions + rng.normal(0, 0.08, cell.positions.shape) * angstrom)

    def entry(i: str, j: str, k: str) -> list[float]:
        a, b, c = TERSOFF_PARAMETERS[i], TERSOFF_PARAMETERS[j], TERSOFF_PARAMETERS[k]
        chi = 1.00061 if i != j else 1.0
        low, high = np.sqrt(a[9] * c[9]), np.sqrt(a[10] * c[10])
        pair = j == k
        return [
            3.0, 1.0, 0.0, a[6], a[7], a[8], a[5] if pair else 1.0, a[4] if pair else 0.0, (a[3] + b[3]) / 2,
            chi * np.sqrt(a[1] * b[1]), (low + high) / 2, (high - low) / 2, (a[2] + b[2]) / 2, np.sqrt(a[0] * b[0]),
        ]  # fmt: skip

    names = ("Si", "Ge")
    table = {
        (i, j, k): tersoff.TersoffParameters.from_list(entry(i, j, k)) for i in names for j in names for k in names
    }
    other = force_field_from_calculator(tersoff.Tersoff(table), 6.2 * angstrom)
    one, two = engine.state(cell), other.state(cell)
    np.testing.assert_allclose(one.energy, two.energy, rtol=1e-10)
    np.testing.assert_allclose(one.forces, two.forces, rtol=0, atol=1e-8 * np.abs(two.forces).max())


def test_cohesive_energy_of_stillinger_weber(silicon):
    """The diamond lattice of a potential that is made so has the energy -2ε an atom and no force from angles."""
    engine, cell = silicon
    np.testing.assert_allclose(engine.state(cell).energy / 2, -2 * 2.1683 * eV, rtol=1e-6)


def test_published_crystals(published):
    for name, symbols in (("tersoff_si", "Si"), ("tersoff_ge", "Ge"), ("tersoff_c", "C")):
        want = published("junctions", name)
        engine = published_potential("tersoff", [symbols])
        cell = relax_cell(structure(symbols), engine)
        got = engine.state(cell).energy / eV / cell.masses.size
        np.testing.assert_allclose(got, want["value"], rtol=want["tolerance"])


def test_any_calculator_of_ase_by_a_supercell():
    """EMT of Al: forces reach far, the supercell cuts them as phonopy would; sound is that of its elastic constants."""
    ase_emt = pytest.importorskip("ase.calculators.emt")
    build = pytest.importorskip("ase.build")
    atoms = build.bulk("Al", "fcc", a=3.994)
    crystal = crystal_from_ase(atoms, ase_emt.EMT(), (4, 4, 4), name="Al")
    assert crystal.residual < 1e-4
    speeds = Bands(crystal).speeds((0, 0, 1)) if crystal.residual < 1e-4 else np.zeros(3)
    assert 2000 < speeds[0] < speeds[2] < 8000
    np.testing.assert_allclose(crystal.masses[0], 26.98 * m_u, rtol=1e-3)


def test_isotopes_keep_their_masses():
    build = pytest.importorskip("ase.build")
    atoms = build.bulk("Si", "diamond", a=5.431)
    atoms.set_masses([29.974, 29.974])
    engine = published_potential("sw", ["Si"])
    crystal = crystal_from_ase(atoms, engine.calculator, reach=engine.reach)
    light = crystal_from_potential(structure("Si"), engine)
    got, want = crystal.frequencies([0, 0, 0])[0, 3:], light.frequencies([0, 0, 0])[0, 3:]
    np.testing.assert_allclose(got, want * np.sqrt(28.085 / 29.974), rtol=1e-4)


@settings(max_examples=30)
@given(st.floats(2e-10, 3e-9), st.integers(0, 2**31))
def test_supercells_are_as_wide_as_wanted(height, seed):
    lattice = (np.eye(3) + 0.3 * np.random.default_rng(seed).uniform(-1, 1, (3, 3))) * 4e-10
    counts = np.array(repeats_for_height(lattice, height, (True, True, True)))
    heights = counts / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    assert (heights >= height * (1 - 1e-5)).all()
    assert (counts == 1).any() or ((counts - 1) / counts * heights < height).all()


def test_relaxed_cells_have_no_stress_and_keep_their_symmetry():
    engine = published_potential("tersoff", ["Si", "C"])
    cell = relax_cell(structure("SiC"), engine)
    state = engine.state(cell, stress=True)
    assert np.abs(state.stress).max() < 1e4  # Pa
    assert cell.axes is not None
    np.testing.assert_allclose(cell.axes, np.eye(3) * cell.axes[0, 0], rtol=0, atol=1e-8 * cell.axes[0, 0])


def test_a_strained_crystal_relaxes_along_the_normal_alone():
    """Second road: Poisson's ratio of Tersoff Si from the elastic constants of its own bands."""
    engine = published_potential("tersoff", ["Si"])
    cell = orient_structure(relax_cell(structure("Si"), engine), (0, 0, 1))
    strain = 1e-4
    wide = np.diag([1 + strain, 1 + strain, 1.0])
    start = evolve(cell, lattice=cell.lattice @ wide, positions=cell.positions @ wide)
    done = relax_cell(start, engine, "normal")
    np.testing.assert_array_equal(done.lattice[:2], start.lattice[:2])
    up = done.lattice[2, 2] / cell.lattice[2, 2] - 1
    crystal = crystal_from_potential(cell, engine)
    bands = Bands(crystal)
    square = 1 / np.sqrt(2)
    c11, c44 = crystal.density * bands.speeds((square, square, 0))[[2, 0]] ** 2  # along [100] of the cubic axes
    slow = crystal.density * bands.speeds((1, 0, 0))[0] ** 2  # along [110]: (c11 - c12)/2
    assert c44 > 0
    np.testing.assert_allclose(up / strain, -2 * (c11 - 2 * slow) / c11, rtol=5e-3)


def test_faults_are_one_clear_line():
    with pytest.raises(InputError, match="no potential 'tersof'; did you mean tersoff"):
        published_potential("tersof")
    with pytest.raises(InputError, match="knows Si, Ge, C, not Ag"):
        published_potential("tersoff", ["Si", "Ag"])
    with pytest.raises(InputError, match="no bond of C and Ge"):
        published_potential("tersoff", ["Si", "C", "Ge"])
    with pytest.raises(InputError, match="no crystal structure 'Sj' by name; did you mean Si"):
        structure("Sj")
    with pytest.raises(InputError, match="no mass of Qq"):
        build_prototype("Qq", "fcc", ["Qq"], a=4e-10)
    si = structure("Si")
    with pytest.raises(InputError, match="they overlap"):
        evolve(si, positions=si.positions * [[1.0], [1e-3]])
    with pytest.raises(InputError, match="wanted m"):
        evolve(si, lattice=si.lattice * 1e10, positions=si.positions * 1e10)
    with pytest.raises(InputError, match="NaN"):
        evolve(si, positions=si.positions * np.nan)
    with pytest.raises(InputError, match="give `supercell`"):
        crystal_from_ase(None, None)
    long = ForceField("long", published_potential("lj", ["Ar"]).calculator, 5e-8)
    with pytest.raises(InputError, match="more than 16000"):
        crystal_from_potential(structure("Ar"), long)
    assert "tersoff" in list_potentials()


def test_elements_that_a_potential_does_not_know_are_refused(silicon):
    engine, _ = silicon
    with pytest.raises(InputError, match="knows Si, not Ge"):
        engine.state(structure("Ge"))


def test_without_ase_the_way_to_install_it_is_named(monkeypatch):
    def missing(package, *, extra, why):
        raise MissingEngine(f"{why} needs {package}: pip install 'kapitza[{extra}]'")

    monkeypatch.setattr(engine_module, "require", missing)
    with pytest.raises(MissingEngine, match=r"pip install 'kapitza\[atoms\]'"):
        published_potential("sw", ["Si"]).state(structure("Si"))


def test_structures_repeat():
    one = Structure("x", np.diag([3e-10, 4e-10, 5e-10]), [[0, 0, 0]], [m_u], ("H",))
    big = one.repeat((2, 1, 3))
    assert big.masses.size == 6
    np.testing.assert_allclose(big.volume, 6 * one.volume, rtol=1e-12)
    np.testing.assert_array_equal(big.positions[0], one.positions[0])
