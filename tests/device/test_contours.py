"""Integrals along a hyperbola against transforms in closed form and against the sums that they replace."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erfcx

from kapitza.device.layered.laplace import inverse_laplace, pulse_train
from kapitza.errors import InputError

PERIOD = 1 / 80e6
delays = np.concatenate([-np.geomspace(1e-9, 1e-13, 5), np.geomspace(1e-13, 12e-9, 20)])


def relative(got, want):
    return np.abs(got - want).max() / np.abs(want).max()


@given(st.floats(-12, -5).map(lambda x: 10**x), st.floats(3e4, 7e7))
def test_pulses_of_an_exponential_are_a_geometric_series(decay, modulation):
    r"""H = 1/(s + a): every pulse leaves τ e^{-at}, and all earlier ones are summed by hand."""
    a, omega = 1 / decay, 2 * np.pi * modulation
    train = pulse_train(delays, modulation=modulation, repetition=80e6)
    got = train.signal(1 / (train.s + a))
    t = np.mod(delays, PERIOD)
    want = 2 * PERIOD * np.exp(-(a + 1j * omega) * t) / (1 - np.exp(-(a + 1j * omega) * PERIOD))
    assert relative(got, want) < 1e-8


@given(st.floats(4e6, 7e7))
def test_pulses_of_a_half_space_are_a_sum_of_inverse_roots(modulation):
    r"""H = s^{-1/2}: each pulse leaves τ/√(πt); 4,000 of them are added, and their slow remainder is averaged out."""
    omega, t = 2 * np.pi * modulation, np.mod(delays, PERIOD)
    since = t[:, None] + np.arange(4000) * PERIOD
    partial = np.cumsum(PERIOD / np.sqrt(np.pi * since) * np.exp(-1j * omega * since), axis=1)
    turn = np.exp(-1j * omega * PERIOD)
    for _ in range(3):  # each mean of neighbours takes a factor n |1 - turn| off the remainder of a series in turn^n
        partial = (partial[:, 1:] - turn * partial[:, :-1]) / (1 - turn)
    train = pulse_train(delays, modulation=modulation, repetition=80e6)
    assert relative(train.signal(train.s**-0.5), 2 * partial[:, -1]) < 1e-8


def test_modulations_above_the_pulses_and_multiples_of_them():
    a = 1e9
    for modulation in (79.9e6, 80e6, 120e6, 400.3e6):
        train = pulse_train(delays, modulation=modulation, repetition=80e6)
        got = train.signal(1 / (train.s + a))
        rate = a + 2j * np.pi * modulation
        want = 2 * PERIOD * np.exp(-rate * np.mod(delays, PERIOD)) / (1 - np.exp(-rate * PERIOD))
        assert relative(got, want) < 1e-8


def test_the_sum_over_harmonics_itself():
    """With a smooth H, which dies as 1/f³, a plain sum of 100,000 harmonics converges."""
    f0, fs, t = 9.8e6, 80e6, np.array([-1e-10, 1e-10, 1e-9, 3e-9])

    def response(s):
        return 1 / ((1 + s * 1e-10) * (1 + s * 1e-9) * (1 + s * 3e-8))

    m = np.arange(-100_000, 100_001)
    want = [2 * np.sum(response(2j * np.pi * (f0 + m * fs)) * np.exp(2j * np.pi * m * fs * u)) for u in t]
    train = pulse_train(t, modulation=f0, repetition=fs)
    assert relative(train.signal(response(train.s)), np.array(want)) < 1e-8


def test_one_response_or_one_for_each_delay():
    train = pulse_train(delays, modulation=9.8e6, repetition=80e6)
    response = 1 / (train.s + 1e9)
    np.testing.assert_allclose(
        train.signal(np.repeat(response[:, None], delays.size, axis=1)), train.signal(response), rtol=1e-10, atol=0
    )


def test_the_moment_of_a_pulse_is_refused():
    for t in (0.0, 1 / 64e6, -2 / 64e6):
        with pytest.raises(InputError, match=r"delay .* s is in the moment of a pulse"):
            pulse_train(np.array([1e-10, t]), modulation=1e7, repetition=64e6)


@given(st.floats(-9, 9).map(lambda x: 10**x))
def test_exponentials_and_error_functions_return(scale):
    t = scale * np.geomspace(1e-6, 1, 25)
    s, weight = inverse_laplace(t)
    for a in (0.0, 0.3 / scale, 30 / scale, 1e6 / scale):
        got = (weight @ (1 / (s + a))).real
        np.testing.assert_allclose(got - np.exp(-a * t), np.zeros(25), rtol=0, atol=1e-9)
        root = np.sqrt(a)
        if a:
            got = (weight @ (1 / (np.sqrt(s) * (np.sqrt(s) + root)))).real
            np.testing.assert_allclose(got, erfcx(root * np.sqrt(t)), rtol=3e-7, atol=0)
