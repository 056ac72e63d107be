"""Forces and energies of Stillinger and Weber and of Tersoff: laws, finite differences, and two other programs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.simulate.md.engine import Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.kernels.stillinger_weber import stillinger_weber_forces
from kapitza.simulate.md.potential import Potential, stillinger_weber, tersoff
from kapitza.simulate.md.protocol import thermal_state
from kapitza.simulate.md.systems.assembly import mass_interface
from kapitza.units import angstrom, eV, fs, ps

pytest.importorskip("numba")
from diamond_crystals import FORCE, Crystal, by_lammps


def steep() -> Potential:
    """Tersoff with an exponential in ζ, a γ other than 1, and angles that depend on the end of the bond, too."""
    field = tersoff(("Si", "Ge"))
    two, three = (np.array(p) for p in field.parameters)
    three[..., 0] = [[[1.0, 0.9], [0.8, 1.1]], [[1.2, 1.0], [0.7, 0.9]]]
    three[..., 4] = [[[1.1e10, 0.9e10], [0.8e10, 0.0]], [[1.2e10, 1.0e10], [0.7e10, 0.9e10]]]
    three[1, ..., 5] = 1.0
    return Potential("tersoff", field.kinds, field.cutoff, (two, three))


def mixed_sw() -> Potential:
    """Stillinger-Weber of two kinds that differ in all parameters, with powers other than 4 and 0."""
    field = stillinger_weber(("A", "B"), ("Si", "Si"))
    two, three = (np.array(p) for p in field.parameters)
    two[1, 1] *= [0.9, 1.05, 1.0, 1.0, 1.02, 1.02, 1.1]
    two[0, 1] = two[1, 0] = two[0, 0] * [1.1, 0.95, 1.1, 1.0, 1.01, 1.0, 0.95]
    two[0, 1, 3] = two[1, 0, 3] = 0.5
    three[..., 0] *= [[[1.0, 1.1], [1.1, 0.9]], [[0.95, 1.2], [1.2, 1.05]]]
    three[1, ..., 1] = [[-0.3, -0.4], [-0.4, -0.35]]
    return Potential("stillinger-weber", field.kinds, field.cutoff * 1.02, (two, three))


FIELDS: dict[str, tuple[Callable[[], Potential], float]] = {
    "sw": (stillinger_weber, 5.431),
    "sw mixed": (mixed_sw, 5.431),
    "sw si/ge": (lambda: stillinger_weber(("Si", "Ge")), 5.542),
    "tersoff": (tersoff, 5.432),
    "tersoff si/ge": (lambda: tersoff(("Si", "Ge")), 5.54),
    "tersoff si/c": (lambda: tersoff(("Si", "C")), 4.6),
    "tersoff steep": (steep, 5.54),
}


def crystal(name: str, cells: tuple[int, int, int] = (2, 2, 2), **more: Any) -> Crystal:
    make, a = FIELDS[name]
    return Crystal(make(), cells, a * angstrom, **more)


every_field = pytest.mark.parametrize("name", FIELDS)


@every_field
def test_forces_are_the_slope_of_the_energy(name: str) -> None:
    body = crystal(name)
    _, f, _ = body.forces()
    rng = np.random.default_rng(0)
    step = 2e-4 * angstrom
    for i, c in zip(rng.integers(len(f), size=12), rng.integers(3, size=12), strict=True):
        energies = []
        for m in (-2, -1, 1, 2):
            moved = body.x.copy()
            moved[i, c] += m * step
            energies.append(body.forces(moved)[0])
        slope = (energies[0] - 8 * energies[1] + 8 * energies[2] - energies[3]) / (12 * step)
        np.testing.assert_allclose(f[i, c], -slope, rtol=0, atol=1e-7 * np.abs(f).max())


@every_field
def test_virial_is_the_slope_of_the_energy_by_strain(name: str) -> None:
    body = crystal(name)
    _, _, virial = body.forces()
    x, lattice = body.x, body.lattice
    for a, b in ((0, 0), (1, 2), (2, 0)):
        energies = []
        for m in (-1, 1):
            strain = np.eye(3)
            strain[a, b] += m * 1e-5
            body.lattice = lattice @ strain
            energies.append(body.forces(x @ strain)[0])
        body.lattice = lattice
        slope = (energies[1] - energies[0]) / 2e-5
        np.testing.assert_allclose(virial[a, b], -slope, rtol=0, atol=1e-6 * np.abs(virial).max())


@every_field
def test_sites_add_up_and_forces_vanish_in_total(name: str) -> None:
    body = crystal(name)
    energy, f, virial = body.forces()
    np.testing.assert_allclose(body.sites().sum(), energy, rtol=1e-12, atol=0)
    np.testing.assert_allclose(f.sum(axis=0), 0, rtol=0, atol=1e-11 * np.abs(f).max())
    np.testing.assert_allclose(virial, virial.T, rtol=0, atol=1e-11 * np.abs(virial).max())


@every_field
def test_turned_atoms_feel_turned_forces(name: str) -> None:
    body = crystal(name)
    energy, f, _ = body.forces()
    turn = np.linalg.qr(np.random.default_rng(8).normal(size=(3, 3)))[0]
    body.lattice = body.lattice @ turn.T
    turned = body.forces(body.x @ turn.T)
    np.testing.assert_allclose(turned[0], energy, rtol=1e-12, atol=0)
    np.testing.assert_allclose(turned[1], f @ turn.T, rtol=0, atol=1e-10 * np.abs(f).max())


@every_field
def test_partial_forces_are_slopes_of_the_energy_of_the_other_side(name: str) -> None:
    body = crystal(name)
    right = body.x[:, 2] > body.lattice[2, 2] / 2
    g = body.partial(right)
    rng, step = np.random.default_rng(1), 1e-4 * angstrom
    for i, c in zip(rng.integers(len(g), size=12), rng.integers(3, size=12), strict=True):
        energies = []
        for m in (-1, 1):
            moved = body.x.copy()
            moved[i, c] += m * step
            energies.append(body.sites(moved)[right != right[i]].sum())
        np.testing.assert_allclose(g[i, c], (energies[0] - energies[1]) / (2 * step), rtol=0, atol=1e-6 * abs(g).max())


def test_partial_forces_of_both_sides_and_the_own_side_make_the_force() -> None:
    """With every atom a side of its own against the rest, all of the force but that of its own site is partial."""
    body = crystal("tersoff si/ge", (2, 2, 2))
    _, f, _ = body.forces()
    i, step = 5, 1e-4 * angstrom
    alone = np.arange(len(f)) == i
    own = np.zeros(3)
    for c in range(3):
        moved = [body.x.copy(), body.x.copy()]
        moved[0][i, c] -= step
        moved[1][i, c] += step
        own[c] = (body.sites(moved[0])[i] - body.sites(moved[1])[i]) / (2 * step)
    np.testing.assert_allclose(body.partial(alone)[i] + own, f[i], rtol=0, atol=1e-6 * np.abs(f).max())


def test_lists_with_a_longer_skin_change_nothing() -> None:
    body = crystal("sw", (3, 3, 3))
    energy, f, _ = body.forces()
    body.skin = 0.0
    bare = body.forces()
    np.testing.assert_allclose(bare[0], energy, rtol=1e-13, atol=0)
    np.testing.assert_allclose(bare[1], f, rtol=0, atol=1e-12 * np.abs(f).max())


def test_atoms_at_the_cutoff_are_finite_and_feel_nothing() -> None:
    field = stillinger_weber()
    two = field.parameters[0][0, 0]
    for gap in (0.0, 1e-16, 1e-12, 1e-3):
        x = np.array([[0.0, 0.0, 0.0], [two[5] * (1 - gap), 0.0, 0.0]])
        start, near = np.array([0, 1, 2]), np.array([1, 0], dtype=np.int32)
        f = np.zeros_like(x)
        energy = stillinger_weber_forces(x, np.zeros(2, np.int32), start, near, field.parameters, f)
        assert energy == 0
        assert not f.any()


def rest(name: str) -> tuple[float, float]:
    """Lattice constant (Å) and energy per atom (eV) of a crystal at rest, by a parabola."""
    a = np.linspace(5.42, 5.44, 5)
    bodies = [Crystal(FIELDS[name][0](), (2, 2, 2), one * angstrom, disorder=0) for one in a]
    curve = np.polynomial.Polynomial.fit(a, [body.forces()[0] / len(body.x) / eV for body in bodies], 2)
    best = float(curve.deriv().roots()[0].real)
    return best, float(curve(best))


def test_each_bond_of_silicon_is_as_deep_as_a_pair() -> None:
    """Stillinger and Weber: pairs are at best -ε at 2^(1/6) σ, and the angles of a tetrahedron cost nothing."""
    a, energy = rest("sw")
    np.testing.assert_allclose(energy, -2 * 2.1683, rtol=1e-5, atol=0)
    np.testing.assert_allclose(a, 4 / np.sqrt(3) * 2 ** (1 / 6) * 2.0951, rtol=1e-4, atol=0)


def test_germanium_of_stillinger_and_weber_is_bound_by_twice_the_depth() -> None:
    """Ding and Andersen 1986: ε = 1.93 eV and σ = 2.181 Å; silicon beside it is what it is alone."""
    spacing = 4 / np.sqrt(3) * 2 ** (1 / 6) * 2.181
    body = Crystal(stillinger_weber(("Ge",)), (2, 2, 2), spacing * angstrom, disorder=0)
    energy, f, _ = body.forces()
    np.testing.assert_allclose(energy / len(body.x) / eV, -2 * 1.93, rtol=1e-8, atol=0)
    assert np.abs(f).max() < 1e-9 * FORCE
    both, alone = stillinger_weber(("Si", "Ge")), stillinger_weber()
    np.testing.assert_allclose(both.parameters[0][0, 0], alone.parameters[0][0, 0], rtol=1e-15, atol=0)
    np.testing.assert_allclose(both.parameters[1][0, 0, 0], alone.parameters[1][0, 0, 0], rtol=1e-15, atol=0)
    # one neighbour of each element at a silicon atom: λε of the angle is the mean of both bonds
    bonds = [21.0 * 2.1683, np.sqrt(21.0 * 31.0 * 2.1683 * 1.93)]
    np.testing.assert_allclose(both.parameters[1][0, 0, 1, 0] / eV, np.sqrt(bonds[0] * bonds[1]), rtol=1e-12, atol=0)
    assert "PhysRevB.34.6987" in both.source
    assert "PhysRevB.34.6987" not in alone.source


def test_silicon_of_tersoff_is_bound_as_measured() -> None:
    """4.62 ± 0.08 eV: B. Farid and R. W. Godby, Phys. Rev. B 43, 14248 (1991), doi:10.1103/PhysRevB.43.14248."""
    a, energy = rest("tersoff")
    np.testing.assert_allclose(energy, -4.62, rtol=0, atol=0.08)
    np.testing.assert_allclose(a, 5.431, rtol=1e-3, atol=0)


@pytest.mark.filterwarnings("ignore:'where' used without 'out':UserWarning")
@pytest.mark.parametrize("name", ["sw", "tersoff", "tersoff si/ge", "tersoff si/c"])
def test_matscipy_agrees(name: str) -> None:
    pytest.importorskip("matscipy")
    ase = pytest.importorskip("ase")
    from kapitza.matter.potentials.published import published_potential

    body = crystal(name)
    kinds = body.field.kinds
    symbols = [kinds[k] for k in body.species]
    atoms = ase.Atoms(symbols, body.x / angstrom, cell=body.lattice / angstrom, pbc=True)
    atoms.calc = published_potential(body.field.form, kinds).calculator
    energy, f, _ = body.forces()
    np.testing.assert_allclose(energy / eV, atoms.get_potential_energy(), rtol=1e-8, atol=0)
    np.testing.assert_allclose(f / FORCE, atoms.get_forces(), rtol=0, atol=1e-8 * np.abs(f / FORCE).max())


def lammps_text(field: Potential) -> str:
    """Tersoff's parameters in the file format of LAMMPS, with all their digits."""
    two, three = field.parameters
    rows = []
    for i, a in enumerate(field.kinds):
        for j, b in enumerate(field.kinds):
            for k, c in enumerate(field.kinds):
                A, lam, B, mu, beta, n = two[i, j, :6]
                inner, outer = two[i, k, 6:] / angstrom
                gamma, c0, d, h, alpha, m = three[i, j, k]
                numbers = [m, gamma, alpha * angstrom, c0, d, h, n, beta, mu * angstrom, B / eV]
                numbers += [(inner + outer) / 2, (outer - inner) / 2, lam * angstrom, A / eV]
                rows.append(" ".join([a, b, c, *(f"{x:.17g}" for x in numbers)]))
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("name", "style", "file", "elements"),
    [("sw", "sw", "Si.sw", "Si"), ("tersoff", "tersoff", "SiCGe.tersoff", "Si(D)")],
)
def test_lammps_agrees_with_its_own_files(name: str, style: str, file: str, elements: str) -> None:
    body = crystal(name, (3, 3, 3))
    energy, f = by_lammps(body, style, file, elements)
    np.testing.assert_allclose(body.forces()[0] / eV, energy, rtol=1e-9, atol=0)
    np.testing.assert_allclose(body.forces()[1] / FORCE, f, rtol=0, atol=1e-6 * np.abs(f).max())


