"""The capped inelastic channel: both directions agree, bounds hold, limits are reached."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.arrays import Array
from kapitza.core.conductance import Conductance, merge_conductances
from kapitza.core.heat_flow import equilibrium_power
from kapitza.core.occupation import Statistics
from kapitza.core.quadrature import panel_quadrature
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.theory.dmm import dmm
from kapitza.theory.inelastic import inelastic_channel
from kapitza.theory.limits import elastic_limit, inelastic_radiation_limit, radiation_limit
from kapitza.units import k_B

PB = Solid("Pb", 11340, 2230, 872, 3.30e28)
DIAMOND = Solid("diamond", 3515, 18113, 12319, 17.63e28)
amplitudes = st.floats(1e-6, 1e-1)
kelvins = st.floats(5, 1500)


def inelastic_conductance(
    elastic: Transmission, temperature: Array | list[float], *, amplitude: float, statistics: Statistics = "quantum"
) -> Conductance:
    """Conductance of `inelastic_channel` at many temperatures (nT,) K, increasing."""
    parts = [
        inelastic_channel(elastic, kelvin, amplitude=amplitude, statistics=statistics).conductance(
            kelvin, statistics=statistics
        )
        for kelvin in np.atleast_1d(temperature)
    ]
    return merge_conductances(parts)


def inelastic_power(elastic: Transmission, temperature: float, *, amplitude: float) -> float:
    """One-way equilibrium power of `inelastic_channel`, the integral of G from 0 to a temperature (K), W m⁻²."""
    bounds = np.concatenate([[0.0], temperature * 2.0 ** np.arange(-5, 1)])  # panels, each half of the next
    at, weight = panel_quadrature(bounds, 8)
    return float(inelastic_conductance(elastic, at, amplitude=amplitude).value @ weight)


@st.composite
def solids(draw: st.DrawFn) -> Solid:
    transverse = draw(st.floats(500, 12_000))
    ratio = draw(st.floats(1.2, 3.0))
    return Solid("any", 3000, min(ratio * transverse, 4e4), transverse, draw(st.floats(1e28, 2e29)))


@given(left=solids(), right=solids(), kelvin=kelvins, amplitude=amplitudes, q=st.floats(0, 2))
def test_as_much_crosses_in_either_direction(left: Solid, right: Solid, kelvin: float, amplitude: float, q: float):
    there, back = (
        inelastic_channel(dmm(*pair), kelvin, amplitude=amplitude, temperature_power=q).conductance(kelvin).value
        for pair in ((left, right), (right, left))
    )
    np.testing.assert_allclose(there, back, rtol=1e-13, atol=0)


@given(left=solids(), right=solids(), kelvin=kelvins, amplitude=amplitudes)
def test_between_the_elastic_value_and_the_softer_side(left: Solid, right: Solid, kelvin: float, amplitude: float):
    elastic = dmm(left, right)
    value = inelastic_channel(elastic, kelvin, amplitude=amplitude).conductance(kelvin).value.item()
    assert value >= elastic.conductance(kelvin).value.item()
    limit = inelastic_radiation_limit(left, right, kelvin).conductance(kelvin).value.item()
    assert value <= limit * (1 + 1e-12)


@given(left=solids(), right=solids(), kelvin=kelvins)
def test_large_amplitude_reaches_the_inelastic_radiation_limit(left: Solid, right: Solid, kelvin: float):
    value = inelastic_channel(dmm(left, right), kelvin, amplitude=1e3).conductance(kelvin).value
    limit = inelastic_radiation_limit(left, right, kelvin).conductance(kelvin).value
    np.testing.assert_allclose(value, limit, rtol=1e-12, atol=0)


def test_above_the_receiving_cutoff_the_chance_is_that_of_the_channel_alone() -> None:
    """Textbook: τ = τ_el + min(A T^q ω^m, 1 - τ_el) from the softer side, beyond the top of Pb from diamond."""
    elastic = dmm(PB, DIAMOND)
    got = inelastic_channel(elastic, 300, amplitude=1e-14, temperature_power=0, frequency_power=1)
    share = elastic.coefficient("left")
    want = share + np.minimum(1e-14 * elastic.omega, 1 - share)
    open_ = elastic.omega < PB.edges[-1]
    np.testing.assert_allclose(got.coefficient("left")[open_], want[open_], rtol=1e-12, atol=0)
    stiff = inelastic_channel(
        dmm(PB, DIAMOND), 20, amplitude=1e-3
    )  # at 20 K the few modes of diamond are the bottleneck
    beyond = (elastic.omega > PB.edges[-1]) & (elastic.omega < DIAMOND.edges[0])
    np.testing.assert_allclose(stiff.coefficient("right")[beyond], 0.02, rtol=1e-12, atol=0)


def test_classical_channel_is_capped_by_the_classically_softer_side() -> None:
    """At 20 K quanta make diamond the bottleneck, classical statistics Pb."""
    got = inelastic_channel(dmm(PB, DIAMOND), 20, amplitude=1e6, statistics="classical")
    want = min(
        radiation_limit(PB, DIAMOND, side).conductance(20, statistics="classical").value.item()
        for side in ("left", "right")
    )
    np.testing.assert_allclose(got.conductance(20, statistics="classical").value, want, rtol=1e-12, atol=0)
    whole = inelastic_conductance(dmm(PB, DIAMOND), [20.0], amplitude=1e6, statistics="classical").value
    np.testing.assert_allclose(whole, want, rtol=1e-12, atol=0)


def test_small_amplitude_by_hand() -> None:
    """Second road: classical limit, uncapped: G_in = A T (k_B/2π) min ∫M dω, in closed form for Debye spectra."""
    kelvin, amplitude = 3e5, 1e-9
    elastic = dmm(PB, DIAMOND)
    added = (
        inelastic_channel(elastic, kelvin, amplitude=amplitude).conductance(kelvin, statistics="classical").value
        - elastic.conductance(kelvin, statistics="classical").value
    )
    areas = [np.sum(s.cutoffs**3 / s.speeds**2) / (12 * np.pi) for s in (PB, DIAMOND)]
    np.testing.assert_allclose(added, amplitude * kelvin * k_B / (2 * np.pi) * min(areas), rtol=1e-6, atol=0)


@given(left=solids(), right=solids(), kelvin=st.floats(20, 600), amplitude=st.floats(1e-5, 1e-2))
def test_conductance_is_the_derivative_of_the_power(left: Solid, right: Solid, kelvin: float, amplitude: float):
    """Over a step in T that is wide against the panels of the power's quadrature."""
    elastic = dmm(left, right)
    low, high = 0.7 * kelvin, 1.3 * kelvin
    difference = inelastic_power(elastic, high, amplitude=amplitude) - inelastic_power(
        elastic, low, amplitude=amplitude
    )
    at = np.linspace(low, high, 61)
    value = inelastic_conductance(elastic, at, amplitude=amplitude).value
    np.testing.assert_allclose(difference, np.trapezoid(value, at), rtol=1e-2, atol=0)  # G(T) has kinks


