"""Records as data sets of xarray and frames of pandas: units, axes, every bit back."""

import math
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

import kapitza
from kapitza.core.conductance import Conductance
from kapitza.core.profile import Profile
from kapitza.core.stack import Boundary, Layer, Stack
from kapitza.core.transmission import Transmission
from kapitza.errors import DataError, InputError
from kapitza.io.frames import from_pandas, from_xarray
from kapitza.io.results import encode_result

FOLDER = Path(__file__).resolve().parents[1] / "data" / "saved-0.1.0"
SPECTRUM = Transmission([0.0, 1e12, 2e12], [0.0, math.pi, 5e-324], [1.0, 7.0, 1e17], [1.0, 7.0, 1e17], method="é|µ")
CONDUCTANCE = Conductance([10, 300], [0.1 + 0.2, np.inf], [1e-300, 5e-324], source="10.1/x")
PROFILE = Profile([0, 1e-9, 2e-9], [3, 2, 1], covariance=np.eye(3) * 0.25)
STACK = Stack([Layer("Al", 8e-8, 180), Layer("Si", np.inf, 130, in_plane=140)], [CONDUCTANCE])


def content(record: Any) -> bytes:
    """All bits of a record, as a file holds them, without the date."""
    return encode_result(record, ".json").partition(b'"result"')[2]


def saved() -> list[Any]:
    """Records with tuples, mappings, complex numbers, truth values and arrays of two axes, of files of 0.1.0."""
    names = ("Transport", "HeatRun", "Khalatnikov", "Device", "InterfaceModes", "Conversion")
    return [kapitza.load(FOLDER / (f"{name}.json")) for name in names]


def records() -> list[Any]:
    return [SPECTRUM, CONDUCTANCE, PROFILE, STACK, Boundary(1e8), *saved()]


def test_data_sets_come_back_bit_by_bit() -> None:
    pytest.importorskip("xarray")
    for one in records():
        assert content(from_xarray(one.to_xarray())) == content(one)


def test_frames_come_back_bit_by_bit() -> None:
    pytest.importorskip("pandas")
    for one in records():
        again = from_pandas(one.to_pandas())
        assert type(again) is type(one)
        assert content(again) == content(one)


def test_netcdf_comes_back_bit_by_bit(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    for one in (SPECTRUM, CONDUCTANCE, PROFILE, STACK):
        path = tmp_path / f"{type(one).__name__}.nc"
        one.to_xarray().to_netcdf(path, engine="h5netcdf")
        with xarray.open_dataset(path, engine="h5netcdf") as dataset:
            assert content(from_xarray(dataset)) == content(one)
    assert content(kapitza.read(path)) == content(STACK)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"Stack\.nc: is not a valid HDF5 file"):
        kapitza.read(path)
    xarray.Dataset({"a": ("x", [1.0])}).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(DataError, match="without the header of a result"):
        kapitza.read(path)


def test_a_data_set_has_axes_and_units() -> None:
    pytest.importorskip("xarray")
    dataset = SPECTRUM.to_xarray()
    assert dataset["total"].dims == ("omega",)
    assert dataset["total"].attrs["units"] == "m^-2"
    assert dataset.coords["omega"].attrs["units"] == "rad s^-1"
    assert float(dataset["total"].sel(omega=1e12)) == math.pi
    covariance = PROFILE.to_xarray()["covariance"]
    assert covariance.dims == ("position", "position_2")
    assert STACK.to_xarray()["boundaries.0.conductance.value"].attrs["units"] == "W m^-2 K^-1"


def test_infinite_neighbours_are_no_axis_and_no_warning() -> None:
    """As of perfect boundaries: conductances that are infinite at two temperatures."""
    pytest.importorskip("xarray")
    perfect = Conductance([10, 300], [np.inf, np.inf], [0, np.inf])
    assert perfect.to_xarray()["value"].dims == ("temperature",)
    assert content(from_xarray(perfect.to_xarray())) == content(perfect)


def test_a_frame_has_columns_and_units() -> None:
    pytest.importorskip("pandas")
    frame = CONDUCTANCE.to_pandas()
    assert list(frame.columns) == ["temperature", "value", "sigma"]
    assert frame.attrs["units"]["value"] == "W m^-2 K^-1"
    np.testing.assert_array_equal(frame["value"], CONDUCTANCE.value)


def test_other_data_are_refused_in_one_line() -> None:
    xarray = pytest.importorskip("xarray")
    damaged = SPECTRUM.to_xarray().drop_vars("total")
    for wrong in (xarray.Dataset(), damaged, None, SPECTRUM.to_pandas().drop(columns="total")):
        with pytest.raises(DataError) as caught:
            (from_xarray if wrong is None or hasattr(wrong, "dims") else from_pandas)(wrong)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot save"):
        kapitza.material("Si").to_xarray()


def test_numbers_with_units_are_converted_to_those_of_the_attribute() -> None:
    pint = pytest.importorskip("pint")
    unit = pint.UnitRegistry()
    layer = Layer("Al", 80 * unit.nm, conductivity=1.8 * unit("W/cm/K"))
    assert abs(layer.thickness / 8e-8 - 1) <= 1e-15
    assert abs(layer.conductivity / 180 - 1) <= 1e-15
    found = Conductance(np.array([26.85, 76.85]) * unit.degC, [0.1, 0.2] * unit("GW/m^2/K"))
    np.testing.assert_allclose(found.temperature, [300, 350], rtol=1e-12, atol=0)
    np.testing.assert_allclose(found.value, [1e8, 2e8], rtol=1e-12, atol=0)
    assert abs(attrs.evolve(layer, thickness=1 * unit.um).thickness / 1e-6 - 1) <= 1e-15
    listed = Profile([0 * unit.nm, 1 * unit.nm, 2 * unit.nm], [3, 2, 1])
    np.testing.assert_allclose(listed.position, [0, 1e-9, 2e-9], rtol=1e-15, atol=0)


def test_wrong_units_are_refused_in_one_line() -> None:
    """A length for a conductance; a frequency in Hz for one in rad/s, which units would take for the same."""
    pint = pytest.importorskip("pint")
    unit = pint.UnitRegistry()
    with pytest.raises(InputError, match=r"expected a number that can be given in m, got 80 second"):
        Layer("Al", 80 * unit.s, 180)
    with pytest.raises(InputError, match=r"omega: expected a number in rad s\^-1, .* 2π rad"):
        Transmission([1.0, 2.0] * unit.THz, [1.0, 1.0])
    spectrum = Transmission([1.0, 2.0] * unit("Trad/s"), [1.0, 1.0])
    np.testing.assert_allclose(spectrum.omega, [1e12, 2e12], rtol=1e-15, atol=0)


def test_a_record_without_lists_is_one_row() -> None:
    pytest.importorskip("pandas")
    frame = STACK.layers[0].to_pandas()
    assert frame.shape[0] == 1
    assert frame.at[0, "thickness"] == 8e-8
    assert frame.attrs["units"]["conductivity"] == "W m^-1 K^-1"
    assert content(from_pandas(frame)) == content(STACK.layers[0])
    bare = Stack([Layer("Al", 8e-8, 180), Layer("Si", np.inf, 130)], [Boundary(1e8)]).to_pandas()
    assert bare.at[0, "layers.1.name"] == "Si"
    assert bare.at[0, "boundaries.0.conductance"] == 1e8
    assert bare.attrs["units"]["boundaries.0.conductance"] == "W m^-2 K^-1"
