import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapitza.core.quadrature import frequency_grid
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.isotropic import Dispersion, PolynomialBranch, SineBranch, born_von_karman, zone_radius
from kapitza.units import THz, hbar, k_B
from matter_samples import silicon_dispersion

PUBLISHED = tomllib.loads((Path(__file__).parents[1] / "published" / "contacts.toml").read_text("utf-8"))

speeds = st.floats(500, 15_000)
radii = st.floats(3e9, 3e10)


@given(longitudinal=speeds, transverse=speeds, boundary=radii)
@settings(max_examples=40, deadline=None)
def test_low_frequencies_are_those_of_debye(longitudinal, transverse, boundary):
    solid = born_von_karman("any", longitudinal, transverse, boundary)
    omega = np.array([1e-6, 1e-5, 1e-4]) * solid.edges[0]
    want = omega**2 / (4 * np.pi) * (longitudinal**-2 + 2 * transverse**-2)
    np.testing.assert_allclose(solid.modes(omega), want, rtol=1e-7, atol=0)


@given(speed=speeds, boundary=radii, share=st.floats(0.01, 0.99))
@settings(max_examples=40, deadline=None)
def test_every_frequency_leads_back_to_its_wave_vector(speed, boundary, share):
    branch = SineBranch(speed, boundary)
    omega = branch.frequency(np.array([share * boundary]))
    want = (share * boundary) ** 2 / (4 * np.pi)
    np.testing.assert_allclose(Dispersion("any", (branch,)).modes(omega), want, rtol=1e-9, atol=0)


@given(bow=st.floats(0.1, 0.9), wiggle=st.floats(-0.5, 0.5), boundary=radii)
@settings(max_examples=40, deadline=None)
def test_all_modes_are_in_the_density_of_states(bow, wiggle, boundary):
    """∫ DOS dω = k_m³/6π² for any shape; ω = ω₁ + (ω₂ - ω₁) sin²t takes the poles at both band edges away."""
    scale = boundary ** -np.arange(4.0)
    branch = PolynomialBranch(
        np.array([30 * THz, 5 * THz * bow, 10 * THz * wiggle, -5 * THz * wiggle]) * scale, boundary
    )
    solid = Dispersion("any", (branch,))
    node, weight = np.polynomial.legendre.leggauss(400)
    t = np.pi / 4 * (node + 1)
    total = 0.0
    for low, high in zip(solid.edges[:-1], solid.edges[1:], strict=True):
        states = solid.density_of_states(low + (high - low) * np.sin(t) ** 2)
        total += np.pi / 4 * (high - low) * np.sum(weight * states * np.sin(2 * t))
    np.testing.assert_allclose(total, solid.states, rtol=2e-3, atol=0)


def test_folds_of_a_branch_with_a_maximum():
    """ω = 2x - x² on 0..1.5 passes every ω between 0.75 and 1 twice."""
    k = 1e10
    solid = Dispersion("hump", (PolynomialBranch([0, 2 * THz / k, -THz / k**2], 1.5 * k),))
    omega = np.array([0.5, 0.9]) * THz
    root = np.sqrt(1 - omega / THz)
    want = (1 - root) ** 2 + np.array([0, 1]) * (1 + root) ** 2
    np.testing.assert_allclose(solid.modes(omega), want * k**2 / (4 * np.pi), rtol=1e-9, atol=0)
    np.testing.assert_allclose(solid.edges, np.array([0.75, 1]) * THz, rtol=1e-9, atol=0)


def test_modes_equal_a_histogram_of_velocities():
    """A second road: wave vectors drawn at random in the zone, v_z > 0 added up in bins of frequency."""
    solid = silicon_dispersion()
    rng = np.random.default_rng(11)
    n = 1_000_000
    direction = rng.standard_normal((n, 3))
    bins = np.linspace(0, 17 * THz, 35)
    got = np.zeros(bins.size - 1)
    for branch in solid.branches:
        k = branch.boundary * rng.random(n) ** (1 / 3)
        v_z = branch.velocity(k) * direction[:, 2] / np.linalg.norm(direction, axis=1)
        volume = branch.boundary**3 / (6 * np.pi**2)  # states per volume
        moving = v_z > 0
        share = np.histogram(branch.frequency(k)[moving], bins, weights=v_z[moving])[0]
        got += branch.degeneracy * 2 * np.pi * volume * share / n / np.diff(bins)
    fine = np.linspace(0, 17 * THz, 34 * 200 + 1)
    fine = (fine[1:] + fine[:-1]) / 2
    want = solid.modes(fine).reshape(34, 200).mean(axis=1)
    np.testing.assert_allclose(got, want, rtol=0, atol=0.01 * want.max())


def test_conductance_of_all_modes_approaches_debye_when_cold():
    solid = born_von_karman("any", 8000, 5000, zone_radius(5e28))
    grid = frequency_grid(solid.edges)
    modes = solid.modes(grid.omega)
    got = Transmission(grid.omega, modes, weight=grid.weight).conductance([0.5]).value
    want = np.pi**2 / 30 * k_B**4 / hbar**3 * 0.125 * (8000**-2 + 2 * 5000**-2)
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=0)


def test_silicon_has_the_published_frequencies():
    acoustic, optical = silicon_dispersion().branches[1], silicon_dispersion().branches[2]
    for name, omega in (
        ("silicon_TA_X", acoustic.frequency(np.array([acoustic.boundary]))),
        ("silicon_LTO_gamma", optical.frequency(np.array([0.0]))),
    ):
        row = PUBLISHED[name]
        np.testing.assert_allclose(omega / THz, row["value"], rtol=row["tolerance"], atol=0)


def test_a_complete_zone_holds_three_modes_per_atom():
    solid = born_von_karman("any", 8000, 5000, zone_radius(5e28))
    np.testing.assert_allclose(solid.states, 3 * 5e28, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PolynomialBranch([0, 5e3, -1e-6], 1e10),
        lambda: PolynomialBranch([0, np.inf], 1e10),
        lambda: PolynomialBranch([0, 5e3], -1e10),
        lambda: PolynomialBranch([0, 5e3], 1e10, 0),
        lambda: SineBranch(np.nan, 1e10),
        lambda: Dispersion("none", ()),
        lambda: zone_radius(0),
    ],
)
def test_wrong_input_is_refused(make):
    with pytest.raises(InputError):
        make()
