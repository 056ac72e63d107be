"""Transmission: bounds, the Landauer integral and the three temperature drops."""

import csv
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from kapitza.core.occupation import mode_heat_capacity
from kapitza.core.quadrature import frequency_grid, trapezoid_weights
from kapitza.core.transmission import DROP_CORRECTION, Transmission
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.theory.dmm import dmm
from kapitza.units import THz, hbar, k_B

AL = Solid("Al", 2700, 6420, 3040, 6.026e28)
SI = Solid("Si", 2330, 9000, 5400, 4.994e28)
PB = Solid("Pb", 11340, 2230, 872, 3.30e28)

shears = st.floats(600, 12_000)
solids = st.builds(
    lambda density, shear, ratio, atoms: Solid("any", density, ratio * shear, shear, atoms),
    st.floats(500, 20_000),
    shears,
    st.floats(1.2, 3),
    st.floats(1e28, 2e29),
)


def gray(left: float, right: float, coefficient: float) -> Transmission:
    """Constant numbers of modes per area (m⁻²) on either side, and a coefficient seen from the left."""
    grid = frequency_grid([10 * THz])
    one = np.ones_like(grid.omega)
    return Transmission(
        grid.omega, coefficient * left * one, left * one, right * one, weight=grid.weight, method="gray"
    )


# Laws and limits


@given(solids, solids, st.floats(1, 2000))
def test_drops_are_ordered_and_local_is_twice_emitted_for_the_diffuse_mismatch_of_equals(left, right, temperature):
    spectrum = dmm(left, right)
    emitted, extrapolated, local = (
        spectrum.conductance(temperature, drop).value for drop in ("emitted", "extrapolated", "local")
    )
    assert 0 < emitted < extrapolated < local
    same = dmm(left, left)
    double = same.conductance(temperature, "local").value / same.conductance(temperature).value
    np.testing.assert_allclose(double, 2, rtol=1e-12, atol=0)


@given(solids, solids)
def test_conductance_rises_with_temperature_to_its_classical_value(left, right):
    spectrum = dmm(left, right)
    value = spectrum.conductance([1, 10, 50, 100, 300, 1000, 3000, 1e6]).value
    classical = spectrum.conductance(300, statistics="classical").value
    assert (np.diff(value) > 0).all()
    np.testing.assert_allclose(value[-1], classical, rtol=1e-5, atol=0)
    want = k_B / (2 * np.pi) * (spectrum.total @ spectrum.weights)
    np.testing.assert_allclose(classical, want, rtol=1e-14, atol=0)


@given(solids, solids, st.floats(1, 1000))
def test_accumulation_ends_at_the_whole(left, right, temperature):
    spectrum = dmm(left, right)
    for statistics in ("quantum", "classical"):
        got = spectrum.accumulation(temperature, statistics)
        assert (np.diff(got, axis=1) >= 0).all()
        whole = spectrum.conductance(temperature, statistics=statistics).value
        np.testing.assert_allclose(got[:, -1], whole, rtol=1e-12, atol=0)


@given(solids, st.floats(1, 1000))
def test_a_perfect_crystal_has_no_local_drop(solid, temperature):
    grid = frequency_grid(solid.edges)
    modes = solid.modes(grid.omega)
    perfect = Transmission(grid.omega, modes, modes, modes, weight=grid.weight)
    assert np.isinf(perfect.conductance(temperature, "local").value).all()
    assert (perfect.conductance(temperature, "local").resistance == 0).all()
    emitted = perfect.conductance(temperature).value
    assert np.isfinite(emitted).all()


@given(solids, solids)
def test_coefficients_seen_from_both_sides_fit_the_same_transmission(left, right):
    spectrum = dmm(left, right)
    for side, modes in (("left", spectrum.left), ("right", spectrum.right)):
        share = spectrum.coefficient(side)
        assert ((share >= 0) & (share <= 1)).all()
        np.testing.assert_allclose(share * modes, spectrum.total, rtol=1e-14, atol=0)


@pytest.mark.parametrize("temperature", [1e-3, 0.01, 0.1, 1.0, 5.0])
def test_cubic_law_of_an_interface(temperature):
    """Below 5 K only sound counts: S = S₁S₂/(S₁ + S₂) with S the sum of 1/c²."""
    sound = [np.sum(s.speeds**-2.0) for s in (AL, SI)]
    joint = sound[0] * sound[1] / (sound[0] + sound[1])
    want = np.pi**2 * k_B**4 / (30 * hbar**3) * joint * temperature**3
    np.testing.assert_allclose(dmm(AL, SI).conductance(temperature).value, want, rtol=1e-6, atol=0)


# Second roads


