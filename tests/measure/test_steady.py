"""Steady state and Raman thermometry: closed forms and refusals."""

import numpy as np
import pytest

from kapitza.core.stack import Layer, Stack
from kapitza.device.setup import Setup
from kapitza.errors import InputError
from kapitza.measure.thermoreflectance.beams import Beams
from kapitza.measure.thermoreflectance.sstr import Raman, Sstr
from kapitza.units import MW, nm, um


def close(got, want, rtol):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=0)


solid = Layer("Si", np.inf, 140.0)
width = np.hypot(10 * um, 6 * um)
power = [1e-3, 2e-3, 5e-3]
steady = Sstr(power, Beams(10 * um, 6 * um))
bare = 1 / (np.sqrt(2 * np.pi) * 140 * width)


def test_a_half_space_warms_in_step_with_the_power():
    close(steady.predict(Stack([solid])), bare * np.array(power), 1e-7)
    close(steady.replace({"scale": 2.0}).predict(Stack([solid])), 2 * bare * np.array(power), 1e-7)


def test_a_thin_layer_and_a_boundary_add_their_resistance_over_the_spot():
    """2R/πW², less what spreads along a film, which here conducts through itself alone."""
    stack = Stack([Layer("film", 10 * nm, 2.0, in_plane=1e-3), solid], [30 * MW])
    extra = (10 * nm / 2.0 + 1 / 30e6) * 2 / (np.pi * width**2)
    close(steady.signal(stack).real, bare + extra, 1e-5)


def test_slow_modulation_changes_little_and_fast_much():
    stack = Stack([Layer("Si", np.inf, 140.0, heat_capacity=1.6e6)])
    slow, fast = (Sstr([1.0], steady.beams, modulation=f).predict(stack)[0] for f in (0.01, 1e7))
    close(slow, bare, 1e-3)
    assert fast < 0.5 * bare


def test_raman_reads_its_own_spot():
    radii = np.array([0.5, 1, 5]) * um
    close(Raman(radii).predict(Stack([solid])), 1 / (2 * np.sqrt(np.pi) * 140 * radii), 1e-7)


def test_raman_on_a_sheet_of_conductance_kd_on_a_film_of_resistance():
    r"""On a cold substrate $\frac{1}{2\pi}\int k e^{-k^2w^2/4}/(k_s d k^2 + g) dk$, an exponential integral."""
    from scipy.special import exp1

    sheet, g = 3000 * 0.335 * nm, 20 * MW
    stack = Stack([Layer("graphene", 0.335 * nm, 1e3, in_plane=3000), Layer("x", 1e-9, 1e9)], [g])
    radii = np.array([0.3, 1.0, 3.0]) * um
    y = g * radii**2 / (4 * sheet)
    want = np.exp(y) * exp1(y) / (4 * np.pi * sheet)
    close(Raman(radii, setup=Setup(back="isothermal")).predict(stack), want, 1e-5)


def test_heat_that_cannot_leave_and_other_refusals():
    closed = Stack([Layer("a", 1 * um, 1.0)])
    for experiment in (steady, Raman([1 * um])):
        with pytest.raises(InputError, match="heat cannot leave"):
            experiment.predict(closed)
    for wrong in ([0.0], [2.0, 1.0], [-1.0]):
        with pytest.raises(InputError):
            Raman(wrong)
        with pytest.raises(InputError):
            Sstr(wrong, steady.beams)
    with pytest.raises(InputError, match="modulation = -1 Hz"):
        Sstr([1.0], steady.beams, modulation=-1)
    with pytest.raises(InputError, match="Raman has no number 'radius'"):
        Raman([1 * um]).replace({"radius": 1e-6})
    assert (steady.kind, Raman([1 * um]).kind) == ("temperature", "response")
