"""Junctions from potentials: the reference superlattice block by block, conductance, laws, disorder, faults."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.errors import ConvergenceError, InputError
from kapitza.matter.building.disorder import Disorder, right_sites, rough_height
from kapitza.matter.building.layers import cut_into_layers, junction_from_layers, lead_from_force_constants
from kapitza.matter.building.relaxed_junction import (
    JunctionPlan,
    build_configurations,
    build_junction,
    lead_mismatch,
    merge_layer_sizes,
    mirror_structure,
)
from kapitza.matter.building.surface import orient_structure
from kapitza.matter.junction import Junction, pack_junction
from kapitza.matter.potentials.force_constants import crystal_from_potential
from kapitza.matter.potentials.published import published_potential
from kapitza.matter.potentials.relaxation import relax_cell, relax_interface
from kapitza.matter.structure import structure
from kapitza.run.store import Store
from kapitza.theory.agf.conductance import agf
from kapitza.units import THz, angstrom, eV, m_u, nm

pytest.importorskip("matscipy")

STIFF = eV / angstrom**2


@pytest.fixture(scope="module")
def si_ge() -> Junction:
    return build_junction(JunctionPlan(left="Si", right="Ge", potential="tersoff", layers=6))


@pytest.fixture(scope="module")
def tables(data):
    return np.load(data("agf/si_ge_tersoff001_fc.npz"))


def reference_junction(tables) -> Junction:
    """The same interface from the blocks of a relaxed superlattice, cells of four atoms."""
    a, side = float(tables["a"]) * angstrom, float(tables["a"]) * angstrom / np.sqrt(2)
    masses = np.array([28.085, 72.63]) * m_u
    leads = [
        lead_from_force_constants(
            name, np.diag([side, side, tall * a]), [mass] * 4, tables["R" + key], tables["P" + key] * STIFF
        )
        for name, key, mass, tall in (("Si", "S", masses[0], 1.0), ("Ge", "G", masses[1], 1.07))
    ]
    cut = cut_into_layers(np.repeat(masses, 20), tables["R"][:, :2], tables["Phi"] * STIFF, [4] * 10)[2:8]
    cut[-1] = evolve(cut[-1], hop=None)
    return junction_from_layers("reference", leads[0], leads[1], leads[0].periods, cut)


def test_bulk_and_interface_are_those_of_the_reference(si_ge, tables):
    """A second road: force constants of each plane of atoms, made apart from this code, within 1e-4 eV/Å².

    Compared are the eigenvalues of the blocks between planes at Γ, which do not depend on how cells were named.
    """
    whole = tables["Phi"].sum(axis=0).reshape(40, 3, 40, 3)
    blocks = si_ge.blocks([[0.0, 0.0]])
    masses = [np.sqrt(np.repeat(slab.masses, 3)) for slab in si_ge.device]
    for i in range(2, 10):  # layers of two planes: Si 2..5, Ge 6..9, the interface at plane 20 of the reference
        start = 20 + 2 * (i - 6)
        want = np.linalg.eigvalsh(whole[start : start + 2, :, start : start + 2].reshape(6, 6))
        here = blocks.onsite[i][0] * masses[i][:, None] * masses[i] * 1e24 / STIFF
        np.testing.assert_allclose(np.linalg.eigvalsh(here), want, rtol=0, atol=1e-4)
        hop = blocks.hop[i][0] * masses[i][:, None] * masses[i + 1] * 1e24 / STIFF
        other = whole[start : start + 2, :, start + 2 : start + 4].reshape(6, 6)
        sizes = [np.linalg.svd(block)[1] for block in (hop, other)]
        np.testing.assert_allclose(sizes[0], sizes[1], rtol=0, atol=1e-4)


def test_leads_are_those_of_the_reference(si_ge, tables):
    """Bands along the normal and elsewhere: minimal layers of two atoms against cells of four."""
    want = reference_junction(tables)
    for side in ("left", "right"):
        for k in ([0.0, 0.0], [0.13, 0.27], [0.5, 0.0]):
            omega = [np.sort(band(junction.lead(side), k, count)) for junction, count in ((si_ge, 2), (want, 1))]
            np.testing.assert_allclose(omega[0], omega[1], rtol=1e-5, atol=1e-5 * omega[1].max())


def band(lead, k, layers):
    """Frequencies of a lead whose layers, taken `layers` at a time, repeat without a phase."""
    onsite, hop = (block[0] for block in lead.blocks(k))
    shift = lead.step * layers
    along = -2 * np.pi * np.array(k) @ (np.linalg.pinv(lead.periods).T @ shift)  # of an oblique step
    found = []
    for m in range(layers):
        phase = np.exp(1j * (-along + 2 * np.pi * m) / layers)
        found.append(np.linalg.eigvalsh(onsite + phase * hop + (phase * hop).conj().T))
    return np.sqrt(np.abs(np.concatenate(found))) * 1e12


def test_conductance_of_the_reference(si_ge, tables, published):
    """Published for this project: 77.1 to 338 MW/m2K from 50 to 1000 K, and the transmission of the other blocks."""
    kelvin = [50, 100, 300, 1000]
    got = agf(si_ge, temperature=kelvin, tolerance=5e-3).conductance(kelvin, drop="emitted").value
    for temperature, value in zip(kelvin, got, strict=True):
        want = published("junctions", f"si_ge_tersoff_{temperature}")
        np.testing.assert_allclose(value, want["value"], rtol=want["tolerance"])
    omega = np.array([1.0, 3.0, 6.0, 8.0]) * THz
    one, two = (agf(junction, omega, k_mesh=(8, 8)).total for junction in (si_ge, reference_junction(tables)))
    np.testing.assert_allclose(one, two, rtol=2e-3)


def test_device_joins_the_leads(si_ge):
    assert max(lead_mismatch(si_ge).values()) < 1e-6
    assert si_ge.residual < 1e-12
    assert si_ge.left.masses.size == 2 == si_ge.right.masses.size  # the thinnest layers that the forces allow
    short = build_junction(JunctionPlan(left="Si", right="Ge", potential="tersoff", layers=3))
    assert max(lead_mismatch(short).values()) > 10 * max(lead_mismatch(si_ge).values())  # it falls off with distance


def test_a_crystal_on_itself_lets_everything_pass():
    """Law: built, relaxed and cut as any junction, a perfect crystal transmits each mode of its own."""
    junction = build_junction(JunctionPlan(left="Si", right="Si", potential="sw", layers=3))
    found = agf(junction, np.array([2.0, 5.0, 11.0]) * THz, k_mesh=(4, 4))
    np.testing.assert_allclose(found.total, found.left, rtol=1e-6)


def test_a_twin_is_nearly_transparent():
    """Second road to the geometry: bonds of a Σ3 (111) twin are those of the crystal, so that little is reflected."""
    junction = build_junction(
        JunctionPlan(left="Si", right="Si", potential="sw", orientation=(1, 1, 1), mirror=True, layers=3)
    )
    found = agf(junction, np.array([1.0, 4.0]) * THz, k_mesh=(12, 12))
    share = found.total / np.minimum(found.left, found.right)
    assert (share > 0.8).all()
    assert (share < 1 - 1e-4).all()


def test_a_mirror_image_twice_is_the_crystal():
    one = orient_structure(structure("SiC"), (1, 1, 1))
    twice = mirror_structure(mirror_structure(one))
    np.testing.assert_allclose(twice.lattice, one.lattice, rtol=1e-12)
    np.testing.assert_allclose(twice.positions[:, 2], one.positions[:, 2], atol=1e-14)
    assert twice.symbols == one.symbols


def test_a_wider_cell_changes_nothing():
    """Law: the same interface in a cell of two, with leads of one."""
    options = {"layers": 2}
    small, large = (
        build_junction(JunctionPlan(left="Ar", right="Kr", potential="lj", limit=0.07, supercell=n, **options))
        for n in ((1, 1), (2, 1))
    )
    assert len(large.tiles("left")) == 2
    np.testing.assert_allclose(large.area, 2 * small.area, rtol=1e-12)
    omega = np.array([0.4, 0.8]) * THz
    one = agf(small, omega, k_mesh=(4, 4)).total
    two = agf(large, omega, k_mesh=(2, 4)).total
    np.testing.assert_allclose(two, one, rtol=5e-4)  # what relaxation to 1e-5 eV/Å leaves


def test_strain_goes_where_it_is_wanted():
    sides = {
        side: build_junction(JunctionPlan(left="Ar", right="Kr", potential="lj", limit=0.07, strain=side, layers=2))
        for side in ("left", "right")
    }
    ar, kr = (relax_cell(structure(name), published_potential("lj", [name])).axes[0, 0] for name in ("Ar", "Kr"))
    np.testing.assert_allclose(sides["right"].area, ar**2 / 2, rtol=1e-6)
    np.testing.assert_allclose(sides["left"].area, kr**2 / 2, rtol=1e-6)
    steps = {side: one.left.thickness / one.left.masses.size for side, one in sides.items()}
    assert steps["left"] < steps["right"]  # stretched in the plane, the layer shrinks
    np.testing.assert_allclose(steps["right"], ar / 2, rtol=1e-6)


def test_an_interlayer_and_its_limits():
    """A stack of two junctions; with the elements of one side it is that side."""
    plain = build_junction(JunctionPlan(left="Ar", right="Kr", potential="lj", limit=0.07, layers=3))
    same = build_junction(
        JunctionPlan(left="Ar", right="Kr", potential="lj", limit=0.07, layers=2, interlayers=[("Ar", 1)])
    )
    omega = np.array([0.5, 1.0]) * THz
    one, two = (agf(junction, omega, k_mesh=(4, 4)).total for junction in (plain, same))
    np.testing.assert_allclose(two, one, rtol=2e-2)
    film = build_junction(
        JunctionPlan(left="Ar", right="Ar", potential="lj", limit=0.12, layers=2, interlayers=[("Kr", 1)])
    )
    assert 1 <= sum(int((slab.masses > 80 * m_u).sum()) for slab in film.device) <= 3
    found = agf(film, omega, k_mesh=(4, 4))
    assert (found.total < found.left).all()


def test_disorder_is_reproducible_and_counted():
    plan = JunctionPlan(
        left="Ar", right="Kr", potential="lj", limit=0.07, layers=3, supercell=(2, 2), relax=False,
        disorder=Disorder(intermixing=0.15 * nm, vacancies=0.13, depth=0.35 * nm),
    )  # fmt: skip
    one, same, other = (
        build_configurations(plan, [3])[0],
        build_junction(evolve(plan, disorder=evolve(plan.disorder, seed=3))),
        build_configurations(plan, [4])[0],
    )
    masses = [np.concatenate([slab.masses for slab in junction.device]) for junction in (one, same, other)]
    np.testing.assert_array_equal(masses[0], masses[1])
    assert masses[0].size == masses[2].size
    assert not np.array_equal(masses[0], masses[2])
    sharp = build_junction(evolve(plan, disorder=None))
    assert 0 < sum(s.masses.size for s in sharp.device) - masses[0].size <= 2
    # the outermost layers stay those of the crystals, which Junction checks: the record could be made


def test_configurations_are_units_of_work(check_long_work):
    plan = JunctionPlan(
        left="Ar", right="Kr", potential="lj", limit=0.07, layers=3, supercell=(2, 2), relax=False,
        disorder=Disorder(intermixing=0.15 * nm, substitutions={"Xe": 0.1}, depth=0.35 * nm),
    )  # fmt: skip
    found = check_long_work(lambda **run: build_configurations(plan, [3, 4], **run))
    wanted = [build_junction(evolve(plan, disorder=evolve(plan.disorder, seed=seed))) for seed in (3, 4)]
    for one, other in zip(found, wanted, strict=True):
        kept, made = pack_junction(one), pack_junction(other)
        assert list(kept) == list(made)
        for name, array in made.items():
            np.testing.assert_array_equal(kept[name], array)
            assert kept[name].dtype == array.dtype
        assert one.name == other.name
        assert [slab.symbols for slab in one.device] == [slab.symbols for slab in other.device]


def test_force_fields_of_ones_own_have_no_store(tmp_path):
    plan = JunctionPlan(
        left="Ar", right="Ar", potential=published_potential("lj", ["Ar"]), layers=2, relax=False,
        disorder=Disorder(vacancies=0.1, depth=0.2 * nm),
    )  # fmt: skip
    with pytest.raises(InputError, match="the force field 'lennard-jones' may change under its name"):
        build_configurations(plan, [1], store=Store(tmp_path))


def test_foreign_atoms_keep_the_sum_rule():
    junction = build_junction(
        JunctionPlan(
            left="Ar",
            right="Ar",
            potential="lj",
            layers=3,
            supercell=(2, 1),
            disorder=Disorder(substitutions={"Kr": 0.25}, depth=0.2 * nm),
        )
    )
    symbols = [symbol for slab in junction.device for symbol in slab.symbols]
    assert symbols.count("Kr") == 1
    assert junction.violation < 1e-10
    assert junction.residual < 1e-10


def test_rough_heights_have_the_wanted_size():
    """Law: rms over the plane, and periodic as the cell is."""
    periods = np.array([[6 * nm, 0, 0], [1 * nm, 5 * nm, 0]])
    grid = np.stack(np.meshgrid(*[np.arange(60) / 60] * 2), axis=-1).reshape(-1, 2) @ periods
    disorder = Disorder(seed=2, roughness=0.3 * nm, correlation=1 * nm)
    heights = rough_height(disorder, grid, periods, np.random.default_rng(0))
    np.testing.assert_allclose(np.sqrt((heights**2).mean()), 0.3 * nm, rtol=1e-6)
    np.testing.assert_allclose(heights.mean(), 0, atol=1e-15)
    shifted = rough_height(disorder, grid + periods.sum(axis=0), periods, np.random.default_rng(0))
    np.testing.assert_allclose(shifted, heights, atol=1e-18)
    waves = Disorder(intermixing=0.2 * nm)
    z = np.random.default_rng(1).uniform(-1, 1, 20000) * nm
    sites = np.column_stack([np.zeros((20000, 2)), z])
    right = right_sites(waves, sites, 0.0, periods)
    near = np.abs(z - 0.2 * nm) < 0.02 * nm
    np.testing.assert_allclose(right[near].mean(), 0.8413, atol=0.04)  # one standard width above the mean


def test_layers_that_are_too_thin_are_put_together():
    values = np.zeros((1, 15, 15))
    for i, j in ((0, 1), (1, 2), (2, 3), (3, 4), (1, 3)):
        values[0, 3 * i : 3 * i + 3, 3 * j : 3 * j + 3] = -np.eye(3)
    assert merge_layer_sizes(values, [1] * 5) == [1, 1, 2, 1]
    values[0, :3, 6:9] = -np.eye(3)
    with pytest.raises(InputError, match="next to the outermost one"):
        merge_layer_sizes(values, [1, 1, 1])


def test_faults_are_one_clear_line():
    with pytest.raises(InputError, match=r"no common cell up to 400 Å² is strained by 5 % or less|strained by"):
        build_junction(JunctionPlan(left="Ar", right="Xe", potential="lj", limit=0.002, area=20 * angstrom**2))
    with pytest.raises(InputError, match="0 layers, wanted at least 1"):
        build_junction(JunctionPlan(left="Ar", right="Ar", potential="lj", layers=0))
    with pytest.raises(InputError, match="has no N"):
        build_junction(JunctionPlan(left="Ar", right="Kr", potential="lj", limit=0.07, contact=("N", None)))
    with pytest.raises(InputError, match="outermost layers would change sides"):
        build_junction(
            JunctionPlan(
                left="Ar",
                right="Kr",
                potential="lj",
                limit=0.07,
                layers=1,
                supercell=(2, 2),
                disorder=Disorder(intermixing=1 * nm),
            )
        )
    with pytest.raises(InputError, match="reaches the outermost layers"):
        build_junction(
            JunctionPlan(
                left="Ar", right="Ar", potential="lj", layers=1, disorder=Disorder(vacancies=0.1, depth=1 * nm)
            )
        )
    with pytest.raises(InputError, match="would be the same one: give a Disorder"):
        build_configurations(JunctionPlan(left="Ar", right="Ar", potential="lj"), [1, 2])
    with pytest.raises(InputError, match="together at most 1"):
        Disorder(substitutions={"Ge": 0.7, "C": 0.6})
    with pytest.raises(InputError, match="vacancies = nan"):
        Disorder(vacancies=np.nan)


def test_crystals_that_do_not_hold_together_are_refused():
    argon = published_potential("lj", ["Ar"])
    apart = evolve(structure("Ar"), lattice=structure("Ar").lattice * 2.5)
    with pytest.raises(InputError, match="no forces between atoms as far apart"):
        crystal_from_potential(apart, argon)
    with pytest.raises(ConvergenceError, match="changes the lattice by"):
        relax_cell(evolve(structure("Ar"), lattice=structure("Ar").lattice * 1.5), argon)
    one = structure("Ar").repeat((2, 2, 2))
    both = np.ones(one.masses.size, dtype=bool)
    with pytest.raises(InputError, match="8 atoms are to move both on their own and with the right crystal"):
        relax_interface(one, argon, both, both)
