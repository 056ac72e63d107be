"""Finite elements with doubled nodes: exact solutions, orders, curved and inclined boundaries, balance, bad input."""

import csv

import numpy as np
import pytest
from attrs import evolve

from kapitza.applications.composite import hasselman_johnson
from kapitza.core.conductance import Conductance
from kapitza.core.stack import Layer, Stack
from kapitza.device.description import Box, Device, HeatSource
from kapitza.device.elements.body import Body, Convection, FixedFlux, FixedTemperature
from kapitza.device.elements.mesh import Mesh, Simplex, quadratic_mesh, simplex_of
from kapitza.device.elements.mesh_generators import ball_mesh, box_mesh, inclined_mesh
from kapitza.device.elements.steady import cell_conductivity
from kapitza.device.elements.temperatures import solve_body
from kapitza.device.layered.temperatures import solve_layered
from kapitza.device.shapes import Rectangle
from kapitza.errors import InputError
from kapitza.units import um


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("order", [1, 2])
def test_quadrature_integrates_powers_and_shapes_are_one_at_their_node(dimension: int, order: int):
    shape = Simplex(dimension, order)
    points, weights = shape.quadrature()
    np.testing.assert_allclose(weights.sum(), shape.volume, rtol=1e-14, atol=0)
    # Integral of x^p over a unit simplex: p! / (p + d)!.
    for power in range(1, 2 * order + 2):
        want = 1 / np.prod([power + i for i in range(1, dimension + 1)])
        np.testing.assert_allclose(weights @ points[:, -1] ** power, want, rtol=1e-13, atol=0)
        np.testing.assert_allclose(weights @ points[:, 0] ** power, want, rtol=1e-13, atol=0)
    values, slopes = shape.shapes(points)
    np.testing.assert_allclose(values.sum(axis=1), 1, rtol=1e-14, atol=0)
    np.testing.assert_allclose(slopes.sum(axis=1), 0, rtol=0, atol=1e-13)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("dimension", [2, 3])
def test_layers_with_jumps_are_exact(dimension: int, order: int):
    """One dimension, three layers, two boundaries, heat that enters at the top and leaves through a coolant."""
    x = np.concatenate([np.linspace(0, 2, 4), np.linspace(2, 3, 3)[1:], np.linspace(3, 7, 5)[1:]]) * um
    axes = [x] + [np.linspace(0, 1, 3) * um] * (dimension - 1)
    mesh = box_mesh(axes, ("a", "b", "c"), lambda c: (c[:, 0] > 2 * um) * 1 + (c[:, 0] > 3 * um), order=order)
    faces = {"x-": FixedFlux(1e9), "x+": Convection(1e7, 300.0)}
    found = solve_body(Body(mesh, {"a": 150, "b": 1.4, "c": 390}, {"a|b": 5e7, "c|b": 1e8}, faces))
    stack = Stack([Layer("a", 2 * um, 150), Layer("b", 1 * um, 1.4), Layer("c", 4 * um, 390)], [5e7, 1e8])
    np.testing.assert_allclose(found.peak - 300, 1e9 * (stack.resistance() + 1e-7), rtol=1e-9, atol=0)
    np.testing.assert_allclose(found.jumps["a|b"].jump, 1e9 / 5e7, rtol=1e-9, atol=0)
    np.testing.assert_allclose(found.jumps["c|b"].jump, -1e9 / 1e8, rtol=1e-9, atol=0)
    np.testing.assert_allclose(found.mean("x+") - 300, 1e9 / 1e7, rtol=1e-9, atol=0)
    assert found.imbalance < 1e-9