@given(left=solids(), right=solids(), amplitude=st.floats(0, 1e-1))
def test_power_flows_from_hot_to_cold_and_stays_below_that_of_all_modes(left: Solid, right: Solid, amplitude: float):
    elastic = dmm(left, right)
    hot, cold = (inelastic_power(elastic, kelvin, amplitude=amplitude) for kelvin in (310.0, 290.0))
    assert hot > cold > 0
    for side in ("left", "right"):
        black = radiation_limit(left, right, side)
        everything = Transmission(black.omega, black.total, weight=black.weight)
        assert hot <= equilibrium_power(everything, 310.0).item() * (1 + 2e-3)  # quadrature of a kinked G(T)


def test_no_amplitude_leaves_the_elastic_power() -> None:
    elastic = dmm(PB, DIAMOND)
    np.testing.assert_allclose(
        inelastic_power(elastic, 200, amplitude=0), equilibrium_power(elastic, 200).item(), rtol=1e-5, atol=0
    )


def test_lead_on_diamond_passes_the_elastic_limit() -> None:
    value = inelastic_conductance(dmm(PB, DIAMOND), [77, 300], amplitude=1e-4)
    np.testing.assert_array_equal(value.temperature, [77, 300])
    assert value.value[1] > elastic_limit(PB, DIAMOND).conductance(300).value.item()
    assert "capped inelastic" in value.method


def test_bad_input_is_refused() -> None:
    elastic = dmm(PB, DIAMOND)
    with pytest.raises(InputError, match="amplitude = -1"):
        inelastic_channel(elastic, 300, amplitude=-1)
    with pytest.raises(InputError, match="frequency_power = inf"):
        inelastic_channel(elastic, 300, amplitude=1, frequency_power=np.inf)
    with pytest.raises(InputError, match="inelastic already"):
        inelastic_channel(inelastic_channel(elastic, 300, amplitude=1), 300, amplitude=1)
    with pytest.raises(InputError, match="modes of both sides"):
        inelastic_channel(Transmission([1e12, 2e12], [1, 1]), 300, amplitude=1)
    with pytest.raises(InputError, match="above 0 K"):
        inelastic_channel(elastic, 0, amplitude=1)
