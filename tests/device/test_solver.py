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
    Disc,
    GaussianSpot,
    GridTemperatures,
    HeatMap,
    HeatSource,
    LayeredTemperatures,
    Layout,
    Plane,
    PlaneFlux,
    Rectangle,
    TemperatureField,
    Temperatures,
    TriangulatedField,
)
from kapitza.device.elements.body import Body, FixedTemperature
from kapitza.device.elements.mesh_generators import box_mesh
from kapitza.device.layered.temperatures import flux_map
from kapitza.errors import InputError
from kapitza.io import BodyFile
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


def test_a_body_is_solved_as_its_file_describes_it():
    """As `read` returns it, without a step in between."""
    body = meshed_block()
    held = BodyFile("corner", body, 300.0)
    np.testing.assert_array_equal(solve(held).temperature, solve(body).temperature)
    with pytest.raises(InputError, match="cannot describe a body on a mesh"):
        solve(held, method="layers")  # pyright: ignore[reportCallIssue, reportArgumentType]


def test_wrong_kinds_of_arguments_are_refused_in_words():
    assert len(evolve(chip(), sources=chip().sources[0]).sources) == 1  # one without a list around it is one
    for sources in (None, 3, "gate"):
        with pytest.raises(InputError, match="expected a list of sources of heat, got"):
            Device(chip().stack, sources, chip().box)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="grid = 3: expected a BoxGrid; the number of cells is cells="):
        solve(chip(), grid=3)  # pyright: ignore[reportCallIssue, reportArgumentType]
    for found in (solve(chip()), solve(chip(), method="volumes", cells=800), solve(meshed_block())):
        for wrong in ("base", 3, 0, ""):
            for view in (found.plane, found.flux):
                with pytest.raises(InputError, match=r"expected a plane, got .*: write Plane\(layer, depth\)"):
                    view(wrong)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("y", [-1 * um, 41 * um, 1.0, np.nan, np.inf])
def test_sections_outside_of_a_device_are_refused(y: float):
    """Layers have mirror images beyond their sides, which are no part of the device."""
    for found in (solve(chip()), solve(chip(), method="volumes", cells=800)):
        with pytest.raises(InputError, match="a section at y = "):
            found.section(y)
    if not np.isfinite(y):
        spot = HeatSource("spot", 0.02, SHAPES["spot"])
        endless = Device(Stack((Layer("base", np.inf, 30.0),)), (spot,))
        with pytest.raises(InputError, match="the device reaches from -inf to inf m"):
            solve(endless).section(y)


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
    assert found.sensitivities("film|base.conductance") == got
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


def heated_block() -> Layout:
    """A chip with a hot corner, which is drawn as well by boxes as by a mesh."""
    stack = Stack((Layer("film", 2 * um, 100.0), Layer("base", 8 * um, 30.0)), (Boundary(5e7),))
    hot = Block(Layer("hot", 1 * um, 100.0), Rectangle((0, 4 * um), (0, 3 * um)), 0.0, power=0.02)
    return Layout(Device(stack, (), Box(12 * um, 10 * um)), [hot])


def meshed_block(refine: int = 1) -> Body:
    """The same as a body of tetrahedra, upright: its depth runs down along z."""
    low, high = (np.linspace(*ends, n * refine + 1) * um for ends, n in (((0, 8), 6), ((8, 10), 4)))
    axes = [
        np.linspace(0, 12, 12 * refine + 1) * um,
        np.linspace(0, 10, 10 * refine + 1) * um,
        np.append(low, high[1:]),
    ]

    def region(c: np.ndarray) -> np.ndarray:
        hot = (c[:, 0] < 4 * um) & (c[:, 1] < 3 * um) & (c[:, 2] > 9 * um)
        return np.where(hot, 2, c[:, 2] < 8 * um)

    mesh = box_mesh(axes, ("film", "base", "hot"), region)
    conductivity = {"film": 100.0, "base": 30.0, "hot": 100.0}
    return Body(mesh, conductivity, {"film|base": 5e7}, {"z-": FixedTemperature(0.0)}, {"hot": 0.02 / (12 * um**3)})


