"""The plane of an interface that was given a pixel off: said where it is taken as exact, found where it is fitted."""

import numpy as np

from kapitza.core.profile import Profile
from kapitza.measure.eels.jump import better_plane, fit_jump
from kapitza.units import nm

TRUE_JUMP, SIGMA = 15.0, 0.8


def profiles() -> list[Profile]:
    """Sixteen profiles with a jump at 0, in pixels of 1 nm."""
    x, rng = (np.arange(-24, 24) + 0.5) * nm, np.random.default_rng(4)
    kelvin = np.where(x < 0, 387.5 - 0.18e9 * x, 372.5 - 0.15e9 * x)
    return [Profile(x, kelvin + SIGMA * rng.standard_normal(x.size), np.full(x.size, SIGMA)) for _ in range(16)]


def test_a_plane_a_pixel_off_is_said() -> None:
    off = [better_plane(one, 1.0 * nm) for one in profiles()]
    assert all(found is not None and abs(found[0]) <= 0.6 * nm for found in off)
    assert all(better_plane(one, 0.0) is None for one in profiles())


def test_a_plane_with_an_uncertainty_is_found() -> None:
    scores = []
    for one in profiles():
        exact, found = fit_jump(one, 1.0 * nm).jump, fit_jump(one, 1.0 * nm, at_sigma=1.0 * nm).jump
        assert abs(found.jump - TRUE_JUMP) < abs(exact.jump - TRUE_JUMP) + found.sigma
        scores.append((found.jump - TRUE_JUMP) / found.sigma)
    assert abs(np.mean(scores)) <= 1
    assert np.mean(np.abs(scores) < 1.96) >= 0.8
