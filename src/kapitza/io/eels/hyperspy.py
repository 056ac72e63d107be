"""HyperSpy: files (.hspy) read with h5py alone, and signals in memory, recognised by their shape."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from os import PathLike
from types import ModuleType
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import DataError, Hint, InputError, MissingEngine
from kapitza.io.eels.lazy import counts_of_dataset
from kapitza.io.eels.signals import (
    FileAxis,
    FileSignal,
    UserCalibration,
    file_axis,
    mapping_or_empty,
    spectrum_image,
    time_in_seconds,
)
from kapitza.io.formats.foreign_hdf5 import (
    MAX_DEPTH,
    MAX_ENTRIES,
    flatten_metadata,
    local_dataset,
    local_groups,
    local_member,
    member_names,
    open_hdf5,
    plain_attribute,
)
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import eV, nm

_EXPERIMENTS_GROUP = "Experiments"
_DETECTOR_PREFIX = "Acquisition_instrument.TEM.Detector.EELS."
_EXPOSURE_KEYS = (
    f"{_DETECTOR_PREFIX}dwell_time",
    f"{_DETECTOR_PREFIX}exposure",
    f"{_DETECTOR_PREFIX}exposure_time",
)  # s
_SIGNAL_TYPE_KEY = "Signal.signal_type"


def read_hspy(path: str | PathLike[str]) -> list[FileSignal]:
    """Return the signals of an .hspy file; axes given by an expression, and ragged data, are refused."""
    with open_hdf5(path) as file:
        experiments = local_member(file, _EXPERIMENTS_GROUP)
        signals: list[FileSignal] = []
        for title in member_names(experiments):
            group = local_member(experiments, title)
            dataset = local_dataset(group, "data")
            metadata = flatten_metadata(_metadata_tree(group, "metadata"))
            axes = [_hspy_axis(group, i, size) for i, size in enumerate(dataset.shape)]
            signals.append(describe_signal(counts_of_dataset(path, dataset), axes, metadata, title))
        return signals


def describe_signal(counts: Any, axes: list[FileAxis], metadata: dict[str, Any], title: str = "") -> FileSignal:
    """Return counts with what the metadata of HyperSpy and RosettaSciIO say of them."""
    times = [time_in_seconds(metadata.get(name)) for name in _EXPOSURE_KEYS]
    return FileSignal(
        counts=counts,
        axes=axes,
        title=title or str(metadata.get("General.title", "")),
        losses=str(metadata.get(_SIGNAL_TYPE_KEY, "")).upper() == "EELS",
        exposure=next((one for one in times if one is not None), None),
        metadata={key: value for key, value in metadata.items() if not key.startswith(("_HyperSpy", "General.FileIO"))},
    )


def is_hspy(file: Any) -> bool:
    """Whether an open HDF5 file is one of HyperSpy."""
    return _EXPERIMENTS_GROUP in member_names(file)


def _hspy_axis(group: Any, number: int, size: int) -> FileAxis:
    """Return one axis of the data."""
    entry = local_member(group, f"axis-{number}")
    known = {key: plain_attribute(entry, key) for key in ("name", "units", "navigate", "size", "offset", "scale")}
    kind = plain_attribute(entry, "_type", "UniformDataAxis")
    if kind == "FunctionalDataAxis":
        raise DataError(
            f"axis {known['name']!r:.40} is given by an expression, which is not evaluated: convert it to points first"
        )
    return file_axis(known | ({"axis": _axis_points_of(entry)} if kind == "DataAxis" else {}), size)


def _axis_points_of(entry: Any) -> Array:
    """Return the points of an axis that lists them."""
    dataset = local_dataset(entry, "axis")
    if len(dataset.shape) != 1:
        raise DataError(f"{dataset.name!r:.60} has the shape {dataset.shape}, expected points along one axis")
    return np.asarray(dataset[()], dtype=float)


def _metadata_tree(group: Any, name: str, depth: int = 0) -> Mapping[str, Any]:
    """Return nested groups of attributes as a mapping; links and what lies too deep are left out."""
    groups = local_groups(group)
    if name not in groups or depth > MAX_DEPTH:
        return {}
    node = groups[name]
    found: dict[str, Any] = {}
    for i, key in enumerate(node.attrs):
        if i >= MAX_ENTRIES:
            break
        found[str(key)] = plain_attribute(node, key)
    return found | {inner: _metadata_tree(node, inner, depth + 1) for inner in local_groups(node)}


_INSTRUMENT_PREFIX = "Acquisition_instrument."


def from_hyperspy(signal: Any, *, energy_unit: str | None = None, position_unit: str | None = None) -> SpectrumImage:
    """Return the spectra of a signal of HyperSpy, or of anything with its `.data` and `.axes_manager`.

    Lazy signals stay lazy: they are computed block by block.

    Parameters
    ----------
    signal : spectra on up to two axes of navigation
    energy_unit, position_unit : units of the axes in place of those that the signal names

    Raises
    ------
    InputError
        if it has no data or axes
    DataError
        if its axes are not those of spectra, or not calibrated
    """
    data, manager = getattr(signal, "data", None), getattr(signal, "axes_manager", None)
    if data is None or manager is None:
        raise InputError(f"expected a signal with .data and .axes_manager, got {type(signal).__name__}")
    found = [*manager.navigation_axes, *manager.signal_axes]
    axes = [_signal_axis(one) for one in sorted(found, key=lambda one: int(one.index_in_array))]
    metadata: Any = getattr(signal, "metadata", None)
    tree = metadata.as_dictionary() if hasattr(metadata, "as_dictionary") else metadata
    described = describe_signal(data, axes, flatten_metadata(mapping_or_empty(tree)))
    calibration = UserCalibration(energy_unit=energy_unit, position_unit=position_unit)
    return spectrum_image(described, calibration, described.title or type(signal).__name__)


def _signal_axis(one: Any) -> FileAxis:
    """Return one axis of a signal."""
    known = {key: getattr(one, key, None) for key in ("name", "units", "navigate", "size", "offset", "scale")}
    uniform = getattr(one, "is_uniform", hasattr(one, "scale"))
    return file_axis(known | ({} if uniform else {"axis": one.axis}), int(one.size))


def to_hyperspy(image: SpectrumImage) -> Any:
    """Return spectra as a signal of HyperSpy: of type EELS where eXSpy is installed, energies in eV, positions in nm.

    The counts are not copied where they lie in memory.
    """
    api = _hyperspy_api()
    axes = [*_hyperspy_positions(image.position), axis_entry(image.energy / eV, "Energy loss", "eV")]
    axes[-1] |= {"navigate": False, "is_binned": True}
    metadata = {"General": {"title": str(image.metadata.get("title", ""))}}
    signal = api.signals.Signal1D(np.asarray(image.counts[...]), axes=axes, metadata=metadata)
    for name, value in image.metadata.items():
        if name.startswith(_INSTRUMENT_PREFIX):
            signal.metadata.set_item(name, value)
    if find_spec("exspy") is not None:
        signal.set_signal_type("EELS")
    return signal


def map_to_hyperspy(found: TemperatureMap, name: str = "temperature", *, sigma: bool = False) -> Any:
    """Return one parameter of a map, or its standard uncertainty, as a signal of HyperSpy over positions in nm."""
    if not found.shape:
        raise InputError(
            "a map of a single spectrum has no axes:", hint=Hint(python=f"take .parameter({name!r}) itself")
        )
    values = found.parameter_sigma(name) if sigma else found.parameter(name)
    api = _hyperspy_api()
    kind = api.signals.Signal2D if len(found.shape) == 2 else api.signals.Signal1D
    metadata = {"General": {"title": f"{'sigma of ' if sigma else ''}{name}"}}
    entries = [entry | {"navigate": False} for entry in _hyperspy_positions(found.position)]
    return kind(values.copy(), axes=entries, metadata=metadata)


def _hyperspy_api() -> ModuleType:
    """Return the interface of HyperSpy, or say how to get it."""
    try:
        return import_module("hyperspy.api")
    except ImportError as err:
        raise MissingEngine("giving signals back needs hyperspy: pip install hyperspy exspy") from err


def _hyperspy_positions(position: tuple[Array, ...]) -> list[dict[str, Any]]:
    """Return axes of position in nm; the last one is x."""
    names = ("y", "x")[2 - len(position) :]
    return [axis_entry(axis / nm, name, "nm") | {"navigate": True} for axis, name in zip(position, names, strict=True)]


def axis_entry(points: Array, name: str, units: str) -> dict[str, Any]:
    """Return an axis as HyperSpy is told of it: uniform where it is, else by its points."""
    step = float(points[-1] - points[0]) / max(1, points.size - 1) or 1.0
    entry: dict[str, Any] = {"name": name, "units": units}
    if np.abs(points - (points[0] + step * np.arange(points.size))).max() < 1e-6 * abs(step):
        return entry | {"size": points.size, "offset": float(points[0]), "scale": step}
    return entry | {"axis": points.copy()}