@pytest.mark.parametrize("pair", [(AL, SI), (SI, PB)])
@pytest.mark.parametrize("temperature", [0.5, 20.0, 300.0])
def test_chosen_grid_equals_adaptive_quadrature(pair, temperature):
    left, right = pair
    edges = np.unique(np.concatenate([left.edges, right.edges]))

    def integrand(omega: float) -> float:
        at = np.array([omega])
        m_left, m_right = left.modes(at)[0], right.modes(at)[0]
        both = m_left * m_right / (m_left + m_right) if m_left * m_right else 0.0
        return both * mode_heat_capacity(at, temperature)[0, 0] / (2 * np.pi)

    top = 60 * k_B * temperature / hbar
    bounds = [0.0, *edges[edges < top], min(top, edges[-1])]
    want = sum(quad(integrand, a, b, epsrel=1e-12, epsabs=0, limit=400)[0] for a, b in pairwise(bounds) if b > a)
    np.testing.assert_allclose(dmm(left, right).conductance(temperature).value, want, rtol=1e-9, atol=0)


def test_trapezoid_of_user_frequencies_equals_numpy():
    omega = np.sort(np.random.default_rng(3).uniform(0, 60 * THz, 500))
    spectrum = dmm(AL, SI, omega)
    assert spectrum.weight is None
    np.testing.assert_allclose(spectrum.weights, trapezoid_weights(omega), rtol=0, atol=0)
    per_mode = mode_heat_capacity(omega, [77.0])[0]
    want = np.trapezoid(spectrum.total * per_mode, omega) / (2 * np.pi)
    np.testing.assert_allclose(spectrum.conductance(77).value, want, rtol=1e-13, atol=0)


def test_local_drop_by_its_definition():
    """Second road: the local temperature is the mean of what a side sends out and what it gets back."""
    spectrum = gray(2e18, 3e18, 0.4)
    g_left, g_right = (
        Transmission(spectrum.omega, m, weight=spectrum.weight).conductance(300).value[0]
        for m in (spectrum.left, spectrum.right)
    )
    emitted = spectrum.conductance(300).value[0]
    flux = emitted * 1.0  # reservoirs at +1 and 0
    outgoing_left, outgoing_right = g_left * 1.0, 0.0
    returning_left, returning_right = outgoing_left - flux, outgoing_right + flux
    drop = (outgoing_left + returning_left) / (2 * g_left) - (outgoing_right + returning_right) / (2 * g_right)
    np.testing.assert_allclose(spectrum.conductance(300, "local").value, flux / drop, rtol=1e-12, atol=0)