@pytest.mark.parametrize("order", [1, 2])
def test_an_inclined_boundary_between_anisotropic_parts_is_exact(order: int):
    """Patch test: tensors that turn a gradient along the normal into heat along x leave top and bottom adiabatic."""
    angle, length, foot = 0.6, 3.0, 1.2
    n = np.array([np.cos(angle), -np.sin(angle)])
    along = np.array([n[1], -n[0]])

    def tensor(k: float) -> np.ndarray:
        """Symmetric, with k n along x."""
        mixed = np.outer(n, along) + np.outer(along, n)
        return k * (np.outer(n, n) - np.tan(angle) * mixed + 3 * np.outer(along, along))

    mesh = inclined_mesh((length, 1.0), foot, angle, 5, sheared=True, order=order)
    k = {"left": tensor(2.0), "right": tensor(5.0)}
    np.testing.assert_allclose(k["left"] @ n / np.linalg.norm(k["left"] @ n), [1, 0], rtol=0, atol=1e-14)
    found = solve_body(Body(mesh, k, {"left|right": 4.0}, {"x-": FixedTemperature(1.0), "x+": FixedTemperature(0.0)}))
    # Across the layers: R = d1/k1 + 1/G + d2/k2 with their true thickness along the normal.
    flux = 1 / (foot * n[0] / 2.0 + 1 / 4.0 + (length - foot) * n[0] / 5.0)
    np.testing.assert_allclose(found.jumps["left|right"].jump, flux / 4.0, rtol=1e-10, atol=0)
    np.testing.assert_allclose(found.flows["x+"], flux / np.cos(angle), rtol=1e-10, atol=0)
    np.testing.assert_allclose(found.jumps["left|right"].area.sum(), 1 / np.cos(angle), rtol=1e-12, atol=0)


def test_a_turned_stack_of_uneven_cells_is_exact():
    """Patch test: the same answer whatever the direction of the layers and the shape of the cells."""
    rng = np.random.default_rng(3)
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))

    def onto(points: np.ndarray) -> np.ndarray:
        inside = np.prod(np.sin(np.pi * points), axis=1)[:, None]
        return (points + 0.15 * inside * [1, -0.5, 0.7] * (np.abs(points[:, :1] - 0.5) > 0.01)) @ turn.T

    line = np.linspace(0, 1, 5)
    mesh = box_mesh([line] * 3, ("a", "b"), lambda c: c[:, 0] > 0.5, onto=onto)
    found = solve_body(
        Body(mesh, {"a": 1.0, "b": 3.0}, {"a|b": 2.0}, {"x-": FixedTemperature(1), "x+": FixedTemperature(0)})
    )
    flux = 1 / (0.5 + 0.5 + 0.5 / 3)
    np.testing.assert_allclose(found.flows["x+"], flux, rtol=1e-10, atol=0)
    np.testing.assert_allclose(found.jumps["a|b"].jump, flux / 2, rtol=1e-10, atol=0)


def ball_error(cells: int, dimension: int, conductance: float, order: int) -> float:
    """Root mean square error over the exact mean of a heated ball in a shell whose outside is held."""
    a, b, k1, k2, q = 1.0, 2.0, 3.0, 0.7, 2.0
    mesh = ball_mesh(a, b, cells, dimension=dimension, outside="ball", order=order)
    body = Body(
        mesh,
        {"particle": k1, "matrix": k2},
        {"particle|matrix": conductance},
        {"outside": FixedTemperature(0)},
        {"particle": q},
    )
    found = solve_body(body)
    assert found.imbalance < 1e-9
    d = dimension

    def outer(r: np.ndarray | float) -> np.ndarray:
        return q * a**d / d / k2 * (np.log(b / r) if d == 2 else 1 / r - 1 / b)

    errors, total = 0.0, 0.0
    for region in mesh.names:
        points, temperature = found.at(region)
        r = np.linalg.norm(points, axis=1)
        jump = 0 if np.isinf(conductance) else q * a / d / conductance
        inside = outer(a) + jump + q * (a**2 - r**2) / (2 * d * k1)
        want = inside if region == "particle" else outer(np.minimum(r, b))
        errors, total = errors + float(np.mean((temperature - want) ** 2)), total + float(np.mean(want**2))
    return float(np.sqrt(errors / total))


@pytest.mark.parametrize(("dimension", "cells"), [(2, 40), (3, 12)])
@pytest.mark.parametrize("conductance", [0.5, np.inf])
def test_the_error_falls_with_the_square_of_the_cells(dimension: int, cells: int, conductance: float):
    """Linear cells, with and without a jump at the curved boundary."""
    coarse, fine = (ball_error(n, dimension, conductance, 1) for n in (cells, 2 * cells))
    assert abs(np.log2(coarse / fine) - 2) < 0.05


@pytest.mark.parametrize("dimension", [2, 3])
def test_quadratic_cells_follow_the_curve(dimension: int):
    assert ball_error(8, dimension, 0.5, 2) < 0.1 * ball_error(16, dimension, 0.5, 1)


def sphere(cells: int, order: int) -> Body:
    mesh = ball_mesh(1.0, 1.5, cells, order=order)
    return Body(mesh, {"particle": 10.0, "matrix": 1.0}, {"particle|matrix": 1.0})


