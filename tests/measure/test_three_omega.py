"""The 3ω method: the slope formula, films that add resistance, a brute-force integral."""

import numpy as np
import pytest

from kapitza.core.stack import Layer, Stack
from kapitza.device.layered.admittance import impedance
from kapitza.errors import InputError
from kapitza.measure.thermoreflectance.three_omega import ThreeOmega
from kapitza.units import MW, mm, nm, um


def close(got, want, rtol):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=0)


silicon = Layer("Si", np.inf, 140.0, heat_capacity=1.64e6)
strip = {"half_width": 15 * um, "length": 1 * mm, "power": 0.02}


def test_the_slope_formula(published):
    """Slow waves reach far: ΔT = P/πlk [ln(D/b²)/2 + 0.923 - ln(2ω)/2 - iπ/4]."""
    entry = published("stacks", "three_omega_constant")
    f = np.array([0.01, 0.03, 0.1])
    omega, b, scale = 2 * np.pi * f, 15 * um, 0.02 / (np.pi * 1 * mm * 140)
    z = ThreeOmega(f, **strip).signal(Stack([silicon])) / scale
    constant = z.real - np.log(140 / 1.64e6 / b**2) / 2 + np.log(2 * omega) / 2
    close(constant, entry["value"], entry["tolerance"])
    close(constant, 1.5 - np.euler_gamma, 1e-5)
    close(z.imag, -np.pi / 4, 1e-5)


def test_a_film_adds_its_resistance_and_that_of_its_boundary():
    f = np.array([10.0, 100.0, 1000.0])
    bare = ThreeOmega(f, **strip).signal(Stack([silicon]))
    film = Layer("SiO2", 100 * nm, 1.3, in_plane=1e-6, heat_capacity=1.0)  # neither spreads nor holds heat
    covered = ThreeOmega(f, **strip).signal(Stack([film, silicon], [20 * MW]))
    want = 0.02 / (2 * 15 * um * 1 * mm) * (100 * nm / 1.3 + 1 / 20e6)
    close((covered - bare).real, want, 1e-5)


def test_the_integral_by_brute_force():
    f, b = np.array([1e3, 1e5]), 15 * um
    stack = Stack([Layer("SiO2", 300 * nm, 1.3, heat_capacity=1.6e6), silicon], [50 * MW])
    x, w = np.polynomial.legendre.leggauss(12)
    edges = np.concatenate([np.geomspace(1e-6, 1, 60), np.arange(2, 4000)]) / b
    half = np.diff(edges)[:, None] / 2
    k = (edges[:-1, None] + half * (1 + x)).ravel()
    z = impedance(stack, 4j * np.pi * f, k) @ (np.sinc(k * b / np.pi) ** 2 * (half * w).ravel())
    got = ThreeOmega(f, **strip).signal(stack)
    assert np.abs(got / (0.02 / (np.pi * 1 * mm) * z) - 1).max() < 3e-6


def test_kinds_numbers_and_refusals():
    experiment = ThreeOmega([100.0, 1e3], **strip)
    z = experiment.signal(Stack([silicon]))
    close(experiment.predict(Stack([silicon])), z.real, 1e-15)
    close(ThreeOmega([100.0, 1e3], kind="out_of_phase", **strip).predict(Stack([silicon])), z.imag, 1e-15)
    close(experiment.replace({"power": 0.04, "length": 2 * mm}).signal(Stack([silicon])), z, 1e-13)
    assert set(experiment.parameters) == {"half_width", "length", "power", "scale"}
    for wrong in ({"half_width": 0.0}, {"length": -1.0}, {"power": np.nan}, {"kind": "voltage"}):
        with pytest.raises(InputError):
            ThreeOmega([100.0], **{**strip, **wrong})
    with pytest.raises(InputError, match="numbers that increase"):
        ThreeOmega([100.0, 50.0], **strip)
