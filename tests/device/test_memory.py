"""Phase-change memory: limits, a numerical pillar, and what boundaries save."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from kapitza.applications.memory import (
    RADIAL_RISE_FACTOR,
    MemoryCell,
    dot_rise,
    pillar_profile,
    reset_current_saving,
    reset_pulse,
)
from kapitza.core.conductance import Conductance
from kapitza.errors import InputError, ValidityWarning
from kapitza.units import MW, nm

CELL = MemoryCell(
    radius=20 * nm, height=40 * nm, conductivity=0.5, heat_capacity=1.3e6, resistance=5e3, melting=890.0,
    dielectric=1.4, pitch=120 * nm, electrode=60.0, latent=6e8, side=30 * MW, contact=30 * MW,
)  # fmt: skip


def test_a_dot_is_a_sphere_in_a_medium():
    """A second road: Laplace outside, ∫ from r to infinity of q/k, plus the jump."""
    got = dot_rise(1e-6, radius=10 * nm, conductivity=1.4, conductance=50 * MW)[0]
    r = np.geomspace(10 * nm, 1.0, 20001)
    outside = np.trapezoid(1e-6 / (4 * np.pi * 1.4 * r**2) * r, np.log(r))
    jump = 1e-6 / (4 * np.pi * (10 * nm) ** 2) / (50 * MW)
    np.testing.assert_allclose(got, outside + jump, rtol=1e-6, atol=0)


@given(st.floats(1e-9, 1e-6), st.floats(1e6, 1e10))
def test_what_is_saved_follows_from_the_rise(radius, conductance):
    arguments = {"radius": radius, "conductivity": 1.4}
    ratio = dot_rise(1.0, conductance=conductance, **arguments) / dot_rise(1.0, conductance=np.inf, **arguments)
    np.testing.assert_allclose(
        reset_current_saving(conductance=conductance, **arguments), 1 - ratio**-0.5, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("boundaries", [True, False])
def test_the_profile_agrees_with_finite_volumes(boundaries):
    """A second road: the pillar cut into slices."""
    n = 400
    step = CELL.height / n
    side, end = (sum(parts) if boundaries else parts[0] for parts in (CELL.side_resistance(), CELL.end_resistance()))
    side += 1 / (8 * np.pi * CELL.conductivity)
    through = CELL.conductivity * CELL.area / step
    outer = 1 / (end + step / 2 / (CELL.conductivity * CELL.area))
    main = np.full(n, 2 * through + step / side)
    main[[0, -1]] += outer - through
    matrix = np.diag(main) - np.diag(np.full(n - 1, through), 1) - np.diag(np.full(n - 1, through), -1)
    solved = np.linalg.solve(matrix, np.full(n, 1e-4 / n))
    z = (np.arange(n) + 0.5) * step - CELL.height / 2
    got = pillar_profile(CELL, 1e-4, z, boundaries=boundaries) / solved.max()
    np.testing.assert_allclose(got, solved / solved.max(), rtol=0, atol=3e-5)


def test_heat_to_the_side_in_rings():
    """A second road: rings of a heated cylinder, its boundary, and the dielectric up to half the pitch."""
    n, a, b = 4000, CELL.radius, CELL.pitch / 2
    r = np.linspace(0, a, n + 1)
    within = r**2 / a**2  # of the power, that crosses each ring
    rise = np.trapezoid(within[1:] / (2 * np.pi * CELL.conductivity * r[1:]) * within[1:], r[1:])  # mean over the area
    x = np.linspace(a, b, n + 1)
    outside = np.trapezoid(1 / (2 * np.pi * CELL.dielectric * x), x)
    jump = 1 / (2 * np.pi * a) / (30 * MW)
    oxide, boundary = CELL.side_resistance()
    np.testing.assert_allclose([oxide, boundary], [outside, jump], rtol=1e-6, atol=0)
    np.testing.assert_allclose(1 / (RADIAL_RISE_FACTOR * np.pi * CELL.conductivity), rise, rtol=1e-6, atol=0)


def test_heat_into_the_electrodes():
    """A second road: rise amid the flux that leaves a disc of one temperature, and the jump over its area."""
    angle = (np.arange(2000) + 0.5) * np.pi / 4000
    r = CELL.radius * np.sin(angle)
    flux = 1 / (2 * np.pi * CELL.radius * CELL.radius * np.cos(angle))
    width = CELL.radius * np.cos(angle) * np.pi / 4000
    centre = np.sum(flux * 2 * np.pi * r * width / (2 * np.pi * CELL.electrode * r))
    spreading, boundary = CELL.end_resistance()
    np.testing.assert_allclose([spreading, boundary], [centre, 1 / (np.pi * 20e-9**2 * 30e6)], rtol=1e-9, atol=0)


def test_reset_holds_the_melting_point_and_boundaries_save_current():
    got = reset_pulse(CELL)
    hottest = float(pillar_profile(CELL, got.power, 0.0))
    np.testing.assert_allclose(hottest, 590.0, rtol=1e-12, atol=0)
    np.testing.assert_allclose(got.current**2 * CELL.resistance, got.power, rtol=1e-12, atol=0)
    np.testing.assert_allclose(got.energy, got.power * 50e-9 + CELL.volume * 6e8, rtol=1e-12, atol=0)
    np.testing.assert_allclose((1 - got.saved) ** 2, 1 - got.boundary_share, rtol=1e-9, atol=0)
    bare = reset_pulse(evolve(CELL, side=np.inf, contact=np.inf))
    np.testing.assert_allclose([bare.current, bare.saved], [got.current_without, 0.0], rtol=1e-12, atol=1e-12)
    assert 0 < got.mean_rise < 590


def test_long_pillars_lose_heat_to_their_side_only_and_short_ones_to_their_ends():
    long = evolve(CELL, height=20_000 * nm)
    side = sum(CELL.side_resistance()) + 1 / (8 * np.pi * 0.5)
    np.testing.assert_allclose(reset_pulse(long, 1e-3).thermal_resistance, side / long.height, rtol=1e-6, atol=0)
    short = evolve(CELL, height=0.01 * nm)
    ends = sum(CELL.end_resistance()) / 2
    np.testing.assert_allclose(reset_pulse(short).thermal_resistance, ends, rtol=2e-3, atol=0)


def test_published_savings(published):
    """The reset current of pillars whose boundaries resist as stated."""
    entry = published("devices", "memory_50_m2K_GW")
    pillar = evolve(
        CELL, radius=50 * nm, height=100 * nm, pitch=300 * nm, electrode=20.0, side=1 / 50e-9, contact=1 / 50e-9
    )
    assert entry["low"] <= reset_pulse(pillar).saved <= entry["high"]
    # a film of 20 nm that seems to conduct a fourth has this resistance at either electrode
    share = published("devices", "memory_film")["value"]
    resistance = (1 / share - 1) * 20 * nm / (2 * 1.5)
    seen = 20 * nm / (20 * nm / 1.5 + 2 * resistance) / 1.5
    np.testing.assert_allclose(seen, share, rtol=1e-9, atol=0)
    for name, side in (("memory_20_nm", 1 / resistance), ("memory_120_nm", np.inf)):
        entry = published("devices", name)
        pillar = evolve(
            CELL, radius=entry["diameter"] * nm / 2, height=20 * nm, pitch=3 * entry["diameter"] * nm,
            conductivity=1.5, electrode=20.0, side=side, contact=1 / resistance,
        )  # fmt: skip
        np.testing.assert_allclose(reset_pulse(pillar).saved, entry["value"], rtol=entry["tolerance"], atol=0)


def test_warnings_where_the_range_is_left():
    with pytest.warns(ValidityWarning, match="warms up"):
        reset_pulse(CELL, 1e-12)
    with pytest.warns(ValidityWarning, match="axis"):
        reset_pulse(evolve(CELL, dielectric=100.0, side=np.inf, conductivity=0.05))


@pytest.mark.parametrize(
    "make",
    [
        lambda: evolve(CELL, pitch=30 * nm),
        lambda: evolve(CELL, melting=200.0),
        lambda: evolve(CELL, latent=-1.0),
        lambda: evolve(CELL, side=0.0),
        lambda: evolve(CELL, contact=Conductance([300], [1e8], drop="emitted")),
        lambda: evolve(CELL, radius=np.nan),
        lambda: reset_pulse(CELL, 0.0),
        lambda: dot_rise(-1.0, radius=1e-9, conductivity=1.0, conductance=1e8),
    ],
)
def test_wrong_input_is_refused(make):
    with pytest.raises(InputError):
        make()
