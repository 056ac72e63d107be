"""Grain boundaries: no boundary, no resistance; roughness, polycrystals, dislocation grids."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.conductance import Conductance
from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.isotropic import Solid
from kapitza.theory.dmm import dmm
from kapitza.theory.grain import (
    boundary_specularity,
    diffraction_order,
    effective_conductivity,
    grain_boundary,
    grating_sum,
    twist_boundary,
)
from kapitza.units import nm

Published = Callable[[str, str], dict[str, Any]]
SI = Solid("Si", 2329, 9000, 5400, 4.994e28)
BURGERS = 0.384 * nm


@st.composite
def solids(draw: st.DrawFn) -> Solid:
    transverse = draw(st.floats(300, 12_000))
    ratio = draw(st.floats(1.2, 3.0))
    return Solid("any", 3000, min(ratio * transverse, 4e4), transverse, draw(st.floats(1e28, 2e29)))


@given(one=solids(), p=st.floats(0, 1 - 1e-9), kelvin=st.floats(5, 1000))
def test_local_resistance_vanishes_with_the_disorder(one: Solid, p: float, kelvin: float):
    everything = dmm(one, one).conductance(kelvin).value * 2
    got = grain_boundary(one, p).conductance(kelvin, drop="local").resistance
    np.testing.assert_allclose(got, (1 - p) / (1 + p) / everything, rtol=1e-6, atol=0)


@given(one=solids(), kelvin=st.floats(5, 1000))
def test_both_ends(one: Solid, kelvin: float):
    diffuse, none = grain_boundary(one, 0), grain_boundary(one, 1)
    np.testing.assert_allclose(diffuse.total, dmm(one, one).total, rtol=1e-14, atol=0)
    np.testing.assert_array_equal(none.conductance(kelvin, drop="local").value, np.inf)
    assert none.conductance(kelvin).resistance > 0  # the paradox of emitting reservoirs


@given(one=solids(), roughness=st.floats(0, 5e-9), share=st.floats(1e-4, 1.0))
def test_specularity_by_quadrature(one: Solid, roughness: float, share: float):
    """Second road to the angular mean, ∫2μ dμ exp(-16π²η²cos²θ/λ²) over the open branches."""
    omega = share * one.edges[-1]
    node, weight = np.polynomial.legendre.leggauss(200)
    mu = (node + 1) / 2
    top = bottom = 0.0
    for speed, cutoff in zip(one.speeds, one.cutoffs, strict=True):
        if omega <= cutoff:
            wavelength = 2 * np.pi * speed / omega
            passed = np.exp(-16 * np.pi**2 * roughness**2 * mu**2 / wavelength**2)
            top += speed**-2 * (mu * passed) @ weight
            bottom += speed**-2
    got = boundary_specularity(one, [omega], roughness=roughness)
    np.testing.assert_allclose(got, top / bottom, rtol=1e-8, atol=0)


def test_normal_incidence_follows_ziman_for_long_waves() -> None:
    """Lost share 4η²k²cos²θ, whose mean over the modes is 2η²k² (Maznev, abstract: 4η²k² at normal incidence)."""
    omega, eta = 1e11, 1e-9
    k2 = np.sum((omega / SI.speeds) ** 4) / np.sum((omega / SI.speeds) ** 2)
    lost = 1 - boundary_specularity(SI, [omega], roughness=eta)
    np.testing.assert_allclose(lost, 2 * eta**2 * k2, rtol=1e-3, atol=0)


@given(kappa=st.floats(0.1, 1000), r=st.floats(1e-11, 1e-6), d=st.floats(1e-9, 1e-3))
def test_polycrystal_is_a_series_of_grains_and_boundaries(kappa: float, r: float, d: float):
    boundary = Conductance([300], [1 / r], drop="local")
    got = effective_conductivity(kappa, boundary, grain=d)
    n = 1000
    np.testing.assert_allclose(got, n * d / (n * d / kappa + n * r), rtol=1e-12, atol=0)


def test_order_of_diffraction() -> None:
    """F(0) = 3/2, F(2) = 0, ∫F = π/2, and its double integral on a plain grid at t = 1."""
    node, weight = np.polynomial.legendre.leggauss(64)
    np.testing.assert_allclose(diffraction_order(node + 1) @ weight, np.pi / 2, rtol=1e-7, atol=0)
    np.testing.assert_allclose(diffraction_order(np.array([1e-9, 2.0])), [1.5, 0.0], rtol=1e-6, atol=1e-15)
    rng = np.random.default_rng(3)
    direction = rng.standard_normal((4_000_000, 3))
    x, y, _ = (direction / np.linalg.norm(direction, axis=1)[:, None]).T
    left = x**2 + 2 * y - 1  # k'_x² after one order t = 1
    seen = np.where(left > 0, x**2 / np.sqrt(np.maximum(left, 1e-300)), 0.0)
    # (3/4π) ∫dΩ cos²θ / |k'_x| is the mean over directions times 3
    np.testing.assert_allclose(3 * seen.mean(), diffraction_order(np.array([1.0])), rtol=0.02, atol=0)


def test_waves_longer_than_twice_the_spacing_pass() -> None:
    angle = np.radians(5)
    spacing = BURGERS / (2 * np.sin(angle / 2))
    slowest = np.pi * SI.transverse / spacing
    got = twist_boundary(SI, angle, burgers=BURGERS)
    long = got.omega < slowest
    assert long.sum() > 20
    np.testing.assert_allclose(got.coefficient()[long], 1.0, rtol=1e-14, atol=0)
    assert got.coefficient()[~long].max() < 1


@given(phase=st.floats(500, 5000))
def test_fine_grids_become_a_continuum(phase: float):
    """Σ F(2πm/kD) → (kD/2π)(π/2) - F(0)/2."""
    np.testing.assert_allclose(grating_sum(np.array([phase])), phase / 4 - 0.75, rtol=2e-4, atol=0)


def test_twist_resistance_rises_with_angle_and_stays_below_that_of_disorder(published: Published) -> None:
    """Strain alone is a lower estimate: molecular dynamics of Si, all included, ends at 1.56 m²K/GW."""
    angles = np.radians([1, 2, 5, 10, 15])
    got = [twist_boundary(SI, a, burgers=BURGERS).conductance(300, drop="local").resistance.item() for a in angles]
    assert (np.diff(got) > 0).all()
    row = published("diffuse", "si_twist_resistance")
    disordered = grain_boundary(SI, 0).conductance(300, "local", "classical").resistance.item()
    assert got[-1] < disordered < row["value"]


def test_doubled_grueneisen_parameter_quadruples_weak_scattering() -> None:
    one, two = (
        twist_boundary(SI, 0.02, burgers=BURGERS, gruneisen=g).conductance(300, drop="local").resistance
        for g in (0.1, 0.2)
    )
    np.testing.assert_allclose(two / one, 4, rtol=1e-2, atol=0)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match=r"specularity = 1\.2"):
        grain_boundary(SI, 1.2)
    with pytest.raises(InputError, match="3 values for 2 frequencies"):
        grain_boundary(SI, [0.1, 0.2, 0.3], [1e12, 2e12])
    with pytest.raises(InputError, match="roughness = -1"):
        boundary_specularity(SI, [1e12], roughness=-1)
    with pytest.raises(InputError, match="emitted drop"):
        effective_conductivity(100, dmm(SI, SI).conductance(300), grain=1e-7)
    with pytest.raises(InputError, match="conductivity has 2 values for 1"):
        effective_conductivity([100, 120], Conductance([300], [1e9]), grain=1e-7)
    with pytest.raises(InputError, match="degrees"):
        twist_boundary(SI, 5, burgers=BURGERS)
    with pytest.warns(ValidityWarning, match="no low-angle boundary"):
        twist_boundary(SI, np.radians(30), burgers=BURGERS)


def test_many_orders_of_a_grating_join_their_integral() -> None:
    """Two roads about the place where the sum becomes an integral: 50 orders one by one, and Euler-Maclaurin."""
    phase = 50.5 * np.pi
    want = diffraction_order(2 * np.pi * np.arange(1, 51) / phase).sum()
    np.testing.assert_allclose(grating_sum(np.array([phase])), want, rtol=1e-5, atol=0)


def test_burgers_vectors_in_other_units_are_refused() -> None:
    with pytest.raises(InputError, match="is it in another unit"):
        twist_boundary(SI, 0.05, burgers=3.8)
    tiny = twist_boundary(SI, 1e-6, burgers=BURGERS)  # dislocations micrometres apart: thousands of orders
    assert (tiny.total <= tiny.left).all() if tiny.left is not None else False