def test_spheres_in_a_cubic_lattice(data):
    rows = csv.DictReader(data("device/sphere_in_cube_kapitza.csv").read_text().splitlines())
    want = next(float(row["keff"]) for row in rows if row["method"] == "hasselman_johnson")
    np.testing.assert_allclose(cell_conductivity(sphere(8, 2), "isothermal"), want * np.eye(3), rtol=0, atol=2e-5)
    # Linear cells on their own way there: the error falls fourfold, so that two meshes give the limit.
    coarse, fine = (cell_conductivity(sphere(n, 1), "isothermal")[0, 0] for n in (8, 16))
    np.testing.assert_allclose(fine + (fine - coarse) / 3, want, rtol=0, atol=2e-5)
    # A grid of bricks of whatever size gives 1.0397 to 1.0420.


def test_cells_agree_with_the_formula_of_spheres():
    phi = 4 / 3 * np.pi / 27
    want = float(np.squeeze(hasselman_johnson(1.0, 10.0, 1.0, radius=1.0, fraction=phi)))
    np.testing.assert_allclose(cell_conductivity(sphere(6, 2), "isothermal")[0, 0], want, rtol=2e-5, atol=0)


def test_a_periodic_cell_equals_its_part_between_planes_of_symmetry():
    k = {"particle": 10.0, "matrix": 1.0}
    part = ball_mesh(1.0, 1.5, 6, dimension=2)
    whole = ball_mesh(1.0, 1.5, 6, dimension=2, part="whole")
    np.testing.assert_allclose(whole.volume(), 9.0, rtol=1e-12, atol=0)
    one, other = (Body(mesh, k, {"matrix|particle": 1.0}) for mesh in (part, whole))
    got = cell_conductivity(other)
    np.testing.assert_allclose(np.diag(got), np.diag(cell_conductivity(one, "isothermal")), rtol=1e-9, atol=0)
    assert abs(got[0, 1]) < 1e-9
    held = solve_body(Body(whole, k, {"matrix|particle": 1.0}, {"x-": FixedTemperature(0), "x+": FixedTemperature(1)}))
    np.testing.assert_allclose(held.flows["x-"], got[0, 0], rtol=1e-9, atol=0)


def test_a_periodic_laminate_is_series_and_parallel():
    x = np.linspace(0, 1, 9)
    mesh = box_mesh([x, np.linspace(0, 1, 4)], ("a", "b"), lambda c: np.abs(c[:, 0] - 0.5) < 0.25)
    got = cell_conductivity(Body(mesh, {"a": 1.0, "b": 4.0}, {"a|b": 5.0}))
    np.testing.assert_allclose(np.diag(got), [1 / (0.5 + 0.125 + 0.4), 2.5], rtol=1e-10, atol=0)
    turned = np.array([[2.0, 0.5], [0.5, 1.0]])
    uniform = cell_conductivity(Body(mesh, {"a": turned, "b": turned}))
    np.testing.assert_allclose(uniform, turned, rtol=1e-10, atol=0)


def test_iterations_equal_a_factorisation(monkeypatch):
    body = Body(
        ball_mesh(1.0, 1.5, 7, order=1),
        {"particle": 10.0, "matrix": 1.0},
        {"particle|matrix": 1.0},
        {"x-": FixedTemperature(0)},
        {"particle": 1.0},
    )
    want = solve_body(body)
    monkeypatch.setattr("kapitza.device.elements.steady.MAX_DIRECT_UNKNOWNS", {2: 0, 3: 0})
    for installed in (None, object()):
        monkeypatch.setattr("kapitza.device.elements.steady.find_spec", lambda name, found=installed: found)
        if installed is not None:
            pytest.importorskip("pyamg")
        got = solve_body(body)
        assert got.steps > 0
        assert got.imbalance < 1e-9
        np.testing.assert_allclose(got.temperature, want.temperature, rtol=1e-9, atol=1e-9)