def test_all_results_answer_the_same_questions():
    results: list[Temperatures] = [solve(chip()), solve(heated_block(), cells=3000), solve(meshed_block())]
    boundary = "film|base"
    for found in results:
        below = Plane("base")
        assert found.sink in (0.0, 300.0)
        assert isinstance(found.section(), (TemperatureField, TriangulatedField))
        assert isinstance(found.flux(below), PlaneFlux)
        hottest = found.plane().value.max()
        assert 0.9 * found.peak < hottest < 1.1 * found.peak
        assert found.plane(below).value.max() < hottest
        np.testing.assert_allclose(found.flux(below).area.sum(), found.jumps[boundary].area.sum(), rtol=1e-9, atol=0)
        got = found.sensitivities(f"{boundary}.conductance")
        assert got == found.sensitivities([f"{boundary}.conductance"])
        assert got[f"{boundary}.conductance"] < 0


SHAPES = {
    "rectangle": Rectangle((10 * um, 22 * um), (6 * um, 20 * um)),
    "disc": Disc(20 * um, 18 * um, 8 * um),
    "spot": GaussianSpot(20 * um, 18 * um, 6 * um),
    "map": HeatMap(np.arange(12.0).reshape(4, 3), (5 * um, 30 * um), (4 * um, 22 * um)),
    "everywhere": None,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("conductance", [5e7, np.inf])
def test_flux_through_planes_of_layers_carries_the_power(shape: str, conductance: float):
    """All heat goes down below its plane, none above it; at the boundary it is what the jump says."""
    for at in (None, Plane("base", 3 * um)):
        device = evolve(chip(conductance), sources=(HeatSource("heat", 0.02, SHAPES[shape], at),))
        found = solve(device, sensitivity=False)
        for plane in (None, Plane("film", from_bottom=True), Plane("base")):
            flow = found.flux(plane, (60, 40)).flow
            assert abs(flow - (0.02 if at is None else 0.0)) < 0.02 * 1e-4
        for plane in (Plane("base", 9 * um), Plane("base", from_bottom=True)):  # smooth: sums over cells are exact
            np.testing.assert_allclose(found.flux(plane, (60, 40)).flow, 0.02, rtol=1e-4, atol=0)
        if np.isfinite(conductance) and at is None:
            got, want = found.flux(Plane("base"), (64, 64)), found.jumps["film|base"]
            np.testing.assert_allclose(got.flux, want.flux, rtol=0, atol=1e-10 * want.flux.max())
            np.testing.assert_allclose(got.points, want.points, rtol=1e-12, atol=1e-20)


@pytest.mark.parametrize("points", [(1, 1), (3, 2), (37, 23), (64, 64), (301, 200)])
@pytest.mark.parametrize("place", [(20, 18, 8), (0, 0, 8), (58, 20, 5), (20, 18, 0.3)])
def test_flux_below_a_disc_carries_the_power_at_any_number_of_points(
    points: tuple[int, int], place: tuple[float, float, float]
):
    """Also where its middle lies on a side of the box, where it reaches beyond one, and within a single cell."""
    disc = HeatSource("heat", 0.02, Disc(*(um * one for one in place)))
    found = solve(evolve(chip(), sources=(disc,)), sensitivity=False).flux(None, points)
    np.testing.assert_allclose(found.flow, 0.02, rtol=1e-6, atol=0)
    assert found.flux.min() > -1e-9 * found.flux.max()
    assert found.flux.max() < 4.001 * 0.02 / (np.pi * (place[2] * um) ** 2)


@pytest.mark.parametrize("shape", SHAPES)
def test_flux_of_layers_is_the_gradient_of_their_temperature(shape: str):
    """A second road: a central difference of two planes, also close to the plane that is heated."""
    step = 0.02 * um
    for depth in (2 * um, 8 * um):
        source = HeatSource("heat", 0.02, SHAPES[shape], Plane("base", 1 * um))
        found = solve(evolve(chip(), sources=(source,)), sensitivity=False)
        above, below = (found.plane(Plane("base", depth + sign * step), (16, 12)).value for sign in (-1, 1))
        want = 30.0 * (above - below).ravel() / (2 * step)
        np.testing.assert_allclose(
            found.flux(Plane("base", depth), (16, 12)).flux, want, rtol=0, atol=2e-4 * want.max()
        )


def test_flux_of_a_layer_that_is_heated_throughout():
    """Heat grows linearly through the layer and stays below it."""
    source = HeatSource("heat", 0.02, SHAPES["spot"], Plane("base"), volumetric=True)
    found = solve(evolve(chip(), sources=(source,)), sensitivity=False)
    flows = [found.flux(Plane("base", depth), (60, 40)).flow for depth in (0.0, 5 * um, 20 * um)]
    np.testing.assert_allclose(flows, [0.0, 0.005, 0.02], rtol=1e-5, atol=1e-9)


def test_heat_on_a_plane_within_layers_parts():
    """Right below the heated plane the flux exceeds that right above by what enters, also where it is not smooth."""
    plane = Plane("film", from_bottom=True)
    found = solve(evolve(chip(np.inf), sources=(HeatSource("heat", 0.02, SHAPES["rectangle"], plane),)))
    above, below = (found.flux(p, (60, 40)).flux for p in (plane, Plane("base")))
    inside = below - above
    np.testing.assert_allclose(inside.max(), 0.02 / (12 * 14 * um**2), rtol=1e-9, atol=0)
    np.testing.assert_allclose(inside.sum() * um**2, 0.02, rtol=1e-9, atol=0)


def test_flux_of_a_grid_and_of_layers_agree():
    """A second road, with conductivities along y and x in two ratios, which take the transform."""
    device = chip()
    layers = Layer("film", 2 * um, 100.0, in_plane=60.0, in_plane_y=180.0), Layer("base", 20 * um, 30.0)
    device = evolve(device, stack=Stack(layers, (Boundary(5e7),)))
    grid, exact = solve(device, method="volumes", cells=30_000), flux_map(device, Plane("base"))
    got = grid.flux(Plane("base"))
    np.testing.assert_allclose([got.flow, exact.flow], 0.02, rtol=1e-6, atol=0)
    np.testing.assert_allclose(got.flux.max(), exact.flux.max(), rtol=0.02, atol=0)
    np.testing.assert_allclose(grid.flux().flow, 0.02, rtol=1e-9, atol=0)  # what the source gives, right below it
    at_boundary = grid.jumps["film|base"]
    np.testing.assert_allclose(got.flux, at_boundary.flux, rtol=1e-7, atol=0)


@pytest.mark.parametrize("depth", [0.3, 1.7, 5.0, 6.9, 14.2])
def test_planes_between_the_edges_of_a_grid_lie_within_its_cells(depth: float):
    """No power is lost, and values are those of the layers within the error of the grid."""
    grid, exact = solve(chip(), method="volumes", cells=40_000), solve(chip())
    plane = Plane("base", depth * um)
    assert not grid.grid.has_face((2 + depth) * um)
    got, want = grid.flux(plane), exact.flux(plane)
    np.testing.assert_allclose(got.flow, 0.02, rtol=1e-6, atol=0)
    np.testing.assert_allclose(got.flux.max(), want.flux.max(), rtol=0.01, atol=0)
    np.testing.assert_allclose(got.points[0, 2], (2 + depth) * um, rtol=1e-12, atol=0)
    rise, reference = grid.plane(plane), exact.plane(plane)
    np.testing.assert_allclose(rise.value.max(), reference.value.max(), rtol=0.02, atol=0)
    np.testing.assert_allclose(rise.at, reference.at, rtol=1e-12, atol=0)


def test_views_between_edges_are_continuous_with_those_on_them():
    found = solve(chip(), method="volumes", cells=8000)
    edge = float(found.grid.z[np.searchsorted(found.grid.z, 6 * um)]) - 2 * um
    on = Plane("base", edge)
    for near in (Plane("base", edge + side * 1e-6 * um) for side in (-1, 1)):
        for one, other in (
            (found.flux(near).flux, found.flux(on).flux),
            (found.plane(near).value, found.plane(on).value),
        ):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max())


