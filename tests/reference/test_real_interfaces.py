"""Interfaces of crystals whose force constants are others', beside published numbers."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.matter.building.mixed_junction import junction_from_crystals
from kapitza.matter.building.relaxed_junction import JunctionPlan, build_junction
from kapitza.matter.building.surface import truncate_force_constants
from kapitza.matter.crystal import Crystal
from kapitza.matter.files.crystals import extend_dipole_forces, load_crystal
from kapitza.matter.potentials.force_constants import crystal_from_potential
from kapitza.matter.potentials.published import published_potential
from kapitza.matter.potentials.relaxation import relax_cell
from kapitza.matter.structure import structure
from kapitza.theory.agf.conductance import agf
from kapitza.units import angstrom, m_u

pytest.importorskip("matscipy")


@pytest.fixture(scope="module")
def nitrides(reference) -> list[Crystal]:
    names = ("GaN_wurtzite", "AlN_wurtzite")
    return [load_crystal(reference(f"mismatch/force_constants/{name}.yaml"), nac=False) for name in names]


def layered(path, crystal_axis: float = 5.3 * angstrom) -> Crystal:
    return truncate_force_constants(load_crystal(path, nac=False), crystal_axis, normal=(0, 0, 1)).crystal


def at_room_temperature(junction, drop, statistics="quantum") -> float:
    return agf(junction, tolerance=5e-2).conductance(300, drop, statistics).value.item()


def test_gan_on_aln_as_published(nitrides, published):
    """Harmonic, first principles: about 300 MW/m2K; theirs has force constants of the interface, ours means of both."""
    want = published("junctions", "gan_aln_negf")
    crystals = [truncate_force_constants(crystal, 5.3 * angstrom, normal=(0, 0, 1)).crystal for crystal in nitrides]
    got = agf(junction_from_crystals(crystals[0], crystals[1]), tolerance=5e-2).conductance(300, drop="emitted")
    np.testing.assert_allclose(got.value, want["value"], rtol=want["tolerance"])


@pytest.mark.slow
def test_neutral_layers_settle_what_cut_ions_leave_open(reference, nitrides):
    """Law: between neutral cells one cell is as good as two, with dipoles as far as eight; spheres swing by a third."""
    paths = [reference(f"mismatch/force_constants/{name}.yaml") for name in ("GaN_wurtzite", "AlN_wurtzite")]
    charged = [load_crystal(paths[0], charges=([1.14, 1.14, -1.14, -1.14], 1.0)), load_crystal(paths[1])]
    wide = [extend_dipole_forces(crystal, (8, 8, 4)) for crystal in charged]
    found = [
        agf(junction_from_crystals(*(cut.crystal for cut in cuts)), tolerance=2e-2).conductance(300, "emitted").value
        for cuts in (
            [truncate_force_constants(one, 5.3 * angstrom, normal=(0, 0, 1)) for one in nitrides],
            [truncate_force_constants(one, 5.3 * angstrom, normal=(0, 0, 1)) for one in wide],
            [truncate_force_constants(one, 10.6 * angstrom, normal=(0, 0, 1)) for one in wide],
        )
    ]
    np.testing.assert_allclose(found, 235e6, rtol=0.06)


def test_gallium_on_aluminium_nitride_is_below_molecular_dynamics(reference, published):
    """Elastic scattering alone passes less than all of it: some 60 % by the authors' own account."""
    want = published("junctions", "gan_aln_molecular_dynamics")
    sides = [layered(reference(f"mismatch/force_constants/{name}_wurtzite.yaml")) for name in ("GaN", "AlN")]
    got = at_room_temperature(junction_from_crystals(*sides), "extrapolated")
    assert got < want["value"]
    np.testing.assert_allclose(got, want["value"], rtol=want["tolerance"])


def test_aluminium_nitride_on_silicon_carbide_is_an_upper_bound(reference, published):
    """Films have dislocations at the interface: an ideal one resists less than the least that was measured."""
    want = published("junctions", "aln_sic_measured")
    engine = published_potential("erhart-albe", ["Si", "C"])
    carbide = crystal_from_potential(relax_cell(structure("2H-SiC"), engine), engine)
    nitride = layered(reference("mismatch/force_constants/AlN_wurtzite.yaml"))
    junction = junction_from_crystals(carbide, nitride, (0, 0, 1), (0, 0, -1))
    got = 1 / at_room_temperature(junction, "emitted")
    assert 0.2 * want["value"] < got < (1 - want["tolerance"]) * want["value"]


def test_diamond_on_boron_nitride_lies_between_two_pictures(reference, published):
    """A soft empirical bond passes too little; equal force constants, where masses alone scatter, too much."""
    want = published("junctions", "diamond_cbn_molecular_dynamics")["value"]
    soft = build_junction(JunctionPlan(left="C", right="c-BN", potential="matsunaga", contact=("C", "B")))
    diamond = load_crystal(reference("mismatch/force_constants/C_diamond.yaml"))
    heavier = evolve(diamond, name="c-BN", masses=np.array([10.81, 14.007]) * m_u, symbols=("B", "N"))
    alike = junction_from_crystals(diamond, heavier)
    low, high = (at_room_temperature(one, "extrapolated", "classical") for one in (soft, alike))
    assert low < want < high
