"""Thermoelectric legs: energy, limits, contacts, and the equation along the leg."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from kapitza.applications.thermoelectric import (
    LegProperty,
    ThermoelectricLeg,
    best_leg_length,
    best_leg_state,
    figure_of_merit,
    leg_state,
)
from kapitza.core.conductance import Conductance
from kapitza.errors import InputError
from kapitza.units import kW, mm, um

BARE = ThermoelectricLeg(length=1 * mm, area=1 * mm**2, seebeck=200e-6, resistivity=1e-5, conductivity=1.5)
CONTACTS = evolve(BARE, hot_resistivity=1e-9, cold_resistivity=2e-9, hot_conductance=20 * kW, cold_conductance=9 * kW)
VARYING = ThermoelectricLeg(
    length=1 * mm,
    area=1 * mm**2,
    seebeck=LegProperty([300, 500], [120e-6, 240e-6]),
    resistivity=LegProperty([300, 400, 500], [0.6e-5, 1.0e-5, 1.5e-5]),
    conductivity=LegProperty([300, 500], [2.0, 1.2]),
)
currents = st.floats(-6, 6)


def ideal_efficiency(merit, hot, cold):
    """A. F. Ioffe, Semiconductor Thermoelements and Thermoelectric Cooling, Infosearch, London, 1957."""
    root = np.sqrt(1 + merit)
    return (hot - cold) / hot * (root - 1) / (root + cold / hot)


def ideal_cop(merit, hot, cold):
    root = np.sqrt(1 + merit)
    return cold / (hot - cold) * (root - hot / cold) / (root + 1)


def test_a_bare_leg_is_the_textbook():
    power = best_leg_state(BARE, 500.0, 300.0)
    np.testing.assert_allclose(power.power, (200e-6 * 200) ** 2 / 4 / 10e-3, rtol=1e-9, atol=0)
    merit, effective = figure_of_merit(BARE, 500.0, 300.0)
    np.testing.assert_allclose([merit, effective], 200e-6**2 / 1.5e-5 * 400, rtol=1e-12, atol=0)
    best = best_leg_state(BARE, 500.0, 300.0, "efficiency")
    np.testing.assert_allclose(best.efficiency, ideal_efficiency(merit, 500.0, 300.0), rtol=1e-9, atol=0)
    cooler = best_leg_state(BARE, 310.0, 300.0, "cop")
    merit, _ = figure_of_merit(BARE, 310.0, 300.0)
    np.testing.assert_allclose(cooler.cop, ideal_cop(merit, 310.0, 300.0), rtol=1e-7, atol=0)
    uptake = best_leg_state(BARE, 310.0, 300.0, "cooling")
    want = (200e-6 * 300) ** 2 / 2 / 10e-3 - 1.5e-3 * 10
    np.testing.assert_allclose(uptake.cooling, want, rtol=1e-9, atol=0)


@given(currents)
def test_energy_is_kept_and_entropy_grows(current):
    for leg in (BARE, CONTACTS):
        state = leg_state(leg, 500.0, 300.0, current)
        scale = abs(state.heat_in) + abs(state.heat_out)
        np.testing.assert_allclose((state.heat_in - state.heat_out - state.power) / scale, 0, rtol=0, atol=1e-12)
        assert state.heat_out / 300 - state.heat_in / 500 > 0


@given(currents)
@settings(max_examples=15)
def test_the_profile_agrees_with_the_closed_form_for_constant_properties(current):
    """A second road: the differential equation along the leg, contacts as its boundary conditions."""
    got, want = (
        leg_state(CONTACTS, 500.0, 300.0, current, properties="local"),
        leg_state(CONTACTS, 500.0, 300.0, current),
    )
    for name in ("hot_junction", "cold_junction", "heat_in", "heat_out"):
        np.testing.assert_allclose(getattr(got, name), getattr(want, name), rtol=1e-6, atol=1e-8)


def test_best_efficiency_agrees_with_reduced_current():
    """A second road: du/dT = u²T S' + u³ρκ for the current per heat u, without a position (Snyder and Ursell)."""
    hot, cold, current = 500.0, 300.0, 1.6
    state = leg_state(VARYING, hot, cold, current, properties="local")
    s, rho, k = VARYING.seebeck, VARYING.resistivity, VARYING.conductivity

    def slope(t, u):
        return u**2 * t * s.slope(t) + u**3 * rho.at(t) * k.at(t)

    def efficiency(start):
        turning = solve_ivp(slope, (hot, 400.0), [start], rtol=1e-11, atol=0).y[0, -1]
        end = solve_ivp(slope, (400.0, cold), [turning], rtol=1e-11, atol=0).y[0, -1]
        potential = [s.at(t) * t + 1 / u for t, u in ((hot, start), (cold, end))]
        return 1 - potential[1] / potential[0]

    # u = J/κ∇T at the hot end, where κ∇T = q - STJ with the signs of this module
    density, flux = current / VARYING.area, state.heat_in / VARYING.area
    start = density / (flux - s.at(hot) * hot * density)
    np.testing.assert_allclose(state.efficiency, efficiency(start), rtol=1e-5, atol=0)