@pytest.mark.parametrize("name", ["tersoff si/ge", "tersoff si/c", "tersoff steep"])
def test_lammps_agrees_for_mixtures(name: str, tmp_path: Path) -> None:
    body = crystal(name, (3, 3, 3))
    file = tmp_path / "own.tersoff"
    file.write_text(lammps_text(body.field), encoding="utf-8")
    energy, f = by_lammps(body, "tersoff", file, " ".join(body.field.kinds))
    np.testing.assert_allclose(body.forces()[0] / eV, energy, rtol=1e-9, atol=0)
    np.testing.assert_allclose(body.forces()[1] / FORCE, f, rtol=0, atol=1e-6 * np.abs(f).max())


def test_lammps_rounds_silicon_germanium_to_its_printed_digits() -> None:
    """The mixed entries of the file have five to seven digits; forces differ no more than that."""
    body = crystal("tersoff si/ge", (3, 3, 3))
    energy, f = by_lammps(body, "tersoff", "SiCGe.tersoff", "Si(D) Ge")
    np.testing.assert_allclose(body.forces()[0] / eV, energy, rtol=1e-5, atol=0)
    np.testing.assert_allclose(body.forces()[1] / FORCE, f, rtol=0, atol=1e-3 * np.abs(f).max())


def drift(name: str, duration: float) -> tuple[float, float]:
    """How far the energy of free motion has drifted after a time, and how it wavers, both in eV per atom."""
    field = FIELDS[name][0]()
    system = mass_interface("Si", field, 1.0, cells=(2, 2), length=2, thermostat=0, periodic=True)
    motion = BuiltinEngine().begin(
        system,
        field,
        Thermostats("none"),
        thermal_state(system, 300.0, 1, double_temperature=True),
        timestep=1 * fs,
        seed=1,
    )
    motion.advance(2000)
    energies = []
    for _ in range(200):
        motion.advance(int(duration / fs / 200))
        energies.append(sum(motion.energy) / len(motion.positions) / eV)
    time = np.linspace(-0.5, 0.5, 200)
    slope, mean = np.polyfit(time, energies, 1)
    return float(slope), float(np.std(energies - slope * time - mean))


