"""Signals of HyperSpy, by their shape and, where it is installed, themselves."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import kapitza
from kapitza.io.eels.hyperspy import axis_entry, map_to_hyperspy, to_hyperspy
from kapitza.io.eels.signals import RearrangedArray
from kapitza.measure.eels.map import TemperatureMap
from kapitza.units import meV, nm


def axis(i: int, size: int, offset: float, scale: float, units: str, navigate: bool) -> SimpleNamespace:
    return SimpleNamespace(
        index_in_array=i,
        size=size,
        offset=offset,
        scale=scale,
        units=units,
        name="",
        navigate=navigate,
        is_uniform=True,
    )


def signal(data: Any, energy: SimpleNamespace, *places: SimpleNamespace) -> SimpleNamespace:
    """What has the shape of a signal; the axes of navigation come x first, as HyperSpy gives them."""
    manager = SimpleNamespace(navigation_axes=places[::-1], signal_axes=(energy,))
    tree = {"General": {"title": "toy"}, "Acquisition_instrument": {"TEM": {"beam_energy": 60.0}}}
    return SimpleNamespace(data=data, axes_manager=manager, metadata=SimpleNamespace(as_dictionary=lambda: tree))


class Deferred:
    """Counts that are tasks, as those of a lazy signal are."""

    def __init__(self, data: Any) -> None:
        self.data, self.shape, self.dtype, self.asked = data, data.shape, data.dtype, 0

    def __getitem__(self, key: Any) -> "Deferred":
        return Deferred(self.data[key])

    def compute(self) -> Any:
        return self.data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.data, dtype=dtype)


def toy(made: Any, lazy: bool = False) -> SimpleNamespace:
    counts = made((3, 4, 64))
    places = (axis(0, 3, 1.0, 2.0, "nm", True), axis(1, 4, 0.0, 1.0, "nm", True))
    return signal(Deferred(counts) if lazy else counts, axis(2, 64, -0.016, 5e-4, "eV", False), *places)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_signal_is_taken(lazy: bool, made) -> None:
    image = kapitza.io.from_hyperspy(toy(made, lazy))
    np.testing.assert_array_equal(image.counts[...], made((3, 4, 64)))
    np.testing.assert_array_equal(image.block(2, 7), made((3, 4, 64)).reshape(-1, 64)[2:7])
    np.testing.assert_allclose(image.energy[[0, -1]] / meV, [-16, 15.5], rtol=1e-12, atol=0)
    np.testing.assert_allclose(image.position[0] / nm, [1, 3, 5], rtol=1e-12, atol=0)
    np.testing.assert_allclose(image.position[1] / nm, [0, 1, 2, 3], rtol=1e-12, atol=0)
    assert image.metadata["Acquisition_instrument.TEM.beam_energy"] == 60.0
    assert isinstance(image.counts, RearrangedArray) == lazy


def test_points_one_by_one(made) -> None:
    energy = axis(1, 64, 0, 1, "eV", False)
    place = SimpleNamespace(
        index_in_array=0, size=3, units="nm", name="x", navigate=True, is_uniform=False, axis=[0.0, 1.0, 4.0]
    )
    energy.offset, energy.scale = -0.016, 5e-4
    image = kapitza.io.from_hyperspy(signal(made((3, 64)), energy, place))
    np.testing.assert_allclose(image.position[0] / nm, [0, 1, 4], rtol=1e-12, atol=0)


def test_what_is_no_signal(made) -> None:
    with pytest.raises(kapitza.errors.InputError, match="got ndarray"):
        kapitza.io.from_hyperspy(made((3, 64)))
    with pytest.raises(kapitza.errors.DataError, match="has the unit 'mrad'"):
        kapitza.io.from_hyperspy(
            signal(made((3, 64)), axis(1, 64, -0.016, 5e-4, "eV", False), axis(0, 3, 0, 1, "mrad", True))
        )


class Made:
    """A signal that remembers how it was made."""

    def __init__(self, data: Any, axes: Any, metadata: Any) -> None:
        self.data, self.axes, self.tree = data, axes, metadata
        self.metadata = SimpleNamespace(set_item=lambda name, value: self.tree.update({name: value}))
        self.kind = ""

    def set_signal_type(self, kind: str) -> None:
        self.kind = kind


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """HyperSpy with nothing in it."""
    api = ModuleType("hyperspy.api")
    api.signals = SimpleNamespace(Signal1D=Made, Signal2D=Made)  # pyright: ignore[reportAttributeAccessIssue]
    exspy = ModuleType("exspy")
    exspy.__spec__ = ModuleSpec("exspy", None)
    for name, module in {"hyperspy": ModuleType("hyperspy"), "hyperspy.api": api, "exspy": exspy}.items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.usefixtures("engine")
def test_spectra_are_given_back(made) -> None:
    image = kapitza.io.from_hyperspy(toy(made))
    back = to_hyperspy(image)
    np.testing.assert_array_equal(back.data, made((3, 4, 64)))
    assert [one["name"] for one in back.axes] == ["y", "x", "Energy loss"]
    assert [one["units"] for one in back.axes] == ["nm", "nm", "eV"]
    assert [one["navigate"] for one in back.axes] == [True, True, False]
    np.testing.assert_allclose([back.axes[2]["offset"], back.axes[2]["scale"]], [-0.016, 5e-4], rtol=1e-12, atol=0)
    assert (back.kind, back.tree["General"]["title"]) == ("EELS", "toy")
    assert back.tree["Acquisition_instrument.TEM.beam_energy"] == 60.0


def small_map(image: kapitza.eels.SpectrumImage) -> TemperatureMap:
    shape = image.shape
    value = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(*shape, 1)
    nothing = np.zeros(shape)
    covariance = np.full((*shape, 1, 1), 4.0)
    return TemperatureMap(
        position=image.position,
        names=("temperature",),
        value=value,
        covariance=covariance,
        flag=nothing,
        pvalue=nothing + 1,
        deviance=nothing,
        iterations=nothing,
    )


@pytest.mark.usefixtures("engine")
def test_maps_are_given_back(made) -> None:
    found = small_map(kapitza.io.from_hyperspy(toy(made)))
    back = map_to_hyperspy(found)
    np.testing.assert_array_equal(back.data, found.temperature)
    np.testing.assert_array_equal(map_to_hyperspy(found, sigma=True).data, np.full((3, 4), 2.0))
    single = TemperatureMap(
        position=(), names=("temperature",), value=[1.0], covariance=[[1.0]], flag=0, pvalue=1, deviance=0, iterations=0
    )
    with pytest.raises(kapitza.errors.InputError, match="a single spectrum has no axes"):
        map_to_hyperspy(single)


def test_without_hyperspy(made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hyperspy", None)
    with pytest.raises(kapitza.errors.MissingEngine, match="needs hyperspy: pip install hyperspy exspy"):
        to_hyperspy(kapitza.io.from_hyperspy(toy(made)))


def test_axes_of_any_kind() -> None:
    assert axis_entry(np.array([3.0]), "x", "nm") == {
        "name": "x",
        "units": "nm",
        "size": 1,
        "offset": 3.0,
        "scale": 1.0,
    }
    np.testing.assert_array_equal(axis_entry(np.array([0.0, 1.0, 3.0]), "x", "nm")["axis"], [0, 1, 3])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("lazy", [False, True])
def test_hyperspy_itself(lazy: bool, data) -> None:
    api = pytest.importorskip("hyperspy.api")
    path = data("eels/vib_line.hspy")
    image, whole = kapitza.io.from_hyperspy(api.load(path, lazy=lazy)), kapitza.eels.read_eels(path)
    np.testing.assert_array_equal(image.counts[...], whole.counts[...])
    np.testing.assert_array_equal(image.energy, whole.energy)
    again = kapitza.io.from_hyperspy(to_hyperspy(image))
    np.testing.assert_array_equal(again.counts[...], whole.counts[...])
    np.testing.assert_allclose(again.energy, whole.energy, rtol=1e-9, atol=1e-9 * meV)
    assert map_to_hyperspy(small_map(image)).data.shape == (4, 32)
