"""Small motion: a crystal of springs between two baths carries what atomistic Green's functions say, wave by wave.

The finite box holds the wave vectors of a mesh with Γ in it, so the junction is solved at just these.
"""

from itertools import product

import numpy as np
import pytest
from harmonic_systems import harmonic_system

from kapitza.core.transmission import Transmission
from kapitza.matter.building.layers import mass_junction
from kapitza.matter.junction import Junction, Lead
from kapitza.simulate.md.engine import MdState, Thermostats
from kapitza.simulate.md.engines.builtin import BuiltinEngine
from kapitza.simulate.md.observers.plane_power import PlanePower
from kapitza.simulate.md.observers.spectral_flux import SpectralCurrent
from kapitza.simulate.md.observers.welch import SegmentSettings
from kapitza.simulate.md.runs.heat_spectra import band_averages
from kapitza.theory.agf.transmission import junction_arrays, transmission_at_frequencies
from kapitza.units import angstrom, k_B, m_u

pytest.importorskip("numba")

SPRING, MASS = 20.0, 28 * m_u
UNIT = np.sqrt(SPRING / MASS)  # rad/s
BENT = 0.25  # springs across a bond over those along it
TOP = 2 * np.sqrt(1 + 2 * BENT)  # of the light crystal, in that unit
BANDS = ((0.15, 0.5), (0.65, 0.95), (1.0, 1.25))  # in that unit, away from the ends of branches


def cubic() -> Lead:
    """Simple cubic crystal with springs along and across each bond, so that waves differ in all directions."""
    shifts = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    bonds = SPRING * (BENT + (1 - BENT) * np.eye(3))
    onsite, hop = np.zeros((2, 5, 3, 3))
    for a in range(2):
        onsite[1 + 2 * a] = onsite[2 + 2 * a] = -np.diag(bonds[a])
    hop[0] = -np.diag(bonds[2])
    onsite[0] = -onsite.sum(axis=0) - 2 * hop[0]
    return Lead(
        name="cubic",
        periods=2 * angstrom * np.eye(2, 3),
        step=[0, 0, 2 * angstrom],
        masses=[MASS],
        shifts=shifts,
        onsite=onsite,
        hop=hop,
    )


def elastic(junction: Junction, cells: tuple[int, int], omega: np.ndarray) -> np.ndarray:
    """(nω,) modes that cross the box of so many cells, by Green's functions at its own wave vectors."""
    k = np.array([[i / cells[0], j / cells[1]] for i, j in product(range(cells[0]), range(cells[1]))])
    unit = {"junction": junction_arrays(junction), "k": k, "omega": omega}
    return np.asarray(transmission_at_frequencies(unit)["total"]).sum(axis=0)


@pytest.mark.slow
def test_the_simulated_spectrum_is_the_transmission_of_green_functions() -> None:
    """Our own engine, 3 x 3 cells: each band within 3 %, its standard error below that; baths give the same heat."""
    junction, cells = mass_junction(cubic(), MASS, 3 * MASS), (3, 3)
    system, field = harmonic_system(junction, cells=cells, layers=(60, 60), thermostat=52)
    still, step = MdState(system.positions.copy(), np.zeros_like(system.positions)), 0.12 / UNIT
    baths = Thermostats("langevin", hot=300.0, cold=1e-3, damping=20 / UNIT)
    motion = BuiltinEngine().begin(system, field, baths, still, timestep=step, seed=3)
    motion.advance(6700)
    plane, started = PlanePower(system, field), motion.heat
    seen = SpectralCurrent(
        plane, system.masses, SegmentSettings(timestep=step, every=9, segment=128), area=system.area, highest=TOP * UNIT
    )
    for _ in range(12000):
        motion.advance(9)
        seen.sample(motion.positions, motion.velocities)
    flux, fine = seen.flux(), np.linspace(0.01, 1.6, 319) * UNIT
    exact = Transmission(fine, elastic(junction, cells, fine) / system.area)
    scale = 2 * np.pi / (k_B * 300)
    for band in BANDS:
        edges = np.array(band) * UNIT
        value, sigma = flux.bands(edges)
        assert sigma[0] < 0.03 * value[0]
        np.testing.assert_allclose(scale * value, band_averages(exact, edges), rtol=0.03, atol=0)
    heat = (motion.heat - started) / (12000 * 9 * step) / system.area
    assert np.abs(heat * [1, -1] - flux.total[0]).max() < 3 * flux.total[1]
