"""Four interfaces beside published numbers, and what explains the differences; grain boundaries."""

import numpy as np
import pytest
from attrs import evolve

from kapitza.matter.build import build_junction
from kapitza.matter.crystal import Crystal
from kapitza.matter.engine import from_calculator
from kapitza.matter.harmonic import crystal_from_potential
from kapitza.matter.loader import load_crystal
from kapitza.matter.mixing import junction_from_crystals
from kapitza.matter.potentials import potential
from kapitza.matter.relax import relaxed_cell
from kapitza.matter.structure import structure
from kapitza.matter.truncation import truncated
from kapitza.theory.agf.conductance import agf
from kapitza.units import THz, angstrom, m_u

pytest.importorskip("matscipy")

SIGMA5 = np.arccos(0.8)  # 36.87°: a fifth of the sites of both crystals coincide


def layered(path, crystal_axis: float = 5.3 * angstrom) -> Crystal:
    return truncated(load_crystal(path, nac=False), crystal_axis, normal=(0, 0, 1)).crystal


def at_room_temperature(junction, drop, statistics="quantum") -> float:
    return agf(junction, tolerance=5e-2).conductance(300, drop, statistics).value.item()


def test_silicon_on_germanium_beside_molecular_dynamics(published):
    """Harmonic and strained here, with all scattering there; both classical, in the drop that a simulation reads."""
    want = published("junctions", "si_ge_molecular_dynamics")
    got = at_room_temperature(build_junction("Si", "Ge", "tersoff"), "extrapolated", "classical")
    np.testing.assert_allclose(got, want["value"], rtol=want["tolerance"])


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
    engine = potential("erhart-albe", ["Si", "C"])
    carbide = crystal_from_potential(relaxed_cell(structure("2H-SiC"), engine), engine)
    nitride = layered(reference("mismatch/force_constants/AlN_wurtzite.yaml"))
    junction = junction_from_crystals(carbide, nitride, (0, 0, 1), (0, 0, -1))
    got = 1 / at_room_temperature(junction, "emitted")
    assert 0.2 * want["value"] < got < (1 - want["tolerance"]) * want["value"]


def test_diamond_on_boron_nitride_lies_between_two_pictures(reference, published):
    """A soft empirical bond passes too little; equal force constants, where masses alone scatter, too much."""
    want = published("junctions", "diamond_cbn_molecular_dynamics")["value"]
    soft = build_junction("C", "c-BN", "matsunaga", contact=("C", "B"))
    diamond = load_crystal(reference("mismatch/force_constants/C_diamond.yaml"))
    heavier = evolve(diamond, name="c-BN", masses=np.array([10.81, 14.007]) * m_u, symbols=("B", "N"))
    alike = junction_from_crystals(diamond, heavier)
    low, high = (at_room_temperature(one, "extrapolated", "classical") for one in (soft, alike))
    assert low < want < high


@pytest.mark.parametrize(
    "options", [{"twist": SIGMA5, "layers": 4}, {"orientation": (2, 1, 0), "mirror": True}], ids=["twist", "tilt"]
)
def test_grain_boundaries_of_argon_hold_something_back(options):
    """Law: a boundary between equal crystals passes less than the crystal does, and keeps the sum rule."""
    junction = build_junction("Ar", "Ar", "lj", **options)
    assert junction.violation < 1e-9
    found = agf(junction, np.array([0.5, 1.0]) * THz, k_mesh=(3, 3))
    np.testing.assert_allclose(found.left, found.right, rtol=1e-6)
    assert (0.1 * found.left < found.total).all()
    assert (found.total < 0.98 * found.left).all()


@pytest.mark.slow
def test_a_twist_boundary_of_silicon_has_a_cell_of_five():
    junction = build_junction("Si", "Si", "tersoff", twist=SIGMA5, layers=6)
    assert len(junction.tiles("left")) == len(junction.tiles("right")) == 5
    assert sum(slab.masses.size for slab in junction.device) == 2 * 6 * 2 * 5


@pytest.mark.slow
def test_a_twin_of_copper_by_finite_differences():
    """A metal without analytic derivatives, by any calculator of ASE: a coherent twin is nearly open."""
    emt = pytest.importorskip("ase.calculators.emt").EMT()
    engine = from_calculator(emt, 12 * angstrom)
    junction = build_junction("Cu", "Cu", engine, orientation=(1, 1, 1), mirror=True, layers=2)
    found = agf(junction, np.array([2.0, 4.0]) * THz, k_mesh=(8, 8))
    assert (found.total > 0.8 * found.left).all()
    assert (found.total < found.left * (1 + 1e-9)).all()
