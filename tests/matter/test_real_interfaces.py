"""Four interfaces beside published numbers, and what explains the differences; grain boundaries."""

import numpy as np
import pytest

from kapitza.matter.building.relaxed_junction import JunctionPlan, build_junction
from kapitza.matter.potentials.force_field import force_field_from_calculator
from kapitza.theory.agf.conductance import agf
from kapitza.units import THz, angstrom

pytest.importorskip("matscipy")

SIGMA5 = np.arccos(0.8)  # 36.87°: a fifth of the sites of both crystals coincide


def at_room_temperature(junction, drop, statistics="quantum") -> float:
    return agf(junction, tolerance=5e-2).conductance(300, drop, statistics).value.item()


@pytest.mark.slow
def test_silicon_on_germanium_beside_molecular_dynamics(published):
    """Harmonic and strained here, with all scattering there; both classical, in the drop that a simulation reads."""
    want = published("junctions", "si_ge_molecular_dynamics")
    got = at_room_temperature(
        build_junction(JunctionPlan(left="Si", right="Ge", potential="tersoff")), "extrapolated", "classical"
    )
    np.testing.assert_allclose(got, want["value"], rtol=want["tolerance"])


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"twist": SIGMA5, "layers": 4}, id="twist", marks=pytest.mark.slow),
        pytest.param({"orientation": (2, 1, 0), "mirror": True}, id="tilt"),
    ],
)
def test_grain_boundaries_of_argon_hold_something_back(options):
    """Law: a boundary between equal crystals passes less than the crystal does, and keeps the sum rule."""
    junction = build_junction(JunctionPlan(left="Ar", right="Ar", potential="lj", **options))
    assert junction.violation < 1e-9
    found = agf(junction, np.array([0.5, 1.0]) * THz, k_mesh=(3, 3))
    np.testing.assert_allclose(found.left, found.right, rtol=1e-6)
    assert (0.1 * found.left < found.total).all()
    assert (found.total < 0.98 * found.left).all()


@pytest.mark.slow
def test_a_twist_boundary_of_silicon_has_a_cell_of_five():
    junction = build_junction(JunctionPlan(left="Si", right="Si", potential="tersoff", twist=SIGMA5, layers=6))
    assert len(junction.tiles("left")) == len(junction.tiles("right")) == 5
    assert sum(slab.masses.size for slab in junction.device) == 2 * 6 * 2 * 5


@pytest.mark.slow
def test_a_twin_of_copper_by_finite_differences():
    """A metal without analytic derivatives, by any calculator of ASE: a coherent twin is nearly open."""
    emt = pytest.importorskip("ase.calculators.emt").EMT()
    engine = force_field_from_calculator(emt, 12 * angstrom)
    junction = build_junction(
        JunctionPlan(left="Cu", right="Cu", potential=engine, orientation=(1, 1, 1), mirror=True, layers=2)
    )
    found = agf(junction, np.array([2.0, 4.0]) * THz, k_mesh=(8, 8))
    assert (found.total > 0.8 * found.left).all()
    assert (found.total < found.left * (1 + 1e-9)).all()
