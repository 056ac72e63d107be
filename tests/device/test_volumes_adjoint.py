"""What the peak of a field depends on, against differences of whole solutions and the exact solution of layers."""

import numpy as np
import pytest

from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, ConductivityLaw, Device, HeatSource
from kapitza.device.grid.box_grid import automatic_grid
from kapitza.device.grid.sensitivities import grid_sensitivities, layout_parameters, scale_layout_parameter
from kapitza.device.grid.temperatures import solve_on_grid
from kapitza.device.layout import Block, Layout
from kapitza.device.shapes import Rectangle
from kapitza.errors import InputError
from kapitza.units import um


def chip(**more: object) -> Layout:
    """A patch on two layers with a block under it."""
    stack = Stack([Layer("a", 1 * um, 20.0), Layer("b", 4 * um, 150.0, in_plane=300.0)], [5e7])
    source = HeatSource("patch", 1e-3, Rectangle((0, 1 * um), (0, 2 * um)))
    device = Device(stack, [source], Box(6 * um, 5 * um), coefficient=1e6, **more)
    block = Block(Layer("via", 2 * um, 400.0), Rectangle((0.5 * um, 2 * um), (0, 3 * um)), 1 * um, 2e8, power=2e-4)
    return Layout(device, [block])


def test_one_more_solution_tells_what_all_differences_tell():
    layout = chip()
    grid = automatic_grid(layout, 1500)
    got = grid_sensitivities(layout, grid=grid)
    assert set(got) == set(layout_parameters(layout))
    part = 3e-4
    for name, value in got.items():
        up, down = (
            solve_on_grid(
                scale_layout_parameter(layout, name, 1 + sign * part), grid=grid, tolerance=1e-12
            ).temperatures.peak
            for sign in (1, -1)
        )
        np.testing.assert_allclose(value, (up - down) / (2 * part), rtol=1e-6, atol=1e-8 * got["patch.power"])


def test_powers_and_resistances_add_up():
    """The peak is linear in all powers, and of degree -1 in all conductances together."""
    layout = chip()
    got = grid_sensitivities(layout, 1500)
    peak = solve_on_grid(layout, 1500).temperatures.peak
    powers = sum(value for name, value in got.items() if name.endswith("power"))
    np.testing.assert_allclose(powers, peak, rtol=1e-7, atol=0)
    rest = sum(value for name, value in got.items() if not name.endswith("power"))
    np.testing.assert_allclose(rest, -peak, rtol=1e-7, atol=0)


def test_properties_of_temperature_are_refused():
    with pytest.raises(InputError, match="plain numbers"):
        grid_sensitivities(chip(laws={"a": ConductivityLaw.power(20.0, -1.0)}), 500)
