"""Metals with two temperatures: their limits, matrix exponentials of their equations, refusals."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.device.layered.admittance import admittance, impedance
from kapitza.device.setup import Plane, Setup
from kapitza.errors import InputError
from kapitza.units import MW, nm

gold = Layer(
    "Au", 100 * nm, 3.0, heat_capacity=2.4e6, electron_conductivity=300.0, electron_heat_capacity=2e4, coupling=2.4e16
)
one = Layer("Au", 100 * nm, 303.0, heat_capacity=2.42e6)
silicon = Layer("Si", np.inf, 140.0, heat_capacity=1.6e6)
s = 2j * np.pi * np.array([1e3, 1e6, 1e9, 1e11])
k = np.array([1e2, 1e5, 1e7])


def close(got, want, rtol):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=0)


@pytest.mark.parametrize("boundary", [Boundary(1e8), Boundary(1e9, electron_conductance=1e8), Boundary(np.inf)])
@pytest.mark.parametrize("sensed", ["lattice", "electrons"])
def test_strong_coupling_makes_one_temperature(boundary, sensed):
    strong = evolve(gold, coupling=1e27)
    got = impedance(Stack([strong, silicon], [boundary]), s[:3], k, setup=Setup(sensed=sensed))
    total = boundary.conductance + boundary.electron_conductance
    close(got, impedance(Stack([one, silicon], [total]), s[:3], k), 2e-4)


@given(st.floats(15, 19), st.floats(-1, 2))
def test_resistance_in_series_of_a_thick_metal(logarithm, ratio):
    r"""Steady heat, electrons stopped at the boundary: $(k_e/(k_e+k_p))^{3/2}/\sqrt{g k_p}$ on top of 1/G."""
    g, kp = 10**logarithm, 3.0
    ke = kp * 10**ratio
    length = 1 / np.sqrt(g * (1 / ke + 1 / kp))
    metal = evolve(gold, thickness=60 * length, electron_conductivity=ke, coupling=g)
    stack = Stack([metal, Layer("x", 1e-7, 10.0, heat_capacity=1e6)], [50 * MW])
    rise = 1 / admittance(stack, 0.0, 1e-4 / (60 * length), back="isothermal")[0, 0].real
    # read on the lattice of the top, where the same length of coupling acts once more, now on heat into electrons
    bulk = 60 * length / (ke + kp) + 1 / 50e6 + 1e-8
    extra = (ke / (ke + kp)) ** 1.5 / np.sqrt(g * kp)
    top = -(length / (ke + kp))  # lattice below the mean extrapolated to the top: heat enters the electrons
    close(rise, bulk + extra + top, 1e-5)


def transfer(layer: Layer, laplace: complex, q: float) -> np.ndarray:
    """(θe, θp, qe, qp) at the bottom of a metal from those at its top."""
    ke, kp, g = layer.electron_conductivity, layer.conductivity, layer.coupling
    b = np.array(
        [
            [ke * q**2 + laplace * layer.electron_heat_capacity + g, -g],
            [-g, kp * q**2 + laplace * layer.heat_capacity + g],
        ]
    )
    zero = np.zeros((2, 2))
    return expm(-layer.thickness * np.block([[zero, np.diag([1 / ke, 1 / kp])], [b, zero]]))


@given(st.floats(5, 11), st.floats(2, 7.5), st.floats(14, 17.5), st.floats(6, 10), st.floats(6, 10), st.booleans())
def test_matrix_exponentials_give_the_same_temperatures(frequency, vector, coupling, lattice, electrons, metallic):
    laplace, q = 2j * np.pi * 10**frequency, 10**vector
    thin = evolve(gold, thickness=15 * nm, coupling=10**coupling)
    boundary = Boundary(10**lattice, electron_conductance=10**electrons)
    lower = evolve(gold, name="Pt", thickness=10 * nm, electron_conductivity=60.0, conductivity=7.0, coupling=1e17)
    stack = (
        Stack([thin, lower], [boundary]) if metallic else Stack([thin, evolve(silicon, thickness=30 * nm)], [boundary])
    )
    m = transfer(thin, laplace, q)
    jump = np.eye(4, dtype=complex)
    jump[0, 2], jump[1, 3] = -1 / boundary.electron_conductance, -1 / boundary.conductance
    if metallic:
        m = transfer(lower, laplace, q) @ jump @ m  # no flux at the bottom: rows 2 and 3 of the fluxes vanish
        rise = np.linalg.solve(m[2:, :2], -m[2:, 2:] @ [1, 0])
    else:
        y = admittance(Stack([stack.layers[1]]), laplace, q)[0, 0]
        m = jump @ m  # behind the boundary both temperatures are θ, and the fluxes add up to y θ
        rows = np.array([m[0] - m[1], m[2] + m[3] - y * (m[0] + m[1]) / 2])
        rise = np.linalg.solve(rows[:, :2], -rows[:, 2])
    for sensed, want in (("electrons", rise[0]), ("lattice", rise[1])):
        got = impedance(stack, laplace, q, setup=Setup(sensed=sensed))[0, 0]
        assert abs(got - want) < 1e-6 * abs(want) + 1e-9 * abs(rise[0])


def test_heat_below_a_metal_and_above_it():
    """A metal on either side of a heated layer is the same metal."""
    warm = Layer("a-Si", 50 * nm, 2.0, heat_capacity=1.7e6)
    metal = evolve(gold, thickness=np.inf)
    below = Stack([warm, metal], [Boundary(1e8, electron_conductance=3e7)])
    above = Stack([metal, warm], [Boundary(1e8, electron_conductance=3e7)])
    close(impedance(below, s, k), impedance(above, s, k, setup=Setup(Plane("a-Si", from_bottom=True))), 1e-12)


def test_a_buried_metal_with_strong_coupling():
    cap = Layer("cap", 20 * nm, 10.0, heat_capacity=2e6)
    two = Stack([cap, evolve(gold, coupling=1e27), silicon], [Boundary(1e8), Boundary(2e8)])
    close(impedance(two, s[:3], k), impedance(Stack([cap, one, silicon], [1e8, 2e8]), s[:3], k), 2e-4)


def test_what_is_refused():
    stack = Stack([gold, silicon], [1e8])
    for setup in (Setup(absorption_depth=1e-8), Setup(thermometer=Plane("Au", from_bottom=True))):
        with pytest.raises(InputError, match="heat and thermometer on one plane"):
            impedance(stack, s, k, setup=setup)
    with pytest.raises(InputError, match="layer Si has one temperature: sensed"):
        impedance(stack, s, k, setup=Setup(Plane("Si"), sensed="electrons"))
    assert np.isfinite(impedance(Stack([gold]), s, k, setup=Setup(back="isothermal"))).all()
