"""Averages over wave vectors: closed forms, brute force in real and wave-vector space, and equal roads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import i0e

from kapitza.core.stack import Layer, Stack
from kapitza.device.layered.admittance import ThermalWave, impedance
from kapitza.device.setup import Plane, Setup
from kapitza.errors import InputError
from kapitza.measure.thermoreflectance.beams import BeamResponse, Beams, wave_vector_quadrature
from kapitza.units import nm, um


def response(stack, beams, s, setup=None, nodes=48):
    setup = setup or Setup()
    average = wave_vector_quadrature(stack, (beams,), setup, nodes=nodes)
    return impedance(stack, s, average.kx, average.ky, setup=setup) @ average.weight[0]


def half_space(kappa=3.0, **more) -> Stack:
    return Stack([Layer("x", np.inf, kappa, heat_capacity=2e6, **more)])


radii = st.floats(-6.5, -4).map(lambda x: 10**x)


def close(got, want, rtol):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=0)


@given(radii, radii, st.floats(0.01, 5000), st.floats(0.01, 5000))
def test_a_steady_half_space(pump, probe, through, along):
    """1/(√(2π) √(k_z k_r) W)"""
    got = response(half_space(through, in_plane=along), Beams(pump, probe), 0.0)
    close(got, 1 / (np.sqrt(2 * np.pi * through * along) * np.hypot(pump, probe)), 1e-7)


@given(radii, st.floats(0, 4))
def test_a_steady_half_space_off_its_axis(width, apart):
    """Mean of 1/(2πkr) over Gaussians at a distance: a Bessel function."""
    beams = Beams(width, width, offset=apart * width * 0.6, offset_y=apart * width * 0.8)
    big = np.sqrt(2) * width
    y = (apart * width / big) ** 2
    close(response(half_space(), beams, 0.0), i0e(y) / (3.0 * np.sqrt(2 * np.pi) * big), 1e-6)


def test_far_away_a_steady_source_is_a_point():
    got = response(half_space(), Beams(1 * um, 1 * um, offset=30 * um), 0.0)
    close(got, 1 / (2 * np.pi * 3.0 * 30 * um), 1e-3)


def film() -> Stack:
    return Stack(
        [
            Layer("Al", 80 * nm, 170, heat_capacity=2.4e6),
            Layer("x", 1 * um, 2.0, in_plane=7.0, heat_capacity=1.6e6),
            Layer("y", np.inf, 30.0, in_plane=50.0, heat_capacity=3e6),
        ],
        [1e8, 2e8],
    )


s = 2j * np.pi * np.array([1e3, 1e6, 1e8])


def brute(stack, beams, laplace, setup=None, count=1201):
    """Square of wave vectors in equal steps, which converge geometrically but for the cusp at k = 0."""
    wx, wy = beams.widths
    kx = np.linspace(-11 / wx, 11 / wx, count)[:, None]
    ky = np.linspace(-11 / wy, 11 / wy, count + 2)[None, :]
    weight = np.exp(-((kx * wx) ** 2 + (ky * wy) ** 2) / 8 + 1j * (kx * beams.offset + ky * beams.offset_y))
    x, y = np.broadcast_arrays(kx, ky)
    z = impedance(stack, laplace, x.ravel(), y.ravel(), setup=setup)[0]
    return np.sum(weight.ravel() * z) * (kx[1, 0] - kx[0, 0]) * (ky[0, 1] - ky[0, 0]) / (4 * np.pi**2)


elliptic = Beams(6 * um, 4 * um, pump_radius_y=2 * um, probe_radius_y=3 * um, offset=3 * um, offset_y=-2 * um)


def test_elliptic_beams_by_brute_force():
    close(response(film(), elliptic, s[2])[0], brute(film(), elliptic, s[2]), 1e-7)


def test_a_full_tensor_by_brute_force():
    tensor = [[12, 1.5, 2.0], [1.5, 6.5, 1.0], [2.0, 1.0, 10]]
    stack = Stack(
        [Layer("Al", 80 * nm, 170, heat_capacity=2.4e6), Layer.from_tensor("x", np.inf, tensor, heat_capacity=2e6)],
        [1e8],
    )
    close(response(stack, elliptic, s[2])[0], brute(stack, elliptic, s[2]), 1e-7)


def test_heat_drifts_sideways_through_an_oblique_layer():
    """Read below the layer, the response depends on the side to which the probe is shifted."""
    tensor = [[12, 0, 6], [0, 6.5, 0], [6, 0, 10]]
    stack = Stack(
        [Layer.from_tensor("x", 3 * um, tensor, heat_capacity=2e6), Layer("y", np.inf, 5, heat_capacity=2e6)], [1e8]
    )
    setup = Setup(thermometer=Plane("x", from_bottom=True))
    there, back = (Beams(2 * um, 2 * um, offset=x) for x in (1 * um, -1 * um))
    got = response(stack, there, s[1], setup)[0]
    close(got, brute(stack, there, s[1], setup), 1e-5)
    assert abs(got) > 1.2 * abs(response(stack, back, s[1], setup)[0])  # the tilt of the heat is k_xz/k_zz


def test_rings_and_ellipses_are_two_roads_to_one_number():
    """A y conductivity that differs in the last digit sends the same stack along the other road."""
    layers = [*film().layers]
    layers[1] = Layer("x", 1 * um, 2.0, in_plane=7.0, in_plane_y=7.0 * (1 + 1e-13), heat_capacity=1.6e6)
    other = Stack(layers, film().boundaries)
    for beams in (Beams(5 * um, 3 * um), Beams(5 * um, 3 * um, offset=4 * um, offset_y=3 * um), elliptic):
        close(response(other, beams, s), response(film(), beams, s), 1e-7)


def test_strongly_anisotropic_planes_and_stretched_beams_converge():
    stack = Stack([Layer("x", np.inf, 6.0, in_plane=1800, in_plane_y=6.0, heat_capacity=1.6e6)])
    beams = Beams(20 * um, 20 * um, pump_radius_y=2 * um, probe_radius_y=2 * um)
    close(response(stack, beams, s), response(stack, beams, s, nodes=120), 1e-6)
    stretched = Stack([Layer("x", np.inf, 6.0, in_plane=6.0 * 100, in_plane_y=6.0, heat_capacity=1.6e6)])
    close(response(stretched, Beams(10 * um, 10 * um, pump_radius_y=1 * um, probe_radius_y=1 * um), 0.0),
          1 / (6.0 * np.sqrt(2 * np.pi) * np.hypot(1 * um, 1 * um) * 10), 1e-6)  # fmt: skip


def test_pump_and_probe_may_be_exchanged():
    one, two = Beams(5 * um, 3 * um, offset=2 * um), Beams(3 * um, 5 * um, offset=-2 * um)
    close(response(film(), one, s), response(film(), two, s), 1e-13)


def test_beams_that_are_none():
    for wrong in ((0.0, 1.0), (1.0, -1.0), (np.nan, 1.0), (np.inf, 1.0)):
        with pytest.raises(InputError, match=r"Beams: .*_radius"):
            Beams(*wrong)


@given(radii, radii, st.floats(0.5, 2000), st.floats(3, 9), st.floats(6, 9))
def test_fewer_wave_vectors_are_enough_for_fast_changes(pump, probe, through, frequency, conductance):
    film = Layer("f", 80 * nm, 180.0, heat_capacity=2.4e6)
    stack = Stack([film, Layer("s", np.inf, through, heat_capacity=1.6e6)], [10**conductance])
    beams, s = Beams(pump, probe), np.array([2j * np.pi * 10**frequency])
    held = BeamResponse(s, (beams,), Setup())
    few = held.quadrature(stack)[0].kx.size
    assert few <= 48
    close(held.of(stack)[:, 0], response(stack, beams, s, nodes=200), 2e-6)


def test_what_is_kept_belongs_to_the_layers():
    s = 2j * np.pi * np.geomspace(1e6, 1e9, 5)
    held = BeamResponse(s, (Beams(5 * um, 4 * um),), Setup())
    for i in range(60):  # more than are kept
        film = Layer("f", (50 + i % 7) * nm, 180.0 + i % 3, heat_capacity=2.4e6 + i % 5)
        stack = Stack([film, Layer("s", np.inf, 10.0 + i, in_plane=5.0 + i % 2, heat_capacity=1.6e6)], [1e8 + i])
        fresh = BeamResponse(s, held.beams, Setup())
        np.testing.assert_array_equal(held.of(stack), fresh.of(stack))


def test_the_slope_of_a_slab_is_a_hyperbolic_tangent():
    rng = np.random.default_rng(0)
    decay = 10 ** rng.uniform(-8, 3, 2000) * np.exp(1j * rng.uniform(-1.17, 1.17, 2000))  # rates up to 134° from 0
    close(ThermalWave(decay[None], decay[None], None).slope(1.0)[0], np.tanh(decay), 1e-14)
