"""Response of stacks to periodic heat: reciprocity, limits, matrix exponentials, planes of heat, refusals."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.linalg import expm

from kapitza.core.conductance import Conductance
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.device.layered.admittance import admittance, impedance
from kapitza.device.setup import Plane, Setup
from kapitza.errors import InputError
from kapitza.units import MW, nm, um


def decades(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(np.log10(low), np.log10(high)).map(lambda x: 10**x)


tensors = st.builds(
    lambda a, b: np.diag(b) + np.outer(a, a), st.tuples(*[st.floats(-3, 3)] * 3), st.tuples(*[decades(0.1, 100)] * 3)
)
plain = st.builds(
    lambda d, k, r, c: {"thickness": d, "conductivity": k, "in_plane": r, "heat_capacity": c},
    decades(1e-9, 1e-5), decades(0.1, 1000), decades(0.1, 1000), decades(1e5, 5e6),
)  # fmt: skip
bounds = decades(1e5, 1e12)
pulsation = decades(1e2, 1e10).map(lambda f: 2j * np.pi * f)
vectors = st.tuples(*[decades(1e2, 1e6)] * 2)


def pile(rows, conductances) -> Stack:
    return Stack([Layer(str(i), **row) for i, row in enumerate(rows)], list(conductances))


three = st.builds(pile, st.lists(plain, min_size=3, max_size=3), st.tuples(bounds, bounds))


def tilted(ks, ds, conductances) -> Stack:
    rows = enumerate(zip(ks, ds, strict=True))
    return Stack([Layer.from_tensor(str(i), d, k, heat_capacity=2e6) for i, (k, d) in rows], list(conductances))


oblique = st.builds(tilted, st.tuples(tensors, tensors), st.tuples(*[decades(1e-8, 1e-6)] * 2), st.tuples(bounds))
depths = st.tuples(st.integers(0, 2), st.floats(0, 1))


def plane(stack: Stack, place: tuple[int, float]) -> Plane:
    layer = stack.layers[min(place[0], len(stack.layers) - 1)]
    return Plane(layer.name, place[1] * layer.thickness)


def close(got, want, rtol):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=0)


# laws and limits


@given(three, pulsation, vectors, depths, depths, st.sampled_from(["adiabatic", "isothermal"]))
def test_heater_and_thermometer_may_be_exchanged(stack, s, k, one, two, back):
    a, b = plane(stack, one), plane(stack, two)
    there = impedance(stack, s, k[0], k[1], setup=Setup(a, b, back=back))[0, 0]
    here = impedance(stack, s, k[0], k[1], setup=Setup(b, a, back=back))[0, 0]
    assert abs(there - here) <= 1e-10 * abs(here) + 1e-300


@given(oblique, pulsation, vectors, depths, depths)
def test_in_oblique_layers_the_wave_vector_turns_with_the_exchange(stack, s, k, one, two):
    a, b = plane(stack, one), plane(stack, two)
    there = impedance(stack, s, k[0], k[1], setup=Setup(a, b))[0, 0]
    here = impedance(stack, s, -k[0], -k[1], setup=Setup(b, a))[0, 0]
    assert abs(there - here) <= 1e-10 * abs(here) + 1e-300


@given(three, pulsation, vectors)
def test_no_stack_gives_back_more_heat_than_it_took(stack, s, k):
    assert admittance(stack, s, *k)[0, 0].real > 0


@given(three, vectors, st.floats(0.01, 0.99))
def test_a_cut_through_a_layer_changes_nothing(stack, k, share):
    first, *rest = stack.layers
    upper = Layer(
        "upper", first.thickness * share, first.conductivity, in_plane=first.in_plane, heat_capacity=first.heat_capacity
    )
    lower = Layer(
        "lower",
        first.thickness * (1 - share),
        first.conductivity,
        in_plane=first.in_plane,
        heat_capacity=first.heat_capacity,
    )
    cut = Stack([upper, lower, *rest], [np.inf, *stack.boundaries])
    close(admittance(cut, [0, 1e4j, 1e8j], *k), admittance(stack, [0, 1e4j, 1e8j], *k), 1e-9)


@given(st.lists(plain, min_size=1, max_size=4), st.lists(bounds, min_size=3, max_size=3))
def test_slow_heat_fills_a_closed_stack_evenly(rows, conductances):
    stack = pile(rows, conductances[: len(rows) - 1])
    held = sum(layer.heat_capacity * layer.thickness for layer in stack.layers)
    slow = 1e-9 / (held * stack.resistance())
    close(admittance(stack, slow, 0.0)[0, 0], slow * held, 1e-8)


@given(st.lists(plain, min_size=1, max_size=4), st.lists(bounds, min_size=3, max_size=3))
def test_steady_heat_meets_the_resistances_in_series(rows, conductances):
    stack = pile(rows, conductances[: len(rows) - 1])
    held = sum(layer.heat_capacity * layer.thickness for layer in stack.layers)
    slow = 1e-9 / (held * stack.resistance())
    close(1 / admittance(stack, slow, 0.0, back="isothermal")[0, 0], stack.resistance(), 1e-8)


@given(tensors, st.floats(0, 6.3), pulsation, vectors)
def test_axes_along_the_layers_may_be_turned(tensor, angle, s, k):
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    before = Stack([Layer.from_tensor("x", 1 * um, tensor, heat_capacity=2e6)])
    turned = turn @ tensor @ turn.T
    after = Stack([Layer.from_tensor("x", 1 * um, (turned + turned.T) / 2, heat_capacity=2e6)])
    x, y, _ = turn @ [*k, 0]
    close(admittance(after, s, x, y), admittance(before, s, *k), 1e-9)


@given(plain, pulsation, vectors)
def test_a_thick_layer_is_a_half_space(row, s, k):
    thick = Stack([Layer("x", **{**row, "thickness": 10.0})])
    endless = Stack([Layer("x", **{**row, "thickness": np.inf})])
    close(admittance(thick, s, *k), admittance(endless, s, *k), 1e-12)


def test_nothing_overflows_or_cancels_at_the_ends_of_the_range():
    s = 2j * np.pi * np.geomspace(1, 1e10, 11)
    k = np.geomspace(1e-3, 1e9, 13)
    for d in (0.1 * nm, 1e-3):
        for kappa in (0.01, 5000.0):
            for g in (1e3, 1e16):
                stack = Stack(
                    [Layer("a", d, kappa, heat_capacity=2e6), Layer("b", np.inf, 1.0, heat_capacity=2e6)], [g]
                )
                assert np.isfinite(admittance(stack, s, k)).all()
    film = Stack([Layer("a", 0.1 * nm, 5000.0, heat_capacity=2e6)])
    close(admittance(film, 1e-3j, 0.0)[0, 0], 1e-3j * 2e6 * 0.1 * nm, 1e-13)


# second road: matrix exponentials of the equations of heat


def transfer(layer: Layer, thickness: float, s: complex, kx: float, ky: float) -> np.ndarray:
    """Temperature and flux at the bottom of a slab from those at its top."""
    t = layer.tensor
    b = 1j * (t[0, 2] * kx + t[1, 2] * ky)
    c = t[0, 0] * kx**2 + 2 * t[0, 1] * kx * ky + t[1, 1] * ky**2 + s * layer.heat_capacity
    return expm(-thickness / t[2, 2] * np.array([[b, 1], [c * t[2, 2] + b**2, b]]))


@given(st.one_of(oblique, three), pulsation, vectors)
def test_matrix_exponentials_give_the_same_temperatures(stack, s, k):
    k = np.array(k) / 100
    total = np.eye(2, dtype=complex)
    for i, layer in enumerate(stack.layers):
        stiffness = layer.tensor.max() * k @ k + s * layer.heat_capacity
        assume(np.sqrt(abs(stiffness) / layer.tensor[2, 2]) * layer.thickness < 4)  # growing waves lose digits here
        total = transfer(layer, layer.thickness, s, *k) @ total
        if i < len(stack.boundaries):
            total = np.array([[1, -stack.boundaries[i].resistance()], [0, 1]]) @ total
    top = -total[1, 1] / total[1, 0]
    close(impedance(stack, s, *k)[0, 0], top, 1e-7)
    last = stack.layers[-1].name
    bottom = total[0, 0] * top + total[0, 1]
    setup = Setup(thermometer=Plane(last, from_bottom=True))
    close(impedance(stack, s, *k, setup=setup)[0, 0] / top, bottom / top, 1e-6)


# heat over a depth


def heated() -> Stack:
    return Stack(
        [
            Layer("water", np.inf, 0.6, heat_capacity=4.2e6),
            Layer("Al", 80 * nm, 180, in_plane=150, heat_capacity=2.4e6),
            Layer("SiO2", 200 * nm, 1.4, heat_capacity=1.6e6),
        ],
        [100 * MW, 50 * MW],
    )


@pytest.mark.parametrize("back", ["adiabatic", "isothermal"])
@pytest.mark.parametrize("upwards", [False, True])
@pytest.mark.parametrize(
    "thermometer", [None, Plane("Al", 30 * nm), Plane("SiO2", 50 * nm), Plane("water", 1 * um, from_bottom=True)]
)
def test_heat_over_a_depth_is_many_planes_of_heat(back, upwards, thermometer):
    start, delta = 5 * nm, 13 * nm
    s, k = np.array([1e3j, 1e7j, 1e10j, 1e12j, 5e9 - 1e9j]), np.array([1e2, 1e5, 1e7])
    heater = Plane("Al", start, from_bottom=upwards)
    got = impedance(heated(), s, k, setup=Setup(heater, thermometer, absorption_depth=delta, back=back))
    x, w = np.polynomial.legendre.leggauss(24)
    deep = 75 * nm
    edges = np.unique([0, 10 * nm, 25 * nm, 45 * nm, deep])  # 30 nm from the top is 25 nm or 45 nm from the heater
    want = 0
    for a, b in pairwise(edges):
        for y, weight in zip(a + (b - a) / 2 * (1 + x), w * (b - a) / 2, strict=True):
            plane = Setup(Plane("Al", start + y, from_bottom=upwards), thermometer or heater, back=back)
            share = np.exp(-y / delta) / (delta * (1 - np.exp(-deep / delta)))
            want = want + weight * share * impedance(heated(), s, k, setup=plane)
    close(got, want, 1e-9)


def test_absorption_above_an_oblique_layer():
    """No depth at all is heat in the plane, also for waves that an oblique layer shifts sideways on their way."""
    layers = Layer("Al", 50 * nm, 100, heat_capacity=2e6), Layer("Si", np.inf, 140, heat_capacity=1.6e6)
    skew = Layer.from_tensor("skew", 300 * nm, [[5, 0, 2], [0, 5, 0], [2, 0, 5]], heat_capacity=2e6)
    stack, far = Stack([layers[0], skew, layers[1]], [1e8, 1e8]), Plane("skew", from_bottom=True)
    s, k = np.array([1e5j, 1e7j]), np.array([-3e6, 1e3, 3e6])
    at_once = impedance(stack, s, k, setup=Setup(Plane("Al"), far))
    close(impedance(stack, s, k, setup=Setup(Plane("Al"), far, absorption_depth=1e-14)), at_once, 1e-5)


def test_depths_without_end_and_without_extent():
    s, k = np.array([1e5j, 1e9j]), np.array([1e3, 1e6])
    at_once = impedance(heated(), s, k, setup=Setup(Plane("Al")))
    close(impedance(heated(), s, k, setup=Setup(Plane("Al"), absorption_depth=1e-14)), at_once, 1e-5)
    even = impedance(heated(), s, k, setup=Setup(Plane("Al"), absorption_depth=1.0))
    mean = np.mean(
        [impedance(heated(), s, k, setup=Setup(Plane("Al", (i + 0.5) * 0.8 * nm), Plane("Al"))) for i in range(100)],
        axis=0,
    )
    close(even, mean, 1e-4)


def test_the_removable_singularity_of_a_depth():
    """Where the decay of the wave is that of the light the formula is 0/0."""
    film = Stack([Layer("x", 100 * nm, 2.0, heat_capacity=2e6), Layer("y", np.inf, 1.0, heat_capacity=1e6)], [1e8])
    k = 1 / (20 * nm)
    exact = impedance(film, 0.0, k, setup=Setup(absorption_depth=20 * nm))
    near = impedance(film, 0.0, k * (1 + 1e-7), setup=Setup(absorption_depth=20 * nm))
    close(exact, near, 1e-6)


def test_heat_over_a_depth_in_a_half_space():
    """d⁻¹ for exp(-z/δ)/δ and cosine waves: Z = 1/(k u (1 + u δ))."""
    solid = Stack([Layer("x", np.inf, 3.0, heat_capacity=2e6)])
    s, k = 1e7j, 1e5
    u = np.sqrt(k**2 + s * 2e6 / 3.0)
    got = impedance(solid, s, k, setup=Setup(absorption_depth=50 * nm))[0, 0]
    close(got, 1 / (3.0 * u * (1 + u * 50 * nm)), 1e-12)


# the rest


def test_boundary_conductances_are_taken_at_the_temperature():
    of_temperature = Conductance([100, 400], [100 * MW, 200 * MW])
    layers = [Layer("a", 50 * nm, 100, heat_capacity=2e6), Layer("b", np.inf, 1, heat_capacity=2e6)]
    for kelvin in (100.0, 400.0):
        got = impedance(Stack(layers, [of_temperature]), 1e6j, 1e4, setup=Setup(temperature=kelvin))
        close(got, impedance(Stack(layers, [float(of_temperature.at(kelvin)[0])]), 1e6j, 1e4), 1e-12)


def test_what_is_refused():
    a, b = Layer("a", 50 * nm, 100, heat_capacity=2e6), Layer("b", np.inf, 1)
    skew = Layer.from_tensor("skew", 1e-6, [[2, 0, 1], [0, 2, 0], [1, 0, 2]], heat_capacity=2e6)
    for stack, setup, words in (
        (Stack([a, b], [1e8]), None, "layer b has no heat_capacity"),
        (Stack([a, Layer("c", np.inf, 1), b], [1, 1]), None, "layer c is infinitely thick"),
        (Stack([a]), Setup(Plane("b")), "no layer 'b' for a plane: the stack has a"),
        (Stack([a]), Setup(Plane("a", 60 * nm)), "6e-08 m in a, which is only 5e-08 m thick"),
        (Stack([b]), Setup(Plane("b", from_bottom=True)), "place the plane from its top face"),
        (Stack([Layer("w", np.inf, 1, heat_capacity=1.0), a], [1.0]), None, "place the plane from its bottom face"),
        (Stack([skew]), Setup(absorption_depth=1e-8), "tensor is oblique"),
    ):
        with pytest.raises(InputError, match=words):
            impedance(stack, 1e6j, 1e4, setup=setup)
    close(admittance(Stack([b]), 0.0, 1e4)[0, 0], 1e4, 1e-14)  # steady heat needs no heat capacity
    with pytest.raises(InputError, match="expected s"):
        impedance(Stack([a]), 1j, [1.0, 2.0], [1.0, 2.0, 3.0])
    for wrong in ({"absorption_depth": -1e-9}, {"back": "open"}, {"temperature": 0}, {"sensed": "spins"}):
        with pytest.raises(InputError):
            Setup(**wrong)
    with pytest.raises(InputError, match="depth = -1"):
        Plane("a", -1)


def test_a_boundary_of_electrons_alone_changes_nothing_between_layers_of_one_temperature():
    layers = [Layer("a", 50 * nm, 100, heat_capacity=2e6), Layer("b", np.inf, 1, heat_capacity=2e6)]
    close(
        impedance(Stack(layers, [Boundary(1e8, electron_conductance=1e9)]), 1e6j, 1e4),
        impedance(Stack(layers, [1e8]), 1e6j, 1e4),
        1e-14,
    )
