"""Fields that change with time against the exact solution of layers."""

import csv
from typing import Any

import devices
import numpy as np
import pytest
from attrs import evolve
from scipy.integrate import solve_ivp

from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, ConductivityLaw, Device, HeatSource, PeriodicPower, PulsedPower, StepPower
from kapitza.device.grid import transient
from kapitza.device.grid.box_grid import BoxGrid
from kapitza.device.grid.temperatures import solve_on_grid
from kapitza.device.layered.transient import layered_response
from kapitza.device.layout import Layout
from kapitza.device.results import TransientTemperatures
from kapitza.errors import InputError
from kapitza.units import ns, um

DEPTHS = np.concatenate([1 * um * np.linspace(0, 1, 26) ** 1.5, np.linspace(1 * um, 4 * um, 25)[1:]])
COLUMN = BoxGrid([0, 3 * um], [0, 5 * um], DEPTHS)


def wall(**more: Any) -> Device:
    """Heat over all of the top face of two layers with a boundary."""
    layers = [Layer("a", 1 * um, 20.0, heat_capacity=2e6), Layer("b", 3 * um, 100.0, heat_capacity=3e6)]
    return Device(Stack(layers, [5e7]), [HeatSource("all", 1e-3, **more)], Box(3 * um, 5 * um), coefficient=1e8)


def responded(
    device: Device | Layout, time: Any, waveform: Any = "stated", cells: int = 100, grid: BoxGrid | None = None
) -> TransientTemperatures:
    """The response, after the steady state."""
    return solve_on_grid(device, min(cells, 1000), grid=grid).respond(time, waveform, cells=cells, grid=grid)


def test_a_step_in_one_dimension():
    time = np.geomspace(10 * ns, 3000 * ns, 8)
    want = layered_response(wall(), time, "step")
    got = responded(wall(), time, "step", grid=COLUMN)
    np.testing.assert_allclose(got.peak, want.peak, rtol=2e-3, atol=0)
    np.testing.assert_allclose(got.average["all"], want.average["all"], rtol=2e-3, atol=0)


def test_pulses_in_one_dimension():
    device = wall(waveform=PulsedPower(300 * ns, 100 * ns, 2))
    time = np.array([30, 90, 110, 250, 310, 390, 500]) * ns
    want = layered_response(device, time)
    got = responded(device, time, grid=COLUMN)
    np.testing.assert_allclose(got.peak, want.peak, rtol=5e-3, atol=0)


def test_steady_sources_have_been_on_for_ever():
    device = wall()
    two = evolve(device, sources=[*device.sources, HeatSource("late", 2e-3, waveform=StepPower())])
    got = responded(two, [1 * ns, 20_000 * ns], grid=COLUMN)
    start = solve_on_grid(device, grid=COLUMN).temperatures.peak
    assert start < got.peak[0] < 1.3 * start
    np.testing.assert_allclose(got.peak[1], 3 * start, rtol=1e-4, atol=0)


def test_properties_of_temperature_end_at_the_steady_field():
    device = evolve(wall(), laws={"a": ConductivityLaw.power(20.0, -1.2)})
    want = solve_on_grid(device, grid=COLUMN).temperatures.peak
    got = responded(device, [100 * ns, 20_000 * ns], "step", grid=COLUMN)
    np.testing.assert_allclose(got.peak[1], want, rtol=1e-4, atol=0)
    np.testing.assert_allclose(responded(device, [5 * ns], grid=COLUMN).peak, want, rtol=1e-4, atol=0)


def test_properties_of_temperature_keep_the_second_order(monkeypatch):
    """Balances of the same cells by another integrator."""
    exponent, cells = -1.5, 40
    device = Device(
        Stack([Layer("a", 1 * um, 20.0, heat_capacity=2e6)]),
        [HeatSource("all", 8e-3)],
        Box(3 * um, 5 * um),
        laws={"a": ConductivityLaw.power(20.0, exponent)},
    )
    size, flux, end = 1 * um / cells, 8e-3 / 15e-12, 30 * ns

    def rate(_: float, rise: Any) -> Any:
        k = 20.0 * ((300 + rise) / 300) ** exponent
        between = (rise[:-1] - rise[1:]) / (size / 2 / k[:-1] + size / 2 / k[1:])
        down = np.append(between, 2 * k[-1] * rise[-1] / size)
        return (np.append(flux, between) - down) / (2e6 * size)

    settled = solve_ivp(rate, (0, end), np.zeros(cells), "Radau", rtol=1e-10, atol=1e-10).y[:, -1]
    want = settled[0] + flux * size / 2 / (20.0 * ((300 + settled[0]) / 300) ** exponent)
    grid = BoxGrid([0, 3 * um], [0, 5 * um], np.linspace(0, 1 * um, cells + 1))
    for one in (0.16, 0.01):
        monkeypatch.setattr(transient, "_MAX_RATE_CHANGE", one)
        got = responded(device, [end], "step", grid=grid).peak[0]
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=0)  # 2e-3 with properties at the start of each step


def test_what_never_began_is_refused():
    for waveform in (PeriodicPower(1e6), PulsedPower(300 * ns, 100 * ns)):
        with pytest.raises(InputError, match="has always been"):
            responded(wall(waveform=waveform), [1 * ns], grid=COLUMN)
    bare = Device(Stack([Layer("a", 1 * um, 20.0)]), [HeatSource("all", 1e-3)], Box(3 * um, 5 * um))
    with pytest.raises(InputError, match="a has no heat_capacity"):
        responded(Layout(bare), [1 * ns], "step")


@pytest.mark.slow
def test_transistor_against_the_table(data):
    with data("device/gan_stack_step_response.csv").open() as file:
        rows = [(float(r["t_s"]), float(r["dT_patch_avg_K_extrapolated"])) for r in csv.DictReader(file)]
    time, want = np.array(rows).T
    got = responded(devices.transistor(), time, "step", 200_000).average["finger"]
    np.testing.assert_allclose(got, want, rtol=5e-3, atol=0)
