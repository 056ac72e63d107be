"""Fields on box grids against exact solutions of layers, resistances in series, and their own balances."""

import csv
from typing import Any

import devices
import numpy as np
import pytest
from attrs import evolve
from scipy.sparse import csr_array

from kapitza.core.conductance import Conductance
from kapitza.core.stack import Layer, Stack
from kapitza.device import multigrid
from kapitza.device.description import Box, ConductivityLaw, Device, HeatSource
from kapitza.device.grid.box_grid import BoxGrid, automatic_grid
from kapitza.device.grid.finite_volumes import balance_matrix, cell_heats, finite_volumes, paint_regions
from kapitza.device.grid.temperatures import solve_on_grid
from kapitza.device.layered.temperatures import solve_layered
from kapitza.device.layout import Block, Layout
from kapitza.device.shapes import Disc, GaussianSpot, Rectangle
from kapitza.device.solver import solve
from kapitza.errors import ConvergenceError, InputError, MissingEngine, ValidityWarning
from kapitza.units import um

transistor = devices.transistor

WHOLE = Rectangle((0, 3 * um), (0, 5 * um))


def even(conductance: Any = 5e7, coefficient: float = np.inf, **more: Any) -> Device:
    """Heat over all of the top face of two layers."""
    stack = Stack([Layer("a", 1 * um, 20.0), Layer("b", 10 * um, 150.0, in_plane=300.0)], [conductance])
    return Device(stack, [HeatSource("all", 1e-3)], Box(3 * um, 5 * um), coefficient=coefficient, **more)


def ridge(conductance: float, axis: int) -> Device:
    """A smooth ridge of heat on two layers with a boundary, the same all along the other axis."""
    stack = Stack([Layer("a", 1 * um, 20.0, in_plane=40.0), Layer("b", 2 * um, 150.0, in_plane=300.0)], [conductance])
    wide = 1e4 * um
    spot = GaussianSpot(0, 0, 2 * um, wide) if axis == 0 else GaussianSpot(0, 0, wide, 2 * um)
    return Device(stack, [HeatSource("ridge", 1e-3, spot)], Box(3 * um, 3 * um))


def test_one_dimension_with_a_jump_is_exact():
    got = solve_on_grid(even(), 500, tolerance=1e-13)
    area = 15 * um**2
    want = 1e-3 / area * np.array([1 * um / 20, 1 / 5e7, 10 * um / 150])
    np.testing.assert_allclose([got.temperatures.drop[n] for n in ("a", "a|b", "b")], want, rtol=1e-9, atol=0)
    np.testing.assert_allclose(got.temperatures.peak, want.sum(), rtol=1e-9, atol=0)
    np.testing.assert_allclose(got.temperatures.average["all"], want.sum(), rtol=1e-9, atol=0)
    assert abs(got.imbalance) < 1e-9