def test_conduction_equals_that_of_scikit_fem():
    """A second road to the matrix of quadratic tetrahedra."""
    skfem = pytest.importorskip("skfem")
    helpers = pytest.importorskip("skfem.helpers")
    line = np.linspace(0, 1, 4)
    mesh = box_mesh([line, line**1.5, line**0.8], order=2)
    k = np.array([[2.0, 0.3, 0.1], [0.3, 1.0, 0.0], [0.1, 0.0, 3.0]])
    body = Body(mesh, {"body": k}, faces={"x-": FixedTemperature(0)}, heat={"body": 1.0})
    linear = box_mesh([line, line**1.5, line**0.8])
    basis = skfem.Basis(skfem.MeshTet(linear.points.T.copy(), linear.cells.T.copy()), skfem.ElementTetP2())
    form = skfem.BilinearForm(
        lambda u, v, _: helpers.dot(helpers.mul(k[:, :, None, None], helpers.grad(u)), helpers.grad(v))
    )
    load = skfem.LinearForm(lambda v, _: v)
    held = np.flatnonzero(np.abs(basis.doflocs[0]) < 1e-12)
    want = skfem.solve(*skfem.condense(form.assemble(basis), load.assemble(basis), D=held))
    np.testing.assert_allclose(solve_body(body).peak, want.max(), rtol=1e-9, atol=0)


def test_a_conductance_of_temperature_is_taken_at_the_reference():
    mesh = box_mesh([np.linspace(0, 1, 5), np.linspace(0, 1, 3)], ("a", "b"), lambda c: c[:, 0] > 0.5)
    law = Conductance([200, 400], [1.0, 3.0], drop="extrapolated")
    faces = {"x-": FixedTemperature(1), "x+": FixedTemperature(0)}
    got = solve_body(Body(mesh, {"a": 1, "b": 1}, {"a|b": law}, faces, reference=300.0))
    np.testing.assert_allclose(got.flows["x+"], 1 / (1 + 1 / law.at(300.0)[0]), rtol=1e-10, atol=0)
    blocked = Body(mesh, {"a": 1, "b": 1}, {"a|b": 0}, faces)
    assert abs(solve_body(blocked).flows["x+"]) < 1e-12


def quarters(*pairs: str, cells: int = 4, conductance: float = 1e9) -> Body:
    """Three regions that meet in a point: two quarters and a half, warm at the left."""
    line = np.linspace(0, 1, cells + 1)
    mesh = box_mesh([line, line], ("a", "b", "c"), lambda c: np.where(c[:, 0] > 0.5, 2, c[:, 1] > 0.5), order=2)
    k = {"a": 1.0, "b": 5.0, "c": 2.0}
    return Body(mesh, k, dict.fromkeys(pairs, conductance), {"x-": FixedTemperature(1), "x+": FixedTemperature(0)})


@pytest.mark.parametrize("pairs", [(), ("a|b",), ("a|c", "b|c"), ("a|b", "a|c"), ("a|b", "a|c", "b|c")])
def test_where_three_regions_meet_a_perfect_boundary_is_none(pairs: tuple[str, ...]):
    """Whichever of the boundaries resist, and however many unknowns the common point gets."""
    found, want = solve_body(quarters(*pairs)), solve_body(quarters())
    np.testing.assert_allclose(found.flows["x+"], want.flows["x+"], rtol=1e-7, atol=0)
    middle = np.flatnonzero(np.linalg.norm(found.body.mesh.points - 0.5, axis=1) < 1e-12)
    assert np.isin(found.split.point, middle).sum() == {0: 1, 1: 1, 2: 2, 3: 3}[len(pairs)]
    assert sum(jump.area.size for jump in found.jumps.values()) == 2 * len(pairs)


def test_a_boundary_between_points_that_stay_whole_is_refused():
    line = np.linspace(0, 1, 4)

    def region(c: np.ndarray) -> np.ndarray:
        """One brick of a, b at the right of it, c around."""
        middle = (c[:, 1] > 1 / 3) & (c[:, 1] < 2 / 3) & (c[:, 0] > 1 / 3)
        return np.where(c[:, 0] > 2 / 3, 1, np.where(middle, 0, 2))

    mesh = box_mesh([line, line], ("a", "b", "c"), region)
    with pytest.raises(InputError, match="one facet wide"):
        solve_body(Body(mesh, {"a": 1, "b": 1, "c": 1}, {"a|b": 1.0}, {"x-": FixedTemperature(1)}))