def test_planes_of_a_flat_body_and_of_a_grid_agree():
    """Two dimensions, against a grid of one cell across: values along the line, and its depth below the top."""
    stack = Stack((Layer("film", 2 * um, 100.0), Layer("base", 8 * um, 30.0)), (Boundary(5e7),))
    hot = Block(Layer("hot", 1 * um, 100.0), Rectangle((0, 4 * um), (0, 10 * um)), 0.0, power=0.02)
    grid = solve(Layout(Device(stack, (), Box(12 * um, 10 * um)), [hot]), cells=20_000)
    low, high = (np.linspace(*ends, n + 1) * um for ends, n in (((0, 8), 48), ((8, 10), 32)))

    def region(c: np.ndarray) -> np.ndarray:
        return np.where((c[:, 0] < 4 * um) & (c[:, 1] > 9 * um), 2, c[:, 1] < 8 * um)

    mesh = box_mesh([np.linspace(0, 12, 97) * um, np.append(low, high[1:])], ("film", "base", "hot"), region)
    heat = {"hot": 0.02 / (4 * 10 * 1 * um**3)}
    faces = {"y-": FixedTemperature(0.0)}
    body = solve(Body(mesh, {"film": 100.0, "base": 30.0, "hot": 100.0}, {"film|base": 5e7}, faces, heat))
    for plane in (
        None,
        Plane("film", 1.5 * um),
        Plane("film", from_bottom=True),
        Plane("base"),
        Plane("base", 3 * um),
        Plane("base", 2 * um, from_bottom=True),
    ):
        want, got = grid.plane(plane), body.plane(plane)
        assert isinstance(got, TemperatureField)
        along = np.interp(want.x, got.x, got.value[:, 0])
        np.testing.assert_allclose(along, want.value[:, 0], rtol=0, atol=0.01 * want.value.max())
        np.testing.assert_allclose(got.at, want.at, rtol=1e-9, atol=1e-15)


