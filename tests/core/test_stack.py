"""Stack: series adds, changes by name, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapitza.core.conductance import Conductance, merge_conductances, series_conductance
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.core.transmission import GRAY_ERROR, Transmission
from kapitza.device.layout import Block
from kapitza.device.shapes import Rectangle
from kapitza.errors import InputError
from kapitza.matter.electrons import Electrons
from kapitza.theory.electrons import electron_phonon
from kapitza.units import MW, nm, um

thicknesses = st.floats(1e-9, 1e-3)
conductivities = st.floats(0.01, 3000)
numbers = st.floats(1e5, 1e10)


@given(st.lists(st.tuples(thicknesses, conductivities, numbers), min_size=1, max_size=6))
def test_resistances_in_series_add(rows):
    layers = [Layer(str(i), d, k) for i, (d, k, _) in enumerate(rows)]
    got = Stack(layers, [g for *_, g in rows[1:]]).resistance()
    want = sum(d / k for d, k, _ in rows) + sum(1 / g for *_, g in rows[1:])
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=0)


@given(st.lists(st.tuples(thicknesses, conductivities), min_size=3, max_size=3), numbers, numbers)
def test_the_order_does_not_matter_and_a_cut_changes_nothing(rows, one, two):
    layers = [Layer(str(i), d, k) for i, (d, k) in enumerate(rows)]
    whole = Stack(layers, [one, two]).resistance()
    turned = Stack(layers[::-1], [two, one]).resistance()
    top, rest = Stack(layers[:1]), Stack(layers[1:], [two])
    np.testing.assert_allclose(turned, whole, rtol=1e-13, atol=0)
    np.testing.assert_allclose(top.resistance() + 1 / one + rest.resistance(), whole, rtol=1e-13, atol=0)


def film() -> Stack:
    of_temperature = Conductance([100, 400], [100 * MW, 200 * MW])
    return Stack(
        [Layer("Al", 85 * nm, 180), Layer("SiO2", 100 * nm, 1.4), Layer("Si", 1 * um, 140)], [150e6, of_temperature]
    )


def test_each_part_has_its_name():
    got = film().resistances(200)
    assert list(got) == ["Al", "Al|SiO2", "SiO2", "SiO2|Si", "Si"]
    np.testing.assert_allclose(got["SiO2"], 100e-9 / 1.4, rtol=1e-14, atol=0)
    np.testing.assert_allclose(got["SiO2|Si"], 1 / (np.sqrt(2) * 100e6), rtol=1e-12, atol=0)


def test_a_change_leaves_the_original_alone():
    before = film()
    after = before.replace({"SiO2.thickness": 200 * nm, "Al|SiO2.conductance": np.inf})
    np.testing.assert_allclose(after.resistance() - before.resistance(), 100e-9 / 1.4 - 1 / 150e6, rtol=1e-9, atol=0)
    assert film().resistance() == before.resistance()


def test_a_change_of_nothing_names_what_there_is():
    for key in ("Cu.thickness", "Al.colour", "Al|Si.conductance", "Al|SiO2.thickness", "thickness"):
        with pytest.raises(InputError, match=r"layers Al, SiO2, Si .* boundaries Al\|SiO2, SiO2\|Si"):
            film().replace({key: 1.0})


def test_only_the_extrapolated_drop_enters_a_stack():
    for drop in ("emitted", "local"):
        with pytest.raises(InputError, match=rf"^DMM Al\|Si refers to the {drop} drop; .* takes the extrapolated"):
            Boundary(Conductance([300], [1.0], drop=drop, method="DMM Al|Si"))
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError):
            Boundary(wrong)


def test_the_gray_estimate_enters_a_stack_only_when_it_is_accepted():
    """It carries its error, and keeps the flag through all that is made of it."""
    omega = np.linspace(0, 5e13, 50)
    modes = 2e18 * (omega / 5e13) ** 2
    gray = Transmission(omega, 0.3 * modes, modes, modes, method="DMM").conductance([200, 300], "extrapolated")
    assert gray.gray
    assert np.abs(gray.sigma / gray.value - GRAY_ERROR).max() <= 1e-12
    silver = Electrons("Ag", conductivity=400.0, lattice=4.0, coupling=1.5e16)
    metal = electron_phonon(gray, silver)
    for one in (gray, metal, series_conductance(gray, gray), merge_conductances([gray])):
        with pytest.raises(InputError, match=r"off by factors: apparent_conductance.* \.accept_gray\(\)"):
            Boundary(one)
        with pytest.raises(InputError, match=r"^gate\|what it touches: DMM.*off by factors"):
            Block(Layer("gate", 1e-8, 1.0, heat_capacity=1e6), Rectangle((0.0, 1e-8), (0.0, 1e-8)), 0.0, one)
        resistance = Boundary(one.accept_gray()).resistance(300.0)
        assert abs(resistance / one.resistance[-1] - 1) <= 1e-12
        assert (one.accept_gray().sigma == one.sigma).all()


def test_what_no_resistance_is_left_of():
    assert Boundary(np.inf).resistance() == 0


def test_layers_and_boundaries_that_do_not_fit():
    layer = Layer("Al", 1 * nm, 1)
    for layers, boundaries, words in (
        ([layer], [1.0], "1 layers have 0 boundaries, got 1"),
        ([layer, Layer("Si", 1, 1)], [], "2 layers have 1 boundaries, got 0"),
        ([layer, layer], [1.0], "'Al' stands 2 times"),
        ([], [], "one or more layers"),
        (["Al"], [], "one or more layers"),
        ("Al", [], "one or more layers"),
        ([layer], 3.0, "boundaries in a list"),
    ):
        with pytest.raises(InputError, match=words):
            Stack(layers, boundaries)


def test_layers_that_are_none():
    for wrong in (
        {"thickness": 0},
        {"thickness": -1},
        {"thickness": np.nan},
        {"conductivity": 0},
        {"conductivity": np.inf},
        {"in_plane": -1},
        {"heat_capacity": 0},
    ):
        with pytest.raises(InputError):
            Layer(**{"name": "x", "thickness": 1.0, "conductivity": 1.0, **wrong})
    assert Layer("substrate", np.inf, 140.0).resistance == np.inf


def test_a_tensor_and_its_elements_are_one():
    k = np.array([[12.0, 1.5, 2.0], [1.5, 6.5, 1.0], [2.0, 1.0, 10.0]])
    layer = Layer.from_tensor("x", np.inf, k, heat_capacity=2e6)
    np.testing.assert_array_equal(layer.tensor, k)
    assert layer.oblique
    assert not layer.axisymmetric
    changed = Stack([layer]).replace({"x.xz": 0.0, "x.conductivity": 11.0, "x.yz": 0.0}).layers[0]
    np.testing.assert_array_equal(changed.tensor, [[12.0, 1.5, 0.0], [1.5, 6.5, 0.0], [0.0, 0.0, 11.0]])
    assert Layer.from_tensor("x", 1.0, np.diag([3.0, 3.0, 2.0])).axisymmetric
    assert not Layer("x", 1.0, 3.0, in_plane_y=4.0).axisymmetric
    for wrong, words in (
        ([[1, 0], [0, 1]], "3 x 3"),
        ([[1, 0.5, 0], [0, 1, 0], [0, 0, 1]], "symmetric"),
        ([[1, 2, 0], [2, 1, 0], [0, 0, 1]], "not positive definite"),
        ([[1, 0, 0], [0, 1, 2], [0, 2, 1]], "not positive definite"),
    ):
        with pytest.raises(InputError, match=words):
            Layer.from_tensor("x", 1.0, wrong)


def test_a_tensor_may_be_off_symmetry_by_rounding_whatever_its_size():
    for size in (1e-3, 1.0, 1e3):
        for off, refused in ((1e-10, False), (1e-8, True)):
            tensor = size * (np.eye(3) + off * np.eye(3, k=1))
            if refused:
                with pytest.raises(InputError, match="symmetric"):
                    Layer.from_tensor("x", 1 * um, tensor)
            else:
                assert abs(Layer.from_tensor("x", 1 * um, tensor).conductivity / size - 1) <= 1e-15


def test_electrons_come_with_all_three_numbers():
    two = {"electron_conductivity": 300.0, "electron_heat_capacity": 2e4}
    assert Layer("Au", 1e-7, 3.0, heat_capacity=2.5e6, coupling=2.4e16, **two).coupling == 2.4e16
    with pytest.raises(InputError, match=r"Au: .* need electron_conductivity, .* got \(300.0, 20000.0, None\)"):
        Layer("Au", 1e-7, 3.0, **two)


def test_a_boundary_keeps_its_electrons_when_its_lattice_changes():
    pair = Stack([Layer("Au", 1e-7, 3.0), Layer("Si", np.inf, 140.0)], [Boundary(1e8, electron_conductance=2e8)])
    changed = pair.replace({"Au|Si.conductance": 3e8}).boundaries[0]
    assert (changed.conductance, changed.electron_conductance) == (3e8, 2e8)
    with pytest.raises(InputError, match="electron_conductance = -1"):
        Boundary(1.0, electron_conductance=-1)
