"""Reference phase and echo of a trace: rotations are undone, echoes found where they were put."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapitza.errors import InputError
from kapitza.measure.thermoreflectance.lockin import LockinTrace, correct_phase, find_echo
from kapitza.units import nm, ps

DELAY = np.concatenate([np.arange(-30, 80, 0.5), np.geomspace(80, 3600, 40)]) * ps


def trace(echo: float = 30 * ps, noise: float = 0.0, seed: int = 0) -> LockinTrace:
    rng = np.random.default_rng(seed)
    on = DELAY > 0
    cooling = np.where(on, 55 + 30 * np.exp(-np.abs(DELAY) / (12 * ps)) - 0.002 * DELAY / ps, 0.5)
    bump = np.where(on, 1.0 * np.exp(-4 * np.log(2) * ((DELAY - echo) / (5 * ps)) ** 2), 0.0)
    x = cooling + bump + noise * rng.standard_normal(DELAY.size)
    y = -5 + 2e-4 * DELAY / ps + noise * rng.standard_normal(DELAY.size)
    return LockinTrace(DELAY, x, y)


def off(clean: LockinTrace, phase: float, gain: float = 1.0) -> LockinTrace:
    """The trace as an instrument with this phase and gain shows it."""
    turned = gain * (clean.in_phase + 1j * clean.out_of_phase) * np.exp(1j * phase)
    return LockinTrace(clean.delay, turned.real, turned.imag)


@given(st.floats(-3, 3), st.floats(0.001, 1000))
@settings(max_examples=30)
def test_rotation_is_undone_whatever_the_gain(phase: float, gain: float) -> None:
    clean = trace()
    turned = off(clean, phase, gain)
    found = correct_phase(turned)
    np.testing.assert_allclose(
        np.exp(1j * found.phase), np.exp(1j * (phase + correct_phase(clean).phase)), rtol=0, atol=1e-9
    )
    np.testing.assert_allclose(found.out_of_phase / gain, correct_phase(clean).out_of_phase, rtol=1e-8, atol=0)


def test_phase_errors_cover() -> None:
    truth = correct_phase(trace()).phase
    hits = sum(
        abs((found := correct_phase(off(trace(noise=0.05, seed=i), 0.2))).phase - 0.2 - truth)
        < 1.96 * found.phase_sigma
        for i in range(200)
    )
    assert 0.90 <= hits / 200 <= 0.99


def test_a_trace_in_phase_is_left_as_it_is() -> None:
    """As an operator leaves it: no rotation is found, a wrong one is undone, and the film has its thickness."""
    raw = off(trace(27.7 * ps, noise=0.1, seed=3), -correct_phase(trace(27.7 * ps)).phase)
    found = correct_phase(raw)
    assert abs(found.phase) < 3 * found.phase_sigma
    assert found.phase_sigma < 1e-3
    np.testing.assert_allclose(correct_phase(raw.rotate(0.1)).ratio, found.ratio, rtol=1e-9, atol=0)
    thickness, sigma = find_echo(raw).thickness(6420.0, cover=3 * nm)
    assert abs(thickness - (6420 * 27.7 * ps / 2 + 3 * nm)) < 3 * sigma
    assert 0.05 * nm < sigma < 1 * nm


@pytest.mark.parametrize("echo", [18.0, 27.7, 41.3])
def test_echo_is_found_where_it_was_put(echo: float) -> None:
    found = find_echo(trace(echo * ps, noise=0.03))
    np.testing.assert_allclose(found.delay, echo * ps, rtol=0, atol=max(3 * found.delay_sigma, 0.3 * ps))
    thickness, sigma = found.thickness(6420.0, velocity_sigma=64.2)
    np.testing.assert_allclose(thickness, 6420 * found.delay / 2, rtol=1e-12, atol=0)
    assert sigma > 0.01 * thickness
    with pytest.raises(InputError, match="velocity 0 m/s"):
        found.thickness(0.0)


def test_no_echo_and_no_step_are_said() -> None:
    flat = LockinTrace(DELAY, 5 + np.random.default_rng(1).standard_normal(DELAY.size), np.ones(DELAY.size))
    with pytest.raises(InputError, match="no echo between"):
        find_echo(flat)
    with pytest.raises(InputError, match="more than 200 times its width"):
        find_echo(flat, window=[0, 1.0])
    with pytest.raises(InputError, match="no step at zero delay"):
        correct_phase(
            LockinTrace(DELAY, np.random.default_rng(1).standard_normal(DELAY.size), 0 * DELAY + np.cos(DELAY / ps))
        )
    with pytest.raises(InputError, match="a line with its error needs 4"):
        correct_phase(trace(), before=(-1e-12, -0.4e-12))
