"""Chips in helium: all steady states, and the currents that a superconductor bears."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from kapitza.applications.cryogenic import (
    HeliumBath,
    Superconductor,
    front_balance,
    operating_points,
    runaway_currents,
    surface_temperature,
)
from kapitza.errors import InputError, ValidityWarning
from kapitza.matter.library import fluid, solid
from kapitza.theory.khalatnikov import khalatnikov

PLAIN = HeliumBath(temperature=2.0, coefficient=50.0)
BOILING = HeliumBath(temperature=4.2, coefficient=30.0, exponent=4.0, critical=8e3, recovery=2.5e3, film=600.0)
NIOBIUM = Superconductor(9.2, 10.0, 2.0, 1e-2)


@given(st.floats(0, 1e6), st.floats(1.0, 5.0))
def test_a_load_warms_the_surface_by_the_law(load, exponent):
    bath = evolve(PLAIN, exponent=exponent)
    want = (load / 50.0 + 2.0**exponent) ** (1 / exponent)
    if want < 1e4:
        np.testing.assert_allclose(surface_temperature(bath, load), want, rtol=1e-9, atol=0)


def test_small_loads_see_the_kapitza_resistance():
    rise = surface_temperature(PLAIN, 1e-3) - 2.0
    np.testing.assert_allclose(rise / 1e-3, PLAIN.kapitza_resistance(2.0), rtol=1e-4, atol=0)


@given(st.floats(0, 2e4), st.floats(0, 15), st.sampled_from(["sharing", "step"]), st.floats(1, 400), st.floats(5, 20))
@settings(max_examples=40)
def test_all_steady_states_are_found(load, current, heating, film, critical_temperature):
    """A second road: sign changes of the balance on a fine grid; stable and unstable ones alternate."""
    bath = evolve(BOILING, film=film)
    device = Superconductor(critical_temperature, 10.0, 2.0, 1e-2, heating)
    found = operating_points(bath, device, current, load=load)
    grid = np.concatenate([np.linspace(4.2, 60, 100_003), np.geomspace(60, 9e3, 20_000)])
    excess = bath.flux(grid) - device.heat(grid, current, 4.2) - load
    signs = np.concatenate([[-1.0], np.sign(excess[1:])])  # below the bath everything warms up
    crossings = int(np.sum(np.diff(signs[signs != 0]) != 0))
    below = [one for one in found if one.temperature < 9e3]
    assert len(below) >= crossings  # two states may fall between two points of the grid
    assert (len(below) - crossings) % 2 == 0
    assert [one.stable for one in found] == [i % 2 == 0 for i in range(len(found))]
    for one in found:
        sides = [
            float(bath.flux(t) - device.heat(t, current, 4.2) - load)
            for t in (max(one.temperature * (1 - 1e-9), 4.2), one.temperature * (1 + 1e-9))
        ]
        assert min(sides) <= 1e-3 * (1 + load)
        assert max(sides) >= -1e-3 * (1 + load)


def test_boiling_has_three_states_between_recovery_and_burnout():
    regimes = [[one.regime for one in operating_points(BOILING, load=q)] for q in (1e3, 4e3, 9e3)]
    assert regimes == [["Kapitza"], ["Kapitza", "transition", "film"], ["film"]]
    np.testing.assert_allclose(BOILING.flux([BOILING.burnout, BOILING.collapse]), [8e3, 2.5e3], rtol=1e-9, atol=0)


@pytest.mark.parametrize("alpha", [1.5, 4.0])
@pytest.mark.parametrize("heating", ["sharing", "step"])
def test_equal_areas_are_the_published_formulas(alpha, heating):
    """With linear cooling αi² = 2 - i where current is shared (Maddock et al.), αi² = 2(1 - i) where it is not."""
    bath = HeliumBath(temperature=4.2, coefficient=1000.0, exponent=1.0)
    device = Superconductor(9.2, 10.0, alpha * 1000 * 1e-2 * 5.0 / 10.0**2, 1e-2, heating)
    got = runaway_currents(bath, device)
    i = got.propagating / 10
    want = (np.sqrt(1 + 8 * alpha) - 1) / (2 * alpha) if heating == "sharing" else (np.sqrt(1 + 2 * alpha) - 1) / alpha
    np.testing.assert_allclose(i, want, rtol=1e-9, atol=0)
    np.testing.assert_allclose(alpha * (got.holding / 10) ** 2, 1 if heating == "sharing" else 1 - got.holding / 10,
                               rtol=1e-6, atol=0)  # fmt: skip
    assert got.holding < got.propagating < got.critical <= got.quench * (1 + 1e-6)
    weak = evolve(device, resistance=device.resistance / alpha / 2)
    assert (runaway_currents(bath, weak).stable, got.stable) == (heating == "sharing", False)


def test_a_front_advances_above_the_propagating_current_and_retreats_below():
    """A second road: the equation of heat along the conductor, stepped in time."""
    found = runaway_currents(BOILING, NIOBIUM)
    for factor, sign in ((0.97, -1), (1.03, 1)):
        current = factor * found.propagating
        cold, _, hot = (one.temperature for one in operating_points(BOILING, NIOBIUM, current))
        assert np.sign(front_balance(BOILING, NIOBIUM, current)) == -sign
        x = np.arange(400)
        kelvin = np.where(x < 200, hot, cold).astype(float)
        before = kelvin.sum()
        for step in range(2500):
            bend = np.zeros_like(kelvin)
            bend[1:-1] = kelvin[2:] - 2 * kelvin[1:-1] + kelvin[:-2]
            heat = NIOBIUM.heat(kelvin, current, 4.2) - BOILING.flux(kelvin)
            kelvin += 0.4 * bend + 1e-6 * heat
            if step == 1000:  # the front has its shape
                before = kelvin.sum()
        assert np.sign(kelvin.sum() - before) == sign


def test_a_bath_without_liquid_is_told():
    with pytest.warns(ValidityWarning, match="helium is not a liquid above 5.2 K"):
        operating_points(evolve(PLAIN, temperature=6.0))


def test_predicted_helium_follows_the_cube(published):
    entry = published("devices", "helium_exponent")
    both = khalatnikov(fluid("He-4 liquid"), solid("Cu")).total.conductance([1.4, 2.0]).value
    exponent = np.log(both[1] / both[0]) / np.log(2.0 / 1.4)
    np.testing.assert_allclose(exponent, entry["value"], rtol=entry["tolerance"], atol=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: evolve(PLAIN, temperature=0.0),
        lambda: evolve(PLAIN, exponent=0.5),
        lambda: evolve(PLAIN, critical=1e4),
        lambda: evolve(BOILING, recovery=9e3),
        lambda: evolve(BOILING, film=1e5),
        lambda: operating_points(PLAIN, load=-1.0),
        lambda: operating_points(PLAIN, evolve(NIOBIUM, critical_temperature=1.5), 1.0),
        lambda: surface_temperature(BOILING, 1e9),
        lambda: runaway_currents(BOILING, NIOBIUM, load=7.9e6),
        lambda: front_balance(BOILING, NIOBIUM, 0.1),
        lambda: evolve(NIOBIUM, heating="all"),
        lambda: evolve(NIOBIUM, resistance=np.nan),
    ],
)
def test_wrong_input_is_refused(make):
    with pytest.raises(InputError):
        make()