def test_planes_of_a_body_and_of_a_grid_agree():
    """A second road: the cut of tetrahedra against boxes, within the width of their cells."""
    grid, body = solve(heated_block(), cells=20_000), solve(meshed_block(2))
    for plane in (None, Plane("film", 1 * um), Plane("film", from_bottom=True), Plane("base")):
        want, got = grid.plane(plane), body.plane(plane)
        assert isinstance(got, TriangulatedField)
        assert got.axes == ("x", "y")
        np.testing.assert_allclose(got.value.max(), want.value.max(), rtol=0.01, atol=0)
        np.testing.assert_allclose(got.value.min(), want.value.min(), rtol=0.01, atol=0)
    for plane in (Plane("film", from_bottom=True), Plane("base"), Plane("base", 4 * um)):
        np.testing.assert_allclose(body.flux(plane).flow, 0.02, rtol=0.04, atol=0)
    np.testing.assert_allclose(
        body.flux(Plane("base")).flux.max(), grid.flux(Plane("base")).flux.max(), rtol=0.1, atol=0
    )


def test_planes_of_a_flat_body():
    """One dimension along y: linear temperatures, one flux, and both sides of a boundary."""
    edges = np.array([0.0, 1.0, 2.0]) * um
    mesh = box_mesh([edges, edges], ("low", "high"), lambda c: c[:, 1] > 1 * um)
    faces = {"y-": FixedTemperature(0.0), "y+": FixedTemperature(4.0)}
    found = solve(Body(mesh, {"low": 1.0, "high": 1.0}, {"low|high": 1 / um}, faces))
    flux = 4.0 / (3 * um)
    for plane, rise in (
        (None, 4.0),
        (Plane("high", 0.25 * um), 4 - 1 / 3),
        (Plane("high", from_bottom=True), 8 / 3),
        (Plane("low"), 4 / 3),
    ):
        line = found.plane(plane)
        assert isinstance(line, TemperatureField)
        np.testing.assert_allclose(line.value, rise, rtol=1e-6, atol=0)
        np.testing.assert_allclose([line.x.min(), line.x.max()], [0, 2 * um], rtol=1e-9, atol=1e-15)
        assert (np.diff(line.x) >= -1e-15).all()
        np.testing.assert_allclose(found.flux(plane).flux, flux, rtol=1e-9, atol=0)
        np.testing.assert_allclose(found.flux(plane).flow, flux * 2 * um, rtol=1e-9, atol=0)
    with pytest.raises(InputError, match="no region 'film' for a plane: the mesh has low, high"):
        found.plane(Plane("film"))
    with pytest.raises(InputError, match=r"plane at 3e-06 m in low, which is only 1e-06 m high"):
        found.flux(Plane("low", 3 * um))
