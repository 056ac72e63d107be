"""HyperSpy: files (.hspy) read with h5py alone, and signals in memory, recognised by their shape."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from os import PathLike
from types import ModuleType
from typing import Any

import numpy as np

from kapitza.core.arrays import Array
from kapitza.errors import DataError, Hint, InputError, MissingEngine
from kapitza.io.eels import signals
from kapitza.io.eels.signals import FileAxis, FileSignal, counts_of_dataset, file_axis
from kapitza.io.formats import foreign_hdf5
from kapitza.measure.eels.map import TemperatureMap
from kapitza.measure.eels.spectrum import SpectrumImage
from kapitza.units import eV, nm

_EXPERIMENTS_GROUP = "Experiments"
_DETECTOR_PREFIX = "Acquisition_instrument.TEM.Detector.EELS."
_EXPOSURE_KEYS = tuple(_DETECTOR_PREFIX + key for key in ("dwell_time", "exposure", "exposure_time"))  # s
_SIGNAL_TYPE_KEY = "Signal.signal_type"


def read_hspy(path: str | PathLike[str]) -> list[FileSignal]:
    """Return the signals of an .hspy file; axes given by an expression, and ragged data, are refused."""
    with foreign_hdf5.open_hdf5(path) as file:
        experiments = foreign_hdf5.local_member(file, _EXPERIMENTS_GROUP)
        found: list[FileSignal] = []
        for title in foreign_hdf5.member_names(experiments):
            group = foreign_hdf5.local_member(experiments, title)
            dataset = foreign_hdf5.local_dataset(group, "data")
            metadata = foreign_hdf5.flatten_metadata(_metadata_tree(group, "metadata"))
            axes = [_hspy_axis(group, i, size) for i, size in enumerate(dataset.shape)]
            found.append(describe_signal(counts_of_dataset(path, dataset), axes, metadata, title))
        return found


def describe_signal(counts: Any, axes: list[FileAxis], metadata: dict[str, Any], title: str = "") -> FileSignal:
    """Return counts with what the metadata of HyperSpy and RosettaSciIO say of them."""
    times = [signals.time_in_seconds(metadata.get(name)) for name in _EXPOSURE_KEYS]
    return FileSignal(
        counts=counts,
        axes=axes,
        title=title or str(metadata.get("General.title", "")),
        losses=str(metadata.get(_SIGNAL_TYPE_KEY, "")).upper() == "EELS",
        exposure=next((time for time in times if time is not None), None),
        metadata={key: value for key, value in metadata.items() if not key.startswith(("_HyperSpy", "General.FileIO"))},
    )


def is_hspy(file: Any) -> bool:
    """Whether an open HDF5 file is one of HyperSpy."""
    return _EXPERIMENTS_GROUP in foreign_hdf5.member_names(file)


def _hspy_axis(group: Any, number: int, size: int) -> FileAxis:
    entry = foreign_hdf5.local_member(group, f"axis-{number}")
    known = {
        key: foreign_hdf5.plain_attribute(entry, key)
        for key in ("name", "units", "navigate", "size", "offset", "scale")
    }
    kind = foreign_hdf5.plain_attribute(entry, "_type", "UniformDataAxis")
    if kind == "FunctionalDataAxis":
        raise DataError(
            f"axis {known['name']!r:.40} is given by an expression, which is not evaluated: convert it to points first"
        )
    if kind != "DataAxis":
        return file_axis(known, size)
    dataset = foreign_hdf5.local_dataset(entry, "axis")
    if len(dataset.shape) != 1:
        raise DataError(f"{dataset.name!r:.60} has the shape {dataset.shape}, expected points along one axis")
    return file_axis(known | {"axis": np.asarray(dataset[()], dtype=float)}, size)


def _metadata_tree(group: Any, name: str, depth: int = 0) -> Mapping[str, Any]:
    """Return nested groups of attributes as a mapping; links and what lies too deep are left out."""
    groups = foreign_hdf5.local_groups(group)
    if name not in groups or depth > foreign_hdf5.MAX_DEPTH:
        return {}
    node = groups[name]
    keys = islice(node.attrs, foreign_hdf5.MAX_ENTRIES)
    attributes = {str(key): foreign_hdf5.plain_attribute(node, key) for key in keys}
    return attributes | {inner: _metadata_tree(node, inner, depth + 1) for inner in foreign_hdf5.local_groups(node)}


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
    axes: list[FileAxis] = []
    for axis in sorted([*manager.navigation_axes, *manager.signal_axes], key=lambda axis: int(axis.index_in_array)):
        known = {key: getattr(axis, key, None) for key in ("name", "units", "navigate", "size", "offset", "scale")}
        uniform = getattr(axis, "is_uniform", hasattr(axis, "scale"))
        axes.append(file_axis(known | ({} if uniform else {"axis": axis.axis}), int(axis.size)))
    metadata: Any = getattr(signal, "metadata", None)
    tree = metadata.as_dictionary() if hasattr(metadata, "as_dictionary") else metadata
    described = describe_signal(data, axes, foreign_hdf5.flatten_metadata(signals.mapping_or_empty(tree)))
    calibration = signals.UserCalibration(energy_unit=energy_unit, position_unit=position_unit)
    return signals.spectrum_image(described, calibration, described.title or type(signal).__name__)


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
        hint = Hint(python=f"take .parameter({name!r}) itself")
        raise InputError("a map of a single spectrum has no axes:", hint=hint)
    values = found.parameter_sigma(name) if sigma else found.parameter(name)
    api = _hyperspy_api()
    kind = api.signals.Signal2D if len(found.shape) == 2 else api.signals.Signal1D
    metadata = {"General": {"title": f"{'sigma of ' if sigma else ''}{name}"}}
    entries = [entry | {"navigate": False} for entry in _hyperspy_positions(found.position)]
    return kind(values.copy(), axes=entries, metadata=metadata)


def _hyperspy_api() -> ModuleType:
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
