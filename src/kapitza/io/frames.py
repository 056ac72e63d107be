"""Records as data sets of xarray and frames of pandas, with units, and exactly back."""

import json
from collections.abc import Callable, Collection, Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kapitza.core.arrays import is_increasing
from kapitza.core.record_display import attributes
from kapitza.core.records import BaseRecord
from kapitza.errors import DataError, Hint, require
from kapitza.io.formats.arrays import array_from_json, array_to_json, frozen_array, known_dtype, storable_array
from kapitza.io.formats.child import rehearse, run_in_child
from kapitza.io.formats.files import parse_json
from kapitza.io.formats.foreign_hdf5 import local_dataset, member_names, open_hdf5, plain_attribute
from kapitza.io.formats.records import pack, unpack
from kapitza.io.results import file_header, result_of_header, stored_units

_HEADER = "kapitza"  # attribute that holds all but the arrays
_EXTRA = "xarray"


def to_xarray(result: Any) -> Any:
    """Return a result as an xarray.Dataset: each array a variable with its unit, all else in the attribute "kapitza".

    Arrays of records in it have the name of their place, such as ``left.omega``.  What increases along one axis is the
    coordinate of that axis.  `from_xarray` gives the same bits back, also after ``to_netcdf`` and
    ``xarray.open_dataset`` (engine h5netcdf; complex numbers stay in memory).

    Parameters
    ----------
    result : a record that `kapitza.save` takes, or a tuple or dict of them

    Raises
    ------
    InputError
        for what `kapitza.save` refuses
    MissingEngine
        without xarray
    """
    xarray = require("xarray", extra=_EXTRA, why="a data set of xarray")
    header, arrays = _pack_result(result)
    units = stored_units(header["result"])
    axes = _axis_names(arrays)
    variables = {name: (axes[name], array, {"units": units.get(name, "")}) for name, array in arrays.items()}
    coordinates = {name: one for name, one in variables.items() if one[0] == (name,)}
    others = {name: one for name, one in variables.items() if name not in coordinates}
    return xarray.Dataset(others, coordinates, {_HEADER: json.dumps(header, ensure_ascii=False, allow_nan=False)})


def from_xarray(dataset: Any) -> Any:
    """Return the result of which `to_xarray` made a data set, bit by bit.

    Raises
    ------
    DataError
        for another data set, or one without some of its arrays
    """
    names = {str(name) for name in getattr(dataset, "variables", ())}
    return _unpack_result(dataset, names, lambda name: dataset[name].values)


def to_pandas(result: Any) -> Any:
    """Return a result as a pandas.DataFrame: a column for each list of numbers, with their units in ``attrs["units"]``.

    The columns are the lists as long as the longest, or, of a record without lists, its single numbers and texts in one
    row.  Other arrays and all else are in ``attrs["kapitza"]``, from which, with the columns that are lists,
    `from_pandas` makes the same bits again.

    Parameters
    ----------
    result : a record that `kapitza.save` takes, or a tuple or dict of them

    Raises
    ------
    InputError
        for what `kapitza.save` refuses
    MissingEngine
        without pandas
    """
    pandas = require("pandas", extra=_EXTRA, why="a frame of pandas")
    header, arrays = _pack_result(result)
    units = stored_units(header["result"])
    rows = max((one.size for one in arrays.values() if one.ndim == 1), default=0)
    columns = {name: one for name, one in arrays.items() if one.shape == (rows,)}
    header, _ = _pack_result(result, columns)
    if columns:
        frame, shown = pandas.DataFrame(columns), {name: units.get(name, "") for name in columns}
    else:
        single = _single_values(result)
        frame = pandas.DataFrame({name: [value] for name, (value, _) in single.items()}, index=[0])
        shown = {name: unit for name, (_, unit) in single.items()}
    frame.attrs = {"units": shown, _HEADER: json.dumps(header, ensure_ascii=False, allow_nan=False)}
    return frame


def from_pandas(frame: Any) -> Any:
    """Return the result of which `to_pandas` made a frame, bit by bit.

    Raises
    ------
    DataError
        for another frame, or one without some of its columns
    """
    return _unpack_result(frame, {str(name) for name in getattr(frame, "columns", ())}, lambda name: frame[name].values)


