"""One verb for layers, grids and meshes: the method follows the geometry, and results answer the same questions."""

from pathlib import Path

import numpy as np
import pytest
from attrs import evolve

from kapitza import Boundary, Device, Layer, Stack, load, save, solve
from kapitza.device import (
    Block,
    BodyTemperatures,
    Box,
    GridTemperatures,
    HeatSource,
    LayeredTemperatures,
    Layout,
    Plane,
    Rectangle,
)
from kapitza.device.elements.body import Body, FixedTemperature
from kapitza.device.elements.mesh_generators import box_mesh
from kapitza.errors import InputError
from kapitza.units import um


def chip(conductance: float = 5e7) -> Device:
    stack = Stack((Layer("film", 2 * um, 100.0), Layer("base", 20 * um, 30.0)), (Boundary(conductance),))
    source = HeatSource("gate", 0.02, Rectangle((10 * um, 22 * um), (6 * um, 20 * um)))
    return Device(stack, (source,), Box(60 * um, 40 * um))


def test_method_follows_the_geometry():
    device = chip()
    block = Block(Layer("via", 5 * um, 400.0), Rectangle((0, 10 * um), (0, 10 * um)), 10 * um)
    assert isinstance(solve(device), LayeredTemperatures)
    assert isinstance(solve(Layout(device)), LayeredTemperatures)
    assert isinstance(solve(Layout(device, [block]), cells=800), GridTemperatures)
    assert isinstance(solve(device, method="volumes", cells=800), GridTemperatures)
    edges = np.linspace(0, 1, 3)
    faces = {"x=0": FixedTemperature(301.0), "x=1": FixedTemperature(300.0)}
    body = Body(box_mesh([edges, edges]), {"body": 1.0}, {}, {})
    names = list(body.mesh.faces)
    body = evolve(body, faces=dict(zip(names[:2], faces.values(), strict=True)))
    assert isinstance(solve(body), BodyTemperatures)
    with pytest.raises(InputError, match="neither blocks nor sides"):
        solve(Layout(device, [block]), method="layers")
    with pytest.raises(InputError, match="takes a body"):
        solve(device, method="elements")  # pyright: ignore[reportCallIssue, reportArgumentType]


@pytest.mark.parametrize("subject", [3, None, "chip.toml", chip().stack])
def test_what_is_no_device_is_refused(subject: object):
    with pytest.raises(InputError, match=r"solve got .* expected a Device \(layers\), a Layout .* or a Body"):
        solve(subject)  # pyright: ignore[reportCallIssue, reportArgumentType]


@pytest.mark.parametrize("method", ["fast", "", 3])
def test_unknown_methods_are_refused(method: object):
    for subject in (chip(), Layout(chip())):
        with pytest.raises(InputError, match=r"method = .*expected 'layers', 'volumes', 'elements'; leave it out"):
            solve(subject, method=method)  # pyright: ignore[reportCallIssue, reportArgumentType]


def test_unknown_waveforms_are_refused():
    for found in (solve(chip()), solve(chip(), method="volumes", cells=800)):
        with pytest.raises(InputError, match="unknown waveform 'sudden': expected 'stated' or 'step'"):
            found.respond([1e-6], "sudden")  # pyright: ignore[reportArgumentType]


def test_all_heat_crosses_the_boundary_of_layers():
    """Every watt crosses every boundary: the maps of both sides differ by the flux over the conductance."""
    found = solve(chip())
    jump = found.jumps["film|base"]
    np.testing.assert_allclose(jump.flow, found.power, rtol=1e-6, atol=0)
    np.testing.assert_allclose(jump.jump.mean(), 0.02 / (60 * 40 * um**2) / 5e7, rtol=1e-6, atol=0)
    assert jump.jump.max() < found.peak


def test_a_boundary_that_does_not_resist_has_no_jump():
    assert not solve(chip(np.inf)).jumps


def test_grid_and_layers_agree_on_the_jump_and_its_plane():
    """A second road: finite volumes against the exact solution."""
    exact, grid = solve(chip()), solve(chip(), method="volumes", cells=40_000)
    one, other = exact.jumps["film|base"], grid.jumps["film|base"]
    np.testing.assert_allclose(other.flow, one.flow, rtol=1e-6, atol=0)
    np.testing.assert_allclose(other.jump.max(), one.jump.max(), rtol=0.02, atol=0)
    np.testing.assert_allclose(grid.peak, exact.peak, rtol=0.02, atol=0)
    np.testing.assert_allclose(
        grid.plane(Plane("base")).value.max(), exact.plane(Plane("base")).value.max(), rtol=0.02, atol=0
    )
    got, want = grid.sensitivities(["film|base.conductance"], cells=8000), exact.sensitivities()
    np.testing.assert_allclose(got["film|base.conductance"], want["film|base.conductance"], rtol=0.03, atol=0)


def test_sensitivities_by_name():
    found = solve(chip(), sensitivity=False)
    step = 1e-3
    peaks = [solve(chip(5e7 * (1 + sign * step)), sensitivity=False).peak for sign in (1, -1)]
    got = found.sensitivities(["film|base.conductance"])
    np.testing.assert_allclose(got["film|base.conductance"], (peaks[0] - peaks[1]) / (2 * step), rtol=1e-4, atol=0)
    with pytest.raises(InputError, match=r"no sensitivity to 'film\.colour'"):
        found.sensitivities(["film.colour"])


def test_saved_results_answer_as_before(tmp_path: Path):
    grid = solve(chip(), method="volumes", cells=1000)
    for number, found in enumerate((solve(chip()), grid)):
        again = load(save(found, tmp_path / f"{number}.npz"))
        np.testing.assert_allclose(again.jumps["film|base"].flow, found.jumps["film|base"].flow, rtol=1e-12, atol=0)
    old = evolve(grid, layout=None)
    assert old.means == grid.means
    with pytest.raises(InputError, match="saved without their layout"):
        old.section()