def test_the_sign_of_the_carriers_turns_the_current_only():
    negative = evolve(CONTACTS, seebeck=LegProperty([300.0], [-200e-6]))
    for goal in ("power", "efficiency"):
        one, other = (best_leg_state(leg, 500.0, 300.0, goal) for leg in (CONTACTS, negative))
        np.testing.assert_allclose([other.current, other.power], [-one.current, one.power], rtol=1e-6, atol=0)
    one, other = (
        best_leg_state(leg, 310.0, 300.0, "cop", properties="local") for leg in (BARE, evolve(BARE, seebeck=-200e-6))
    )
    np.testing.assert_allclose([other.current, other.cop], [-one.current, one.cop], rtol=1e-3, atol=0)


def test_an_open_leg_reads_its_thermopower():
    state = leg_state(VARYING, 500.0, 300.0, 0.0, properties="local")
    np.testing.assert_allclose(state.voltage, 180e-6 * 200, rtol=1e-9, atol=0)
    np.testing.assert_allclose(state.heat_in, 1.6 * 200 * 1e-3, rtol=1e-6, atol=0)


def test_thomson_heat_moves_the_best_current_but_averages_are_close():
    exact, averaged = best_leg_state(VARYING, 500.0, 300.0, properties="local"), best_leg_state(VARYING, 500.0, 300.0)
    np.testing.assert_allclose(exact.power, averaged.power, rtol=0.05, atol=0)
    assert abs(exact.power / averaged.power - 1) > 1e-4


@given(st.floats(1e-7, 1e-2), st.floats(1e-12, 1e-8), st.floats(1e4, 1e8))
def test_contacts_divide_the_figure_of_merit_as_the_formula_says(length, resistivity, conductance):
    """A second road: open voltage² T/(resistance × conductance of the whole), with contacts in series."""
    leg = evolve(
        BARE, length=length, hot_resistivity=resistivity, cold_resistivity=resistivity,
        hot_conductance=conductance, cold_conductance=conductance,
    )  # fmt: skip
    resistance = (1e-5 * length + 2 * resistivity) / leg.area
    whole = leg.area / (length / 1.5 + 2 / conductance)
    open_leg = leg_state(leg, 401.0, 399.0, 0.0)
    want = (open_leg.voltage / 2) ** 2 * 400 / (resistance * whole)
    np.testing.assert_allclose(figure_of_merit(leg, 401.0, 399.0)[1], want, rtol=1e-9, atol=0)


def test_the_best_length_of_a_poor_material():
    """A law: for ZT → 0, L = [w + √(w² + 8nw)]/2 with n = Σρ_c/ρ and w = κΣR."""
    poor = evolve(CONTACTS, seebeck=LegProperty([300.0], [1e-6]))
    n, w = 3e-9 / 1e-5, 1.5 * (1 / (20 * kW) + 1 / (9 * kW))
    got = best_leg_length(poor, 301.0, 300.0)
    np.testing.assert_allclose(got, (w + np.sqrt(w**2 + 8 * n * w)) / 2, rtol=1e-3, atol=0)
    with pytest.raises(InputError, match="shorter"):
        best_leg_length(BARE, 500.0, 300.0)


def test_contacts_that_may_not_be_passed(published):
    """Efficiency lost to contacts of a given share of the whole resistance, for a material of ZT = 1."""
    material = evolve(BARE, seebeck=LegProperty([300.0], [np.sqrt(1.5e-5 / 500)]))
    for name, change in (("leg_electrical_share", "electrical"), ("leg_thermal_share", "thermal")):
        entry = published("devices", name)
        share, lost = entry["share"], entry["value"]
        resistance = share / (1 - share) * 1e-5 * BARE.length / 2
        conductance = 2 * 1.5 / BARE.length * (1 - share) / share
        leg = (
            evolve(material, hot_resistivity=resistance, cold_resistivity=resistance)
            if change == "electrical"
            else evolve(material, hot_conductance=conductance, cold_conductance=conductance)
        )
        with_contacts, bare = (best_leg_state(one, 700.0, 300.0, "efficiency").efficiency for one in (leg, material))
        np.testing.assert_allclose(1 - with_contacts / bare, lost, rtol=entry["tolerance"], atol=0)


def test_a_conductance_of_temperature_is_taken_at_its_reservoir():
    table = Conductance([300, 500], [1e4, 3e4])
    leg = evolve(BARE, hot_conductance=table, cold_conductance=table)
    np.testing.assert_allclose(leg.thermal(500.0, 300.0), [1 / 3e4, 1e-4], rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: evolve(BARE, length=0.0),
        lambda: evolve(BARE, resistivity=-1e-5),
        lambda: evolve(BARE, hot_resistivity=-1.0),
        lambda: evolve(BARE, hot_conductance=0.0),
        lambda: evolve(BARE, hot_conductance=Conductance([300], [1e8], drop="local")),
        lambda: LegProperty([300, 200], [1, 2]),
        lambda: leg_state(BARE, 300.0, 500.0, 0.0),
        lambda: leg_state(BARE, 300.0, -5.0, 0.0),
        lambda: best_leg_state(evolve(BARE, seebeck=LegProperty([300.0], [0.0])), 500.0, 300.0),
        lambda: best_leg_state(BARE, 900.0, 300.0, "cop"),
        lambda: best_leg_state(BARE, 900.0, 300.0, "heat"),
        lambda: evolve(BARE, area=1 * um * np.nan),
    ],
)
def test_wrong_input_is_refused(make):
    with pytest.raises(InputError):
        make()
