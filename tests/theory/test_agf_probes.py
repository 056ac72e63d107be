"""Probes on every layer: both limits, what is conserved, and the conductivity that scattering rates stand for."""

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.matter.building.layers import lead_from_force_constants, mass_junction
from kapitza.theory.agf.buttiker_probes import (
    ProbeSettings,
    _balance,
    _extend_device,
    _probe_conductances,
    anharmonic_conductance,
    heat_between_baths,
)
from kapitza.theory.agf.conductance import agf
from kapitza.theory.agf.green_functions import prepare_junction
from kapitza.theory.agf.k_mesh import top_frequency, zone_wavevectors
from kapitza.theory.agf.relaxation import RelaxationRate, homogeneous_junction, mode_velocities, rate_for_conductivity
from kapitza.theory.agf.transmission import UnitRunner
from kapitza.units import hbar, k_B, m_u

SMALL = ProbeSettings(layers=6, k_mesh=(4, 4), number=20)
SPACING = 4e-10


@pytest.fixture(scope="module")
def perfect(silicon):
    return mass_junction(silicon, 28.085 * m_u, 28.085 * m_u)


@pytest.fixture(scope="module")
def cubic():
    """Simple cubic crystal, springs of 20 N/m along and 8 N/m across each bond."""
    cells, springs = [(0, 0, 0)], [np.zeros((3, 3))]
    for axis in range(3):
        spring = np.diag([8.0] * 3)
        spring[axis, axis] = 20.0
        for step in (1, -1):
            cells.append(tuple(step * (axis == i) for i in range(3)))
            springs.append(-spring)
            springs[0] = springs[0] + spring
    return lead_from_force_constants("cubic", SPACING * np.eye(3), [40 * m_u], cells, springs)


def pair(strength, other=None):
    return RelaxationRate.quadratic(strength), RelaxationRate.quadratic(strength if other is None else other)


def test_without_scattering_the_harmonic_transmission_is_left(si_heavy):
    """Landauer's integral over the same wave vectors and frequencies, solved by the layer-by-layer recursion."""
    prepared = prepare_junction(si_heavy)
    points = zone_wavevectors(prepared, SMALL.k_mesh, 6)
    top = max(top_frequency(lead, points.k) for lead in (si_heavy.left, si_heavy.right))
    omega = top * (np.arange(SMALL.number) + 0.5) / SMALL.number
    x = hbar * omega / (2 * k_B * 300.0)
    weight = k_B * np.square(x / np.sinh(x)) * top / SMALL.number / (2 * np.pi)
    expected = agf(si_heavy, omega, k_mesh=SMALL.k_mesh).total @ weight
    found = _probe_conductances(si_heavy, pair(0.0), 300.0, SMALL, UnitRunner())
    np.testing.assert_allclose(found[0, -1], expected, rtol=1e-10, atol=0)
    weak = anharmonic_conductance(si_heavy, pair(1e-22), settings=SMALL)
    np.testing.assert_allclose(weak.harmonic.value, expected, rtol=1e-10, atol=0)
    np.testing.assert_allclose(weak.conductance.value, weak.four_probe.value, rtol=1e-4, atol=0)


def test_strong_scattering_leaves_diffusion(cubic):
    """Resistance per length is 1/κ of the Boltzmann equation; at 15 vibrations a lifetime, to 0.5 %.

    The mesh of wave vectors is the same in the plane.
    """
    rate = RelaxationRate([1e12, 1e14], [1e12, 1e12])
    settings = ProbeSettings(layers=4, k_mesh=(6, 6), number=40, statistics="classical")
    resistance = []
    for layers in (30, 60):
        crystal = homogeneous_junction(cubic, layers)
        heat = _probe_conductances(crystal, (rate, rate), 100.0, settings, UnitRunner())
        resistance.append(1 / _balance(heat)[0])
    slope = (resistance[1] - resistance[0]) / (30 * SPACING)
    expected = mode_velocities(cubic, (6, 6, 64)).conductivity(rate, 100.0, "classical")
    np.testing.assert_allclose(1 / slope, expected, rtol=5e-3, atol=0)


