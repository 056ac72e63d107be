"""Helium on solids: both channels, a damped solid as the second road, numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.matter.isotropic import Fluid, Solid
from kapitza.theory.amm import amm, corner_quadrature
from kapitza.theory.khalatnikov import khalatnikov, rayleigh_absorption, rayleigh_speed
from kapitza.theory.plane_waves import isotropic_waves, liquid_waves, scatter_at_plane
from kapitza.units import h, k_B

HELIUM = Fluid("He", 145, 238, 2.18e28)
THIN = Fluid("thin", 145, 238, 2.18e28)
object.__setattr__(THIN, "density", 0.0145)  # lighter than any liquid, past the check of units, for a narrow peak
COPPER = Solid("Cu", 8960, 4749, 2322, 8.5e28)


def test_copper(published: Callable[[str, str], dict[str, Any]]):
    found = khalatnikov(HELIUM, COPPER)
    for name, value in (("bulk", found.bulk_factor), ("rayleigh", found.rayleigh_factor)):
        want = published("acoustic", f"helium_copper_{name}")
        np.testing.assert_allclose(value, want["value"], rtol=want["tolerance"], atol=0)


def test_the_factor_means_the_conductance():
    found = khalatnikov(HELIUM, COPPER)
    prefactor = 16 * np.pi**5 * k_B**4 / (15 * h**3) * 145 * 238 / (8960 * 2322**3)
    cold = 0.02
    for one, factor in ((found.bulk, found.bulk_factor), (found.rayleigh, found.rayleigh_factor)):
        np.testing.assert_allclose(one.conductance(cold).value, prefactor * factor * cold**3, rtol=1e-8, atol=0)
    both = found.total.conductance(cold).value
    np.testing.assert_allclose(
        both, found.bulk.conductance(cold).value + found.rayleigh.conductance(cold).value, rtol=1e-12
    )
    np.testing.assert_array_equal(found.bulk.total, amm(HELIUM, COPPER).total)


def absorbed(light: Fluid, solid: Solid, loss: float) -> float:
    """F of everything that a damped solid absorbs, by brute force over angles."""
    near = np.geomspace(1e-9, 1, 60)
    surface = 1 / rayleigh_speed(solid)
    corners = [1 / solid.longitudinal, 1 / solid.transverse, surface]
    bounds = np.concatenate([one * (1 + sign * near) for one in corners for sign in (-1, 1)] + [corners])
    slowness, width = corner_quadrature(bounds[bounds > 0], 1 / light.speed, 12)
    reflected = (
        np.abs(scatter_at_plane(liquid_waves(light, slowness), isotropic_waves(solid, slowness, loss))[:, 0, 0]) ** 2
    )
    modes = np.sum((1 - reflected) * slowness * width) / (2 * np.pi)
    return float(np.pi * solid.density * solid.transverse**3 / (light.density * light.speed) * modes)


@pytest.mark.parametrize("solid", [COPPER, Solid("Si", 2329, 9000, 5400, 5e28), Solid("Au", 19300, 3296, 1196, 5.9e28)])
def test_a_weakly_damped_solid_absorbs_both_channels(solid):
    """Radiation far below damping far below 1: the sum of both channels, linear in the loss."""
    found = khalatnikov(THIN, solid)
    some, half = absorbed(THIN, solid, 1e-3), absorbed(THIN, solid, 5e-4)
    np.testing.assert_allclose(2 * half - some, found.bulk_factor + found.rayleigh_factor, rtol=2e-3, atol=0)


def test_damping_of_the_order_of_radiation():
    """Real helium radiates: the share that is kept follows from the loss."""
    for loss in (1e-3, 1e-4):
        share = rayleigh_absorption(HELIUM, COPPER, loss)
        found = khalatnikov(HELIUM, COPPER, absorption=share)
        both = found.bulk_factor + found.rayleigh_factor
        np.testing.assert_allclose(absorbed(HELIUM, COPPER, loss), both, rtol=0.02, atol=0)
    assert 0 == rayleigh_absorption(HELIUM, COPPER, 0) < share < 1


@given(st.floats(1.16, 5))
def test_rayleigh_speed(ratio):
    """A root of the secular equation, between the speeds known for it."""
    solid = Solid("any", 3000, ratio * 3000, 3000, 5e28)
    c = rayleigh_speed(solid)
    assert 0.68 < c / 3000 < 0.956
    left = (2 - (c / 3000) ** 2) ** 2
    right = 4 * np.sqrt((1 - (c / 3000) ** 2) * (1 - (c / 3000 / ratio) ** 2))
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=0)


def test_rayleigh_speed_of_equal_lame_constants():
    solid = Solid("any", 3000, 3000 * 3**0.5, 3000, 5e28)
    np.testing.assert_allclose(rayleigh_speed(solid), 3000 * np.sqrt(2 - 2 / 3**0.5), rtol=1e-12, atol=0)


def test_a_fast_liquid_has_no_surface_channel():
    water, lead = Fluid("water", 998, 1483, 3.3e28), Solid("Pb", 11340, 2230, 872, 3.3e28)
    assert khalatnikov(water, lead).rayleigh_factor == 0
    with pytest.raises(InputError, match="absorption"):
        khalatnikov(HELIUM, COPPER, absorption=1.5)
    with pytest.raises(InputError, match="loss"):
        rayleigh_absorption(HELIUM, COPPER, -0.1)
