"""Probes on every layer: what must vanish, what must be kept, and what they are tuned to."""

import numpy as np
import pytest

from kapitza.errors import InputError
from kapitza.matter.building.layers import mass_junction
from kapitza.theory.agf.buttiker_probes import conductance_with_probes, tune_probe_strength
from kapitza.theory.agf.conductance import agf
from kapitza.units import m_u

MESH = {"layers": 6, "k_mesh": (4, 4), "number": 20}


@pytest.fixture(scope="module")
def perfect(silicon):
    return mass_junction(silicon, 28.085 * m_u, 28.085 * m_u)


@pytest.mark.parametrize("strength", [3e-17, 1e-16, 1e-15])
def test_virtual_interface_has_no_resistance(perfect, strength):
    found = conductance_with_probes(perfect, strength, **MESH)
    assert np.isinf(found.conductance.value[0])
    assert abs(found.resistance) < 1e-12 / found.flux
    np.testing.assert_allclose(found.profile, -found.profile[::-1], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found.conductivity[0], found.conductivity[1], rtol=1e-9, atol=0)


def test_weak_probes_leave_the_bare_transmission(si_heavy):
    found = conductance_with_probes(si_heavy, 1e-22, **MESH)
    bare = agf(si_heavy, k_mesh=(8, 8), tolerance=0.02).conductance(300.0).value[0]
    np.testing.assert_allclose(found.flux, bare, rtol=0.05, atol=0)
    local = agf(si_heavy, k_mesh=(8, 8), tolerance=0.02).conductance(300.0, drop="local").value[0]
    np.testing.assert_allclose(found.conductance.value[0], local, rtol=0.1, atol=0)  # the same subtraction of leads


def test_probes_are_tuned_to_a_conductivity(silicon, perfect):
    strength = tune_probe_strength(silicon, 9.0, **MESH)
    np.testing.assert_allclose(conductance_with_probes(perfect, strength, **MESH).conductivity, 9.0, rtol=0.05, atol=0)
    assert tune_probe_strength(silicon, 6.0, **MESH) > strength


def test_an_interface_with_probes_is_crossed_more_easily(si_heavy):
    found = conductance_with_probes(si_heavy, (1e-16, 2e-16), **MESH)
    assert found.conductance.drop == "extrapolated"
    assert found.jump > 0.3
    assert 276e6 < found.conductance.value[0] < 900e6


def test_settings_that_are_none_are_told(si_heavy, silicon):
    with pytest.raises(InputError, match="above 0"):
        conductance_with_probes(si_heavy, 0.0)
    with pytest.raises(InputError, match="at least 4 layers"):
        conductance_with_probes(si_heavy, 1e-16, layers=2)
    with pytest.raises(InputError, match="expected above 0"):
        tune_probe_strength(silicon, -1.0)