@pytest.mark.parametrize(("conductance", "axis"), [(np.inf, 0), (5e7, 0), (5e7, 1)])
def test_second_order_on_smooth_and_on_jump_problems(conductance, axis):
    device = ridge(conductance, axis)
    want = solve_layered(device, sensitivity=False).peak
    even, errors = np.array([0, 3 * um]), []
    for n in (24, 48, 96):
        share = np.linspace(0, 1, n + 1)
        fine = 3 * um * (share + 0.3 * share**2) / 1.3
        z = np.concatenate([np.linspace(0, 1 * um, n // 2 + 1), np.linspace(1 * um, 3 * um, n // 2 + 1)[1:]])
        grid = BoxGrid(fine, even, z) if axis == 0 else BoxGrid(even, fine, z)
        errors.append(solve_on_grid(device, grid=grid).temperatures.peak - want)
    order = np.log2(errors[-2] / errors[-1])
    assert abs(order - 2) < 0.05, (order, errors)


def test_transistor_of_the_reference(data):
    with data("device/gan_stack_steady.csv").open() as file:
        want = {row["quantity"]: float(row["value_K"]) for row in csv.DictReader(file)}
    got = solve_on_grid(transistor(), 30_000)
    hot = got.temperatures
    np.testing.assert_allclose(hot.peak, want["peak_rise_at_symmetry_corner"], rtol=6e-3, atol=0)
    np.testing.assert_allclose(hot.average["finger"], want["patch_average_rise"], rtol=1e-2, atol=0)
    np.testing.assert_allclose(hot.drop["GaN|SiC"], want["jump_across_interface_1_at_corner"], rtol=4e-3, atol=0)
    np.testing.assert_allclose(sum(hot.drop.values()), hot.peak, rtol=1e-12, atol=0)
    np.testing.assert_allclose(hot.place, 0, atol=1e-12)
    assert abs(got.imbalance) < 1e-9


def test_the_matrix_is_symmetric_and_its_rows_are_balances():
    layout = Layout(transistor(), sides={"left": 1e5, "back": np.inf})
    grid = automatic_grid(layout, 2000)
    found = finite_volumes(layout, grid, paint_regions(layout, grid))
    balances = balance_matrix(found)
    assert balances.indices.dtype == np.int32
    assert abs(balances - balances.T).max() == 0
    rise = np.random.default_rng(1).random(grid.shape)
    np.testing.assert_allclose(balances @ rise.ravel(), found.flow(rise).ravel(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(balances.sum(), sum(g.sum() for g in found.outer), rtol=1e-6, atol=0)


def test_a_block_of_all_of_a_layer_is_a_layer():
    """The same body once as three layers and once as a block between two."""
    outline = Rectangle((0, 3 * um), (0, 5 * um))
    source = HeatSource("patch", 1e-3, Rectangle((0, 1 * um), (0, 1 * um)))
    box = Box(3 * um, 5 * um)
    upper, lower = Layer("a", 1 * um, 20.0), Layer("b", 2 * um, 150.0)
    middle = Layer("m", 0.5 * um, 5.0, in_plane=9.0)
    layered = Device(Stack([upper, middle, lower], [4e7, 9e7]), [source], box)
    filler = Layer("f", 0.5 * um, 1.0)
    bare = Device(Stack([upper, filler, lower], [np.inf, np.inf]), [source], box)
    block = Block(middle, outline, 1 * um, 4e7, contacts={"b": 9e7})
    one = solve_on_grid(layered, 4000).temperatures
    other = solve_on_grid(Layout(bare, [block]), grid=automatic_grid(Layout(layered), 4000)).temperatures
    np.testing.assert_allclose(other.peak, one.peak, rtol=1e-8, atol=0)
    for name in ("a", "a|m", "m", "m|b", "b"):
        np.testing.assert_allclose(other.drop[name], one.drop[name], rtol=1e-7, atol=0)


def test_a_turned_device_has_the_same_temperatures():
    """Blocks stacked along x between a heated and a cold side: resistances in series, jumps along x."""
    body = Layer("body", 1 * um, 10.0, in_plane=30.0)
    device = Device(
        Stack([body]), [HeatSource("none", 1e-12)], Box(4 * um, 2 * um), coefficient=0.0, top_coefficient=1e-9
    )
    hot = Block(Layer("hot", 1 * um, 1.0, in_plane=60.0), Rectangle((0, 1 * um), (0, 2 * um)), 0.0, 2e7, power=1e-3)
    got = solve_on_grid(Layout(device, [hot], sides={"right": 1e6}), 2000)
    area = 2 * um**2
    flux = 1e-3 / area
    middles = got.grid.middles[0]
    want = np.where(
        middles < 1 * um,
        flux * (1e-6 + 3 * um / 30 + 1 / 2e7 + (1 * um - middles**2 / um) / 120),
        flux * (1e-6 + (4 * um - middles) / 30),
    )
    want[middles < 1 * um] -= flux * got.grid.sizes[0][middles < 1 * um] ** 2 / um / 60 / 8 * -1
    np.testing.assert_allclose(got.rise[:, 0, 0], want, rtol=1e-4, atol=0)
    assert abs(got.imbalance) < 1e-9


def test_conductivity_of_temperature_by_kirchhoff():
    """In one dimension with k ~ T^-1 a layer drops T_sink (exp(q d / k T_sink) - 1)."""
    law = ConductivityLaw.power(20.0, -1.0)
    stack = Stack([Layer("a", 10 * um, 20.0)])
    device = Device(stack, [HeatSource("all", 1e-3)], Box(3 * um, 5 * um), laws={"a": law})
    want = 300 * np.expm1(1e-3 / (15 * um**2) * 10 * um / 20 / 300)
    errors = []
    for cells in (20, 40):
        grid = BoxGrid([0, 3 * um], [0, 5 * um], np.linspace(0, 10 * um, cells + 1))
        got = solve_on_grid(device, grid=grid)
        errors.append(got.temperatures.peak - want)
        assert got.temperatures.iterations <= 6
    assert abs(errors[1] / want) < 1e-4
    assert abs(np.log2(errors[0] / errors[1]) - 2) < 0.2


def test_conductance_of_temperature():
    """G ~ T: the drop δ at a flux q solves G (T + δ/2) δ = q T with the boundary at the middle of its two sides."""
    kelvin = np.array([100.0, 1000.0])
    device = even(Conductance(kelvin, 5e7 * kelvin / 300), coefficient=1e9)
    got = solve_on_grid(device, 400).temperatures
    flux = 1e-3 / (15 * um**2)
    below = got.drop["b"] + got.drop["sink"]
    want = np.roots([0.5, 300 + below, -flux * 300 / 5e7]).max()
    np.testing.assert_allclose(got.drop["a|b"], want, rtol=1e-6, atol=0)


def test_transistor_with_conductivities_of_temperature():
    """43.0 K from another implementation on 149,000 cells; no exact value is known."""
    laws = {"GaN": ConductivityLaw.power(150, -1.4), "SiC": ConductivityLaw.power(390, -1.3)}
    got = solve_on_grid(transistor(laws=laws), 30_000).temperatures
    assert got.iterations <= 5
    np.testing.assert_allclose(got.peak, 43.017, rtol=4e-3, atol=0)


def test_grids_end_at_all_faces_and_have_the_wanted_size():
    layout = Layout(
        transistor(), [Block(Layer("via", 30 * um, 400), Rectangle((50 * um, 60 * um), (0, 9 * um)), 2 * um)]
    )
    for wanted in (10_000, 100_000):
        grid = automatic_grid(layout, wanted)
        assert 0.8 < grid.count / wanted < 1.25
        for edges, faces in ((grid.x, [2, 50, 60, 100]), (grid.y, [9, 25, 100]), (grid.z, [2, 32, 102, 122, 322])):
            assert all(np.abs(edges - one * um).min() < 1e-12 for one in faces)


def test_heat_is_the_power_of_the_sources():
    device = transistor()
    more = [
        *device.sources,
        HeatSource("disc", 0.02, Disc(50 * um, 50 * um, 7 * um), device.top()),
        HeatSource("joule", 0.01, volumetric=True),
        HeatSource("spot", 0.03, GaussianSpot(0, 100 * um, 9 * um)),
    ]
    layout = Layout(evolve(device, sources=more))
    grid = automatic_grid(layout, 5000)
    found = finite_volumes(layout, grid, paint_regions(layout, grid))
    np.testing.assert_allclose(cell_heats(found).sum(), layout.power, rtol=1e-12, atol=0)


def test_without_multigrid(monkeypatch):
    want = solve_on_grid(transistor(), 3000).temperatures.peak

    def missing(*_: Any, **__: Any) -> Any:
        raise MissingEngine("pyamg")

    monkeypatch.setattr(multigrid, "require", missing)
    monkeypatch.setattr(multigrid, "_LARGE_SYSTEM", 1000)
    with pytest.warns(ValidityWarning, match="without multigrid"):
        got = solve_on_grid(transistor(), 3000).temperatures.peak
    np.testing.assert_allclose(got, want, rtol=1e-8, atol=0)


def test_the_way_is_chosen_by_the_geometry():
    device = transistor()
    assert solve(device).peak == solve_layered(device).peak
    via = Block(Layer("via", 50 * um, 2000.0), Rectangle((0, 50 * um), (0, 50 * um)), 2 * um, 1e8)
    assert solve(Layout(device, [via]), cells=5000).peak < solve_layered(device).peak


def test_what_cannot_be_described_is_refused():
    device = transistor()
    layer = Layer("via", 10 * um, 100.0)
    inside = Rectangle((0, 5 * um), (0, 5 * um))
    with pytest.raises(InputError, match="staircase"):
        Block(layer, Disc(0, 0, 5 * um), 0.0)
    with pytest.raises(InputError, match="outside of 0 to"):
        Layout(device, [Block(layer, Rectangle((0, 500 * um), (0, 5 * um)), 0.0)])
    with pytest.raises(InputError, match="is not there"):
        Layout(device, [Block(layer, inside, 0.0, contacts={"gold": 1e8})])
    with pytest.raises(InputError, match="its own name"):
        Layout(device, [Block(Layer("GaN", 1 * um, 100.0), inside, 0.0)])
    with pytest.raises(InputError, match="side 'up'"):
        Layout(device, sides={"up": 1.0})
    with pytest.raises(InputError, match="wanted above 0"):
        Block(layer, inside, 0.0, -1e7)
    with pytest.raises(InputError, match="has no box"):
        solve_on_grid(evolve(device, box=None))
    with pytest.raises(InputError, match="unknowns"):
        automatic_grid(Layout(device), 10)
    with pytest.raises(InputError, match="emitted drop"):
        Block(layer, inside, 0.0, Conductance([300.0], [1e8], drop="emitted"))


def test_a_device_that_runs_away_is_told():
    law = ConductivityLaw([1.0, 300.0, 1e6], [20.0, 20.0, 1e-9])
    device = Device(Stack([Layer("a", 10 * um, 20.0)]), [HeatSource("all", 0.1)], Box(3 * um, 5 * um), laws={"a": law})
    with pytest.raises((ConvergenceError, InputError)):
        solve_on_grid(device, 300)


def test_a_preconditioner_that_stalls_is_replaced_by_a_stronger_one():
    """One step of the weak one is not enough; the inverse itself needs one more."""
    matrix = csr_array(np.diag([1.0, 1e6, 1e12]) + 0.5)
    inverse = np.linalg.inv(matrix.toarray())
    strong = multigrid.Preconditioner(lambda residual: inverse @ residual, 5)
    weak = multigrid.Preconditioner(lambda residual: residual.copy(), 1, lambda: strong)
    right = np.array([1.0, 2.0, 3.0])
    found, _ = multigrid.conjugate_gradients(matrix, right, weak)
    assert np.abs(matrix @ found - right).max() <= 1e-9
    with pytest.raises(ConvergenceError, match="1 iterations"):
        multigrid.conjugate_gradients(matrix, right, evolve(weak, stronger=None))
