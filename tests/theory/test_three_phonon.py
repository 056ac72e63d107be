"""Exchange of two phonons against one: balance, conservation, Onsager, direction, bounds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.arrays import Array
from kapitza.core.occupation import bose_einstein, reduced_energy
from kapitza.core.phonons import Phonons
from kapitza.core.quadrature import frequency_grid
from kapitza.core.transmission import Transmission
from kapitza.errors import InputError
from kapitza.matter.isotropic import Solid
from kapitza.matter.library import material
from kapitza.matter.phonons import phonon_spectrum
from kapitza.theory.dmm import dmm
from kapitza.theory.inelastic import cubic_strength, pair_edges, pair_exchange, three_phonon, three_phonon_conductance
from kapitza.theory.limits import elastic_limit, inelastic_radiation_limit
from kapitza.theory.models import find_model
from kapitza.units import hbar, k_B

Published = Callable[[str, str], dict[str, Any]]
PB = Solid("Pb", 11340, 2230, 872, 3.30e28)
DIAMOND = Solid("diamond", 3515, 18113, 12319, 17.63e28)
kelvins = st.floats(5, 1500)
strengths = st.floats(0.01, 1.0)


def net_events(omega: Array, *, pairs: float, singles: float) -> Array:
    """(nω,) n²(1 + n') - (1 + n)²n' for pairs ω at one temperature and single phonons 2ω at another (K)."""
    n, doubled = bose_einstein(omega, pairs)[0], bose_einstein(2 * omega, singles)[0]
    surplus = reduced_energy(2 * omega, singles)[0] - reduced_energy(2 * omega, pairs)[0]
    forward = n**2 * (1 + doubled)
    backward = (1 + n) ** 2 * doubled
    # the form of the smaller exponent, which neither overflows nor loses the sign near equilibrium
    return np.where(surplus > 0, -forward * np.expm1(-np.abs(surplus)), backward * np.expm1(-np.abs(surplus)))


def pair_exchange_flux(left: Phonons, right: Phonons, *, hot: float, cold: float, strength: float = 1.0) -> float:
    """Heat flux by the exchange between sides at `hot` (left) and `cold` (right), K, with K(ω) at their mean, W m⁻²."""
    grid = frequency_grid(pair_edges(left, right))
    omega = grid.omega
    rates = pair_exchange(left, right, (hot + cold) / 2, omega, strength=strength)
    from_left = net_events(omega, pairs=hot, singles=cold)
    from_right = net_events(omega, pairs=cold, singles=hot)
    per_event = 2 * hbar * omega * grid.weight / (2 * np.pi)
    return float(per_event @ (rates.left_pairs * from_left - rates.right_pairs * from_right))


@st.composite
def solids(draw: st.DrawFn) -> Solid:
    transverse = draw(st.floats(500, 12_000))
    ratio = draw(st.floats(1.2, 3.0))
    return Solid("any", 3000, min(ratio * transverse, 4e4), transverse, draw(st.floats(1e28, 2e29)))


def seen_from(transmission: Transmission, spectrum: Array, kelvin: float) -> float:
    part = Transmission(transmission.omega, spectrum, weight=transmission.weight, elastic=False)
    return part.conductance(kelvin).value.item()


@given(left=solids(), right=solids(), kelvin=kelvins, s=strengths)
def test_as_much_crosses_in_either_direction(left: Solid, right: Solid, kelvin: float, s: float):
    there, back = (three_phonon(*pair, kelvin, strength=s) for pair in ((left, right), (right, left)))
    np.testing.assert_allclose(there.total, back.total, rtol=1e-12, atol=0)


@given(left=solids(), right=solids(), kelvin=kelvins, s=strengths)
def test_what_one_side_gives_the_other_receives(left: Solid, right: Solid, kelvin: float, s: float):
    """Onsager: the conductance seen from the pairs and from the single phonons is the same."""
    whole = three_phonon(left, right, kelvin, strength=s)
    seen = pair_exchange(left, right, kelvin, whole.omega, strength=s)
    one, other = (seen_from(whole, spectrum, kelvin) for spectrum in (seen.left, seen.right))
    np.testing.assert_allclose(one, other, rtol=2e-6, atol=0)
    elastic = dmm(left, right).conductance(kelvin).value.item()
    np.testing.assert_allclose(whole.conductance(kelvin).value.item() - elastic, one, rtol=1e-5, atol=1e-7 * elastic)


@given(left=solids(), right=solids(), kelvin=kelvins, s=strengths)
def test_no_mode_gives_more_than_it_has(left: Solid, right: Solid, kelvin: float, s: float):
    whole = three_phonon(left, right, kelvin, strength=s)
    seen = pair_exchange(left, right, kelvin, whole.omega, strength=s)
    crossing = dmm(left, right, whole.omega).total
    for spectrum, modes in ((seen.left, whole.left), (seen.right, whole.right)):
        assert modes is not None
        assert (spectrum >= 0).all()
        assert (crossing + spectrum <= modes * (1 + 1e-12)).all()
    limit = inelastic_radiation_limit(left, right, kelvin).conductance(kelvin).value.item()
    assert whole.conductance(kelvin).value.item() <= limit * (1 + 1e-6)


@given(omega=st.floats(1e10, 3e14), kelvin=st.floats(0.5, 2000))
def test_no_event_at_any_frequency_in_equilibrium(omega: float, kelvin: float):
    """Detailed balance, written out: n²(1 + n') = (1 + n)²n', hence n² = n'(1 + 2n)."""
    assert net_events(np.array([omega]), pairs=kelvin, singles=kelvin) == 0
    n, doubled = bose_einstein(omega, kelvin).item(), bose_einstein(2 * omega, kelvin).item()
    if 2 * hbar * omega / (k_B * kelvin) < 600:
        np.testing.assert_allclose(n**2, doubled * (1 + 2 * n), rtol=1e-9, atol=0)


@given(omega=st.floats(1e11, 1e14), pairs=st.floats(50, 500), singles=st.floats(50, 500))
def test_net_events_are_the_difference_of_both_directions(omega: float, pairs: float, singles: float):
    n, m = bose_einstein(omega, pairs).item(), bose_einstein(2 * omega, singles).item()
    forward, backward = n**2 * (1 + m), (1 + n) ** 2 * m
    got = net_events(np.array([omega]), pairs=pairs, singles=singles).item()
    np.testing.assert_allclose(got, forward - backward, rtol=1e-9, atol=1e-12 * max(forward, backward))
    assert np.sign(got) == np.sign(pairs - singles)


@given(left=solids(), right=solids(), one=st.floats(10, 800), other=st.floats(10, 800), s=strengths)
def test_heat_flows_from_hot_to_cold(left: Solid, right: Solid, one: float, other: float, s: float):
    there = pair_exchange_flux(left, right, hot=one, cold=other, strength=s)
    back = pair_exchange_flux(right, left, hot=other, cold=one, strength=s)
    assert there * (one - other) >= 0
    np.testing.assert_allclose(there, -back, rtol=1e-12, atol=0)
    assert pair_exchange_flux(left, right, hot=one, cold=one, strength=s) == 0


@given(left=solids(), right=solids(), kelvin=st.floats(30, 1000), s=strengths)
def test_linear_response_of_the_flux(left: Solid, right: Solid, kelvin: float, s: float):
    """Second road: finite differences of the full expression."""
    whole = three_phonon(left, right, kelvin, strength=s)
    seen = pair_exchange(left, right, kelvin, whole.omega, strength=s)
    step = 1e-3 * kelvin
    forth = pair_exchange_flux(left, right, hot=kelvin + step / 2, cold=kelvin - step / 2, strength=s)
    back = pair_exchange_flux(left, right, hot=kelvin - step / 2, cold=kelvin + step / 2, strength=s)
    flux = (forth - back) / 2  # unequal sides rectify in second order
    np.testing.assert_allclose(flux / step, seen_from(whole, seen.left, kelvin), rtol=1e-4, atol=0)


@given(left=solids(), right=solids(), kelvin=st.floats(30, 1000), s=strengths)
def test_fluctuation_dissipation(left: Solid, right: Solid, kelvin: float, s: float):
    """Third road: G = Σ (2ħω)² × equilibrium rate of events / k_B T²."""
    whole = three_phonon(left, right, kelvin, strength=s)
    assert whole.weight is not None
    seen = pair_exchange(left, right, kelvin, whole.omega, strength=s)
    n, doubled = (bose_einstein(scale * whole.omega, kelvin)[0] for scale in (1, 2))
    quantum = 2 * hbar * whole.omega
    rate = (seen.left_pairs + seen.right_pairs) * n**2 * (1 + doubled)
    want = quantum**2 * rate @ whole.weight / (2 * np.pi * k_B * kelvin**2)
    np.testing.assert_allclose(seen_from(whole, (seen.left + seen.right) / 2, kelvin), want, rtol=2e-6, atol=0)


def weak(kelvin: float, power: float = 2.0) -> float:
    whole = three_phonon(PB, DIAMOND, kelvin)
    seen = pair_exchange(PB, DIAMOND, kelvin, whole.omega, strength=1e-7, frequency_power=power)
    return seen_from(whole, seen.left, kelvin)


def test_grows_linearly_in_temperature_while_weak() -> None:
    np.testing.assert_allclose(weak(6000) / weak(3000), 2, rtol=0.01, atol=0)


@pytest.mark.parametrize("power", [0, 1, 2])
def test_dies_at_low_temperature(power: float) -> None:
    np.testing.assert_allclose(weak(0.2, power) / weak(0.1, power), 2 ** (3 + power), rtol=1e-3, atol=0)


def test_lead_on_diamond_reaches_what_is_measured(published: Published) -> None:
    """Measured: beyond what elastic scattering can pass.  A strength below 1 is enough; elastic scattering is not."""
    measured = published("diffuse", "pb_diamond_stoner")["value"]
    got = three_phonon_conductance(PB, DIAMOND, [100, 300], strength=1.0).value
    assert elastic_limit(PB, DIAMOND).conductance(300).value.item() < measured < got[1]
    assert three_phonon(PB, DIAMOND, 300, strength=0.01).conductance(300).value.item() < measured


def test_full_strength_is_meant_where_none_is_given() -> None:
    """s = 1, the most that the model knows, as the register says in the title of "three-phonon"."""
    kelvin = 300.0
    whole = three_phonon(PB, DIAMOND, kelvin)
    assert "(s = 1)" in whole.method
    np.testing.assert_array_equal(whole.total, three_phonon(PB, DIAMOND, kelvin, strength=1.0).total)
    exchange = pair_exchange(PB, DIAMOND, kelvin, whole.omega)
    np.testing.assert_array_equal(exchange.left, pair_exchange(PB, DIAMOND, kelvin, whole.omega, strength=1.0).left)
    assert three_phonon(PB, DIAMOND, kelvin, strength=0.9).conductance(kelvin).value < whole.conductance(kelvin).value
    made = three_phonon_conductance(PB, DIAMOND, [kelvin]).value
    np.testing.assert_array_equal(made, whole.conductance(kelvin).value)
    flux = pair_exchange_flux(PB, DIAMOND, hot=310.0, cold=290.0)
    assert flux == pair_exchange_flux(PB, DIAMOND, hot=310.0, cold=290.0, strength=1.0)
    assert "s = 1" in find_model("three-phonon").title


def test_zero_strength_is_the_elastic_theory() -> None:
    got = three_phonon(PB, DIAMOND, 300, strength=0)
    np.testing.assert_allclose(got.total, dmm(PB, DIAMOND, got.omega).total, rtol=1e-14, atol=0)


def test_edges_hold_halves_and_doubles() -> None:
    edges = pair_edges(PB, DIAMOND)
    assert edges[-1] == DIAMOND.edges[-1]
    for wanted in (PB.edges[0], PB.edges[0] / 2, 2 * PB.edges[0], DIAMOND.edges[0] / 2):
        assert np.abs(edges / wanted - 1).min() < 1e-12


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match=r"strength = 1\.5, expected 0"):
        three_phonon(PB, DIAMOND, 300, strength=1.5)
    with pytest.raises(InputError, match="frequency_power = -1"):
        three_phonon(PB, DIAMOND, 300, frequency_power=-1)
    with pytest.raises(InputError, match="above 0 K"):
        three_phonon(PB, DIAMOND, -1)
    with pytest.raises(InputError, match="infinite at ω = 0"):
        three_phonon(PB, DIAMOND, 300, [0, 1e12])


def test_cubic_strength_is_that_of_the_golden_rule():
    """One bond, H = V2 u u' and V3 u² u'/2, and a narrow band: events of pairs over those of single phonons."""
    lead = material("Pb")
    mass, distance = lead.density.value / lead.atoms.value, 2 ** (1 / 6) / np.cbrt(lead.atoms.value)
    centre, width = 8e12, 8e10
    omega = np.linspace(0.9, 1.1, 2001) * centre
    states = np.exp(-(((omega - centre) / width) ** 2) / 2)
    states /= np.trapezoid(states, omega)
    response = np.pi / (2 * mass * omega) * states  # Im χ of the bond on this side; the other side is flat
    inner = np.convolve(response, response) * (omega[1] - omega[0]) / (2 * np.pi)
    ratio = 6 * (lead.gruneisen or 0.0) / distance  # V3/V2
    pairs = 4 * hbar * ratio**2 * inner.sum() * (omega[1] - omega[0]) / (2 * np.pi)
    singles = 4 * np.trapezoid(response, omega) / (2 * np.pi)

    class Band:
        name, edges = "band", np.array([0.9, 0.95, 0.98, 1.0, 1.02, 1.05, 1.1]) * centre

        def modes(self, omega: Array) -> Array:
            return np.zeros_like(omega)

        def density_of_states(self, at: Array) -> Array:
            return np.interp(at, omega, states)

    got = cubic_strength(Band(), lead)
    assert abs(got * singles / pairs - 1) <= 1e-3
    assert 0.005 <= got <= 0.05


def test_strength_needs_thermal_expansion():
    with pytest.raises(InputError, match="diamond: thermal expansion"):
        cubic_strength(phonon_spectrum("diamond"), material("diamond"))