def read_netcdf(path: str | PathLike[str]) -> Any:
    """Return the result whose data set ``to_xarray().to_netcdf(path, engine="h5netcdf")`` wrote, bit by bit.

    Raises
    ------
    DataError
        for a file that is no NetCDF, one of another program, or a damaged one
    MissingEngine
        without h5py
    """
    run_in_child(rehearse_netcdf, str(path))
    return _netcdf_result(str(path))


def rehearse_netcdf(path: str) -> None:
    """Read a NetCDF file in the child as the process that asked will do afterwards."""
    rehearse(_netcdf_result, path)


def _netcdf_result(path: str) -> Any:
    try:
        with open_hdf5(path) as file:
            header = plain_attribute(file, _HEADER)
            if not isinstance(header, str):
                raise DataError("is NetCDF without the header of a result that kapitza wrote")
            return _result_from(header, set(member_names(file)), lambda name: _netcdf_array(file, name))
    except DataError as err:
        raise DataError(str(err), file=path) from err


def _netcdf_array(file: Any, name: str) -> NDArray[Any]:
    """An array of a NetCDF file; truth values are stored as numbers of one byte."""
    dataset = local_dataset(file, name)
    array = np.asarray(dataset[()])
    return array.astype(bool) if plain_attribute(dataset, "dtype") == "bool" else array


def _pack_result(result: Any, stored: Collection[str] | None = None) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header of a result, and its arrays by their places; those that are not `stored` are in the header too."""
    arrays: dict[str, NDArray[Any]] = {}

    def store(place: str, array: NDArray[Any]) -> dict[str, Any]:
        name = place or "value"
        arrays[name] = storable_array(array)
        return {"$stored": name} if stored is None or name in stored else array_to_json(place, array)

    return file_header(result) | {"result": pack(result, store)}, arrays


def _single_values(result: Any, place: str = "") -> dict[str, tuple[Any, str]]:
    """Numbers, texts and truth values of a result by their places, such as ``layers.0.thickness``, with their units."""
    if isinstance(result, BaseRecord):
        parts = [(one.name, one.value, one.unit) for one in attributes(result)]
    elif isinstance(result, Mapping):
        parts = [(str(key), value, "") for key, value in result.items()]
    else:
        parts = [(str(i), value, "") for i, value in enumerate(result)]
    single: dict[str, tuple[Any, str]] = {}
    for name, value, unit in parts:
        if isinstance(value, (str, bool, int, float)):
            single[f"{place}{name}"] = value, unit
        elif isinstance(value, (BaseRecord, Mapping, tuple, list)):
            single |= _single_values(value, f"{place}{name}.")
    return single


def _unpack_result(holder: Any, names: Collection[str], values: Callable[[str], Any]) -> Any:
    """Return the result of a header among the attributes of `holder` and of its arrays."""
    text = getattr(holder, "attrs", {}).get(_HEADER)
    if not isinstance(text, str):
        message = f"expected a result as a table or a dataset, got {type(holder).__name__} without its header"
        raise DataError(message, hint=Hint(python="`to_xarray` and `to_pandas` make them"))
    return _result_from(text, names, values)


def _result_from(header: str, names: Collection[str], values: Callable[[str], Any]) -> Any:
    def fetch(node: dict[str, Any]) -> NDArray[Any] | None:
        if "$stored" not in node:
            return array_from_json(node)
        name = node["$stored"]
        if not isinstance(name, str) or name not in names:
            raise DataError(f"has no array {name!r:.60}")
        array = np.array(values(name), order="C")
        known_dtype(array.dtype.newbyteorder("<").str)
        return frozen_array(array)

    return unpack(result_of_header(parse_json(header.encode()), sealed=True), fetch)


def _axis_names(arrays: Mapping[str, NDArray[Any]]) -> dict[str, tuple[str, ...]]:
    """Names of the axes of each array: of the first list of the same record that increases and is as long, or numbers.

    No array has the same axis twice, as a covariance would.
    """
    axes: dict[tuple[str, int], str] = {}
    for name, array in arrays.items():
        if array.ndim == 1 and array.dtype.kind in "fiu" and array.size > 1 and is_increasing(array):
            axes.setdefault((name.rpartition(".")[0], array.size), name)
    found: dict[str, tuple[str, ...]] = {}
    for name, array in arrays.items():
        home, dot, _ = name.rpartition(".")
        own = [axes.get((home, size), f"{home}{dot}axis_{size}") for size in array.shape]
        found[name] = tuple(f"{one}_{own[:i].count(one) + 1}" if one in own[:i] else one for i, one in enumerate(own))
    return found
