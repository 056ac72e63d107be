"""Junctions of force constants: second roads through potentials and masses, truncation, published GaN on AlN."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.matter.building.disorder import Disorder
from kapitza.matter.building.layers import lead_from_force_constants, mass_junction
from kapitza.matter.building.mixed_junction import SiteMixing, junction_from_crystals
from kapitza.matter.building.relaxed_junction import JunctionPlan, build_junction
from kapitza.matter.building.surface import orient_crystal, truncate_force_constants
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import extend_dipole_forces, load_crystal
from kapitza.matter.potentials.force_constants import crystal_from_potential
from kapitza.matter.potentials.published import published_potential
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.matter.structure import structure
from kapitza.theory.agf.conductance import agf
from kapitza.units import THz, angstrom, m_u, nm

OMEGA = np.array([1.0, 3.0, 6.0, 9.0]) * THz
GE = 72.63 * m_u


@pytest.fixture(scope="module")
def silicon(data) -> Crystal:
    return load_crystal(data("crystals/Si.yaml"), nac=False)


@pytest.fixture(scope="module")
def nitrides(data) -> list[Crystal]:
    names = ("GaN", "AlN")
    return [load_crystal(data(f"crystals/{name}.yaml"), nac=False) for name in names]


def heavy(crystal: Crystal, mass: float = GE) -> Crystal:
    return evolve(
        crystal, name="heavy", masses=np.full(crystal.masses.size, mass), symbols=("Ge",) * crystal.masses.size
    )


def test_a_crystal_joined_to_itself_is_the_crystal(silicon):
    found = agf(junction_from_crystals(silicon, silicon), OMEGA, k_mesh=(6, 6))
    np.testing.assert_allclose(found.total, found.left, rtol=1e-8)


def test_atoms_of_the_right_lead_are_strained_with_its_periods(silicon, data):
    """Germanium as wide as silicon and as high as itself: all bonds are (a, a, c)/4 long."""
    right = junction_from_crystals(silicon, load_crystal(data("crystals/Ge.yaml"), nac=False)).right
    images = (np.indices((3, 3, 3)).reshape(3, -1).T - 1) @ np.vstack([right.periods, right.step])
    apart = right.positions[:, None, None] - right.positions[:, None] - images
    length = np.sort(np.linalg.norm(apart, axis=-1).reshape(right.masses.size, -1), axis=1)
    across, along = np.linalg.norm(right.periods[0]) / 8**0.5, right.step[2] / right.masses.size
    bond = np.hypot(2**0.5 * across, along)
    np.testing.assert_allclose(length[:, 1:5], bond, rtol=1e-6)


@pytest.mark.parametrize("mixing", ["mean", "left", "right"])
def test_with_equal_force_constants_only_masses_count(silicon, mixing):
    """A second road: the junction of two masses, made by another function."""
    got = agf(
        junction_from_crystals(silicon, heavy(silicon), sites=SiteMixing(mixing=mixing)), OMEGA, k_mesh=(6, 6)
    ).total
    turned = orient_crystal(silicon, (0, 0, 1))
    lead = lead_from_force_constants(
        "Si", turned.lattice, turned.masses, turned.cells, turned.force_constants, positions=turned.positions
    )
    want = agf(mass_junction(lead, silicon.masses[0], GE), OMEGA, k_mesh=(6, 6)).total
    np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-9 * want.max())


@pytest.mark.slow
def test_mixed_force_constants_come_near_the_relaxed_junction():
    """A second road: Tersoff Si|Ge with strain and relaxation, against the mean of both crystals: 3 % (4 % strain)."""
    pytest.importorskip("matscipy")
    crystals = []
    for name in ("Si", "Ge"):
        engine = published_potential("tersoff", [name])
        crystals.append(crystal_from_potential(relax_cell(structure(name), engine), engine))
    mixed = agf(junction_from_crystals(crystals[0], crystals[1]), tolerance=1e-2).conductance(300, drop="emitted")
    built = agf(
        build_junction(JunctionPlan(left="Si", right="Ge", potential="tersoff", layers=4)), tolerance=1e-2
    ).conductance(300, drop="emitted")
    np.testing.assert_allclose(mixed.value, built.value, rtol=0.05)


def test_neutral_layers_settle_what_cut_ions_leave_open(data, nitrides):
    """Law: between neutral cells one cell is as good as two, with dipoles as far as six; spheres cut ions apart."""
    charged = [
        load_crystal(data("crystals/GaN.yaml"), charges=([1.14, 1.14, -1.14, -1.14], 1.0)),
        load_crystal(data("crystals/AlN.yaml")),
    ]
    wide = [extend_dipole_forces(crystal, (6, 6, 4)) for crystal in charged]
    found = [
        agf(junction_from_crystals(*(cut.crystal for cut in cuts)), OMEGA[1:3], k_mesh=(6, 6)).total
        for cuts in (
            [truncate_force_constants(one, 5.3 * angstrom, normal=(0, 0, 1)) for one in nitrides],
            [truncate_force_constants(one, 5.3 * angstrom, normal=(0, 0, 1)) for one in wide],
            [truncate_force_constants(one, 10.6 * angstrom, normal=(0, 0, 1)) for one in wide],
            [truncate_force_constants(one, 4.0 * angstrom) for one in wide],
        )
    ]
    np.testing.assert_allclose(found[:2], np.tile(found[2], (2, 1)), rtol=0.06)
    assert np.abs(found[3] / found[2] - 1).max() > 0.1


def test_truncation_states_its_size(nitrides, data):
    whole = load_crystal(data("crystals/AlN.yaml"))
    sizes = [truncate_force_constants(nitrides[1], reach * angstrom) for reach in (4.0, 7.0)]
    assert sizes[0].dropped > sizes[1].dropped > 0
    assert sizes[0].rms > sizes[1].rms > 0
    assert (
        truncate_force_constants(nitrides[1], 7 * angstrom, reference=whole).worst > 3 * THz
    )  # the split of optical modes at Γ
    assert "forces beyond 4 Å left out" in str(sizes[0])
    everything = truncate_force_constants(nitrides[1], 1e-6)
    assert everything.dropped == 0
    assert everything.worst < 1e-3 * THz
    with pytest.raises(InputError, match="nac=False"):
        truncate_force_constants(whole, 5 * angstrom)
    with pytest.raises(InputError, match="no two atoms are nearer"):
        truncate_force_constants(nitrides[1], 1.0 * angstrom)


@settings(max_examples=12)
@given(st.integers(0, 1000), st.floats(0.02, 0.2), st.sampled_from(["mean", "left", "right"]), st.floats(0.5, 1.5))
def test_the_sum_rule_holds_for_any_mixture(nitrides_small, seed, width, mixing, scale):
    """Law: whatever mixes with whatever, shifting everything costs nothing, and Φ(-R) = Φ(R)ᵀ."""
    junction = junction_from_crystals(
        *nitrides_small,
        sites=SiteMixing(
            mixing=mixing, scale=scale, layers=3, supercell=(2, 1), disorder=Disorder(seed=seed, intermixing=width * nm)
        ),
    )
    assert junction.violation < 1e-6


@pytest.fixture(scope="module")
def nitrides_small(nitrides) -> tuple[Crystal, Crystal]:
    return truncate_force_constants(nitrides[0], 3.3 * angstrom).crystal, truncate_force_constants(
        nitrides[1], 3.3 * angstrom
    ).crystal


def test_intermixing_is_counted_and_reproducible(silicon):
    short = truncate_force_constants(silicon, 4 * angstrom).crystal
    options = {"layers": 4, "supercell": (2, 2)}
    make = [
        junction_from_crystals(
            short, heavy(short), sites=SiteMixing(disorder=Disorder(seed=seed, intermixing=0.1 * nm), **options)
        )
        for seed in (1, 1, 2)
    ]
    masses = [np.concatenate([slab.masses for slab in one.device]) for one in make]
    np.testing.assert_array_equal(masses[0], masses[1])
    assert not np.array_equal(masses[0], masses[2])
    sharp = junction_from_crystals(short, heavy(short), sites=SiteMixing(**options))
    assert all((slab.masses < 30 * m_u).all() for slab in sharp.device[:4])
    mixed = agf(make[0], OMEGA[1:3], k_mesh=(3, 3))
    assert (mixed.total > 0).all()


def test_faults_are_one_clear_line(silicon, nitrides, data):
    wide = evolve(silicon, lattice=silicon.lattice * 1.1, positions=silicon.positions * 1.1)
    with pytest.raises(InputError, match=r"differ by 9.1 % in the plane, more than the 5 %"):
        junction_from_crystals(silicon, wide)
    with pytest.raises(InputError, match="a potential for both"):
        junction_from_crystals(silicon, nitrides[0])
    with pytest.raises(InputError, match="would change places"):
        junction_from_crystals(*(truncate_force_constants(c, 4e-10).crystal for c in nitrides), right_normal=(0, 0, -1))
    with pytest.raises(InputError, match="unknown mixing 'some'"):
        junction_from_crystals(silicon, silicon, sites=SiteMixing(mixing="some"))
    with pytest.raises(InputError, match="scale = nan"):
        junction_from_crystals(silicon, silicon, sites=SiteMixing(scale=np.nan))
    with pytest.raises(InputError, match="use build_junction with a potential"):
        junction_from_crystals(silicon, silicon, sites=SiteMixing(disorder=Disorder(vacancies=0.1)))
    with pytest.raises(InputError, match="outermost layers would change sides"):
        junction_from_crystals(
            silicon, heavy(silicon), sites=SiteMixing(layers=1, disorder=Disorder(intermixing=2 * nm))
        )
    polar = load_crystal(data("crystals/AlN.yaml"))
    with pytest.raises(InputError, match="nac=False"):
        junction_from_crystals(polar, polar)


def test_broken_force_constants_are_one_clear_line(silicon):
    """A broken sum rule, constants that are not symmetric, wrong units, NaN."""
    home = int(np.flatnonzero((silicon.cells == 0).all(axis=1))[0])
    values = silicon.force_constants.copy()
    values[home, :3, :3] *= 1.3
    with pytest.raises(InputError, match="acoustic sum rule is broken"):
        junction_from_crystals(evolve(silicon, force_constants=values), silicon)
    values = silicon.force_constants.copy()
    values[home, 0, 4] += 0.5
    with pytest.raises(InputError, match="symmetrise them"):
        junction_from_crystals(evolve(silicon, force_constants=values), silicon)
    with pytest.raises(InputError, match="kg"):
        junction_from_crystals(evolve(silicon, masses=silicon.masses / m_u), silicon)
    with pytest.raises(InputError, match="N/m"):
        junction_from_crystals(evolve(silicon, force_constants=silicon.force_constants * 1e8), silicon)
    with pytest.raises(InputError, match="NaN"):
        evolve(silicon, force_constants=silicon.force_constants * np.nan)
