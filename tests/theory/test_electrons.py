import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_banded

from kapitza.core.conductance import Conductance
from kapitza.errors import InputError
from kapitza.matter.electrons import Electrons, metal
from kapitza.theory.electrons import electron_phonon
from kapitza.units import MW, nm, um

metals = st.builds(Electrons, st.just("any"), st.floats(1, 500), st.floats(0.5, 50), st.floats(1e15, 1e18))
lattices = st.floats(1e6, 2e9)


GOLD = metal("Au")


def boundary(value, sigma=None):
    return Conductance([300.0], [value], sigma, "extrapolated", method="lattice")


def two_temperatures(one, h_pp, h_ei, depth, heating, cells=4000):
    """Resistance from a finite volume solution of the two-temperature equations, by a banded solver."""
    dx = depth / cells
    matrix, source = np.zeros((5, 2 * cells)), np.zeros(2 * cells)  # unknowns T_e, T_p of each cell in turn

    def add(row, column, value):
        matrix[2 + row - column, column] += value

    for offset, k, h in ((0, one.conductivity, h_ei), (1, one.lattice, h_pp)):
        for i in range(cells - 1):
            a, b = 2 * i + offset, 2 * i + 2 + offset
            for row, sign in ((a, 1), (b, -1)):
                add(row, a, sign * k / dx)
                add(row, b, -sign * k / dx)
        if h > 0:
            add(offset, offset, 1 / (1 / h + dx / (2 * k)))
        source[2 * cells - 2 + offset] += k / one.total if heating == "both" else 0.0
    for i in range(cells):
        for row, other in ((2 * i, 2 * i + 1), (2 * i + 1, 2 * i)):
            add(row, row, one.coupling * dx)
            add(row, other, -one.coupling * dx)
        source[2 * i] += dx / depth if heating == "electrons" else 0.0
    t = solve_banded((2, 2), matrix, source)
    mean = (one.conductivity * t[0] + one.lattice * t[1]) / one.total
    return mean - dx / 2 / one.total  # the mean temperature has the slope 1/(k_e + k_p) at the plane


@pytest.mark.parametrize("heating", ["both", "electrons"])
@pytest.mark.parametrize(("h_pp", "h_ei"), [(1e8, 0.0), (1e8, 3e7), (2e9, 5e8), (0.0, 1e8)])
@pytest.mark.parametrize("depth", [20 * nm, 200 * nm])
def test_network_equals_the_two_temperature_equations(heating, h_pp, h_ei, depth):
    one = Electrons("Au-like", 100.0, 2.6, 2.6e16)
    got = electron_phonon(boundary(h_pp), one, depth, h_ei, heating).resistance
    np.testing.assert_allclose(got, two_temperatures(one, h_pp, h_ei, depth, heating), rtol=1e-5, atol=0)


@given(one=metals, h_pp=lattices)
@settings(max_examples=60, deadline=None)
def test_without_a_direct_channel_resistances_add(one, h_pp):
    got = electron_phonon(boundary(h_pp), one).resistance
    np.testing.assert_allclose(got, 1 / h_pp + one.resistance, rtol=1e-11, atol=0)
    film = electron_phonon(boundary(h_pp), one, 50 * nm).resistance
    want = 1 / h_pp + one.resistance / np.tanh(50 * nm / one.length)
    np.testing.assert_allclose(film, want, rtol=1e-11, atol=0)


@given(one=metals, h_pp=lattices, h_ei=st.floats(0, 1e9))
@settings(max_examples=60, deadline=None)
def test_bounds_and_order_of_the_channels(one, h_pp, h_ei):
    """More direct channel, more conductance; never more than both channels in parallel."""
    value = electron_phonon(boundary(h_pp), one, interface_channel=h_ei).value[0]
    more = electron_phonon(boundary(h_pp), one, interface_channel=1.1 * h_ei + 1e5).value[0]
    assert value < more
    assert value <= (h_pp + h_ei) * (1 + 1e-12)


@given(one=metals, h_pp=lattices, h_ei=st.floats(0, 1e9))
@settings(max_examples=40, deadline=None)
def test_strong_coupling_leaves_both_channels_in_parallel(one, h_pp, h_ei):
    strong = Electrons("strong", one.conductivity, one.lattice, 1e32)
    got = electron_phonon(boundary(h_pp), strong, 100 * nm, h_ei).value
    np.testing.assert_allclose(got, h_pp + h_ei, rtol=1e-4, atol=0)


def test_thick_films_are_half_spaces():
    thick = [electron_phonon(boundary(2e8), GOLD, 20 * um, 1e7, heating).value for heating in ("both", "electrons")]
    want = electron_phonon(boundary(2e8), GOLD, None, 1e7).value
    np.testing.assert_allclose(thick[0], want, rtol=1e-12, atol=0)
    np.testing.assert_allclose(thick[1], want, rtol=1e-3, atol=0)


def test_a_perfect_lattice_boundary_leaves_the_electrons():
    got = electron_phonon(boundary(np.inf), metal("Al")).resistance
    np.testing.assert_allclose(got, metal("Al").resistance, rtol=1e-12, atol=0)


def test_uncertainty_follows_the_input():
    step = 1e-4
    given_ = boundary(200 * MW, [20 * MW])
    got = electron_phonon(given_, GOLD, 50 * nm, 3e7)
    up, down = (electron_phonon(boundary(200 * MW * s), GOLD, 50 * nm, 3e7).value for s in (1 + step, 1 - step))
    np.testing.assert_allclose(got.sigma, (up - down) / (2 * step * 200 * MW) * 20 * MW, rtol=1e-6, atol=0)
    assert got.drop == given_.drop


def test_a_channel_of_each_temperature_is_that_of_each_alone():
    both = boundary(1e8)
    together = electron_phonon(both, metal("Al"), interface_channel=np.full(both.value.size, 2e7)).value
    np.testing.assert_allclose(
        together, electron_phonon(both, metal("Al"), interface_channel=2e7).value, rtol=1e-14, atol=0
    )


@pytest.mark.parametrize(
    "wrong", [{"thickness": -1.0}, {"interface_channel": -1.0}, {"interface_channel": [1.0, 2.0]}, {"heating": "laser"}]
)
def test_wrong_input_is_refused(wrong):
    with pytest.raises(InputError):
        electron_phonon(boundary(1e8), metal("Al"), **wrong)