@pytest.mark.parametrize("name", ["sw", pytest.param("tersoff", marks=pytest.mark.slow)])
def test_free_motion_keeps_its_energy(name: str) -> None:
    """Over a tenth of the time of the next test; steps of 1 fs waver by 3e-6 eV."""
    slope, wave = drift(name, 10 * ps)
    assert abs(slope) < 3e-6
    assert wave < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sw", "tersoff"])
def test_free_motion_keeps_its_energy_for_long(name: str) -> None:
    """Below 1e-5 eV per atom in 100 ps at 300 K."""
    assert abs(drift(name, 100 * ps)[0]) < 1e-5


def test_kinds_may_differ_in_mass_alone() -> None:
    one, two = crystal("tersoff"), crystal("tersoff")
    two.field = tersoff(("Si", "heavy Si"), ("Si", "Si"))
    two.species = (np.arange(len(two.x)) % 2).astype(np.int32)
    np.testing.assert_array_equal(one.forces()[1], two.forces()[1])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: tersoff(("Si", "Xx")), "knows C, Si, Ge, not Xx"),
        (lambda: tersoff(("C", "Ge")), "no bond of C and Ge"),
        (lambda: stillinger_weber(("C",)), "knows Si, Ge, not C"),
        (lambda: tersoff(("a", "b"), ("Si",)), "one element for each kind"),
        (lambda: tersoff("Si"), "one element for each kind"),
    ],
)
def test_what_has_no_parameters_is_refused(make: Callable[[], Potential], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()