def test_modes_carry_what_the_springs_hold(cubic):
    r"""$\sum v_z^2\omega^2$ over all modes, of three uncoupled chains: $a^2\sum k^2\langle\sin^2\rangle/m^2$."""
    found = mode_velocities(cubic, (8, 8, 16))
    mean = (found.velocity**2 * found.omega**2).sum() * (SPACING**3 / found.volume)
    expected = SPACING**2 / (40 * m_u) ** 2 * (20.0**2 + 2 * 8.0**2) / 2
    np.testing.assert_allclose(mean, expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("strength", [3e-17, 1e-15])
def test_virtual_interface_has_no_resistance(perfect, strength):
    found = anharmonic_conductance(perfect, pair(strength), settings=SMALL)
    assert np.isinf(found.conductance.value[0])
    assert abs(found.resistance) < 1e-12 / found.flux
    np.testing.assert_allclose(found.profile, -found.profile[::-1], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.conductivity[0], found.conductivity[1], rtol=1e-9, atol=0)


def test_heat_is_conserved(si_heavy):
    """No probe keeps heat, and what leaves a lead is what the probes and the other lead take."""
    found = anharmonic_conductance(si_heavy, pair(1e-16, 2e-16), settings=SMALL)
    assert found.imbalance < 1e-10
    assert found.conductance.drop == "extrapolated"
    assert found.jump > 0.3
    assert found.four_probe.value[0] < found.conductance.value[0] < 900e6


def test_a_bath_emits_into_all_others_what_its_modes_hold(si_heavy):
    """Optical theorem in a homogeneous crystal: what a lead emits at rest is its modes, scattered or not."""
    crystal = homogeneous_junction(si_heavy.left, 8)
    heat = [_probe_conductances(crystal, pair(s), 300.0, SMALL, UnitRunner()) for s in (0.0, 1e-16)]
    np.testing.assert_allclose(heat[1][0].sum(), heat[0][0, -1], rtol=0.05, atol=0)  # the lead has no scattering
    assert heat[1][0, -1] < 0.95 * heat[0][0, -1]


def test_units_are_taken_up_again(si_heavy, tmp_path):
    calls = []
    first = anharmonic_conductance(si_heavy, pair(1e-16), settings=SMALL, store=tmp_path)
    again = anharmonic_conductance(
        si_heavy, pair(1e-16), settings=SMALL, store=tmp_path, progress=lambda done, total: calls.append((done, total))
    )
    assert first.flux == again.flux
    assert calls
    assert all(done == total for done, total in calls)
    assert heat_between_baths.__doc__


def test_rates_stand_for_a_conductivity(silicon):
    rate = rate_for_conductivity(silicon, 148.0, 300.0)
    np.testing.assert_allclose(mode_velocities(silicon).conductivity(rate, 300.0), 148.0, rtol=1e-12, atol=0)
    omega = np.array([3e11, 5e12, 2e14])
    np.testing.assert_allclose(rate.at(omega) / rate.at(omega[:1]), (omega / omega[0]) ** 2, rtol=1e-12, atol=0)


def test_wrong_input_is_refused(si_heavy, silicon):
    with pytest.raises(InputError, match="from 0"):
        RelaxationRate.quadratic(-1.0)
    with pytest.raises(InputError, match="all or none"):
        RelaxationRate([1e12, 2e12], [0.0, 1e10])
    with pytest.raises(InputError, match="in THz"):
        RelaxationRate([1e12, 2e12], [0.1, 0.4])
    with pytest.raises(InputError, match="at least 4 layers"):
        ProbeSettings(layers=2)
    with pytest.raises(InputError, match="above 0"):
        rate_for_conductivity(silicon, -1.0)
    with pytest.raises(InputError, match="take fewer layers"):
        anharmonic_conductance(si_heavy, pair(1e-16), settings=ProbeSettings(layers=800))
    assert len(_extend_device(si_heavy, 6).device) == 14