def test_heat_spreads_in_a_box_as_the_exact_solution_of_layers_says():
    """A second road in three dimensions: cosine series of the layers."""
    patch = Rectangle((0, 2 * um), (0, 3 * um))
    layers = [Layer("film", 1 * um, 20.0), Layer("body", 3 * um, 60.0, in_plane=90.0)]
    device = Device(Stack(layers, [2e7]), [HeatSource("patch", 1e-3, patch)], Box(4 * um, 4 * um))
    side = [np.concatenate([np.linspace(0, end, 4), np.linspace(end, 4, 4)[1:]]) * um for end in (2, 3)]
    z = np.array([0, 0.3, 1, 2, 4]) * um
    mesh = box_mesh([*side, z], ("film", "body"), lambda c: c[:, 2] > 1 * um, order=2)
    top = mesh.faces["z-"]
    centre = mesh.points[mesh.cells[top[:, :1], simplex_of(mesh).facets[top[:, 1], :3]]].mean(axis=1)
    warm = top[(centre[:, 0] < 2 * um) & (centre[:, 1] < 3 * um)]
    mesh = evolve(mesh, faces={**mesh.faces, "patch": warm})
    faces = {"patch": FixedFlux(1e-3 / patch.area), "z+": FixedTemperature(300)}
    found = solve_body(Body(mesh, {"film": 20.0, "body": [90.0, 90.0, 60.0]}, {"film|body": 2e7}, faces))
    np.testing.assert_allclose(found.peak - 300, solve_layered(device).peak, rtol=1e-3, atol=0)
    want = solve_layered(device).average["patch"]
    # Rayleigh-Ritz: the mean where heat enters approaches its value from below.
    assert 0.995 * want < found.mean("patch") - 300 < want
    np.testing.assert_allclose(found.jumps["film|body"].flow, 1e-3, rtol=1e-9, atol=0)


def square(**more: object) -> Mesh:
    return box_mesh([np.linspace(0, 1, 3)] * 2, ("a", "b"), lambda c: c[:, 0] > 0.5, **more)


def spoiled(change: str) -> object:
    """Bodies that cannot be."""
    mesh = square()
    k = {"a": 1.0, "b": 1.0}
    cells = mesh.cells.copy()
    points = mesh.points.copy()
    if change == "inverted":
        cells[2, :2] = cells[2, 1::-1]
        return Mesh(points, cells, mesh.region, mesh.names)
    if change == "nan":
        points[3, 1] = np.nan
        return Mesh(points, cells, mesh.region, mesh.names)
    if change == "untagged":
        return Mesh(points, cells, np.where(mesh.region == 1, -1, 0), mesh.names)
    if change == "nodes":
        return Mesh(points, cells + 1, mesh.region, mesh.names)
    if change == "twice curved":
        return quadratic_mesh(quadratic_mesh(mesh))
    bodies = {
        "no conductivity": ({"a": 1.0}, {}, {}),
        "unknown region": ({**k, "copper": 1.0}, {}, {}),
        "unknown boundary": (k, {"a|c": 1.0}, {}),
        "negative boundary": (k, {"a|b": -1.0}, {}),
        "unknown face": (k, {}, {"top": FixedTemperature(0)}),
        "not positive": ({**k, "b": [[1.0, 2.0], [2.0, 1.0]]}, {}, {}),
        "nan conductivity": ({**k, "b": np.nan}, {}, {}),
        "no sink": (k, {}, {"x-": FixedFlux(1.0)}),
        "isolated": (k, {"a|b": 0.0}, {"x-": FixedTemperature(0.0)}),
        "edge": (k, {}, {"x-": FixedTemperature(0.0), "y-": FixedTemperature(1.0)}),
    }
    return solve_body(Body(mesh, *bodies[change]))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("inverted", "cell 2 of region b is inverted"),
        ("nan", "point 3 of the mesh"),
        ("untagged", "4 of 8 cells belong to no region"),
        ("nodes", "nodes 1 to 9 of 9 points"),
        ("twice curved", "already"),
        ("no conductivity", "region b has no conductivity"),
        ("unknown region", "'copper'"),
        ("unknown boundary", "no boundary 'a|c': regions touch at a|b"),
        ("negative boundary", "above 0"),
        ("unknown face", "no face 'top' in the mesh: it has x-"),
        ("not positive", "not symmetric and positive definite"),
        ("nan conductivity", "finite conductivity"),
        ("no sink", "no heat can leave region a"),
        ("isolated", "no heat can leave region b"),
        ("edge", "common edge"),
    ],
)
def test_bad_input_gets_one_line(change: str, says: str):
    with pytest.raises(InputError) as caught:
        spoiled(change)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
