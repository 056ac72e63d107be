"""Exchangers: series, effectiveness along the wall, and the Kapitza length of water."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_bvp

from kapitza.applications.exchanger import (
    NUSSELT_NUMBERS,
    HeatExchanger,
    Stream,
    crossover_diameter,
    effectiveness,
    heat_exchange,
)
from kapitza.core.conductance import Conductance
from kapitza.errors import InputError, ValidityWarning
from kapitza.units import MW, mm, nm, um

WATER = Stream(
    inlet=350.0, flow=1e-13, conductivity=0.6, heat_capacity=4.18e6, viscosity=8.9e-4, density=997.0,
    diameter=200 * nm, section=100 * nm * 100 * um,
)  # fmt: skip
PAIR = HeatExchanger(
    hot=WATER,
    cold=evolve(WATER, inlet=300.0, flow=2e-13),
    wall=20 * nm,
    wall_conductivity=1.4,
    area=1e-7,
    length=1 * mm,
    hot_boundary=55 * MW,
    cold_boundary=150 * MW,
)


def test_resistances_add():
    got = heat_exchange(PAIR)
    want = 2 / (7.54 * 0.6 / 200e-9) + 1 / 55e6 + 20e-9 / 1.4 + 1 / 150e6
    np.testing.assert_allclose(1 / got.coefficient, want, rtol=1e-12, atol=0)
    np.testing.assert_allclose(got.boundary_share, (1 / 55e6 + 1 / 150e6) / want, rtol=1e-12, atol=0)


@pytest.mark.parametrize("arrangement", ["counter", "parallel"])
@pytest.mark.parametrize("flow", [2e-13, 1e-13])
def test_effectiveness_follows_from_the_temperatures_along_the_wall(arrangement, flow):
    """A second road: both streams as differential equations along the wall."""
    pair = evolve(PAIR, arrangement=arrangement, cold=evolve(PAIR.cold, flow=flow), area=2e-14)
    got = heat_exchange(pair)
    per = got.coefficient * pair.area
    sign = 1 if arrangement == "parallel" else -1

    def slope(_, y):
        passed = per * (y[0] - y[1])
        return np.stack([-passed / pair.hot.capacity, sign * passed / pair.cold.capacity])

    def ends(here, there):
        return np.array([here[0] - 350, (here if sign > 0 else there)[1] - 300])

    x = np.linspace(0, 1, 50)
    solved = solve_bvp(slope, ends, x, np.stack([350 - 5 * x, 300 + 5 * x]), tol=1e-10, max_nodes=20000)
    np.testing.assert_allclose(got.hot_out, solved.y[0, -1], rtol=1e-9, atol=0)
    np.testing.assert_allclose(got.cold_out, solved.y[1, -1 if sign > 0 else 0], rtol=1e-9, atol=0)


@given(st.floats(1e-3, 50), st.floats(0, 1))
def test_counter_flow_is_never_worse_and_energy_bounds_both(units, ratio):
    counter, parallel = (effectiveness(units, ratio, one) for one in ("counter", "parallel"))
    assert parallel <= counter * (1 + 1e-9)
    assert counter <= 1 + 1e-12
    assert parallel <= 1 / (1 + ratio) + 1e-12


def test_balanced_streams_are_the_limit():
    np.testing.assert_allclose(effectiveness(3.0, 1.0), effectiveness(3.0, 1 - 1e-7), rtol=1e-6, atol=0)


@given(st.floats(1e7, 1e9), st.floats(3, 9))
def test_a_jump_at_the_wall_adds_its_length_to_the_diameter(conductance, nusselt):
    """1/Nu' = 1/Nu + l_K/D, the rule for flow with a temperature jump; both are equal at the crossover."""
    at = crossover_diameter(0.6, conductance, nusselt)
    stream = evolve(WATER, diameter=at, nusselt=nusselt)
    both = 1 / stream.coefficient + 1 / conductance
    reduced = 1 / (1 / nusselt + 0.6 / conductance / at)
    np.testing.assert_allclose(1 / both, reduced * 0.6 / at, rtol=1e-12, atol=0)
    np.testing.assert_allclose(1 / stream.coefficient, 1 / conductance, rtol=1e-12, atol=0)


def test_kapitza_length_of_water(published):
    for name in ("water_hydrophobic", "water_hydrophilic"):
        entry = published("devices", name)
        lengths = [crossover_diameter(0.6, g, 1.0) / nm for g in (entry["conductance_high"], entry["conductance_low"])]
        np.testing.assert_allclose(lengths, [entry["low"], entry["high"]], rtol=entry["tolerance"], atol=0)


def test_warnings_where_the_range_is_left():
    for change, match in (
        ({"flow": 1e-4}, "turbulent"),
        ({"flow": 1e-16}, "spreads"),
        ({"diameter": 2 * nm}, "continuum"),
    ):
        with pytest.warns(ValidityWarning, match=match):
            heat_exchange(evolve(PAIR, hot=evolve(WATER, **change)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: evolve(PAIR, cold=evolve(WATER, inlet=360.0)),
        lambda: evolve(PAIR, wall=0.0),
        lambda: evolve(PAIR, hot_boundary=-1.0),
        lambda: evolve(PAIR, cold_boundary=Conductance([300], [1e8], drop="local")),
        lambda: evolve(PAIR, arrangement="cross"),
        lambda: evolve(WATER, diameter=0.0),
        lambda: evolve(WATER, inlet=np.nan),
    ],
)
def test_wrong_input_is_refused(make):
    with pytest.raises(InputError):
        make()


def test_nusselt_numbers_are_those_of_laminar_channels():
    """Even flux: 48/11 and 140/17 exactly; an even wall: the lowest eigenvalues of Graetz, 2.70436 and 1.68160.

    R. K. Shah, A. L. London, Laminar Flow Forced Convection in Ducts (Academic Press, 1978)
    """
    even_flux = {"circular, even flux": 48 / 11, "slit, even flux": 140 / 17}
    want = even_flux | {"circular": 2.70436**2 / 2, "slit": 8 / 3 * 1.68160**2}
    assert sorted(NUSSELT_NUMBERS) == sorted(want)
    for name, number in want.items():
        assert abs(NUSSELT_NUMBERS[name] - number) <= 0.006, name
