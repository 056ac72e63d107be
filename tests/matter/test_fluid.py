"""Liquids: one branch."""

import numpy as np
import pytest

from kapitza.core.phonons import Phonons
from kapitza.errors import InputError
from kapitza.matter.isotropic import Fluid
from kapitza.units import THz

HELIUM = Fluid("He", 145, 238, 2.18e28)


def test_one_longitudinal_branch():
    assert isinstance(HELIUM, Phonons)
    top = HELIUM.edges[-1]
    omega = top * np.array([0, 0.5, 1, 1.001])
    want = omega**2 / (4 * np.pi * 238**2) * [1, 1, 1, 0]
    np.testing.assert_allclose(HELIUM.modes(omega), want, rtol=1e-14, atol=0)


def test_the_cutoff_counts_the_particles():
    """A second road: modes of a sphere in q space, one per particle."""
    q = HELIUM.cutoffs[0] / HELIUM.speed
    np.testing.assert_allclose(4 / 3 * np.pi * q**3 / (2 * np.pi) ** 3, 2.18e28, rtol=1e-12, atol=0)
    assert 0.3 * THz < HELIUM.cutoffs[0] < 0.6 * THz


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ((-1, 238, 2e28), "density"),
        ((145, np.nan, 2e28), "speed"),
        ((145, 238, 0), "atoms"),
        ((0.145, 238, 2e28), "density = 0.145, expected 20 to 40000 kg/m³"),
        ((145, 0.238, 2e28), "speed of sound = 0.238, expected 50 to 10000 m/s"),
        ((145, 238, 2e22), "atoms = 2e\\+22, expected"),
        ((145, None, 2e28), "one number, got None"),
        (("a", 238, 2e28), "one number, got 'a'"),
    ],
)
def test_bad_liquids_are_refused_in_one_line(bad, message):
    with pytest.raises(InputError, match=message) as caught:
        Fluid("He", *bad)
    assert "\n" not in str(caught.value)