def test_extrapolated_drop_equals_the_exact_gray_solution(data):
    """R in units of 1/E₁ from an integral equation on 20 mean free paths; the share left out is 1 - ¾ q."""
    text = data("device/gray_interface_extrapolated_R.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 6
    for row in rows:
        left, right, coefficient = (float(row[k]) for k in ("E1_rel", "E2_rel", "t12"))
        spectrum = gray(left * 1e18, right * 1e18, coefficient)
        unit = gray(left * 1e18, left * 1e18, 1.0).conductance(100).value
        got = spectrum.conductance(100, "extrapolated").resistance * unit
        want = float(row["R_numeric_20mfp_each"])
        np.testing.assert_allclose(got, want, rtol=2e-6 if want < 1 else 2e-7, atol=0)


def hopf_constant() -> float:
    r"""$q_\infty = \frac{6}{\pi^2} + \frac1\pi \int_0^{\pi/2} [3/a^2 - 1/(1 - a\cot a)]\,da$ (Hopf's integral)."""

    def integrand(a: float) -> float:
        if a < 0.05:  # the poles cancel
            return 1 / 5 + a**2 / 175
        return 3 / a**2 - 1 / (1 - a / np.tan(a))

    return 6 / np.pi**2 + quad(integrand, 0, np.pi / 2, points=[0.05], epsabs=1e-13, epsrel=1e-13)[0] / np.pi


def by_chandrasekhar() -> float:
    """A second road: the ratio of the second to the first moment of the H function of conservative scattering."""
    node, weight = np.polynomial.legendre.leggauss(200)
    mu, weight = (node + 1) / 2, weight / 2
    h = np.ones_like(mu)
    for _ in range(20000):  # with the mean of H known to be 2, 1/H = ½∫ μ'H(μ')/(μ + μ') dμ'
        new = 1 / (0.5 * ((weight * mu * h) @ (1 / (mu[:, None] + mu))))
        new = (h + new) / 2
        change = np.abs(new / h - 1).max()
        h = new
        if change < 1e-14:
            break
    return float((weight * mu**2 * h).sum() / (weight * mu * h).sum())


def test_the_share_of_the_extrapolated_drop_is_hopfs_constant(published):
    entry = published("core", "hopf_constant")
    np.testing.assert_allclose(hopf_constant(), by_chandrasekhar(), rtol=1e-7, atol=0)
    np.testing.assert_allclose(hopf_constant(), entry["value"], rtol=entry["tolerance"], atol=0)
    np.testing.assert_allclose(DROP_CORRECTION["extrapolated"], 1 - 0.75 * hopf_constant(), rtol=1e-9, atol=0)


# Refusals


def test_nothing_passes_more_than_arrives():
    omega = np.array([1, 2, 3]) * THz
    for modes in ({"left": [1, 1, 1], "right": [5, 5, 5]}, {"left": [5, 5, 5], "right": [1, 1, 1]}):
        with pytest.raises(InputError, match="passes the bound"):
            Transmission(omega, [1, 1.001, 1], **modes)
        Transmission(omega, [1, 1.001, 1], **modes, elastic=False)
    with pytest.raises(InputError, match="passes the bound"):
        Transmission(omega, [1, -0.1, 1])


def test_rounding_is_no_violation():
    omega = np.array([1, 2, 3]) * THz
    Transmission(omega, [1, 1 + 1e-12, -1e-16], [1, 1, 0], [1, 1, 1])


def test_malformed_spectra():
    omega = np.array([1, 2, 3]) * THz
    for wrong in (
        {"total": [1, 2]},
        {"total": [1, np.nan, 1]},
        {"total": [1, np.inf, 1]},
        {"total": [1, 1, 1], "left": [1, 1]},
        {"total": [0, 0, 0], "left": [1, -1, 1]},
        {"total": [0, 0, 0], "right": [1, np.inf, 1]},
        {"total": [1, 1, 1], "weight": [1, 1]},
    ):
        with pytest.raises(InputError):
            Transmission(omega, **wrong)
    for wrong in ([3, 2, 1], [-1, 2, 3], [1, 1, 2]):
        with pytest.raises(InputError):
            Transmission(np.array(wrong) * THz, [1, 1, 1])


def test_one_frequency_has_no_integral():
    with pytest.raises(InputError, match="at least 2"):
        Transmission([1 * THz], [1.0]).conductance(300)


def test_drops_and_sides_that_are_unknown():
    spectrum = gray(1e18, 1e18, 0.5)
    with pytest.raises(InputError, match="'emitted' or 'local' or 'extrapolated'"):
        spectrum.conductance(300, "landauer")
    with pytest.raises(InputError, match="'left' or 'right'"):
        spectrum.coefficient("top")
    blind = Transmission(spectrum.omega, spectrum.total, weight=spectrum.weight, method="MD")
    assert blind.conductance(300).value > 0
    for drop in ("local", "extrapolated"):
        with pytest.raises(InputError, match="does not know the modes of its left side"):
            blind.conductance(300, drop)
    with pytest.raises(InputError, match="does not know the modes"):
        blind.coefficient("right")


def test_an_inelastic_spectrum_holds_at_its_own_temperature_only():
    spectrum = gray(1e18, 1e18, 0.5)
    inelastic = Transmission(
        spectrum.omega, spectrum.total, weight=spectrum.weight, elastic=False, temperature=300.0, method="three-phonon"
    )
    assert inelastic.conductance(300).value > 0
    for wrong in (299.0, [300.0, 301.0]):
        with pytest.raises(InputError, match="holds at 300 K"):
            inelastic.conductance(wrong)
        with pytest.raises(InputError, match="three-phonon"):
            inelastic.accumulation(wrong)


def test_the_message_names_the_temperature_that_does_not_fit():
    spectrum = Transmission([1, 2], [1, 1], elastic=False, temperature=300.0, method="m")
    with pytest.raises(InputError, match="not at 301 K"):
        spectrum.conductance([300.0, 301.0])


def test_more_heat_than_the_modes_bring_has_no_local_drop():
    spectrum = Transmission([1 * THz, 2 * THz], [3, 3], [1, 1], [1, 1], elastic=False, method="inelastic")
    with pytest.raises(InputError, match="take the emitted drop"):
        spectrum.conductance(300, "local")


def test_a_closed_interface_conducts_nothing_by_any_drop():
    spectrum = Transmission([1 * THz, 2 * THz], [0, 0], [1, 1], [0, 0])
    for drop in ("emitted", "local", "extrapolated"):
        assert spectrum.conductance([1, 300], drop).value.tolist() == [0, 0]


def test_records_cannot_be_changed():
    spectrum = gray(1e18, 1e18, 0.5)
    with pytest.raises(ValueError, match="read-only"):
        spectrum.total[0] = 1
    with pytest.raises(AttributeError):
        spectrum.method = "other"
